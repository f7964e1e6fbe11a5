#include "tools/segment_args.h"

#include "heads/ensemble.h"

const char *const cnx_segment_suffixes[CNX_SAVE_KINDS] = {
    ".png", "_color.png", "_overlay.png", "_confidence.png", "_prob.npy", "_logits.npy",
};

static const char *const save_names[] = {"label", "color",  "overlay", "confidence",
                                         "prob",  "logits", NULL};

#define AT(field) offsetof(cnx_segment_args, field)

const cnx_option cnx_segment_options[] = {
    CNX_MODELS_OPTIONS(cnx_segment_args, "the demo model inside the program"),

    {CNX_OPT_GROUP, .help = "Results"},
    CNX_OUT_OPTION(cnx_segment_args),
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
    CNX_REPORT_OPTIONS(cnx_segment_args),

    CNX_PIPELINE_OPTIONS(AT(run.pipeline)),

    CNX_RUNNING_OPTIONS_WITH(
        cnx_segment_args,
        "tell sizes, passes, windows, memory and multiply-adds; run and write nothing",
        CNX_SHARES_OPTION(cnx_segment_args)),
    {.kind = CNX_OPT_END},
};

static bool averages_logits(const cnx_segment_args *args)
{
    return args->run.models.count > 1 && args->run.average.value == CNX_AVERAGE_LOGITS;
}

cnx_status cnx_segment_args_check(cnx_segment_args *args, size_t inputs, cnx_error *err)
{
    CNX_TRY(cnx_session_args_models(&args->run, err));
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) && args->run.models.count > 1 &&
                    args->run.average.value == 0,
                CNX_ERR_ARGUMENT,
                "--save logits: the average of several models is one of probabilities (--average "
                "logits changes that, or save prob instead)");
    CNX_TRY(cnx_session_args_check(&args->run, inputs, err));
    CNX_TRY(cnx_pipeline_args_check(&args->run.pipeline, err));
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) &&
                    (args->run.pipeline.flip.given || args->run.pipeline.scales.count > 1),
                CNX_ERR_ARGUMENT,
                "--save logits needs one scale and no flip: the average of several runs is one of "
                "probabilities (save prob instead)");
    CNX_FAIL_IF(
        averages_logits(args) &&
            (args->run.pipeline.flip.given || args->run.pipeline.scales.count > 1),
        CNX_ERR_ARGUMENT,
        "--average logits needs one scale and no flip: several runs have no logits (average "
        "prob instead)");
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
    CNX_TRY(cnx_pipeline_args_apply(&p, &args->run.pipeline, description, err));
    CNX_FAIL_IF(cnx_saves(args->save.bits, CNX_SAVE_LOGITS) && (p.scale_count > 1 || p.flip),
                CNX_ERR_ARGUMENT,
                "--save logits needs one scale and no flip, but the model's description asks for "
                "test-time augmentation (save prob, or give --scales 1 and --set "
                "pipeline.tta.flip=false)");
    CNX_FAIL_IF(
        averages_logits(args) && (p.scale_count > 1 || p.flip), CNX_ERR_ARGUMENT,
        "--average logits needs one scale and no flip, but the model's description asks for "
        "test-time augmentation (average prob, or give --scales 1 and --set "
        "pipeline.tta.flip=false)");
    *out = p;
    return CNX_OK;
}
