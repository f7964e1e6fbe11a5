#include "core/image/text.h"

#include <stdbool.h>
#include <string.h>

#include "core/image/font.h"

size_t cnx_text_characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80; /* continuation bytes do not count */
    return n;
}

/* The code point at *text, which is moved on; a stray byte counts as one that the font lacks. */
static uint32_t utf8_next(const char **text)
{
    const unsigned char lead = (unsigned char)*(*text)++;
    if (lead < 0x80)
        return lead;
    while (((unsigned char)**text & 0xC0) == 0x80)
        (*text)++;
    return 0xFFFD;
}

static int64_t clip(int64_t value, int64_t most)
{
    return value < 0 ? 0 : value > most ? most : value;
}

void cnx_fill_rectangle(cnx_image *image, int scale, int x, int y, int w, int h,
                        const uint8_t rgb[3])
{
    const int64_t left = clip((int64_t)x * scale, image->width);
    const int64_t right = clip(((int64_t)x + w) * scale, image->width);
    const int64_t top = clip((int64_t)y * scale, image->height);
    const int64_t bottom = clip(((int64_t)y + h) * scale, image->height);
    for (int64_t row = top; row < bottom; row++)
        for (int64_t column = left; column < right; column++)
            memcpy(image->data + 3 * ((size_t)row * (size_t)image->width + (size_t)column), rgb, 3);
}

static void draw_glyph(cnx_image *image, int scale, int x, int y, uint32_t code_point,
                       const uint8_t rgb[3])
{
    const uint8_t *rows = cnx_font_glyph(code_point);
    for (int r = 0; r < CNX_FONT_HEIGHT; r++)
        for (int c = 0; c < CNX_FONT_WIDTH; c++)
            if (rows[r] >> (CNX_FONT_WIDTH - 1 - c) & 1)
                cnx_fill_rectangle(image, scale, x + c, y + r, 1, 1, rgb);
}

void cnx_draw_text(cnx_image *image, int scale, int x, int y, const char *text, int chars,
                   const uint8_t rgb[3])
{
    const bool cut = cnx_text_characters(text) > (size_t)chars;
    const int dots = !cut ? 0 : chars > 3 ? 2 : chars > 0 ? 1 : 0;
    for (int i = 0; i < chars && *text; i++, x += CNX_FONT_ADVANCE) {
        const uint32_t code_point = utf8_next(&text);
        draw_glyph(image, scale, x, y, i >= chars - dots ? '.' : code_point, rgb);
    }
}
