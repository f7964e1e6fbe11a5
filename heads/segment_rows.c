/*
 * From the windows' logits to finished rows: upsampling, averaging of windows and passes, softmax
 * and argmax, a row at a time, so that only a few rows of logits exist at full size.
 */
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/threads.h"
#include "heads/segment_layout.h"

/* Rows that one thread makes in a go: neighbours share their sources. */
enum { STRIP_ROWS = 8 };

/* One thread's working rows. */
typedef struct row_scratch {
    float *quarter; /* [q_w][classes]: a row of one window's logits, mixed vertically */
    float *wide[2]; /* [padded_w][classes]: averaged rows of the resized picture */
    int wide_row[2];
    float *mixed;  /* [padded_w][classes]: those two, mixed vertically */
    float *scores; /* [width][classes]: logits of a result row */
    float *sum;    /* [width][classes]: probabilities of a result row */
} row_scratch;

typedef struct scratch_sizes {
    size_t quarter, wide, result; /* floats, each a multiple of the alignment */
} scratch_sizes;

static scratch_sizes sizes_of(const cnx_segment_layout *layout)
{
    const size_t classes = (size_t)layout->classes;
    scratch_sizes s = {0, 0, cnx_padded_floats((size_t)layout->width * classes)};
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_pass *pass = &layout->passes[i];
        const size_t quarter = cnx_padded_floats((size_t)pass->q_w * classes);
        const size_t wide = pass->win_y ? cnx_padded_floats((size_t)pass->padded_w * classes) : 0;
        s.quarter = quarter > s.quarter ? quarter : s.quarter;
        s.wide = wide > s.wide ? wide : s.wide;
    }
    return s;
}

size_t cnx_segment_scratch(const cnx_segment_layout *layout)
{
    const scratch_sizes s = sizes_of(layout);
    const size_t sums = layout->pass_count > 1 ? STRIP_ROWS : 1;
    return (s.quarter + 3 * s.wide + (1 + sums) * s.result) * sizeof(float);
}

static row_scratch carve(const cnx_segment_layout *layout, float *memory)
{
    const scratch_sizes s = sizes_of(layout);
    row_scratch r = {.wide_row = {-1, -1}};
    r.quarter = memory;
    r.wide[0] = r.quarter + s.quarter;
    r.wide[1] = r.wide[0] + s.wide;
    r.mixed = r.wide[1] + s.wide;
    r.scores = r.mixed + s.wide;
    r.sum = r.scores + s.result;
    return r;
}

/* out = the vertical mix of the rows that taps names; a row has `floats` floats. */
static void mix_rows(const cnx_kernels *k, const float *map, size_t floats, const cnx_taps *taps,
                     float *out)
{
    const float *sources[CNX_MAX_TAPS];
    for (int t = 0; t < taps->count; t++)
        sources[t] = map + (size_t)(taps->first + t) * floats;
    k->combine(floats, taps->count, sources, taps->weight, out);
}

static const float *window_logits(const cnx_pass *pass, int classes, int a, int b)
{
    const size_t index = (size_t)(a % pass->rows_kept) * (size_t)pass->grid_w + (size_t)b;
    return pass->logits + index * cnx_window_logits(pass, classes);
}

/* Row r of the resized picture: the mean of all windows over it. */
static void average_windows(const cnx_pass *pass, const cnx_kernels *k, int classes, int r,
                            row_scratch *scratch, float *out)
{
    const size_t c = (size_t)classes;
    memset(out, 0, (size_t)pass->padded_w * c * sizeof *out);
    int cover_y = 0;
    for (int a = 0; a < pass->grid_h; a++) {
        const int y = cnx_window_y(pass, a);
        if (r < y || r >= y + pass->win_h)
            continue;
        cover_y++;
        for (int b = 0; b < pass->grid_w; b++) {
            mix_rows(k, window_logits(pass, classes, a, b), (size_t)pass->q_w * c,
                     &pass->win_y[r - y], scratch->quarter);
            k->resample_row(pass->win_w, classes, scratch->quarter, c, pass->win_x,
                            out + (size_t)cnx_window_x(pass, b) * c, c, 1);
        }
    }
    for (int x = 0; x < pass->padded_w; x++) {
        const int cover = cover_y * pass->cover_x[x];
        if (cover > 1)
            for (size_t i = 0; i < c; i++)
                out[(size_t)x * c + i] /= (float)cover;
    }
}

/* The averaged row r, from the two that are kept or made anew. */
static const float *wide_row(const cnx_pass *pass, const cnx_kernels *k, int classes, int r,
                             row_scratch *scratch)
{
    const int slot = r & 1; /* neighbours have different slots */
    if (scratch->wide_row[slot] != r) {
        average_windows(pass, k, classes, r, scratch, scratch->wide[slot]);
        scratch->wide_row[slot] = r;
    }
    return scratch->wide[slot];
}

/* Logits of result row y from one pass, [width][classes], still mirrored if the pass is. */
static void pass_row(const cnx_segment_layout *layout, const cnx_pass *pass, const cnx_kernels *k,
                     int y, row_scratch *scratch, float *out)
{
    const size_t c = (size_t)layout->classes;
    const cnx_taps *taps = &pass->out_y[y];
    const float *source = scratch->quarter;
    if (!pass->win_y) {
        mix_rows(k, pass->logits, (size_t)pass->q_w * c, taps, scratch->quarter);
    } else {
        const float *rows[CNX_MAX_TAPS];
        for (int t = 0; t < taps->count; t++)
            rows[t] = wide_row(pass, k, layout->classes, taps->first + t, scratch);
        source = scratch->mixed;
        k->combine((size_t)pass->w * c, taps->count, rows, taps->weight, scratch->mixed);
    }
    k->resample_row(layout->width, layout->classes, source, c, pass->out_x, out, c, 0);
}

/* sum += row, mirrored back if need be. */
static void add_row(const cnx_segment_layout *layout, bool flip, const float *row, float *sum)
{
    const size_t c = (size_t)layout->classes;
    for (int x = 0; x < layout->width; x++) {
        const float *from = row + (size_t)(flip ? layout->width - 1 - x : x) * c;
        float *to = sum + (size_t)x * c;
        for (size_t i = 0; i < c; i++)
            to[i] += from[i];
    }
}

/* A batch of rows in the making. */
typedef struct batch {
    const cnx_segment_layout *layout;
    const cnx_kernels *k;
    float *scratch; /* [threads] of scratch_floats */
    size_t scratch_floats;
    int y, count;
    uint16_t *labels;
    float *confidence, *prob, *logits; /* NULL when not wanted */
} batch;

static void confidence_row(const float *prob, const uint16_t *labels, int width, int classes,
                           float *out)
{
    for (int x = 0; x < width; x++)
        out[x] = prob[(size_t)x * (size_t)classes + labels[x]];
}

/* One pass: labels from the logits, probabilities only when asked for. */
static void finish_single(const batch *b, int row, row_scratch *scratch)
{
    const cnx_segment_layout *layout = b->layout;
    const int width = layout->width, classes = layout->classes;
    const size_t floats = (size_t)width * (size_t)classes, at = (size_t)row;
    uint16_t *labels = b->labels + at * (size_t)width;
    float *logits = b->logits ? b->logits + at * floats : scratch->scores;
    pass_row(layout, &layout->passes[0], b->k, b->y + row, scratch, logits);
    b->k->argmax(width, classes, logits, (size_t)classes, labels);
    if (!b->prob && !b->confidence)
        return;
    float *prob = b->prob ? b->prob + at * floats : scratch->sum;
    memcpy(prob, logits, floats * sizeof *prob);
    b->k->softmax(width, classes, prob, (size_t)classes);
    if (b->confidence)
        confidence_row(prob, labels, width, classes, b->confidence + at * (size_t)width);
}

/* Several passes: the mean of their softmaxes.  Rows are made pass by pass for the whole strip, so
 * that a pass finds its neighbouring source rows still there. */
static void finish_mean(const batch *b, int row, int count, row_scratch *scratch, float *sums)
{
    const cnx_segment_layout *layout = b->layout;
    const int width = layout->width, classes = layout->classes;
    const size_t floats = (size_t)width * (size_t)classes;
    memset(sums, 0, floats * (size_t)count * sizeof *sums);
    for (int p = 0; p < layout->pass_count; p++) {
        const cnx_pass *pass = &layout->passes[p];
        scratch->wide_row[0] = scratch->wide_row[1] = -1;
        for (int i = 0; i < count; i++) {
            pass_row(layout, pass, b->k, b->y + row + i, scratch, scratch->scores);
            b->k->softmax(width, classes, scratch->scores, (size_t)classes);
            add_row(layout, pass->flip, scratch->scores, sums + (size_t)i * floats);
        }
    }
    for (size_t i = 0; i < floats * (size_t)count; i++)
        sums[i] /= (float)layout->pass_count;
    for (int i = 0; i < count; i++) {
        const size_t at = (size_t)(row + i);
        const float *prob = sums + (size_t)i * floats;
        uint16_t *labels = b->labels + at * (size_t)width;
        b->k->argmax(width, classes, prob, (size_t)classes, labels);
        if (b->confidence)
            confidence_row(prob, labels, width, classes, b->confidence + at * (size_t)width);
    }
}

static void make_strip(void *context, int index, int thread)
{
    const batch *b = context;
    row_scratch scratch = carve(b->layout, b->scratch + (size_t)thread * b->scratch_floats);
    const int begin = index * STRIP_ROWS;
    const int end = begin + STRIP_ROWS < b->count ? begin + STRIP_ROWS : b->count;
    const size_t floats = (size_t)b->layout->width * (size_t)b->layout->classes;
    if (b->layout->pass_count == 1) {
        for (int row = begin; row < end; row++)
            finish_single(b, row, &scratch);
    } else {
        float *sums = b->prob ? b->prob + (size_t)begin * floats : scratch.sum;
        finish_mean(b, begin, end - begin, &scratch, sums);
    }
}

/* Splits one piece of memory into the batch's rows. */
static void carve_batch(batch *b, float *memory)
{
    const cnx_segment_layout *layout = b->layout;
    const size_t rows = (size_t)layout->batch_rows, width = (size_t)layout->width;
    const size_t scores = rows * width * (size_t)layout->classes;
    if (layout->want & CNX_WANT_PROB) {
        b->prob = memory;
        memory += scores;
    }
    if (layout->want & CNX_WANT_LOGITS) {
        b->logits = memory;
        memory += scores;
    }
    if (layout->want & CNX_WANT_CONFIDENCE) {
        b->confidence = memory;
        memory += rows * width;
    }
    b->labels = (uint16_t *)memory;
}

cnx_status cnx_segment_rows_run(const cnx_segment_layout *layout, const cnx_kernels *kernels,
                                int threads, int begin, int end, cnx_segment_sink sink, void *user,
                                double *seconds, cnx_error *err)
{
    batch b = {.layout = layout, .k = kernels};
    b.scratch_floats = cnx_segment_scratch(layout) / sizeof(float);
    void *rows = NULL, *scratch = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_alloc_or_fail(&rows, cnx_segment_batch_bytes(layout), "finished rows", err));
    CNX_CHECK(cnx_alloc_or_fail(&scratch,
                                cnx_segment_scratch(layout) * (size_t)(threads > 0 ? threads : 1),
                                "rows in the making", err));
    b.scratch = scratch;
    carve_batch(&b, rows);
    for (b.y = begin; b.y < end; b.y += b.count) {
        const double start = cnx_now();
        b.count = end - b.y < layout->batch_rows ? end - b.y : layout->batch_rows;
        cnx_parallel_for(threads, (b.count + STRIP_ROWS - 1) / STRIP_ROWS, make_strip, &b);
        *seconds += cnx_now() - start;
        const cnx_segment_rows done = {.y = b.y,
                                       .count = b.count,
                                       .width = layout->width,
                                       .classes = layout->classes,
                                       .labels = b.labels,
                                       .confidence = b.confidence,
                                       .prob = b.prob,
                                       .logits = b.logits};
        CNX_CHECK(sink(user, &done, err));
    }
cleanup:
    cnx_free(rows);
    cnx_free(scratch);
    return status;
}
