/* Detectors at work: the same bits however they run, and pictures and weights that break detectors. */
#include <math.h>

#include "core/memory.h"
#include "heads/detector.h"
#include "tests/unit/heads/synthetic.h"

typedef struct model {
    cnx_model_file file;
    cnx_detector *det;
} model;

/* A small cascade with random weights. */
static const char *const small[] = {"backbone.depths=[1,1,2,1]",
                                    "backbone.dims=[16,24,40,48]",
                                    "head.type=\"cascade_mask_rcnn\"",
                                    "head.channels=36",
                                    "head.classes=5",
                                    "pipeline.scale=[192,128]",
                                    "rpn.nms_pre=200",
                                    "rpn.max_per_img=150",
                                    "rcnn.score_thr=0.2",
                                    "rcnn.max_per_img=40"};
enum { SMALL = sizeof small / sizeof *small };

static void open_model(model *m, const char *set, const cnx_model_options *options)
{
    cnx_error err = {0};
    const char *sets[SMALL + 1];
    memcpy(sets, small, sizeof small);
    sets[SMALL] = set;
    *m = (model){0};
    CHECK(cnx_model_file_random(&m->file, NULL, sets, SMALL + (set ? 1 : 0), 3, &err) == CNX_OK,
          "%s", err.message);
    CHECK(cnx_detector_open(&m->det, &m->file, options, &err) == CNX_OK, "%s", err.message);
    if (!m->det)
        exit(CHECK_RESULT);
}

static void close_model(model *m)
{
    cnx_detector_close(&m->det);
    cnx_model_file_close(&m->file);
}

static cnx_image noise(int width, int height)
{
    cnx_image image = {0};
    unsigned long long state = (unsigned long long)(width * 7 + height);
    CHECK(cnx_image_alloc(&image, width, height, NULL) == CNX_OK, "memory");
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++)
        image.data[i] = (uint8_t)check_random(&state);
    return image;
}

static bool same(const cnx_detections *a, const cnx_detections *b)
{
    bool equal = a->count == b->count && a->width == b->width && a->height == b->height;
    for (size_t i = 0; equal && i < a->count; i++) {
        const cnx_detection *x = &a->items[i], *y = &b->items[i];
        equal = memcmp(x->box, y->box, sizeof x->box) == 0 && x->score == y->score &&
                x->label == y->label && x->mask.count == y->mask.count &&
                (x->mask.count == 0 || memcmp(x->mask.counts, y->mask.counts,
                                              x->mask.count * sizeof *x->mask.counts) == 0);
    }
    return equal;
}

/* What is true of any result. */
static void check_sound(const char *what, const cnx_detections *d, const cnx_description *about,
                        const cnx_image *image, bool masks)
{
    CHECK(d->width == image->width && d->height == image->height, "%s: size", what);
    for (size_t i = 0; i < d->count; i++) {
        const cnx_detection *x = &d->items[i];
        uint64_t pixels = 0;
        CHECK(i == 0 || x->score <= d->items[i - 1].score, "%s: order", what);
        CHECK(x->label >= 0 && x->label < about->class_count && x->score > 0 && x->score <= 1,
              "%s: label %d, score %g", what, x->label, (double)x->score);
        CHECK(x->box[0] >= 0 && x->box[1] >= 0 && x->box[0] <= x->box[2] &&
                  x->box[1] <= x->box[3] && x->box[2] <= (float)image->width + 0.01f &&
                  x->box[3] <= (float)image->height + 0.01f,
              "%s: box %g %g %g %g", what, (double)x->box[0], (double)x->box[1], (double)x->box[2],
              (double)x->box[3]);
        for (size_t r = 0; r < x->mask.count; r++)
            pixels += x->mask.counts[r];
        CHECK(!masks ||
                  (x->mask.h == (uint32_t)image->height && x->mask.w == (uint32_t)image->width &&
                   pixels == (uint64_t)image->width * (uint64_t)image->height),
              "%s: mask of %llu pixels", what, (unsigned long long)pixels);
        CHECK(masks || (!x->mask.counts && x->mask.count == 0), "%s: a mask unasked", what);
    }
}

static cnx_detections run(cnx_detector *det, const cnx_detect_request *request)
{
    cnx_error err = {0};
    cnx_detections out = {0};
    cnx_detect_stats stats;
    const cnx_status status = cnx_detector_run(det, request, &out, &stats, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    CHECK(status != CNX_OK || stats.detections == out.count, "stats");
    check_sound("run", &out, cnx_detector_description(det), request->image, !request->no_masks);
    return out;
}

/* ---- the same bits ---- */

static void test_threads(void)
{
    model m, one;
    cnx_image image = noise(150, 90);
    cnx_detector *second = NULL;
    const cnx_detect_request request = {.image = &image};
    open_model(&m, NULL, &(cnx_model_options){.threads = 1});
    cnx_detections want = run(m.det, &request);
    CHECK(want.count == 40, "%zu detections", want.count);
    for (int threads = 2; threads <= 5; threads += 3) {
        cnx_detector_set_threads(m.det, threads);
        cnx_detections got = run(m.det, &request);
        CHECK(same(&want, &got), "%d threads give other bits", threads);
        cnx_detections_free(&got);
    }
    open_model(&one, NULL, &(cnx_model_options){.threads = 3});
    CHECK(cnx_detector_share(&second, one.det, 2, NULL) == CNX_OK, "sharing");
    close_model(&one); /* the weights live on */
    for (int i = 0; i < 2; i++) {
        cnx_detections got = run(second, &request);
        CHECK(same(&want, &got), "a shared detector gives other bits");
        cnx_detections_free(&got);
        cnx_detector_trim(second);
    }
    cnx_detector_close(&second);
    cnx_detections_free(&want);
    cnx_image_free(&image);
    close_model(&m);
}

/* Every table finds nearly the same. */
static void test_tables(void)
{
    static const char *const names[] = {"openblas", "avx2", "avx512", "neon"};
    model m;
    cnx_image image = noise(100, 130);
    const cnx_detect_request request = {.image = &image};
    open_model(&m, NULL, &(cnx_model_options){.kernels = "ref"});
    cnx_detections want = run(m.det, &request);
    close_model(&m);
    for (int i = 0; i < 4; i++) {
        cnx_kernels k;
        if (cnx_kernels_init(&k, names[i], NULL) != CNX_OK)
            continue;
        open_model(&m, NULL, &(cnx_model_options){.kernels = names[i]});
        cnx_detections got = run(m.det, &request);
        size_t alike = 0;
        for (size_t a = 0; a < want.count; a++)
            for (size_t b = 0; b < got.count; b++) {
                const cnx_detection *x = &want.items[a], *y = &got.items[b];
                float off = fabsf(x->score - y->score) * 100;
                for (int j = 0; j < 4; j++)
                    off = fmaxf(off, fabsf(x->box[j] - y->box[j]));
                if (x->label == y->label && off < 0.05f) {
                    alike++;
                    break;
                }
            }
        CHECK(alike * 20 >= want.count * 19, "%s: %zu of %zu detections are like ref's", names[i],
              alike, want.count);
        cnx_detections_free(&got);
        close_model(&m);
    }
    cnx_detections_free(&want);
    cnx_image_free(&image);
}

/* ---- pictures ---- */

static void test_pictures(void)
{
    static const int sizes[][2] = {{1, 1},    {2, 1},   {1, 300},   {400, 20}, {20, 400},
                                   {5000, 1}, {31, 33}, {192, 128}, {64, 64}};
    model m;
    open_model(&m, NULL, &(cnx_model_options){.threads = 2});
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cnx_image image = noise(sizes[i][0], sizes[i][1]);
        cnx_estimate e;
        const cnx_detect_request request = {.image = &image};
        cnx_detections got = run(m.det, &request);
        CHECK(got.count > 0, "%d x %d: nothing found", image.width, image.height);
        CHECK(cnx_detector_estimate(m.det, image.width, image.height, &request, &e, NULL) ==
                      CNX_OK &&
                  e.net_h % 32 == 0 && e.net_w % 32 == 0 && e.macs > 0 &&
                  e.total_bytes == e.weights_bytes + e.arena_bytes + e.picture_bytes,
              "%d x %d: estimate", image.width, image.height);
        cnx_detections_free(&got);
        cnx_image_free(&image);
    }
    close_model(&m);
}

static void test_nothing(void)
{
    static const char *const sets[] = {"rcnn.score_thr=1", "rpn.min_bbox_size=5000"};
    cnx_image image = noise(90, 60);
    for (int i = 0; i < 2; i++) {
        model m;
        cnx_error err = {0};
        cnx_detections got;
        cnx_detect_stats stats;
        open_model(&m, sets[i], NULL);
        for (int flip = 0; flip < 2; flip++) {
            cnx_pipeline p = cnx_detector_description(m.det)->pipeline;
            p.flip = flip;
            const cnx_detect_request request = {.image = &image, .pipeline = &p};
            CHECK(cnx_detector_run(m.det, &request, &got, &stats, &err) == CNX_OK, "%s",
                  err.message);
            CHECK(got.count == 0 && !got.items && got.width == 90 && got.height == 60 &&
                      stats.candidates == 0 && (stats.proposals == 0) == (i == 1),
                  "%s: %zu found, %zu proposals", sets[i], got.count, stats.proposals);
            cnx_detections_free(&got);
        }
        close_model(&m);
    }
    cnx_image_free(&image);
}

/* ---- what a request changes ---- */

static void test_rules(void)
{
    model m;
    cnx_image image = noise(150, 90);
    open_model(&m, NULL, NULL);
    cnx_detect_request request = {.image = &image};
    cnx_rcnn_rules rules = cnx_detector_description(m.det)->detector.rcnn;
    cnx_detections all = run(m.det, &request);
    request.rules = &rules;
    request.no_masks = true;
    cnx_detections boxes = run(m.det, &request);
    CHECK(boxes.count == all.count, "masks do not matter for boxes");
    for (size_t i = 0; i < all.count; i++)
        CHECK(memcmp(boxes.items[i].box, all.items[i].box, sizeof all.items[i].box) == 0, "box");

    rules.max_per_img = 7;
    cnx_detections few = run(m.det, &request);
    CHECK(few.count == 7, "%zu with at most 7", few.count);
    for (size_t i = 0; i < few.count; i++)
        CHECK(few.items[i].score == all.items[i].score, "the best stay");

    rules.max_per_img = 40;
    const int only_label = all.items[all.count / 2].label;
    bool only[5] = {false};
    only[only_label] = true;
    request.only = only;
    cnx_detections one = run(m.det, &request);
    CHECK(one.count > 0, "a class that was found");
    for (size_t i = 0; i < one.count; i++)
        CHECK(one.items[i].label == only_label, "label %d", one.items[i].label);
    request.only = NULL;

    rules.agnostic_nms = true;
    rules.nms_iou = 0;
    cnx_detections apart = run(m.det, &request);
    for (size_t i = 0; i < apart.count; i++)
        for (size_t j = 0; j < i; j++) {
            const float *a = apart.items[i].box, *b = apart.items[j].box;
            const float w = fminf(a[2], b[2]) - fmaxf(a[0], b[0]);
            const float h = fminf(a[3], b[3]) - fmaxf(a[1], b[1]);
            CHECK(w <= 1e-3f || h <= 1e-3f, "boxes of any class stay apart");
        }
    CHECK(apart.count > 0 && apart.count < all.count, "%zu apart", apart.count);
    cnx_detections_free(&all);
    cnx_detections_free(&boxes);
    cnx_detections_free(&few);
    cnx_detections_free(&one);
    cnx_detections_free(&apart);
    cnx_image_free(&image);
    close_model(&m);
}

/* A lower mask threshold makes larger masks; with 0 every pixel near the box is set. */
static void test_mask_threshold(void)
{
    model m;
    cnx_image image = noise(120, 80);
    open_model(&m, NULL, NULL);
    cnx_rcnn_rules rules = cnx_detector_description(m.det)->detector.rcnn;
    const cnx_detect_request request = {.image = &image, .rules = &rules};
    double last = 0;
    for (int i = 4; i >= 0; i--) {
        rules.mask_thr = (float)i / 4;
        double area = 0;
        cnx_detections got = run(m.det, &request);
        for (size_t j = 0; j < got.count; j++)
            area += cnx_rle_area(&got.items[j].mask);
        CHECK(area >= last && (i > 0 || area > 0), "threshold %g: area %g, before %g",
              (double)rules.mask_thr, area, last);
        last = area;
        cnx_detections_free(&got);
    }
    cnx_image_free(&image);
    close_model(&m);
}

/* ---- several passes ---- */

/* A picture that is its own mirror image, looked at both ways, has detections that are as well: each
 * box has a twin of the same score. */
static void test_flip(void)
{
    model m;
    cnx_image image = noise(128, 96);
    for (int y = 0; y < 96; y++)
        for (int x = 0; x < 64; x++)
            memcpy(image.data + 3 * (y * 128 + 127 - x), image.data + 3 * (y * 128 + x), 3);
    open_model(&m, "pipeline.scale=null", NULL);
    cnx_pipeline p = cnx_detector_description(m.det)->pipeline;
    p.flip = true;
    const cnx_detect_request request = {.image = &image, .pipeline = &p};
    cnx_detections got = run(m.det, &request);
    size_t twins = 0;
    for (size_t i = 0; i < got.count; i++)
        for (size_t j = 0; j < got.count; j++) {
            const cnx_detection *a = &got.items[i], *b = &got.items[j];
            if (a->label == b->label && fabsf(a->score - b->score) < 1e-3f &&
                fabsf(a->box[0] - (128 - b->box[2])) < 0.1f &&
                fabsf(a->box[2] - (128 - b->box[0])) < 0.1f &&
                fabsf(a->box[1] - b->box[1]) < 0.1f) {
                twins++;
                break;
            }
        }
    CHECK(got.count >= 20 && twins * 10 >= got.count * 8, "%zu of %zu have a twin", twins,
          got.count);
    cnx_detections_free(&got);
    cnx_image_free(&image);
    close_model(&m);
}

/* Several times the same scale is an average of equals: nearly the single pass' detections. */
static void test_scales(void)
{
    model m;
    cnx_image image = noise(150, 90);
    open_model(&m, NULL, NULL);
    cnx_pipeline p = cnx_detector_description(m.det)->pipeline;
    cnx_detect_request request = {.image = &image};
    cnx_detections want = run(m.det, &request);
    p.scale_count = 2;
    p.scales[0] = p.scales[1] = 1;
    request.pipeline = &p;
    cnx_detections got = run(m.det, &request);
    size_t alike = 0;
    for (size_t i = 0; i < want.count; i++)
        for (size_t j = 0; j < got.count; j++) {
            const cnx_detection *a = &want.items[i], *b = &got.items[j];
            if (a->label == b->label && fabsf(a->score - b->score) < 1e-3f &&
                fabsf(a->box[0] - b->box[0]) < 0.05f && fabsf(a->box[3] - b->box[3]) < 0.05f &&
                (!a->mask.count || cnx_rle_iou(&a->mask, &b->mask, false) > 0.98 ||
                 cnx_rle_area(&a->mask) < 60)) {
                alike++;
                break;
            }
        }
    CHECK(alike * 10 >= want.count * 9, "%zu of %zu are alike", alike, want.count);
    cnx_detections_free(&got);
    p.scales[1] = 0.6; /* one larger, one smaller: sound, and of another number of passes */
    p.scales[0] = 1.4;
    p.flip = true;
    cnx_detect_stats stats;
    CHECK(cnx_detector_run(m.det, &request, &got, &stats, NULL) == CNX_OK && stats.passes == 4,
          "four passes");
    check_sound("scales", &got, cnx_detector_description(m.det), &image, true);
    cnx_detections_free(&got);
    cnx_detections_free(&want);
    cnx_image_free(&image);
    close_model(&m);
}

/* ---- stopping, memory ---- */

typedef struct listener {
    int calls, stop_at;
    double last;
    bool backwards;
} listener;

static bool listen(void *user, double done)
{
    listener *l = user;
    l->backwards = l->backwards || done < l->last || done > 1;
    l->last = done;
    return ++l->calls != l->stop_at;
}

static void test_progress(void)
{
    model m;
    cnx_image image = noise(100, 70);
    listener l = {0};
    cnx_error err = {0};
    cnx_detections got;
    open_model(&m, NULL, NULL);
    const cnx_detect_request request = {.image = &image, .progress = listen, .user = &l};
    CHECK(cnx_detector_run(m.det, &request, &got, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(l.calls > 10 && !l.backwards, "%d reports", l.calls);
    cnx_detections_free(&got);
    for (int at = 1, all = l.calls; at <= all; at += at < all - 8 ? 9 : 1) {
        l = (listener){.stop_at = at};
        CHECK(cnx_detector_run(m.det, &request, &got, NULL, &err) == CNX_ERR_INTERRUPTED &&
                  !got.items && got.count == 0 && l.calls == at,
              "stopped at report %d of %d", at, all);
    }
    cnx_image_free(&image);
    close_model(&m);
}

static void test_memory(void)
{
    model m, tight;
    cnx_image image = noise(150, 90);
    cnx_estimate e;
    cnx_error err = {0};
    cnx_detections got;
    const cnx_detect_request request = {.image = &image};
    open_model(&m, NULL, &(cnx_model_options){.threads = 1});
    CHECK(cnx_detector_estimate(m.det, 150, 90, &request, &e, &err) == CNX_OK, "%s", err.message);
    close_model(&m);
    open_model(&tight, NULL, &(cnx_model_options){.threads = 1, .max_memory = e.total_bytes});
    CHECK(cnx_detector_run(tight.det, &request, &got, NULL, &err) == CNX_OK, "%s", err.message);
    cnx_detections_free(&got);
    close_model(&tight);
    open_model(&tight, NULL, &(cnx_model_options){.threads = 1, .max_memory = e.total_bytes - 1});
    CHECK(cnx_detector_run(tight.det, &request, &got, NULL, &err) == CNX_ERR_MEMORY &&
              strstr(err.message, "more than the limit"),
          "%s", err.message);
    close_model(&tight);
    cnx_image_free(&image);
}

int main(void)
{
    test_threads();
    test_tables();
    test_pictures();
    test_nothing();
    test_rules();
    test_mask_threshold();
    test_flip();
    test_scales();
    test_progress();
    test_memory();
    return CHECK_RESULT;
}
