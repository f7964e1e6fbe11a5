/*
 * Picture in, logits out: ConvNeXt and its linear head under the official evaluation pipeline.
 *
 *   picture -> resize (8-bit, Pillow's rule), crop -> normalise to [h, w, 3] float
 *           -> network -> logits [classes]
 */
#include "heads/classifier.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/threads.h"
#include "heads/classify_input.h"
#include "heads/network.h"

typedef struct network {
    cnx_network base;
    cnx_linear *head;
} network;

struct cnx_classifier {
    network *network;
    int threads;
    size_t max_memory;
    cnx_plan *plan; /* owned; for an input of plan_h x plan_w, NULL before the first */
    int plan_h, plan_w;
    cnx_kept arena; /* of the plan */
};

/* ---- opening ---- */

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

static const cnx_network_kind kind = {.task = CNX_TASK_CLASSIFICATION,
                                      .size = sizeof(network),
                                      .backbone = "",
                                      .output_norms = false,
                                      .open_head = open_head,
                                      .head_bytes = head_bytes,
                                      .close_head = close_head};

/* A classifier without a network. */
static cnx_status open_empty(cnx_classifier **out, int threads, size_t max_memory, cnx_error *err)
{
    cnx_classifier *cls = calloc(1, sizeof *cls);
    *out = cls;
    CNX_FAIL_IF(!cls, CNX_ERR_MEMORY, "not enough memory for a classifier");
    cls->threads = threads > 0 ? threads : cnx_threads_available();
    cls->max_memory = max_memory;
    return CNX_OK;
}

cnx_status cnx_classifier_open(cnx_classifier **out, cnx_model_file *file,
                               const cnx_classifier_options *options, cnx_error *err)
{
    *out = NULL;
    CNX_TRY(cnx_model_file_expect(file, kind.task, err));
    const cnx_classifier_options defaults = {0};
    if (!options)
        options = &defaults;
    CNX_TRY(open_empty(out, options->threads, options->max_memory, err));
    cnx_network *net = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_network_new(&net, &kind, err));
    (*out)->network = (network *)net;
    const cnx_network_options common = {.threads = (*out)->threads,
                                        .max_memory = options->max_memory,
                                        .kernels = options->kernels,
                                        .weights = options->weights,
                                        .planning = options->planning};
    CNX_CHECK(cnx_network_open(net, file, &common, err));
    return CNX_OK;
cleanup:
    cnx_classifier_close(out);
    return status;
}

cnx_status cnx_classifier_share(cnx_classifier **out, const cnx_classifier *of, int threads,
                                cnx_error *err)
{
    CNX_TRY(open_empty(out, threads > 0 ? threads : of->threads, of->max_memory, err));
    (*out)->network = of->network;
    cnx_network_share(&of->network->base);
    return CNX_OK;
}

void cnx_classifier_close(cnx_classifier **cls)
{
    if (!*cls)
        return;
    cnx_plan_close(&(*cls)->plan);
    cnx_classifier_trim(*cls);
    if ((*cls)->network)
        cnx_network_let_go(&(*cls)->network->base);
    free(*cls);
    *cls = NULL;
}

void cnx_classifier_trim(cnx_classifier *cls)
{
    cnx_kept_free(&cls->arena);
}

void cnx_classifier_set_threads(cnx_classifier *cls, int threads)
{
    if (cls->threads == threads)
        return;
    cls->threads = threads;
    cnx_plan_close(&cls->plan); /* scratch is laid out for a number of threads */
}

const cnx_description *cnx_classifier_description(const cnx_classifier *cls)
{
    return &cls->network->base.description;
}

const cnx_kernels *cnx_classifier_kernels(const cnx_classifier *cls)
{
    return &cls->network->base.kernels;
}

size_t cnx_classifier_weights_bytes(const cnx_classifier *cls)
{
    return cnx_network_bytes(&cls->network->base);
}

/* ---- the network ---- */

static cnx_status build_plan(cnx_classifier *cls, int h, int w, cnx_error *err)
{
    const network *net = cls->network;
    cnx_value features[CNX_STAGES], logits;
    const cnx_value input = cnx_plan_external(cls->plan, h, w, 3);
    CNX_TRY(cnx_convnext_plan(net->base.backbone, cls->plan, input, features, err));
    const cnx_value last = features[cnx_convnext_stages(&net->base.description.backbone) - 1];
    CNX_TRY(cnx_linear_plan(net->head, cls->plan, last, &logits, err));
    return cnx_plan_finish(cls->plan, err);
}

/* Makes cls->plan the plan for this input size. */
static cnx_status plan_for(cnx_classifier *cls, int h, int w, cnx_error *err)
{
    if (cls->plan && cls->plan_h == h && cls->plan_w == w)
        return CNX_OK;
    cnx_plan_close(&cls->plan);
    CNX_TRY(cnx_plan_open(&cls->plan, &cls->network->base.kernels, cls->threads, err));
    const cnx_status status = build_plan(cls, h, w, err);
    if (status != CNX_OK) {
        cnx_plan_close(&cls->plan);
        return status;
    }
    cls->plan_h = h;
    cls->plan_w = w;
    return CNX_OK;
}

cnx_status cnx_classifier_plan_of(cnx_classifier *cls, int h, int w, const cnx_plan **out,
                                  cnx_error *err)
{
    CNX_TRY(plan_for(cls, h, w, err));
    *out = cls->plan;
    return CNX_OK;
}

/* Plan and arena for an input of this size. */
static cnx_status reserve(cnx_classifier *cls, int h, int w, cnx_error *err)
{
    CNX_TRY(plan_for(cls, h, w, err));
    return cnx_kept_reserve(&cls->arena, cnx_plan_arena_bytes(cls->plan),
                            "the network's feature maps", err);
}

cnx_status cnx_classifier_network(cnx_classifier *cls, const float *input, int h, int w,
                                  float *logits, cnx_classifier_tap tap, void *user, cnx_error *err)
{
    CNX_TRY(reserve(cls, h, w, err));
    const cnx_plan_hooks hooks = {.tap = tap, .user = user};
    float *const external[] = {(float *)(uintptr_t)input, logits}; /* the input is only read */
    cnx_plan_run(cls->plan, cls->arena.memory, external, &hooks);
    return CNX_OK;
}

/* ---- a picture ---- */

static const cnx_pipeline *pipeline_of(const cnx_classifier *cls, const cnx_pipeline *asked)
{
    return asked ? asked : &cls->network->base.description.pipeline;
}

static cnx_status estimate(cnx_classifier *cls, int width, int height,
                           const cnx_classify_size *size, cnx_classify_estimate *out,
                           cnx_error *err)
{
    CNX_TRY(plan_for(cls, size->h, size->w, err));
    *out = (cnx_classify_estimate){
        .weights_bytes = cnx_network_bytes(&cls->network->base),
        .arena_bytes = cnx_plan_arena_bytes(cls->plan),
        .picture_bytes = 3 * (size_t)width * (size_t)height +
                         cnx_classify_bytes(size, width, height) +
                         sizeof(float) * (size_t)cls->network->base.description.class_count,
        .macs = cnx_plan_macs(cls->plan),
        .net_h = size->h,
        .net_w = size->w};
    out->total_bytes = out->weights_bytes + out->arena_bytes + out->picture_bytes;
    return CNX_OK;
}

cnx_status cnx_classifier_estimate(cnx_classifier *cls, int width, int height,
                                   const cnx_pipeline *pipeline, cnx_classify_estimate *out,
                                   cnx_error *err)
{
    cnx_classify_size size;
    CNX_TRY(cnx_classify_size_of(&size, width, height, pipeline_of(cls, pipeline), err));
    return estimate(cls, width, height, &size, out, err);
}

static cnx_status check_memory(const cnx_classifier *cls, const cnx_classify_estimate *e,
                               cnx_error *err)
{
    const double mib = 1048576;
    CNX_FAIL_IF(cls->max_memory && e->total_bytes > cls->max_memory, CNX_ERR_MEMORY,
                "needs %.1f MiB (weights %.1f, feature maps %.1f, picture %.1f), more than the "
                "limit of %.1f MiB; a smaller --size or fewer --threads needs less",
                (double)e->total_bytes / mib, (double)e->weights_bytes / mib,
                (double)e->arena_bytes / mib, (double)e->picture_bytes / mib,
                (double)cls->max_memory / mib);
    return CNX_OK;
}

static cnx_status run_network(cnx_classifier *cls, const cnx_classify_request *request,
                              float *input, float *logits, cnx_error *err)
{
    const cnx_plan_hooks hooks = {
        .step = request->progress, .user = request->user, .clock = request->clock};
    float *const external[] = {input, logits};
    CNX_FAIL_IF(!cnx_plan_run(cls->plan, cls->arena.memory, external, &hooks), CNX_ERR_INTERRUPTED,
                "interrupted");
    return CNX_OK;
}

cnx_status cnx_classifier_run(cnx_classifier *cls, const cnx_classify_request *request,
                              float *logits, cnx_classify_stats *stats, cnx_error *err)
{
    const cnx_image *image = request->image;
    const cnx_pipeline *pipeline = pipeline_of(cls, request->pipeline);
    cnx_classify_stats unasked;
    cnx_classify_estimate needed;
    cnx_classify_size size;
    cnx_image crop = {0};
    void *input = NULL;
    cnx_status status = CNX_OK;
    stats = stats ? stats : &unasked;
    CNX_TRY(cnx_classify_size_of(&size, image->width, image->height, pipeline, err));
    CNX_TRY(estimate(cls, image->width, image->height, &size, &needed, err));
    CNX_TRY(check_memory(cls, &needed, err));
    *stats = (cnx_classify_stats){.net_h = size.h, .net_w = size.w};
    const double start = cnx_now();
    CNX_CHECK(reserve(cls, size.h, size.w, err));
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
