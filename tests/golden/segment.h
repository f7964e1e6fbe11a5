/* Opening a segmentor and collecting a whole result, for tests. */
#ifndef CNX_TESTS_GOLDEN_SEGMENT_H
#define CNX_TESTS_GOLDEN_SEGMENT_H

#include "heads/segmentor.h"
#include "tests/golden/golden.h"

/* path NULL: the embedded model.  NULL after a failed check. */
static inline cnx_segmentor *segment_open(const char *path, const char *kernels, int threads)
{
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_segmentor *seg = NULL;
    const cnx_model_options options = {.threads = threads, .kernels = kernels};
    cnx_status status = cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err);
    if (status == CNX_OK)
        status = cnx_segmentor_open(&seg, &file, &options, &err);
    cnx_model_file_close(&file);
    CHECK(status == CNX_OK, "%s (%s): %s", path ? path : "embedded model", kernels, err.message);
    return seg;
}

/* Everything that one run gives, at the picture's size; channels last. */
typedef struct segment_result {
    int width, height, classes;
    uint16_t *labels;
    float *confidence, *prob, *logits; /* NULL when not wanted */
    int rows;                          /* how many have come */
    bool in_order;                     /* each row once, from top to bottom */
    cnx_segment_stats stats;
} segment_result;

static inline void segment_result_free(segment_result *r)
{
    cnx_free(r->labels);
    cnx_free(r->confidence);
    cnx_free(r->prob);
    cnx_free(r->logits);
    memset(r, 0, sizeof *r);
}

static inline cnx_status segment_collect(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    segment_result *r = user;
    (void)err;
    if (rows->y != r->rows || rows->count < 1 || rows->count > r->height - rows->y ||
        rows->width != r->width || rows->classes != r->classes) {
        r->in_order = false;
        return CNX_OK;
    }
    const size_t first = (size_t)rows->y * (size_t)r->width;
    const size_t n = (size_t)rows->count * (size_t)r->width, c = (size_t)r->classes;
    memcpy(r->labels + first, rows->labels, n * sizeof *rows->labels);
    if (r->confidence && rows->confidence)
        memcpy(r->confidence + first, rows->confidence, n * sizeof(float));
    if (r->prob && rows->prob)
        memcpy(r->prob + first * c, rows->prob, n * c * sizeof(float));
    if (r->logits && rows->logits)
        memcpy(r->logits + first * c, rows->logits, n * c * sizeof(float));
    r->rows += rows->count;
    return CNX_OK;
}

/* The run's status; *r is to be freed whatever it is. */
static inline cnx_status segment_run(segment_result *r, cnx_segmentor *seg, const cnx_image *image,
                                     const cnx_pipeline *pipeline, unsigned want, cnx_error *err)
{
    memset(r, 0, sizeof *r);
    r->width = image->width;
    r->height = image->height;
    r->classes = cnx_segmentor_description(seg)->class_count;
    r->in_order = true;
    const size_t n = (size_t)r->width * (size_t)r->height, c = (size_t)r->classes;
    r->labels = cnx_calloc(n * sizeof *r->labels);
    if (want & CNX_WANT_CONFIDENCE)
        r->confidence = cnx_calloc(n * sizeof(float));
    if (want & CNX_WANT_PROB)
        r->prob = cnx_calloc(n * c * sizeof(float));
    if (want & CNX_WANT_LOGITS)
        r->logits = cnx_calloc(n * c * sizeof(float));
    const cnx_segment_request request = {
        .image = image, .pipeline = pipeline, .want = want, .sink = segment_collect, .user = r};
    return cnx_segmentor_run(seg, &request, &r->stats, err);
}

/* segment_run that must succeed and deliver every row once, in order. */
static inline bool segment_run_whole(segment_result *r, cnx_segmentor *seg, const cnx_image *image,
                                     const cnx_pipeline *pipeline, unsigned want, const char *what)
{
    cnx_error err = {0};
    const cnx_status status = segment_run(r, seg, image, pipeline, want, &err);
    CHECK(status == CNX_OK, "%s: %s", what, err.message);
    CHECK(status != CNX_OK || (r->in_order && r->rows == r->height),
          "%s: rows out of order or missing (%d of %d)", what, r->rows, r->height);
    return status == CNX_OK && r->in_order && r->rows == r->height;
}

/* Two results of one request are the same bits. */
static inline bool segment_same_bits(const segment_result *a, const segment_result *b)
{
    const size_t n = (size_t)a->width * (size_t)a->height, c = (size_t)a->classes;
    if (a->width != b->width || a->height != b->height || a->classes != b->classes)
        return false;
    return memcmp(a->labels, b->labels, n * sizeof *a->labels) == 0 &&
           (!a->confidence || memcmp(a->confidence, b->confidence, n * sizeof(float)) == 0) &&
           (!a->prob || memcmp(a->prob, b->prob, n * c * sizeof(float)) == 0) &&
           (!a->logits || memcmp(a->logits, b->logits, n * c * sizeof(float)) == 0);
}

/* A picture file as it is, EXIF applied. */
static inline bool segment_read_image(cnx_image *image, const char *path)
{
    cnx_error err = {0};
    memset(image, 0, sizeof *image);
    const cnx_status status = cnx_image_read(image, path, NULL, &err);
    CHECK(status == CNX_OK, "%s: %s", path, err.message);
    return status == CNX_OK;
}

/* A pipeline with the model's own mean and deviation and nothing else: the picture's own size,
 * whole, one pass. */
static inline cnx_pipeline segment_plain_pipeline(const cnx_segmentor *seg)
{
    cnx_pipeline p = cnx_segmentor_description(seg)->pipeline;
    p.resize = false;
    p.mode = CNX_MODE_WHOLE;
    p.scale_count = 0;
    p.flip = false;
    return p;
}

#endif
