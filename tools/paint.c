#include "tools/paint.h"

#include <math.h>
#include <stdlib.h>

#include "core/image/font.h"
#include "core/image/text.h"
#include "core/mask/window.h"

/* Pixels of a line, and of a font's pixel. */
static int scale_of(const cnx_image *image)
{
    const int width = image->width;
    return width < 800 ? 1 : width < 2400 ? 2 : width / 1200;
}

/* ---- masks ---- */

static void blend_pixel(uint8_t *pixel, const uint8_t rgb[3], uint32_t over)
{
    for (int c = 0; c < 3; c++)
        pixel[c] = (uint8_t)((pixel[c] * (65536 - over) + rgb[c] * over + 32768) >> 16);
}

static bool on_edge(const cnx_mask_window *w, int x, int y)
{
    const uint8_t *bit = w->bits + (size_t)y * (size_t)w->w + (size_t)x;
    return *bit && !(bit[-1] && bit[1] && bit[-w->w] && bit[w->w]);
}

/* The window has a margin of 1, so that every pixel of the mask has neighbours. */
static void paint_mask(cnx_image *image, const cnx_mask_window *w, const uint8_t rgb[3],
                       uint32_t over)
{
    const int line = scale_of(image);
    for (int y = 1; y < w->h - 1; y++)
        for (int x = 1; x < w->w - 1; x++) {
            const size_t at = (size_t)(y + w->y0) * (size_t)image->width + (size_t)(x + w->x0);
            if (w->bits[(size_t)y * (size_t)w->w + (size_t)x])
                blend_pixel(image->data + 3 * at, rgb, over);
        }
    for (int y = 1; y < w->h - 1; y++)
        for (int x = 1; x < w->w - 1; x++)
            if (on_edge(w, x, y))
                cnx_fill_rectangle(image, 1, x + w->x0 - (line - 1) / 2, y + w->y0 - (line - 1) / 2,
                                   line, line, rgb);
}

static void paint_box(cnx_image *image, const cnx_painted *thing)
{
    const int line = scale_of(image);
    const int left = (int)thing->corners[0], top = (int)thing->corners[1];
    const int w = (int)ceil(thing->corners[2]) - left, h = (int)ceil(thing->corners[3]) - top;
    cnx_fill_rectangle(image, 1, left, top, w, line, thing->rgb);
    cnx_fill_rectangle(image, 1, left, top + h - line, w, line, thing->rgb);
    cnx_fill_rectangle(image, 1, left, top, line, h, thing->rgb);
    cnx_fill_rectangle(image, 1, left + w - line, top, line, h, thing->rgb);
}

/* ---- tags ---- */

/* Black or white, whichever is easier to read on it. */
static const uint8_t *ink_on(const uint8_t rgb[3])
{
    static const uint8_t black[3] = {0, 0, 0}, white[3] = {255, 255, 255};
    return 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] > 140000 ? black : white;
}

/* Above the box, or inside where there is no room above; moved into the picture from the right. */
static void paint_tag(cnx_image *image, const cnx_painted *thing)
{
    const int scale = scale_of(image), chars = (int)cnx_text_characters(thing->tag);
    const int w = chars * CNX_FONT_ADVANCE + 1, h = CNX_FONT_HEIGHT + 1;
    const int room = image->width / scale - w;
    int x = (int)thing->corners[0] / scale, y = (int)thing->corners[1] / scale - h;
    x = x > room ? room : x;
    x = x < 0 ? 0 : x;
    if (y < 0)
        y = (int)thing->corners[1] / scale;
    cnx_fill_rectangle(image, scale, x, y, w, h, thing->rgb);
    cnx_draw_text(image, scale, x + 1, y + 1, thing->tag, chars, ink_on(thing->rgb));
}

cnx_status cnx_paint(cnx_image *image, const cnx_painted *things, size_t count, double opacity,
                     cnx_error *err)
{
    const uint32_t over = (uint32_t)lrint(fmin(fmax(opacity, 0), 1) * 65536);
    for (size_t i = count; i-- > 0;) {
        if (!things[i].mask) {
            paint_box(image, &things[i]);
            continue;
        }
        cnx_mask_window window;
        CNX_FAIL_IF(things[i].mask->w != (uint32_t)image->width ||
                        things[i].mask->h != (uint32_t)image->height,
                    CNX_ERR_INTERNAL, "a mask of %u x %u for a picture of %d x %d",
                    things[i].mask->w, things[i].mask->h, image->width, image->height);
        CNX_TRY(cnx_mask_window_open(&window, things[i].mask, 1, err));
        if (window.bits)
            paint_mask(image, &window, things[i].rgb, over);
        cnx_mask_window_close(&window);
    }
    for (size_t i = count; i-- > 0;)
        if (things[i].tag)
            paint_tag(image, &things[i]);
    return CNX_OK;
}
