/* What must hold for any picture and pipeline: the same bits for any number of threads and any
 * order of pictures, kernels that agree, mirrored pictures that give mirrored results. */
#include "tests/golden/segment.h"

#define MODEL "tests/data/segmentation/models/mini_official.pth"

/* Smooth enough to look like a picture, random enough to give every class. */
static cnx_image picture(int width, int height, unsigned long long seed)
{
    cnx_image image = {0};
    const double a = check_uniform(&seed), b = check_uniform(&seed), c = check_uniform(&seed);
    CHECK(cnx_image_alloc(&image, width, height, NULL) == CNX_OK, "no memory");
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int i = 0; i < 3; i++) {
                const double wave = sin((a + i) * x * 0.15 + b * y * 0.2 + c * i * 3);
                const double value = 128 + 90 * wave + 30 * check_uniform(&seed);
                image.data[3 * ((size_t)y * (size_t)width + (size_t)x) + (size_t)i] =
                    (uint8_t)fmin(fmax(value, 0), 255);
            }
    return image;
}

/* The pipelines that the tests below go through. */
enum { PLAIN, RESIZED, SLIDING, SCALES_MMSEG0, SCALES_MMSEG1, PADDED, PIPELINES };

static cnx_pipeline pipeline(const cnx_segmentor *seg, int kind)
{
    cnx_pipeline p = segment_plain_pipeline(seg);
    if (kind == RESIZED || kind == SLIDING || kind == SCALES_MMSEG0) {
        p.resize = true;
        p.scale_long = 300;
        p.scale_short = 90;
    }
    if (kind == SLIDING || kind == SCALES_MMSEG0) {
        p.mode = CNX_MODE_SLIDE;
        p.crop_h = 64;
        p.crop_w = 80;
        p.stride_h = 43;
        p.stride_w = 50;
    }
    if (kind == SCALES_MMSEG0 || kind == SCALES_MMSEG1) {
        p.scales[p.scale_count++] = 0.75;
        p.scales[p.scale_count++] = 1.0;
        p.scales[p.scale_count++] = 1.4;
        p.flip = true;
        p.rule = kind == SCALES_MMSEG1 ? CNX_TTA_MMSEG1 : CNX_TTA_MMSEG0;
    }
    if (kind == PADDED)
        p.pad_divisor = 32;
    return p;
}

static unsigned want_for(int kind)
{
    const unsigned want = CNX_WANT_CONFIDENCE | CNX_WANT_PROB;
    return kind == SCALES_MMSEG0 || kind == SCALES_MMSEG1 ? want : want | CNX_WANT_LOGITS;
}

/* Sizes that leave rows and columns over at every step. */
static const int sizes[][2] = {{131, 97}, {67, 121}, {97, 131}, {60, 83}};
enum { SIZES = 4 };

static void check_threads(const char *model)
{
    static const int threads[] = {1, 2, 3, 8};
    segment_result first[PIPELINES] = {{0}};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        cnx_segmentor *seg = segment_open(model, "auto", threads[t]);
        for (int kind = 0; seg && kind < PIPELINES; kind++) {
            cnx_image image = picture(sizes[kind % SIZES][0], sizes[kind % SIZES][1], 7);
            const cnx_pipeline p = pipeline(seg, kind);
            segment_result r = {0};
            if (segment_run_whole(&r, seg, &image, &p, want_for(kind), "threads") && t > 0)
                CHECK(segment_same_bits(&r, &first[kind]), "pipeline %d: %d threads differ from 1",
                      kind, threads[t]);
            if (t == 0)
                first[kind] = r;
            else
                segment_result_free(&r);
            cnx_image_free(&image);
        }
        cnx_segmentor_close(&seg);
    }
    for (int kind = 0; kind < PIPELINES; kind++)
        segment_result_free(&first[kind]);
}

/* One segmentor for pictures of many sizes gives what a fresh one gives for each. */
static void check_reuse(const char *model)
{
    cnx_segmentor *kept = segment_open(model, "auto", 2);
    for (int round = 0; kept && round < 2 * SIZES; round++) {
        const int *size = sizes[round % SIZES], kind = round % 2 ? SLIDING : PLAIN;
        cnx_image image = picture(size[0], size[1], (unsigned long long)round);
        cnx_segmentor *fresh = segment_open(model, "auto", 2);
        const cnx_pipeline p = pipeline(kept, kind);
        segment_result a = {0}, b = {0};
        if (fresh && segment_run_whole(&a, kept, &image, &p, CNX_WANT_LOGITS, "kept") &&
            segment_run_whole(&b, fresh, &image, &p, CNX_WANT_LOGITS, "fresh"))
            CHECK(segment_same_bits(&a, &b), "picture %d: an earlier picture shows", round);
        segment_result_free(&a);
        segment_result_free(&b);
        cnx_segmentor_close(&fresh);
        cnx_image_free(&image);
    }
    cnx_segmentor_close(&kept);
}

/* What is asked for beside them does not change the labels. */
static void check_wants(const char *model)
{
    cnx_segmentor *seg = segment_open(model, "auto", 2);
    for (int kind = 0; seg && kind < PIPELINES; kind++) {
        cnx_image image = picture(89, 71, 3);
        const cnx_pipeline p = pipeline(seg, kind);
        segment_result all = {0}, none = {0};
        if (segment_run_whole(&all, seg, &image, &p, want_for(kind), "all") &&
            segment_run_whole(&none, seg, &image, &p, 0, "labels only"))
            CHECK(memcmp(all.labels, none.labels, (size_t)89 * 71 * sizeof(uint16_t)) == 0,
                  "pipeline %d: labels depend on what else is wanted", kind);
        segment_result_free(&all);
        segment_result_free(&none);
        cnx_image_free(&image);
    }
    cnx_segmentor_close(&seg);
}

/* Every kernel table gives the plain C kernels' logits but for rounding. */
static void check_kernels(const char *model)
{
    static const char *const tables[] = {"openblas", "avx2", "avx512", "neon", "auto"};
    cnx_segmentor *ref = segment_open(model, "ref", 2);
    cnx_image image = picture(101, 77, 11);
    segment_result want = {0};
    cnx_pipeline p = {0};
    if (ref) {
        p = pipeline(ref, SLIDING);
        segment_run_whole(&want, ref, &image, &p, CNX_WANT_LOGITS, "ref");
    }
    for (size_t i = 0; want.logits && i < sizeof tables / sizeof *tables; i++) {
        cnx_kernels k;
        segment_result got = {0};
        if (cnx_kernels_init(&k, tables[i], NULL) != CNX_OK)
            continue;
        cnx_segmentor *seg = segment_open(model, tables[i], 2);
        if (seg && segment_run_whole(&got, seg, &image, &p, CNX_WANT_LOGITS, tables[i]))
            golden_near(tables[i], got.logits, want.logits, (size_t)101 * 77 * (size_t)want.classes,
                        2e-4, 1e-4);
        segment_result_free(&got);
        cnx_segmentor_close(&seg);
    }
    segment_result_free(&want);
    cnx_image_free(&image);
    cnx_segmentor_close(&ref);
}

/* One window as large as the input, or larger, is the whole input. */
static void check_one_window(const char *model)
{
    cnx_segmentor *seg = segment_open(model, "auto", 2);
    cnx_image image = picture(90, 66, 5);
    for (int larger = 0; seg && larger < 2; larger++) {
        cnx_pipeline whole = pipeline(seg, PLAIN), slide = whole;
        slide.mode = CNX_MODE_SLIDE;
        slide.crop_h = 66 + 400 * larger;
        slide.crop_w = 90 + 400 * larger;
        slide.stride_h = slide.stride_w = 40;
        segment_result a = {0}, b = {0};
        if (segment_run_whole(&a, seg, &image, &whole, CNX_WANT_LOGITS, "whole") &&
            segment_run_whole(&b, seg, &image, &slide, CNX_WANT_LOGITS, "slide")) {
            CHECK(b.stats.windows == 1, "%d windows", b.stats.windows);
            golden_near("one window", b.logits, a.logits, (size_t)90 * 66 * (size_t)a.classes, 1e-5,
                        1e-5);
        }
        segment_result_free(&a);
        segment_result_free(&b);
    }
    cnx_image_free(&image);
    cnx_segmentor_close(&seg);
}

/* With flip on, the mirrored picture has the mirrored probabilities. */
static void check_mirror(const char *model)
{
    enum { W = 96, H = 64 };
    cnx_segmentor *seg = segment_open(model, "auto", 2);
    if (!seg)
        return;
    cnx_image image = picture(W, H, 9);
    cnx_pipeline p = pipeline(seg, PLAIN);
    p.flip = true;
    segment_result a = {0}, b = {0};
    bool done = segment_run_whole(&a, seg, &image, &p, CNX_WANT_PROB, "plain");
    cnx_image_flip(&image);
    done = segment_run_whole(&b, seg, &image, &p, CNX_WANT_PROB, "mirrored") && done;
    if (done) {
        const size_t c = (size_t)a.classes;
        float *mirrored = cnx_alloc(W * H * c * sizeof(float));
        CHECK(a.stats.passes == 2, "%d passes", a.stats.passes);
        for (size_t y = 0; y < H; y++)
            for (size_t x = 0; x < W; x++)
                memcpy(mirrored + (y * W + x) * c, b.prob + (y * W + W - 1 - x) * c,
                       c * sizeof(float));
        golden_near("mirrored", mirrored, a.prob, W * H * c, 1e-5, 1e-5);
        cnx_free(mirrored);
    }
    segment_result_free(&a);
    segment_result_free(&b);
    cnx_image_free(&image);
    cnx_segmentor_close(&seg);
}

/* One scale of 1 without flip is no augmentation: the probabilities of the plain run. */
static void check_single_scale(const char *model)
{
    cnx_segmentor *seg = segment_open(model, "auto", 2);
    cnx_image image = picture(80, 61, 21);
    for (int rule = 0; seg && rule < 2; rule++) {
        cnx_pipeline plain = pipeline(seg, PLAIN), scaled = plain;
        scaled.scale_count = 1;
        scaled.scales[0] = 1.0;
        scaled.rule = rule ? CNX_TTA_MMSEG1 : CNX_TTA_MMSEG0;
        segment_result a = {0}, b = {0};
        if (segment_run_whole(&a, seg, &image, &plain, CNX_WANT_PROB, "plain") &&
            segment_run_whole(&b, seg, &image, &scaled, CNX_WANT_PROB, "one scale"))
            golden_near("one scale", b.prob, a.prob, (size_t)80 * 61 * (size_t)a.classes, 1e-5,
                        1e-5);
        segment_result_free(&a);
        segment_result_free(&b);
    }
    cnx_image_free(&image);
    cnx_segmentor_close(&seg);
}

int main(void)
{
    const char *model = CNX_SOURCE_DIR "/" MODEL;
    check_threads(model);
    check_reuse(model);
    check_wants(model);
    check_kernels(model);
    check_one_window(model);
    check_mirror(model);
    check_single_scale(model);
    return CHECK_RESULT;
}
