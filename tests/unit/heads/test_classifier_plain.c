/*
 * Classifiers of every form on widths and sizes that leave something over, for every table of
 * kernels: near the plain definition in double precision, and the same bits on 1 to 3 threads, in
 * a classifier that shares the weights, and after other sizes.
 */
#include "heads/classifier.h"
#include "tests/unit/heads/plain_network.h"
#include "tests/unit/heads/synthetic.h"

enum { MAX_THREADS = 3 };

static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon"};
enum { TABLES = sizeof tables / sizeof *tables };

static const struct {
    plain_model model;
    const char *sets[3]; /* what names and shapes do not tell */
} models[] = {
    {{.depths = {1, 2, 1, 1}, .dims = {5, 9, 17, 33}, .version = 1, .classes = 7}, {NULL}},
    {{.depths = {1, 1, 2, 1}, .dims = {12, 20, 36, 68}, .version = 2, .classes = 1001}, {NULL}},
    {{.depths = {3},
      .dims = {37},
      .version = 1,
      .classes = 10,
      .isotropic = true,
      .unscaled = true},
     {NULL}},
    {{.depths = {2}, .dims = {64}, .version = 1, .classes = 33, .isotropic = true}, {NULL}},
    {{.depths = {1, 1, 1, 1},
      .dims = {32, 64, 96, 128},
      .version = 1,
      .classes = 10,
      .dwconv = {7, 5, 5, 3},
      .act = CNX_MLP_SILU,
      .eps = 1e-5},
     {"backbone.act=\"silu\"", "backbone.eps=1e-5"}},
    {{.depths = {1, 1, 1, 1},
      .dims = {24, 32, 48, 64},
      .version = 1,
      .classes = 3,
      .unscaled = true,
      .act = CNX_MLP_GELU_TANH},
     {"backbone.act=\"gelu_tanh\""}},
};
enum { MODELS = sizeof models / sizeof *models };

static const int sizes[][2] = {{32, 32}, {33, 47}, {66, 49}};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Single precision leaves 5e-7 here. */
static const double limit = 2e-6;

static double distance(const float *got, plain_map want)
{
    double worst = 0, low = INFINITY, high = -INFINITY;
    for (int i = 0; i < want.c; i++) {
        const double off = fabs((double)got[i] - want.x[i]);
        worst = off > worst || isnan(off) ? off : worst;
        low = fmin(low, want.x[i]);
        high = fmax(high, want.x[i]);
    }
    return worst / (high - low);
}

static float *interleaved(plain_map map)
{
    const size_t pixels = (size_t)map.h * (size_t)map.w;
    float *x = malloc(3 * pixels * sizeof *x);
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < 3; c++)
            x[3 * p + c] = (float)map.x[c * pixels + p];
    return x;
}

static cnx_classifier *open_classifier(const char *path, const char *const *sets,
                                       const char *kernels, int threads)
{
    cnx_error err = {0};
    cnx_model_file file;
    cnx_classifier *cls = NULL;
    size_t count = 0;
    while (sets[count])
        count++;
    const cnx_model_options options = {.threads = threads, .kernels = kernels};
    cnx_status status = cnx_model_file_open(&file, path, NULL, sets, count, false, &err);
    if (status == CNX_OK)
        status = cnx_classifier_open(&cls, &file, &options, &err);
    cnx_model_file_close(&file);
    CHECK(status == CNX_OK, "%s", err.message);
    return cls;
}

static void check_table(const char *path, size_t index, const char *kernels,
                        float *const inputs[SIZES], const plain_map wanted[SIZES])
{
    enum { CANARY = 8 };
    const int classes = models[index].model.classes;
    const size_t n = (size_t)classes;
    float *first = calloc(SIZES * (n + CANARY), sizeof *first);
    float *other = malloc((n + CANARY) * sizeof *other);
    for (int t = 1; t <= MAX_THREADS + 1; t++) {
        cnx_error err = {0};
        cnx_classifier *cls = open_classifier(path, models[index].sets, kernels, t), *shared = NULL;
        if (!cls)
            continue;
        if (t > MAX_THREADS) { /* one that outlives the one it shares with */
            CHECK(cnx_classifier_share(&shared, cls, 1, &err) == CNX_OK, "%s", err.message);
            cnx_classifier_close(&cls);
            cls = shared;
        }
        for (int i = 0; i < SIZES; i++) {
            float *logits = t == 1 ? first + (size_t)i * (n + CANARY) : other;
            for (size_t j = 0; j < n + CANARY; j++)
                logits[j] = 12345.5f;
            CHECK(cnx_classifier_network(cls, inputs[i], sizes[i][0], sizes[i][1], logits, NULL,
                                         NULL, &err) == CNX_OK,
                  "%s", err.message);
            CHECK(memcmp(logits, first + (size_t)i * (n + CANARY), (n + CANARY) * sizeof *first) ==
                      0,
                  "model %zu, %s, size %d: run %d differs from the first", index, kernels, i, t);
            if (t == 1)
                CHECK(distance(logits, wanted[i]) < limit && logits[n] == 12345.5f,
                      "model %zu, %s, %d x %d: off by %g of the range", index, kernels, sizes[i][0],
                      sizes[i][1], distance(logits, wanted[i]));
        }
        cnx_classifier_close(&cls);
    }
    free(first);
    free(other);
}

static void check_model(size_t index)
{
    plain_model m = models[index].model;
    plain_map wanted[SIZES];
    float *inputs[SIZES];
    m.seed = 11 + index;
    for (int i = 0; i < SIZES; i++) {
        const plain_map input = plain_new(&m, 3, sizes[i][0], sizes[i][1]);
        for (size_t p = 0; p < 3 * (size_t)input.h * (size_t)input.w; p++)
            input.x[p] = (double)(2 * check_uniform(&m.seed));
        inputs[i] = interleaved(input);
        wanted[i] = plain_classifier(&m, input);
    }
    const char *path = synthetic_path("plain.safetensors");
    if (plain_write(&m, path))
        for (int t = 0; t < TABLES; t++) {
            cnx_kernels k;
            if (cnx_kernels_init(&k, tables[t], NULL) == CNX_OK)
                check_table(path, index, tables[t], inputs, wanted);
        }
    for (int i = 0; i < SIZES; i++)
        free(inputs[i]);
    plain_free(&m);
}

/* ---- pictures ---- */

static cnx_image picture(int width, int height)
{
    cnx_image image;
    unsigned long long state = 5;
    CHECK(cnx_image_alloc(&image, width, height, NULL) == CNX_OK, "%d x %d", width, height);
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++)
        image.data[i] = (uint8_t)check_random(&state);
    return image;
}

/* Pictures of any shape are classified; those that the network cannot take as they are, are
 * refused with what to do. */
static void test_pictures(void)
{
    static const int shapes[][2] = {{1, 1}, {1, 300}, {2000, 3}, {64, 64}, {31, 64}};
    plain_model m = models[0].model;
    float logits[7], again[7];
    cnx_error err = {0};
    m.seed = 11;
    plain_classifier(&m, plain_new(&m, 3, 32, 32));
    plain_write(&m, synthetic_path("pictures.safetensors"));
    plain_free(&m);
    cnx_classifier *cls =
        open_classifier(synthetic_path("pictures.safetensors"), models[0].sets, "auto", 2);
    for (size_t i = 0; cls && i < sizeof shapes / sizeof *shapes; i++) {
        cnx_image image = picture(shapes[i][0], shapes[i][1]);
        cnx_classify_request request = {.image = &image};
        cnx_classify_stats stats;
        cnx_estimate estimate;
        CHECK(cnx_classifier_run(cls, &request, logits, &stats, &err) == CNX_OK, "%s", err.message);
        CHECK(stats.net_h == 224 && stats.net_w == 224, "%d x %d", stats.net_h, stats.net_w);
        CHECK(cnx_classifier_estimate(cls, image.width, image.height, NULL, &estimate, &err) ==
                      CNX_OK &&
                  estimate.total_bytes > estimate.arena_bytes && estimate.macs > 1e6,
              "%s", err.message);
        cnx_pipeline p = cnx_classifier_description(cls)->pipeline;
        p.resize = false;
        request.pipeline = &p;
        const bool large = image.width >= 32 && image.height >= 32;
        const cnx_status status = cnx_classifier_run(cls, &request, again, &stats, &err);
        CHECK((status == CNX_OK) == large && (large || strstr(err.message, "--size")),
              "%d x %d: %s", image.width, image.height, err.message);
        cnx_image_free(&image);
    }
    cnx_classifier_close(&cls);
}

static bool stop(void *user, double done)
{
    (void)user;
    return done < 0.2;
}

static void test_limits(void)
{
    cnx_error err = {0};
    cnx_model_file file;
    cnx_classifier *cls = NULL;
    float logits[7];
    const char *path = synthetic_path("pictures.safetensors");
    cnx_model_options options = {.max_memory = 1000};
    CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    CHECK(cnx_classifier_open(&cls, &file, &options, &err) == CNX_ERR_MEMORY && !cls, "%s",
          err.message);
    options.max_memory = 1 << 20;
    CHECK(cnx_classifier_open(&cls, &file, &options, &err) == CNX_OK, "%s", err.message);
    cnx_image image = picture(900, 700);
    cnx_classify_request request = {.image = &image};
    CHECK(cnx_classifier_run(cls, &request, logits, NULL, &err) == CNX_ERR_MEMORY &&
              strstr(err.message, "1.0 MiB"),
          "%s", err.message);
    cnx_classifier_close(&cls);
    options.max_memory = 0;
    CHECK(cnx_classifier_open(&cls, &file, &options, &err) == CNX_OK, "%s", err.message);
    request.progress = stop;
    CHECK(cnx_classifier_run(cls, &request, logits, NULL, &err) == CNX_ERR_INTERRUPTED, "%s",
          err.message);
    cnx_classifier_close(&cls);
    cnx_image_free(&image);
    cnx_model_file_close(&file);
}

int main(void)
{
    for (size_t i = 0; i < MODELS; i++)
        check_model(i);
    test_pictures();
    test_limits();
    synthetic_cleanup();
    return CHECK_RESULT;
}
