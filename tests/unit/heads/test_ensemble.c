/* Ensembles of segmentors and classifiers against the averages of their members, and the public
 * interface to classifiers. */
#include "cnx.h"
#include "heads/classifier_group.h"
#include "heads/segmentor_group.h"
#include "tests/golden/segment.h"

#define MODELS CNX_SOURCE_DIR "/tests/data/segmentation/models/"

/* The mini model with other numbers: its description stays. */
static cnx_segmentor *open_segmentor(const char *file)
{
    return segment_open(file, "auto", 2);
}

static cnx_image picture(int width, int height)
{
    cnx_image image;
    unsigned long long seed = 3;
    CHECK(cnx_image_alloc(&image, width, height, NULL) == CNX_OK, "%d x %d", width, height);
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++)
        image.data[i] = (uint8_t)(i / 37 * 19 + (check_random(&seed) & 63));
    return image;
}

static void result_open(segment_result *r, int width, int height, int classes)
{
    const size_t pixels = (size_t)width * (size_t)height;
    *r = (segment_result){.width = width, .height = height, .classes = classes, .in_order = true};
    r->labels = cnx_alloc(pixels * sizeof *r->labels);
    r->confidence = cnx_alloc(pixels * sizeof(float));
    r->prob = cnx_alloc(pixels * (size_t)classes * sizeof(float));
    r->logits = cnx_alloc(pixels * (size_t)classes * sizeof(float));
}

static void run_group(segment_result *r, cnx_segmentor_group *group, const cnx_image *image,
                      unsigned want)
{
    cnx_error err = {0};
    const cnx_segment_request request = {
        .image = image, .want = want, .sink = segment_collect, .user = r};
    result_open(r, image->width, image->height,
                cnx_segmentor_group_description(group)->class_count);
    CHECK(cnx_segmentor_group_run(group, &request, &r->stats, &err) == CNX_OK, "%s", err.message);
    CHECK(r->in_order && r->rows == image->height, "%d rows", r->rows);
}

/* Two views of one model, one of them in windows, against their own answers. */
static void check_segmentors(cnx_average average, const double *weights, const cnx_image *image)
{
    enum { MEMBERS = 2 };
    const unsigned scores = average == CNX_AVERAGE_LOGITS ? CNX_WANT_LOGITS : CNX_WANT_PROB;
    cnx_error err = {0};
    cnx_segmentor_group group = {.average = average};
    segment_result alone[MEMBERS], got;
    for (int m = 0; m < MEMBERS; m++) {
        cnx_segmentor *seg = open_segmentor(MODELS "mini_official.pth");
        cnx_pipeline p = segment_plain_pipeline(seg);
        p.resize = m == 0;
        p.scale_long = 160;
        p.scale_short = 120;
        p.mode = m == 0 ? CNX_MODE_WHOLE : CNX_MODE_SLIDE;
        p.crop_h = p.crop_w = 64;
        p.stride_h = p.stride_w = 40;
        CHECK(cnx_segmentor_group_add(&group, seg, &p, "mini", &err) == CNX_OK, "%s", err.message);
        cnx_segmentor_group one = {.count = 1, .members = {seg}, .pipelines = {p}, .shares = {1}};
        run_group(&alone[m], &one, image, scores);
    }
    CHECK(cnx_ensemble_shares(group.shares, weights, MEMBERS, &err) == CNX_OK, "%s", err.message);
    run_group(&got, &group, image, scores | CNX_WANT_CONFIDENCE | CNX_WANT_PROB);
    const size_t pixels = (size_t)got.width * (size_t)got.height, classes = (size_t)got.classes;
    const bool logits = average == CNX_AVERAGE_LOGITS;
    size_t wrong = 0, labels = 0, confidence = 0;
    for (size_t i = 0; i < pixels * classes; i++) {
        double want = 0;
        for (int m = 0; m < MEMBERS; m++)
            want += group.shares[m] * (double)(logits ? alone[m].logits : alone[m].prob)[i];
        wrong += !(fabs((double)(logits ? got.logits : got.prob)[i] - want) < 1e-5);
    }
    for (size_t i = 0; i < pixels; i++) {
        const float *s = (logits ? got.logits : got.prob) + i * classes;
        size_t best = 0;
        for (size_t c = 1; c < classes; c++)
            best = s[c] > s[best] ? c : best;
        labels += got.labels[i] != best;
        confidence += !(fabsf(got.confidence[i] - got.prob[i * classes + best]) < 1e-6f);
    }
    CHECK(wrong == 0 && labels == 0 && confidence == 0, "%zu scores, %zu labels, %zu confidences",
          wrong, labels, confidence);

    /* Another that shares the weights, on one thread: the same bits. */
    cnx_segmentor_group shared;
    segment_result again;
    CHECK(cnx_segmentor_group_share(&shared, &group, 1, &err) == CNX_OK, "%s", err.message);
    run_group(&again, &shared, image, scores | CNX_WANT_CONFIDENCE | CNX_WANT_PROB);
    CHECK(memcmp(again.labels, got.labels, pixels * sizeof *got.labels) == 0 &&
              memcmp(again.confidence, got.confidence, pixels * sizeof(float)) == 0,
          "the shared ensemble differs");
    cnx_estimate e;
    CHECK(cnx_segmentor_group_estimate(&group, image->width, image->height, scores, &e, &err) ==
                  CNX_OK &&
              e.windows > 2 && e.total_bytes > e.weights_bytes,
          "%s", err.message);
    segment_result_free(&got);
    segment_result_free(&again);
    for (int m = 0; m < MEMBERS; m++)
        segment_result_free(&alone[m]);
    cnx_segmentor_group_close(&shared);
    cnx_segmentor_group_close(&group);
}

static void test_refusals(const cnx_image *image)
{
    cnx_error err = {0};
    segment_result r;
    cnx_segmentor_group group = {0};
    cnx_segmentor *a = open_segmentor(MODELS "mini_official.pth");
    cnx_segmentor *b = open_segmentor(MODELS "mini_official.pth");
    cnx_segmentor *other = open_segmentor(MODELS "micro_official.pth");
    cnx_pipeline p = segment_plain_pipeline(a);
    CHECK(cnx_segmentor_group_add(&group, a, &p, "a", &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_segmentor_group_add(&group, other, &p, "other", &err) == CNX_ERR_MODEL &&
              strstr(err.message, "other has 7 classes"),
          "%s", err.message);
    cnx_segmentor_close(&other);
    CHECK(cnx_segmentor_group_add(&group, b, &p, "b", &err) == CNX_OK, "%s", err.message);
    result_open(&r, image->width, image->height, 5);
    const cnx_segment_request request = {
        .image = image, .want = CNX_WANT_LOGITS, .sink = segment_collect, .user = &r};
    CHECK(cnx_segmentor_group_run(&group, &request, NULL, &err) == CNX_ERR_ARGUMENT, "%s",
          err.message);
    group.average = CNX_AVERAGE_LOGITS;
    group.pipelines[1].flip = true;
    CHECK(cnx_segmentor_group_run(&group, &request, NULL, &err) == CNX_ERR_ARGUMENT, "%s",
          err.message);
    segment_result_free(&r);
    cnx_segmentor_group_close(&group);

    double shares[CNX_MAX_MODELS];
    CHECK(cnx_ensemble_shares(shares, (const double[]){1, 3}, 2, &err) == CNX_OK &&
              shares[0] == 0.25 && shares[1] == 0.75,
          "shares");
    CHECK(cnx_ensemble_shares(shares, (const double[]){0, 0}, 2, &err) == CNX_ERR_ARGUMENT, "zero");
    CHECK(cnx_ensemble_shares(shares, (const double[]){2, -1}, 2, &err) == CNX_ERR_ARGUMENT,
          "negative");
    CHECK(cnx_ensemble_shares(shares, (const double[]){NAN}, 1, &err) == CNX_ERR_ARGUMENT, "NaN");
}

static void test_top(void)
{
    const double scores[] = {1, 3, NAN, 3, -INFINITY, 2};
    int top[6];
    cnx_top_k(scores, 6, 6, top);
    const int want[] = {1, 3, 5, 0, 4, 2};
    for (int i = 0; i < 6; i++)
        CHECK(top[i] == want[i], "place %d: %d", i, top[i]);
    cnx_top_k(scores, 6, 2, top);
    CHECK(top[0] == 1 && top[1] == 3, "two");
    double p[] = {1000, 1000 + log(3), -1e300};
    cnx_probabilities(p, 3);
    CHECK(fabs(p[0] - 0.25) < 1e-12 && fabs(p[1] - 0.75) < 1e-12 && p[2] == 0, "%g %g %g", p[0],
          p[1], p[2]);
}

/* ---- the public interface ---- */

static bool refuse(void *user, double done)
{
    (void)user;
    (void)done;
    return false;
}

static void test_api(void)
{
    static const char *const sets[] = {"pipeline.crop=[64,64]"};
    const cnx_options options = {.sets = sets, .set_count = 1, .threads = 2};
    cnx_error err = {0};
    cnx_model *model = NULL, *second = NULL;
    cnx_info info;
    cnx_image image = {0};
    golden_array want = {0};
    float logits[6], prob[6], again[6];
    double sum = 0;
    CHECK(cnx_open(&model, MODELS "mini_cls_official.pth", &options, &err) == CNX_OK, "%s",
          err.message);
    CHECK(cnx_image_read(&image, MODELS "../images/a.png", NULL, &err) == CNX_OK, "%s",
          err.message);
    cnx_describe(model, &info);
    CHECK(strcmp(info.task, "classification") == 0 && info.classes == 6 && info.input_size == 64,
          "%s, %d classes, %d", info.task, info.classes, info.input_size);
    const size_t stride = 3 * (size_t)image.width;
    CHECK(cnx_classify(model, image.data, image.width, image.height, stride, NULL, CNX_LOGITS,
                       logits, &err) == CNX_OK,
          "%s", err.message);
    if (golden_load(&want, MODELS "../cls/mini_cls_a_64/logits.npy"))
        golden_near("logits", logits, want.data, 6, 1e-4, 1e-4);
    CHECK(cnx_share(&second, model, 1, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_classify(second, image.data, image.width, image.height, stride, NULL, CNX_LOGITS,
                       again, &err) == CNX_OK &&
              memcmp(again, logits, sizeof logits) == 0,
          "%s", err.message);
    cnx_close(&model);
    CHECK(cnx_classify(second, image.data, image.width, image.height, stride, NULL,
                       CNX_PROBABILITIES, prob, &err) == CNX_OK,
          "%s", err.message);
    for (int c = 0; c < 6; c++) {
        sum += (double)prob[c];
        CHECK(fabs(log((double)prob[c] / (double)prob[2]) - (double)(logits[c] - logits[2])) < 1e-4,
              "class %d", c);
    }
    CHECK(fabs(sum - 1) < 1e-6, "probabilities add up to %g", sum);
    uint16_t label;
    const cnx_run_options run = {.progress = refuse};
    CHECK(cnx_classify(second, image.data, image.width, image.height, stride, &run, CNX_LOGITS,
                       again, &err) == CNX_ERR_INTERRUPTED,
          "not interrupted");
    CHECK(cnx_segment(second, image.data, 1, 1, 3, NULL, &label, &err) == CNX_ERR_ARGUMENT &&
              strstr(err.message, "cnx_classify"),
          "%s", err.message);
    CHECK(cnx_classify(second, image.data, image.width, image.height, 5, NULL, CNX_LOGITS, again,
                       &err) == CNX_ERR_ARGUMENT,
          "stride");
    CHECK(cnx_classify(second, image.data, image.width, image.height, stride, NULL, CNX_LOGITS,
                       NULL, &err) == CNX_ERR_ARGUMENT,
          "no scores");
    cnx_close(&second);
    CHECK(cnx_open(&model, MODELS "mini_official.pth", NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_classify(model, image.data, image.width, image.height, stride, NULL, CNX_LOGITS,
                       again, &err) == CNX_ERR_ARGUMENT &&
              strstr(err.message, "no classifier"),
          "%s", err.message);
    cnx_close(&model);
    golden_free(&want);
    cnx_image_free(&image);
}

int main(void)
{
    cnx_image image = picture(97, 73);
    check_segmentors(CNX_AVERAGE_PROBABILITIES, NULL, &image);
    check_segmentors(CNX_AVERAGE_LOGITS, (const double[]){3, 1}, &image);
    test_refusals(&image);
    cnx_image_free(&image);
    test_top();
    test_api();
    return CHECK_RESULT;
}
