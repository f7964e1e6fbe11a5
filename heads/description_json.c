#include "core/json.h"
#include "heads/description_parts.h"

/* Adding to NULL (no memory) is false, like any other failure. */
static bool add(cJSON *object, const char *name, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static bool add_text(cJSON *object, const char *name, const char *text)
{
    return cJSON_AddStringToObject(object, name, text) != NULL;
}

static bool add_number(cJSON *object, const char *name, double value)
{
    return cJSON_AddNumberToObject(object, name, value) != NULL;
}

static bool add_pair(cJSON *object, const char *name, int a, int b)
{
    return add(object, name, cJSON_CreateIntArray((const int[]){a, b}, 2));
}

static bool add_floats(cJSON *object, const char *name, const float *values)
{
    const double decimals[] = {cnx_json_decimal(values[0]), cnx_json_decimal(values[1]),
                               cnx_json_decimal(values[2])};
    return add(object, name, cJSON_CreateDoubleArray(decimals, 3));
}

/* What the published networks do not differ in is left out. */
static bool add_relatives(cJSON *o, const cnx_convnext_desc *d)
{
    int edges[CNX_STAGES], small = 0;
    for (int i = 0; i < CNX_STAGES; i++) {
        edges[i] = d->dwconv[i] ? d->dwconv[i] : 7;
        small += d->dwconv[i];
    }
    return (!d->unscaled || cJSON_AddBoolToObject(o, "layer_scale", false)) &&
           (!small || add(o, "dwconv", cJSON_CreateIntArray(edges, CNX_STAGES))) &&
           (!d->act || add_text(o, "act", cnx_mlp_act_name(d->act))) &&
           (!(d->eps > 0) || add_number(o, "eps", cnx_json_decimal(d->eps)));
}

static bool add_backbone(cJSON *root, const cnx_convnext_desc *d)
{
    const int stages = cnx_convnext_stages(d);
    cJSON *o = cJSON_AddObjectToObject(root, "backbone");
    return add_text(o, "type", d->isotropic ? "convnext_isotropic" : "convnext") &&
           add(o, "depths", cJSON_CreateIntArray(d->depths, stages)) &&
           add(o, "dims", cJSON_CreateIntArray(d->dims, stages)) &&
           add_number(o, "version", d->version) && add_relatives(o, d);
}

static bool add_head(cJSON *root, const cnx_description *d)
{
    cJSON *o = cJSON_AddObjectToObject(root, "head");
    if (d->task == CNX_TASK_DETECTION)
        return add_text(o, "type", cnx_head_type(d)) &&
               add_number(o, "channels", d->detector.channels) &&
               add_number(o, "classes", d->class_count);
    if (d->task != CNX_TASK_SEGMENTATION)
        return add_text(o, "type", "linear") && add_number(o, "classes", d->class_count);
    const cnx_upernet_desc *u = &d->upernet;
    return add_text(o, "type", "upernet") && add_number(o, "channels", u->channels) &&
           add_number(o, "classes", u->classes) &&
           add(o, "pool_scales", cJSON_CreateIntArray(u->pool_scales, u->pools));
}

static bool add_classes(cJSON *root, const cnx_description *d)
{
    cJSON *names = cJSON_CreateStringArray((const char *const *)d->class_names, d->class_count);
    cJSON *palette = cJSON_CreateArray();
    bool ok = names && palette;
    for (int i = 0; i < d->class_count && ok; i++) {
        const uint8_t *c = d->palette + 3 * (size_t)i;
        cJSON *rgb = cJSON_CreateIntArray((const int[]){c[0], c[1], c[2]}, 3);
        ok = rgb && cJSON_AddItemToArray(palette, rgb);
    }
    ok = add(root, "classes", names) && ok;
    return add(root, "palette", palette) && ok;
}

static bool add_rpn(cJSON *root, const cnx_rpn_rules *r)
{
    cJSON *o = cJSON_AddObjectToObject(root, "rpn");
    return add_number(o, "anchor_scale", r->anchor_scale) &&
           add(o, "ratios", cJSON_CreateDoubleArray(r->ratios, r->ratio_count)) &&
           add(o, "strides", cJSON_CreateIntArray(r->strides, CNX_PYRAMID_LEVELS)) &&
           add_number(o, "nms_pre", r->nms_pre) && add_number(o, "max_per_img", r->max_per_img) &&
           add_number(o, "nms_iou", cnx_json_decimal(r->nms_iou)) &&
           add_number(o, "min_bbox_size", r->min_bbox_size);
}

static bool add_rcnn(cJSON *root, const cnx_detector_desc *d)
{
    const cnx_rcnn_rules *r = &d->rcnn;
    cJSON *o = cJSON_AddObjectToObject(root, "rcnn"), *stds = cJSON_AddArrayToObject(o, "stds");
    bool ok = stds != NULL;
    for (int s = 0; s < d->stages && ok; s++) {
        double four[4];
        for (int i = 0; i < 4; i++)
            four[i] = cnx_json_decimal(d->stds[s][i]);
        cJSON *list = cJSON_CreateDoubleArray(four, 4);
        ok = list && cJSON_AddItemToArray(stds, list);
    }
    return ok && add_number(o, "score_thr", cnx_json_decimal(r->score_thr)) &&
           add_number(o, "nms_iou", cnx_json_decimal(r->nms_iou)) &&
           add_number(o, "max_per_img", r->max_per_img) &&
           add_number(o, "mask_thr", cnx_json_decimal(r->mask_thr));
}

/* What only detectors have. */
static bool add_detection(cJSON *root, const cnx_description *d)
{
    if (d->task != CNX_TASK_DETECTION)
        return true;
    return add(root, "category_ids", cJSON_CreateIntArray(d->category_ids, d->class_count)) &&
           add_rpn(root, &d->detector.rpn) && add_rcnn(root, &d->detector);
}

static bool add_tta(cJSON *pipeline, const cnx_pipeline *p, bool detector)
{
    cJSON *o = cJSON_AddObjectToObject(pipeline, "tta");
    return add(o, "scales", cJSON_CreateDoubleArray(p->scales, p->scale_count)) &&
           cJSON_AddBoolToObject(o, "flip", p->flip) &&
           (detector || add_text(o, "rule", p->rule == CNX_TTA_MMSEG1 ? "mmseg1" : "mmseg0"));
}

static bool add_classifier_pipeline(cJSON *root, const cnx_pipeline *p)
{
    cJSON *o = cJSON_AddObjectToObject(root, "pipeline");
    const bool share = p->crop_share > CNX_CROP_SQUASHED
                           ? add_number(o, "crop_share", p->crop_share)
                           : cJSON_AddNullToObject(o, "crop_share") != NULL;
    return share && (p->resize || cJSON_AddNullToObject(o, "scale")) &&
           add_pair(o, "crop", p->crop_h, p->crop_w) && add_floats(o, "mean", p->mean) &&
           add_floats(o, "std", p->std);
}

static bool add_pipeline(cJSON *root, const cnx_description *d)
{
    const cnx_pipeline *p = &d->pipeline;
    if (d->task == CNX_TASK_CLASSIFICATION)
        return add_classifier_pipeline(root, p);
    const bool detector = d->task == CNX_TASK_DETECTION; /* has no windows */
    cJSON *o = cJSON_AddObjectToObject(root, "pipeline");
    const bool scale = p->resize ? add_pair(o, "scale", p->scale_long, p->scale_short)
                                 : cJSON_AddNullToObject(o, "scale") != NULL;
    return scale &&
           (d->mode_from_default ||
            add_text(o, "mode", p->mode == CNX_MODE_WHOLE ? "whole" : "slide")) &&
           (detector || (add_pair(o, "crop", p->crop_h, p->crop_w) &&
                         add_pair(o, "stride", p->stride_h, p->stride_w))) &&
           add_floats(o, "mean", p->mean) && add_floats(o, "std", p->std) &&
           add_number(o, "pad_divisor", p->pad_divisor) && add_tta(o, p, detector);
}

cJSON *cnx_description_to_json(const cnx_description *d)
{
    cJSON *root = cJSON_CreateObject();
    if (add_text(root, "name", d->name) && add_text(root, "task", cnx_task_name(d->task)) &&
        add_backbone(root, &d->backbone) && add_head(root, d) && add_classes(root, d) &&
        add_detection(root, d) && add_pipeline(root, d))
        return root;
    cJSON_Delete(root);
    return NULL;
}
