/* Text and rectangles in pictures, in whole multiples of the font's pixels. */
#ifndef CNX_CORE_TEXT_DRAWING_H
#define CNX_CORE_TEXT_DRAWING_H

#include "core/image/image.h"

/* Distances are in units of `scale` pixels from the picture's corner; what lies outside is cut off. */
void cnx_fill_rectangle(cnx_image *image, int scale, int x, int y, int w, int h,
                        const uint8_t rgb[3]);
/* At most `chars` characters of UTF-8 text, its upper left corner at (x, y); a longer text ends in
 * dots. */
void cnx_draw_text(cnx_image *image, int scale, int x, int y, const char *text, int chars,
                   const uint8_t rgb[3]);
/* The characters of a UTF-8 text. */
size_t cnx_text_characters(const char *text);

#endif
