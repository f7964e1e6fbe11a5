/* The public interface: a thin coat over segmentor, detector and classifier. */
#include "cnx.h"

#include <stdlib.h>
#include <string.h>

#include "heads/classifier_group.h"
#include "heads/detector.h"
#include "heads/segmentor.h"

/* One of them. */
struct cnx_model {
    cnx_segmentor *segmentor;
    cnx_detector *detector;
    cnx_classifier *classifier;
};

const char *cnx_version(void)
{
    return CNX_VERSION;
}

static cnx_status open_task(cnx_model *model, cnx_model_file *file,
                            const cnx_model_options *options, cnx_error *err)
{
    switch (file->description.task) {
    case CNX_TASK_DETECTION:
        return cnx_detector_open(&model->detector, file, options, err);
    case CNX_TASK_CLASSIFICATION:
        return cnx_classifier_open(&model->classifier, file, options, err);
    case CNX_TASK_SEGMENTATION:
        break;
    }
    return cnx_segmentor_open(&model->segmentor, file, options, err);
}

cnx_status cnx_open(cnx_model **model, const char *path, const cnx_options *options, cnx_error *err)
{
    const cnx_options defaults = {0};
    if (!options)
        options = &defaults;
    cnx_model_file file = {0};
    cnx_model_options inner = {.threads = options->threads,
                               .max_memory = options->max_memory,
                               .kernels = options->kernels};
    cnx_status status = CNX_OK;
    *model = calloc(1, sizeof **model);
    CNX_CHECK_IF(!*model, CNX_ERR_MEMORY, "not enough memory for a model");
    CNX_CHECK(cnx_weight_type_parse(&inner.weights, options->weights, err));
    CNX_CHECK(cnx_model_file_open(&file, path, options->config, options->sets, options->set_count,
                                  false, err));
    CNX_CHECK(open_task(*model, &file, &inner, err));
cleanup:
    cnx_model_file_close(&file);
    if (status != CNX_OK)
        cnx_close(model);
    return status;
}

cnx_status cnx_share(cnx_model **out, const cnx_model *model, int threads, cnx_error *err)
{
    *out = NULL;
    CNX_FAIL_IF(!model, CNX_ERR_ARGUMENT, "a model is needed");
    CNX_FAIL_IF(threads < 0, CNX_ERR_ARGUMENT, "%d threads are impossible", threads);
    cnx_status status = CNX_OK;
    *out = calloc(1, sizeof **out);
    CNX_CHECK_IF(!*out, CNX_ERR_MEMORY, "not enough memory for a model");
    CNX_CHECK(model->detector ? cnx_detector_share(&(*out)->detector, model->detector, threads, err)
              : model->classifier
                  ? cnx_classifier_share(&(*out)->classifier, model->classifier, threads, err)
                  : cnx_segmentor_share(&(*out)->segmentor, model->segmentor, threads, err));
cleanup:
    if (status != CNX_OK)
        cnx_close(out);
    return status;
}

void cnx_close(cnx_model **model)
{
    if (!model || !*model)
        return;
    cnx_segmentor_close(&(*model)->segmentor);
    cnx_detector_close(&(*model)->detector);
    cnx_classifier_close(&(*model)->classifier);
    free(*model);
    *model = NULL;
}

void cnx_describe(const cnx_model *model, cnx_info *info)
{
    const cnx_description *d = model->detector     ? cnx_detector_description(model->detector)
                               : model->classifier ? cnx_classifier_description(model->classifier)
                                                   : cnx_segmentor_description(model->segmentor);
    *info = (cnx_info){.name = d->name,
                       .classes = d->class_count,
                       .class_names = (const char *const *)d->class_names,
                       .palette = d->palette,
                       .slide = d->pipeline.mode == CNX_MODE_SLIDE,
                       .scale_long = d->pipeline.resize ? d->pipeline.scale_long : 0,
                       .scale_short = d->pipeline.resize ? d->pipeline.scale_short : 0,
                       .task = cnx_task_name(d->task),
                       .category_ids = d->category_ids};
    if (d->task == CNX_TASK_CLASSIFICATION && d->pipeline.resize)
        info->input_size = d->pipeline.crop_h;
}

/* Where finished rows go. */
typedef struct collector {
    uint16_t *labels; /* or NULL */
    float *scores;    /* or NULL */
    const cnx_run_options *options;
} collector;

static cnx_status collect(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    (void)err;
    const collector *to = user;
    const size_t at = (size_t)rows->y * (size_t)rows->width;
    const size_t pixels = (size_t)rows->count * (size_t)rows->width;
    const size_t classes = (size_t)rows->classes;
    const float *scores = rows->prob ? rows->prob : rows->logits;
    if (to->labels)
        memcpy(to->labels + at, rows->labels, pixels * sizeof *to->labels);
    if (to->scores)
        memcpy(to->scores + at * classes, scores, pixels * classes * sizeof *to->scores);
    return CNX_OK;
}

static bool report(void *user, double done)
{
    const collector *to = user;
    return to->options->progress(to->options->user, done);
}

/* The caller's picture, without gaps between its rows. */
static cnx_status take_picture(cnx_image *out, const cnx_model *model, const uint8_t *rgb,
                               int width, int height, size_t stride, cnx_error *err)
{
    CNX_FAIL_IF(!model || !rgb, CNX_ERR_ARGUMENT, "a model and a picture are needed");
    CNX_FAIL_IF(width < 1 || height < 1 || stride < 3 * (size_t)width, CNX_ERR_ARGUMENT,
                "a picture of %d x %d pixels with %zu bytes a row is impossible", width, height,
                stride);
    CNX_TRY(cnx_image_alloc(out, width, height, err));
    for (int y = 0; y < height; y++)
        memcpy(out->data + 3 * (size_t)y * (size_t)width, rgb + (size_t)y * stride,
               3 * (size_t)width);
    return CNX_OK;
}

static cnx_status run(cnx_model *model, const uint8_t *rgb, int width, int height, size_t stride,
                      unsigned want, collector *to, cnx_error *err)
{
    cnx_image image = {0};
    CNX_FAIL_IF(model && model->classifier, CNX_ERR_ARGUMENT,
                "this model classifies: cnx_classify takes it, not cnx_segment");
    CNX_FAIL_IF(model && !model->segmentor, CNX_ERR_ARGUMENT,
                "this model detects: cnx_detect takes it, not cnx_segment");
    CNX_TRY(take_picture(&image, model, rgb, width, height, stride, err));
    const cnx_segment_request request = {.image = &image,
                                         .want = want,
                                         .sink = collect,
                                         .progress =
                                             to->options && to->options->progress ? report : NULL,
                                         .user = to};
    const cnx_status status = cnx_segmentor_run(model->segmentor, &request, NULL, err);
    cnx_image_free(&image);
    return status;
}

cnx_status cnx_segment(cnx_model *model, const uint8_t *rgb, int width, int height, size_t stride,
                       const cnx_run_options *options, uint16_t *labels, cnx_error *err)
{
    CNX_FAIL_IF(!labels, CNX_ERR_ARGUMENT, "memory for the labels is needed");
    collector to = {.labels = labels, .options = options};
    return run(model, rgb, width, height, stride, 0, &to, err);
}

cnx_status cnx_segment_scores(cnx_model *model, const uint8_t *rgb, int width, int height,
                              size_t stride, const cnx_run_options *options, cnx_scores kind,
                              float *scores, uint16_t *labels, cnx_error *err)
{
    CNX_FAIL_IF(!scores, CNX_ERR_ARGUMENT, "memory for the scores is needed");
    collector to = {.labels = labels, .scores = scores, .options = options};
    const unsigned want = kind == CNX_LOGITS ? CNX_WANT_LOGITS : CNX_WANT_PROB;
    return run(model, rgb, width, height, stride, want, &to, err);
}

/* ---- detection ---- */

static bool report_detection(void *user, double done)
{
    const cnx_detection_options *options = user;
    return options->progress(options->user, done);
}

/* What the options change in the model's own rules. */
static cnx_status take_rules(cnx_rcnn_rules *rules, const cnx_detection_options *o, cnx_error *err)
{
    const float limits[] = {o->score_thr, o->nms_iou, o->mask_thr};
    for (int i = 0; i < 3; i++)
        CNX_FAIL_IF(!(limits[i] >= 0 && limits[i] <= 1), CNX_ERR_ARGUMENT,
                    "a threshold of %g is not between 0 and 1", (double)limits[i]);
    CNX_FAIL_IF(o->max_detections < 0, CNX_ERR_ARGUMENT, "%d detections are impossible",
                o->max_detections);
    rules->score_thr = o->score_thr > 0 ? o->score_thr : rules->score_thr;
    rules->nms_iou = o->nms_iou > 0 ? o->nms_iou : rules->nms_iou;
    rules->mask_thr = o->mask_thr > 0 ? o->mask_thr : rules->mask_thr;
    rules->max_per_img = o->max_detections > 0 ? o->max_detections : rules->max_per_img;
    rules->agnostic_nms = o->agnostic_nms;
    return CNX_OK;
}

/* [classes], *out for the caller to free; NULL for all classes. */
static cnx_status take_classes(bool **out, const cnx_detection_options *o, int classes,
                               cnx_error *err)
{
    *out = NULL;
    if (!o->only)
        return CNX_OK;
    for (size_t i = 0; i < o->only_count; i++)
        CNX_FAIL_IF(o->only[i] < 0 || o->only[i] >= classes, CNX_ERR_ARGUMENT,
                    "there is no class %d: the model has %d, from 0 on", o->only[i], classes);
    *out = calloc((size_t)classes, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for %d classes", classes);
    for (size_t i = 0; i < o->only_count; i++)
        (*out)[o->only[i]] = true;
    return CNX_OK;
}

cnx_status cnx_detect(cnx_model *model, const uint8_t *rgb, int width, int height, size_t stride,
                      const cnx_detection_options *options, cnx_detections *found, cnx_error *err)
{
    static const cnx_detection_options defaults = {0};
    cnx_image image = {0};
    bool *only = NULL;
    cnx_status status = CNX_OK;
    CNX_FAIL_IF(!found, CNX_ERR_ARGUMENT, "a place for the detections is needed");
    *found = (cnx_detections){0};
    CNX_FAIL_IF(model && model->classifier, CNX_ERR_ARGUMENT,
                "this model classifies: cnx_classify takes it, not cnx_detect");
    CNX_FAIL_IF(model && !model->detector, CNX_ERR_ARGUMENT,
                "this model segments: cnx_segment takes it, not cnx_detect");
    options = options ? options : &defaults;
    CNX_CHECK(take_picture(&image, model, rgb, width, height, stride, err));
    const cnx_description *d = cnx_detector_description(model->detector);
    cnx_rcnn_rules rules = d->detector.rcnn;
    CNX_CHECK(take_rules(&rules, options, err));
    CNX_CHECK(take_classes(&only, options, d->class_count, err));
    const cnx_detect_request request = {.image = &image,
                                        .rules = &rules,
                                        .only = only,
                                        .no_masks = options->no_masks,
                                        .progress = options->progress ? report_detection : NULL,
                                        .user = (void *)(uintptr_t)options};
    CNX_CHECK(cnx_detector_run(model->detector, &request, found, NULL, err));
cleanup:
    free(only);
    cnx_image_free(&image);
    return status;
}

/* ---- classification ---- */

static bool report_classification(void *user, double done)
{
    const cnx_run_options *options = user;
    return options->progress(options->user, done);
}

static cnx_status to_probabilities(float *scores, int classes, cnx_error *err)
{
    double *x = malloc((size_t)classes * sizeof *x);
    CNX_FAIL_IF(!x, CNX_ERR_MEMORY, "not enough memory for the scores");
    for (int c = 0; c < classes; c++)
        x[c] = (double)scores[c];
    cnx_probabilities(x, classes);
    for (int c = 0; c < classes; c++)
        scores[c] = (float)x[c];
    free(x);
    return CNX_OK;
}

cnx_status cnx_classify(cnx_model *model, const uint8_t *rgb, int width, int height, size_t stride,
                        const cnx_run_options *options, cnx_scores kind, float *scores,
                        cnx_error *err)
{
    cnx_image image = {0};
    CNX_FAIL_IF(!scores, CNX_ERR_ARGUMENT, "memory for the scores is needed");
    CNX_FAIL_IF(model && !model->classifier, CNX_ERR_ARGUMENT,
                "this model is no classifier: cnx_segment or cnx_detect takes it");
    CNX_TRY(take_picture(&image, model, rgb, width, height, stride, err));
    const bool reports = options && options->progress;
    const cnx_classify_request request = {.image = &image,
                                          .progress = reports ? report_classification : NULL,
                                          .user = (void *)(uintptr_t)options};
    cnx_status status = cnx_classifier_run(model->classifier, &request, scores, NULL, err);
    if (status == CNX_OK && kind == CNX_PROBABILITIES)
        status = to_probabilities(scores,
                                  cnx_classifier_description(model->classifier)->class_count, err);
    cnx_image_free(&image);
    return status;
}
