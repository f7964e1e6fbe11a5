#include "tools/detect_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/words.h"

static const char *const format_names[] = {
    "coco", "coco-polygons", "coco-dataset", "labelme", "yolo", "csv", NULL};
static const char *const save_names[] = {"overlay", "instances", NULL};
static const char *const colouring_names[] = {"auto", "class", "instance", NULL};

#define AT(field) offsetof(cnx_detect_args, field)

const cnx_option cnx_detect_options[] = {
    CNX_MODEL_OPTIONS(cnx_detect_args),

    {CNX_OPT_GROUP, .help = "Detections"},
    CNX_DETECTION_OPTIONS(AT(detection)),

    {CNX_OPT_GROUP, .help = "Results"},
    CNX_OUT_OPTION(cnx_detect_args),
    {CNX_OPT_SET, 0, "format", "LIST",
     "comma-separated: coco (OUT/detections.json: results with masks as run-length text), "
     "coco-polygons (the same with polygons), coco-dataset (OUT/annotations.json: images, "
     "annotations, categories), labelme (OUT/<stem>.json), yolo (OUT/<stem>.txt and "
     "OUT/classes.txt), csv (OUT/detections.csv)",
     .fallback = "coco", .choices = format_names, .offset = AT(format)},
    {CNX_OPT_FLAG, 0, "no-boxes",
     .help = "coco, coco-polygons: leave the box out of records that have a mask, so that "
             "evaluators take areas from masks",
     .offset = AT(no_boxes)},
    {CNX_OPT_REAL, 0, "tolerance", "PX",
     "polygons: leave points out as long as the outline moves by no more than this; 0: exact",
     .fallback = "0", .max = 1000, .offset = AT(tolerance)},
    {CNX_OPT_SET, 0, "save", "LIST",
     "pictures as well: overlay (masks, outlines, names and scores over the picture), instances "
     "(16-bit PNG: 0, or the place of the detection among those of the picture)",
     .choices = save_names, .offset = AT(save)},
    {CNX_OPT_REAL, 0, "show-thr", "P", "an overlay shows detections of a higher score than this",
     .fallback = "0.3", .max = 1, .offset = AT(show_thr)},
    {CNX_OPT_CHOICE, 0, "color-by", "auto|class|instance",
     "colours of an overlay; auto: by class where there are several", .fallback = "auto",
     .choices = colouring_names, .offset = AT(colouring)},
    {CNX_OPT_REAL, 0, "opacity", "A", "how much the masks of an overlay cover", .fallback = "0.5",
     .max = 1, .offset = AT(opacity)},
    CNX_REPORT_OPTIONS(cnx_detect_args),

    CNX_SCALE_OPTIONS(AT(run.pipeline)),

    CNX_RUNNING_OPTIONS(cnx_detect_args,
                        "tell sizes, passes, memory and multiply-adds; run and write nothing"),
    {.kind = CNX_OPT_END},
};

cnx_status cnx_detect_args_check(const cnx_detect_args *args, size_t inputs, cnx_error *err)
{
    CNX_TRY(cnx_session_args_check(&args->run, inputs, err));
    CNX_FAIL_IF(cnx_detect_has(args->format, CNX_FORMAT_COCO) &&
                    cnx_detect_has(args->format, CNX_FORMAT_COCO_POLYGONS),
                CNX_ERR_ARGUMENT,
                "--format: coco and coco-polygons are both written to detections.json; choose one");
    CNX_FAIL_IF(args->detection.no_masks.given && cnx_detect_has(args->save, CNX_PAINT_INSTANCES),
                CNX_ERR_ARGUMENT, "--save instances needs masks, and --no-masks is given");
    CNX_FAIL_IF(args->detection.no_masks.given && args->no_boxes.given, CNX_ERR_ARGUMENT,
                "--no-masks and --no-boxes together leave nothing");
    CNX_FAIL_IF(args->detection.no_masks.given && args->detection.mask_thr.given, CNX_ERR_ARGUMENT,
                "--mask-thr is about masks, and --no-masks is given");
    return CNX_OK;
}

/* ---- files ---- */

const char *cnx_detect_run_file(int format)
{
    static const char *const files[CNX_FORMATS] = {
        [CNX_FORMAT_COCO] = "detections.json",
        [CNX_FORMAT_COCO_POLYGONS] = "detections.json",
        [CNX_FORMAT_COCO_DATASET] = "annotations.json",
        [CNX_FORMAT_YOLO] = "classes.txt",
        [CNX_FORMAT_CSV] = "detections.csv",
    };
    return files[format];
}

const char *cnx_detect_suffix(int format)
{
    return format == CNX_FORMAT_LABELME ? ".json" : format == CNX_FORMAT_YOLO ? ".txt" : NULL;
}

const char *cnx_detect_paint_suffix(int paint)
{
    return paint == CNX_PAINT_OVERLAY ? "_overlay.png" : "_instances.png";
}

void cnx_detect_args_outputs(const cnx_detect_args *args, cnx_outputs *outputs,
                             const char **suffixes, const char **files)
{
    *outputs = (cnx_outputs){.folder = args->run.out.value, .suffixes = suffixes, .files = files};
    for (int format = 0; format < CNX_FORMATS; format++) {
        if (!cnx_detect_has(args->format, format))
            continue;
        if (cnx_detect_suffix(format))
            suffixes[outputs->suffix_count++] = cnx_detect_suffix(format);
        if (cnx_detect_run_file(format))
            files[outputs->file_count++] = cnx_detect_run_file(format);
    }
    for (int paint = 0; paint < CNX_PAINTS; paint++)
        if (cnx_detect_has(args->save, paint))
            suffixes[outputs->suffix_count++] = cnx_detect_paint_suffix(paint);
}

/* ---- rules ---- */

void cnx_detection_args_rules(cnx_rcnn_rules *out, const cnx_detection_args *args,
                              const cnx_description *description)
{
    cnx_rcnn_rules rules = description->detector.rcnn;
    if (args->score_thr.given)
        rules.score_thr = (float)args->score_thr.value;
    if (args->nms_iou.given)
        rules.nms_iou = (float)args->nms_iou.value;
    if (args->mask_thr.given)
        rules.mask_thr = (float)args->mask_thr.value;
    if (args->max_det.given)
        rules.max_per_img = args->max_det.value;
    if (args->agnostic_nms.given)
        rules.agnostic_nms = true;
    *out = rules;
}

/* The class of this name; capitals do not matter.  -1: there is none. */
static int class_named(const cnx_description *d, const char *name)
{
    for (int c = 0; c < d->class_count; c++)
        if (strcmp(d->class_names[c], name) == 0)
            return c;
    for (int c = 0; c < d->class_count; c++)
        if (strcasecmp(d->class_names[c], name) == 0)
            return c;
    return -1;
}

static cnx_status unknown_class(const cnx_description *d, const char *name, cnx_error *err)
{
    const char *nearest =
        cnx_words_nearest(name, (const char *const *)d->class_names, (size_t)d->class_count);
    return cnx_fail(err, CNX_ERR_ARGUMENT,
                    "--only: the model has no class \"%s\"%s%s%s (cnx info --classes lists all %d)",
                    name, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "", d->class_count);
}

cnx_status cnx_detection_args_only(bool **out, const cnx_detection_args *args,
                                   const cnx_description *description, cnx_error *err)
{
    cnx_status status = CNX_OK;
    *out = NULL;
    if (!args->only.given)
        return CNX_OK;
    bool *only = calloc((size_t)description->class_count, sizeof *only);
    char *list = strdup(args->only.value), *rest = list;
    CNX_CHECK_IF(!only || !list, CNX_ERR_MEMORY, "not enough memory for the list of classes");
    while (rest) {
        char *name = strsep(&rest, ",");
        name += strspn(name, " ");
        for (size_t n = strlen(name); n && name[n - 1] == ' '; n--)
            name[n - 1] = '\0';
        CNX_CHECK_IF(!*name, CNX_ERR_ARGUMENT, "--only %s: a name is missing", args->only.value);
        const int c = class_named(description, name);
        if (c < 0)
            CNX_CHECK(unknown_class(description, name, err));
        only[c] = true;
    }
cleanup:
    free(list);
    if (status == CNX_OK)
        *out = only;
    else
        free(only);
    return status;
}

void cnx_detection_describe(const cnx_pipeline *pipeline, const cnx_rcnn_rules *rules, char *text,
                            size_t size)
{
    char scale[48] = "own size", tta[CNX_MAX_SCALES * 16 + 64] = "";
    if (pipeline->resize)
        snprintf(scale, sizeof scale, "scale %dx%d", pipeline->scale_long, pipeline->scale_short);
    for (int i = 0; i < pipeline->scale_count; i++) {
        const size_t used = strlen(tta);
        snprintf(tta + used, sizeof tta - used, "%s%g", i ? "," : ", scales ", pipeline->scales[i]);
    }
    if (pipeline->flip)
        strncat(tta, pipeline->scale_count ? " and flip" : ", flip", 16);
    snprintf(text, size, "%s, padded to %d%s, score above %g, %sNMS %g, at most %d", scale,
             pipeline->pad_divisor, tta, (double)rules->score_thr,
             rules->agnostic_nms ? "class-agnostic " : "", (double)rules->nms_iou,
             rules->max_per_img);
}
