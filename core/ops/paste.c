#include "core/ops/paste.h"

#include <math.h>

#include "core/memory.h"

/* What rounding may move a value by, and more: pieces nearer to the threshold are looked at pixel by
 * pixel. */
#define MARGIN 1e-5f

enum { OUTSIDE = -2 }; /* a line before all of the map's */

/* One axis of the box: which of the picture's lines are in it, and what each takes of the map. */
typedef struct axis {
    int begin, end; /* of the picture's lines */
    int32_t *line;  /* [end - begin]: the map's line before it, -1 to size - 1; else OUTSIDE */
    float *part;    /* weight of the line after that */
} axis;

/* A run of lines between the same two of the map. */
typedef struct piece {
    int32_t first, count, line;
} piece;

typedef struct job {
    const cnx_kernels *k;
    const float *prob;
    int size;
    float threshold;
    axis y, x;
    piece *pieces;
    int piece_count;
    float *column; /* the map's column at hand: [size + 2], zeros at both ends */
    cnx_rle_builder *out;
} job;

static size_t axis_bytes(int n)
{
    return cnx_round_up((size_t)n * sizeof(int32_t), CNX_ALIGNMENT) +
           cnx_round_up((size_t)n * sizeof(float), CNX_ALIGNMENT);
}

size_t cnx_paste_scratch(const cnx_paste *paste, int size)
{
    return axis_bytes(paste->width) + axis_bytes(paste->height) +
           cnx_round_up((size_t)paste->height * sizeof(piece), CNX_ALIGNMENT) +
           cnx_round_up(((size_t)size + 2) * sizeof(float), CNX_ALIGNMENT);
}

static void *take(char **memory, size_t bytes)
{
    void *at = *memory;
    *memory += cnx_round_up(bytes, CNX_ALIGNMENT);
    return at;
}

/* x as a line of the picture, 0 to n; NaN is 0. */
static int bounded(float x, int n)
{
    return x >= (float)n ? n : x > 0 ? (int)x : 0;
}

/* The published systems' expression, step by step: a coordinate in -1 .. 1, then the map's. */
static float position(int pixel, float low, float high, int size)
{
    float g = ((float)pixel + 0.5f - low) / (high - low) * 2 - 1;
    if (isinf(g))
        g = 0; /* of a box without extent: the map's centre */
    return ((g + 1) * (float)size - 1) / 2;
}

static void axis_fill(axis *a, float low, float high, int n, int size)
{
    a->begin = bounded(floorf(low) - 1, n);
    a->end = bounded(ceilf(high) + 1, n);
    for (int i = a->begin; i < a->end; i++) {
        const float at = position(i, low, high, size), line = floorf(at);
        const bool inside = line >= -1 && line < (float)size;
        a->line[i - a->begin] = inside ? (int32_t)line : OUTSIDE;
        a->part[i - a->begin] = inside ? at - line : 0;
    }
}

static void cut_pieces(job *j)
{
    j->piece_count = 0;
    for (int i = 0; i < j->y.end - j->y.begin; i++) {
        piece *last = j->pieces + j->piece_count - 1;
        if (j->piece_count > 0 && last->line == j->y.line[i])
            last->count++;
        else
            j->pieces[j->piece_count++] = (piece){.first = i, .count = 1, .line = j->y.line[i]};
    }
}

static float at(const job *j, int y, int x)
{
    const bool inside = y >= 0 && y < j->size && x >= 0 && x < j->size;
    return inside ? j->prob[(size_t)y * (size_t)j->size + (size_t)x] : 0;
}

/* The pixels of bits, from the lowest on, as runs. */
static void add_bits(cnx_rle_builder *out, uint64_t bits, int n)
{
    while (n > 0) {
        const bool set = bits & 1;
        const uint64_t other = set ? ~bits : bits; /* its lowest bit ends the run */
        const int zeros = other ? __builtin_ctzll(other) : CNX_PASTE_PIXELS;
        const int run = zeros < n ? zeros : n;
        cnx_rle_build_add(out, set, (uint32_t)run);
        bits = run < CNX_PASTE_PIXELS ? bits >> run : 0;
        n -= run;
    }
}

/* Each pixel looked at, by the expression of the published systems. */
static void add_pixels(const job *j, const piece *p, int column)
{
    const int y = p->line, x = j->x.line[column];
    const float corner[4] = {at(j, y, x), at(j, y, x + 1), at(j, y + 1, x), at(j, y + 1, x + 1)};
    for (int i = 0; i < p->count; i += CNX_PASTE_PIXELS) {
        const int n = p->count - i < CNX_PASTE_PIXELS ? p->count - i : CNX_PASTE_PIXELS;
        const float *part = j->y.part + p->first + i;
        add_bits(j->out, j->k->paste(n, corner, j->x.part[column], part, j->threshold), n);
    }
}

static void add_piece(const job *j, const piece *p, int column)
{
    const bool inside = p->line > OUTSIDE && j->x.line[column] > OUTSIDE;
    const float from = inside ? j->column[p->line + 1] : 0;
    const float to = inside ? j->column[p->line + 2] : 0;
    if (from >= j->threshold + MARGIN && to >= j->threshold + MARGIN) {
        cnx_rle_build_add(j->out, true, (uint32_t)p->count);
    } else if (!inside || (from < j->threshold - MARGIN && to < j->threshold - MARGIN)) {
        cnx_rle_build_add(j->out, !inside && j->threshold <= 0, (uint32_t)p->count);
    } else {
        add_pixels(j, p, column);
    }
}

static void fill_column(const job *j, int column)
{
    const int x = j->x.line[column];
    const float east = j->x.part[column];
    for (int y = 0; y < j->size && x > OUTSIDE; y++)
        j->column[y + 1] = at(j, y, x) * (1 - east) + at(j, y, x + 1) * east;
    j->column[0] = j->column[j->size + 1] = 0;
}

cnx_status cnx_paste_run(const cnx_kernels *k, const cnx_paste *paste, const float *prob, int size,
                         const float box[4], cnx_rle_builder *builder, void *scratch, cnx_rle *out,
                         cnx_error *err)
{
    char *memory = scratch;
    const size_t w = (size_t)paste->width, h = (size_t)paste->height;
    const uint32_t high = (uint32_t)paste->height;
    uint32_t pixels;
    job j = {.k = k, .prob = prob, .size = size, .threshold = paste->threshold, .out = builder};
    CNX_TRY(cnx_rle_pixels(&pixels, (uint32_t)h, (uint32_t)w, err));
    j.x.line = take(&memory, w * sizeof *j.x.line);
    j.x.part = take(&memory, w * sizeof *j.x.part);
    j.y.line = take(&memory, h * sizeof *j.y.line);
    j.y.part = take(&memory, h * sizeof *j.y.part);
    j.pieces = take(&memory, h * sizeof *j.pieces);
    j.column = take(&memory, ((size_t)size + 2) * sizeof *j.column);
    axis_fill(&j.x, box[0], box[2], paste->width, size);
    axis_fill(&j.y, box[1], box[3], paste->height, size);
    cut_pieces(&j);
    cnx_rle_build_start(builder);
    uint32_t added = 0;
    for (int x = j.x.begin; x < j.x.end && j.y.begin < j.y.end; x++) {
        const uint32_t first = (uint32_t)x * high + (uint32_t)j.y.begin;
        cnx_rle_build_add(builder, false, first - added);
        fill_column(&j, x - j.x.begin);
        for (int i = 0; i < j.piece_count; i++)
            add_piece(&j, &j.pieces[i], x - j.x.begin);
        added = first + (uint32_t)(j.y.end - j.y.begin);
    }
    cnx_rle_build_add(builder, false, pixels - added);
    return cnx_rle_build_finish(out, builder, (uint32_t)h, (uint32_t)w, err);
}
