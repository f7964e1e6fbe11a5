/* Several handles on one model's weights, each in a thread of its own: the same results as one
 * alone, in any order of closing. */
#include <pthread.h>

#include "cnx.h"
#include "tests/unit/check.h"

#define MINI CNX_SOURCE_DIR "/tests/data/segmentation/models/mini_official.pth"

enum { HANDLES = 3, PICTURES = 4, ROUNDS = 2 };

/* Odd sizes; the first comes again last, so that plans and feature maps shrink and grow. */
static const int sizes[PICTURES][2] = {{97, 61}, {150, 33}, {40, 131}, {97, 61}};

typedef struct picture {
    int width, height;
    uint8_t *rgb;
    uint16_t *labels; /* what one handle alone says */
    float *prob;
} picture;

static picture pictures[PICTURES];
static int classes;

static size_t pixels_of(const picture *p)
{
    return (size_t)p->width * (size_t)p->height;
}

static void make_pictures(void)
{
    for (int i = 0; i < PICTURES; i++) {
        picture *p = &pictures[i];
        unsigned long long seed = (unsigned long long)i + 5;
        *p = (picture){.width = sizes[i][0], .height = sizes[i][1]};
        p->rgb = malloc(3 * pixels_of(p));
        for (size_t b = 0; b < 3 * pixels_of(p); b++)
            p->rgb[b] = (uint8_t)(b / 41 * 23 + (check_random(&seed) & 31));
    }
}

static void free_pictures(void)
{
    for (int i = 0; i < PICTURES; i++) {
        free(pictures[i].rgb);
        free(pictures[i].labels);
        free(pictures[i].prob);
    }
}

/* Labels and probabilities of a picture, to be freed by the caller; the status of the run. */
static cnx_status segment(cnx_model *model, const picture *p, uint16_t **labels, float **prob,
                          cnx_error *err)
{
    *labels = malloc(pixels_of(p) * sizeof **labels);
    *prob = malloc(pixels_of(p) * (size_t)classes * sizeof **prob);
    return cnx_segment_scores(model, p->rgb, p->width, p->height, 3 * (size_t)p->width, NULL,
                              CNX_PROBABILITIES, *prob, *labels, err);
}

static void run_alone(cnx_model *model)
{
    cnx_error err;
    for (int i = 0; i < PICTURES; i++)
        CHECK(segment(model, &pictures[i], &pictures[i].labels, &pictures[i].prob, &err) == CNX_OK,
              "%s", err.message);
}

static bool same_as_alone(cnx_model *model, const picture *p)
{
    uint16_t *labels;
    float *prob;
    const bool same = segment(model, p, &labels, &prob, NULL) == CNX_OK &&
                      memcmp(labels, p->labels, pixels_of(p) * sizeof *labels) == 0 &&
                      memcmp(prob, p->prob, pixels_of(p) * (size_t)classes * sizeof *prob) == 0;
    free(labels);
    free(prob);
    return same;
}

/* One thread: all pictures some times over, beginning with one of its own. */
typedef struct worker {
    cnx_model *model; /* closed by the thread */
    int first, wrong;
} worker;

static void *work(void *argument)
{
    worker *w = argument;
    for (int i = 0; i < ROUNDS * PICTURES; i++)
        w->wrong += !same_as_alone(w->model, &pictures[(w->first + i) % PICTURES]);
    cnx_close(&w->model);
    return NULL;
}

/* One thread each: what more of them do is the business of test_segmentor_runs. */
static void run_together(void)
{
    const cnx_options options = {.threads = 1};
    cnx_error err;
    cnx_model *model = NULL;
    worker workers[HANDLES] = {{NULL, 0, 0}};
    pthread_t ids[HANDLES];
    CHECK(cnx_open(&model, MINI, &options, &err) == CNX_OK, "%s", err.message);
    for (int i = 0; i < HANDLES; i++) {
        workers[i].first = i;
        CHECK(cnx_share(&workers[i].model, model, i > 0, &err) == CNX_OK, "%s", err.message);
    }
    for (int i = 0; i < HANDLES; i++)
        CHECK(pthread_create(&ids[i], NULL, work, &workers[i]) == 0, "no thread");
    CHECK(same_as_alone(model, &pictures[1]), "the first handle differs beside others");
    cnx_close(&model); /* while the others are at work */
    for (int i = 0; i < HANDLES; i++) {
        pthread_join(ids[i], NULL);
        CHECK(workers[i].wrong == 0, "handle %d: %d results differ", i, workers[i].wrong);
        CHECK(!workers[i].model, "handle %d is still open", i);
    }
}

static void check_descriptions(cnx_model *model)
{
    cnx_error err;
    cnx_model *second = NULL;
    cnx_info a, b;
    CHECK(cnx_share(&second, model, 2, &err) == CNX_OK, "%s", err.message);
    CHECK(same_as_alone(second, &pictures[0]), "two threads differ from one");
    cnx_describe(model, &a);
    cnx_describe(second, &b);
    CHECK(a.name == b.name && a.class_names == b.class_names && a.classes == b.classes,
          "the description is another one");
    cnx_close(&second);
    CHECK(cnx_share(&second, model, -1, &err) == CNX_ERR_ARGUMENT && !second, "-1 threads");
    CHECK(cnx_share(&second, NULL, 1, &err) == CNX_ERR_ARGUMENT && !second, "no model");
    CHECK(same_as_alone(model, &pictures[0]), "closing a second handle changed the first");
}

int main(void)
{
    const cnx_options options = {.threads = 1};
    cnx_error err;
    cnx_model *model = NULL;
    make_pictures();
    CHECK(cnx_open(&model, MINI, &options, &err) == CNX_OK, "%s", err.message);
    if (model) {
        cnx_info info;
        cnx_describe(model, &info);
        classes = info.classes;
        run_alone(model);
        check_descriptions(model);
        run_together();
    }
    cnx_close(&model);
    free_pictures();
    return CHECK_RESULT;
}
