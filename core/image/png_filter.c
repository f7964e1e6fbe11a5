#include "core/image/png_filter.h"

#include <string.h>

/*
 * Label maps have one byte a pixel, and OpenCV stores them with the Sub filter: its running sum is made
 * sixteen bytes at a time.  Row and stored may overlap (row lower), so each loop loads what it needs
 * before it stores.
 */
enum { LANES = 16 };
typedef uint8_t vec __attribute__((vector_size(LANES)));

static inline vec load(const uint8_t *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store(uint8_t *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* clang-format off */
static inline vec later_1(vec v)
{
    return __builtin_shufflevector((vec){0}, v, 0,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30);
}
static inline vec later_2(vec v)
{
    return __builtin_shufflevector((vec){0}, v, 0,1,16,17,18,19,20,21,22,23,24,25,26,27,28,29);
}
static inline vec later_4(vec v)
{
    return __builtin_shufflevector((vec){0}, v, 0,1,2,3,16,17,18,19,20,21,22,23,24,25,26,27);
}
static inline vec later_8(vec v)
{
    return __builtin_shufflevector((vec){0}, v, 0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23);
}
static inline vec last_everywhere(vec v)
{
    return __builtin_shufflevector(v, v, 15,15,15,15,15,15,15,15,15,15,15,15,15,15,15,15);
}
/* clang-format on */

static void undo_sub_1(uint8_t *row, const uint8_t *stored, size_t bytes)
{
    vec carried = {0};
    size_t i = 0;
    for (; i + LANES <= bytes; i += LANES) {
        vec sum = load(stored + i);
        sum += later_1(sum);
        sum += later_2(sum);
        sum += later_4(sum);
        sum += later_8(sum);
        const vec whole = sum + carried;
        carried += last_everywhere(sum); /* the one step that waits for the vector before */
        store(row + i, whole);
    }
    uint8_t left = carried[LANES - 1];
    for (; i < bytes; i++)
        row[i] = left = (uint8_t)(stored[i] + left);
}

static void undo_sub(uint8_t *row, const uint8_t *stored, size_t bytes, size_t step)
{
    if (step == 1) {
        undo_sub_1(row, stored, bytes);
        return;
    }
    const size_t first = step < bytes ? step : bytes;
    memmove(row, stored, first);
    for (size_t i = first; i < bytes; i++)
        row[i] = (uint8_t)(stored[i] + row[i - step]);
}

static void undo_up(uint8_t *row, const uint8_t *stored, const uint8_t *above, size_t bytes)
{
    size_t i = 0;
    for (; i + LANES <= bytes; i += LANES)
        store(row + i, load(stored + i) + load(above + i));
    for (; i < bytes; i++)
        row[i] = (uint8_t)(stored[i] + above[i]);
}

/* above NULL: zeros. */
static void undo_average(uint8_t *row, const uint8_t *stored, const uint8_t *above, size_t bytes,
                         size_t step)
{
    for (size_t i = 0; i < bytes; i++) {
        const int left = i < step ? 0 : row[i - step];
        row[i] = (uint8_t)(stored[i] + (left + (above ? above[i] : 0)) / 2);
    }
}

static void undo_paeth_1(uint8_t *row, const uint8_t *stored, const uint8_t *above, size_t bytes)
{
    int left = 0, corner = 0;
    for (size_t i = 0; i < bytes; i++) {
        left = (uint8_t)(stored[i] + cnx_png_paeth(left, above[i], corner));
        corner = above[i];
        row[i] = (uint8_t)left;
    }
}

static void undo_paeth(uint8_t *row, const uint8_t *stored, const uint8_t *above, size_t bytes,
                       size_t step)
{
    if (step == 1) {
        undo_paeth_1(row, stored, above, bytes);
        return;
    }
    const size_t first = step < bytes ? step : bytes;
    for (size_t i = 0; i < first; i++)
        row[i] = (uint8_t)(stored[i] + above[i]);
    for (size_t i = first; i < bytes; i++)
        row[i] = (uint8_t)(stored[i] + cnx_png_paeth(row[i - step], above[i], above[i - step]));
}

void cnx_png_unfilter(uint8_t *row, const uint8_t *stored, const uint8_t *above, size_t bytes,
                      size_t step, int filter)
{
    /* Zeros above: the guess of Up is 0, that of Paeth the left neighbour. */
    if (!above && filter == CNX_PNG_FILTER_UP)
        filter = CNX_PNG_FILTER_NONE;
    if (!above && filter == CNX_PNG_FILTER_PAETH)
        filter = CNX_PNG_FILTER_SUB;
    switch (filter) {
    case CNX_PNG_FILTER_SUB:
        undo_sub(row, stored, bytes, step);
        break;
    case CNX_PNG_FILTER_UP:
        undo_up(row, stored, above, bytes);
        break;
    case CNX_PNG_FILTER_AVERAGE:
        undo_average(row, stored, above, bytes, step);
        break;
    case CNX_PNG_FILTER_PAETH:
        undo_paeth(row, stored, above, bytes, step);
        break;
    default:
        memmove(row, stored, bytes);
        break;
    }
}
