/* The test pipeline: the published one of the model, and what a config changes in it. */
#include <stdio.h>
#include <string.h>

#include "heads/config.h"
#include "heads/description_parts.h"

enum { MIN_CROP = 32, PUBLISHED_CHANNELS = 512, ADE20K_CLASSES = 150 };

/* The official test pipelines of ADE20K, both with slide for one scale and whole for several. */
static const struct preset {
    int size, scale_long, crop, stride;
} presets[] = {{512, 2048, 512, 341}, {640, 2560, 640, 426}};

static const struct {
    const char *variant, *letter;
} published_models[] = {
    {"tiny", "T"}, {"small", "S"}, {"base", "B"}, {"large", "L"}, {"xlarge", "XL"}};

/* T, S and whatever was never published: 512; L and XL: 640.  B was published at both sizes; only
 * the training config in the file can tell. */
static const struct preset *find_preset(const cnx_description *d, const cnx_checkpoint *c)
{
    const char *variant = cnx_convnext_variant(&d->backbone);
    const char *config = c ? cnx_checkpoint_text(c, "config") : NULL;
    if (!variant || d->backbone.version != 1)
        return &presets[0];
    if (strcmp(variant, "large") == 0 || strcmp(variant, "xlarge") == 0)
        return &presets[1];
    if (strcmp(variant, "base") == 0 && config &&
        (strstr(config, "(640, 640)") || strstr(config, "(2560, 640)")))
        return &presets[1];
    return &presets[0];
}

static const char *published_letter(const cnx_description *d)
{
    const char *variant = cnx_convnext_variant(&d->backbone);
    if (!variant || d->backbone.version != 1 || d->class_count != ADE20K_CLASSES ||
        d->upernet.channels != PUBLISHED_CHANNELS)
        return NULL;
    for (size_t i = 0; i < sizeof published_models / sizeof *published_models; i++)
        if (strcmp(published_models[i].variant, variant) == 0)
            return published_models[i].letter;
    return NULL;
}

static cnx_pipeline default_pipeline(const struct preset *p)
{
    return (cnx_pipeline){
        .resize = true,
        .scale_long = p->scale_long,
        .scale_short = p->size,
        .mode = CNX_MODE_SLIDE,
        .crop_h = p->crop,
        .crop_w = p->crop,
        .stride_h = p->stride,
        .stride_w = p->stride,
        .mean = {123.675f, 116.28f, 103.53f},
        .std = {58.395f, 57.12f, 57.375f},
        .pad_divisor = 1,
        .rule = CNX_TTA_MMSEG0,
    };
}

/* ---- the config ---- */

static void apply_scale(cnx_pipeline *p, const cJSON *scale)
{
    int pair[2];
    if (!scale)
        return;
    p->resize = !cJSON_IsNull(scale);
    if (!p->resize) {
        p->scale_long = p->scale_short = 0;
        return;
    }
    cnx_config_integers(scale, pair, 2);
    p->scale_long = pair[0] > pair[1] ? pair[0] : pair[1];
    p->scale_short = pair[0] > pair[1] ? pair[1] : pair[0];
}

/* A crop without a stride gets the published overlap: a third of the window. */
static void apply_windows(cnx_pipeline *p, const cJSON *crop, const cJSON *stride)
{
    int pair[2];
    if (crop) {
        cnx_config_integers(crop, pair, 2);
        p->crop_h = pair[0];
        p->crop_w = pair[1];
        p->stride_h = pair[0] * 2 / 3 > 0 ? pair[0] * 2 / 3 : 1;
        p->stride_w = pair[1] * 2 / 3 > 0 ? pair[1] * 2 / 3 : 1;
    }
    if (stride) {
        cnx_config_integers(stride, pair, 2);
        p->stride_h = pair[0];
        p->stride_w = pair[1];
    }
}

static void apply_floats(float out[3], const cJSON *list)
{
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        out[i++] = (float)item->valuedouble;
    }
}

static void apply_tta(cnx_pipeline *p, const cJSON *tta)
{
    const cJSON *scales = cnx_config_get(tta, "scales"), *flip = cnx_config_get(tta, "flip");
    const cJSON *rule = cnx_config_get(tta, "rule"), *scale;
    cJSON_ArrayForEach(scale, scales)
    {
        p->scales[p->scale_count++] = scale->valuedouble;
    }
    p->flip = cJSON_IsTrue(flip);
    if (rule)
        p->rule = strcmp(rule->valuestring, "mmseg1") == 0 ? CNX_TTA_MMSEG1 : CNX_TTA_MMSEG0;
}

static void apply_config(cnx_description *d, const cJSON *config)
{
    cnx_pipeline *p = &d->pipeline;
    const cJSON *mode = cnx_config_get(config, "pipeline.mode");
    const cJSON *divisor = cnx_config_get(config, "pipeline.pad_divisor");
    apply_scale(p, cnx_config_get(config, "pipeline.scale"));
    apply_windows(p, cnx_config_get(config, "pipeline.crop"),
                  cnx_config_get(config, "pipeline.stride"));
    apply_floats(p->mean, cnx_config_get(config, "pipeline.mean"));
    apply_floats(p->std, cnx_config_get(config, "pipeline.std"));
    apply_tta(p, cnx_config_get(config, "pipeline.tta"));
    if (divisor)
        p->pad_divisor = divisor->valueint;
    d->mode_from_default = !mode;
    if (mode)
        p->mode = strcmp(mode->valuestring, "whole") == 0 ? CNX_MODE_WHOLE : CNX_MODE_SLIDE;
    else if (p->scale_count > 0)
        p->mode = CNX_MODE_WHOLE;
}

static cnx_status check_windows(const cnx_pipeline *p, cnx_error *err)
{
    if (p->mode != CNX_MODE_SLIDE)
        return CNX_OK;
    CNX_FAIL_IF(p->crop_h < MIN_CROP || p->crop_w < MIN_CROP, CNX_ERR_ARGUMENT,
                "pipeline.crop: found [%d, %d]; in slide mode a window needs at least %d x %d "
                "pixels",
                p->crop_h, p->crop_w, (int)MIN_CROP, (int)MIN_CROP);
    CNX_FAIL_IF(p->stride_h > p->crop_h || p->stride_w > p->crop_w, CNX_ERR_ARGUMENT,
                "pipeline.stride: found [%d, %d]; a stride longer than the crop [%d, %d] would "
                "leave pixels out; give both to change one",
                p->stride_h, p->stride_w, p->crop_h, p->crop_w);
    return CNX_OK;
}

/* ---- the name of the pipeline ---- */

static bool is_preset(const cnx_pipeline *p, const struct preset *preset)
{
    return p->resize && p->scale_long == preset->scale_long && p->scale_short == preset->size &&
           p->crop_h == preset->crop && p->crop_w == preset->crop &&
           p->stride_h == preset->stride && p->stride_w == preset->stride;
}

/* A config that says the mode takes the pipeline into its own hands; what is left of a published
 * one then has no name. */
static void name_pipeline(cnx_description *d, const struct preset *preset)
{
    const char *letter = published_letter(d), *changed = ", changed by the config";
    if (!d->mode_from_default)
        return;
    for (size_t i = 0; i < sizeof presets / sizeof *presets && *changed; i++)
        if (is_preset(&d->pipeline, &presets[i])) {
            preset = &presets[i];
            changed = "";
        }
    snprintf(d->published, sizeof d->published,
             "%s%s%sADE20K %d (single-scale: slide %d/%d, multi-scale: whole)%s",
             letter ? "UPerNet ConvNeXt-" : "", letter ? letter : "", letter ? ", " : "",
             preset->size, preset->crop, preset->stride, changed);
}

cnx_status cnx_describe_pipeline(cnx_description *d, const cnx_checkpoint *checkpoint,
                                 const cJSON *config, cnx_error *err)
{
    if (d->task == CNX_TASK_CLASSIFICATION)
        return cnx_describe_classifier_pipeline(d, config, err);
    const struct preset *preset = find_preset(d, checkpoint);
    d->pipeline =
        d->task == CNX_TASK_DETECTION ? cnx_detector_pipeline() : default_pipeline(preset);
    apply_config(d, config);
    if (d->task == CNX_TASK_DETECTION)
        return cnx_describe_detector_pipeline(d, config, err);
    CNX_TRY(check_windows(&d->pipeline, err));
    if (d->task == CNX_TASK_SEGMENTATION)
        name_pipeline(d, preset);
    return CNX_OK;
}
