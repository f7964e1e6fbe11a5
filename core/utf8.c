#include "core/utf8.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

size_t cnx_utf8_length(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    const size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) /* a NUL ends the search here as well */
            return 0;
    const bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    const bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

char *cnx_utf8_copy(const char *text)
{
    char *copy = malloc(3 * strlen(text) + 1);
    if (!copy)
        return NULL;
    char *to = copy;
    for (const char *from = text; *from;) {
        const size_t length = cnx_utf8_length((const unsigned char *)from);
        if (length) {
            memcpy(to, from, length);
            to += length;
            from += length;
        } else {
            memcpy(to, CNX_UTF8_REPLACEMENT, 3);
            to += 3;
            from++;
        }
    }
    *to = '\0';
    return copy;
}

int cnx_utf8_columns(const char *text)
{
    int columns = 0;
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80; /* not inside a sequence */
    return columns;
}
