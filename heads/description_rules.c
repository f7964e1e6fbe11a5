/* What shapes do not tell of a detector: rules of proposals and detections, test pipeline, the data
 * set's ids; and a detector's shapes as a config alone has them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/known_sets.h"
#include "heads/config.h"
#include "heads/description_parts.h"

enum { PUBLISHED_WIDTH = 256, PUBLISHED_STAGES = 3, COCO_CLASSES = 80, FC_WIDTHS = 4 };

static const float published_stds[PUBLISHED_STAGES][4] = {
    {0.1f, 0.1f, 0.2f, 0.2f}, {0.05f, 0.05f, 0.1f, 0.1f}, {0.033f, 0.033f, 0.067f, 0.067f}};
static const double published_ratios[] = {0.5, 1, 2};

/* ---- shapes from a config alone ---- */

void cnx_describe_detector_fields(cnx_description *d, const cJSON *config)
{
    const cJSON *type = cnx_config_get(config, "head.type");
    const cJSON *channels = cnx_config_get(config, "head.channels");
    const cJSON *ratios = cnx_config_get(config, "rpn.ratios");
    const int width = channels ? channels->valueint : PUBLISHED_WIDTH;
    const bool cascade = !type || strcmp(type->valuestring, "mask_rcnn") != 0;
    d->detector = (cnx_detector_desc){
        .cascade = cascade,
        .stages = cascade ? PUBLISHED_STAGES : 1,
        .classes = d->class_count,
        .channels = width,
        .rpn_channels = width,
        .anchors = ratios ? cJSON_GetArraySize(ratios) : 3,
        .box_convs = cascade ? 4 : 0,
        .box_conv_channels = width,
        .box_fcs = cascade ? 1 : 2,
        .box_fc_channels = FC_WIDTHS * width,
        .class_specific = true,
        .mask_convs = 4,
        .mask_channels = width,
        .mask_classes = d->class_count,
    };
}

/* ---- proposals ---- */

static int whole(const cJSON *item, int otherwise)
{
    return item ? item->valueint : otherwise;
}

static double number(const cJSON *item, double otherwise)
{
    return item ? item->valuedouble : otherwise;
}

static cnx_status describe_ratios(cnx_detector_desc *d, const cJSON *ratios, cnx_error *err)
{
    cnx_rpn_rules *r = &d->rpn;
    const int n = ratios ? cJSON_GetArraySize(ratios) : 3;
    CNX_FAIL_IF(n != d->anchors, CNX_ERR_MODEL,
                "rpn.ratios: %s %d, the checkpoint has %d anchors a place (rpn_head.rpn_cls); name "
                "as many in a config or by --set rpn.ratios=[...]",
                ratios ? "the config lists" : "the published ones are", n, d->anchors);
    r->ratio_count = n;
    for (int i = 0; i < n; i++)
        r->ratios[i] = ratios ? cJSON_GetArrayItem(ratios, i)->valuedouble : published_ratios[i];
    return CNX_OK;
}

static cnx_status describe_proposals(cnx_detector_desc *d, const cJSON *rpn, cnx_error *err)
{
    cnx_rpn_rules *r = &d->rpn;
    const cJSON *strides = cnx_config_get(rpn, "strides");
    CNX_TRY(describe_ratios(d, cnx_config_get(rpn, "ratios"), err));
    r->anchor_scale = number(cnx_config_get(rpn, "anchor_scale"), 8);
    r->nms_pre = whole(cnx_config_get(rpn, "nms_pre"), 1000);
    r->max_per_img = whole(cnx_config_get(rpn, "max_per_img"), 1000);
    r->nms_iou = (float)number(cnx_config_get(rpn, "nms_iou"), 0.7);
    r->min_bbox_size = number(cnx_config_get(rpn, "min_bbox_size"), 0);
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++)
        r->strides[i] = 4 << i;
    if (strides) {
        const int n = cnx_config_integers(strides, r->strides, CNX_PYRAMID_LEVELS);
        CNX_FAIL_IF(n != CNX_PYRAMID_LEVELS, CNX_ERR_MODEL,
                    "rpn.strides: the config lists %d, the pyramid has %d levels", n,
                    CNX_PYRAMID_LEVELS);
    }
    return CNX_OK;
}

/* ---- detections ---- */

static void read_four(float out[4], const cJSON *list)
{
    for (int i = 0; i < 4; i++)
        out[i] = (float)cJSON_GetArrayItem(list, i)->valuedouble;
}

static cnx_status describe_stds(cnx_detector_desc *d, const cJSON *stds, cnx_error *err)
{
    const bool each = stds && cJSON_IsArray(cJSON_GetArrayItem(stds, 0));
    const int n = each ? cJSON_GetArraySize(stds) : d->stages;
    CNX_FAIL_IF(n != d->stages, CNX_ERR_MODEL,
                "rcnn.stds: the config lists %d stages, the model has %d", n, d->stages);
    CNX_FAIL_IF(!stds && n > PUBLISHED_STAGES, CNX_ERR_MODEL,
                "roi_head.bbox_head has %d stages; only of the published three are the deltas' "
                "standard deviations known: name yours in a config or by --set rcnn.stds=[[...]]",
                n);
    for (int s = 0; s < n; s++) {
        if (stds)
            read_four(d->stds[s], each ? cJSON_GetArrayItem(stds, s) : stds);
        else
            memcpy(d->stds[s], published_stds[s], sizeof d->stds[s]);
    }
    return CNX_OK;
}

cnx_status cnx_describe_detector_rules(cnx_description *d, const cJSON *config, cnx_error *err)
{
    const cJSON *rcnn = cnx_config_get(config, "rcnn");
    cnx_rcnn_rules *r = &d->detector.rcnn;
    CNX_TRY(describe_proposals(&d->detector, cnx_config_get(config, "rpn"), err));
    CNX_TRY(describe_stds(&d->detector, cnx_config_get(rcnn, "stds"), err));
    r->score_thr = (float)number(cnx_config_get(rcnn, "score_thr"), 0.05);
    r->nms_iou = (float)number(cnx_config_get(rcnn, "nms_iou"), 0.5);
    r->max_per_img = whole(cnx_config_get(rcnn, "max_per_img"), 100);
    r->mask_thr = (float)number(cnx_config_get(rcnn, "mask_thr"), 0.5);
    return CNX_OK;
}

/* ---- ids ---- */

/* Does the description have the names of this list? */
static bool has_names(const cnx_description *d, const cJSON *names)
{
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, names)
    {
        if (i == d->class_count || strcmp(d->class_names[i], item->valuestring) != 0)
            return false;
        i++;
    }
    return i == d->class_count;
}

/* COCO's own numbers have holes: 1 .. 90 for 80 classes. */
static cnx_status coco_ids(cnx_description *d, cnx_error *err)
{
    const cnx_known_set *coco = cnx_known_set_named("coco");
    cJSON *file;
    if (!coco || d->class_count != coco->classes)
        return CNX_OK;
    CNX_TRY(cnx_known_set_load(&file, coco, err));
    if (has_names(d, cnx_config_get(file, "classes")))
        cnx_config_integers(cnx_config_get(file, "category_ids"), d->category_ids, d->class_count);
    cJSON_Delete(file);
    return CNX_OK;
}

cnx_status cnx_describe_category_ids(cnx_description *d, const cJSON *config, cnx_error *err)
{
    const cJSON *ids = cnx_config_get(config, "category_ids");
    d->category_ids = calloc((size_t)d->class_count + 1, sizeof *d->category_ids);
    CNX_FAIL_IF(!d->category_ids, CNX_ERR_MEMORY, "not enough memory for the class names");
    for (int i = 0; i < d->class_count; i++)
        d->category_ids[i] = i + 1;
    if (!ids)
        return coco_ids(d, err);
    const int n = cnx_config_integers(ids, d->category_ids, d->class_count);
    CNX_FAIL_IF(n != d->class_count, CNX_ERR_MODEL,
                "category_ids: the config lists %d, the model has %d classes", n, d->class_count);
    return CNX_OK;
}

/* ---- pipeline ---- */

cnx_pipeline cnx_detector_pipeline(void)
{
    return (cnx_pipeline){
        .resize = true,
        .scale_long = 1333,
        .scale_short = 800,
        .mode = CNX_MODE_WHOLE,
        .mean = {123.675f, 116.28f, 103.53f},
        .std = {58.395f, 57.12f, 57.375f},
        .pad_divisor = 32,
        .rule = CNX_TTA_MMSEG0,
    };
}

/* Windows are for segmentation: a box that a window cuts would be two. */
cnx_status cnx_describe_detector_pipeline(cnx_description *d, const cJSON *config, cnx_error *err)
{
    static const char *const foreign[] = {"pipeline.crop", "pipeline.stride", "pipeline.tta.rule"};
    const cJSON *mode = cnx_config_get(config, "pipeline.mode");
    CNX_FAIL_IF(mode && strcmp(mode->valuestring, "whole") != 0, CNX_ERR_ARGUMENT,
                "pipeline.mode: found %s; a detector runs on the whole picture", mode->valuestring);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        CNX_FAIL_IF(cnx_config_get(config, foreign[i]), CNX_ERR_ARGUMENT,
                    "%s: a detector runs on the whole picture and has no such setting", foreign[i]);
    const cnx_pipeline *p = &d->pipeline;
    d->mode_from_default = false;
    const bool published = p->resize && p->scale_long == 1333 && p->scale_short == 800;
    const char *variant = cnx_convnext_variant(&d->backbone);
    if (published && variant && d->backbone.version == 1 && d->class_count == COCO_CLASSES &&
        d->detector.channels == PUBLISHED_WIDTH)
        snprintf(d->published, sizeof d->published, "%s Mask R-CNN ConvNeXt-%s, COCO 1333 x 800",
                 d->detector.cascade ? "Cascade" : "Plain", variant);
    return CNX_OK;
}
