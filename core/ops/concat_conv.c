#include "core/ops/concat_conv.h"

#include <string.h>

#include "core/memory.h"
#include "core/threads.h"

enum {
    TAPS = 9,
    LOW = CNX_MAX_CONCAT - 1, /* upsampled maps, at most */
    PART = 16                 /* groups of columns that are put together at a time */
};

/* ---- weights ---- */

void cnx_concat_conv_shape(cnx_concat_conv *conv, int inputs, const int in_c[], int out_c,
                           bool relu, bool winograd, int halved)
{
    *conv = (cnx_concat_conv){
        .inputs = inputs, .out_c = out_c, .relu = relu, .winograd = winograd, .halved = halved};
    for (int i = 0; i < inputs; i++)
        conv->in_c[i] = in_c[i];
    conv->first_winograd = (cnx_winograd){.in_c = in_c[0], .out_c = out_c};
    conv->first_direct =
        (cnx_conv){.kind = CNX_CONV_3X3, .size = 3, .in_c = in_c[0], .out_c = out_c};
    for (int i = 1; i < inputs; i++)
        conv->low[i - 1] = cnx_upsampled_conv_shape(in_c[i], out_c, i == halved);
}

/* filters: [out_c][in_c[0]][9] */
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

/* step: floats from one output channel's filters to the next one's. */
static cnx_status slice_first(cnx_concat_conv *conv, const cnx_kernels *k, const float *weights,
                              size_t step, const float *bias, cnx_error *err)
{
    const size_t row = (size_t)conv->in_c[0] * TAPS;
    if (conv->inputs == 1)
        return init_first(conv, k, weights, bias, err);
    float *filters = NULL;
    CNX_TRY(cnx_alloc_or_fail((void **)&filters, row * (size_t)conv->out_c * sizeof *filters,
                              "filters", err));
    for (int o = 0; o < conv->out_c; o++)
        memcpy(filters + (size_t)o * row, weights + (size_t)o * step, row * sizeof *filters);
    const cnx_status status = init_first(conv, k, filters, bias, err);
    cnx_free(filters);
    return status;
}

cnx_status cnx_concat_conv_init(cnx_concat_conv *conv, const cnx_kernels *k, int inputs,
                                const int in_c[], int out_c, const float *weights,
                                const float *bias, bool relu, bool winograd, int halved,
                                cnx_error *err)
{
    cnx_concat_conv_shape(conv, inputs, in_c, out_c, relu, winograd, halved);
    size_t step = 0;
    cnx_status status = CNX_OK;
    for (int i = 0; i < inputs; i++)
        step += (size_t)in_c[i] * TAPS;
    CNX_CHECK(slice_first(conv, k, weights, step, bias, err));
    for (int i = 1; i < inputs; i++) {
        weights += (size_t)in_c[i - 1] * TAPS;
        CNX_CHECK(cnx_upsampled_conv_init(&conv->low[i - 1], k, in_c[i], out_c, i == halved,
                                          weights, step, err));
        conv->bytes += conv->low[i - 1].bytes;
    }
cleanup:
    if (status != CNX_OK)
        cnx_concat_conv_free(conv);
    return status;
}

void cnx_concat_conv_free(cnx_concat_conv *conv)
{
    cnx_winograd_free(&conv->first_winograd);
    cnx_conv_free(&conv->first_direct);
    for (int i = 0; i < LOW; i++)
        cnx_upsampled_conv_free(&conv->low[i]);
    *conv = (cnx_concat_conv){0};
}

size_t cnx_concat_conv_bytes(const cnx_concat_conv *conv, const cnx_kernels *k)
{
    size_t bytes = conv->winograd ? cnx_winograd_bytes(&conv->first_winograd, k)
                                  : cnx_conv_bytes(&conv->first_direct, k);
    for (int i = 1; i < conv->inputs; i++)
        bytes += cnx_upsampled_conv_bytes(&conv->low[i - 1], k);
    return bytes;
}

double cnx_concat_conv_products(const cnx_concat_conv *conv, const int h[], const int w[])
{
    double products = conv->winograd ? cnx_winograd_products(&conv->first_winograd, h[0], w[0])
                                     : (double)h[0] * w[0] * TAPS * conv->in_c[0] * conv->out_c;
    for (int i = 1; i < conv->inputs; i++)
        products += cnx_upsampled_conv_products(&conv->low[i - 1], h[i], w[i], h[0], w[0]);
    return products;
}

/* ---- sizes ---- */

static int parts(int groups)
{
    return (groups + PART - 1) / PART;
}

static int part_end(int groups, int part)
{
    return (part + 1) * PART < groups ? (part + 1) * PART : groups;
}

/* Pixels of one row of a part of the columns, of one map: the most of all parts. */
static int widest_part(const cnx_axis *x)
{
    int most = 0;
    for (int p = 0; p < parts(x->groups); p++) {
        cnx_axis_group groups[PART];
        const int first = p * PART, count = part_end(x->groups, p) - first;
        for (int g = 0; g < count; g++)
            cnx_axis_group_at(x, first + g, &groups[g]);
        const int pixels = cnx_sweep_span(x, groups, 0, count).pixels;
        most = pixels > most ? pixels : most;
    }
    return most;
}

/* Floats of one row of a part of the columns, of all upsampled maps. */
static size_t row_floats(const cnx_concat_conv *conv, const int w[])
{
    size_t pixels = 0;
    for (int i = 1; i < conv->inputs; i++) {
        const cnx_axis x = cnx_axis_make(w[i], w[0], conv->low[i - 1].doubling);
        pixels += (size_t)widest_part(&x);
    }
    return conv->inputs > 1 ? cnx_padded_floats(pixels * (size_t)conv->low[0].chunk) : 0;
}

/* For the upsampled maps. */
static size_t low_scratch(const cnx_concat_conv *conv, const int h[], const int w[], int threads,
                          bool sparing)
{
    size_t floats = row_floats(conv, w) * CNX_AXIS_GROUP * (size_t)threads;
    for (int i = 1; i < conv->inputs; i++)
        floats += cnx_sweep_floats(&conv->low[i - 1], h[i], w[i], h[0], w[0], sparing);
    return floats * sizeof(float);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What Winograd's convolution of the first map takes. */
static size_t winograd_scratch(const cnx_concat_conv *conv, const int h[], const int w[],
                               int threads, bool sparing)
{
    return (sparing ? cnx_winograd_least_scratch : cnx_winograd_scratch)(&conv->first_winograd,
                                                                         h[0], w[0], threads);
}

/* Rows of the output that are put together from the upsampled maps at a time: what Winograd wants, and
 * the rest of a group of rows. */
static int band_rows(const cnx_concat_conv *conv, const int h[], const int w[], int threads,
                     bool sparing)
{
    return cnx_winograd_rows(&conv->first_winograd, h[0], w[0], threads,
                             winograd_scratch(conv, h, w, threads, sparing)) +
           CNX_AXIS_GROUP;
}

static size_t band_floats(const cnx_concat_conv *conv, const int h[], const int w[], int threads,
                          bool sparing)
{
    const size_t rows = (size_t)band_rows(conv, h, w, threads, sparing);
    return cnx_padded_floats(rows * (size_t)w[0] * (size_t)conv->out_c);
}

/* Winograd runs between the steps of the sweep, a direct convolution after it. */
static size_t scratch(const cnx_concat_conv *conv, const cnx_kernels *k, const int h[],
                      const int w[], int threads, bool sparing)
{
    const size_t low = low_scratch(conv, h, w, threads, sparing);
    if (!conv->winograd)
        return larger(low, (sparing ? cnx_conv_least_scratch : cnx_conv_scratch)(
                               &conv->first_direct, k, h[0], w[0], threads));
    const size_t first = winograd_scratch(conv, h, w, threads, sparing);
    if (conv->inputs == 1)
        return first;
    return low + band_floats(conv, h, w, threads, sparing) * sizeof(float) + first;
}

size_t cnx_concat_conv_scratch(const cnx_concat_conv *conv, const cnx_kernels *k, const int h[],
                               const int w[], int threads)
{
    return scratch(conv, k, h, w, threads, false);
}

size_t cnx_concat_conv_least_scratch(const cnx_concat_conv *conv, const cnx_kernels *k,
                                     const int h[], const int w[], int threads)
{
    return scratch(conv, k, h, w, threads, true);
}

bool cnx_concat_conv_in_place(const cnx_concat_conv *conv)
{
    return conv->winograd && conv->in_c[0] == conv->out_c;
}

/* ---- run ---- */

typedef struct job {
    const cnx_exec *exec;
    const cnx_concat_conv *conv;
    cnx_map out;
    int maps; /* that are upsampled */
    cnx_sweep sweeps[LOW];
    cnx_map band;    /* where rows are put together: row y is its row y % band.h */
    int first_group; /* of rows, of those that can be put together now */
    float *rows;     /* [threads][CNX_AXIS_GROUP] of row_step */
    size_t row_step;
} job;

/* The output pixels of one group of rows and some groups of columns, for one chunk. */
typedef struct block {
    int chunk, size;             /* the chunk and its output channels */
    int y;                       /* of the first row, which may lie outside */
    float *rows[CNX_AXIS_GROUP]; /* NULL outside */
    cnx_sweep_columns columns[LOW];
    size_t start[LOW]; /* of a map's pixels in a row */
} block;

/* One group of columns: what the rows hold, mixed along them. */
static void across(const job *j, const block *b, int group)
{
    const size_t size = (size_t)b->size;
    size_t at[LOW * CNX_AXIS_SOURCES];
    float weight[LOW * CNX_AXIS_SOURCES][CNX_AXIS_GROUP];
    int count = 0;
    for (int i = 0; i < j->maps; i++) {
        const cnx_axis_group *g = &j->sweeps[i].groups_x[group];
        const cnx_sweep_columns *c = &b->columns[i];
        for (int s = 0; s < g->count; s++, count++) {
            const int kind = g->source[s].kind;
            const int pixel = c->start[kind] + g->source[s].line - c->first[kind];
            at[count] = b->start[i] + (size_t)pixel * size;
            memcpy(weight[count], g->source[s].weight, sizeof weight[count]);
        }
    }
    const int x = CNX_AXIS_GROUP * group - 2;
    for (int r = 0; r < CNX_AXIS_GROUP; r++) {
        const float *source[LOW * CNX_AXIS_SOURCES];
        float *to[CNX_AXIS_GROUP];
        if (!b->rows[r])
            continue;
        for (int s = 0; s < count; s++)
            source[s] = b->rows[r] + at[s];
        for (int p = 0; p < CNX_AXIS_GROUP; p++)
            to[p] = x + p >= 0 && x + p < j->out.w
                        ? cnx_map_pixel(j->band, (b->y + r) % j->band.h, x + p) +
                              (size_t)b->chunk * (size_t)j->conv->low[0].chunk
                        : NULL;
        j->exec->k->combine4(size, count, source, weight[0], to);
    }
}

/* index: (group of rows, part of the columns, chunk) */
static void put_together(void *context, int index, int thread)
{
    const job *j = context;
    const cnx_upsampled_conv *low = &j->conv->low[0];
    const int chunks = cnx_upsampled_conv_chunks(low), groups = j->sweeps[0].x.groups;
    const int part = index / chunks % parts(groups);
    const int group = j->first_group + index / chunks / parts(groups);
    block b = {.chunk = index % chunks, .y = CNX_AXIS_GROUP * group - 2};
    b.size = cnx_upsampled_conv_chunk_size(low, b.chunk);
    for (int r = 0; r < CNX_AXIS_GROUP; r++)
        if (b.y + r >= 0 && b.y + r < j->out.h)
            b.rows[r] = j->rows + ((size_t)thread * CNX_AXIS_GROUP + (size_t)r) * j->row_step;
    const int first = part * PART, end = part_end(groups, part);
    size_t start = 0;
    for (int i = 0; i < j->maps; i++) {
        const cnx_sweep *s = &j->sweeps[i];
        float *rows[CNX_AXIS_GROUP];
        b.columns[i] = cnx_sweep_span(&s->x, s->groups_x, first, end);
        b.start[i] = start;
        for (int r = 0; r < CNX_AXIS_GROUP; r++)
            rows[r] = b.rows[r] ? b.rows[r] + start : NULL;
        cnx_sweep_rows(s, b.chunk, group, &b.columns[i], rows);
        start += (size_t)b.columns[i].pixels * (size_t)b.size;
    }
    for (int g = first; g < end; g++)
        across(j, &b, g);
}

/* Splits the scratch; returns what is left of it. */
static float *start(job *j, const cnx_map in[], const int h[], const int w[], bool sparing)
{
    float *memory = (float *)(void *)j->exec->scratch;
    for (int i = 0; i < j->maps; i++) {
        const cnx_upsampled_conv *low = &j->conv->low[i];
        const cnx_map map = in[i + 1];
        cnx_sweep_start(&j->sweeps[i], j->exec, low, map, j->out.h, j->out.w, sparing, memory);
        memory += cnx_sweep_floats(low, map.h, map.w, j->out.h, j->out.w, sparing);
    }
    j->rows = memory;
    j->row_step = row_floats(j->conv, w);
    memory += j->row_step * CNX_AXIS_GROUP * (size_t)j->exec->threads;
    if (!j->conv->winograd) {
        j->band = j->out;
        return memory;
    }
    j->band = cnx_map_dense(memory, band_rows(j->conv, h, w, j->exec->threads, sparing), j->out.w,
                            j->out.c);
    return memory + band_floats(j->conv, h, w, j->exec->threads, sparing);
}

/* Whether all maps have what group g of rows needs. */
static bool ready(const job *j, int g)
{
    for (int i = 0; i < j->maps; i++)
        if (!cnx_sweep_has(&j->sweeps[i], g))
            return false;
    return true;
}

/* What the upsampled maps contribute to the rows before `end` that are not there yet. */
static void put_rows_together(void *context, int first, int end)
{
    (void)first; /* the band has room for those that are still needed */
    job *j = context;
    const int wanted = (end + 1) / CNX_AXIS_GROUP + 1, all = j->sweeps[0].y.groups;
    const int groups = wanted < all ? wanted : all;
    const int tasks = parts(j->sweeps[0].x.groups) * cnx_upsampled_conv_chunks(&j->conv->low[0]);
    while (j->first_group < groups) {
        int g = j->first_group;
        for (int i = 0; i < j->maps; i++)
            cnx_sweep_advance(&j->sweeps[i], g);
        do
            g++;
        while (g < groups && ready(j, g));
        cnx_parallel_for(j->exec->threads, (g - j->first_group) * tasks, put_together, j);
        j->first_group = g;
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

/* Winograd's, while the rows that are added to it are put together. */
static void run_winograd(job *j, cnx_map in, float *memory, size_t bytes)
{
    cnx_exec exec = *j->exec;
    exec.scratch = (char *)memory;
    exec.scratch_size = bytes;
    const cnx_winograd_addend add = {.make = put_rows_together,
                                     .user = j,
                                     .data = j->band.data,
                                     .rows = j->band.h,
                                     .row = (size_t)j->band.w * j->band.ld};
    cnx_winograd_run(&exec, &j->conv->first_winograd, in, j->out, &add);
}

void cnx_concat_conv_run(const cnx_exec *exec, const cnx_concat_conv *conv, const cnx_map in[],
                         cnx_map out)
{
    job j = {.exec = exec, .conv = conv, .out = out, .maps = conv->inputs - 1};
    if (conv->winograd && j.maps == 0) {
        cnx_winograd_run(exec, &conv->first_winograd, in[0], out, NULL);
        return;
    }
    if (j.maps > 0) {
        int h[CNX_MAX_CONCAT], w[CNX_MAX_CONCAT];
        for (int i = 0; i < conv->inputs; i++) {
            h[i] = in[i].h;
            w[i] = in[i].w;
        }
        const bool sparing =
            scratch(conv, exec->k, h, w, exec->threads, false) > exec->scratch_size;
        float *rest = start(&j, in, h, w, sparing);
        if (conv->winograd) {
            run_winograd(&j, in[0], rest, winograd_scratch(conv, h, w, exec->threads, sparing));
            return;
        }
        put_rows_together(&j, 0, out.h);
    }
    cnx_conv_run(exec, &conv->first_direct, in[0], out, j.maps > 0 ? out : (cnx_map){0});
    if (conv->relu)
        cnx_parallel_for(exec->threads, out.h, relu_row, &j);
}
