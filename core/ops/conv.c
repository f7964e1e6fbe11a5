/*
 * Convolutions as matrix products.  A tile is a run of output pixels in row-major order: one row of
 * the product each.  A 1x1 convolution multiplies the map itself; the others gather what each pixel
 * sees into scratch, [pixel][ky][kx][channel] with zeros outside the map, and weights are packed in
 * that order.
 *
 * Output channels are packed in groups of at most GROUP, so that a map of few pixels (a pooled
 * one, a late stage's) still gives work to several threads.
 */
#include "core/ops/conv.h"

#include <assert.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/tiles.h"
#include "core/threads.h"

enum {
    GROUP = 256,       /* output channels */
    FEWEST_ROWS = 28,  /* of a tile: under it, the weights are read for too little work */
    ENOUGH_TILES = 16, /* from here on the groups need not be spread as well */
};

static int group_count(int out_c)
{
    return (out_c + GROUP - 1) / GROUP;
}

/* Output channels of each group but the last, which may have fewer: whole panels of every table. */
static int group_width(int out_c)
{
    const int count = group_count(out_c);
    return (int)cnx_round_up((size_t)((out_c + count - 1) / count), 32);
}

static int width_of_group(int out_c, int group)
{
    const int width = group_width(out_c);
    const int left = out_c - group * width;
    return left < width ? left : width;
}

static int depth(const cnx_conv *conv)
{
    return conv->size * conv->size * conv->in_c;
}

/* Floats before a group's packed weights. */
static size_t group_offset(const cnx_kernels *k, int depth_k, int out_c, int group)
{
    const size_t floats = k->gemm_packed_size(depth_k, group_width(out_c));
    return (size_t)group * cnx_round_up(floats, CNX_ALIGNMENT / sizeof(float));
}

/* [out][c][ky][kx], as torch has it, to [out][ky][kx][c], as pixels are gathered. */
static void reorder(int out_c, int in_c, int size, const float *from, float *to)
{
    const int taps = size * size;
    for (int o = 0; o < out_c; o++)
        for (int t = 0; t < taps; t++)
            for (int c = 0; c < in_c; c++)
                *to++ = from[((size_t)o * (size_t)in_c + (size_t)c) * (size_t)taps + (size_t)t];
}

static cnx_status pack_groups(cnx_conv *conv, const cnx_kernels *k, const float *weights,
                              float *ordered, cnx_error *err)
{
    const int depth_k = depth(conv);
    for (int g = 0; g < group_count(conv->out_c); g++) {
        const int first = g * group_width(conv->out_c);
        const int width = width_of_group(conv->out_c, g);
        const float *rows = weights + (size_t)first * (size_t)depth_k;
        if (conv->size > 1) {
            reorder(width, conv->in_c, conv->size, rows, ordered);
            rows = ordered;
        }
        CNX_TRY(cnx_kernels_pack(k, depth_k, width, rows,
                                 conv->packed + group_offset(k, depth_k, conv->out_c, g), err));
    }
    return CNX_OK;
}

/* The groups but the last are of one width, and whole panels: only the last may need less. */
static cnx_status packed_bytes(const cnx_conv *conv, const cnx_kernels *k, size_t *out,
                               cnx_error *err)
{
    size_t taps, depth_k, weights;
    const bool fits = cnx_mul((size_t)conv->size, (size_t)conv->size, &taps) &&
                      cnx_mul(taps, (size_t)conv->in_c, &depth_k) && depth_k <= INT32_MAX / 4 &&
                      cnx_mul(depth_k, (size_t)conv->out_c + 2 * GROUP, &weights) &&
                      weights <= SIZE_MAX / 16 && conv->out_c <= INT32_MAX - 2 * GROUP;
    CNX_FAIL_IF(!fits, CNX_ERR_MODEL, "convolution of %d x %d x %d to %d channels is too large",
                conv->size, conv->size, conv->in_c, conv->out_c);
    *out = group_offset(k, (int)depth_k, conv->out_c, group_count(conv->out_c)) * sizeof(float);
    return CNX_OK;
}

cnx_status cnx_conv_init(cnx_conv *conv, const cnx_kernels *k, cnx_conv_kind kind, int size,
                         int in_c, int out_c, const float *weights, const float *bias,
                         cnx_activation act, cnx_error *err)
{
    cnx_status status = CNX_OK;
    void *packed = NULL, *own_bias = NULL, *ordered = NULL;
    size_t bytes = 0;
    assert(size >= 1 && in_c >= 1 && out_c >= 1);
    assert((kind != CNX_CONV_1X1 || size == 1) && (kind != CNX_CONV_3X3 || size == 3));
    *conv = (cnx_conv){.kind = kind, .size = size, .in_c = in_c, .out_c = out_c, .act = act};
    CNX_CHECK(packed_bytes(conv, k, &bytes, err));
    CNX_CHECK(cnx_alloc_or_fail(&packed, bytes, "packed convolution weights", err));
    conv->packed = packed;
    conv->bytes = bytes;
    if (bias) {
        const size_t bias_bytes = cnx_floats_size((size_t)out_c);
        CNX_CHECK(cnx_alloc_or_fail(&own_bias, bias_bytes, "convolution bias", err));
        memcpy(own_bias, bias, (size_t)out_c * sizeof *bias);
        conv->bias = own_bias;
        conv->bytes += bias_bytes;
    }
    if (size > 1) {
        const size_t group = (size_t)group_width(out_c) * (size_t)depth(conv);
        CNX_CHECK(cnx_alloc_or_fail(&ordered, group * sizeof(float), "convolution weights", err));
    }
    CNX_CHECK(pack_groups(conv, k, weights, ordered, err));
cleanup:
    cnx_free(ordered);
    if (status != CNX_OK)
        cnx_conv_free(conv);
    return status;
}

size_t cnx_conv_bytes(const cnx_conv *conv, const cnx_kernels *k)
{
    size_t bytes = 0;
    if (packed_bytes(conv, k, &bytes, NULL) != CNX_OK)
        return SIZE_MAX;
    return bytes + cnx_floats_size((size_t)conv->out_c);
}

void cnx_conv_free(cnx_conv *conv)
{
    cnx_free(conv->packed);
    cnx_free(conv->bias);
    *conv = (cnx_conv){0};
}

void cnx_conv_output(cnx_conv_kind kind, int size, int h, int w, int *out_h, int *out_w)
{
    *out_h = kind == CNX_CONV_PATCH ? h / size : h;
    *out_w = kind == CNX_CONV_PATCH ? w / size : w;
}

/* sparing: in tiles that are as small as pays. */
static cnx_tiles cut(const cnx_conv *conv, const cnx_kernels *k, int out_h, int out_w, bool sparing)
{
    const int best = k->gemm_rows(depth(conv), group_width(conv->out_c));
    return cnx_tiles_cut((size_t)out_h * (size_t)out_w, sparing ? FEWEST_ROWS : best, FEWEST_ROWS);
}

/* Bytes of one thread's gathered tile. */
static size_t gather_size(const cnx_conv *conv, const cnx_tiles *tiles)
{
    return conv->kind == CNX_CONV_1X1 ? 0
                                      : cnx_floats_size((size_t)tiles->size * (size_t)depth(conv));
}

static size_t scratch(const cnx_conv *conv, const cnx_kernels *k, int h, int w, int threads,
                      bool sparing)
{
    int out_h, out_w;
    cnx_conv_output(conv->kind, conv->size, h, w, &out_h, &out_w);
    if (out_h < 1 || out_w < 1)
        return 0;
    const cnx_tiles tiles = cut(conv, k, out_h, out_w, sparing);
    return (size_t)threads * gather_size(conv, &tiles);
}

size_t cnx_conv_scratch(const cnx_conv *conv, const cnx_kernels *k, int h, int w, int threads)
{
    return scratch(conv, k, h, w, threads, false);
}

size_t cnx_conv_least_scratch(const cnx_conv *conv, const cnx_kernels *k, int h, int w, int threads)
{
    const size_t best = scratch(conv, k, h, w, threads, false);
    const size_t least = scratch(conv, k, h, w, threads, true);
    return least < best ? least : best;
}

typedef struct conv_job {
    const cnx_exec *exec;
    const cnx_conv *conv;
    cnx_map in, out, residual;
    cnx_tiles tiles;
    int spread; /* groups that are work items of their own: all, or 1 when tiles are enough */
} conv_job;

/* What output pixel (y, x) sees through a 3x3 window: 9 pixels, zeros outside the map. */
static void gather_3x3(cnx_map in, int y, int x, float *to)
{
    const size_t c = (size_t)in.c;
    for (int ky = -1; ky <= 1; ky++, to += 3 * c) {
        if (y + ky < 0 || y + ky >= in.h) {
            memset(to, 0, 3 * c * sizeof *to);
            continue;
        }
        for (int kx = -1; kx <= 1; kx++) {
            float *pixel = to + (size_t)(kx + 1) * c;
            if (x + kx < 0 || x + kx >= in.w)
                memset(pixel, 0, c * sizeof *to);
            else
                memcpy(pixel, cnx_map_pixel(in, y + ky, x + kx), c * sizeof *to);
        }
    }
}

static void gather_patch(cnx_map in, int size, int y, int x, float *to)
{
    const size_t c = (size_t)in.c;
    for (int ky = 0; ky < size; ky++) {
        const float *from = cnx_map_pixel(in, y * size + ky, x * size);
        if (in.ld == c) {
            memcpy(to, from, (size_t)size * c * sizeof *to);
            to += (size_t)size * c;
            continue;
        }
        for (int kx = 0; kx < size; kx++, to += c)
            memcpy(to, from + (size_t)kx * in.ld, c * sizeof *to);
    }
}

/* Rows of the product for `rows` output pixels from number `first` on. */
static void gather(const conv_job *job, size_t first, int rows, float *to)
{
    const size_t step = (size_t)depth(job->conv);
    int y = (int)(first / (size_t)job->out.w), x = (int)(first % (size_t)job->out.w);
    for (int i = 0; i < rows; i++, to += step) {
        if (job->conv->kind == CNX_CONV_3X3)
            gather_3x3(job->in, y, x, to);
        else
            gather_patch(job->in, job->conv->size, y, x, to);
        if (++x == job->out.w) {
            x = 0;
            y++;
        }
    }
}

static void multiply(const conv_job *job, size_t first, int rows, const float *a, size_t lda,
                     int group)
{
    const cnx_conv *conv = job->conv;
    const cnx_kernels *k = job->exec->k;
    const size_t column = (size_t)group * (size_t)group_width(conv->out_c);
    const bool adds = job->residual.data != NULL;
    const cnx_epilogue epilogue = {
        .bias = conv->bias ? conv->bias + column : NULL,
        .act = conv->act,
        .residual = adds ? cnx_map_at(job->residual, first) + column : NULL,
        .residual_ld = adds ? job->residual.ld : 0,
    };
    k->gemm(rows, width_of_group(conv->out_c, group), depth(conv), a, lda,
            conv->packed + group_offset(k, depth(conv), conv->out_c, group),
            cnx_map_at(job->out, first) + column, job->out.ld, &epilogue);
}

static void run_tile(void *context, int index, int thread)
{
    const conv_job *job = context;
    const int tile = index / job->spread;
    const int groups = group_count(job->conv->out_c);
    const int group = job->spread > 1 ? index % job->spread : 0;
    const int end = job->spread > 1 ? group + 1 : groups;
    const size_t first = cnx_tiles_first(&job->tiles, tile);
    const int rows = cnx_tiles_rows(&job->tiles, tile);
    const float *a = cnx_map_at(job->in, first);
    size_t lda = job->in.ld;
    if (rows == 0)
        return;
    if (job->conv->kind != CNX_CONV_1X1) {
        float *tile_rows = (float *)(void *)(job->exec->scratch +
                                             (size_t)thread * gather_size(job->conv, &job->tiles));
        gather(job, first, rows, tile_rows);
        a = tile_rows;
        lda = (size_t)depth(job->conv);
    }
    for (int g = group; g < end; g++)
        multiply(job, first, rows, a, lda, g);
}

void cnx_conv_run(const cnx_exec *exec, const cnx_conv *conv, cnx_map in, cnx_map out,
                  cnx_map residual)
{
    assert(in.c == conv->in_c && out.c == conv->out_c);
    const bool sparing =
        cnx_conv_scratch(conv, exec->k, in.h, in.w, exec->threads) > exec->scratch_size;
    assert(cnx_conv_least_scratch(conv, exec->k, in.h, in.w, exec->threads) <= exec->scratch_size);
    if (out.h < 1 || out.w < 1)
        return;
    conv_job job = {.exec = exec, .conv = conv, .in = in, .out = out, .residual = residual};
    job.tiles = cut(conv, exec->k, out.h, out.w, sparing);
    job.spread = job.tiles.count < ENOUGH_TILES ? group_count(conv->out_c) : 1;
    cnx_parallel_for(exec->threads, job.tiles.count * job.spread, run_tile, &job);
}
