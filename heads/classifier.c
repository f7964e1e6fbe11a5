/*
 * Picture in, logits out: ConvNeXt and its linear head under the official evaluation pipeline.
 *
 *   picture -> resize (8-bit, Pillow's rule), crop -> normalise to [h, w, 3] float
 *           -> network -> logits [classes]
 */
#include "heads/classifier.h"

#include "core/clock.h"
#include "heads/classify_input.h"
#include "heads/runner.h"

typedef struct network {
    cnx_network base;
    cnx_linear *head;
} network;

struct cnx_classifier {
    cnx_runner base;
};

/* ---- the head ---- */

static cnx_status open_head(cnx_network *base, cnx_weights *weights, int threads, cnx_error *err)
{
    (void)threads;
    return cnx_linear_open(&((network *)base)->head, &base->description.linear, weights,
                           &base->kernels, err);
}

static size_t head_bytes(const cnx_network *base)
{
    return cnx_linear_bytes(((const network *)base)->head);
}

static void close_head(cnx_network *base)
{
    cnx_linear_close(&((network *)base)->head);
}

static cnx_status plan_head(cnx_runner *r, const cnx_value features[CNX_STAGES], cnx_error *err)
{
    const network *net = (const network *)r->network;
    cnx_value logits;
    const cnx_value last = features[cnx_convnext_stages(&net->base.description.backbone) - 1];
    return cnx_linear_plan(net->head, r->plan, last, &logits, err);
}

static const cnx_runner_kind kind = {.network = {.task = CNX_TASK_CLASSIFICATION,
                                                 .size = sizeof(network),
                                                 .backbone = "",
                                                 .output_norms = false,
                                                 .open_head = open_head,
                                                 .head_bytes = head_bytes,
                                                 .close_head = close_head},
                                     .name = "a classifier",
                                     .size = sizeof(cnx_classifier),
                                     .plan_head = plan_head};

/* ---- what all tasks have ---- */

cnx_status cnx_classifier_open(cnx_classifier **out, cnx_model_file *file,
                               const cnx_model_options *options, cnx_error *err)
{
    cnx_runner *runner;
    const cnx_status status = cnx_runner_open(&runner, &kind, file, options, err);
    *out = (cnx_classifier *)runner;
    return status;
}

cnx_status cnx_classifier_share(cnx_classifier **out, const cnx_classifier *of, int threads,
                                cnx_error *err)
{
    cnx_runner *runner;
    const cnx_status status = cnx_runner_share(&runner, &of->base, threads, err);
    *out = (cnx_classifier *)runner;
    return status;
}

void cnx_classifier_close(cnx_classifier **cls)
{
    cnx_runner_free((cnx_runner *)*cls);
    *cls = NULL;
}

void cnx_classifier_trim(cnx_classifier *cls)
{
    cnx_runner_trim(&cls->base);
}

void cnx_classifier_set_threads(cnx_classifier *cls, int threads)
{
    cnx_runner_set_threads(&cls->base, threads);
}

const cnx_description *cnx_classifier_description(const cnx_classifier *cls)
{
    return &cls->base.network->description;
}

const cnx_kernels *cnx_classifier_kernels(const cnx_classifier *cls)
{
    return &cls->base.network->kernels;
}

size_t cnx_classifier_weights_bytes(const cnx_classifier *cls)
{
    return cnx_network_bytes(cls->base.network);
}

cnx_status cnx_classifier_plan_of(cnx_classifier *cls, int h, int w, const cnx_plan **out,
                                  cnx_error *err)
{
    CNX_TRY(cnx_runner_plan(&cls->base, h, w, err));
    *out = cls->base.plan;
    return CNX_OK;
}

cnx_status cnx_classifier_network(cnx_classifier *cls, const float *input, int h, int w,
                                  float *logits, cnx_plan_tap tap, void *user, cnx_error *err)
{
    return cnx_runner_network(&cls->base, input, h, w, logits, tap, user, err);
}

/* ---- a picture ---- */

static cnx_status estimate(cnx_classifier *cls, int width, int height,
                           const cnx_classify_size *size, cnx_estimate *out, cnx_error *err)
{
    CNX_TRY(cnx_runner_plan(&cls->base, size->h, size->w, err));
    *out = (cnx_estimate){.weights_bytes = cnx_network_bytes(cls->base.network),
                          .arena_bytes = cnx_plan_arena_bytes(cls->base.plan),
                          .picture_bytes =
                              3 * (size_t)width * (size_t)height +
                              cnx_classify_bytes(size, width, height) +
                              sizeof(float) * (size_t)cls->base.network->description.class_count,
                          .macs = cnx_plan_macs(cls->base.plan),
                          .passes = 1,
                          .windows = 1,
                          .net_h = size->h,
                          .net_w = size->w};
    out->total_bytes = out->weights_bytes + out->arena_bytes + out->picture_bytes;
    return CNX_OK;
}

cnx_status cnx_classifier_estimate(cnx_classifier *cls, int width, int height,
                                   const cnx_pipeline *pipeline, cnx_estimate *out, cnx_error *err)
{
    cnx_classify_size size;
    CNX_TRY(
        cnx_classify_size_of(&size, width, height, cnx_runner_pipeline(&cls->base, pipeline), err));
    return estimate(cls, width, height, &size, out, err);
}

static cnx_status run_network(cnx_classifier *cls, const cnx_classify_request *request,
                              float *input, float *logits, cnx_error *err)
{
    const cnx_plan_hooks hooks = {
        .step = request->progress, .user = request->user, .clock = request->clock};
    float *const external[] = {input, logits};
    CNX_FAIL_IF(!cnx_plan_run(cls->base.plan, cls->base.arena.memory, external, &hooks),
                CNX_ERR_INTERRUPTED, "interrupted");
    return CNX_OK;
}

cnx_status cnx_classifier_run(cnx_classifier *cls, const cnx_classify_request *request,
                              float *logits, cnx_classify_stats *stats, cnx_error *err)
{
    const cnx_image *image = request->image;
    const cnx_pipeline *pipeline = cnx_runner_pipeline(&cls->base, request->pipeline);
    cnx_classify_stats unasked;
    cnx_estimate needed;
    cnx_classify_size size;
    cnx_image crop = {0};
    void *input = NULL;
    cnx_status status = CNX_OK;
    stats = stats ? stats : &unasked;
    CNX_TRY(cnx_classify_size_of(&size, image->width, image->height, pipeline, err));
    CNX_TRY(estimate(cls, image->width, image->height, &size, &needed, err));
    CNX_TRY(
        cnx_runner_check_memory(&cls->base, &needed, "a smaller --size or fewer --threads", err));
    *stats = (cnx_classify_stats){.net_h = size.h, .net_w = size.w};
    const double start = cnx_now();
    CNX_CHECK(cnx_runner_reserve(&cls->base, size.h, size.w, err));
    CNX_CHECK(cnx_classify_crop(&crop, image, &size, err));
    CNX_CHECK(cnx_alloc_or_fail(&input, 3 * sizeof(float) * (size_t)size.h * (size_t)size.w,
                                "the network's input", err));
    cnx_classify_normalise(input, &crop, pipeline);
    const double prepared = cnx_now();
    CNX_CHECK(run_network(cls, request, input, logits, err));
    stats->prepare = prepared - start;
    stats->network = cnx_now() - prepared;
cleanup:
    cnx_image_free(&crop);
    cnx_free(input);
    return status;
}
