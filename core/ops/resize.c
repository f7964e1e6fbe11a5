/* Bilinear resizing of feature maps, as torch does it (align_corners False). */
#include <assert.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/pixelwise.h"
#include "core/ops/tiles.h"
#include "core/threads.h"

/* Parity: s in float32 from a float32 ratio, as torch computes it on CPUs. */
cnx_taps cnx_resize_taps_at(int d, int n_in, int n_out)
{
    const float scale = (float)n_in / (float)n_out;
    float s = ((float)d + 0.5f) * scale - 0.5f;
    s = s < 0 ? 0 : s;
    int i0 = (int)s;
    i0 = i0 < n_in ? i0 : n_in - 1; /* rounding could carry the last one over */
    const float w1 = s - (float)i0;
    if (i0 == n_in - 1 || w1 <= 0)
        return (cnx_taps){.first = i0, .count = 1, .weight = {1.0f}};
    return (cnx_taps){.first = i0, .count = 2, .weight = {1.0f - w1, w1}};
}

void cnx_resize_taps(int n_in, int n_out, cnx_taps *taps)
{
    for (int d = 0; d < n_out; d++)
        taps[d] = cnx_resize_taps_at(d, n_in, n_out);
}

/* out += weight * taps, where both reach at most CNX_MAX_TAPS neighbours together. */
static void add_taps(cnx_taps *out, const cnx_taps *taps, float weight)
{
    for (int t = 0; t < taps->count; t++) {
        const int at = taps->first + t - out->first;
        assert(at >= 0 && at < CNX_MAX_TAPS);
        out->weight[at] += weight * taps->weight[t];
        out->count = at + 1 > out->count ? at + 1 : out->count;
    }
}

void cnx_taps_compose(const cnx_taps *first, const cnx_taps *second, int n_out, cnx_taps *out)
{
    for (int d = 0; d < n_out; d++) {
        const cnx_taps *inner = &first[second[d].first];
        out[d] = (cnx_taps){.first = inner->first};
        for (int t = 0; t < second[d].count; t++)
            add_taps(&out[d], &inner[t], second[d].weight[t]);
    }
}

/* In scratch: taps across, taps down, then one row of in for each thread. */
typedef struct resize_layout {
    size_t across, down, rows, row, total;
} resize_layout;

static resize_layout lay_out(int in_w, int out_w, int out_h, int c, int threads)
{
    resize_layout l = {0};
    l.down = cnx_round_up((size_t)out_w * sizeof(cnx_taps), CNX_ALIGNMENT);
    l.rows = l.down + cnx_round_up((size_t)out_h * sizeof(cnx_taps), CNX_ALIGNMENT);
    l.row = cnx_floats_size((size_t)in_w * (size_t)c);
    l.total = l.rows + (size_t)threads * l.row;
    return l;
}

size_t cnx_resize_scratch(int in_w, int out_w, int out_h, int c, int threads)
{
    return lay_out(in_w, out_w, out_h, c, threads).total;
}

typedef struct resize_job {
    const cnx_exec *exec;
    cnx_map in, out;
    bool add;
    const cnx_taps *across, *down;
    char *rows;
    size_t row;
} resize_job;

/* A row of in's width, between the rows that tap tells, [in.w][c] dense. */
static void blend_rows(const resize_job *job, const cnx_taps *tap, float *to)
{
    const cnx_map in = job->in;
    const cnx_kernels *k = job->exec->k;
    const float *from[CNX_MAX_TAPS];
    const int pixels = in.ld == (size_t)in.c ? 1 : in.w; /* a dense row is one long pixel */
    const size_t length = (size_t)in.c * (size_t)(in.w / pixels);
    for (int x = 0; x < pixels; x++) {
        for (int t = 0; t < tap->count; t++)
            from[t] = cnx_map_pixel(in, tap->first + t, x);
        k->combine(length, tap->count, from, tap->weight, to + (size_t)x * length);
    }
}

static void resize_row(void *context, int y, int thread)
{
    const resize_job *job = context;
    const cnx_taps *tap = &job->down[y];
    const float *source = cnx_map_pixel(job->in, tap->first, 0);
    size_t ld = job->in.ld;
    if (tap->count > 1) {
        float *row = (float *)(void *)(job->rows + (size_t)thread * job->row);
        blend_rows(job, tap, row);
        source = row;
        ld = (size_t)job->in.c;
    }
    job->exec->k->resample_row(job->out.w, job->in.c, source, ld, job->across,
                               cnx_map_pixel(job->out, y, 0), job->out.ld, job->add);
}

void cnx_resize_run(const cnx_exec *exec, cnx_map in, cnx_map out, bool add)
{
    assert(in.c == out.c && in.h >= 1 && in.w >= 1);
    if (out.h < 1 || out.w < 1)
        return;
    const resize_layout l = lay_out(in.w, out.w, out.h, in.c, exec->threads);
    assert(l.total <= exec->scratch_size);
    cnx_taps *across = (cnx_taps *)(void *)(exec->scratch + l.across);
    cnx_taps *down = (cnx_taps *)(void *)(exec->scratch + l.down);
    cnx_resize_taps(in.w, out.w, across);
    cnx_resize_taps(in.h, out.h, down);
    resize_job job = {.exec = exec,
                      .in = in,
                      .out = out,
                      .add = add,
                      .across = across,
                      .down = down,
                      .rows = exec->scratch + l.rows,
                      .row = l.row};
    cnx_parallel_for(exec->threads, out.h, resize_row, &job);
}
