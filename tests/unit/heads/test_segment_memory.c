/* Little memory: smaller tiles, then direct convolutions, then a refusal; the same labels. */
#include <string.h>

#include "tests/golden/segment.h"

#define PICTURE CNX_SOURCE_DIR "/tests/data/nuclei/76c44d1addac.png"

static cnx_error err;

/* The demo model, or NULL with the status in *status. */
static cnx_segmentor *open_demo(const cnx_model_options *options,
                                const cnx_segment_prospect *prospect, cnx_status *status)
{
    cnx_model_file file = {0};
    cnx_segmentor *seg = NULL;
    *status = cnx_model_file_open(&file, NULL, NULL, NULL, 0, false, &err);
    if (*status == CNX_OK)
        *status = cnx_segmentor_open_for(&seg, &file, options, prospect, &err);
    cnx_model_file_close(&file);
    return seg;
}

static cnx_estimate estimate_of(cnx_segmentor *seg, const cnx_image *image)
{
    cnx_estimate estimate = {0};
    CHECK(cnx_segmentor_estimate(seg, image->width, image->height, NULL, CNX_WANT_LOGITS, &estimate,
                                 &err) == CNX_OK,
          "%s", err.message);
    return estimate;
}

static void compare(const segment_result *want, const segment_result *got, const char *what)
{
    const size_t n = (size_t)want->width * (size_t)want->height;
    const size_t all = n * (size_t)want->classes;
    double low = want->logits[0], high = low, worst = 0;
    size_t differ = 0;
    for (size_t i = 0; i < all; i++) {
        const double x = want->logits[i], off = fabs(x - (double)got->logits[i]);
        low = x < low ? x : low;
        high = x > high ? x : high;
        worst = off > worst || isnan(off) ? off : worst;
    }
    for (size_t i = 0; i < n; i++)
        differ += want->labels[i] != got->labels[i];
    CHECK(worst <= 1e-5 * (high - low), "%s: logits are off by %g of their range", what,
          worst / (high - low));
    CHECK(differ * 20000 <= n, "%s: %zu labels differ", what, differ);
}

/* What each step takes with large tiles. */
typedef struct steps {
    size_t fast[CNX_UPERNET_DIRECT + 1];
} steps;

static void check_direct(steps *s, const cnx_image *image, const segment_result *want)
{
    size_t weights = SIZE_MAX;
    for (int direct = 0; direct <= CNX_UPERNET_DIRECT; direct++) {
        cnx_model_options options = {.threads = 2};
        const cnx_segment_prospect prospect = {.direct = direct};
        cnx_status status;
        cnx_segmentor *seg = open_demo(&options, &prospect, &status);
        CHECK(seg != NULL, "%s", err.message);
        if (!seg)
            continue;
        const cnx_estimate e = estimate_of(seg, image);
        CHECK(e.direct == direct && !e.small_tiles, "%d direct: said %d", direct, e.direct);
        CHECK(e.weights_bytes < weights, "%d direct: no fewer weights", direct);
        weights = e.weights_bytes;
        s->fast[direct] = e.total_bytes;
        segment_result got;
        if (segment_run_whole(&got, seg, image, NULL, CNX_WANT_LOGITS, "direct"))
            compare(want, &got, "direct");
        segment_result_free(&got);
        cnx_segmentor_close(&seg);
        options.planning = true;
        seg = open_demo(&options, &prospect, &status);
        CHECK(seg != NULL, "%s", err.message);
        if (seg) {
            const cnx_estimate planned = estimate_of(seg, image);
            CHECK(planned.weights_bytes >= weights &&
                      planned.weights_bytes < weights + weights / 50,
                  "planned weights of %zu bytes, packed %zu", planned.weights_bytes, weights);
        }
        cnx_segmentor_close(&seg);
    }
}

/* Opens and runs with this limit; returns what it took, 0 when it was refused. */
static cnx_estimate run_within(size_t limit, const cnx_image *image, const segment_result *want,
                               bool same_bits)
{
    const cnx_segment_expected expected = {.width = image->width, .height = image->height};
    const cnx_model_options options = {.threads = 2, .max_memory = limit};
    const cnx_segment_prospect prospect = {
        .expected = &expected, .count = 1, .want = CNX_WANT_LOGITS};
    cnx_status status;
    cnx_segmentor *seg = open_demo(&options, &prospect, &status);
    CHECK(seg || status == CNX_ERR_MEMORY, "%s", err.message);
    if (!seg)
        return (cnx_estimate){0};
    cnx_estimate e = estimate_of(seg, image);
    segment_result got;
    status = segment_run(&got, seg, image, NULL, CNX_WANT_LOGITS, &err);
    CHECK(status == (e.total_bytes <= limit ? CNX_OK : CNX_ERR_MEMORY), "%zu of %zu bytes: %s",
          e.total_bytes, limit, err.message);
    if (status == CNX_OK)
        compare(want, &got, "in little memory");
    /* OpenBLAS sums in an order that depends on the number of rows. */
    if (status == CNX_OK && same_bits && strcmp(cnx_segmentor_kernels(seg)->name, "openblas") != 0)
        CHECK(segment_same_bits(want, &got), "small tiles change bits");
    if (status != CNX_OK)
        e.total_bytes = 0;
    segment_result_free(&got);
    cnx_segmentor_close(&seg);
    return e;
}

static void check_ladder(const steps *s, const cnx_image *image, const segment_result *want)
{
    cnx_estimate e = run_within(s->fast[0], image, want, true);
    CHECK(e.direct == 0 && !e.small_tiles, "enough memory, and yet slower");
    e = run_within(s->fast[0] - 1, image, want, true);
    CHECK(e.total_bytes && e.direct == 0 && e.small_tiles, "a byte less: %d direct", e.direct);
    int last = 0;
    size_t least = e.total_bytes;
    for (size_t limit = e.total_bytes - 1; e.total_bytes; limit = e.total_bytes - 1) {
        last = e.direct;
        least = e.total_bytes;
        e = run_within(limit, image, want, false);
        CHECK(e.total_bytes <= limit, "%zu bytes were allowed, %zu are needed", limit,
              e.total_bytes);
        CHECK(!e.total_bytes || e.direct >= last, "less memory, but %d after %d direct", e.direct,
              last);
    }
    for (int direct = 0; direct <= CNX_UPERNET_DIRECT; direct++)
        CHECK(least <= s->fast[direct], "the ladder ends at %zu bytes, %d direct take %zu", least,
              direct, s->fast[direct]);
}

/* Pictures that could never fit do not make the others slower; without any, the pipeline's size
 * counts. */
static void check_expected(const steps *s, const cnx_image *image)
{
    const cnx_segment_expected two[] = {{.width = image->width, .height = image->height},
                                        {.width = 20000, .height = 20000}};
    cnx_model_options options = {.threads = 2, .max_memory = s->fast[1]};
    const cnx_segment_prospect prospect = {.expected = two, .count = 2, .want = CNX_WANT_LOGITS};
    cnx_status status;
    cnx_segmentor *seg = open_demo(&options, &prospect, &status);
    CHECK(seg && estimate_of(seg, image).total_bytes <= s->fast[1], "%s", err.message);
    CHECK(seg && estimate_of(seg, image).direct <= 1, "one picture was given up for another");
    cnx_segmentor_close(&seg);
    options.max_memory = (size_t)4 << 30;
    seg = open_demo(&options, &(cnx_segment_prospect){0}, &status);
    CHECK(seg && estimate_of(seg, image).direct == 0, "slower without need");
    if (seg) {
        const size_t alone = estimate_of(seg, image).total_bytes;
        cnx_segmentor_set_beside(seg, 12345);
        CHECK(estimate_of(seg, image).total_bytes == alone + 12345, "the caller's own bytes");
        cnx_segmentor_set_beside(seg, SIZE_MAX - 5);
        CHECK(estimate_of(seg, image).total_bytes == SIZE_MAX, "a sum that wraps");
    }
    cnx_segmentor_close(&seg);
}

int main(void)
{
    cnx_image image;
    segment_result want;
    steps s = {0};
    cnx_status status;
    const cnx_model_options options = {.threads = 2};
    cnx_segmentor *seg = open_demo(&options, &(cnx_segment_prospect){0}, &status);
    CHECK(seg != NULL, "%s", err.message);
    if (seg && segment_read_image(&image, PICTURE)) {
        if (segment_run_whole(&want, seg, &image, NULL, CNX_WANT_LOGITS, "fast")) {
            check_direct(&s, &image, &want);
            check_ladder(&s, &image, &want);
            check_expected(&s, &image);
        }
        segment_result_free(&want);
        cnx_image_free(&image);
    }
    cnx_segmentor_close(&seg);
    return CHECK_RESULT;
}
