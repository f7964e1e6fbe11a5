/* Counting against a plain loop that follows the definition pixel by pixel; scores by hand. */
#include <math.h>

#include "eval/semantic_scores.h"
#include "tests/unit/check.h"

/* The definition, one pixel at a time. */
static void count_plainly(const cnx_semantic_rules *rules, const uint16_t *truth,
                          const uint16_t *pred, size_t n, cnx_semantic_counts *out,
                          int64_t *confusion)
{
    const int k = rules->classes;
    for (size_t i = 0; i < n; i++) {
        int t = truth[i];
        const int p = pred[i] - rules->pred_offset;
        if (rules->reduce_zero_label && t != 255)
            t = t == 0 ? 255 : t - 1;
        out->totals[CNX_SEMANTIC_PIXELS]++;
        if (t == rules->ignore) {
            out->totals[CNX_SEMANTIC_IGNORED]++;
            continue;
        }
        const bool truth_in = t < k, pred_in = p >= 0 && p < k;
        out->totals[CNX_SEMANTIC_TRUTH_BEYOND] += !truth_in;
        out->totals[CNX_SEMANTIC_PRED_BEYOND] += !pred_in;
        if (truth_in)
            out->labelled[t]++;
        if (pred_in)
            out->predicted[p]++;
        if (!truth_in || !pred_in)
            continue;
        confusion[(size_t)t * (size_t)k + (size_t)p]++;
        out->intersect[t] += t == p;
        out->totals[CNX_SEMANTIC_HITS] += t == p;
        out->totals[CNX_SEMANTIC_ONE_ABOVE] += p == t + 1;
        out->totals[CNX_SEMANTIC_ONE_BELOW] += p == t - 1;
    }
}

/* Areas of mean length `run` over values below `values`, the ignored 255 now and then. */
static void draw(unsigned long long *seed, uint16_t *labels, size_t n, unsigned values,
                 unsigned run)
{
    uint16_t value = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || check_random(seed) % run == 0)
            value = check_random(seed) % 10 == 0 ? 255 : (uint16_t)(check_random(seed) % values);
        labels[i] = value;
    }
}

static cnx_label_view view_of(const uint16_t *labels, uint8_t *narrow, size_t n, bool wide)
{
    for (size_t i = 0; i < n; i++)
        narrow[i] = (uint8_t)labels[i];
    return wide ? (cnx_label_view){labels, true} : (cnx_label_view){narrow, false};
}

/* wide: bit 0 the truth, bit 1 the prediction. */
static void compare(const cnx_semantic_rules *rules, size_t n, unsigned values, unsigned run,
                    unsigned wide)
{
    enum { LIMIT = 4096 };
    static uint16_t truth[LIMIT], pred[LIMIT];
    static uint8_t truth8[LIMIT], pred8[LIMIT];
    unsigned long long seed = n * 77 + values + run + wide;
    const size_t cells = (size_t)rules->classes * (size_t)rules->classes;
    const size_t bytes = cnx_semantic_value_count(rules->classes) * sizeof(int64_t);
    int64_t *want_confusion = calloc(cells, sizeof *want_confusion);
    int64_t *confusion = calloc(cells, sizeof *confusion);
    cnx_semantic_counts want, got;
    cnx_semantic_counter *counter;
    cnx_error err = {0};
    if (!want_confusion || !confusion ||
        cnx_semantic_counts_alloc(&want, rules->classes, &err) != CNX_OK ||
        cnx_semantic_counts_alloc(&got, rules->classes, &err) != CNX_OK ||
        cnx_semantic_counter_open(&counter, rules, &err) != CNX_OK) {
        CHECK(false, "%s", err.message);
        exit(EXIT_FAILURE);
    }
    /* Two pictures through one counter: its tables must be clean for the second. */
    for (int picture = 0; picture < 2; picture++) {
        draw(&seed, truth, n, values, run);
        draw(&seed, pred, n, values, run);
        if (run > 1)
            for (size_t i = 0; i < n; i++)
                pred[i] = check_random(&seed) % 8 ? truth[i] : pred[i];
        count_plainly(rules, truth, pred, n, &want, want_confusion);
        cnx_semantic_count(counter, view_of(truth, truth8, n, wide & 1),
                           view_of(pred, pred8, n, wide & 2), n, &got, confusion);
    }
    const char *what = memcmp(want.values, got.values, bytes)                         ? "counts"
                       : memcmp(want_confusion, confusion, cells * sizeof *confusion) ? "confusion"
                                                                                      : NULL;
    CHECK(
        !what,
        "%s differ: %zu pixels, %u values, runs of %u, wide %u, %d classes, ignore %d, reduce %d, "
        "offset %d",
        what ? what : "", n, values, run, wide, rules->classes, rules->ignore,
        rules->reduce_zero_label, rules->pred_offset);
    cnx_semantic_counter_close(&counter);
    cnx_semantic_counts_free(&want);
    cnx_semantic_counts_free(&got);
    free(confusion);
    free(want_confusion);
}

static void test_counting(void)
{
    static const cnx_semantic_rules rules[] = {
        {150, 255, false, 0}, {150, 255, true, 0},  {150, 255, true, 1}, {7, 255, false, 0},
        {1, -1, false, 0},    {7, 0, false, 0},     {256, -1, false, 0}, {300, 255, true, 2},
        {150, 7, true, 1},    {400, 1000, false, 0}};
    static const size_t sizes[] = {0, 1, 7, 8, 9, 33, 1001, 4096};
    static const unsigned values[] = {2, 9, 151, 256}, runs[] = {1, 3, 40};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
            for (size_t v = 0; v < sizeof values / sizeof *values; v++)
                for (size_t u = 0; u < sizeof runs / sizeof *runs; u++)
                    for (unsigned wide = 0; wide < 4; wide++)
                        compare(&rules[r], sizes[s], values[v], runs[u], wide);
    /* Values that only 16 bits hold. */
    compare(&rules[9], 4096, 1200, 5, 3);
    compare(&rules[7], 4096, 65536, 1, 3);
}

static void test_rules(void)
{
    cnx_semantic_counter *counter;
    cnx_error err = {0};
    static const cnx_semantic_rules wrong[] = {{0, 255, false, 0},     {-3, 255, false, 0},
                                               {65537, 255, false, 0}, {7, 65536, false, 0},
                                               {7, -2, false, 0},      {7, 255, false, -1}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        err.message[0] = '\0';
        CHECK(cnx_semantic_counter_open(&counter, &wrong[i], &err) == CNX_ERR_ARGUMENT &&
                  err.message[0] && !counter,
              "rules %zu", i);
    }
}

/* One class is right by half, one is predicted and not there, one is there and never hit, one is in
 * neither. */
static void test_scores(void)
{
    static const uint8_t truth[] = {0, 0, 0, 0, 2, 2, 255, 255};
    static const uint8_t pred[] = {0, 0, 1, 1, 0, 1, 3, 0};
    const cnx_semantic_rules rules = {4, 255, false, 0};
    cnx_semantic_score_options options = {0};
    cnx_semantic_counts counts;
    cnx_semantic_counter *counter = NULL;
    cnx_semantic_summary summary;
    cnx_error err;
    double scores[4][CNX_SCORE_COUNT];
    CHECK(cnx_semantic_counts_alloc(&counts, 4, &err) == CNX_OK &&
          cnx_semantic_counter_open(&counter, &rules, &err) == CNX_OK);
    cnx_semantic_count(counter, (cnx_label_view){truth, false}, (cnx_label_view){pred, false}, 8,
                       &counts, NULL);
    for (int c = 0; c < 4; c++)
        cnx_semantic_class_scores(scores[c], &counts, c, &options);
    CHECK(scores[0][CNX_SCORE_IOU] == 2.0 / 5 && scores[0][CNX_SCORE_ACC] == 0.5);
    CHECK(scores[0][CNX_SCORE_PRECISION] == 2.0 / 3 && scores[0][CNX_SCORE_RECALL] == 0.5);
    CHECK(fabs(scores[0][CNX_SCORE_DICE] - 4.0 / 7) < 1e-15);
    CHECK(fabs(scores[0][CNX_SCORE_FSCORE] - 4.0 / 7) < 1e-15);
    CHECK(scores[1][CNX_SCORE_IOU] == 0 && isnan(scores[1][CNX_SCORE_ACC]));
    CHECK(isnan(scores[1][CNX_SCORE_FSCORE]) && scores[1][CNX_SCORE_PRECISION] == 0);
    CHECK(scores[2][CNX_SCORE_DICE] == 0 && isnan(scores[2][CNX_SCORE_FSCORE]));
    CHECK(scores[2][CNX_SCORE_ACC] == 0 && isnan(scores[2][CNX_SCORE_PRECISION]));
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        CHECK(isnan(scores[3][s]), "%s of a class in neither", cnx_semantic_score_names[s]);
    cnx_semantic_summarise(&summary, &counts, &options);
    CHECK(summary.accuracy == 2.0 / 6 && fabs(summary.mean[CNX_SCORE_IOU] - 0.4 / 3) < 1e-15);
    CHECK(summary.mean[CNX_SCORE_ACC] == 0.25, "%g", summary.mean[CNX_SCORE_ACC]);
    options = (cnx_semantic_score_options){.replace_nan = true, .replacement = -1};
    cnx_semantic_summarise(&summary, &counts, &options);
    CHECK(fabs(summary.mean[CNX_SCORE_ACC] - (0.5 - 1 + 0 - 1) / 4) < 1e-15);
    cnx_semantic_counts_clear(&counts);
    cnx_semantic_summarise(&summary, &counts, &options);
    CHECK(summary.accuracy == -1 && summary.mean[CNX_SCORE_IOU] == -1);
    options.replace_nan = false;
    cnx_semantic_summarise(&summary, &counts, &options);
    CHECK(isnan(summary.accuracy) && isnan(summary.mean[CNX_SCORE_FSCORE]));
    cnx_semantic_counter_close(&counter);
    cnx_semantic_counts_free(&counts);
}

/* What was stored comes back; what cannot be counts is refused. */
static void test_restore(void)
{
    enum { K = 2, N = 3 * K + CNX_SEMANTIC_TOTALS };
    static const int64_t sound[N] = {3, 1, 4, 2, 3, 3, 10, 4, 0, 0, 4, 1, 0};
    cnx_semantic_counts counts, sum;
    cnx_error err = {0};
    CHECK(cnx_semantic_value_count(K) == N);
    CHECK(cnx_semantic_counts_alloc(&counts, K, &err) == CNX_OK &&
          cnx_semantic_counts_alloc(&sum, K, &err) == CNX_OK);
    CHECK(cnx_semantic_counts_restore(&counts, sound, &err) == CNX_OK, "%s", err.message);
    CHECK(memcmp(counts.values, sound, sizeof sound) == 0);
    cnx_semantic_counts_add(&sum, &counts);
    cnx_semantic_counts_add(&sum, &counts);
    CHECK(sum.intersect[1] == 2 && sum.labelled[1] == 6 && sum.totals[CNX_SEMANTIC_PIXELS] == 20);
    static const struct {
        int at;
        int64_t value;
    } wrong[] = {{0, -1},  {0, 5}, {2, -4}, {4, INT64_MAX}, {5, 9},
                 {6, -10}, {6, 2}, {9, 11}, {12, -1},       {10, 3}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int64_t values[N];
        memcpy(values, sound, sizeof values);
        values[wrong[i].at] = wrong[i].value;
        CHECK(cnx_semantic_counts_restore(&counts, values, &err) == CNX_ERR_FORMAT, "case %zu", i);
    }
    CHECK(memcmp(counts.values, sound, sizeof sound) == 0, "a refusal changed the counts");
    cnx_semantic_counts_free(&counts);
    cnx_semantic_counts_free(&sum);
}

int main(void)
{
    test_counting();
    test_rules();
    test_scores();
    test_restore();
    return CHECK_RESULT;
}
