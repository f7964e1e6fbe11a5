/* Batches of regions through the box heads and mask heads. */
#include "heads/roi_heads.h"

#include <math.h>
#include <string.h>

#include "core/threads.h"
#include "heads/roi_stack.h"

enum { BOX_BATCH = 256, MASK_BATCH = 32, MASK_PIXELS = CNX_MASK_SIZE * CNX_MASK_SIZE };

/* `count` in equal batches of at most `most`. */
static int batch(int count, int most)
{
    const int batches = (count + most - 1) / most;
    return batches > 0 ? (count + batches - 1) / batches : 0;
}

int cnx_box_batch(int count)
{
    return batch(count, BOX_BATCH);
}

int cnx_mask_batch(int count)
{
    return batch(count, MASK_BATCH);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* ---- boxes ---- */

/* Memory of a batch of boxes, cut out of the run's scratch. */
typedef struct box_memory {
    float *stack[3]; /* what is pooled, and two in turn */
    float *hidden[2];
    char *rest; /* pooling, convolutions */
    size_t bytes, rest_bytes;
} box_memory;

/* Memory that is cut into pieces; without a base, only counted. */
typedef struct cutting {
    char *base;
    size_t used;
} cutting;

static float *take(cutting *c, size_t floats)
{
    char *at = c->base ? c->base + c->used : NULL;
    c->used += cnx_padded_floats(floats) * sizeof(float);
    return (float *)(void *)at;
}

static box_memory place_boxes(const cnx_detector_net *net, const cnx_kernels *k, int threads, int h,
                              int w, char *memory)
{
    const cnx_detector_desc *d = &net->desc;
    cutting c = {.base = memory};
    box_memory m = {0};
    m.stack[0] = take(&c, cnx_stack_floats(BOX_BATCH, CNX_BOX_BINS, d->channels));
    for (int i = 1; i < 3 && i <= d->box_convs; i++)
        m.stack[i] = take(&c, cnx_stack_floats(BOX_BATCH, CNX_BOX_BINS, d->box_conv_channels));
    for (int i = 0; i < 2; i++)
        m.hidden[i] = take(&c, (size_t)BOX_BATCH * (size_t)d->box_fc_channels);
    m.rest = (char *)take(&c, 0);
    m.rest_bytes = larger(cnx_roi_pool_scratch(CNX_BOX_BINS, h, w, d->channels, threads),
                          cnx_stack_convs_scratch(net->boxes[0].convs, d->box_convs, k,
                                                  CNX_BOX_BINS, BOX_BATCH, threads));
    m.bytes = c.used + m.rest_bytes;
    return m;
}

/* A linear layer on `count` rows, `ld` floats apart. */
static void run_linear(const cnx_roi_run *run, const cnx_conv *fc, float *in, size_t ld, int count,
                       float *out)
{
    const cnx_exec exec = {.k = run->k, .threads = run->threads};
    cnx_map from = cnx_map_dense(in, count, 1, fc->in_c);
    from.ld = ld;
    cnx_conv_run(&exec, fc, from, cnx_map_dense(out, count, 1, fc->out_c), (cnx_map){0});
}

void cnx_box_head_run(const cnx_roi_run *run, int stage, const float (*rois)[4], int count,
                      float *logits, float *deltas)
{
    const cnx_detector_desc *d = &run->net->desc;
    const cnx_box_head *head = &run->net->boxes[stage];
    const cnx_map finest = run->levels[0];
    box_memory m = place_boxes(run->net, run->k, run->threads, finest.h, finest.w, run->scratch);
    cnx_roi_pool(run, CNX_BOX_BINS, rois, count, m.stack[0], m.rest);
    float *x =
        cnx_stack_convs(run, head->convs, d->box_convs, CNX_BOX_BINS, count, m.stack[0], m.stack[1],
                        m.stack[2] ? m.stack[2] : m.stack[1], m.rest, m.rest_bytes);
    size_t ld = (size_t)cnx_stack_rows(CNX_BOX_BINS) * CNX_BOX_BINS *
                (size_t)(d->box_convs ? d->box_conv_channels : d->channels);
    for (int i = 0; i < d->box_fcs; i++) {
        run_linear(run, &head->fcs[i], x, ld, count, m.hidden[i % 2]);
        x = m.hidden[i % 2];
        ld = (size_t)d->box_fc_channels;
    }
    run_linear(run, &head->classes, x, ld, count, logits);
    run_linear(run, &head->deltas, x, ld, count, deltas);
}

/* ---- masks ---- */

typedef struct mask_memory {
    float *stack[3]; /* what is pooled, kept for all stages, and two in turn */
    char *rest;      /* pooling, convolutions; upsampling of each thread */
    size_t bytes, rest_bytes;
} mask_memory;

/* One thread's upsampled map, its logits, and the packed weights of one class. */
static size_t upsampling_floats(const cnx_detector_net *net, const cnx_kernels *k)
{
    const size_t c = (size_t)net->desc.mask_channels;
    return cnx_padded_floats(MASK_PIXELS * c) + cnx_padded_floats(MASK_PIXELS) +
           cnx_padded_floats(k->gemm_packed_size((int)c, 1));
}

static mask_memory place_masks(const cnx_detector_net *net, const cnx_kernels *k, int threads,
                               int h, int w, char *memory)
{
    const cnx_detector_desc *d = &net->desc;
    cutting c = {.base = memory};
    mask_memory m = {0};
    m.stack[0] = take(&c, cnx_stack_floats(MASK_BATCH, CNX_MASK_BINS, d->channels));
    for (int i = 1; i < 3 && i <= d->mask_convs; i++)
        m.stack[i] = take(&c, cnx_stack_floats(MASK_BATCH, CNX_MASK_BINS, d->mask_channels));
    m.rest = (char *)take(&c, 0);
    m.rest_bytes = larger(cnx_roi_pool_scratch(CNX_MASK_BINS, h, w, d->channels, threads),
                          cnx_stack_convs_scratch(net->masks[0].convs, d->mask_convs, k,
                                                  CNX_MASK_BINS, MASK_BATCH, threads));
    m.rest_bytes =
        larger(m.rest_bytes, (size_t)threads * upsampling_floats(net, k) * sizeof(float));
    m.bytes = c.used + m.rest_bytes;
    return m;
}

typedef struct mask_job {
    const cnx_roi_run *run;
    const cnx_mask_head *head;
    const int *labels;
    const float *stack;
    size_t step; /* floats from region to region */
    bool mirrored;
    float *sum;
    char *scratch;
} mask_job;

/* The four pixels that one became lie together: [y][x][dy][dx]. */
static void add_probabilities(const float *logits, float bias, bool mirrored, float *sum)
{
    for (int i = 0; i < MASK_PIXELS; i++) {
        const int place = i / 4, y = place / CNX_MASK_BINS * 2 + i % 4 / 2;
        int x = place % CNX_MASK_BINS * 2 + i % 2;
        x = mirrored ? CNX_MASK_SIZE - 1 - x : x;
        sum[y * CNX_MASK_SIZE + x] += 1 / (1 + expf(-(logits[i] + bias)));
    }
}

static void finish_mask(void *context, int index, int thread)
{
    const mask_job *j = context;
    const cnx_mask_logits *last = &j->head->logits;
    const cnx_kernels *k = j->run->k;
    const int c = last->in_c, label = last->classes > 1 ? j->labels[index] : 0;
    cutting own = {.base = j->scratch +
                           (size_t)thread * upsampling_floats(j->run->net, k) * sizeof(float)};
    float *wide = take(&own, MASK_PIXELS * (size_t)c), *logits = take(&own, MASK_PIXELS);
    float *packed = take(&own, k->gemm_packed_size(c, 1));
    const cnx_exec exec = {.k = k, .threads = 1};
    const cnx_epilogue plain = {.act = CNX_ACT_NONE};
    cnx_conv_run(&exec, &j->head->upsample,
                 cnx_map_dense((float *)(uintptr_t)(j->stack + (size_t)index * j->step),
                               CNX_MASK_BINS, CNX_MASK_BINS, j->head->upsample.in_c),
                 cnx_map_dense(wide, CNX_MASK_BINS, CNX_MASK_BINS, 4 * c), (cnx_map){0});
    k->gemm_pack(c, 1, last->weights + (size_t)label * (size_t)c, packed);
    k->gemm(MASK_PIXELS, 1, c, wide, (size_t)c, packed, logits, 1, &plain);
    add_probabilities(logits, last->bias[label], j->mirrored, j->sum + (size_t)index * MASK_PIXELS);
}

void cnx_mask_heads_run(const cnx_roi_run *run, const float (*rois)[4], const int *labels,
                        int count, bool mirrored, float *sum)
{
    const cnx_detector_desc *d = &run->net->desc;
    const cnx_map finest = run->levels[0];
    mask_memory m = place_masks(run->net, run->k, run->threads, finest.h, finest.w, run->scratch);
    cnx_roi_pool(run, CNX_MASK_BINS, rois, count, m.stack[0], m.rest);
    for (int s = 0; s < d->stages; s++) {
        const cnx_mask_head *head = &run->net->masks[s];
        mask_job j = {.run = run,
                      .head = head,
                      .labels = labels,
                      .mirrored = mirrored,
                      .sum = sum,
                      .scratch = m.rest};
        j.step =
            (size_t)cnx_stack_rows(CNX_MASK_BINS) * CNX_MASK_BINS * (size_t)head->upsample.in_c;
        j.stack =
            cnx_stack_convs(run, head->convs, d->mask_convs, CNX_MASK_BINS, count, m.stack[0],
                            m.stack[1], m.stack[2] ? m.stack[2] : m.stack[1], m.rest, m.rest_bytes);
        cnx_parallel_for(run->threads, count, finish_mask, &j);
    }
}

size_t cnx_roi_scratch(const cnx_detector_net *net, const cnx_kernels *k, int threads, int h, int w,
                       bool no_masks)
{
    const size_t boxes = place_boxes(net, k, threads, h, w, NULL).bytes;
    return no_masks ? boxes : larger(boxes, place_masks(net, k, threads, h, w, NULL).bytes);
}
