#include "tools/segment_args.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char *const cnx_segment_suffixes[CNX_SAVE_KINDS] = {
    ".png", "_color.png", "_overlay.png", "_confidence.png", "_prob.npy", "_logits.npy",
};

static const char *const save_names[] = {"label", "color",  "overlay", "confidence",
                                         "prob",  "logits", NULL};
static const char *const mode_names[] = {"whole", "slide", NULL};
static const char *const rule_names[] = {"mmseg0", "mmseg1", NULL};
static const char *const exif_names[] = {"apply", "ignore", NULL};
static const char *const kernel_names[] = {"auto",   "ref",  "openblas", "avx2",
                                           "avx512", "neon", NULL};

/* By cnx_weight_type. */
static const char *const weight_names[] = {"f32", "f16", "bf16", NULL};

#define AT(field) offsetof(cnx_segment_args, field)

const cnx_option cnx_segment_options[] = {
    {CNX_OPT_GROUP, .help = "Model"},
    {CNX_OPT_TEXT, 'm', "model", "FILE", "checkpoint: .pth or .safetensors",
     .otherwise = "the demo model inside the program", .offset = AT(model)},
    {CNX_OPT_TEXT, 0, "config", "FILE",
     "model description (JSON) over what the checkpoint says: a file, or the name of a built-in "
     "one",
     .offset = AT(config)},
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON",
     "one field of the description, such as pipeline.scale=[1024,512]", .offset = AT(sets)},

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_TEXT, 'o', "out", "OUT",
     "the folder for the results, made where it is missing; "
     "needed except with --dry-run",
     .offset = AT(out)},
    {CNX_OPT_SET, 0, "save", "LIST",
     "what to write, comma-separated: label (indexed PNG whose value is the class), color (RGB "
     "PNG), "
     "overlay (the picture under its colours, with a legend), confidence (8-bit PNG: 255 x the "
     "probability of the label), prob, logits (.npy float32 [classes, height, width])",
     .fallback = "label", .choices = save_names, .offset = AT(save)},
    {CNX_OPT_INT, 0, "label-offset", "N", "added to every value of the label PNG", .fallback = "0",
     .max = 65535, .offset = AT(label_offset)},
    {CNX_OPT_REAL, 0, "opacity", "A", "how much the colours of an overlay cover", .fallback = "0.5",
     .max = 1, .offset = AT(opacity)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace results that are there already",
     .offset = AT(overwrite)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object a picture on standard output",
     .offset = AT(json)},

    {CNX_OPT_GROUP,
     .help = "Test pipeline (each overrides what the model or its description says)"},
    {CNX_OPT_SIZE_OR_NONE, 0, "scale", "LONGxSHORT|none",
     "resize to fit this bound, keeping the ratio, up as well as down; none: the picture's own "
     "size",
     .otherwise = "the model's", .min = 1, .max = 65535, .offset = AT(scale)},
    {CNX_OPT_CHOICE, 0, "mode", "whole|slide",
     "the picture at once, or in overlapping windows whose logits are averaged",
     .otherwise =
         "the model's; where nothing but the published pipeline tells, slide for one scale "
         "and whole with --scales",
     .choices = mode_names, .offset = AT(mode)},
    {CNX_OPT_SIZE, 0, "crop", "HxW", "size of a window; implies --mode slide",
     .otherwise = "the model's", .min = 32, .max = 65535, .offset = AT(crop)},
    {CNX_OPT_SIZE, 0, "stride", "HxW", "step from window to window; implies --mode slide",
     .otherwise = "the model's; two thirds of --crop, rounded down, when that is given", .min = 1,
     .max = 65535, .offset = AT(stride)},
    {CNX_OPT_REALS, 0, "scales", "LIST",
     "test-time augmentation: average over these ratios of the scale, such as "
     "0.5,0.75,1,1.25,1.5,1.75",
     .otherwise = "the model's, else none", .min = 0.01, .max = 16, .offset = AT(scales)},
    {CNX_OPT_FLAG, 0, "flip", .help = "average over the mirrored picture as well",
     .offset = AT(flip)},
    {CNX_OPT_CHOICE, 0, "tta-rule", "mmseg0|mmseg1",
     "what --scales are ratios of: the scale bound (as published) or the picture's own size",
     .otherwise = "the model's, else mmseg0", .choices = rule_names, .offset = AT(rule)},
    {CNX_OPT_CHOICE, 0, "exif", "apply|ignore", "the orientation that a camera stored",
     .fallback = "apply", .choices = exif_names, .offset = AT(exif)},

    {CNX_OPT_GROUP, .help = "Running"},
    {CNX_OPT_INT, 0, "threads", "N", "threads; the results do not depend on it",
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = AT(threads)},
    {CNX_OPT_INT_OR_AUTO, 0, "jobs", "N|auto",
     "pictures at the same time, between which the threads are divided; the results do not depend "
     "on it. auto: several where one is too small for all threads, as far as memory allows",
     .fallback = "auto", .min = 1, .max = 1024, .offset = AT(jobs)},
    {CNX_OPT_BYTES, 0, "max-memory", "SIZE",
     "refuse pictures that would need more, such as 512M or 2G", .otherwise = "no limit",
     .offset = AT(max_memory)},
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",
     .fallback = "auto", .choices = kernel_names, .offset = AT(kernels)},
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16",
     "how weights are kept in memory: those of 16 bits need half of it and round the weights; "
     "arithmetic is float32 in any case",
     .fallback = "f32", .choices = weight_names, .offset = AT(weights)},
    {CNX_OPT_FLAG, 0, "dry-run",
     .help = "tell sizes, passes, windows, memory and multiply-adds; run and write nothing",
     .offset = AT(dry_run)},
    {CNX_OPT_FLAG, 0, "keep-going", .help = "go on with the other inputs when one fails",
     .offset = AT(keep_going)},
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",
     .offset = AT(quiet)},
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines", .offset = AT(no_progress)},
    {.kind = CNX_OPT_END},
};

bool cnx_segment_args_ignore_exif(const cnx_segment_args *args)
{
    return strcmp(exif_names[args->exif.value], "ignore") == 0;
}

const char *cnx_segment_args_kernels(const cnx_segment_args *args)
{
    return kernel_names[args->kernels.value];
}

static cnx_status check_out(const cnx_segment_args *args, cnx_error *err)
{
    if (!args->out.given) {
        CNX_FAIL_IF(!args->dry_run.given, CNX_ERR_ARGUMENT,
                    "where should the results go? Name a folder with -o OUT");
        return CNX_OK;
    }
    const char *out = args->out.value;
    struct stat info;
    CNX_FAIL_IF(strcmp(out, "-") == 0, CNX_ERR_ARGUMENT,
                "-o -: results go to files; name a folder");
    CNX_FAIL_IF(cnx_image_suffix_known(out) && stat(out, &info) != 0, CNX_ERR_ARGUMENT,
                "-o %s: OUT is a folder, and this looks like the name of a file", out);
    return CNX_OK;
}

cnx_status cnx_segment_args_check(const cnx_segment_args *args, size_t inputs, cnx_error *err)
{
    CNX_FAIL_IF(inputs == 0, CNX_ERR_ARGUMENT,
                "no input; name pictures, folders, patterns, @LIST or - for standard input");
    CNX_TRY(check_out(args, err));
    const bool whole = args->mode.given && args->mode.value == CNX_MODE_WHOLE;
    CNX_FAIL_IF(whole && (args->crop.given || args->stride.given), CNX_ERR_ARGUMENT,
                "--%s belongs to --mode slide, but --mode whole is given",
                args->crop.given ? "crop" : "stride");
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) &&
                    (args->flip.given || args->scales.count > 1),
                CNX_ERR_ARGUMENT,
                "--save logits needs one scale and no flip: the average of several runs is one of "
                "probabilities (save prob instead)");
    return CNX_OK;
}

cnx_status cnx_segment_args_check_labels(const cnx_segment_args *args, int classes, cnx_error *err)
{
    const int offset = args->label_offset.value, top = classes - 1 + offset;
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LABEL) && top > UINT16_MAX, CNX_ERR_ARGUMENT,
                "--label-offset %d: the last of %d classes would have the value %d, and a PNG "
                "holds %d at most",
                offset, classes, top, UINT16_MAX);
    return CNX_OK;
}

/* Two thirds, as the published strides are: 512 -> 341, 640 -> 426. */
static int stride_for(int crop)
{
    const int stride = 2 * crop / 3;
    return stride > 0 ? stride : 1;
}

static cnx_status apply_windows(cnx_pipeline *p, const cnx_segment_args *args, cnx_error *err)
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

cnx_status cnx_segment_args_pipeline(cnx_pipeline *out, const cnx_segment_args *args,
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
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) && (p.scale_count > 1 || p.flip),
                CNX_ERR_ARGUMENT,
                "--save logits needs one scale and no flip, but the model's description asks for "
                "test-time augmentation (save prob, or give --scales 1 and --set "
                "pipeline.tta.flip=false)");
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
