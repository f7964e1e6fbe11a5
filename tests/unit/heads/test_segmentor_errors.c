/* What cannot be done is refused with a message, and what is stopped stops; the segmentor stays
 * usable afterwards. */
#include "tests/golden/segment.h"

#define MODEL CNX_SOURCE_DIR "/tests/data/segmentation/models/mini_official.pth"

static cnx_image grey(int width, int height)
{
    cnx_image image = {0};
    CHECK(cnx_image_alloc(&image, width, height, NULL) == CNX_OK, "no memory");
    memset(image.data, 128, 3 * (size_t)width * (size_t)height);
    return image;
}

/* Runs and estimates; both must fail with `status` and say `words`. */
static void check_refused(cnx_segmentor *seg, int width, int height, const cnx_pipeline *p,
                          unsigned want, cnx_status status, const char *words)
{
    cnx_image image = grey(width, height);
    cnx_error err = {0};
    cnx_estimate estimate;
    segment_result r = {0};
    const cnx_status ran = segment_run(&r, seg, &image, p, want, &err);
    CHECK(ran == status && err.status == status, "%d x %d: status %d (%s)", width, height, (int)ran,
          err.message);
    CHECK(strstr(err.message, words), "%d x %d: '%s' does not say '%s'", width, height, err.message,
          words);
    CHECK(r.rows == 0, "%d rows came all the same", r.rows);
    const cnx_status estimated =
        cnx_segmentor_estimate(seg, width, height, p, want, &estimate, &err);
    CHECK(estimated == status, "the estimate of %d x %d: status %d", width, height, (int)estimated);
    segment_result_free(&r);
    cnx_image_free(&image);
}

static void check_small_pictures(cnx_segmentor *seg)
{
    const cnx_pipeline plain = segment_plain_pipeline(seg);
    check_refused(seg, 20, 20, &plain, 0, CNX_ERR_ARGUMENT, "32");
    check_refused(seg, 31, 300, &plain, 0, CNX_ERR_ARGUMENT, "32");
    check_refused(seg, 300, 31, &plain, 0, CNX_ERR_ARGUMENT, "32");
    check_refused(seg, 1, 1, &plain, 0, CNX_ERR_ARGUMENT, "32");
    /* A window smaller than that is as bad as a picture. */
    cnx_pipeline slide = plain;
    slide.mode = CNX_MODE_SLIDE;
    slide.crop_h = slide.crop_w = slide.stride_h = slide.stride_w = 16;
    check_refused(seg, 100, 100, &slide, 0, CNX_ERR_ARGUMENT, "32");
    /* With a keep-ratio bound a single pixel is legal, and all of one label. */
    cnx_pipeline resized = plain;
    resized.resize = true;
    resized.scale_long = 256;
    resized.scale_short = 64;
    cnx_image pixel = grey(1, 1);
    segment_result r = {0};
    if (segment_run_whole(&r, seg, &pixel, &resized, CNX_WANT_CONFIDENCE, "1 x 1"))
        CHECK(r.stats.net_h == 64 && r.stats.net_w == 64, "%d x %d", r.stats.net_h, r.stats.net_w);
    segment_result_free(&r);
    cnx_image_free(&pixel);
}

static void check_bad_pipelines(cnx_segmentor *seg)
{
    const cnx_pipeline plain = segment_plain_pipeline(seg);
    cnx_pipeline p = plain;
    p.flip = true;
    check_refused(seg, 64, 64, &p, CNX_WANT_LOGITS, CNX_ERR_ARGUMENT, "logits");
    p = plain;
    p.scale_count = 2;
    p.scales[0] = 1;
    p.scales[1] = 1.5;
    check_refused(seg, 64, 64, &p, CNX_WANT_LOGITS, CNX_ERR_ARGUMENT, "logits");
    p = plain;
    p.mode = CNX_MODE_SLIDE;
    p.crop_h = p.crop_w = 64;
    p.stride_h = p.stride_w = 0;
    check_refused(seg, 64, 64, &p, 0, CNX_ERR_ARGUMENT, "stride");
    p.stride_h = p.stride_w = 100; /* leaves pixels that no window covers */
    check_refused(seg, 400, 400, &p, 0, CNX_ERR_ARGUMENT, "stride");
    p = plain;
    p.mode = CNX_MODE_SLIDE;
    p.crop_h = -1;
    p.crop_w = 64;
    p.stride_h = p.stride_w = 32;
    check_refused(seg, 64, 64, &p, 0, CNX_ERR_ARGUMENT, "crop");
    p = plain;
    p.resize = true;
    p.scale_long = 0;
    p.scale_short = -5;
    check_refused(seg, 64, 64, &p, 0, CNX_ERR_ARGUMENT, "scale");
    static const double scales[] = {0, -1, 1e300, NAN, INFINITY};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        p = plain;
        p.scale_count = 1;
        p.scales[0] = scales[i];
        check_refused(seg, 64, 64, &p, 0, CNX_ERR_ARGUMENT, "scale");
    }
}

/* A keep-ratio bound may ask for more than there is: a limit, not an attempt. */
static void check_gigantic(void)
{
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_segmentor *seg = NULL;
    const cnx_model_options options = {.threads = 1, .max_memory = (size_t)64 << 20};
    cnx_image image = grey(64, 64);
    segment_result r = {0};
    if (cnx_model_file_open(&file, MODEL, NULL, NULL, 0, false, &err) == CNX_OK)
        cnx_segmentor_open(&seg, &file, &options, &err);
    CHECK(seg != NULL, "%s", err.message);
    if (seg) {
        cnx_pipeline p = segment_plain_pipeline(seg);
        CHECK(segment_run(&r, seg, &image, &p, 0, &err) == CNX_OK, "%s", err.message);
        segment_result_free(&r);
        p.resize = true;
        p.scale_long = p.scale_short = 20000;
        const cnx_status status = segment_run(&r, seg, &image, &p, 0, &err);
        CHECK(status == CNX_ERR_MEMORY, "status %d", (int)status);
        CHECK(strstr(err.message, "MiB"), "%s", err.message);
        CHECK(cnx_peak_rss() < (size_t)1 << 30, "it was allocated all the same");
        segment_result_free(&r);
        p.scale_long = p.scale_short = 2000000000;
        CHECK(segment_run(&r, seg, &image, &p, 0, &err) != CNX_OK, "4e18 pixels");
    }
    segment_result_free(&r);
    cnx_image_free(&image);
    cnx_segmentor_close(&seg);
    cnx_model_file_close(&file);
}

static void check_open(void)
{
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_segmentor *seg = NULL;
    cnx_model_options options = {.threads = 1, .max_memory = 1000};
    CHECK(cnx_model_file_open(&file, MODEL, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    CHECK(cnx_segmentor_open(&seg, &file, &options, &err) == CNX_ERR_MEMORY && !seg,
          "1000 bytes were enough");
    options = (cnx_model_options){.kernels = "abacus"};
    CHECK(cnx_segmentor_open(&seg, &file, &options, &err) == CNX_ERR_ARGUMENT && !seg,
          "there are no kernels of that name");
    CHECK(strstr(err.message, "abacus") && strstr(err.message, "ref"), "%s", err.message);
    cnx_model_file_close(&file);
    cnx_segmentor_close(&seg);
}

/* ---- stopping ---- */

typedef struct stop_state {
    int calls, stop_at;
    double last;
    bool monotonic;
} stop_state;

static bool count_progress(void *user, double done)
{
    stop_state *s = user;
    s->monotonic = s->monotonic && done >= s->last && done >= 0 && done <= 1;
    s->last = done;
    return ++s->calls != s->stop_at;
}

static cnx_status take_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    (void)user;
    (void)rows;
    (void)err;
    return CNX_OK;
}

static cnx_status full_disk(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    (void)user;
    (void)rows;
    return cnx_fail(err, CNX_ERR_IO, "the disk is full, says the test");
}

static void check_stopping(cnx_segmentor *seg)
{
    cnx_image image = grey(200, 150);
    cnx_error err = {0};
    cnx_pipeline p = segment_plain_pipeline(seg);
    p.mode = CNX_MODE_SLIDE;
    p.crop_h = p.crop_w = 64;
    p.stride_h = p.stride_w = 40;
    stop_state state = {.monotonic = true};
    cnx_segment_request request = {.image = &image,
                                   .pipeline = &p,
                                   .sink = take_rows,
                                   .progress = count_progress,
                                   .user = &state};
    CHECK(cnx_segmentor_run(seg, &request, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(state.monotonic && state.calls >= 4, "%d calls of the progress", state.calls);
    const int all = state.calls;
    for (int stop_at = 1; stop_at <= all; stop_at += all / 3) {
        state = (stop_state){.monotonic = true, .stop_at = stop_at};
        const cnx_status status = cnx_segmentor_run(seg, &request, NULL, &err);
        CHECK(status == CNX_ERR_INTERRUPTED, "stopped at call %d: status %d", stop_at, (int)status);
        CHECK(state.calls == stop_at, "went on for %d calls", state.calls - stop_at);
    }
    request.progress = NULL;
    request.sink = full_disk;
    CHECK(cnx_segmentor_run(seg, &request, NULL, &err) == CNX_ERR_IO, "the sink's failure is lost");
    CHECK(strstr(err.message, "says the test"), "%s", err.message);
    cnx_image_free(&image);
}

/* After all that, a run gives what a fresh segmentor gives. */
static void check_still_usable(cnx_segmentor *seg)
{
    cnx_image image = grey(77, 70);
    cnx_segmentor *fresh = segment_open(MODEL, "auto", 2);
    const cnx_pipeline p = segment_plain_pipeline(seg);
    segment_result a = {0}, b = {0};
    if (fresh && segment_run_whole(&a, seg, &image, &p, CNX_WANT_LOGITS, "used") &&
        segment_run_whole(&b, fresh, &image, &p, CNX_WANT_LOGITS, "fresh"))
        CHECK(segment_same_bits(&a, &b), "a failed run has left traces");
    segment_result_free(&a);
    segment_result_free(&b);
    cnx_segmentor_close(&fresh);
    cnx_image_free(&image);
}

int main(void)
{
    cnx_segmentor *seg = segment_open(MODEL, "auto", 2);
    if (seg) {
        check_small_pictures(seg);
        check_bad_pipelines(seg);
        check_stopping(seg);
        check_still_usable(seg);
    }
    cnx_segmentor_close(&seg);
    cnx_segmentor_close(&seg);
    check_open();
    check_gigantic();
    return CHECK_RESULT;
}
