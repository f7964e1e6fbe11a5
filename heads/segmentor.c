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

/* 0 for a network without weights. */
static size_t weight_bytes(const cnx_segment_network *net)
{
    return cnx_convnext_bytes(net->backbone) + cnx_upernet_bytes(net->head);
}

static void let_go(cnx_segment_network **network)
{
    cnx_segment_network *net = *network;
    *network = NULL;
    if (!net || atomic_fetch_sub(&net->holders, 1) > 1)
        return;
    cnx_convnext_close(&net->backbone);
    cnx_upernet_close(&net->head);
    cnx_description_free(&net->description);
    free(net);
}

static cnx_status open_network(cnx_segment_network *net, cnx_model_file *file, int threads,
                               const cnx_segmentor_options *options, cnx_error *err)
{
    const cnx_description *d = &net->description;
    cnx_weights *weights = options->planning ? NULL : file->weights;
    net->planning = options->planning;
    net->direct = options->direct;
    if (options->max_memory && !options->planning)
        CNX_TRY(cnx_segmentor_choose_direct(&net->direct, file, options, err));
    CNX_TRY(cnx_description_copy(&net->description, &file->description, err));
    CNX_TRY(cnx_convnext_open(&net->backbone, &d->backbone, "backbone.", true, weights,
                              &net->kernels, threads, err));
    return cnx_upernet_open(&net->head, &d->upernet, d->backbone.dims, net->direct, weights,
                            &net->kernels, threads, err);
}

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
    CNX_TRY(cnx_model_file_expect(file, CNX_TASK_SEGMENTATION, err));
    const cnx_segmentor_options defaults = {0};
    if (!options)
        options = &defaults;
    CNX_TRY(open_empty(out, options->threads, options->max_memory, err));
    cnx_status status = CNX_OK;
    cnx_segment_network *net = (*out)->network = calloc(1, sizeof *net);
    CNX_CHECK_IF(!net, CNX_ERR_MEMORY, "not enough memory for a segmentor");
    atomic_init(&net->holders, 1);
    CNX_CHECK(cnx_kernels_init(&net->kernels, options->kernels, err));
    CNX_CHECK(cnx_kernels_set_weights(&net->kernels, options->weights, err));
    status = open_network(net, file, (*out)->threads, options, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", cnx_checkpoint_name(file->checkpoint));
    CNX_CHECK(status);
    CNX_CHECK_IF(options->max_memory && weight_bytes(net) > options->max_memory, CNX_ERR_MEMORY,
                 "the weights alone take %.1f MiB, more than the limit of %.1f MiB",
                 (double)weight_bytes(net) / 1048576, (double)options->max_memory / 1048576);
    cnx_memory_trim(); /* of what was read and has been packed */
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
    atomic_fetch_add(&of->network->holders, 1);
    return CNX_OK;
}

void cnx_segmentor_close(cnx_segmentor **seg)
{
    if (!*seg)
        return;
    cnx_plan_close(&(*seg)->plan);
    cnx_segmentor_trim(*seg);
    let_go(&(*seg)->network);
    free(*seg);
    *seg = NULL;
}

void cnx_segmentor_trim(cnx_segmentor *seg)
{
    cnx_free(seg->arena);
    seg->arena = NULL;
    seg->arena_bytes = 0;
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
    return &seg->network->description;
}

const cnx_kernels *cnx_segmentor_kernels(const cnx_segmentor *seg)
{
    return &seg->network->kernels;
}

size_t cnx_segmentor_weights_bytes(const cnx_segmentor *seg)
{
    return weight_bytes(seg->network);
}

/* ---- the network ---- */

static cnx_status build_plan(cnx_segmentor *seg, cnx_plan *plan, int h, int w, cnx_error *err)
{
    cnx_value features[CNX_STAGES], logits;
    const cnx_value input = cnx_plan_external(plan, h, w, 3);
    CNX_TRY(cnx_convnext_plan(seg->network->backbone, plan, input, features, err));
    CNX_TRY(cnx_upernet_plan(seg->network->head, plan, features, &logits, err));
    return cnx_plan_finish(plan, err);
}

cnx_status cnx_segmentor_plan(cnx_segmentor *seg, int h, int w, cnx_error *err)
{
    if (seg->plan && seg->plan_h == h && seg->plan_w == w && seg->plan_small == seg->small_tiles)
        return CNX_OK;
    cnx_plan_close(&seg->plan);
    CNX_TRY(cnx_plan_open(&seg->plan, &seg->network->kernels, seg->threads, err));
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
    const size_t bytes = cnx_plan_arena_bytes(seg->plan);
    if (bytes <= seg->arena_bytes)
        return CNX_OK;
    cnx_segmentor_trim(seg);
    CNX_TRY(cnx_alloc_or_fail(&seg->arena, bytes, "the network's feature maps", err));
    seg->arena_bytes = bytes;
    return CNX_OK;
}

cnx_status cnx_segmentor_network(cnx_segmentor *seg, const float *input, int h, int w,
                                 float *logits, cnx_tap tap, void *user, cnx_error *err)
{
    CNX_TRY(cnx_segmentor_plan(seg, h, w, err));
    CNX_TRY(cnx_segmentor_reserve(seg, err));
    const cnx_plan_hooks hooks = {.tap = tap, .user = user};
    float *const external[] = {(float *)(uintptr_t)input, logits}; /* the input is only read */
    cnx_plan_run(seg->plan, seg->arena, external, &hooks);
    return CNX_OK;
}
