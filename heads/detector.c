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
#include "core/ops/paste.h"
#include "heads/detector_private.h"
#include "heads/roi_heads.h"

static cnx_status open_head(cnx_network *base, cnx_weights *weights, int threads, cnx_error *err)
{
    const cnx_description *d = &base->description;
    return cnx_detector_net_open(&((cnx_detect_network *)base)->net, &d->detector, d->backbone.dims,
                                 weights, &base->kernels, threads, err);
}

static size_t head_bytes(const cnx_network *base)
{
    return cnx_detector_net_bytes(((const cnx_detect_network *)base)->net);
}

static void close_head(cnx_network *base)
{
    cnx_detector_net_close(&((cnx_detect_network *)base)->net);
}

static cnx_status plan_head(cnx_runner *r, const cnx_value features[CNX_STAGES], cnx_error *err)
{
    cnx_detector *det = (cnx_detector *)r;
    return cnx_detector_net_plan(cnx_detector_net_of(det), r->plan, features, &det->maps, err);
}

static void forget_plans(cnx_runner *r)
{
    cnx_detector *det = (cnx_detector *)r;
    cnx_plan_close(&det->boxes);
    cnx_plan_close(&det->masks);
}

static void trim(cnx_runner *r)
{
    cnx_kept_free(&((cnx_detector *)r)->scratch);
}

static const cnx_runner_kind kind = {.network = {.task = CNX_TASK_DETECTION,
                                                 .size = sizeof(cnx_detect_network),
                                                 .backbone = "backbone.",
                                                 .output_norms = true,
                                                 .open_head = open_head,
                                                 .head_bytes = head_bytes,
                                                 .close_head = close_head},
                                     .name = "a detector",
                                     .size = sizeof(cnx_detector),
                                     .plan_head = plan_head,
                                     .forget_plans = forget_plans,
                                     .trim = trim};

/* ---- what all tasks have ---- */

cnx_status cnx_detector_open(cnx_detector **out, cnx_model_file *file,
                             const cnx_model_options *options, cnx_error *err)
{
    cnx_runner *runner;
    const cnx_status status = cnx_runner_open(&runner, &kind, file, options, err);
    *out = (cnx_detector *)runner;
    return status;
}

cnx_status cnx_detector_share(cnx_detector **out, const cnx_detector *of, int threads,
                              cnx_error *err)
{
    cnx_runner *runner;
    const cnx_status status = cnx_runner_share(&runner, &of->base, threads, err);
    *out = (cnx_detector *)runner;
    return status;
}

void cnx_detector_close(cnx_detector **det)
{
    cnx_runner_free((cnx_runner *)*det);
    *det = NULL;
}

void cnx_detector_trim(cnx_detector *det)
{
    cnx_runner_trim(&det->base);
}

void cnx_detector_set_threads(cnx_detector *det, int threads)
{
    cnx_runner_set_threads(&det->base, threads);
}

const cnx_description *cnx_detector_description(const cnx_detector *det)
{
    return &det->base.network->description;
}

const cnx_kernels *cnx_detector_kernels(const cnx_detector *det)
{
    return &det->base.network->kernels;
}

size_t cnx_detector_weights_bytes(const cnx_detector *det)
{
    return cnx_network_bytes(det->base.network);
}

const cnx_detector_net *cnx_detector_net_of(const cnx_detector *det)
{
    return ((const cnx_detect_network *)det->base.network)->net;
}

/* ---- plans and memory ---- */

static cnx_status plan_regions(cnx_detector *det, cnx_error *err)
{
    if (det->boxes && det->masks)
        return CNX_OK;
    forget_plans(&det->base);
    const cnx_kernels *k = &det->base.network->kernels;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_plan_open(&det->boxes, k, det->base.threads, err));
    CNX_CHECK(cnx_plan_open(&det->masks, k, det->base.threads, err));
    cnx_detector_net_plan_boxes(cnx_detector_net_of(det), det->boxes);
    cnx_detector_net_plan_masks(cnx_detector_net_of(det), det->masks);
    CNX_CHECK(cnx_plan_finish(det->boxes, err));
    CNX_CHECK(cnx_plan_finish(det->masks, err));
    return CNX_OK;
cleanup:
    forget_plans(&det->base);
    return status;
}

cnx_status cnx_detector_plan_of(cnx_detector *det, int h, int w, cnx_detector_plans *out,
                                cnx_error *err)
{
    CNX_TRY(cnx_runner_plan(&det->base, h, w, err));
    CNX_TRY(plan_regions(det, err));
    *out = (cnx_detector_plans){.dense = det->base.plan, .boxes = det->boxes, .masks = det->masks};
    return CNX_OK;
}

/* ---- what a picture needs ---- */

size_t cnx_detector_scratch(const cnx_detector *det, const cnx_detect_pass *pass, bool no_masks)
{
    return cnx_roi_scratch(cnx_detector_net_of(det), &det->base.network->kernels, det->base.threads,
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
    const cnx_rpn_rules *r = &det->base.network->description.detector.rpn;
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
    const cnx_detector_desc *d = &det->base.network->description.detector;
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
        request->no_masks ? 0
                          : (double)cnx_paste_scratch(&paste, CNX_MASK_SIZE) * det->base.threads;
    return (double)layout->width * layout->height * 3 + resized + kept +
           (tables + batch) * (double)sizeof(float) + pasting;
}

cnx_status cnx_detector_measure(cnx_detector *det, const cnx_detect_layout *layout,
                                const cnx_detect_request *request, cnx_estimate *out,
                                cnx_error *err)
{
    const cnx_rcnn_rules *rules =
        request->rules ? request->rules : &det->base.network->description.detector.rcnn;
    size_t scratch = 0, arena = 0;
    *out = (cnx_estimate){.passes = layout->pass_count,
                          .windows = layout->pass_count,
                          .net_h = layout->passes[0].padded_h,
                          .net_w = layout->passes[0].padded_w,
                          .weights_bytes = cnx_network_bytes(det->base.network)};
    CNX_TRY(plan_regions(det, err));
    const double regions = cnx_detector_regions(det, layout);
    const double detections = request->no_masks ? 0 : rules->max_per_img;
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_detect_pass *pass = &layout->passes[i];
        CNX_TRY(cnx_runner_plan(&det->base, pass->padded_h, pass->padded_w, err));
        const size_t bytes = cnx_plan_arena_bytes(det->base.plan);
        const size_t heads = cnx_detector_scratch(det, pass, request->no_masks);
        arena = bytes > arena ? bytes : arena;
        scratch = heads > scratch ? heads : scratch;
        out->macs += cnx_plan_macs(det->base.plan) + regions * cnx_plan_macs(det->boxes) +
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
                                 const cnx_detect_request *request, cnx_estimate *out,
                                 cnx_error *err)
{
    static const cnx_detect_request defaults = {0};
    cnx_detect_layout layout;
    request = request ? request : &defaults;
    CNX_TRY(cnx_detect_layout_open(&layout, width, height,
                                   cnx_runner_pipeline(&det->base, request->pipeline), err));
    return cnx_detector_measure(det, &layout, request, out, err);
}
