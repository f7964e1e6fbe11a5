/* The part of a run-length mask that has anything in it, as bytes. */
#ifndef CNX_CORE_MASK_WINDOW_H
#define CNX_CORE_MASK_WINDOW_H

#include <stdbool.h>

#include "core/mask/rle.h"

/* Pixel (x0 + x, y0 + y) of the mask is bits[y * w + x], 0 or 1.  An empty mask has w == h == 0. */
typedef struct cnx_mask_window {
    uint8_t *bits; /* owned */
    int x0, y0, w, h;
} cnx_mask_window;

/* The smallest window around what is set, and `margin` pixels of zeros on each side of it, which may
 * lie outside of the mask. */
cnx_status cnx_mask_window_open(cnx_mask_window *out, const cnx_rle *mask, int margin,
                                cnx_error *err);
void cnx_mask_window_close(cnx_mask_window *window); /* accepts a zeroed one */

/* The window's edges alone: [x0, x1) x [y0, y1); false when nothing is set. */
bool cnx_mask_bounds(const cnx_rle *mask, uint32_t *x0, uint32_t *y0, uint32_t *x1, uint32_t *y1);

#endif
