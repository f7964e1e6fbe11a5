/*
 * The demo model over all of its validation pictures: mIoU, pixel accuracy and pixel counts as the
 * reference found them.  Skipped on machines without the data.
 */
#include "tests/golden/segment.h"

enum { CLASSES = 3, SKIPPED = 77 };

/* Pixels by class, summed over the pictures before anything is divided. */
typedef struct areas {
    double hit[CLASSES], predicted[CLASSES], labelled[CLASSES];
    int pictures;
} areas;

/* Segments data/images/validation/NAME and counts it against data/annotations/validation/NAME. */
static void count_picture(areas *a, cnx_segmentor *seg, const char *data, const char *name)
{
    char path[GOLDEN_PATH];
    cnx_image image, truth;
    segment_result r = {0};
    golden_format(path, "%s/images/validation/%s", data, name);
    if (!segment_read_image(&image, path))
        return;
    golden_format(path, "%s/annotations/validation/%s", data, name);
    if (segment_read_image(&truth, path)) {
        const bool fits = truth.width == image.width && truth.height == image.height;
        CHECK(fits, "%s: picture and annotation differ in size", name);
        if (fits && segment_run_whole(&r, seg, &image, NULL, 0, name)) {
            for (size_t i = 0; i < (size_t)r.width * (size_t)r.height; i++) {
                const int want = truth.data[3 * i], got = r.labels[i];
                if (want >= CLASSES || got >= CLASSES)
                    continue;
                a->labelled[want]++;
                a->predicted[got]++;
                a->hit[want] += want == got;
            }
            a->pictures++;
        }
        cnx_image_free(&truth);
    }
    segment_result_free(&r);
    cnx_image_free(&image);
}

static void visit(void *user, const golden_tree *tree, const char *name)
{
    void **context = user;
    count_picture(context[0], context[1], tree->path, name);
}

/* The share that may differ: near ties only. */
static void check_counts(const char *what, const double got[CLASSES], const cJSON *area,
                         const char *key)
{
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(area, key);
    for (int c = 0; c < CLASSES; c++) {
        const cJSON *count = cJSON_GetArrayItem(want, c);
        CHECK(cJSON_IsNumber(count) && fabs(got[c] - count->valuedouble) < 1e-4 * got[c],
              "%s of class %d: %.0f pixels, expected %.0f", what, c, got[c],
              cJSON_IsNumber(count) ? count->valuedouble : -1);
    }
}

static void check_scores(const areas *a, const cJSON *metrics)
{
    const cJSON *seg = cJSON_GetObjectItemCaseSensitive(metrics, "segmentation");
    const cJSON *summary = cJSON_GetObjectItemCaseSensitive(seg, "summary");
    const cJSON *area = cJSON_GetObjectItemCaseSensitive(metrics, "area");
    double iou = 0, hits = 0, all = 0;
    if (!area)
        area = cJSON_GetObjectItemCaseSensitive(seg, "area");
    for (int c = 0; c < CLASSES; c++) {
        iou += a->hit[c] / (a->predicted[c] + a->labelled[c] - a->hit[c]) / CLASSES;
        hits += a->hit[c];
        all += a->labelled[c];
    }
    const cJSON *want_iou = cJSON_GetObjectItemCaseSensitive(summary, "mIoU");
    const cJSON *want_acc = cJSON_GetObjectItemCaseSensitive(summary, "aAcc");
    fprintf(stderr, "%d pictures: mIoU %.6f, aAcc %.6f\n", a->pictures, iou, hits / all);
    CHECK(a->pictures == golden_int(seg, "images", -1), "%d pictures", a->pictures);
    CHECK(cJSON_IsNumber(want_iou) && fabs(iou - want_iou->valuedouble) < 1e-4, "mIoU %.6f", iou);
    CHECK(cJSON_IsNumber(want_acc) && fabs(hits / all - want_acc->valuedouble) < 1e-4, "aAcc %.6f",
          hits / all);
    check_counts("hits", a->hit, area, "intersect");
    check_counts("predictions", a->predicted, area, "pred");
    check_counts("labels", a->labelled, area, "label");
}

int main(void)
{
    golden_tree data = {.manifest = NULL};
    char metrics_path[GOLDEN_PATH];
    if (!check_shared(data.path, sizeof data.path, "data/nuclei") ||
        !check_shared(metrics_path, sizeof metrics_path, "models/golden/metrics.json")) {
        fprintf(stderr, "the validation pictures are not on this machine\n");
        return SKIPPED;
    }
    cJSON *metrics = golden_json(metrics_path);
    cnx_segmentor *seg = segment_open(NULL, "auto", 0);
    areas a = {.pictures = 0};
    void *context[] = {&a, seg};
    if (seg && metrics) {
        golden_each(&data, "images/validation", visit, context);
        check_scores(&a, metrics);
    }
    cnx_segmentor_close(&seg);
    cJSON_Delete(metrics);
    return CHECK_RESULT;
}
