#include "core/ops/pixelwise.h"

#include <assert.h>

#include "core/ops/tiles.h"
#include "core/threads.h"

typedef struct layernorm_job {
    const cnx_exec *exec;
    const float *weight, *bias;
    float eps;
    cnx_map in, out;
    cnx_tiles tiles;
} layernorm_job;

static void normalise_tile(void *context, int index, int thread)
{
    const layernorm_job *job = context;
    const size_t first = cnx_tiles_first(&job->tiles, index);
    (void)thread;
    job->exec->k->layernorm(cnx_tiles_rows(&job->tiles, index), job->in.c,
                            cnx_map_at(job->in, first), job->in.ld, job->weight, job->bias,
                            job->eps, cnx_map_at(job->out, first), job->out.ld);
}

void cnx_layernorm_run(const cnx_exec *exec, const float *weight, const float *bias, float eps,
                       cnx_map in, cnx_map out)
{
    enum { TILE = 64 * 1024 / sizeof(float) }; /* floats */
    assert(in.h == out.h && in.w == out.w && in.c == out.c);
    if (in.h < 1 || in.w < 1)
        return;
    layernorm_job job = {
        .exec = exec, .weight = weight, .bias = bias, .eps = eps, .in = in, .out = out};
    const int wanted = in.c < TILE ? TILE / in.c : 1;
    job.tiles = cnx_tiles_cut((size_t)in.h * (size_t)in.w, wanted, 16);
    cnx_parallel_for(exec->threads, job.tiles.count, normalise_tile, &job);
}

enum { POOL_CHANNELS = 128 };

typedef struct pool_job {
    cnx_map in, out;
    int blocks; /* of POOL_CHANNELS channels */
} pool_job;

/* The source range of output i of b over length n: floor(i n / b) .. ceil((i + 1) n / b) - 1. */
static void pool_range(int i, int b, int n, int *first, int *end)
{
    *first = (int)((int64_t)i * n / b);
    *end = (int)((((int64_t)i + 1) * n + b - 1) / b);
}

/* One output pixel, one block of channels: a map pooled to 1x1 still gives several pieces. */
static void pool_block(void *context, int index, int thread)
{
    const pool_job *job = context;
    const int pixel = index / job->blocks, channel = index % job->blocks * POOL_CHANNELS;
    const int left = job->in.c - channel;
    const int count = left < POOL_CHANNELS ? left : POOL_CHANNELS;
    int y0, y1, x0, x1;
    double sum[POOL_CHANNELS] = {0};
    (void)thread;
    pool_range(pixel / job->out.w, job->out.h, job->in.h, &y0, &y1);
    pool_range(pixel % job->out.w, job->out.w, job->in.w, &x0, &x1);
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) {
            const float *from = cnx_map_pixel(job->in, y, x) + channel;
            for (int i = 0; i < count; i++)
                sum[i] += from[i];
        }
    const double area = (double)(y1 - y0) * (x1 - x0);
    float *to = cnx_map_at(job->out, (size_t)pixel) + channel;
    for (int i = 0; i < count; i++)
        to[i] = (float)(sum[i] / area);
}

void cnx_adaptive_avg_pool_run(const cnx_exec *exec, cnx_map in, cnx_map out)
{
    assert(in.c == out.c && in.h >= 1 && in.w >= 1);
    pool_job job = {.in = in, .out = out, .blocks = (in.c + POOL_CHANNELS - 1) / POOL_CHANNELS};
    cnx_parallel_for(exec->threads, out.h * out.w * job.blocks, pool_block, &job);
}
