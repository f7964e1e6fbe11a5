#include "core/ops/concat_conv.h"

#include <string.h>

#include "core/memory.h"
#include "core/ops/pixelwise.h"
#include "core/ops/tiles.h"
#include "core/threads.h"

enum {
    TAPS = 9,
    CHUNK = 128, /* output channels at a time: keeps the products of all levels near the caches */
    FEWEST_ROWS = 28, /* pixels of a low map that are worth a product of their own */
    SOURCES = 6 /* rows, or pixels, that one map gives to one output: 3 shifts x 2 neighbours */
};

/* ---- weights ---- */

void cnx_concat_conv_shape(cnx_concat_conv *conv, int inputs, const int in_c[], int out_c,
                           bool relu, bool winograd)
{
    *conv = (cnx_concat_conv){.inputs = inputs,
                              .out_c = out_c,
                              .relu = relu,
                              .winograd = winograd,
                              .chunk = out_c < CHUNK ? out_c : CHUNK};
    for (int i = 0; i < inputs; i++)
        conv->in_c[i] = in_c[i];
    conv->first_winograd = (cnx_winograd){.in_c = in_c[0], .out_c = out_c};
    conv->first_direct =
        (cnx_conv){.kind = CNX_CONV_3X3, .size = 3, .in_c = in_c[0], .out_c = out_c};
}

static int chunks(const cnx_concat_conv *conv)
{
    return (conv->out_c + conv->chunk - 1) / conv->chunk;
}

/* Output channels of one chunk: the last may have fewer. */
static int chunk_size(const cnx_concat_conv *conv, int chunk)
{
    const int left = conv->out_c - chunk * conv->chunk;
    return left < conv->chunk ? left : conv->chunk;
}

/* Chunks are stored one after the other, each with room for a full one. */
static size_t mix_step(const cnx_concat_conv *conv, const cnx_kernels *k, int input)
{
    return cnx_round_up(k->gemm_packed_size(conv->in_c[input], TAPS * conv->chunk),
                        CNX_ALIGNMENT / sizeof(float));
}

/* Input channels [first, first + count) of the filters of all output channels, OIHW. */
static void slice_filters(const cnx_concat_conv *conv, const float *weights, int all, int first,
                          int count, float *out)
{
    for (int o = 0; o < conv->out_c; o++)
        memcpy(out + (size_t)o * (size_t)count * TAPS,
               weights + ((size_t)o * (size_t)all + (size_t)first) * TAPS,
               (size_t)count * TAPS * sizeof *out);
}

/* filters: [out_c][in_c][9] of one map -> packed matrices with rows (tap, output channel). */
static cnx_status pack_mix(cnx_concat_conv *conv, const cnx_kernels *k, int input,
                           const float *filters, float *matrix, cnx_error *err)
{
    const size_t in_c = (size_t)conv->in_c[input];
    for (int c = 0; c < chunks(conv); c++) {
        const int size = chunk_size(conv, c);
        for (int t = 0; t < TAPS; t++)
            for (int o = 0; o < size; o++) {
                const float *filter =
                    filters + (size_t)(c * conv->chunk + o) * in_c * TAPS + (size_t)t;
                float *row = matrix + (size_t)(t * size + o) * in_c;
                for (size_t i = 0; i < in_c; i++)
                    row[i] = filter[i * TAPS];
            }
        CNX_TRY(cnx_kernels_pack(k, conv->in_c[input], TAPS * size, matrix,
                                 conv->mix[input] + (size_t)c * mix_step(conv, k, input), err));
    }
    return CNX_OK;
}

static cnx_status init_first(cnx_concat_conv *conv, const cnx_kernels *k, const float *filters,
                             const float *bias, cnx_error *err)
{
    if (conv->winograd) {
        CNX_TRY(cnx_winograd_init(&conv->first_winograd, k, conv->in_c[0], conv->out_c, filters,
                                  bias, conv->relu, err));
        conv->bytes += conv->first_winograd.bytes;
        return CNX_OK;
    }
    CNX_TRY(cnx_conv_init(&conv->first_direct, k, CNX_CONV_3X3, 3, conv->in_c[0], conv->out_c,
                          filters, bias, CNX_ACT_NONE, err));
    conv->bytes += conv->first_direct.bytes;
    return CNX_OK;
}

static int widest(const cnx_concat_conv *conv)
{
    int most = 0;
    for (int i = 0; i < conv->inputs; i++)
        most = conv->in_c[i] > most ? conv->in_c[i] : most;
    return most;
}

cnx_status cnx_concat_conv_init(cnx_concat_conv *conv, const cnx_kernels *k, int inputs,
                                const int in_c[], int out_c, const float *weights,
                                const float *bias, bool relu, bool winograd, cnx_error *err)
{
    cnx_concat_conv_shape(conv, inputs, in_c, out_c, relu, winograd);
    int all = 0;
    for (int i = 0; i < inputs; i++)
        all += in_c[i];
    float *filters = NULL, *matrix = NULL;
    cnx_status status = CNX_OK;
    const size_t most = (size_t)widest(conv) * TAPS * sizeof(float);
    CNX_CHECK(cnx_alloc_or_fail((void **)&filters, most * (size_t)out_c, "filters", err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&matrix, most * (size_t)conv->chunk, "filters", err));
    for (int i = 0, first = 0; i < inputs; first += in_c[i++]) {
        slice_filters(conv, weights, all, first, in_c[i], filters);
        if (i == 0) {
            CNX_CHECK(init_first(conv, k, filters, bias, err));
            continue;
        }
        const size_t bytes = (size_t)chunks(conv) * mix_step(conv, k, i) * sizeof(float);
        CNX_CHECK(cnx_alloc_or_fail((void **)&conv->mix[i], bytes, "weights", err));
        CNX_CHECK(pack_mix(conv, k, i, filters, matrix, err));
        conv->bytes += bytes;
    }
cleanup:
    cnx_free(filters);
    cnx_free(matrix);
    if (status != CNX_OK)
        cnx_concat_conv_free(conv);
    return status;
}

void cnx_concat_conv_free(cnx_concat_conv *conv)
{
    cnx_winograd_free(&conv->first_winograd);
    cnx_conv_free(&conv->first_direct);
    for (int i = 0; i < CNX_MAX_CONCAT; i++)
        cnx_free(conv->mix[i]);
    *conv = (cnx_concat_conv){0};
}

/* ---- sizes ---- */

/* Floats of the low-resolution products of one map and one chunk, [h][w][ky][kx][chunk]. */
static size_t product_floats(const cnx_concat_conv *conv, int h, int w)
{
    return cnx_padded_floats((size_t)h * (size_t)w * TAPS * (size_t)conv->chunk);
}

/* Floats of one thread's rows: for each map [w][kx][chunk]. */
static size_t row_floats(const cnx_concat_conv *conv, const int w[])
{
    size_t floats = 0;
    for (int i = 1; i < conv->inputs; i++)
        floats += cnx_padded_floats((size_t)w[i] * 3 * (size_t)conv->chunk);
    return floats;
}

/* Taps of both axes, for each map but the first. */
static size_t taps_floats(const cnx_concat_conv *conv, int h, int w)
{
    const size_t taps = ((size_t)h + (size_t)w) * (size_t)(conv->inputs - 1);
    return cnx_padded_floats(taps * sizeof(cnx_taps) / sizeof(float));
}

size_t cnx_concat_conv_scratch(const cnx_concat_conv *conv, const cnx_kernels *k, const int h[],
                               const int w[], int threads)
{
    size_t floats = taps_floats(conv, h[0], w[0]) + row_floats(conv, w) * (size_t)threads;
    for (int i = 1; i < conv->inputs; i++)
        floats += product_floats(conv, h[i], w[i]);
    const size_t low = floats * sizeof(float);
    const size_t first = conv->winograd
                             ? cnx_winograd_scratch(&conv->first_winograd, h[0], w[0])
                             : cnx_conv_scratch(&conv->first_direct, k, h[0], w[0], threads);
    return low > first ? low : first;
}

/* ---- run ---- */

typedef struct job {
    const cnx_exec *exec;
    const cnx_concat_conv *conv;
    const cnx_map *in;
    cnx_map out;
    int chunk, size;                  /* index of the chunk, its output channels */
    int input;                        /* the map being mixed */
    cnx_taps *taps_y[CNX_MAX_CONCAT]; /* [out.h] */
    cnx_taps *taps_x[CNX_MAX_CONCAT]; /* [out.w] */
    float *products[CNX_MAX_CONCAT];
    float *rows; /* [threads] of row_floats */
    size_t row_step;
    cnx_tiles tiles; /* of the low map's pixels */
} job;

/* Pixels [index * mix_rows ...) of one low map times its matrix. */
static void mix_tile(void *context, int index, int thread)
{
    (void)thread;
    const job *j = context;
    const cnx_kernels *k = j->exec->k;
    const cnx_map in = j->in[j->input];
    const size_t first = cnx_tiles_first(&j->tiles, index);
    const int count = cnx_tiles_rows(&j->tiles, index);
    const size_t n = (size_t)TAPS * (size_t)j->size;
    const cnx_epilogue plain = {.act = CNX_ACT_NONE};
    if (count == 0)
        return;
    k->gemm(count, (int)n, in.c, cnx_map_at(in, first), in.ld,
            j->conv->mix[j->input] + (size_t)j->chunk * mix_step(j->conv, k, j->input),
            j->products[j->input] + first * n, n, &plain);
}

/* What reaches output row y from map i, mixed vertically: [w][kx][size]. */
static void vertical(const job *j, int i, int y, float *out)
{
    const cnx_map in = j->in[i];
    const size_t n = (size_t)j->size, pixel = TAPS * n, shift = 3 * n;
    const float *rows[SOURCES];
    float weights[SOURCES];
    int count = 0;
    for (int ky = 0; ky < 3; ky++) {
        const int from = y + ky - 1; /* a row of the upsampled map */
        if (from < 0 || from >= j->out.h)
            continue;
        const cnx_taps *taps = &j->taps_y[i][from];
        for (int t = 0; t < taps->count; t++, count++) {
            rows[count] = j->products[i] + (size_t)(taps->first + t) * (size_t)in.w * pixel +
                          (size_t)ky * shift;
            weights[count] = taps->weight[t];
        }
    }
    for (int x = 0; x < in.w; x++) {
        j->exec->k->combine(shift, count, rows, weights, out + (size_t)x * shift);
        for (int s = 0; s < count; s++)
            rows[s] += pixel;
    }
}

static void low_row(void *context, int y, int thread)
{
    const job *j = context;
    const size_t n = (size_t)j->size;
    float *rows[CNX_MAX_CONCAT] = {NULL};
    float *memory = j->rows + (size_t)thread * j->row_step;
    for (int i = 1; i < j->conv->inputs; i++) {
        rows[i] = memory;
        memory += cnx_padded_floats((size_t)j->in[i].w * 3 * (size_t)j->conv->chunk);
        vertical(j, i, y, rows[i]);
    }
    for (int x = 0; x < j->out.w; x++) {
        const float *sources[SOURCES * CNX_MAX_CONCAT];
        float weights[SOURCES * CNX_MAX_CONCAT];
        int count = 0;
        for (int i = 1; i < j->conv->inputs; i++)
            for (int kx = 0; kx < 3; kx++) {
                const int from = x + kx - 1;
                if (from < 0 || from >= j->out.w)
                    continue;
                const cnx_taps *taps = &j->taps_x[i][from];
                for (int t = 0; t < taps->count; t++, count++) {
                    sources[count] = rows[i] + ((size_t)(taps->first + t) * 3 + (size_t)kx) * n;
                    weights[count] = taps->weight[t];
                }
            }
        float *out = cnx_map_pixel(j->out, y, x) + (size_t)j->chunk * (size_t)j->conv->chunk;
        j->exec->k->combine(n, count, sources, weights, out);
    }
}

/* Splits the scratch and fills in the taps. */
static void carve(job *j)
{
    const int h = j->out.h, w = j->out.w;
    float *memory = (float *)j->exec->scratch;
    cnx_taps *taps = (cnx_taps *)memory;
    memory += taps_floats(j->conv, h, w);
    int widths[CNX_MAX_CONCAT] = {0};
    for (int i = 1; i < j->conv->inputs; i++) {
        j->taps_y[i] = taps;
        j->taps_x[i] = taps + h;
        taps += h + w;
        cnx_resize_taps(j->in[i].h, h, j->taps_y[i]);
        cnx_resize_taps(j->in[i].w, w, j->taps_x[i]);
        j->products[i] = memory;
        memory += product_floats(j->conv, j->in[i].h, j->in[i].w);
        widths[i] = j->in[i].w;
    }
    j->rows = memory;
    j->row_step = row_floats(j->conv, widths);
}

/* out = what the upsampled maps contribute. */
static void run_low(job *j)
{
    carve(j);
    const cnx_exec *exec = j->exec;
    for (j->chunk = 0; j->chunk < chunks(j->conv); j->chunk++) {
        j->size = chunk_size(j->conv, j->chunk);
        for (j->input = 1; j->input < j->conv->inputs; j->input++) {
            const cnx_map in = j->in[j->input];
            j->tiles = cnx_tiles_cut((size_t)in.h * (size_t)in.w,
                                     exec->k->gemm_rows(in.c, TAPS * j->size), FEWEST_ROWS);
            cnx_parallel_for(exec->threads, j->tiles.count, mix_tile, j);
        }
        cnx_parallel_for(exec->threads, j->out.h, low_row, j);
    }
}

static void relu_row(void *context, int y, int thread)
{
    (void)thread;
    const job *j = context;
    for (int x = 0; x < j->out.w; x++) {
        float *pixel = cnx_map_pixel(j->out, y, x);
        for (int c = 0; c < j->out.c; c++)
            pixel[c] = pixel[c] < 0 ? 0.0f : pixel[c];
    }
}

void cnx_concat_conv_run(const cnx_exec *exec, const cnx_concat_conv *conv, const cnx_map in[],
                         cnx_map out)
{
    job j = {.exec = exec, .conv = conv, .in = in, .out = out};
    const bool low = conv->inputs > 1;
    if (low)
        run_low(&j);
    if (conv->winograd) {
        cnx_winograd_run(exec, &conv->first_winograd, in[0], out, low);
        return;
    }
    cnx_conv_run(exec, &conv->first_direct, in[0], out, low ? out : (cnx_map){0});
    if (conv->relu)
        cnx_parallel_for(exec->threads, out.h, relu_row, &j);
}
