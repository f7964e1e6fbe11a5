#include "tools/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "tools/words.h"

static void say(const char *kind, const char *fmt, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    if (text)
        cnx_words_printable(text);
    fprintf(stderr, "cnx: %s%s\n", kind, text ? text : fmt);
    free(text);
}

void cnx_console_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say("error: ", fmt, args);
    va_end(args);
}

void cnx_console_warning(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say("warning: ", fmt, args);
    va_end(args);
}

void cnx_console_note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say("", fmt, args);
    va_end(args);
}

int cnx_console_exit_code(const cnx_error *error)
{
    switch (error->status) {
    case CNX_OK:
        return CNX_EXIT_DONE;
    case CNX_ERR_ARGUMENT:
        return CNX_EXIT_USAGE;
    case CNX_ERR_INTERRUPTED:
        return CNX_EXIT_INTERRUPTED;
    case CNX_ERR_IO:
    case CNX_ERR_FORMAT:
    case CNX_ERR_UNSUPPORTED:
    case CNX_ERR_MODEL:
    case CNX_ERR_MEMORY:
    case CNX_ERR_INTERNAL:
        break;
    }
    return CNX_EXIT_FAILED;
}

int cnx_console_fail(const cnx_error *error)
{
    if (error->status == CNX_ERR_INTERRUPTED)
        cnx_console_note("interrupted");
    else
        cnx_console_error("%s", error->message);
    return cnx_console_exit_code(error);
}

cnx_status cnx_console_flush(cnx_error *err)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return CNX_OK;
    const int reason = errno;
    clearerr(stdout);
    __fpurge(stdout); /* or the same failure would come back with the next flush */
    if (reason == EPIPE)
        return cnx_fail(err, CNX_ERR_IO, "%s", "");
    return cnx_fail(err, CNX_ERR_IO, "standard output: %s",
                    reason ? strerror(reason) : "an earlier write failed");
}

int cnx_console_finish(int code)
{
    cnx_error error = {0};
    if (cnx_console_flush(&error) == CNX_OK)
        return code;
    if (error.message[0])
        cnx_console_error("%s", error.message);
    return CNX_EXIT_FAILED;
}
