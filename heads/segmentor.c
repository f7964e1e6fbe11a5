/*
 * Picture in, labels out: ConvNeXt and UPerHead under the official test pipelines.
 *
 *   picture -> passes (scales x flips): resize (8-bit, OpenCV's rule), mirror
 *     pass -> windows: cut out, normalise to [h, w, 3] float -> network -> logits at 1/4
 *   rows of the result: upsample -> average windows -> [softmax -> average passes] -> argmax
 *
 * With one pass, rows leave as soon as no later window reaches them.  This file opens the network,
 * plans it; segment_memory.c tells what a picture needs, segment_run.c runs.
 */
#include <stdlib.h>

#include "core/memory.h"
#include "core/threads.h"
#include "heads/segmentor_private.h"

static cnx_status open_head(cnx_network *base, cnx_weights *weights, int threads, cnx_error *err)
{
    cnx_segment_network *net = (cnx_segment_network *)base;
    const cnx_description *d = &base->description;
    return cnx_upernet_open(&net->head, &d->upernet, d->backbone.dims, net->direct, weights,
                            &base->kernels, threads, err);
}

static size_t head_bytes(const cnx_network *base)
{
    return cnx_upernet_bytes(((const cnx_segment_network *)base)->head);
}

static void close_head(cnx_network *base)
{
    cnx_upernet_close(&((cnx_segment_network *)base)->head);
}

static const cnx_network_kind kind = {.task = CNX_TASK_SEGMENTATION,
                                      .size = sizeof(cnx_segment_network),
                                      .backbone = "backbone.",
                                      .output_norms = true,
                                      .open_head = open_head,
                                      .head_bytes = head_bytes,
                                      .close_head = close_head};

/* A segmentor without a network. */
static cnx_status open_empty(cnx_segmentor **out, int threads, size_t max_memory, cnx_error *err)
{
    cnx_segmentor *seg = calloc(1, sizeof *seg);
    *out = seg;
    CNX_FAIL_IF(!seg, CNX_ERR_MEMORY, "not enough memory for a segmentor");
    seg->threads = threads > 0 ? threads : cnx_threads_available();
    seg->max_memory = max_memory;
    return CNX_OK;
}

cnx_status cnx_segmentor_open(cnx_segmentor **out, cnx_model_file *file,
                              const cnx_segmentor_options *options, cnx_error *err)
{
    *out = NULL;
    CNX_TRY(cnx_model_file_expect(file, kind.task, err));
    const cnx_segmentor_options defaults = {0};
    if (!options)
        options = &defaults;
    CNX_TRY(open_empty(out, options->threads, options->max_memory, err));
    cnx_network *net = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_network_new(&net, &kind, err));
    (*out)->network = (cnx_segment_network *)net;
    (*out)->network->direct = options->direct;
    if (options->max_memory && !options->planning)
        CNX_CHECK(cnx_segmentor_choose_direct(&(*out)->network->direct, file, options, err));
    const cnx_network_options common = {.threads = (*out)->threads,
                                        .max_memory = options->max_memory,
                                        .kernels = options->kernels,
                                        .weights = options->weights,
                                        .planning = options->planning};
    CNX_CHECK(cnx_network_open(net, file, &common, err));
    return CNX_OK;
cleanup:
    cnx_segmentor_close(out);
    return status;
}

cnx_status cnx_segmentor_share(cnx_segmentor **out, const cnx_segmentor *of, int threads,
                               cnx_error *err)
{
    CNX_TRY(open_empty(out, threads > 0 ? threads : of->threads, of->max_memory, err));
    (*out)->network = of->network;
    cnx_network_share(&of->network->base);
    return CNX_OK;
}

void cnx_segmentor_close(cnx_segmentor **seg)
{
    if (!*seg)
        return;
    cnx_plan_close(&(*seg)->plan);
    cnx_segmentor_trim(*seg);
    if ((*seg)->network)
        cnx_network_let_go(&(*seg)->network->base);
    free(*seg);
    *seg = NULL;
}

void cnx_segmentor_trim(cnx_segmentor *seg)
{
    cnx_kept_free(&seg->arena);
}

void cnx_segmentor_set_threads(cnx_segmentor *seg, int threads)
{
    if (seg->threads == threads)
        return;
    seg->threads = threads;
    cnx_plan_close(&seg->plan); /* scratch is laid out for a number of threads */
}

void cnx_segmentor_set_beside(cnx_segmentor *seg, size_t bytes)
{
    seg->beside = bytes;
}

const cnx_description *cnx_segmentor_description(const cnx_segmentor *seg)
{
    return &seg->network->base.description;
}

const cnx_kernels *cnx_segmentor_kernels(const cnx_segmentor *seg)
{
    return &seg->network->base.kernels;
}

size_t cnx_segmentor_weights_bytes(const cnx_segmentor *seg)
{
    return cnx_network_bytes(&seg->network->base);
}

/* ---- the network ---- */

static cnx_status build_plan(cnx_segmentor *seg, cnx_plan *plan, int h, int w, cnx_error *err)
{
    cnx_value features[CNX_STAGES], logits;
    const cnx_value input = cnx_plan_external(plan, h, w, 3);
    CNX_TRY(cnx_convnext_plan(seg->network->base.backbone, plan, input, features, err));
    CNX_TRY(cnx_upernet_plan(seg->network->head, plan, features, &logits, err));
    return cnx_plan_finish(plan, err);
}

cnx_status cnx_segmentor_plan(cnx_segmentor *seg, int h, int w, cnx_error *err)
{
    if (seg->plan && seg->plan_h == h && seg->plan_w == w && seg->plan_small == seg->small_tiles)
        return CNX_OK;
    cnx_plan_close(&seg->plan);
    CNX_TRY(cnx_plan_open(&seg->plan, &seg->network->base.kernels, seg->threads, err));
    if (seg->small_tiles)
        cnx_plan_spare_scratch(seg->plan);
    const cnx_status status = build_plan(seg, seg->plan, h, w, err);
    if (status != CNX_OK) {
        cnx_plan_close(&seg->plan);
        return status;
    }
    seg->plan_h = h;
    seg->plan_w = w;
    seg->plan_small = seg->small_tiles;
    return CNX_OK;
}

cnx_status cnx_segmentor_plan_of(cnx_segmentor *seg, int h, int w, const cnx_plan **out,
                                 cnx_error *err)
{
    CNX_TRY(cnx_segmentor_plan(seg, h, w, err));
    *out = seg->plan;
    return CNX_OK;
}

cnx_status cnx_segmentor_reserve(cnx_segmentor *seg, cnx_error *err)
{
    return cnx_kept_reserve(&seg->arena, cnx_plan_arena_bytes(seg->plan),
                            "the network's feature maps", err);
}

cnx_status cnx_segmentor_network(cnx_segmentor *seg, const float *input, int h, int w,
                                 float *logits, cnx_tap tap, void *user, cnx_error *err)
{
    CNX_TRY(cnx_segmentor_plan(seg, h, w, err));
    CNX_TRY(cnx_segmentor_reserve(seg, err));
    const cnx_plan_hooks hooks = {.tap = tap, .user = user};
    float *const external[] = {(float *)(uintptr_t)input, logits}; /* the input is only read */
    cnx_plan_run(seg->plan, seg->arena.memory, external, &hooks);
    return CNX_OK;
}
