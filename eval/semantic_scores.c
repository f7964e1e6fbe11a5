#include "eval/semantic_scores.h"

#include <math.h>

const char *const cnx_semantic_score_names[CNX_SCORE_COUNT] = {"IoU",    "Acc",       "Dice",
                                                               "Fscore", "Precision", "Recall"};

static double ratio(int64_t a, int64_t b)
{
    return b ? (double)a / (double)b : (double)NAN;
}

static double f_score(double precision, double recall, double beta)
{
    const double weight = beta * beta, below = weight * precision + recall;
    /* Never right: 0/0 in the original. */
    return below > 0 ? (1 + weight) * precision * recall / below : (double)NAN;
}

static double replaced(double score, const cnx_semantic_score_options *options)
{
    return isnan(score) && options->replace_nan ? options->replacement : score;
}

void cnx_semantic_class_scores(double out[CNX_SCORE_COUNT], const cnx_semantic_counts *counts,
                               int index, const cnx_semantic_score_options *options)
{
    const int64_t i = counts->intersect[index], p = counts->predicted[index];
    const int64_t l = counts->labelled[index];
    const double precision = ratio(i, p), recall = ratio(i, l);
    out[CNX_SCORE_IOU] = ratio(i, p + l - i);
    out[CNX_SCORE_ACC] = recall;
    out[CNX_SCORE_DICE] = ratio(2 * i, p + l);
    out[CNX_SCORE_FSCORE] = f_score(precision, recall, options->beta > 0 ? options->beta : 1);
    out[CNX_SCORE_PRECISION] = precision;
    out[CNX_SCORE_RECALL] = recall;
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        out[s] = replaced(out[s], options);
}

void cnx_semantic_summarise(cnx_semantic_summary *out, const cnx_semantic_counts *counts,
                            const cnx_semantic_score_options *options)
{
    double sums[CNX_SCORE_COUNT] = {0};
    int present[CNX_SCORE_COUNT] = {0};
    int64_t hits = 0, labelled = 0;
    for (int c = 0; c < counts->classes; c++) {
        double scores[CNX_SCORE_COUNT];
        cnx_semantic_class_scores(scores, counts, c, options);
        for (int s = 0; s < CNX_SCORE_COUNT; s++) {
            if (isnan(scores[s]))
                continue;
            sums[s] += scores[s];
            present[s]++;
        }
        hits += counts->intersect[c];
        labelled += counts->labelled[c];
    }
    out->accuracy = replaced(ratio(hits, labelled), options);
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        out->mean[s] = present[s] ? sums[s] / present[s] : (double)NAN;
}
