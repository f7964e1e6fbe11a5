/* Every stage of a detector, fed with the golden input of that stage: anchors and the choice of detections
 * with what is committed, the networks with the full set of fixtures. */
#include "core/ops/boxes.h"
#include "heads/cascade.h"
#include "heads/detections.h"
#include "heads/network_input.h"
#include "heads/proposals.h"
#include "tests/golden/detect.h"

static golden_array load(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static golden_array load(const char *fmt, ...)
{
    char path[GOLDEN_PATH];
    golden_array array;
    va_list args;
    va_start(args, fmt);
    vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    golden_load(&array, path);
    return array;
}

static bool exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static bool exists(const char *fmt, ...)
{
    char path[GOLDEN_PATH];
    va_list args;
    va_start(args, fmt);
    vsnprintf(path, sizeof path, fmt, args);
    va_end(args);
    return access(path, R_OK) == 0;
}

/* ---- what is committed ---- */

static const cnx_rpn_rules published = {.anchor_scale = 8,
                                        .ratio_count = 3,
                                        .ratios = {0.5, 1, 2},
                                        .strides = {4, 8, 16, 32, 64},
                                        .nms_pre = 1000,
                                        .max_per_img = 1000,
                                        .nms_iou = 0.7f};

static void test_anchors(const char *root)
{
    cJSON *cases;
    char path[GOLDEN_PATH];
    cases = golden_json(golden_format(path, "%s/anchors/cases.json", root));
    for (int level = 0; level < CNX_PYRAMID_LEVELS; level++) {
        const cJSON *spec = cJSON_GetArrayItem(cases, level);
        const int w = golden_int(spec, "feat_w", 0), stride = published.strides[level];
        golden_array want = load("%s/anchors/level%d.npy", root, level);
        for (size_t i = 0; i < want.n / 4; i++) {
            const int place = (int)(i / 3);
            float got[4];
            cnx_anchor(&published, level, (int)(i % 3), got);
            for (int j = 0; j < 4; j++) {
                got[j] += (float)((j % 2 ? place / w : place % w) * stride);
                CHECK(got[j] == want.data[4 * i + (size_t)j], "level %d, anchor %zu: %g, want %g",
                      level, i, (double)got[j], (double)want.data[4 * i + (size_t)j]);
            }
        }
        golden_free(&want);
    }
    cJSON_Delete(cases);
}

static void test_choice(const char *root)
{
    golden_array boxes = load("%s/multiclass_nms/boxes.npy", root);
    golden_array scores = load("%s/multiclass_nms/scores.npy", root);
    golden_array want_boxes = load("%s/multiclass_nms/det_boxes.npy", root);
    golden_array want_scores = load("%s/multiclass_nms/det_scores.npy", root);
    golden_array want_labels = load("%s/multiclass_nms/det_labels.npy", root);
    cnx_kernels k;
    cnx_error err = {0};
    cnx_chosen *got = NULL;
    size_t count = 0, candidates = 0;
    const cnx_scored_boxes from = {.scores = scores.data,
                                   .boxes = boxes.data,
                                   .regions = (int)scores.shape[0],
                                   .classes = (int)scores.shape[1] - 1,
                                   .class_specific = boxes.n / scores.shape[0] > 4};
    const cnx_rcnn_rules rules = {.score_thr = 0.05f, .nms_iou = 0.5f, .max_per_img = 100};
    CHECK(cnx_kernels_init(&k, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_choose_detections(&got, &count, &candidates, &k, &from, &rules, NULL, &err) == CNX_OK,
          "%s", err.message);
    CHECK(count == want_scores.n && candidates == 332, "%zu of %zu candidates", count, candidates);
    for (size_t i = 0; i < count && i < want_scores.n; i++)
        CHECK(memcmp(got[i].box, want_boxes.data + 4 * i, sizeof got[i].box) == 0 &&
                  got[i].score == want_scores.data[i] && got[i].label == (int)want_labels.data[i],
              "detection %zu", i);
    cnx_free(got);
    golden_free(&boxes);
    golden_free(&scores);
    golden_free(&want_boxes);
    golden_free(&want_scores);
    golden_free(&want_labels);
}

/* ---- one model on one picture ---- */

typedef struct bench {
    char path[GOLDEN_PATH / 2]; /* of the picture's golden files */
    cJSON *config, *meta;
    cnx_model_file file;
    cnx_kernels k;
    cnx_detector *det;
    cnx_detector_net *net;
    cnx_roi_run run;
    float img_w, img_h;
} bench;

/* [1, c, h, w] as a map. */
static cnx_map load_map(const char *path, const char *name, int level)
{
    golden_array a = load("%s/%s%d.npy", path, name, level);
    const size_t *shape = a.shape + a.rank - 3;
    float *data = cnx_alloc(a.n * sizeof *data);
    golden_to_channels_last(data, a.data, shape[0], shape[1] * shape[2]);
    const cnx_map map = cnx_map_dense(data, (int)shape[1], (int)shape[2], (int)shape[0]);
    golden_free(&a);
    return map;
}

static void near_map(const bench *b, const char *name, cnx_map map)
{
    char what[GOLDEN_PATH];
    golden_array want = load("%s/%s.npy", b->path, name);
    const size_t pixels = (size_t)map.h * (size_t)map.w, c = (size_t)map.c;
    float *got = cnx_alloc(pixels * c * sizeof *got);
    golden_to_channels_first(got, map.data, c, pixels);
    CHECK(want.n == pixels * c, "%s: %zu elements", name, want.n);
    golden_near(golden_format(what, "%.400s %s", b->path, name), got, want.data, want.n, 1e-4,
                1e-4);
    cnx_free(got);
    golden_free(&want);
}

static void tap(void *user, const char *name, cnx_map map)
{
    const bench *b = user;
    if (exists("%s/%s.npy", b->path, name) && strncmp(name, "feat", 4) != 0)
        near_map(b, name, map);
}

/* The dense part on the picture as it was resized. */
static void test_dense(bench *b)
{
    cnx_error err = {0};
    cnx_detector_plans plans;
    cnx_npy rgb = {0};
    char path[GOLDEN_PATH];
    if (cnx_npy_read(&rgb, golden_format(path, "%.400s/resized_rgb.npy", b->path), &err) != CNX_OK)
        return;
    cnx_normalisation n;
    const cnx_pipeline *p = &b->file.description.pipeline;
    const cnx_image image = {
        .width = (int)rgb.shape[1], .height = (int)rgb.shape[0], .data = rgb.data};
    const int h = (image.height + 31) / 32 * 32, w = (image.width + 31) / 32 * 32;
    float *input = cnx_alloc((size_t)h * (size_t)w * 3 * sizeof *input);
    cnx_normalisation_fill(&n, p);
    cnx_normalise_window(&n, &image, 0, 0, h, w, input);
    if (exists("%s/preprocessed.npy", b->path))
        near_map(b, "preprocessed", cnx_map_dense(input, h, w, 3));
    CHECK(cnx_detector_plan_of(b->det, h, w, &plans, &err) == CNX_OK, "%s", err.message);
    void *arena = cnx_alloc(cnx_plan_arena_bytes(plans.dense));
    float *const external[] = {input};
    const cnx_plan_hooks hooks = {.tap = tap, .user = b};
    cnx_plan_run(plans.dense, arena, external, &hooks);
    cnx_free(arena);
    cnx_free(input);
    cnx_npy_free(&rgb);
}

/* At least 99 of 100 golden proposals are among ours. */
static void check_proposals(const bench *b, const char *name, const cnx_proposals *got)
{
    golden_array want = load("%s/%s.npy", b->path, name);
    size_t found = 0;
    const size_t n = want.n / 5;
    for (size_t i = 0; i < n; i++)
        for (int j = 0; j < got->count; j++)
            if (golden_iou(want.data + 5 * i, got->boxes[j]) >= 0.999) {
                found++;
                break;
            }
    CHECK(got->count == (int)n && found * 100 >= n * 99, "%s/%s: %zu of %zu found among %d",
          b->path, name, found, n, got->count);
    golden_free(&want);
}

static void test_proposals(bench *b)
{
    cnx_rpn_maps maps = {.width = (int)b->img_w, .height = (int)b->img_h};
    cnx_rpn_rules rules = b->file.description.detector.rpn;
    cnx_proposals got;
    cnx_error err = {0};
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++) {
        maps.scores[i] = load_map(b->path, "rpn_cls", i);
        maps.deltas[i] = load_map(b->path, "rpn_reg", i);
    }
    CHECK(cnx_propose(&got, &b->k, &rules, &maps, &err) == CNX_OK, "%s", err.message);
    check_proposals(b, "proposals", &got);
    cnx_proposals_free(&got);
    rules.min_bbox_size = -1; /* as before they were left out: those without size may stay */
    CHECK(cnx_propose(&got, &b->k, &rules, &maps, &err) == CNX_OK, "%s", err.message);
    golden_array kept = load("%s/keep_degenerate_proposals.npy", b->path);
    CHECK(got.count == (int)(kept.n / 5), "%d proposals, degenerate ones kept", got.count);
    golden_free(&kept);
    cnx_proposals_free(&got);
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++) {
        cnx_free(maps.scores[i].data);
        cnx_free(maps.deltas[i].data);
    }
}

static golden_array stage_file(const bench *b, int stage, const char *what)
{
    return load("%s/stage%d_%s.npy", b->path, stage, what);
}

static void test_box_stage(bench *b, int stage)
{
    char what[GOLDEN_PATH];
    const cnx_detector_desc *d = &b->net->desc;
    golden_array rois = stage_file(b, stage, "rois"), cls = stage_file(b, stage, "cls");
    golden_array reg = stage_file(b, stage, "reg"), levels = stage_file(b, stage, "roi_levels");
    const size_t n = rois.shape[0], step = rois.shape[1], classes = (size_t)d->classes + 1;
    const size_t rows = 4 * (size_t)(d->class_specific ? d->classes : 1);
    float(*boxes)[4] = cnx_alloc(n * sizeof *boxes);
    float *logits = cnx_alloc(n * classes * sizeof *logits);
    float *deltas = cnx_alloc(n * rows * sizeof *deltas);
    for (size_t i = 0; i < n; i++) {
        memcpy(boxes[i], rois.data + i * step + (step - 4), sizeof *boxes);
        CHECK(cnx_roi_level(boxes[i], CNX_ROI_LEVELS) == (int)levels.data[i], "level of %zu", i);
    }
    const int batch = cnx_box_batch((int)n);
    for (size_t i = 0; i < n; i += (size_t)batch) {
        const int count = (int)n - (int)i < batch ? (int)(n - i) : batch;
        cnx_box_head_run(&b->run, stage, (const float(*)[4])(boxes + i), count,
                         logits + i * classes, deltas + i * rows);
    }
    golden_near(golden_format(what, "%.400s stage %d logits", b->path, stage), logits, cls.data,
                cls.n, 2e-4, 1e-4);
    golden_near(golden_format(what, "%.400s stage %d deltas", b->path, stage), deltas, reg.data,
                reg.n < n * rows ? reg.n : n * rows, 2e-4, 1e-4);
    cnx_free(boxes);
    cnx_free(logits);
    cnx_free(deltas);
    golden_free(&rois);
    golden_free(&cls);
    golden_free(&reg);
    golden_free(&levels);
}

/* All stages from the golden proposals: mean scores. */
static void test_cascade(bench *b)
{
    const cnx_detector_desc *d = &b->net->desc;
    golden_array rois = stage_file(b, 0, "rois"), want = load("%s/mean_scores.npy", b->path);
    const size_t n = rois.shape[0], step = rois.shape[1], classes = (size_t)d->classes + 1;
    cnx_error err = {0};
    float(*boxes)[4] = cnx_alloc(n * sizeof *boxes);
    cnx_cascade cascade = {.run = &b->run, .width = b->img_w, .height = b->img_h};
    cascade.scores = cnx_alloc(n * classes * sizeof(float));
    cascade.boxes = cnx_alloc(n * 4 * classes * sizeof(float));
    for (size_t i = 0; i < n; i++)
        memcpy(boxes[i], rois.data + i * step + (step - 4), sizeof *boxes);
    CHECK(cnx_cascade_run(&cascade, (const float(*)[4])boxes, (int)n, &err) == CNX_OK, "%s",
          err.message);
    CHECK(want.n == n * classes, "%zu scores", want.n);
    golden_near("mean scores", cascade.scores, want.data, want.n, 1e-4, 1e-4);
    cnx_free(boxes);
    cnx_free(cascade.scores);
    cnx_free(cascade.boxes);
    golden_free(&rois);
    golden_free(&want);
}

static void test_masks(bench *b)
{
    const size_t pixels = CNX_MASK_SIZE * CNX_MASK_SIZE;
    golden_array rois = load("%s/mask_rois.npy", b->path);
    golden_array labels = load("%s/det_labels.npy", b->path);
    golden_array want = load("%s/mask_prob_first40.npy", b->path);
    const size_t step = rois.shape[1], n = want.n / pixels;
    float boxes[40][4], *sum = cnx_calloc(want.n * sizeof *sum);
    int classes[40];
    for (size_t i = 0; i < n; i++) {
        memcpy(boxes[i], rois.data + i * step + (step - 4), sizeof boxes[i]);
        classes[i] = (int)labels.data[i];
    }
    const int batch = cnx_mask_batch((int)n);
    for (int i = 0; i < (int)n; i += batch)
        cnx_mask_heads_run(&b->run, (const float(*)[4])(boxes + i), classes + i,
                           (int)n - i < batch ? (int)n - i : batch, false,
                           sum + (size_t)i * pixels);
    for (size_t i = 0; i < want.n; i++)
        sum[i] /= (float)b->net->desc.stages;
    golden_near("mask probabilities", sum, want.data, want.n, 1e-4, 0);
    cnx_free(sum);
    golden_free(&rois);
    golden_free(&labels);
    golden_free(&want);
}

static bool open_bench(bench *b, const char *root, const char *name)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    *b = (bench){0};
    snprintf(b->path, sizeof b->path, "%.400s/%.60s/img0", root, name);
    b->config = golden_json(golden_format(path, "%s/%s/config.json", root, name));
    b->meta = golden_json(golden_format(path, "%s/meta.json", b->path));
    golden_format(path, "%s/%s/model.pth", root, name);
    bool ok = cnx_model_file_open(&b->file, path, NULL, NULL, 0, false, &err) == CNX_OK &&
              cnx_kernels_init(&b->k, NULL, &err) == CNX_OK;
    cnx_description *d = &b->file.description;
    d->detector.rpn.nms_pre = golden_int(b->config, "nms_pre", 1000);
    d->detector.rpn.max_per_img = golden_int(b->config, "rpn_max", 1000);
    ok = ok && cnx_detector_net_open(&b->net, &d->detector, d->backbone.dims, b->file.weights,
                                     &b->k, 2, &err) == CNX_OK;
    ok = ok &&
         cnx_detector_open(&b->det, &b->file, &(cnx_model_options){.threads = 2}, &err) == CNX_OK;
    CHECK(ok, "%s: %s", name, err.message);
    int h = 0, w = 0;
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(b->meta, "img_shape");
    h = cJSON_GetArrayItem(shape, 0)->valueint;
    w = cJSON_GetArrayItem(shape, 1)->valueint;
    b->img_h = (float)h;
    b->img_w = (float)w;
    b->run = (cnx_roi_run){.net = b->net, .k = &b->k, .threads = 2};
    for (int i = 0; i < CNX_ROI_LEVELS; i++)
        b->run.levels[i] = load_map(b->path, "fpn", i);
    b->run.scratch_bytes =
        cnx_roi_scratch(b->net, &b->k, 2, b->run.levels[0].h, b->run.levels[0].w, false);
    b->run.scratch = cnx_alloc(b->run.scratch_bytes);
    return ok;
}

static void close_bench(bench *b)
{
    for (int i = 0; i < CNX_ROI_LEVELS; i++)
        cnx_free(b->run.levels[i].data);
    cnx_free(b->run.scratch);
    cnx_detector_net_close(&b->net);
    cnx_detector_close(&b->det);
    cnx_model_file_close(&b->file);
    cJSON_Delete(b->config);
    cJSON_Delete(b->meta);
}

static void test_model(const char *root, const char *name)
{
    bench b;
    if (open_bench(&b, root, name)) {
        test_dense(&b);
        test_proposals(&b);
        for (int s = 0; s < b.net->desc.stages; s++)
            test_box_stage(&b, s);
        test_cascade(&b);
        test_masks(&b);
    }
    close_bench(&b);
}

int main(void)
{
    char root[GOLDEN_PATH];
    golden_format(root, "%s/tests/data/detection/ops", CNX_SOURCE_DIR);
    test_anchors(root);
    test_choice(root);
    if (check_shared(root, sizeof root, "fixtures/det")) {
        test_model(root, "mask_rcnn7");
        if (!GOLDEN_SLOW_BUILD) {
            test_model(root, "cascade5_agnostic");
            test_model(root, "cascade80");
        }
    }
    return CHECK_RESULT;
}
