#include "tools/pipeline_args.h"

#include <stdio.h>
#include <string.h>

const char *const cnx_mode_names[] = {"whole", "slide", NULL};
const char *const cnx_tta_rule_names[] = {"mmseg0", "mmseg1", NULL};
const char *const cnx_exif_names[] = {"apply", "ignore", NULL};
const char *const cnx_kernel_names[] = {"auto", "ref", "openblas", "avx2", "avx512", "neon", NULL};
const char *const cnx_weight_names[] = {"f32", "f16", "bf16", NULL};

bool cnx_pipeline_args_ignore_exif(const cnx_pipeline_args *args)
{
    return strcmp(cnx_exif_names[args->exif.value], "ignore") == 0;
}

cnx_status cnx_pipeline_args_check(const cnx_pipeline_args *args, cnx_error *err)
{
    const bool whole = args->mode.given && args->mode.value == CNX_MODE_WHOLE;
    CNX_FAIL_IF(whole && (args->crop.given || args->stride.given), CNX_ERR_ARGUMENT,
                "--%s belongs to --mode slide, but --mode whole is given",
                args->crop.given ? "crop" : "stride");
    return CNX_OK;
}

/* Two thirds, as the published strides are: 512 -> 341, 640 -> 426. */
static int stride_for(int crop)
{
    const int stride = 2 * crop / 3;
    return stride > 0 ? stride : 1;
}

static cnx_status apply_windows(cnx_pipeline *p, const cnx_pipeline_args *args, cnx_error *err)
{
    if (args->crop.given) {
        p->crop_h = args->crop.first;
        p->crop_w = args->crop.second;
        p->stride_h = stride_for(p->crop_h);
        p->stride_w = stride_for(p->crop_w);
    }
    if (p->mode == CNX_MODE_SLIDE && (p->crop_h <= 0 || p->crop_w <= 0)) {
        CNX_FAIL_IF(!p->resize, CNX_ERR_ARGUMENT,
                    "slide mode needs the size of a window: give --crop HxW");
        p->crop_h = p->crop_w = p->scale_short;
        p->stride_h = p->stride_w = stride_for(p->scale_short);
    }
    if (args->stride.given) {
        p->stride_h = args->stride.first;
        p->stride_w = args->stride.second;
    }
    CNX_FAIL_IF(p->mode == CNX_MODE_SLIDE && (p->stride_h > p->crop_h || p->stride_w > p->crop_w),
                CNX_ERR_ARGUMENT,
                "a stride of %dx%d is larger than the crop of %dx%d: pixels between the windows "
                "would stay without a label",
                p->stride_h, p->stride_w, p->crop_h, p->crop_w);
    return CNX_OK;
}

cnx_status cnx_pipeline_args_apply(cnx_pipeline *out, const cnx_pipeline_args *args,
                                   const cnx_description *description, cnx_error *err)
{
    cnx_pipeline p = description->pipeline;
    if (args->scale.given) {
        p.resize = !args->scale.none;
        const int a = args->scale.first, b = args->scale.second;
        p.scale_long = a > b ? a : b;
        p.scale_short = a > b ? b : a;
    }
    if (args->scales.given) {
        p.scale_count = args->scales.count;
        memcpy(p.scales, args->scales.values, (size_t)p.scale_count * sizeof *p.scales);
    }
    if (args->flip.given)
        p.flip = true;
    if (args->rule.given)
        p.rule = args->rule.value == 0 ? CNX_TTA_MMSEG0 : CNX_TTA_MMSEG1;
    if (args->mode.given)
        p.mode = args->mode.value == 0 ? CNX_MODE_WHOLE : CNX_MODE_SLIDE;
    else if (args->crop.given || args->stride.given)
        p.mode = CNX_MODE_SLIDE;
    else if (description->mode_from_default && p.scale_count > 0)
        p.mode = CNX_MODE_WHOLE; /* as the published multi-scale results were made */
    CNX_TRY(apply_windows(&p, args, err));
    *out = p;
    return CNX_OK;
}

void cnx_pipeline_describe(const cnx_pipeline *pipeline, char *text, size_t size)
{
    char scale[48] = "own size", mode[96] = "whole", tta[CNX_MAX_SCALES * 16 + 64] = "";
    if (pipeline->resize)
        snprintf(scale, sizeof scale, "scale %dx%d", pipeline->scale_long, pipeline->scale_short);
    if (pipeline->mode == CNX_MODE_SLIDE)
        snprintf(mode, sizeof mode, "slide %dx%d by %dx%d", pipeline->crop_h, pipeline->crop_w,
                 pipeline->stride_h, pipeline->stride_w);
    for (int i = 0; i < pipeline->scale_count; i++) {
        const size_t used = strlen(tta);
        snprintf(tta + used, sizeof tta - used, "%s%g", i ? "," : ", scales ", pipeline->scales[i]);
    }
    if (pipeline->flip)
        strncat(tta, pipeline->scale_count ? " and flip" : ", flip", 16);
    if (*tta)
        strncat(tta, pipeline->rule == CNX_TTA_MMSEG1 ? " (mmseg1)" : " (mmseg0)", 16);
    snprintf(text, size, "%s, %s%s", scale, mode, tta);
}
