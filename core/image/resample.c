/*
 * Pillow's resize of 8-bit pictures (libImaging/Resample.c): two passes, across and then down, each
 * left out where the size does not change, each rounded to 8 bits.
 *
 *   scale = n_in / n_out,  wide = max(scale, 1),  support = radius * wide
 *   output x is a weighted mean of first <= i < last around centre = (x + 1/2) scale:
 *     first = max(int(centre - support + 1/2), 0),  last = min(int(centre + support + 1/2), n_in)
 *     weight = f((i - centre + 1/2) / wide), divided by their sum
 *
 * Parity: weights are double until they become fixed point of 22 bits, rounded half away from 0;
 * the quotient by `wide` is a product with its reciprocal.
 */
#include "core/image/resample.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"

enum { PRECISION = 22 };

static double bilinear(double x)
{
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

/* Keys' cubic with a = -1/2. */
static double bicubic(double x)
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0)
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
    return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

/* One axis: its outputs [begin, begin + count). */
typedef struct axis {
    int in, out, begin, count;
    int room;         /* weights that one output has at most */
    int *first;       /* [count] */
    int *taps;        /* [count] */
    int32_t *weights; /* [count][room] */
    void *memory;     /* owned, of the three */
} axis;

static double support_of(int in, int out, cnx_resample_filter filter)
{
    const double scale = (double)in / out, radius = filter == CNX_RESAMPLE_BICUBIC ? 2.0 : 1.0;
    return radius * (scale < 1.0 ? 1.0 : scale);
}

static int room_of(int in, int out, cnx_resample_filter filter)
{
    return (int)ceil(support_of(in, out, filter)) * 2 + 1;
}

static void weigh(axis *a, int index, cnx_resample_filter filter, double *exact)
{
    double (*const f)(double) = filter == CNX_RESAMPLE_BICUBIC ? bicubic : bilinear;
    const double scale = (double)a->in / a->out;
    const double wide = scale < 1.0 ? 1.0 : scale, inverse = 1.0 / wide;
    const double support = support_of(a->in, a->out, filter);
    const double centre = (a->begin + index + 0.5) * scale;
    int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
    first = first < 0 ? 0 : first;
    last = last > a->in ? a->in : last;
    double sum = 0;
    for (int i = first; i < last; i++) {
        exact[i - first] = f((i - centre + 0.5) * inverse);
        sum += exact[i - first];
    }
    int32_t *weights = a->weights + (size_t)index * (size_t)a->room;
    for (int i = 0; i < last - first; i++) {
        const double share = sum != 0.0 ? exact[i] / sum : exact[i];
        const double fixed = share * (1 << PRECISION);
        weights[i] = (int32_t)(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    a->first[index] = first;
    a->taps[index] = last - first;
}

static cnx_status axis_open(axis *a, int in, int out, int begin, int count,
                            cnx_resample_filter filter, cnx_error *err)
{
    *a = (axis){.in = in, .out = out, .begin = begin, .count = count};
    a->room = room_of(in, out, filter);
    const size_t n = (size_t)count, room = (size_t)a->room;
    size_t values, bytes;
    const bool fits = cnx_mul(n, room + 2, &values) && cnx_mul(values, sizeof(int32_t), &bytes) &&
                      cnx_add(bytes, room * sizeof(double), &bytes);
    CNX_FAIL_IF(!fits, CNX_ERR_MEMORY, "the weights of a resize from %d to %d are too many", in,
                out);
    CNX_TRY(cnx_alloc_or_fail(&a->memory, bytes, "the weights of a resize", err));
    double *exact = a->memory;
    a->weights = (int32_t *)(void *)(exact + room);
    a->first = a->weights + n * room;
    a->taps = a->first + n;
    for (int i = 0; i < count; i++)
        weigh(a, i, filter, exact);
    return CNX_OK;
}

static uint8_t clip(int32_t sum)
{
    const int32_t value = sum >> PRECISION;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void resample_row(uint8_t *restrict out, const uint8_t *restrict in, const axis *a)
{
    for (int x = 0; x < a->count; x++, out += 3) {
        const int32_t *weights = a->weights + (size_t)x * (size_t)a->room;
        const uint8_t *pixel = in + 3 * (size_t)a->first[x];
        int32_t red = 1 << (PRECISION - 1), green = red, blue = red;
        for (int i = 0; i < a->taps[x]; i++, pixel += 3) {
            red += pixel[0] * weights[i];
            green += pixel[1] * weights[i];
            blue += pixel[2] * weights[i];
        }
        out[0] = clip(red);
        out[1] = clip(green);
        out[2] = clip(blue);
    }
}

/* sums: [values], scratch.  in: the first row that the output takes. */
static void mix_rows(uint8_t *restrict out, int32_t *restrict sums, const uint8_t *restrict in,
                     size_t values, const int32_t *weights, int taps)
{
    for (size_t i = 0; i < values; i++)
        sums[i] = 1 << (PRECISION - 1);
    for (int t = 0; t < taps; t++, in += values) {
        const int32_t weight = weights[t];
        for (size_t i = 0; i < values; i++)
            sums[i] += in[i] * weight;
    }
    for (size_t i = 0; i < values; i++)
        out[i] = clip(sums[i]);
}

/* Rows of the source that the outputs of the second pass take. */
static void rows_needed(const axis *down, int *begin, int *end)
{
    *begin = down->first[0];
    *end = *begin;
    for (int y = 0; y < down->count; y++) {
        const int last = down->first[y] + down->taps[y];
        *end = last > *end ? last : *end;
    }
}

/* rows of `in` from `begin` on, box->width columns of the wider picture. */
static void pass_across(cnx_image *out, const cnx_image *in, int begin, const axis *across,
                        const cnx_image_box *box)
{
    const size_t stride = 3 * (size_t)in->width;
    for (int y = 0; y < out->height; y++) {
        const uint8_t *row = in->data + (size_t)(begin + y) * stride;
        uint8_t *to = out->data + 3 * (size_t)y * (size_t)out->width;
        if (across->memory)
            resample_row(to, row, across);
        else
            memcpy(to, row + 3 * (size_t)box->left, 3 * (size_t)box->width);
    }
}

static cnx_status pass_down(cnx_image *out, const cnx_image *in, int begin, const axis *down,
                            cnx_error *err)
{
    const size_t values = 3 * (size_t)in->width;
    void *sums;
    CNX_TRY(cnx_alloc_or_fail(&sums, values * sizeof(int32_t), "a row of a resize", err));
    for (int y = 0; y < down->count; y++)
        mix_rows(out->data + (size_t)y * values, sums,
                 in->data + (size_t)(down->first[y] - begin) * values, values,
                 down->weights + (size_t)y * (size_t)down->room, down->taps[y]);
    cnx_free(sums);
    return CNX_OK;
}

cnx_status cnx_image_resample(cnx_image *out, const cnx_image *in, int width, int height,
                              cnx_resample_filter filter, const cnx_image_box *box, cnx_error *err)
{
    const cnx_image_box all = {.width = width, .height = height};
    *out = (cnx_image){0};
    if (!box)
        box = &all;
    CNX_FAIL_IF(!in->data || in->width < 1 || in->height < 1, CNX_ERR_ARGUMENT,
                "an empty picture cannot be resized");
    CNX_FAIL_IF(width < 1 || height < 1 || box->left < 0 || box->top < 0 || box->width < 1 ||
                    box->height < 1 || box->width > width - box->left ||
                    box->height > height - box->top,
                CNX_ERR_ARGUMENT, "%d x %d pixels at %d, %d cannot be cut out of %d x %d",
                box->width, box->height, box->left, box->top, width, height);
    axis across = {0}, down = {0};
    cnx_image between = {0}, result = {0};
    cnx_status status = CNX_OK;
    int begin = box->top, end = box->top + box->height;
    if (width != in->width)
        CNX_CHECK(axis_open(&across, in->width, width, box->left, box->width, filter, err));
    if (height != in->height) {
        CNX_CHECK(axis_open(&down, in->height, height, box->top, box->height, filter, err));
        rows_needed(&down, &begin, &end);
    }
    CNX_CHECK(cnx_image_alloc(&between, box->width, end - begin, err));
    pass_across(&between, in, begin, &across, box);
    if (!down.memory) {
        result = between;
        between = (cnx_image){0};
    } else {
        CNX_CHECK(cnx_image_alloc(&result, box->width, box->height, err));
        CNX_CHECK(pass_down(&result, &between, begin, &down, err));
    }
    *out = result;
    result = (cnx_image){0};
cleanup:
    cnx_free(across.memory);
    cnx_free(down.memory);
    cnx_image_free(&between);
    cnx_image_free(&result);
    return status;
}

size_t cnx_image_resample_bytes(int in_width, int in_height, int width, int height,
                                cnx_resample_filter filter, const cnx_image_box *box)
{
    const size_t w = (size_t)(box ? box->width : width), h = (size_t)(box ? box->height : height);
    const size_t across = w * ((size_t)room_of(in_width, width, filter) + 2) * sizeof(int32_t);
    const size_t down = h * ((size_t)room_of(in_height, height, filter) + 2) * sizeof(int32_t);
    return across + down + 3 * w * ((size_t)in_height + h) + 3 * w * sizeof(int32_t);
}
