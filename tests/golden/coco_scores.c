/*
 * COCO's scores of results with known ones: equal to pycocotools to the last digit, and what is damaged
 * refused or scored as pycocotools does.  The committed cases, and on machines that have them the larger ones.
 */
#include <unistd.h>

#include "eval/coco.h"
#include "tests/golden/golden.h"

/* One scoring: its scores are told to `check`. */
typedef struct scoring {
    const char *truth, *results;
    cnx_coco_kind kind;
    const int *max_dets; /* three, or NULL */
    int threads;
} scoring;

typedef void (*check_scores)(const cnx_coco_scores *scores, const void *user);

static cnx_status score(const scoring *c, check_scores check, const void *user, cnx_error *err)
{
    cnx_coco_truth truth = {0};
    cnx_coco_scorer *scorer = NULL;
    cnx_coco_scores scores = {0};
    cnx_status status = CNX_OK;
    const cnx_coco_truth_options options = {.threads = c->threads,
                                            .segmentations = c->kind == CNX_COCO_SEGM};
    cnx_coco_params params = {
        .threads = c->threads, .max_dets = c->max_dets, .max_det_count = c->max_dets ? 3 : 0};
    params.kinds[c->kind] = true;
    CNX_CHECK(cnx_coco_truth_open(&truth, c->truth, &options, err));
    CNX_CHECK(cnx_coco_scorer_open(&scorer, &truth, &params, err));
    CNX_CHECK(cnx_coco_scorer_read(scorer, c->results, err));
    CNX_CHECK(cnx_coco_scorer_run(&scores, scorer, c->kind, err));
    check(&scores, user);
cleanup:
    cnx_coco_scores_free(&scores);
    cnx_coco_scorer_close(&scorer);
    cnx_coco_truth_close(&truth);
    return status;
}

/* ---- scores ---- */

/* "stats" with keys, or as a list. */
static void check_stats(const cnx_coco_scores *scores, const cJSON *want, const char *what)
{
    double stats[CNX_COCO_STATS];
    cnx_coco_summary(stats, scores, -1);
    for (int i = 0; i < CNX_COCO_STATS; i++) {
        const cJSON *item = cJSON_IsArray(want)
                                ? cJSON_GetArrayItem(want, i)
                                : cJSON_GetObjectItemCaseSensitive(want, cnx_coco_stats[i].key);
        CHECK(cJSON_IsNumber(item) && stats[i] == item->valuedouble, "%s: %s is %.17g", what,
              cnx_coco_stats[i].key, stats[i]);
    }
}

static void check_expected(const cnx_coco_scores *scores, const void *user)
{
    const cJSON *want = user;
    check_stats(scores, cJSON_GetObjectItemCaseSensitive(want, "stats"), "stats");
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(want, "per_category"), *of;
    const cnx_coco_params *p = cnx_coco_scorer_params(scores->scorer);
    int seen = 0;
    for (int k = 0; k < scores->categories; k++) {
        char key[32];
        snprintf(key, sizeof key, "%lld", (long long)p->category_ids[k]);
        of = cJSON_GetObjectItemCaseSensitive(classes, key);
        if (!of)
            continue;
        const int last = scores->max_dets - 1;
        const double ap = cnx_coco_mean(scores, false, -1, k, 0, last);
        const double ar = cnx_coco_mean(scores, true, -1, k, 0, last);
        CHECK(ap == cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(of, "ap")) &&
                  ar == cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(of, "ar")),
              "category %s: %.17g, %.17g", key, ap, ar);
        seen++;
    }
    CHECK(seen == cJSON_GetArraySize(classes), "%d categories", seen);
}

static void expect_file(const scoring *c, const char *expected)
{
    cnx_error err = {0};
    cJSON *want = golden_json(expected);
    for (int threads = 1; threads <= 3; threads += 2) {
        scoring again = *c;
        again.threads = threads;
        CHECK(score(&again, check_expected, want, &err) == CNX_OK, "%s", err.message);
    }
    cJSON_Delete(want);
}

/* precision [T, R, K] over all areas at the last number of detections; recall [T, K, A, M] whole. */
static void check_arrays(const cnx_coco_scores *s, const void *user)
{
    char path[GOLDEN_PATH];
    cnx_npy precision = {0}, recall = {0};
    const size_t inner = (size_t)s->ranges * (size_t)s->max_dets;
    const size_t rows = (size_t)s->thresholds * (size_t)s->recalls * (size_t)s->categories;
    golden_format(path, "%s_precision_all_100.npy", (const char *)user);
    CHECK(cnx_npy_read(&precision, path, NULL) == CNX_OK && precision.elements == rows, "%s", path);
    golden_format(path, "%s_recall.npy", (const char *)user);
    CHECK(cnx_npy_read(&recall, path, NULL) == CNX_OK &&
              recall.elements == rows / (size_t)s->recalls * inner,
          "%s", path);
    size_t differ = 0;
    for (size_t i = 0; i < precision.elements; i++)
        differ += ((const double *)precision.data)[i] !=
                  s->precision[i * inner + (size_t)(s->max_dets - 1)];
    CHECK(differ == 0, "%s: %zu precisions differ", path, differ);
    for (size_t i = 0; i < recall.elements; i++)
        differ += ((const double *)recall.data)[i] != s->recall[i];
    CHECK(differ == 0, "%s: %zu recalls differ", path, differ);
    cnx_npy_free(&precision);
    cnx_npy_free(&recall);
}

/* The results in reversed order, beside the work of the test. */
static void reverse(char path[GOLDEN_PATH], const char *results)
{
    cJSON *list = golden_json(results), *back = cJSON_CreateArray();
    while (cJSON_GetArraySize(list) > 0)
        cJSON_AddItemToArray(back, cJSON_DetachItemFromArray(list, cJSON_GetArraySize(list) - 1));
    char *text = cJSON_PrintUnformatted(back);
    golden_format(path, "/tmp/cnx_coco_reversed_%d.json", (int)getpid());
    FILE *file = fopen(path, "w");
    CHECK(file && text && fputs(text, file) >= 0 && fclose(file) == 0);
    cJSON_free(text);
    cJSON_Delete(list);
    cJSON_Delete(back);
}

static void check_folder(const char *folder)
{
    static const int many[] = {100, 300, 1000};
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        const char *name = cnx_coco_kind_names[kind];
        char truth[GOLDEN_PATH], results[GOLDEN_PATH], path[GOLDEN_PATH], reversed[GOLDEN_PATH];
        golden_format(truth, "%s/gt.json", folder);
        golden_format(results, "%s/dets_%s.json", folder, name);
        scoring c = {truth, results, (cnx_coco_kind)kind, NULL, 1};
        expect_file(&c, golden_format(path, "%s/expected_%s.json", folder, name));
        golden_format(path, "%s/expected_%s_recall.npy", folder, name);
        if (access(path, R_OK) == 0)
            CHECK(score(&c, check_arrays, golden_format(path, "%s/expected_%s", folder, name),
                        NULL) == CNX_OK);
        c.max_dets = many;
        golden_format(path, "%s/expected_%s_maxdets_100_300_1000.json", folder, name);
        if (access(path, R_OK) == 0)
            expect_file(&c, path);
        c.max_dets = NULL;
        golden_format(path, "%s/expected_%s_reversed_input.json", folder, name);
        if (access(path, R_OK) == 0) {
            reverse(reversed, results);
            c.results = reversed;
            expect_file(&c, path);
            unlink(reversed);
        }
    }
    /* Boxes beside masks: the areas are those of boxes. */
    char truth[GOLDEN_PATH], results[GOLDEN_PATH], path[GOLDEN_PATH];
    golden_format(path, "%s/expected_both_segm.json", folder);
    golden_format(truth, "%s/gt.json", folder);
    golden_format(results, "%s/dets_both.json", folder);
    const scoring both = {truth, results, CNX_COCO_SEGM, NULL, 1};
    if (access(path, R_OK) == 0)
        expect_file(&both, path);
}

/* ---- what is damaged ---- */

static void check_damaged(const cnx_coco_scores *scores, const void *user)
{
    const cJSON *item = user, *stats = cJSON_GetObjectItemCaseSensitive(item, "stats");
    if (stats)
        check_stats(scores, stats,
                    cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name")));
}

static bool begins(const char *text, const char *word)
{
    return strncmp(text, word, strlen(word)) == 0;
}

static const char *text_of(const cJSON *item, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
}

/* What should be accepted is; what pycocotools dies of is refused, or scored where the advice says so; the
 * rest may be either, but what is scored has pycocotools' scores. */
static void check_bad(const char *folder)
{
    char path[GOLDEN_PATH], truth[GOLDEN_PATH], results[GOLDEN_PATH];
    cJSON *cases = golden_json(golden_format(path, "%s/expected.json", folder));
    const cJSON *item;
    int count = 0;
    cJSON_ArrayForEach(item, cases)
    {
        const char *advice = text_of(item, "advice"), *does = text_of(item, "pycocotools");
        golden_format(truth, "%s/%s", folder, text_of(item, "gt"));
        golden_format(results, "%s/%s", folder, text_of(item, "dets"));
        const scoring c = {
            truth, results,
            strcmp(text_of(item, "kind"), "segm") == 0 ? CNX_COCO_SEGM : CNX_COCO_BBOX, NULL, 2};
        cnx_error err = {0};
        const cnx_status status = score(&c, check_damaged, item, &err);
        const char *name = text_of(item, "name");
        if (begins(advice, "accept") && !strstr(advice, "or refuse"))
            CHECK(status == CNX_OK, "%s: %s", name, err.message);
        if (!begins(does, "stats") && begins(advice, "refuse") && !strstr(advice, "or skip"))
            CHECK(status != CNX_OK, "%s was accepted", name);
        if (status != CNX_OK)
            CHECK(strstr(err.message, folder) && strlen(err.message) > strlen(folder) + 20,
                  "%s: %s", name, err.message);
        count++;
    }
    CHECK(count > 80, "%d cases", count);
    cJSON_Delete(cases);
}

/* ---- published scores ---- */

static void check_published(const cnx_coco_scores *scores, const void *user)
{
    /* val2014_fake_eval_res.txt of the COCO API, three digits */
    static const double want[CNX_COCO_KINDS][CNX_COCO_STATS] = {
        {.505, .697, .573, .586, .519, .501, .387, .594, .595, .640, .566, .564},
        {.320, .562, .299, .387, .310, .327, .268, .415, .417, .469, .377, .381}};
    double stats[CNX_COCO_STATS];
    const cnx_coco_kind kind = *(const cnx_coco_kind *)user;
    cnx_coco_summary(stats, scores, -1);
    for (int i = 0; i < CNX_COCO_STATS; i++)
        CHECK(fabs(stats[i] - want[kind][i]) <= .00051, "%s of %s is %.4f", cnx_coco_stats[i].key,
              cnx_coco_kind_names[kind], stats[i]);
}

static void check_sample(const char *folder)
{
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        char truth[GOLDEN_PATH], results[GOLDEN_PATH];
        cnx_error err = {0};
        golden_format(truth, "%s/instances_val2014_100.json", folder);
        golden_format(results, "%s/instances_val2014_fake%s100_results.json", folder,
                      cnx_coco_kind_names[kind]);
        const scoring c = {truth, results, (cnx_coco_kind)kind, NULL, 2};
        CHECK(score(&c, check_published, &c.kind, &err) == CNX_OK, "%s", err.message);
    }
}

int main(void)
{
    char path[GOLDEN_PATH];
    check_folder(CNX_SOURCE_DIR "/tests/data/coco/small20");
    check_bad(CNX_SOURCE_DIR "/tests/data/coco/bad");
    if (check_shared(path, sizeof path, "fixtures/det/eval/small20"))
        check_folder(path);
    if (check_shared(path, sizeof path, "fixtures/det/eval/real100"))
        check_folder(path);
    if (check_shared(path, sizeof path, "fixtures/det/bad"))
        check_bad(path);
    if (check_shared(path, sizeof path, "data/coco_eval100"))
        check_sample(path);
    return CHECK_RESULT;
}
