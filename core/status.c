#include "core/status.h"

#include <stdio.h>
#include <string.h>

cnx_status cnx_fail(cnx_error *err, cnx_status code, const char *fmt, ...)
{
    if (err) {
        /* The arguments may point into the old message, so the new one is built beside it. */
        char text[sizeof err->message];
        va_list args;
        va_start(args, fmt);
        vsnprintf(text, sizeof text, fmt, args);
        va_end(args);
        err->status = code;
        memcpy(err->message, text, sizeof text);
    }
    return code;
}

void cnx_error_prefix(cnx_error *err, const char *fmt, ...)
{
    if (!err)
        return;
    char text[sizeof err->message];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        return;
    /* What does not fit is cut off at the end, on purpose. */
    const size_t room = sizeof text - (size_t)n;
    if (room > 3)
        snprintf(text + n, room, ": %.*s", (int)(room - 3), err->message);
    memcpy(err->message, text, sizeof text);
}
