/* Text that came from a file: is it UTF-8, and how to show it when nobody knows what it is. */
#ifndef CNX_CHECKPOINT_TEXT_H
#define CNX_CHECKPOINT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* UTF-8 without NUL. */
bool cnx_text_is_utf8(const void *text, size_t size);
/* UTF-8 without any control character: what a tensor's or a class's name may be. */
bool cnx_text_is_name(const void *text, size_t size);

/* A few words of a file for a message: cut when long, all but printable ASCII replaced, so that no
 * file can send control sequences to a terminal. */
typedef struct cnx_shown_text {
    char text[132];
} cnx_shown_text;
cnx_shown_text cnx_text_show(const void *text, size_t size);

#endif
