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

static cnx_status plan_head(cnx_runner *r, const cnx_value features[CNX_STAGES], cnx_error *err)
{
    cnx_value logits;
    return cnx_upernet_plan(((const cnx_segment_network *)r->network)->head, r->plan, features,
                            &logits, err);
}

static const cnx_runner_kind kind = {.network = {.task = CNX_TASK_SEGMENTATION,
                                                 .size = sizeof(cnx_segment_network),
                                                 .backbone = "backbone.",
                                                 .output_norms = true,
                                                 .open_head = open_head,
                                                 .head_bytes = head_bytes,
                                                 .close_head = close_head},
                                     .name = "a segmentor",
                                     .size = sizeof(cnx_segmentor),
                                     .plan_head = plan_head};

/* ---- what all tasks have ---- */

cnx_status cnx_segmentor_open(cnx_segmentor **out, cnx_model_file *file,
                              const cnx_model_options *options, cnx_error *err)
{
    static const cnx_segment_prospect usual = {0};
    return cnx_segmentor_open_for(out, file, options, &usual, err);
}

cnx_status cnx_segmentor_share(cnx_segmentor **out, const cnx_segmentor *of, int threads,
                               cnx_error *err)
{
    cnx_runner *runner;
    const cnx_status status = cnx_runner_share(&runner, &of->base, threads, err);
    *out = (cnx_segmentor *)runner;
    return status;
}

void cnx_segmentor_close(cnx_segmentor **seg)
{
    cnx_runner_free((cnx_runner *)*seg);
    *seg = NULL;
}

void cnx_segmentor_trim(cnx_segmentor *seg)
{
    cnx_runner_trim(&seg->base);
}

void cnx_segmentor_set_threads(cnx_segmentor *seg, int threads)
{
    cnx_runner_set_threads(&seg->base, threads);
}

const cnx_description *cnx_segmentor_description(const cnx_segmentor *seg)
{
    return &seg->base.network->description;
}

const cnx_kernels *cnx_segmentor_kernels(const cnx_segmentor *seg)
{
    return &seg->base.network->kernels;
}

size_t cnx_segmentor_weights_bytes(const cnx_segmentor *seg)
{
    return cnx_network_bytes(seg->base.network);
}

/* ---- its own ---- */

cnx_status cnx_segmentor_open_for(cnx_segmentor **out, cnx_model_file *file,
                                  const cnx_model_options *options,
                                  const cnx_segment_prospect *prospect, cnx_error *err)
{
    cnx_runner *runner;
    cnx_status status = CNX_OK;
    *out = NULL;
    CNX_TRY(cnx_runner_new(&runner, &kind, file, options, err));
    cnx_segment_network *net = (cnx_segment_network *)runner->network;
    net->direct = prospect->direct;
    if (options && options->max_memory && !options->planning)
        CNX_CHECK(cnx_segmentor_choose_direct(&net->direct, file, options, prospect, err));
    CNX_CHECK(cnx_runner_load(runner, file, options, err));
    *out = (cnx_segmentor *)runner;
    return CNX_OK;
cleanup:
    cnx_runner_free(runner);
    return status;
}

void cnx_segmentor_set_beside(cnx_segmentor *seg, size_t bytes)
{
    seg->beside = bytes;
}

cnx_status cnx_segmentor_plan_of(cnx_segmentor *seg, int h, int w, const cnx_plan **out,
                                 cnx_error *err)
{
    CNX_TRY(cnx_runner_plan(&seg->base, h, w, err));
    *out = seg->base.plan;
    return CNX_OK;
}

cnx_status cnx_segmentor_network(cnx_segmentor *seg, const float *input, int h, int w,
                                 float *logits, cnx_plan_tap tap, void *user, cnx_error *err)
{
    return cnx_runner_network(&seg->base, input, h, w, logits, tap, user, err);
}
