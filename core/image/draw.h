/* Palettes, coloured labels, overlays and their legend. */
#ifndef CNX_CORE_DRAW_H
#define CNX_CORE_DRAW_H

#include <stdint.h>

#include "core/image/image.h"

/* Stable, well separated colours for data sets that bring none: rgb[3 * count]; index 0.. */
void cnx_palette_generate(uint8_t *rgb, int count);

/* out[3 * n] = colour of each label; a label >= count is black. */
void cnx_colour_labels(const uint16_t *labels, size_t n, const uint8_t *palette, int count,
                       uint8_t *out);

/* rgb = rgb * (1 - opacity) + colour * opacity, rounded; n pixels in place; opacity in [0, 1]. */
void cnx_blend_labels(uint8_t *rgb, const uint16_t *labels, size_t n, const uint8_t *palette,
                      int count, float opacity);

/* One line of a legend. */
typedef struct cnx_legend_entry {
    const char *text; /* UTF-8; what the font lacks is drawn as '?' */
    uint8_t rgb[3];
    float share; /* of the pixels, shown as a percentage; negative: not shown */
} cnx_legend_entry;

/*
 * Draws a legend (a swatch, the name and the share of each entry) into a picture of its own as wide
 * as `width` (at least 1), in as many columns as fit, on a dark ground.  It is put below the
 * overlay, so that nothing is hidden.  With 0 entries *out stays empty (height 0).
 */
cnx_status cnx_legend_draw(cnx_image *out, const cnx_legend_entry *entries, int count, int width,
                           cnx_error *err);

#endif
