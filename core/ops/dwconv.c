/* Depthwise 7x7 convolution over a map: rows are the pieces of work. */
#include <assert.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/block.h"
#include "core/ops/tiles.h"
#include "core/threads.h"

enum { TAPS = 49 };

cnx_status cnx_dwconv_init(cnx_dwconv *dw, int c, const float *weights, const float *bias,
                           cnx_error *err)
{
    cnx_status status = CNX_OK;
    void *own_weights = NULL, *own_bias = NULL;
    assert(c >= 1);
    *dw = (cnx_dwconv){.c = c};
    const size_t bias_bytes = cnx_floats_size((size_t)c);
    const size_t weight_bytes = cnx_floats_size((size_t)c * TAPS);
    CNX_CHECK(cnx_alloc_or_fail(&own_weights, weight_bytes, "depthwise weights", err));
    dw->weights = own_weights;
    CNX_CHECK(cnx_alloc_or_fail(&own_bias, bias_bytes, "depthwise bias", err));
    dw->bias = own_bias;
    dw->bytes = weight_bytes + bias_bytes;
    for (size_t t = 0; t < TAPS; t++)
        for (size_t i = 0; i < (size_t)c; i++)
            dw->weights[t * (size_t)c + i] = weights[i * TAPS + t];
    memcpy(dw->bias, bias, (size_t)c * sizeof *bias);
cleanup:
    if (status != CNX_OK)
        cnx_dwconv_free(dw);
    return status;
}

size_t cnx_dwconv_bytes(const cnx_dwconv *dw)
{
    return cnx_floats_size((size_t)dw->c * TAPS) + cnx_floats_size((size_t)dw->c);
}

void cnx_dwconv_free(cnx_dwconv *dw)
{
    cnx_free(dw->weights);
    cnx_free(dw->bias);
    *dw = (cnx_dwconv){0};
}

typedef struct dwconv_job {
    const cnx_exec *exec;
    const cnx_dwconv *dw;
    cnx_map in, out;
    cnx_tiles tiles; /* of rows */
} dwconv_job;

/* Neighbouring rows share six of their seven input rows: a run of them stays with one thread. */
static void run_rows(void *context, int index, int thread)
{
    const dwconv_job *job = context;
    const int first = (int)cnx_tiles_first(&job->tiles, index);
    const int end = first + cnx_tiles_rows(&job->tiles, index);
    (void)thread;
    for (int y = first; y < end; y++) {
        const float *rows[7];
        for (int i = 0; i < 7; i++) {
            const int from = y - 3 + i;
            rows[i] = from >= 0 && from < job->in.h ? cnx_map_pixel(job->in, from, 0) : NULL;
        }
        job->exec->k->dwconv7_row(job->in.w, job->dw->c, rows, job->in.ld, job->dw->weights,
                                  job->dw->bias, cnx_map_pixel(job->out, y, 0), job->out.ld);
    }
}

void cnx_dwconv_run(const cnx_exec *exec, const cnx_dwconv *dw, cnx_map in, cnx_map out)
{
    assert(in.c == dw->c && out.c == dw->c && in.h == out.h && in.w == out.w);
    if (in.h < 1 || in.w < 1)
        return;
    dwconv_job job = {.exec = exec, .dw = dw, .in = in, .out = out};
    job.tiles = cnx_tiles_cut((size_t)in.h, 8, 2);
    cnx_parallel_for(exec->threads, job.tiles.count, run_rows, &job);
}
