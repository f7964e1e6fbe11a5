#include "tools/bench_run.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/kernels/peak.h"
#include "core/memory.h"
#include "heads/classifier.h"
#include "heads/detector.h"
#include "heads/segmentor.h"

struct cnx_bench {
    cnx_bench_settings settings;
    cnx_task task;
    cnx_pipeline pipeline; /* the model's, but for what would change the picture's size */
    cnx_image image;
    cnx_segmentor *segmentor; /* one of these */
    cnx_classifier *classifier;
    cnx_detector *detector;
    cnx_rcnn_rules rules; /* a detector's */
    bool to_be_tuned;     /* its score threshold, which suits no random weights */
    float *logits;        /* a classifier's */
    uint64_t labels_seen; /* keeps results from being thrown away */
};

/* What one run took, and how much went through it. */
typedef struct sample {
    double total, network;
    double phases[CNX_BENCH_PHASES];
    double items[CNX_BENCH_PLANS];
} sample;

/* A task's phases; those of the network from `first` on. */
static const struct {
    const char *names[CNX_BENCH_PHASES];
    int first, end;
} phases[] = {
    [CNX_TASK_SEGMENTATION] = {{"prepare", "network", "post"}, 1, 2},
    [CNX_TASK_DETECTION] = {{"prepare", "backbone", "rpn", "boxes", "masks", "paste"}, 1, 5},
    [CNX_TASK_CLASSIFICATION] = {{"prepare", "network"}, 1, 2},
};

const char *cnx_bench_phase(const cnx_bench *bench, int index)
{
    return index < CNX_BENCH_PHASES ? phases[bench->task].names[index] : NULL;
}

bool cnx_bench_phase_of_network(const cnx_bench *bench, int index)
{
    return index >= phases[bench->task].first && index < phases[bench->task].end;
}

/* ---- opening ---- */

static cnx_status make_noise(cnx_image *image, int h, int w, cnx_error *err)
{
    const size_t bytes = 3 * (size_t)h * (size_t)w;
    uint32_t state = 1;
    CNX_TRY(cnx_image_alloc(image, w, h, err));
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525u + 1013904223u;
        image->data[i] = (uint8_t)(state >> 24);
    }
    return CNX_OK;
}

static cnx_status open_task(cnx_bench *b, cnx_model_file *file, int threads, cnx_error *err)
{
    const cnx_bench_settings *s = &b->settings;
    const cnx_model_options options = {
        .threads = threads, .kernels = s->kernels, .weights = s->weights};
    switch (b->task) {
    case CNX_TASK_SEGMENTATION:
        return cnx_segmentor_open(&b->segmentor, file, &options, err);
    case CNX_TASK_CLASSIFICATION:
        b->logits = calloc((size_t)file->description.class_count, sizeof *b->logits);
        CNX_FAIL_IF(!b->logits, CNX_ERR_MEMORY, "not enough memory for the logits");
        return cnx_classifier_open(&b->classifier, file, &options, err);
    case CNX_TASK_DETECTION:
        break;
    }
    return cnx_detector_open(&b->detector, file, &options, err);
}

cnx_status cnx_bench_open(cnx_bench **out, cnx_model_file *file, const cnx_bench_settings *settings,
                          int threads, cnx_error *err)
{
    cnx_bench *b = calloc(1, sizeof *b);
    cnx_status status = CNX_OK;
    *out = b;
    CNX_FAIL_IF(!b, CNX_ERR_MEMORY, "not enough memory for a benchmark");
    b->settings = *settings;
    b->task = file->description.task;
    b->pipeline = file->description.pipeline;
    b->pipeline.resize = false;
    b->pipeline.mode = CNX_MODE_WHOLE;
    b->pipeline.scale_count = 0;
    b->pipeline.flip = false;
    b->rules = file->description.detector.rcnn;
    b->to_be_tuned = b->task == CNX_TASK_DETECTION && !file->checkpoint;
    CNX_CHECK(make_noise(&b->image, settings->h, settings->w, err));
    CNX_CHECK(open_task(b, file, threads, err));
cleanup:
    if (status != CNX_OK)
        cnx_bench_close(out);
    return status;
}

void cnx_bench_close(cnx_bench **bench)
{
    if (!*bench)
        return;
    cnx_segmentor_close(&(*bench)->segmentor);
    cnx_classifier_close(&(*bench)->classifier);
    cnx_detector_close(&(*bench)->detector);
    free((*bench)->logits);
    cnx_image_free(&(*bench)->image);
    free(*bench);
    *bench = NULL;
}

const cnx_kernels *cnx_bench_kernels(const cnx_bench *bench)
{
    if (bench->segmentor)
        return cnx_segmentor_kernels(bench->segmentor);
    return bench->classifier ? cnx_classifier_kernels(bench->classifier)
                             : cnx_detector_kernels(bench->detector);
}

/* ---- one run ---- */

static cnx_status take_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    cnx_bench *b = user;
    (void)err;
    b->labels_seen += rows->labels[0];
    return CNX_OK;
}

static cnx_status run_segmentor(cnx_bench *b, cnx_plan_clock *clock, sample *out, cnx_error *err)
{
    cnx_segment_stats stats;
    const cnx_segment_request request = {
        .image = &b->image, .pipeline = &b->pipeline, .sink = take_rows, .user = b, .clock = clock};
    CNX_TRY(cnx_segmentor_run(b->segmentor, &request, &stats, err));
    out->phases[0] = stats.prepare;
    out->phases[1] = stats.network;
    out->phases[2] = stats.post;
    return CNX_OK;
}

static cnx_status run_classifier(cnx_bench *b, cnx_plan_clock *clock, sample *out, cnx_error *err)
{
    cnx_classify_stats stats;
    const cnx_classify_request request = {
        .image = &b->image, .pipeline = &b->pipeline, .clock = clock};
    CNX_TRY(cnx_classifier_run(b->classifier, &request, b->logits, &stats, err));
    out->phases[0] = stats.prepare;
    out->phases[1] = stats.network;
    return CNX_OK;
}

static cnx_status run_detector(cnx_bench *b, cnx_plan_clock *clock, sample *out, cnx_error *err)
{
    cnx_detect_stats stats;
    cnx_detections found;
    const cnx_detect_request request = {
        .image = &b->image, .pipeline = &b->pipeline, .rules = &b->rules, .clock = clock};
    CNX_TRY(cnx_detector_run(b->detector, &request, &found, &stats, err));
    const double seconds[] = {stats.prepare, stats.backbone, stats.rpn,
                              stats.boxes,   stats.masks,    stats.paste};
    memcpy(out->phases, seconds, sizeof seconds);
    out->items[1] = (double)stats.proposals;
    out->items[2] = (double)stats.detections;
    cnx_detections_free(&found);
    return CNX_OK;
}

/* Random weights find nothing in noise.  Lowers the score threshold until as many detections come as
 * the rules allow, so that mask heads have the work that a crowded picture gives them. */
static cnx_status tune_threshold(cnx_bench *b, cnx_error *err)
{
    enum { TRIES = 16 };
    for (int i = 0; b->to_be_tuned && i < TRIES; i++) {
        cnx_detections found;
        const cnx_detect_request request = {
            .image = &b->image, .pipeline = &b->pipeline, .rules = &b->rules, .no_masks = true};
        CNX_TRY(cnx_detector_run(b->detector, &request, &found, NULL, err));
        b->to_be_tuned = found.count < (size_t)b->rules.max_per_img;
        cnx_detections_free(&found);
        if (b->to_be_tuned)
            b->rules.score_thr *= 0.85f;
    }
    b->to_be_tuned = false;
    return CNX_OK;
}

static cnx_status run_once(cnx_bench *b, cnx_plan_clock *clock, sample *out, cnx_error *err)
{
    const double start = cnx_now();
    *out = (sample){.items = {1}};
    CNX_TRY(b->segmentor    ? run_segmentor(b, clock, out, err)
            : b->classifier ? run_classifier(b, clock, out, err)
                            : run_detector(b, clock, out, err));
    out->total = cnx_now() - start;
    for (int p = phases[b->task].first; p < phases[b->task].end; p++)
        out->network += out->phases[p];
    return CNX_OK;
}

/* ---- many ---- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the two neighbours where the place falls between them. */
static double quantile(const double *sorted, int count, double share)
{
    const double place = share * (count - 1);
    const int below = (int)place;
    const int above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

cnx_bench_times cnx_bench_times_of(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return (cnx_bench_times){.least = values[0],
                             .lower = quantile(values, count, 0.25),
                             .median = quantile(values, count, 0.5),
                             .upper = quantile(values, count, 0.75),
                             .most = values[count - 1]};
}

static void set_threads(cnx_bench *b, int threads)
{
    if (b->segmentor)
        cnx_segmentor_set_threads(b->segmentor, threads);
    else if (b->classifier)
        cnx_classifier_set_threads(b->classifier, threads);
    else
        cnx_detector_set_threads(b->detector, threads);
}

static cnx_status count_layers(cnx_bench *b, int *count, cnx_error *err)
{
    const cnx_plan *plan = NULL;
    cnx_detector_plans plans;
    const int h = b->settings.h, w = b->settings.w;
    if (b->segmentor)
        CNX_TRY(cnx_segmentor_plan_of(b->segmentor, h, w, &plan, err));
    else if (b->classifier)
        CNX_TRY(cnx_classifier_plan_of(b->classifier, h, w, &plan, err));
    else
        CNX_TRY(cnx_detector_plan_of(b->detector, h, w, &plans, err));
    plan = plan ? plan : plans.dense;
    *count = cnx_plan_rows(plan);
    return CNX_OK;
}

/* One column of the samples, at `offset` into each. */
static cnx_bench_times summarise(const sample *samples, int count, size_t offset, double *room)
{
    for (int i = 0; i < count; i++)
        memcpy(&room[i], (const char *)&samples[i] + offset, sizeof *room);
    return cnx_bench_times_of(room, count);
}

static void summarise_all(const cnx_bench *b, const sample *samples, double *room,
                          cnx_bench_result *out)
{
    const int n = b->settings.repeats;
    out->total = summarise(samples, n, offsetof(sample, total), room);
    for (int p = 0; p < CNX_BENCH_PHASES && cnx_bench_phase(b, p); p++) {
        const size_t offset = offsetof(sample, phases) + (size_t)p * sizeof(double);
        out->phases[p] = summarise(samples, n, offset, room);
    }
    out->network = summarise(samples, n, offsetof(sample, network), room);
    memcpy(out->items, samples[n - 1].items, sizeof out->items);
}

/* Warms up, then takes the samples; the peak is measured around each of them. */
static cnx_status take_samples(cnx_bench *b, cnx_bench_result *out, sample *samples, double *peaks,
                               cnx_error *err)
{
    const char *table = cnx_bench_kernels(b)->name;
    cnx_plan_clock clock = {.rows = out->layer_count, .seconds = out->layers};
    for (int i = 0; i < b->settings.warmup; i++)
        CNX_TRY(run_once(b, NULL, &samples[0], err));
    peaks[0] = cnx_peak_of_threads(table, out->threads);
    for (int i = 0; i < b->settings.repeats; i++) {
        CNX_TRY(run_once(b, &clock, &samples[i], err));
        peaks[i + 1] = cnx_peak_of_threads(table, out->threads);
    }
    for (int i = 0; i < out->layer_count; i++)
        out->layers[i] /= b->settings.repeats;
    return CNX_OK;
}

cnx_status cnx_bench_measure(cnx_bench *b, int threads, cnx_bench_result *out, cnx_error *err)
{
    const size_t n = (size_t)b->settings.repeats;
    sample *samples = malloc((n + 1) * sizeof *samples);
    double *peaks = malloc((n + 1) * sizeof *peaks), *room = malloc((n + 1) * sizeof *room);
    cnx_status status = CNX_OK;
    *out = (cnx_bench_result){.threads = threads};
    set_threads(b, threads);
    CNX_CHECK(tune_threshold(b, err));
    CNX_CHECK(count_layers(b, &out->layer_count, err));
    out->layers = calloc((size_t)out->layer_count + 1, sizeof *out->layers);
    CNX_CHECK_IF(!samples || !peaks || !room || !out->layers, CNX_ERR_MEMORY,
                 "not enough memory for the measurements");
    CNX_CHECK(take_samples(b, out, samples, peaks, err));
    summarise_all(b, samples, room, out);
    out->peak_gflops = cnx_bench_times_of(peaks, (int)n + 1).median;
    out->peak_rss = cnx_peak_rss();
cleanup:
    free(samples);
    free(peaks);
    free(room);
    if (status != CNX_OK)
        cnx_bench_result_free(out);
    return status;
}

void cnx_bench_result_free(cnx_bench_result *result)
{
    free(result->layers);
    *result = (cnx_bench_result){0};
}
