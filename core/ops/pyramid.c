#include "core/ops/pyramid.h"

#include <string.h>

#include "core/threads.h"

typedef struct job {
    const cnx_kernels *k;
    cnx_map in, out;
} job;

static int nearest(int at, int in, int out)
{
    return (int)((long long)at * in / out);
}

static void add_row(void *context, int y, int thread)
{
    (void)thread;
    const job *j = context;
    static const float ones[] = {1, 1};
    const int from = nearest(y, j->in.h, j->out.h);
    for (int x = 0; x < j->out.w; x++) {
        float *to = cnx_map_pixel(j->out, y, x);
        const float *source[] = {to, cnx_map_pixel(j->in, from, nearest(x, j->in.w, j->out.w))};
        j->k->combine((size_t)j->out.c, 2, source, ones, to);
    }
}

void cnx_nearest_add_run(const cnx_exec *exec, cnx_map in, cnx_map out)
{
    job j = {.k = exec->k, .in = in, .out = out};
    cnx_parallel_for(exec->threads, out.h, add_row, &j);
}

static void copy_row(void *context, int y, int thread)
{
    (void)thread;
    const job *j = context;
    for (int x = 0; x < j->out.w; x++)
        memcpy(cnx_map_pixel(j->out, y, x), cnx_map_pixel(j->in, 2 * y, 2 * x),
               (size_t)j->out.c * sizeof(float));
}

void cnx_subsample_run(const cnx_exec *exec, cnx_map in, cnx_map out)
{
    job j = {.k = exec->k, .in = in, .out = out};
    cnx_parallel_for(exec->threads, out.h, copy_row, &j);
}
