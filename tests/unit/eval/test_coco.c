/*
 * Scores of random problems against the rules taken at their word: all detections of a category in one
 * list, matched and accumulated for each threshold, range and number of detections by itself.
 */
#include "eval/coco.h"

#include <float.h>
#include <math.h>

#include "tests/unit/check.h"

enum { MAX_ITEMS = 400, IMAGES = 6, CATEGORIES = 3, THRESHOLDS = 10, RANGES = 4, MAXIMA = 3 };

typedef struct problem {
    cnx_coco_truth truth;
    cnx_coco_image images[IMAGES];
    cnx_coco_category categories[CATEGORIES];
    cnx_coco_annotation annotations[MAX_ITEMS];
    cnx_coco_result results[MAX_ITEMS];
    size_t result_count;
    bool agnostic;
    int max_dets[MAXIMA];
} problem;

static unsigned long long below(unsigned long long *seed, unsigned long long n)
{
    return check_random(seed) % n;
}

static void random_box(double box[4], unsigned long long *seed)
{
    /* A coarse grid: equal overlaps, exact thresholds. */
    for (int i = 0; i < 4; i++)
        box[i] = (double)below(seed, i < 2 ? 12 : 9) * 8 / (below(seed, 4) ? 1 : 3);
    if (below(seed, 60) == 0)
        box[below(seed, 4)] = below(seed, 2) ? -5 : (double)NAN;
}

static void make_problem(problem *p, unsigned long long *seed)
{
    static char name[] = "problem";
    *p = (problem){.agnostic = below(seed, 4) == 0};
    const int first = below(seed, 3) ? 100 : 5;
    for (int i = 0; i < MAXIMA; i++)
        p->max_dets[i] = i == 2 ? first : i == 0 ? 1 : 3;
    for (int i = 0; i < IMAGES; i++)
        p->images[i] = (cnx_coco_image){.id = 3 * i + 1, .h = 200, .w = 200};
    for (int i = 0; i < CATEGORIES; i++)
        p->categories[i] = (cnx_coco_category){.id = 2 * i};
    const size_t annotations = below(seed, 60);
    for (size_t i = 0; i < annotations; i++) {
        cnx_coco_annotation *a = &p->annotations[i];
        a->image = (int)below(seed, IMAGES);
        a->category = (int)below(seed, CATEGORIES);
        a->image_id = p->images[a->image].id;
        a->category_id = p->categories[a->category].id;
        a->id = (int64_t)i + (below(seed, 2) ? 0 : 1); /* an id 0, and some that stand twice */
        random_box(a->box, seed);
        a->has_box = a->has_area = true;
        a->area = below(seed, 5) ? a->box[2] * a->box[3] : 1024;
        a->crowd = below(seed, 8) == 0;
    }
    p->result_count = below(seed, MAX_ITEMS);
    for (size_t i = 0; i < p->result_count; i++) {
        cnx_coco_result *r = &p->results[i];
        r->image_id = p->images[below(seed, IMAGES)].id;
        r->category_id = 2 * (int64_t)below(seed, CATEGORIES + 1); /* one is not known */
        r->score = below(seed, 50) ? (double)below(seed, 30) / 29 : (double)NAN;
        r->has_box = true;
        random_box(r->box, seed);
        if (annotations > 0 && below(seed, 2)) {
            const cnx_coco_annotation *a = &p->annotations[below(seed, annotations)];
            memcpy(r->box, a->box, sizeof r->box);
            r->box[below(seed, 4)] += (double)below(seed, 4);
            r->image_id = a->image_id;
            r->category_id = a->category_id;
        }
    }
    p->truth = (cnx_coco_truth){.path = name,
                                .images = p->images,
                                .image_count = IMAGES,
                                .categories = p->categories,
                                .category_count = CATEGORIES,
                                .annotations = p->annotations,
                                .annotation_count = annotations};
}

/* ---- the rules ---- */

typedef struct item {
    double score;
    bool right, ignored;
} item;

static bool before(double a, double b) /* by score, NaN last */
{
    return isnan(b) ? !isnan(a) : a > b;
}

/* Stable. */
static void sort_items(item *list, int n)
{
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && before(list[k].score, list[k - 1].score); k--) {
            const item swap = list[k];
            list[k] = list[k - 1];
            list[k - 1] = swap;
        }
}

/* The last annotation with this id. */
static const cnx_coco_annotation *resolved(const problem *p, const cnx_coco_annotation *a)
{
    const cnx_coco_annotation *last = a;
    for (size_t i = 0; i < p->truth.annotation_count; i++)
        if (p->annotations[i].id == a->id)
            last = &p->annotations[i];
    return last;
}

/* Of an image and category (agnostic: of all, category by category), in order. */
static int targets_of(const cnx_coco_annotation **out, const problem *p, int image, int category)
{
    int n = 0;
    for (int k = 0; k < CATEGORIES; k++)
        for (int own = 0; own < IMAGES; own++) /* gathered by own image, filed under the last's */
            for (size_t i = 0; i < p->truth.annotation_count; i++) {
                const cnx_coco_annotation *a = resolved(p, &p->annotations[i]);
                if (p->annotations[i].image == own && a->image == image && a->category == k &&
                    (p->agnostic || k == category))
                    out[n++] = a;
            }
    return n;
}

static int detections_of(const cnx_coco_result **out, const problem *p, int image, int category)
{
    int n = 0;
    for (int k = 0; k < CATEGORIES; k++)
        for (size_t i = 0; i < p->result_count; i++)
            if (p->results[i].image_id == p->images[image].id &&
                p->results[i].category_id == 2 * k && (p->agnostic || k == category))
                out[n++] = &p->results[i];
    for (int i = 1; i < n; i++)
        for (int k = i; k > 0 && before(out[k]->score, out[k - 1]->score); k--) {
            const cnx_coco_result *swap = out[k];
            out[k] = out[k - 1];
            out[k - 1] = swap;
        }
    return n;
}

static bool outside(double area, double low, double high)
{
    return area < low || area > high;
}

/* One picture: its detections into list, the number of targets that count into *npig. */
static int match(item *list, int *npig, const problem *p, int image, int category, double low,
                 double high, double threshold, int max_det)
{
    const cnx_coco_annotation *g[MAX_ITEMS], *sorted[MAX_ITEMS];
    const cnx_coco_result *d[MAX_ITEMS];
    bool ignored[MAX_ITEMS], taken[MAX_ITEMS] = {false};
    const int targets = targets_of(g, p, image, category);
    int detections = detections_of(d, p, image, category), n = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < targets; i++)
            if ((g[i]->crowd || outside(g[i]->area, low, high)) == pass) {
                ignored[n] = pass;
                sorted[n++] = g[i];
                *npig += !pass;
            }
    detections = detections < p->max_dets[2] ? detections : p->max_dets[2];
    for (int i = 0; i < detections; i++) {
        double best = fmin(threshold, 1 - 1e-10);
        int m = -1;
        for (int k = 0; k < targets; k++) {
            if (taken[k] && !sorted[k]->crowd)
                continue;
            if (m > -1 && !ignored[m] && ignored[k])
                break;
            const double iou = cnx_box_iou(d[i]->box, sorted[k]->box, sorted[k]->crowd);
            if (iou < best)
                continue;
            best = iou;
            m = k;
        }
        const bool found = m >= 0 && sorted[m]->id != 0;
        const bool skip = m >= 0 && ignored[m];
        if (m >= 0)
            taken[m] = true;
        list[i] = (item){d[i]->score, found && !skip,
                         skip || (!found && outside(d[i]->box[2] * d[i]->box[3], low, high))};
    }
    return detections < max_det ? detections : max_det;
}

/* precision at 101 recalls and recall; false where nothing is to be found. */
static bool reference(double *precision, double *recall, const problem *p, int category, double low,
                      double high, double threshold, int max_det)
{
    static item list[IMAGES * MAX_ITEMS], here[MAX_ITEMS];
    static double pr[IMAGES * MAX_ITEMS], rc[IMAGES * MAX_ITEMS];
    int n = 0, npig = 0, tp = 0, fp = 0;
    for (int image = 0; image < IMAGES; image++) {
        const int count = match(here, &npig, p, image, category, low, high, threshold, max_det);
        memcpy(list + n, here, (size_t)count * sizeof *list);
        n += count;
    }
    if (npig == 0)
        return false;
    sort_items(list, n);
    for (int i = 0; i < n; i++) {
        tp += list[i].right && !list[i].ignored;
        fp += !list[i].right && !list[i].ignored;
        rc[i] = (double)tp / npig;
        pr[i] = tp / ((double)fp + tp + DBL_EPSILON);
    }
    *recall = n > 0 ? rc[n - 1] : 0;
    for (int i = n - 1; i > 0; i--)
        if (pr[i] > pr[i - 1])
            pr[i - 1] = pr[i];
    for (int r = 0; r < CNX_COCO_RECALLS; r++) {
        const double wanted = r == 100 ? 1 : r * .01;
        int i = 0;
        while (i < n && rc[i] < wanted)
            i++;
        precision[r] = i < n ? pr[i] : 0;
    }
    return true;
}

/* ---- both ---- */

static void compare(const problem *p, const cnx_coco_scores *s, int round)
{
    const cnx_coco_params *params = cnx_coco_scorer_params(s->scorer);
    size_t differ = 0;
    for (int k = 0; k < s->categories; k++)
        for (int t = 0; t < THRESHOLDS; t++)
            for (int a = 0; a < RANGES; a++)
                for (int m = 0; m < MAXIMA; m++) {
                    double precision[CNX_COCO_RECALLS], recall = -1;
                    const bool any =
                        reference(precision, &recall, p, k, params->ranges[a].low,
                                  params->ranges[a].high, params->thresholds[t], p->max_dets[m]);
                    const size_t cell = (size_t)((k * RANGES + a) * MAXIMA + m);
                    const size_t row = (size_t)(s->categories * RANGES * MAXIMA);
                    differ += s->recall[(size_t)t * row + cell] != recall;
                    for (int r = 0; r < CNX_COCO_RECALLS; r++)
                        differ += s->precision[(size_t)(t * CNX_COCO_RECALLS + r) * row + cell] !=
                                  (any ? precision[r] : -1);
                }
    CHECK(differ == 0, "round %d%s: %zu values differ", round, p->agnostic ? ", agnostic" : "",
          differ);
}

static void random_problems(void)
{
    static problem p;
    unsigned long long seed = 77;
    for (int round = 0; round < 40; round++) {
        cnx_error err = {0};
        cnx_coco_scorer *scorer = NULL;
        cnx_coco_scores scores = {0};
        make_problem(&p, &seed);
        const cnx_coco_params params = {.kinds = {true, false},
                                        .threads = 1 + round % 3,
                                        .max_dets = p.max_dets,
                                        .max_det_count = MAXIMA,
                                        .agnostic = p.agnostic};
        CHECK(cnx_coco_scorer_open(&scorer, &p.truth, &params, &err) == CNX_OK, "%s", err.message);
        /* In two heaps: they stand as one after the other. */
        const size_t half = p.result_count / 2;
        CHECK(cnx_coco_scorer_add(scorer, p.results, half, "test", &err) == CNX_OK &&
                  cnx_coco_scorer_add(scorer, p.results + half, p.result_count - half, "test",
                                      &err) == CNX_OK,
              "%s", err.message);
        CHECK(cnx_coco_scorer_run(&scores, scorer, CNX_COCO_BBOX, &err) == CNX_OK, "%s",
              err.message);
        compare(&p, &scores, round);
        cnx_coco_scores_free(&scores);
        cnx_coco_scorer_close(&scorer);
    }
}

/* The thresholds and recalls whose last bits decide. */
static void constants(void)
{
    double t[THRESHOLDS], r[CNX_COCO_RECALLS];
    cnx_coco_linspace(t, .5, .95, THRESHOLDS);
    CHECK(t[0] == .5 && t[4] == .7 && t[8] == 0.8999999999999999 && t[9] == .95);
    cnx_coco_recalls(r);
    CHECK(r[35] != .35 && r[35] == 35 * .01 && r[70] != .7 && r[50] == .5 && r[100] == 1);
    cnx_coco_linspace(t, .5, .5, 1);
    CHECK(t[0] == .5);
}

static void refused(void)
{
    static problem p;
    unsigned long long seed = 5;
    cnx_coco_scorer *scorer = NULL;
    cnx_error err = {0};
    const int two[] = {1, 10}, falling[] = {10, 1, 100};
    const int64_t none[] = {12345};
    const double beyond[] = {1.5};
    make_problem(&p, &seed);
    const cnx_coco_params wrong[] = {{.max_dets = two, .max_det_count = 2},
                                     {.max_dets = falling, .max_det_count = 3},
                                     {.image_ids = none, .image_id_count = 1},
                                     {.category_ids = none, .category_id_count = 1},
                                     {.thresholds = beyond, .threshold_count = 1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(cnx_coco_scorer_open(&scorer, &p.truth, &wrong[i], &err) == CNX_ERR_ARGUMENT &&
                  !scorer,
              "%zu: %s", i, err.message);
    const cnx_coco_params params = {.kinds = {true, false}};
    cnx_coco_scores scores;
    CHECK(cnx_coco_scorer_open(&scorer, &p.truth, &params, &err) == CNX_OK);
    CHECK(cnx_coco_scorer_run(&scores, scorer, CNX_COCO_SEGM, &err) == CNX_ERR_ARGUMENT);
    const cnx_coco_result strange = {.image_id = 999, .category_id = 0, .has_box = true};
    CHECK(cnx_coco_scorer_add(scorer, &strange, 1, "here", &err) == CNX_ERR_FORMAT &&
              strstr(err.message, "here: detection 1: image_id 999"),
          "%s", err.message);
    cnx_coco_scorer_close(&scorer);
}

/* One picture, two objects: what was found of it. */
static void pictures(void)
{
    cnx_coco_image image = {.id = 1, .h = 100, .w = 100};
    cnx_coco_category category = {.id = 1};
    cnx_coco_annotation a[2];
    for (int i = 0; i < 2; i++)
        a[i] = (cnx_coco_annotation){.id = i + 1,
                                     .image_id = 1,
                                     .category_id = 1,
                                     .has_box = true,
                                     .has_area = true,
                                     .box = {50 * i, 0, 40, 40},
                                     .area = 1600};
    cnx_coco_truth truth = {.path = (char[]){"t"},
                            .images = &image,
                            .image_count = 1,
                            .categories = &category,
                            .category_count = 1,
                            .annotations = a,
                            .annotation_count = 2};
    const cnx_coco_result r[] = {{1, 1, .9, true, false, {0, 0, 40, 40}, {0}},
                                 {1, 1, .8, true, false, {0, 0, 40, 39}, {0}},
                                 {1, 1, .2, true, false, {50, 0, 40, 40}, {0}}};
    const cnx_coco_params params = {.kinds = {true, false}};
    cnx_coco_scorer *scorer = NULL;
    cnx_coco_scores scores;
    cnx_coco_image_score got;
    CHECK(cnx_coco_scorer_open(&scorer, &truth, &params, NULL) == CNX_OK);
    CHECK(cnx_coco_scorer_add(scorer, r, 3, "r", NULL) == CNX_OK);
    CHECK(cnx_coco_image_scores(&got, scorer, CNX_COCO_BBOX, 0, NULL) == CNX_ERR_ARGUMENT);
    CHECK(cnx_coco_scorer_run(&scores, scorer, CNX_COCO_BBOX, NULL) == CNX_OK);
    CHECK(cnx_coco_image_scores(&got, scorer, CNX_COCO_BBOX, .5, NULL) == CNX_OK &&
          got.truths == 2 && got.found == 1 && got.false_alarms == 1);
    CHECK(cnx_coco_image_scores(&got, scorer, CNX_COCO_BBOX, 0, NULL) == CNX_OK && got.found == 2);
    cnx_coco_scores_free(&scores);
    cnx_coco_scorer_close(&scorer);
}

int main(void)
{
    constants();
    random_problems();
    refused();
    pictures();
    return CHECK_RESULT;
}
