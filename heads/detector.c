/*
 * Picture in, boxes, classes and masks out: ConvNeXt with Mask R-CNN or Cascade Mask R-CNN under the
 * official test pipelines.
 *
 *   picture -> passes (scales x flips): resize (8-bit, OpenCV's rule), mirror, normalise, pad
 *     pass -> backbone, pyramid, RPN (one plan) -> proposals
 *   proposals of all passes merged -> box heads on each pass -> scores and boxes, averaged -> NMS
 *   detections -> mask heads on each pass -> probabilities, averaged -> runs at the picture's size
 *
 * This file opens the network, plans it and tells what a picture needs; detector_run.c runs.
 */
#include <stdlib.h>

#include "core/memory.h"
#include "core/ops/paste.h"
#include "core/threads.h"
#include "heads/detector_private.h"
#include "heads/roi_heads.h"

static size_t weight_bytes(const cnx_detect_network *net)
{
    return cnx_convnext_bytes(net->backbone) + cnx_detector_net_bytes(net->net);
}

static void let_go(cnx_detect_network **network)
{
    cnx_detect_network *net = *network;
    *network = NULL;
    if (!net || atomic_fetch_sub(&net->holders, 1) > 1)
        return;
    cnx_convnext_close(&net->backbone);
    cnx_detector_net_close(&net->net);
    cnx_description_free(&net->description);
    free(net);
}

static cnx_status open_network(cnx_detect_network *net, cnx_model_file *file, int threads,
                               cnx_error *err)
{
    const cnx_description *d = &net->description;
    cnx_weights *weights = net->planning ? NULL : file->weights;
    CNX_TRY(cnx_description_copy(&net->description, &file->description, err));
    CNX_TRY(cnx_convnext_open(&net->backbone, &d->backbone, "backbone.", true, weights,
                              &net->kernels, threads, err));
    return cnx_detector_net_open(&net->net, &d->detector, d->backbone.dims, weights, &net->kernels,
                                 threads, err);
}

/* A detector without a network. */
static cnx_status open_empty(cnx_detector **out, int threads, size_t max_memory, cnx_error *err)
{
    cnx_detector *det = calloc(1, sizeof *det);
    *out = det;
    CNX_FAIL_IF(!det, CNX_ERR_MEMORY, "not enough memory for a detector");
    det->threads = threads > 0 ? threads : cnx_threads_available();
    det->max_memory = max_memory;
    return CNX_OK;
}

cnx_status cnx_detector_open(cnx_detector **out, cnx_model_file *file,
                             const cnx_detector_options *options, cnx_error *err)
{
    *out = NULL;
    CNX_TRY(cnx_model_file_expect(file, CNX_TASK_DETECTION, err));
    const cnx_detector_options defaults = {0};
    if (!options)
        options = &defaults;
    CNX_TRY(open_empty(out, options->threads, options->max_memory, err));
    cnx_status status = CNX_OK;
    cnx_detect_network *net = (*out)->network = calloc(1, sizeof *net);
    CNX_CHECK_IF(!net, CNX_ERR_MEMORY, "not enough memory for a detector");
    atomic_init(&net->holders, 1);
    net->planning = options->planning;
    CNX_CHECK(cnx_kernels_init(&net->kernels, options->kernels, err));
    CNX_CHECK(cnx_kernels_set_weights(&net->kernels, options->weights, err));
    status = open_network(net, file, (*out)->threads, err);
    if (status != CNX_OK && file->checkpoint)
        cnx_error_prefix(err, "%s", cnx_checkpoint_name(file->checkpoint));
    CNX_CHECK(status);
    CNX_CHECK_IF(options->max_memory && weight_bytes(net) > options->max_memory, CNX_ERR_MEMORY,
                 "the weights alone take %.1f MiB, more than the limit of %.1f MiB",
                 (double)weight_bytes(net) / 1048576, (double)options->max_memory / 1048576);
    cnx_memory_trim(); /* of what was read and has been packed */
    return CNX_OK;
cleanup:
    cnx_detector_close(out);
    return status;
}

cnx_status cnx_detector_share(cnx_detector **out, const cnx_detector *of, int threads,
                              cnx_error *err)
{
    CNX_TRY(open_empty(out, threads > 0 ? threads : of->threads, of->max_memory, err));
    (*out)->network = of->network;
    atomic_fetch_add(&of->network->holders, 1);
    return CNX_OK;
}

static void forget_plans(cnx_detector *det)
{
    cnx_plan_close(&det->plan);
    cnx_plan_close(&det->boxes);
    cnx_plan_close(&det->masks);
}

void cnx_detector_close(cnx_detector **det)
{
    if (!*det)
        return;
    forget_plans(*det);
    cnx_detector_trim(*det);
    let_go(&(*det)->network);
    free(*det);
    *det = NULL;
}

void cnx_detector_trim(cnx_detector *det)
{
    cnx_kept_free(&det->arena);
    cnx_kept_free(&det->scratch);
}

void cnx_detector_set_threads(cnx_detector *det, int threads)
{
    if (det->threads == threads)
        return;
    det->threads = threads;
    forget_plans(det); /* scratch is laid out for a number of threads */
}

const cnx_description *cnx_detector_description(const cnx_detector *det)
{
    return &det->network->description;
}

const cnx_kernels *cnx_detector_kernels(const cnx_detector *det)
{
    return &det->network->kernels;
}

size_t cnx_detector_weights_bytes(const cnx_detector *det)
{
    return weight_bytes(det->network);
}

/* ---- plans and memory ---- */

static cnx_status build_plan(cnx_detector *det, int h, int w, cnx_error *err)
{
    cnx_value features[CNX_STAGES];
    const cnx_value input = cnx_plan_external(det->plan, h, w, 3);
    CNX_TRY(cnx_convnext_plan(det->network->backbone, det->plan, input, features, err));
    CNX_TRY(cnx_detector_net_plan(det->network->net, det->plan, features, &det->maps, err));
    return cnx_plan_finish(det->plan, err);
}

cnx_status cnx_detector_plan(cnx_detector *det, int h, int w, cnx_error *err)
{
    if (det->plan && det->plan_h == h && det->plan_w == w)
        return CNX_OK;
    cnx_plan_close(&det->plan);
    CNX_TRY(cnx_plan_open(&det->plan, &det->network->kernels, det->threads, err));
    const cnx_status status = build_plan(det, h, w, err);
    if (status != CNX_OK) {
        cnx_plan_close(&det->plan);
        return status;
    }
    det->plan_h = h;
    det->plan_w = w;
    return CNX_OK;
}

static cnx_status plan_regions(cnx_detector *det, cnx_error *err)
{
    if (det->boxes && det->masks)
        return CNX_OK;
    cnx_plan_close(&det->boxes);
    cnx_plan_close(&det->masks);
    const cnx_kernels *k = &det->network->kernels;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_plan_open(&det->boxes, k, det->threads, err));
    CNX_CHECK(cnx_plan_open(&det->masks, k, det->threads, err));
    cnx_detector_net_plan_boxes(det->network->net, det->boxes);
    cnx_detector_net_plan_masks(det->network->net, det->masks);
    CNX_CHECK(cnx_plan_finish(det->boxes, err));
    CNX_CHECK(cnx_plan_finish(det->masks, err));
    return CNX_OK;
cleanup:
    cnx_plan_close(&det->boxes);
    cnx_plan_close(&det->masks);
    return status;
}

cnx_status cnx_detector_plan_of(cnx_detector *det, int h, int w, cnx_detector_plans *out,
                                cnx_error *err)
{
    CNX_TRY(cnx_detector_plan(det, h, w, err));
    CNX_TRY(plan_regions(det, err));
    *out = (cnx_detector_plans){.dense = det->plan, .boxes = det->boxes, .masks = det->masks};
    return CNX_OK;
}

void cnx_kept_free(cnx_kept *kept)
{
    cnx_free(kept->memory);
    *kept = (cnx_kept){0};
}

cnx_status cnx_kept_reserve(cnx_kept *kept, size_t bytes, const char *what, cnx_error *err)
{
    if (bytes <= kept->bytes)
        return CNX_OK;
    cnx_kept_free(kept);
    CNX_TRY(cnx_alloc_or_fail(&kept->memory, bytes, what, err));
    kept->bytes = bytes;
    return CNX_OK;
}

/* ---- what a picture needs ---- */

size_t cnx_detector_scratch(const cnx_detector *det, const cnx_detect_pass *pass, bool no_masks)
{
    return cnx_roi_scratch(det->network->net, &det->network->kernels, det->threads,
                           pass->padded_h / 4, pass->padded_w / 4, no_masks);
}

/* Anchors of a pass that can be proposed. */
static double pass_regions(const cnx_rpn_rules *r, const cnx_detect_pass *pass)
{
    double all = 0;
    int h = pass->padded_h / 4, w = pass->padded_w / 4;
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++, h = (h + 1) / 2, w = (w + 1) / 2) {
        const double n = (double)h * w * r->ratio_count;
        all += n < r->nms_pre ? n : r->nms_pre;
    }
    return all < r->max_per_img ? all : r->max_per_img;
}

int cnx_detector_regions(const cnx_detector *det, const cnx_detect_layout *layout)
{
    const cnx_rpn_rules *r = &det->network->description.detector.rpn;
    double all = 0;
    for (int i = 0; i < layout->pass_count; i++)
        all += pass_regions(r, &layout->passes[i]);
    return (int)(all < r->max_per_img ? all : r->max_per_img);
}

/* The pyramid's levels that RoI heads look at, which are kept when there are several passes. */
static double pyramid_bytes(const cnx_detector_desc *d, const cnx_detect_pass *pass)
{
    double pixels = 0;
    for (int i = 0; i < CNX_ROI_LEVELS; i++)
        pixels += (double)(pass->padded_h / (4 << i)) * (pass->padded_w / (4 << i));
    return pixels * d->channels * (double)sizeof(float);
}

/* Pictures, inputs and all that comes of regions. */
static double picture_bytes(const cnx_detector *det, const cnx_detect_layout *layout,
                            const cnx_detect_request *request)
{
    const cnx_detector_desc *d = &det->network->description.detector;
    const double regions = cnx_detector_regions(det, layout), classes = d->classes;
    const double boxes = 4 * (d->class_specific ? classes : 1);
    double resized = 0, kept = 0;
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_detect_pass *pass = &layout->passes[i];
        const double pixels = (double)pass->h * pass->w * 3;
        const double input = (double)pass->padded_h * pass->padded_w * 3 * sizeof(float);
        resized = pixels + input > resized ? pixels + input : resized;
        kept += layout->pass_count > 1 ? pyramid_bytes(d, pass) : 0;
    }
    const double tables = regions * (classes + 1 + boxes) * (layout->pass_count > 1 ? 2 : 1);
    const double batch = cnx_box_batch((int)regions) * (classes + 1 + boxes);
    const cnx_paste paste = {.width = layout->width, .height = layout->height};
    const double pasting =
        request->no_masks ? 0 : (double)cnx_paste_scratch(&paste, CNX_MASK_SIZE) * det->threads;
    return (double)layout->width * layout->height * 3 + resized + kept +
           (tables + batch) * (double)sizeof(float) + pasting;
}

cnx_status cnx_detector_measure(cnx_detector *det, const cnx_detect_layout *layout,
                                const cnx_detect_request *request, cnx_detect_estimate *out,
                                cnx_error *err)
{
    const cnx_rcnn_rules *rules =
        request->rules ? request->rules : &det->network->description.detector.rcnn;
    size_t scratch = 0, arena = 0;
    *out = (cnx_detect_estimate){.passes = layout->pass_count,
                                 .net_h = layout->passes[0].padded_h,
                                 .net_w = layout->passes[0].padded_w,
                                 .weights_bytes = weight_bytes(det->network)};
    CNX_TRY(plan_regions(det, err));
    const double regions = cnx_detector_regions(det, layout);
    const double detections = request->no_masks ? 0 : rules->max_per_img;
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_detect_pass *pass = &layout->passes[i];
        CNX_TRY(cnx_detector_plan(det, pass->padded_h, pass->padded_w, err));
        const size_t bytes = cnx_plan_arena_bytes(det->plan);
        const size_t heads = cnx_detector_scratch(det, pass, request->no_masks);
        arena = bytes > arena ? bytes : arena;
        scratch = heads > scratch ? heads : scratch;
        out->macs += cnx_plan_macs(det->plan) + regions * cnx_plan_macs(det->boxes) +
                     detections * cnx_plan_macs(det->masks);
    }
    const double picture = picture_bytes(det, layout, request);
    CNX_FAIL_IF(picture > (double)(SIZE_MAX / 4), CNX_ERR_MEMORY,
                "what this picture needs cannot be addressed");
    out->arena_bytes = arena + scratch;
    out->picture_bytes = (size_t)picture;
    out->total_bytes = out->weights_bytes + out->arena_bytes + out->picture_bytes;
    return CNX_OK;
}

cnx_status cnx_detector_estimate(cnx_detector *det, int width, int height,
                                 const cnx_detect_request *request, cnx_detect_estimate *out,
                                 cnx_error *err)
{
    static const cnx_detect_request defaults = {0};
    cnx_detect_layout layout;
    request = request ? request : &defaults;
    CNX_TRY(cnx_detect_layout_open(
        &layout, width, height,
        request->pipeline ? request->pipeline : &det->network->description.pipeline, err));
    return cnx_detector_measure(det, &layout, request, out, err);
}
