/* The row filters of PNG (ISO/IEC 15948, 9): each byte is stored as its difference from a guess. */
#ifndef CNX_CORE_PNG_FILTER_H
#define CNX_CORE_PNG_FILTER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    CNX_PNG_FILTER_NONE,
    CNX_PNG_FILTER_SUB,
    CNX_PNG_FILTER_UP,
    CNX_PNG_FILTER_AVERAGE,
    CNX_PNG_FILTER_PAETH,
    CNX_PNG_FILTERS
};

/* The neighbour (left, above, above left) that is nearest to left + above - above left. */
static inline uint8_t cnx_png_paeth(int left, int above, int corner)
{
    const int to_left = abs(above - corner), to_above = abs(left - corner);
    const int to_corner = abs(left + above - 2 * corner);
    const int side = to_left <= to_above ? left : above;
    const int to_side = to_left <= to_above ? to_left : to_above;
    return (uint8_t)(to_side <= to_corner ? side : corner);
}

/*
 * Takes a row's filter off.  filter: one of the above.  stored: `bytes` bytes as they came; row:
 * where they go, which may be the same memory at the same or a lower address.  above: the finished
 * row before, NULL for the first.  step: bytes of a whole pixel, at least 1.
 */
void cnx_png_unfilter(uint8_t *row, const uint8_t *stored, const uint8_t *above, size_t bytes,
                      size_t step, int filter);

#endif
