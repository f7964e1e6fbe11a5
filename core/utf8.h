/* Text that may not be UTF-8 (file names, class names of old checkpoints) made into UTF-8. */
#ifndef CNX_CORE_UTF8_H
#define CNX_CORE_UTF8_H

#include <stddef.h>

/* What stands for a byte that is no part of a valid sequence: U+FFFD. */
#define CNX_UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the valid UTF-8 sequence at s (NUL-terminated), 0 when there is none. */
size_t cnx_utf8_length(const unsigned char *s);

/* A copy in which every byte that is not valid UTF-8 is U+FFFD, as JSON needs it; the caller frees
 * it.  NULL when memory ran out. */
char *cnx_utf8_copy(const char *text);

/* Columns that a terminal needs for it: one a character. */
int cnx_utf8_columns(const char *text);

#endif
