#include "core/ops/upsampled_conv.h"

#include <string.h>

#include "core/memory.h"
#include "core/threads.h"

enum {
    TAPS = 9,
    CHUNK = 128, /* output channels: few enough for a matrix to stay in L2 */
    PIXELS = 128 /* that are worth reading a matrix for */
};

/* ---- weights ---- */

cnx_upsampled_conv cnx_upsampled_conv_shape(int in_c, int out_c, bool doubling)
{
    return (cnx_upsampled_conv){
        .in_c = in_c, .out_c = out_c, .doubling = doubling, .chunk = out_c < CHUNK ? out_c : CHUNK};
}

int cnx_upsampled_conv_chunks(const cnx_upsampled_conv *conv)
{
    return (conv->out_c + conv->chunk - 1) / conv->chunk;
}

int cnx_upsampled_conv_chunk_size(const cnx_upsampled_conv *conv, int chunk)
{
    const int left = conv->out_c - chunk * conv->chunk;
    return left < conv->chunk ? left : conv->chunk;
}

/* Filters of one axis that are kept: a + b only where an axis may be doubled. */
static int filters(const cnx_upsampled_conv *conv)
{
    return conv->doubling ? CNX_AXIS_FILTERS : CNX_FILTER_BOTH;
}

/* Matrices are stored one after the other, each with room for a full chunk. */
static size_t matrix_floats(const cnx_upsampled_conv *conv, const cnx_kernels *k)
{
    return cnx_padded_floats(k->gemm_packed_size(conv->in_c, conv->chunk));
}

static float *matrix_at(const cnx_upsampled_conv *conv, const cnx_kernels *k, int filter_y,
                        int filter_x, int chunk)
{
    const size_t index = (size_t)(filter_y * filters(conv) + filter_x);
    return conv->packed + (index * (size_t)cnx_upsampled_conv_chunks(conv) + (size_t)chunk) *
                              matrix_floats(conv, k);
}

size_t cnx_upsampled_conv_bytes(const cnx_upsampled_conv *conv, const cnx_kernels *k)
{
    const size_t count = (size_t)filters(conv);
    return count * count * (size_t)cnx_upsampled_conv_chunks(conv) * matrix_floats(conv, k) *
           sizeof(float);
}

double cnx_upsampled_conv_products(const cnx_upsampled_conv *conv, int h, int w, int out_h,
                                   int out_w)
{
    const cnx_axis y = cnx_axis_make(h, out_h, conv->doubling);
    const cnx_axis x = cnx_axis_make(w, out_w, conv->doubling);
    return (double)conv->in_c * conv->out_c * cnx_axis_products(&y) * cnx_axis_products(&x);
}

/* A filter of an axis on three values `step` apart. */
static double filtered(cnx_axis_filter filter, const double *taps, int step)
{
    return filter == CNX_FILTER_BOTH ? taps[0] + taps[2 * step] : taps[(int)filter * step];
}

/* The matrices of one chunk and one filter of y, one after the other: [filter of x][size][in_c]. */
static void mix_filters(const cnx_upsampled_conv *conv, const float *weights, size_t step,
                        int chunk, cnx_axis_filter filter_y, float *matrices)
{
    const int size = cnx_upsampled_conv_chunk_size(conv, chunk), all = filters(conv);
    for (int o = 0; o < size; o++) {
        const float *from = weights + (size_t)(chunk * conv->chunk + o) * step;
        for (int i = 0; i < conv->in_c; i++, from += TAPS) {
            double taps[TAPS], row[3];
            for (int t = 0; t < TAPS; t++)
                taps[t] = (double)from[t];
            for (int x = 0; x < 3; x++)
                row[x] = filtered(filter_y, taps + x, 3);
            for (int f = 0; f < all; f++)
                matrices[(size_t)(f * size + o) * (size_t)conv->in_c + (size_t)i] =
                    (float)filtered((cnx_axis_filter)f, row, 1);
        }
    }
}

static cnx_status pack(cnx_upsampled_conv *conv, const cnx_kernels *k, const float *weights,
                       size_t step, float *matrices, cnx_error *err)
{
    const int all = filters(conv);
    for (int chunk = 0; chunk < cnx_upsampled_conv_chunks(conv); chunk++) {
        const int size = cnx_upsampled_conv_chunk_size(conv, chunk);
        for (int fy = 0; fy < all; fy++) {
            mix_filters(conv, weights, step, chunk, (cnx_axis_filter)fy, matrices);
            for (int fx = 0; fx < all; fx++)
                CNX_TRY(cnx_kernels_pack(k, conv->in_c, size,
                                         matrices + (size_t)fx * (size_t)size * (size_t)conv->in_c,
                                         matrix_at(conv, k, fy, fx, chunk), err));
        }
    }
    return CNX_OK;
}

cnx_status cnx_upsampled_conv_init(cnx_upsampled_conv *conv, const cnx_kernels *k, int in_c,
                                   int out_c, bool doubling, const float *weights, size_t step,
                                   cnx_error *err)
{
    *conv = cnx_upsampled_conv_shape(in_c, out_c, doubling);
    const size_t count = (size_t)filters(conv);
    const size_t bytes = cnx_upsampled_conv_bytes(conv, k);
    const size_t temporary = count * (size_t)conv->chunk * (size_t)in_c * sizeof(float);
    float *matrices = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_alloc_or_fail((void **)&conv->packed, bytes, "weights", err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&matrices, temporary, "weights being packed", err));
    CNX_CHECK(pack(conv, k, weights, step, matrices, err));
    conv->bytes = bytes;
cleanup:
    cnx_free(matrices);
    if (status != CNX_OK)
        cnx_upsampled_conv_free(conv);
    return status;
}

void cnx_upsampled_conv_free(cnx_upsampled_conv *conv)
{
    cnx_free(conv->packed);
    *conv = (cnx_upsampled_conv){0};
}

/* ---- sizes ---- */

static int kind_lines(const cnx_axis *axis, int kind)
{
    return cnx_axis_data_lines(axis, cnx_axis_kind_data(axis, kind));
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Whether the products are taken of the map as it lies. */
static bool takes_map(const cnx_sweep *s)
{
    return s->y.data == 1 && s->x.data == 1;
}

/* Floats of the data that one step takes, [data of y][data of x][step][lines of x][in_c]. */
static size_t data_floats(const cnx_sweep *s)
{
    size_t columns = 0;
    for (int data = 0; data < s->x.data; data++)
        columns += (size_t)cnx_axis_data_lines(&s->x, data);
    return takes_map(s) ? 0
                        : cnx_padded_floats((size_t)s->y.data * (size_t)s->step * columns *
                                            (size_t)s->conv->in_c);
}

/* Floats of the products, [chunk][kind of y][kind of x][room][lines of x][size of the chunk]. */
static size_t product_floats(const cnx_sweep *s)
{
    return cnx_padded_floats((size_t)s->y.kinds * (size_t)s->room *
                             (size_t)cnx_axis_products(&s->x) * (size_t)s->conv->out_c);
}

static size_t group_floats(const cnx_axis *axis)
{
    return cnx_padded_floats((size_t)axis->groups * sizeof(cnx_axis_group) / sizeof(float));
}

/* Everything but where things are. */
static cnx_sweep lay_out(const cnx_upsampled_conv *conv, int h, int w, int out_h, int out_w,
                         bool sparing)
{
    const int pixels = sparing ? 1 : PIXELS;
    cnx_sweep s = {.conv = conv,
                   .y = cnx_axis_make(h, out_h, conv->doubling),
                   .x = cnx_axis_make(w, out_w, conv->doubling)};
    s.step = smaller((pixels + s.x.lines - 1) / s.x.lines, s.y.lines);
    s.room = smaller(s.step + cnx_axis_reach(&s.y) - 1, s.y.lines);
    return s;
}

size_t cnx_sweep_floats(const cnx_upsampled_conv *conv, int h, int w, int out_h, int out_w,
                        bool sparing)
{
    const cnx_sweep s = lay_out(conv, h, w, out_h, out_w, sparing);
    return group_floats(&s.y) + group_floats(&s.x) + data_floats(&s) + product_floats(&s);
}

/* ---- run ---- */

static cnx_axis_group *write_groups(const cnx_axis *axis, float *memory)
{
    cnx_axis_group *groups = (cnx_axis_group *)(void *)memory;
    for (int g = 0; g < axis->groups; g++)
        cnx_axis_group_at(axis, g, &groups[g]);
    return groups;
}

void cnx_sweep_start(cnx_sweep *sweep, const cnx_exec *exec, const cnx_upsampled_conv *conv,
                     cnx_map in, int out_h, int out_w, bool sparing, float *memory)
{
    *sweep = lay_out(conv, in.h, in.w, out_h, out_w, sparing);
    sweep->exec = exec;
    sweep->in = in;
    sweep->groups_y = write_groups(&sweep->y, memory);
    memory += group_floats(&sweep->y);
    sweep->groups_x = write_groups(&sweep->x, memory);
    memory += group_floats(&sweep->x);
    sweep->data = memory;
    sweep->products = memory + data_floats(sweep);
}

/* Where the data of a kind for either axis start. */
static float *data_at(const cnx_sweep *s, int data_y, int data_x)
{
    size_t columns = 0, before = 0;
    for (int data = 0; data < s->x.data; data++) {
        const size_t lines = (size_t)cnx_axis_data_lines(&s->x, data);
        before += data < data_x ? lines : 0;
        columns += lines;
    }
    return s->data + ((size_t)data_y * columns + before) * (size_t)s->step * (size_t)s->conv->in_c;
}

/* Where the products of a kind for either axis start: line `from`. */
static float *products_at(const cnx_sweep *s, int chunk, int kind_y, int kind_x)
{
    const size_t size = (size_t)cnx_upsampled_conv_chunk_size(s->conv, chunk);
    const size_t columns = (size_t)cnx_axis_products(&s->x), room = (size_t)s->room;
    size_t before = (size_t)kind_y * columns;
    for (int kind = 0; kind < kind_x; kind++)
        before += (size_t)kind_lines(&s->x, kind);
    return s->products +
           (size_t)chunk * (size_t)s->conv->chunk * (size_t)s->y.kinds * columns * room +
           before * room * size;
}

/* to = x[plus_y - minus_y][plus_x - minus_x], one pixel; -1 for what is not there. */
static void difference(const cnx_sweep *s, const int y[2], const int x[2], float *to)
{
    const float *source[4];
    float weight[4];
    int count = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 2; j++)
            if (y[i] >= 0 && x[j] >= 0) {
                source[count] = cnx_map_pixel(s->in, y[i], x[j]);
                weight[count++] = i == j ? 1.0f : -1.0f;
            }
    if (count > 0)
        s->exec->k->combine((size_t)s->in.c, count, source, weight, to);
    else
        memset(to, 0, (size_t)s->in.c * sizeof *to);
}

/* One line of one kind of data of y, for all data of x; index: data * step + line of the step. */
static void data_line(void *context, int index, int thread)
{
    (void)thread;
    const cnx_sweep *s = context;
    const int data_y = index / s->step, at = index % s->step, line = s->made + at;
    int y[2], x[2];
    if (line >= s->end || line >= cnx_axis_data_lines(&s->y, data_y))
        return;
    cnx_axis_data_line(&s->y, data_y, line, &y[0], &y[1]);
    for (int data_x = 0; data_x < s->x.data; data_x++) {
        const int lines = cnx_axis_data_lines(&s->x, data_x);
        const size_t row = (size_t)lines * (size_t)s->in.c;
        float *to = data_at(s, data_y, data_x) + (size_t)at * row;
        for (int i = 0; i < lines; i++, to += s->in.c) {
            cnx_axis_data_line(&s->x, data_x, i, &x[0], &x[1]);
            difference(s, y, x, to);
        }
    }
}

/* The lines of one kind for either axis and one chunk that are kept move up. */
static void keep_lines(const cnx_sweep *s, float *products, size_t row)
{
    if (s->shift > 0 && s->made > s->from)
        memmove(products, products + (size_t)s->shift * row,
                (size_t)(s->made - s->from) * row * sizeof *products);
}

/* The matrix of the product with this index: (kind of y, kind of x, chunk). */
static const float *product_matrix(const cnx_sweep *s, int index)
{
    const int chunks = cnx_upsampled_conv_chunks(s->conv);
    const int kind_x = index / chunks % s->x.kinds, kind_y = index / chunks / s->x.kinds;
    return matrix_at(s->conv, s->exec->k, (int)cnx_axis_kind_filter(&s->y, kind_y),
                     (int)cnx_axis_kind_filter(&s->x, kind_x), index % chunks);
}

static int product_count(const cnx_sweep *s)
{
    return s->y.kinds * s->x.kinds * cnx_upsampled_conv_chunks(s->conv);
}

/* The new lines of one kind for either axis and one chunk. */
static void product(void *context, int index, int thread)
{
    (void)thread;
    const cnx_sweep *s = context;
    const cnx_kernels *k = s->exec->k;
    const int chunks = cnx_upsampled_conv_chunks(s->conv), chunk = index % chunks;
    const int kind_x = index / chunks % s->x.kinds, kind_y = index / chunks / s->x.kinds;
    const int size = cnx_upsampled_conv_chunk_size(s->conv, chunk);
    const int columns = kind_lines(&s->x, kind_x);
    const int lines = smaller(s->end, kind_lines(&s->y, kind_y)) - s->made;
    const size_t row = (size_t)columns * (size_t)size;
    float *to = products_at(s, chunk, kind_y, kind_x);
    keep_lines(s, to, row);
    if (lines <= 0 || columns == 0)
        return;
    const float *from = takes_map(s) ? cnx_map_pixel(s->in, s->made, 0)
                                     : data_at(s, cnx_axis_kind_data(&s->y, kind_y),
                                               cnx_axis_kind_data(&s->x, kind_x));
    const int next = (index + s->exec->threads) % product_count(s);
    const cnx_epilogue plain = {.act = CNX_ACT_NONE,
                                .next = product_matrix(s, next),
                                .next_n = cnx_upsampled_conv_chunk_size(s->conv, next % chunks),
                                .next_k = s->conv->in_c};
    k->gemm(lines * columns, size, s->in.c, from, takes_map(s) ? s->in.ld : (size_t)s->in.c,
            product_matrix(s, index), to + (size_t)(s->made - s->from) * row, (size_t)size, &plain);
}

bool cnx_sweep_has(const cnx_sweep *sweep, int g)
{
    return sweep->groups_y[g].last < sweep->end;
}

void cnx_sweep_advance(cnx_sweep *s, int g)
{
    const int threads = s->exec->threads, first = s->groups_y[g].first;
    while (!cnx_sweep_has(s, g)) {
        s->shift = first - s->from;
        s->from = first;
        s->made = s->end > first ? s->end : first;
        s->end = smaller(s->made + s->step, s->y.lines);
        if (!takes_map(s))
            cnx_parallel_for(threads, s->y.data * s->step, data_line, s);
        cnx_parallel_for(threads, product_count(s), product, s);
    }
}

cnx_sweep_columns cnx_sweep_span(const cnx_axis *x, const cnx_axis_group *groups, int first,
                                 int end)
{
    cnx_sweep_columns c = {.pixels = 0};
    for (int g = first; g < end; g++)
        for (int s = 0; s < groups[g].count; s++) {
            const cnx_axis_source *source = &groups[g].source[s];
            int *from = &c.first[source->kind], *count = &c.count[source->kind];
            const int low = *count && *from < source->line ? *from : source->line;
            const int high = *from + *count > source->line ? *from + *count : source->line + 1;
            *count = high - low;
            *from = low;
        }
    for (int kind = 0; kind < x->kinds; kind++) {
        c.start[kind] = c.pixels;
        c.pixels += c.count[kind];
    }
    return c;
}

void cnx_sweep_rows(const cnx_sweep *s, int chunk, int g, const cnx_sweep_columns *columns,
                    float *const rows[CNX_AXIS_GROUP])
{
    const cnx_axis_group *group = &s->groups_y[g];
    const size_t size = (size_t)cnx_upsampled_conv_chunk_size(s->conv, chunk);
    float weight[CNX_AXIS_SOURCES][CNX_AXIS_GROUP];
    for (int i = 0; i < group->count; i++)
        memcpy(weight[i], group->source[i].weight, sizeof weight[i]);
    for (int kind = 0; kind < s->x.kinds; kind++) {
        const float *source[CNX_AXIS_SOURCES];
        float *out[CNX_AXIS_GROUP];
        const size_t lines = (size_t)kind_lines(&s->x, kind);
        for (int i = 0; i < group->count; i++)
            source[i] =
                products_at(s, chunk, group->source[i].kind, kind) +
                ((size_t)(group->source[i].line - s->from) * lines + (size_t)columns->first[kind]) *
                    size;
        for (int j = 0; j < CNX_AXIS_GROUP; j++)
            out[j] = rows[j] ? rows[j] + (size_t)columns->start[kind] * size : NULL;
        if (columns->count[kind] > 0)
            s->exec->k->combine4((size_t)columns->count[kind] * size, group->count, source,
                                 weight[0], out);
    }
}
