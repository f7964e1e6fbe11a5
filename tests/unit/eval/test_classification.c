/* Ranks, accuracies and corruption errors on examples worked by hand. */
#include <math.h>

#include "eval/classification.h"
#include "tests/unit/check.h"

static void test_ranks(void)
{
    const double scores[] = {0.5, 2, 2, -1, NAN, 2};
    const bool subset[] = {true, false, true, true, false, true};
    static const int ranks[] = {3, 0, 1, 4, 5, 2};
    for (int c = 0; c < 6; c++)
        CHECK(cnx_class_rank(scores, 6, NULL, c) == ranks[c], "class %d: %d", c,
              cnx_class_rank(scores, 6, NULL, c));
    /* Equal scores: the lowest index first; only those of the subset compete. */
    CHECK(cnx_class_rank(scores, 6, subset, 2) == 0, "subset");
    CHECK(cnx_class_rank(scores, 6, subset, 0) == 2, "subset");
    CHECK(cnx_class_first(scores, 6, NULL) == 1, "first");
    CHECK(cnx_class_first(scores, 6, subset) == 2, "first of the subset");
    const double none[] = {NAN, NAN};
    CHECK(cnx_class_first(none, 2, NULL) == 0 && cnx_class_rank(none, 2, NULL, 1) == 1, "all NaN");
    const double infinite[] = {-INFINITY, INFINITY, -INFINITY};
    CHECK(cnx_class_rank(infinite, 3, NULL, 0) == 1 && cnx_class_rank(infinite, 3, NULL, 2) == 2,
          "infinities");
}

/* A rank is the number of larger scores and of equal ones before it, for any scores. */
static void test_against_definition(void)
{
    unsigned long long seed = 3;
    for (int round = 0; round < 200; round++) {
        enum { N = 37 };
        double scores[N];
        bool counts[N];
        for (int c = 0; c < N; c++) {
            scores[c] = (double)(check_random(&seed) % 9);
            counts[c] = check_random(&seed) % 3 > 0;
        }
        const int truth = (int)(check_random(&seed) % N);
        counts[truth] = true;
        int rank = 0;
        for (int c = 0; c < N; c++)
            rank += counts[c] &&
                    (scores[c] > scores[truth] || (scores[c] == scores[truth] && c < truth));
        CHECK(cnx_class_rank(scores, N, counts, truth) == rank, "round %d", round);
        CHECK((cnx_class_first(scores, N, counts) == truth) == (rank == 0), "round %d", round);
    }
}

static void test_counts(void)
{
    cnx_top_counts counts = {0}, sum = {0};
    for (int rank = 0; rank < 8; rank++)
        cnx_top_counts_rank(&counts, rank);
    CHECK(counts.images == 8 && counts.top1 == 1 && counts.top5 == 5, "counts");
    cnx_top_counts_add(&sum, &counts);
    cnx_top_counts_add(&sum, &counts);
    CHECK(sum.images == 16 && sum.top1 == 2 && sum.top5 == 10, "sum");
    CHECK(fabs(cnx_top_percent(sum.top1, sum.images) - 12.5) < 1e-12, "per cent");
    CHECK(isnan(cnx_top_percent(0, 0)), "no pictures");
}

static const double alexnet[] = {0.886428, 0.894468, 0.922640, 0.819880, 0.826268,
                                 0.785948, 0.798360, 0.866816, 0.826572, 0.819324,
                                 0.564592, 0.853204, 0.646056, 0.717840, 0.606500};
enum { CORRUPTIONS = 15 };

static void test_corruptions(void)
{
    const cnx_top_counts severities[5] = {
        {10, 9, 10}, {10, 8, 9}, {20, 10, 12}, {10, 2, 5}, {4, 0, 1}};
    /* errors 0.1, 0.2, 0.5, 0.8, 1: each severity counts alike, whatever its pictures */
    CHECK(fabs(cnx_corruption_error(severities, 5) - 0.52) < 1e-12, "error");
    cnx_top_counts missing[5];
    memcpy(missing, severities, sizeof missing);
    missing[3].images = 0;
    CHECK(isnan(cnx_corruption_error(missing, 5)), "a severity without pictures");

    /* AlexNet itself has 100, also relative to its own clean error. */
    CHECK(fabs(cnx_mean_corruption_error(alexnet, alexnet, CORRUPTIONS) - 100) < 1e-9, "AlexNet");
    CHECK(fabs(cnx_relative_corruption_error(alexnet, CNX_ALEXNET_CLEAN_ERROR, alexnet,
                                             CNX_ALEXNET_CLEAN_ERROR, CORRUPTIONS) -
               100) < 1e-9,
          "AlexNet, relative");
    double half[CORRUPTIONS], shifted[CORRUPTIONS];
    for (int c = 0; c < CORRUPTIONS; c++) {
        half[c] = alexnet[c] / 2;
        shifted[c] = 0.1 + (alexnet[c] - CNX_ALEXNET_CLEAN_ERROR) / 4;
    }
    CHECK(fabs(cnx_mean_corruption_error(half, alexnet, CORRUPTIONS) - 50) < 1e-9, "half");
    CHECK(fabs(cnx_relative_corruption_error(shifted, 0.1, alexnet, CNX_ALEXNET_CLEAN_ERROR,
                                             CORRUPTIONS) -
               25) < 1e-9,
          "a quarter, relative");
    const double two[] = {0.2, 0.4}, references[] = {0.4, 0.5};
    CHECK(fabs(cnx_mean_corruption_error(two, references, 2) - 65) < 1e-9, "0.5 and 0.8");
    half[4] = NAN;
    CHECK(isnan(cnx_mean_corruption_error(half, alexnet, CORRUPTIONS)), "not a number");
}

int main(void)
{
    test_ranks();
    test_against_definition();
    test_counts();
    test_corruptions();
    return CHECK_RESULT;
}
