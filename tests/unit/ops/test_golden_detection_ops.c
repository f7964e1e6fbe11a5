/* The operations of detectors against the golden files, for every kernel table of this machine. */
#include "core/ops/boxes.h"
#include "core/ops/nms.h"
#include "core/ops/paste.h"
#include "core/ops/pyramid.h"
#include "core/ops/roi_align.h"
#include "tests/golden/golden.h"
#include "tests/unit/ops/op_test.h"

static char folder[GOLDEN_PATH];

static golden_array load(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static golden_array load(const char *fmt, ...)
{
    char name[GOLDEN_PATH], path[2 * GOLDEN_PATH];
    golden_array array;
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    golden_load(&array, path);
    return array;
}

static bool exists(const char *name)
{
    char path[2 * GOLDEN_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, R_OK) == 0;
}

static cJSON *load_json(const char *name)
{
    char path[2 * GOLDEN_PATH];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return golden_json(path);
}

/* ---- NMS ---- */

static void test_nms_case(const cnx_kernels *k, const cJSON *spec)
{
    const char *name = golden_text(spec, "name");
    const bool batched = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(spec, "batched"));
    golden_array boxes = {0}, scores = {0}, want = {0}, ids = {0};
    if (golden_int(spec, "n", 0) > 0) {
        boxes = load("nms/%s/boxes.npy", name);
        scores = load("nms/%s/scores.npy", name);
        want = load("nms/%s/keep.npy", name);
    }
    if (batched)
        ids = load("nms/%s/ids.npy", name);
    const int n = (int)scores.n;
    int keep[1024], groups[1024], kept = -1;
    cnx_error err = {0};
    for (int i = 0; i < n && batched; i++)
        groups[i] = (int)ids.data[i];
    const cnx_nms_request request = {
        .boxes = (const float(*)[4])boxes.data,
        .scores = scores.data,
        .groups = batched ? groups : NULL,
        .count = n,
        .iou = (float)cJSON_GetObjectItemCaseSensitive(spec, "thr")->valuedouble,
        .max_kept = 1024};
    CHECK(cnx_nms(k, &request, keep, &kept, &err) == CNX_OK, "%s: %s", name, err.message);
    CHECK(kept == (int)want.n, "%s (%s): kept %d, want %zu", name, k->name, kept, want.n);
    for (int i = 0; i < kept && i < (int)want.n; i++)
        CHECK(keep[i] == (int)want.data[i], "%s (%s): number %d is %d, want %g", name, k->name, i,
              keep[i], (double)want.data[i]);
    golden_free(&boxes);
    golden_free(&scores);
    golden_free(&want);
    golden_free(&ids);
}

static void test_nms(const cnx_kernels *k)
{
    cJSON *cases = load_json("nms/cases.json");
    const cJSON *spec;
    cJSON_ArrayForEach(spec, cases)
    {
        test_nms_case(k, spec);
    }
    CHECK(cJSON_GetArraySize(cases) >= 12, "too few cases");
    cJSON_Delete(cases);
}

/* ---- RoIAlign ---- */

static void test_roi_align(const cnx_kernels *k, int size, int sampling)
{
    char name[64];
    snprintf(name, sizeof name, "roi_align/out%d_s%d.npy", size, sampling);
    if (!exists(name))
        return;
    golden_array feat = load("roi_align/feat.npy"), rois = load("roi_align/rois.npy");
    golden_array want = load("roi_align/out%d_s%d.npy", size, sampling);
    const size_t *shape = feat.shape + feat.rank - 3, c = shape[0], h = shape[1], w = shape[2];
    const size_t n = rois.shape[0], step = rois.shape[1], bins = (size_t)(size * size);
    float *map = cnx_alloc(feat.n * sizeof(float)), *got = cnx_alloc(want.n * sizeof(float));
    float *one = cnx_alloc(bins * c * sizeof(float));
    void *scratch = cnx_alloc(cnx_roi_align_scratch(size, (int)h, (int)w, (int)c));
    const cnx_roi_align align = {.size = size, .sampling = sampling, .scale = 0.125f};
    golden_to_channels_last(map, feat.data, c, h * w);
    for (size_t i = 0; i < n; i++) {
        const float *box = rois.data + i * step + (step - 4); /* some have the picture's number */
        cnx_roi_align_run(k, &align, cnx_map_dense(map, (int)h, (int)w, (int)c), box, one, scratch);
        golden_to_channels_first(got + i * bins * c, one, c, bins);
    }
    golden_near(name, got, want.data, want.n, 2e-5, 0);
    cnx_free(map);
    cnx_free(got);
    cnx_free(one);
    cnx_free(scratch);
    golden_free(&feat);
    golden_free(&rois);
    golden_free(&want);
}

static void test_levels(void)
{
    golden_array rois = load("roi_levels/rois.npy"), want = load("roi_levels/levels.npy");
    const size_t step = rois.shape[1];
    for (size_t i = 0; i < want.n; i++) {
        const float *box = rois.data + i * step + (step - 4);
        CHECK(cnx_roi_level(box, 4) == (int)want.data[i], "level of region %zu: %d, want %g", i,
              cnx_roi_level(box, 4), (double)want.data[i]);
    }
    golden_free(&rois);
    golden_free(&want);
}

/* ---- boxes ---- */

static void test_decode(void)
{
    cJSON *cases = load_json("delta2bbox/cases.json");
    const cJSON *spec;
    cJSON_ArrayForEach(spec, cases)
    {
        const char *name = golden_text(spec, "name");
        golden_array rois = load("delta2bbox/%s_rois.npy", name);
        golden_array deltas = load("delta2bbox/%s_deltas.npy", name);
        golden_array want = load("delta2bbox/%s_out.npy", name);
        const cJSON *stds = cJSON_GetObjectItemCaseSensitive(spec, "stds");
        float std[4], *got = cnx_alloc(want.n * sizeof(float));
        int h = 0, w = 0;
        const bool clip = golden_pair(spec, "max_shape", &h, &w);
        const size_t classes = (size_t)golden_int(spec, "classes", 1);
        for (int i = 0; i < 4; i++)
            std[i] = (float)cJSON_GetArrayItem(stds, i)->valuedouble;
        for (size_t i = 0; i < want.n / 4; i++) {
            cnx_box_decode(rois.data + i / classes * 4, deltas.data + 4 * i, std, got + 4 * i);
            if (clip)
                cnx_box_clip(got + 4 * i, (float)w, (float)h);
        }
        golden_near(name, got, want.data, want.n, 1e-3, 1e-6);
        cnx_free(got);
        golden_free(&rois);
        golden_free(&deltas);
        golden_free(&want);
    }
    cJSON_Delete(cases);
}

/* ---- the pyramid ---- */

typedef void (*between)(const cnx_exec *exec, cnx_map in, cnx_map out);

static void test_between(const cnx_kernels *k, const char *name, between run)
{
    golden_array in = load("fpn/%s_in.npy", name), want = load("fpn/%s_out.npy", name);
    const size_t c = in.shape[0], pixels = in.shape[1] * in.shape[2];
    const size_t out_pixels = want.shape[1] * want.shape[2];
    float *from = cnx_alloc(in.n * sizeof(float)), *got = cnx_alloc(want.n * sizeof(float));
    float *to = cnx_calloc(want.n * sizeof(float));
    const cnx_exec exec = {.k = k, .threads = 2};
    golden_to_channels_last(from, in.data, c, pixels);
    run(&exec, cnx_map_dense(from, (int)in.shape[1], (int)in.shape[2], (int)c),
        cnx_map_dense(to, (int)want.shape[1], (int)want.shape[2], (int)c));
    golden_to_channels_first(got, to, c, out_pixels);
    CHECK(memcmp(got, want.data, want.n * sizeof(float)) == 0, "%s (%s)", name, k->name);
    cnx_free(from);
    cnx_free(got);
    cnx_free(to);
    golden_free(&in);
    golden_free(&want);
}

static void test_pyramid(const cnx_kernels *k)
{
    static const char *const nearest[] = {"near_2x2_to_5x3", "near_3x5_to_5x9", "near_3x5_to_6x10",
                                          "near_4x7_to_7x13"};
    static const char *const halved[] = {"sub_13x21", "sub_1x1", "sub_7x10", "sub_8x5"};
    for (int i = 0; i < 4; i++) {
        test_between(k, nearest[i], cnx_nearest_add_run); /* onto zeros */
        test_between(k, halved[i], cnx_subsample_run);
    }
}

/* ---- pasting ---- */

/* The rule of the fixtures: pixels whose value is the threshold within rounding may differ. */
static void test_paste(const cnx_kernels *k)
{
    golden_array prob = load("paste/prob.npy"), boxes = load("paste/boxes.npy");
    cJSON *rle = load_json("paste/rle.json");
    const cJSON *texts = cJSON_GetObjectItemCaseSensitive(rle, "counts");
    int h = 0, w = 0, same = 0;
    golden_pair(rle, "size", &h, &w);
    const cnx_paste paste = {.width = w, .height = h, .threshold = 0.5f};
    const int size = (int)prob.shape[prob.rank - 1], n = cJSON_GetArraySize(texts);
    void *scratch = cnx_alloc(cnx_paste_scratch(&paste, size));
    cnx_rle_builder builder = {0};
    for (int i = 0; i < n; i++) {
        cnx_error err = {0};
        cnx_rle got, want;
        const char *text = cJSON_GetStringValue(cJSON_GetArrayItem(texts, i));
        CHECK(cnx_paste_run(k, &paste, prob.data + (size_t)i * (size_t)(size * size), size,
                            boxes.data + 4 * (size_t)i, &builder, scratch, &got, &err) == CNX_OK,
              "%s", err.message);
        CHECK(cnx_rle_from_text(&want, text, strlen(text), (uint32_t)h, (uint32_t)w, &err) ==
                  CNX_OK,
              "%s", err.message);
        const double iou = cnx_rle_iou(&got, &want, false),
                     areas = (double)cnx_rle_area(&got) + cnx_rle_area(&want);
        const double differ = areas - 2 * areas * iou / (1 + iou);
        CHECK(areas == 0 || differ < 1.5, "%s, mask %d: %g pixels differ", k->name, i, differ);
        same += got.count == want.count &&
                memcmp(got.counts, want.counts, got.count * sizeof *got.counts) == 0;
        cnx_rle_free(&got);
        cnx_rle_free(&want);
    }
    CHECK(n >= 24 && same == n, "%s: %d of %d masks are the same", k->name, same, n);
    cnx_rle_buffer_free(&builder.runs);
    cnx_free(scratch);
    cJSON_Delete(rle);
    golden_free(&prob);
    golden_free(&boxes);
}

static void test_folder(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    for (int t = 0; t < count; t++) {
        test_nms(&tables[t]);
        test_pyramid(&tables[t]);
        test_paste(&tables[t]);
        for (int s = 0; s <= 2; s += 2) {
            test_roi_align(&tables[t], 7, s);
            test_roi_align(&tables[t], 14, s);
        }
    }
    test_levels();
    test_decode();
}

int main(void)
{
    golden_format(folder, "%s/tests/data/detection/ops", CNX_SOURCE_DIR);
    test_folder();
    if (check_shared(folder, sizeof folder, "fixtures/det/ops"))
        test_folder();
    return CHECK_RESULT;
}
