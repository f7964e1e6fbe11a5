#include "heads/roi_stack.h"

#include <string.h>

#include "core/ops/boxes.h"
#include "core/ops/roi_align.h"
#include "core/threads.h"

enum { FINEST_STRIDE = 4 };

static size_t pool_scratch(int bins, int h, int w, int c)
{
    return cnx_round_up(cnx_roi_align_scratch(bins, h, w, c), CNX_ALIGNMENT);
}

size_t cnx_roi_pool_scratch(int bins, int h, int w, int c, int threads)
{
    return pool_scratch(bins, h, w, c) * (size_t)threads;
}

typedef struct pooling {
    const cnx_roi_run *run;
    int bins;
    const float (*rois)[4];
    float *stack;
    size_t step; /* floats from region to region */
    char *scratch;
    size_t scratch_step; /* bytes from thread to thread */
} pooling;

static void pool_one(void *context, int index, int thread)
{
    const pooling *p = context;
    const int level = cnx_roi_level(p->rois[index], CNX_ROI_LEVELS);
    const cnx_map map = p->run->levels[level];
    const cnx_roi_align align = {.size = p->bins, .scale = 1 / (float)(FINEST_STRIDE << level)};
    const size_t used = (size_t)p->bins * (size_t)p->bins * (size_t)map.c;
    float *out = p->stack + (size_t)index * p->step;
    cnx_roi_align_run(p->run->k, &align, map, p->rois[index], out,
                      p->scratch + (size_t)thread * p->scratch_step);
    memset(out + used, 0, (p->step - used) * sizeof *out);
}

void cnx_roi_pool(const cnx_roi_run *run, int bins, const float (*rois)[4], int count, float *stack,
                  char *scratch)
{
    const cnx_map finest = run->levels[0];
    pooling p = {.run = run, .bins = bins, .rois = rois, .stack = stack, .scratch = scratch};
    p.step = (size_t)cnx_stack_rows(bins) * (size_t)bins * (size_t)finest.c;
    p.scratch_step = pool_scratch(bins, finest.h, finest.w, finest.c);
    cnx_parallel_for(run->threads, count, pool_one, &p);
}

/* What the convolution left between the regions becomes zeros again. */
static void clear_gaps(float *stack, int bins, int count, int c)
{
    const size_t used = (size_t)bins * (size_t)bins * (size_t)c;
    const size_t step = (size_t)cnx_stack_rows(bins) * (size_t)bins * (size_t)c;
    for (int i = 0; i < count; i++)
        memset(stack + (size_t)i * step + used, 0, (step - used) * sizeof *stack);
}

float *cnx_stack_convs(const cnx_roi_run *run, const cnx_concat_conv *convs, int conv_count,
                       int bins, int count, float *in, float *a, float *b, char *scratch,
                       size_t scratch_bytes)
{
    const cnx_exec exec = {
        .k = run->k, .threads = run->threads, .scratch = scratch, .scratch_size = scratch_bytes};
    const int rows = count * cnx_stack_rows(bins);
    for (int i = 0; i < conv_count; i++) {
        float *out = i % 2 == 0 ? a : b;
        const cnx_map from = cnx_map_dense(in, rows, bins, convs[i].in_c[0]);
        cnx_concat_conv_run(&exec, &convs[i], &from,
                            cnx_map_dense(out, rows, bins, convs[i].out_c));
        clear_gaps(out, bins, count, convs[i].out_c);
        in = out;
    }
    return in;
}

size_t cnx_stack_convs_scratch(const cnx_concat_conv *convs, int conv_count, const cnx_kernels *k,
                               int bins, int most, int threads)
{
    size_t largest = 0;
    for (int count = 1; count <= most; count++) {
        const int rows = count * cnx_stack_rows(bins);
        for (int i = 0; i < conv_count; i++) {
            const size_t bytes = cnx_concat_conv_scratch(&convs[i], k, &rows, &bins, threads);
            largest = bytes > largest ? bytes : largest;
        }
    }
    return cnx_round_up(largest, CNX_ALIGNMENT);
}
