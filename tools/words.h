/* Text for people and for JSON: safe to print, sizes and times in words. */
#ifndef CNX_TOOLS_WORDS_H
#define CNX_TOOLS_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Overwrites control characters (but not line breaks) with '?', in place: a file name must not be
 * able to steer the terminal. */
void cnx_words_printable(char *text);
/* A copy of a file's or a class's name for the terminal, valid UTF-8 and printable; the caller frees it.
 * NULL: not enough memory. */
char *cnx_words_shown(const char *text);

/* "812 MiB", "1.4 GiB"; "3:05", "1:02:03"; "60 242 636"; "12.3 G". */
typedef struct cnx_words {
    char text[40];
} cnx_words;
cnx_words cnx_words_bytes(size_t bytes);
cnx_words cnx_words_clock(double seconds);
cnx_words cnx_words_count(size_t n);
cnx_words cnx_words_si(double value);

/* The one of `names` that `text` was most likely meant to be, or NULL when none is near.  A name
 * that begins with the text is nearest of all. */
const char *cnx_words_nearest(const char *text, const char *const *names, size_t count);

#endif
