/* The embedded demo model on pictures of its kind, against what the reference made of them. */
#include "tests/golden/segment.h"

static const char *const pictures[] = {"76c44d1addac", "01d44a26f668", "4d09672bcf5a"};

/* The golden files of one picture: committed, or from the full set, or nowhere (false). */
static bool find_golden(char path[GOLDEN_PATH], const char *id, const char *suffix)
{
    char shared[GOLDEN_PATH];
    golden_format(path, "%s/tests/data/segmentation/demo/%s%s", CNX_SOURCE_DIR, id, suffix);
    if (access(path, R_OK) == 0)
        return true;
    if (!check_shared(shared, sizeof shared, "models/golden"))
        return false;
    golden_format(path, "%s/%s%s", shared, id, suffix);
    return access(path, R_OK) == 0;
}

/* At most one pixel in 10,000 may have another label: near ties. */
static void check_labels(const char *id, const segment_result *r)
{
    char path[GOLDEN_PATH];
    cnx_image want = {0};
    CHECK(find_golden(path, id, "_seg_labels.png"), "no label map of %s", id);
    if (!segment_read_image(&want, path))
        return;
    const size_t n = (size_t)r->width * (size_t)r->height;
    size_t wrong = 0;
    CHECK(want.width == r->width && want.height == r->height, "%s: label map's size", id);
    for (size_t i = 0; i < n; i++)
        wrong += want.data[3 * i] != r->labels[i];
    CHECK(wrong * 10000 <= n, "%s: %zu of %zu labels differ", id, wrong, n);
    cnx_image_free(&want);
}

/* Logits at the picture's size; the golden ones are rounded to half precision (2^-11 at most). */
static void check_logits(const char *id, const segment_result *r)
{
    char path[GOLDEN_PATH], what[GOLDEN_PATH];
    golden_array want;
    if (!find_golden(path, id, "_seg_logits.npy") || !golden_load(&want, path))
        return;
    const size_t pixels = (size_t)r->width * (size_t)r->height, c = (size_t)r->classes;
    float *planes = cnx_alloc(pixels * c * sizeof(float));
    golden_to_channels_first(planes, r->logits, c, pixels);
    golden_format(what, "%s: logits at the picture's size", id);
    CHECK(want.n == pixels * c, "%s: %zu elements", id, want.n);
    if (want.n == pixels * c)
        golden_near(what, planes, want.data, want.n, 1e-3 + 5e-4, 1e-3 + 5e-4);
    cnx_free(planes);
    golden_free(&want);
}

/* float32(pixel) - float32(mean), then times the reciprocal that was taken in double. */
static float *normalise(const cnx_image *image, const cnx_pipeline *p)
{
    const size_t n = 3 * (size_t)image->width * (size_t)image->height;
    float *out = cnx_alloc(n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        const float centred = (float)image->data[i] - p->mean[i % 3];
        out[i] = (float)(centred * (1.0 / (double)p->std[i % 3]));
    }
    return out;
}

/* One forward pass over the whole resized picture: logits at a quarter of its size. */
static void check_quarter(const char *id, cnx_segmentor *seg, const cnx_image *image)
{
    char path[GOLDEN_PATH], what[GOLDEN_PATH];
    cnx_error err = {0};
    golden_array want;
    cnx_image resized = {0};
    int h = 0, w = 0;
    if (!find_golden(path, id, "_seg_logits_quarter.npy") || !golden_load(&want, path))
        return;
    const cnx_description *d = cnx_segmentor_description(seg);
    cnx_keep_ratio(image->height, image->width, d->pipeline.scale_long, d->pipeline.scale_short, &h,
                   &w);
    CHECK(cnx_image_resize(&resized, image, w, h, &err) == CNX_OK, "%s", err.message);
    const size_t pixels = (size_t)(h / 4) * (size_t)(w / 4), c = (size_t)d->class_count;
    CHECK(want.n == pixels * c, "%s: %d x %d gives %zu logits, not %zu", id, h, w, pixels * c,
          want.n);
    float *input = normalise(&resized, &d->pipeline);
    float *got = cnx_alloc(pixels * c * sizeof(float));
    float *planes = cnx_alloc(pixels * c * sizeof(float));
    CHECK(cnx_segmentor_network(seg, input, h, w, got, NULL, NULL, &err) == CNX_OK, "%s",
          err.message);
    golden_to_channels_first(planes, got, c, pixels);
    golden_format(what, "%s: logits at a quarter", id);
    if (want.n == pixels * c)
        golden_near(what, planes, want.data, want.n, 1e-3, 1e-3);
    cnx_free(input);
    cnx_free(got);
    cnx_free(planes);
    cnx_image_free(&resized);
    golden_free(&want);
}

/* What the model's card says. */
static void check_description(const cnx_segmentor *seg)
{
    const cnx_description *d = cnx_segmentor_description(seg);
    const cnx_pipeline *p = &d->pipeline;
    CHECK(d->task == CNX_TASK_SEGMENTATION && d->class_count == 3, "%d classes", d->class_count);
    const char *variant = cnx_convnext_variant(&d->backbone);
    CHECK(variant && strcmp(variant, "atto") == 0, "%s", variant ? variant : "no variant");
    static const char *const names[] = {"background", "nucleus", "border"};
    for (int i = 0; i < 3 && i < d->class_count; i++)
        CHECK(strcmp(d->class_names[i], names[i]) == 0, "class %d is %s", i, d->class_names[i]);
    CHECK(strcmp(d->classes_from, "checkpoint") == 0, "%s", d->classes_from);
    CHECK(p->resize && p->scale_long == 2560 && p->scale_short == 640, "scale %d x %d",
          p->scale_long, p->scale_short);
    CHECK(p->mode == CNX_MODE_SLIDE && p->crop_h == 640 && p->crop_w == 640 && p->stride_h == 426 &&
              p->stride_w == 426,
          "mode %d, crop %d x %d, stride %d x %d", (int)p->mode, p->crop_h, p->crop_w, p->stride_h,
          p->stride_w);
    CHECK(p->scale_count == 0 && !p->flip, "test-time augmentation is on");
}

int main(void)
{
    cnx_segmentor *seg = segment_open(NULL, "auto", 2);
    if (!seg)
        return CHECK_RESULT;
    check_description(seg);
    const size_t count = GOLDEN_SLOW_BUILD ? 1 : sizeof pictures / sizeof *pictures;
    for (size_t i = 0; i < count; i++) {
        char path[GOLDEN_PATH];
        cnx_image image;
        segment_result r = {0};
        golden_format(path, "%s/tests/data/nuclei/%s.png", CNX_SOURCE_DIR, pictures[i]);
        if (!segment_read_image(&image, path))
            continue;
        if (segment_run_whole(&r, seg, &image, NULL, CNX_WANT_LOGITS, pictures[i])) {
            check_labels(pictures[i], &r);
            check_logits(pictures[i], &r);
            check_quarter(pictures[i], seg, &image);
        }
        segment_result_free(&r);
        cnx_image_free(&image);
    }
    cnx_segmentor_close(&seg);
    return CHECK_RESULT;
}
