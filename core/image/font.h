/* A small bitmap font, drawn for this project: printable ASCII in cells of 5 x 9 pixels. */
#ifndef CNX_CORE_FONT_H
#define CNX_CORE_FONT_H

#include <stdint.h>

enum {
    CNX_FONT_FIRST = 32,
    CNX_FONT_LAST = 126,
    CNX_FONT_WIDTH = 5,
    CNX_FONT_HEIGHT = 9,
    CNX_FONT_ADVANCE = 6 /* from one character to the next */
};

/* CNX_FONT_HEIGHT rows, the leftmost pixel in bit 4; '?' for what the font lacks. */
const uint8_t *cnx_font_glyph(uint32_t code_point);

#endif
