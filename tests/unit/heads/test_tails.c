/*
 * The whole network on widths and sizes that leave something over at every step, for every table of
 * kernels: near the plain definition in double precision, backbone and logits, and the same bits on 1
 * to 5 threads.  Then pictures of few pixels through the pipeline.
 */
#include "tests/golden/segment.h"
#include "tests/unit/heads/plain_network.h"
#include "tests/unit/heads/synthetic.h"

enum { MAX_THREADS = 5 };

static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon"};
enum { TABLES = sizeof tables / sizeof *tables };

/* Channels below, at and beyond the vectors' widths; heads too narrow for Winograd and wide enough. */
static const struct {
    int depths[PLAIN_STAGES], dims[PLAIN_STAGES], version, channels, classes;
} models[] = {
    {{1, 1, 1, 1}, {5, 9, 17, 33}, 1, 7, 3},
    {{1, 2, 1, 1}, {33, 31, 47, 65}, 1, 37, 19},
    {{1, 1, 2, 1}, {12, 20, 36, 68}, 2, 33, 150},
    {{1, 1, 1, 1}, {8, 16, 32, 64}, 2, 48, 2},
};
enum { MODELS = sizeof models / sizeof *models };

/* 32 makes the last map one pixel; 33 and 63 leave rows and columns unread. */
static const int sizes[][2] = {{32, 32}, {33, 47}, {63, 32}, {97, 66}};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* What one size gives, by the plain definition. */
typedef struct expected {
    plain_map input, features[PLAIN_STAGES], logits;
    const char *context;
} expected;

/* Largest difference from `want` as a share of its range. */
static double distance(cnx_map got, plain_map want)
{
    double worst = 0, low = INFINITY, high = -INFINITY;
    if (got.h != want.h || got.w != want.w || got.c != want.c)
        return INFINITY;
    for (int i = 0; i < want.c; i++)
        for (int y = 0; y < want.h; y++)
            for (int x = 0; x < want.w; x++) {
                const double value = *plain_at(want, i, y, x);
                const double off = fabs((double)cnx_map_pixel(got, y, x)[i] - value);
                worst = off > worst || isnan(off) ? off : worst;
                low = fmin(low, value);
                high = fmax(high, value);
            }
    return worst / (high - low);
}

/* Single precision leaves 4.5e-7 here. */
static const double limit = 2e-6;

static void check_feature(void *user, const char *name, cnx_map map)
{
    const expected *e = user;
    if (strncmp(name, "feat", 4) != 0)
        return;
    const double off = distance(map, e->features[name[4] - '0']);
    CHECK(off < limit, "%s: %s is off by %g of its range", e->context, name, off);
}

/* Channels last, as the network takes it. */
static float *interleaved(plain_map map)
{
    float *x = malloc((size_t)map.c * (size_t)map.h * (size_t)map.w * sizeof *x);
    float *to = x;
    for (int y = 0; y < map.h; y++)
        for (int column = 0; column < map.w; column++)
            for (int i = 0; i < map.c; i++)
                *to++ = (float)*plain_at(map, i, y, column);
    return x;
}

/* One table at one size: 1 thread against the definition, the others against 1 thread. */
static void check_size(cnx_segmentor *const segs[MAX_THREADS], expected *e)
{
    enum { CANARIES = 16 };
    const int h = e->input.h, w = e->input.w;
    const size_t n = (size_t)e->logits.c * (size_t)e->logits.h * (size_t)e->logits.w;
    float *input = interleaved(e->input), *first = calloc(n + CANARIES, sizeof *first);
    float *other = calloc(n + CANARIES, sizeof *other);
    for (int t = 0; t < MAX_THREADS; t++) {
        float *logits = t == 0 ? first : other;
        cnx_error err = {0};
        for (size_t i = 0; i < n + CANARIES; i++)
            logits[i] = 12345.5f;
        CHECK(cnx_segmentor_network(segs[t], input, h, w, logits, t == 0 ? check_feature : NULL, e,
                                    &err) == CNX_OK,
              "%s: %s", e->context, err.message);
        CHECK(memcmp(logits, first, (n + CANARIES) * sizeof *first) == 0,
              "%s: %d threads differ from 1", e->context, t + 1);
    }
    const double off =
        distance(cnx_map_dense(first, e->logits.h, e->logits.w, e->logits.c), e->logits);
    CHECK(off < limit, "%s: logits are off by %g of their range", e->context, off);
    CHECK(first[n] == 12345.5f && first[n + CANARIES - 1] == 12345.5f, "%s: wrote past the end",
          e->context);
    free(input);
    free(first);
    free(other);
}

static bool is_offered(const char *table)
{
    cnx_kernels k;
    return cnx_kernels_init(&k, table, NULL) == CNX_OK;
}

static bool open_threads(cnx_segmentor *segs[MAX_THREADS], const char *path, const char *table)
{
    bool good = true;
    for (int t = 0; t < MAX_THREADS; t++)
        good = (segs[t] = segment_open(path, table, t + 1)) != NULL && good;
    return good;
}

static void close_threads(cnx_segmentor *segs[MAX_THREADS])
{
    for (int t = 0; t < MAX_THREADS; t++)
        cnx_segmentor_close(&segs[t]);
}

static void check_table(const char *path, const char *table, int model, expected e[SIZES])
{
    cnx_segmentor *segs[MAX_THREADS];
    const bool open = open_threads(segs, path, table);
    for (int s = 0; open && s < SIZES; s++) {
        char context[96];
        snprintf(context, sizeof context, "%s, model %d, %d x %d", table, model, sizes[s][0],
                 sizes[s][1]);
        e[s].context = context;
        check_size(segs, &e[s]);
    }
    close_threads(segs);
}

static void check_model(int index, const char *path)
{
    plain_model m = {.version = models[index].version,
                     .channels = models[index].channels,
                     .classes = models[index].classes,
                     .seed = 100 + (unsigned)index};
    expected e[SIZES];
    memcpy(m.depths, models[index].depths, sizeof m.depths);
    memcpy(m.dims, models[index].dims, sizeof m.dims);
    for (int s = 0; s < SIZES; s++) {
        e[s].input = plain_new(&m, 3, sizes[s][0], sizes[s][1]);
        for (int i = 0; i < 3 * sizes[s][0] * sizes[s][1]; i++)
            e[s].input.x[i] = 2 * (double)check_uniform(&m.seed);
        plain_backbone(&m, e[s].input, e[s].features);
        e[s].logits = plain_head(&m, e[s].features);
    }
    for (int t = 0; plain_write(&m, path) && t < TABLES; t++)
        if (is_offered(tables[t]))
            check_table(path, tables[t], index, e);
    plain_free(&m);
}

/* ---- pictures of few pixels ---- */

static cnx_image noise(int width, int height)
{
    cnx_image image = {0};
    unsigned long long seed = 5;
    CHECK(cnx_image_alloc(&image, width, height, NULL) == CNX_OK, "no memory");
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++)
        image.data[i] = (uint8_t)check_random(&seed);
    return image;
}

/* Resized so that the shorter side is 33: 31 x 1 becomes 1023 x 33. */
static cnx_pipeline enlarging(const cnx_segmentor *seg)
{
    cnx_pipeline p = segment_plain_pipeline(seg);
    p.resize = true;
    p.scale_long = 1023;
    p.scale_short = 33;
    return p;
}

/* want: of the plain C kernels; made here when it is empty. */
static void check_picture(const char *path, const char *table, const cnx_image *image,
                          segment_result *want)
{
    cnx_segmentor *segs[MAX_THREADS];
    segment_result first = {0};
    char context[96];
    snprintf(context, sizeof context, "%s, picture of %d x %d", table, image->width, image->height);
    const bool open = open_threads(segs, path, table);
    for (int t = 0; open && t < MAX_THREADS; t++) {
        const cnx_pipeline p = enlarging(segs[t]);
        segment_result r = {0};
        if (segment_run_whole(&r, segs[t], image, &p, CNX_WANT_LOGITS | CNX_WANT_CONFIDENCE,
                              context) &&
            t > 0)
            CHECK(segment_same_bits(&r, &first), "%s: %d threads differ from 1", context, t + 1);
        if (t == 0)
            first = r;
        else
            segment_result_free(&r);
    }
    close_threads(segs);
    if (want->logits && first.logits)
        golden_near(context, first.logits, want->logits,
                    (size_t)first.width * (size_t)first.height * (size_t)first.classes, 5e-5, 1e-5);
    if (want->logits)
        segment_result_free(&first);
    else
        *want = first;
}

static void check_pictures(const char *path)
{
    static const int pictures[][2] = {{1, 1}, {31, 1}, {1, 9}, {33, 47}};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        cnx_image image = noise(pictures[i][0], pictures[i][1]);
        segment_result want = {0};
        for (int t = 0; t < TABLES; t++)
            if (is_offered(tables[t]))
                check_picture(path, tables[t], &image, &want);
        segment_result_free(&want);
        cnx_image_free(&image);
    }
}

int main(void)
{
    const char *path = synthetic_path("tails.safetensors");
    for (int i = 0; i < MODELS; i++) {
        check_model(i, path);
        if (i == 0)
            check_pictures(path);
    }
    synthetic_cleanup();
    return CHECK_RESULT;
}
