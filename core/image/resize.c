/*
 * The 8-bit bilinear resize of OpenCV (modules/imgproc, INTER_LINEAR on 8 bits), bit for bit:
 *
 *   rows      R = s[i] * w0 + s[i + 1] * w1            11-bit weights that sum to about 2048, exact
 *   columns   d = (v0 * (R0 >> 4) >> 16) + (v1 * (R1 >> 4) >> 16) + 2 >> 2
 *
 * with R of two source rows kept at a time.  Halving both axes exactly is a mean of 2x2 pixels
 * instead, and the same size is a copy.
 */
#include <math.h>
#include <string.h>

#include "core/image/image.h"
#include "core/memory.h"

enum { WEIGHT_ONE = 2048 };

/* One axis: output d mixes source indices first[d] and second[d]. */
typedef struct axis_tap {
    int first, second;
    int16_t weight[2];
} axis_tap;

/* Parity: the position is computed in double and rounded to float before it is cut into index and
 * fraction; weights round half to even. */
static float source_position(int d, int in, int out)
{
    const double scale = 1.0 / ((double)out / in);
    return (float)((d + 0.5) * scale - 0.5);
}

static axis_tap tap_at(int d, int in, int out)
{
    const float position = source_position(d, in, out);
    const float base = floorf(position);
    const float fraction = position - base;
    const int index = (int)base;
    return (axis_tap){.first = index,
                      .second = index + 1,
                      .weight = {(int16_t)lrintf((1.0f - fraction) * WEIGHT_ONE),
                                 (int16_t)lrintf(fraction * WEIGHT_ONE)}};
}

/* Parity: beyond the edge a column takes the edge alone; a row is clamped and keeps its weights. */
static axis_tap column_tap(int d, int in, int out)
{
    axis_tap tap = tap_at(d, in, out);
    if (tap.first < 0 || tap.first >= in - 1) {
        const int edge = tap.first < 0 ? 0 : in - 1;
        tap = (axis_tap){.first = edge, .second = edge, .weight = {WEIGHT_ONE, 0}};
    }
    return tap;
}

static axis_tap row_tap(int d, int in, int out)
{
    axis_tap tap = tap_at(d, in, out);
    tap.first = tap.first < 0 ? 0 : tap.first < in ? tap.first : in - 1;
    tap.second = tap.second < 0 ? 0 : tap.second < in ? tap.second : in - 1;
    return tap;
}

static void resize_row(int32_t *restrict out, const uint8_t *restrict in, const axis_tap *taps,
                       int width)
{
    for (int x = 0; x < width; x++) {
        const uint8_t *a = in + 3 * (size_t)taps[x].first, *b = in + 3 * (size_t)taps[x].second;
        const int32_t w0 = taps[x].weight[0], w1 = taps[x].weight[1];
        out[3 * (size_t)x + 0] = a[0] * w0 + b[0] * w1;
        out[3 * (size_t)x + 1] = a[1] * w0 + b[1] * w1;
        out[3 * (size_t)x + 2] = a[2] * w0 + b[2] * w1;
    }
}

static void mix_rows(uint8_t *restrict out, const int32_t *restrict above,
                     const int32_t *restrict below, const int16_t weight[2], size_t count)
{
    const int32_t v0 = weight[0], v1 = weight[1];
    for (size_t i = 0; i < count; i++)
        out[i] = (uint8_t)(((v0 * (above[i] >> 4) >> 16) + (v1 * (below[i] >> 4) >> 16) + 2) >> 2);
}

typedef struct row_cache {
    int32_t *row[2];
    int index[2]; /* source rows that they hold; -1: none */
} row_cache;

/* The horizontally resized source row, computed unless it is one of the two at hand; the other one
 * (`keep`) stays. */
static const int32_t *cached_row(row_cache *cache, const cnx_image *in, int index, int keep,
                                 const axis_tap *taps, int width)
{
    for (int i = 0; i < 2; i++)
        if (cache->index[i] == index)
            return cache->row[i];
    const int slot = cache->index[0] == keep ? 1 : 0;
    resize_row(cache->row[slot], in->data + 3 * (size_t)index * (size_t)in->width, taps, width);
    cache->index[slot] = index;
    return cache->row[slot];
}

static cnx_status resize_linear(cnx_image *out, const cnx_image *in, cnx_error *err)
{
    const size_t row_values = 3 * (size_t)out->width;
    void *taps_memory = NULL, *rows_memory = NULL;
    cnx_status status;
    CNX_CHECK(cnx_alloc_or_fail(&taps_memory, (size_t)out->width * sizeof(axis_tap),
                                "the weights of a resize", err));
    CNX_CHECK(cnx_alloc_or_fail(&rows_memory, 2 * row_values * sizeof(int32_t),
                                "two rows of a resize", err));
    axis_tap *taps = taps_memory;
    for (int x = 0; x < out->width; x++)
        taps[x] = column_tap(x, in->width, out->width);
    int32_t *rows = rows_memory;
    row_cache cache = {.row = {rows, rows + row_values}, .index = {-1, -1}};
    for (int y = 0; y < out->height; y++) {
        const axis_tap tap = row_tap(y, in->height, out->height);
        const int32_t *above = cached_row(&cache, in, tap.first, tap.second, taps, out->width);
        const int32_t *below = cached_row(&cache, in, tap.second, tap.first, taps, out->width);
        mix_rows(out->data + (size_t)y * row_values, above, below, tap.weight, row_values);
    }
cleanup:
    cnx_free(taps_memory);
    cnx_free(rows_memory);
    return status;
}

static void halve(cnx_image *out, const cnx_image *in)
{
    const size_t stride = 3 * (size_t)in->width;
    uint8_t *d = out->data;
    for (int y = 0; y < out->height; y++) {
        const uint8_t *s = in->data + 2 * (size_t)y * stride;
        for (int x = 0; x < out->width; x++, d += 3, s += 6)
            for (int c = 0; c < 3; c++)
                d[c] = (uint8_t)((s[c] + s[c + 3] + s[stride + c] + s[stride + c + 3] + 2) >> 2);
    }
}

cnx_status cnx_image_resize(cnx_image *out, const cnx_image *in, int width, int height,
                            cnx_error *err)
{
    *out = (cnx_image){0};
    CNX_FAIL_IF(!in->data || in->width < 1 || in->height < 1, CNX_ERR_ARGUMENT,
                "an empty picture cannot be resized");
    cnx_image resized;
    CNX_TRY(cnx_image_alloc(&resized, width, height, err));
    if (width == in->width && height == in->height) {
        memcpy(resized.data, in->data, 3 * (size_t)width * (size_t)height);
    } else if ((int64_t)width * 2 == in->width && (int64_t)height * 2 == in->height) {
        halve(&resized, in);
    } else {
        const cnx_status status = resize_linear(&resized, in, err);
        if (status != CNX_OK) {
            cnx_image_free(&resized);
            return status;
        }
    }
    *out = resized;
    return CNX_OK;
}
