#include "core/mask/window.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* Widens the bounds by the run of ones [first, end), column-major. */
static void take_in(uint64_t first, uint64_t end, uint32_t h, uint32_t bounds[4])
{
    const uint32_t left = (uint32_t)(first / h), right = (uint32_t)((end - 1) / h);
    const bool one_column = left == right;
    const uint32_t top = one_column ? (uint32_t)(first % h) : 0;
    const uint32_t bottom = one_column ? (uint32_t)((end - 1) % h) : h - 1;
    bounds[0] = left < bounds[0] ? left : bounds[0];
    bounds[1] = top < bounds[1] ? top : bounds[1];
    bounds[2] = right + 1 > bounds[2] ? right + 1 : bounds[2];
    bounds[3] = bottom + 1 > bounds[3] ? bottom + 1 : bounds[3];
}

bool cnx_mask_bounds(const cnx_rle *mask, uint32_t *x0, uint32_t *y0, uint32_t *x1, uint32_t *y1)
{
    uint32_t bounds[4] = {UINT32_MAX, UINT32_MAX, 0, 0};
    uint64_t place = 0;
    for (size_t i = 0; i < mask->count; i++) {
        const uint64_t end = place + mask->counts[i];
        if (i % 2 && end > place)
            take_in(place, end, mask->h, bounds);
        place = end;
    }
    *x0 = bounds[0];
    *y0 = bounds[1];
    *x1 = bounds[2];
    *y1 = bounds[3];
    return bounds[2] > 0;
}

/* Sets the run of ones [first, end) in the window, column by column. */
static void set_run(cnx_mask_window *w, uint64_t first, uint64_t end, uint32_t h)
{
    while (first < end) {
        const int x = (int)(first / h) - w->x0, y = (int)(first % h) - w->y0;
        const uint64_t rest = h - first % h, length = end - first < rest ? end - first : rest;
        uint8_t *bit = w->bits + (size_t)y * (size_t)w->w + (size_t)x;
        for (uint64_t i = 0; i < length; i++, bit += w->w)
            *bit = 1;
        first += length;
    }
}

cnx_status cnx_mask_window_open(cnx_mask_window *out, const cnx_rle *mask, int margin,
                                cnx_error *err)
{
    uint32_t x0, y0, x1, y1;
    uint64_t place = 0;
    size_t bytes;
    *out = (cnx_mask_window){0};
    if (!cnx_mask_bounds(mask, &x0, &y0, &x1, &y1))
        return CNX_OK;
    const int64_t w = (int64_t)x1 - x0 + 2 * (int64_t)margin;
    const int64_t h = (int64_t)y1 - y0 + 2 * (int64_t)margin;
    CNX_FAIL_IF(x1 > INT_MAX || y1 > INT_MAX || w > INT_MAX || h > INT_MAX ||
                    !cnx_mul((size_t)w, (size_t)h, &bytes),
                CNX_ERR_MEMORY, "a mask of %u x %u is too large to look at", mask->w, mask->h);
    out->bits = calloc(bytes, 1);
    CNX_FAIL_IF(!out->bits, CNX_ERR_MEMORY, "not enough memory for a mask of %lld x %lld",
                (long long)w, (long long)h);
    out->x0 = (int)x0 - margin;
    out->y0 = (int)y0 - margin;
    out->w = (int)w;
    out->h = (int)h;
    for (size_t i = 0; i < mask->count; i++) {
        const uint64_t end = place + mask->counts[i];
        if (i % 2)
            set_run(out, place, end, mask->h);
        place = end;
    }
    return CNX_OK;
}

void cnx_mask_window_close(cnx_mask_window *window)
{
    free(window->bits);
    *window = (cnx_mask_window){0};
}
