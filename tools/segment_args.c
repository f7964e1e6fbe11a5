#include "tools/segment_args.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/run_args.h"

const char *const cnx_segment_suffixes[CNX_SAVE_KINDS] = {
    ".png", "_color.png", "_overlay.png", "_confidence.png", "_prob.npy", "_logits.npy",
};

static const char *const save_names[] = {"label", "color",  "overlay", "confidence",
                                         "prob",  "logits", NULL};

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

    CNX_PIPELINE_OPTIONS(AT(pipeline)),

    {CNX_OPT_GROUP, .help = "Running"},
    CNX_THREADS_OPTION(cnx_segment_args),
    {CNX_OPT_INT_OR_AUTO, 0, "jobs", "N|auto",
     "pictures at the same time, between which the threads are divided; the results do not depend "
     "on it. auto: several where one is too small for all threads, as far as memory allows",
     .fallback = "auto", .min = 1, .max = 1024, .offset = AT(jobs)},
    {CNX_OPT_BYTES, 0, "max-memory", "SIZE",
     "refuse pictures that would need more, such as 512M or 2G", .otherwise = "no limit",
     .offset = AT(max_memory)},
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",
     .fallback = "auto", .choices = cnx_kernel_names, .offset = AT(kernels)},
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16",
     "how weights are kept in memory: those of 16 bits need half of it and round the weights; "
     "arithmetic is float32 in any case",
     .fallback = "f32", .choices = cnx_weight_names, .offset = AT(weights)},
    {CNX_OPT_FLAG, 0, "dry-run",
     .help = "tell sizes, passes, windows, memory and multiply-adds; run and write nothing",
     .offset = AT(dry_run)},
    {CNX_OPT_FLAG, 0, "keep-going", .help = "go on with the other inputs when one fails",
     .offset = AT(keep_going)},
    CNX_QUIET_OPTIONS(cnx_segment_args),
    {.kind = CNX_OPT_END},
};

const char *cnx_segment_args_kernels(const cnx_segment_args *args)
{
    return cnx_kernel_names[args->kernels.value];
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
    CNX_TRY(cnx_pipeline_args_check(&args->pipeline, err));
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) &&
                    (args->pipeline.flip.given || args->pipeline.scales.count > 1),
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

cnx_status cnx_segment_args_pipeline(cnx_pipeline *out, const cnx_segment_args *args,
                                     const cnx_description *description, cnx_error *err)
{
    cnx_pipeline p;
    CNX_TRY(cnx_pipeline_args_apply(&p, &args->pipeline, description, err));
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) && (p.scale_count > 1 || p.flip),
                CNX_ERR_ARGUMENT,
                "--save logits needs one scale and no flip, but the model's description asks for "
                "test-time augmentation (save prob, or give --scales 1 and --set "
                "pipeline.tta.flip=false)");
    *out = p;
    return CNX_OK;
}
