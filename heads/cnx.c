/* The public interface: a thin coat over the segmentor. */
#include "cnx.h"

#include <stdlib.h>
#include <string.h>

#include "heads/segmentor.h"

struct cnx_model {
    cnx_segmentor *segmentor;
};

const char *cnx_version(void)
{
    return CNX_VERSION;
}

cnx_status cnx_open(cnx_model **model, const char *path, const cnx_options *options, cnx_error *err)
{
    const cnx_options defaults = {0};
    if (!options)
        options = &defaults;
    cnx_model_file file = {0};
    cnx_weight_type weights = CNX_WEIGHTS_F32;
    cnx_status status = CNX_OK;
    *model = calloc(1, sizeof **model);
    CNX_CHECK_IF(!*model, CNX_ERR_MEMORY, "not enough memory for a model");
    CNX_CHECK(cnx_weight_type_parse(&weights, options->weights, err));
    CNX_CHECK(cnx_model_file_open(&file, path, options->config, options->sets, options->set_count,
                                  false, err));
    const cnx_segmentor_options inner = {.threads = options->threads,
                                         .max_memory = options->max_memory,
                                         .kernels = options->kernels,
                                         .weights = weights};
    CNX_CHECK(cnx_segmentor_open(&(*model)->segmentor, &file, &inner, err));
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
    CNX_CHECK(cnx_segmentor_share(&(*out)->segmentor, model->segmentor, threads, err));
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
    free(*model);
    *model = NULL;
}

void cnx_describe(const cnx_model *model, cnx_info *info)
{
    const cnx_description *d = cnx_segmentor_description(model->segmentor);
    *info = (cnx_info){.name = d->name,
                       .classes = d->class_count,
                       .class_names = (const char *const *)d->class_names,
                       .palette = d->palette,
                       .slide = d->pipeline.mode == CNX_MODE_SLIDE,
                       .scale_long = d->pipeline.resize ? d->pipeline.scale_long : 0,
                       .scale_short = d->pipeline.resize ? d->pipeline.scale_short : 0};
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

static cnx_status run(cnx_model *model, const uint8_t *rgb, int width, int height, size_t stride,
                      unsigned want, collector *to, cnx_error *err)
{
    CNX_FAIL_IF(!model || !rgb, CNX_ERR_ARGUMENT, "a model and a picture are needed");
    CNX_FAIL_IF(width < 1 || height < 1 || stride < 3 * (size_t)width, CNX_ERR_ARGUMENT,
                "a picture of %d x %d pixels with %zu bytes a row is impossible", width, height,
                stride);
    cnx_image image = {0};
    CNX_TRY(cnx_image_alloc(&image, width, height, err));
    for (int y = 0; y < height; y++)
        memcpy(image.data + 3 * (size_t)y * (size_t)width, rgb + (size_t)y * stride,
               3 * (size_t)width);
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
