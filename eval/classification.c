#include "eval/classification.h"

#include <math.h>

/* Is class `other` ranked before one of this index and score? */
static bool before(const double *scores, int other, int index)
{
    const double a = scores[other], b = scores[index];
    if (isnan(a) || isnan(b))
        return !isnan(a) || (isnan(b) && other < index);
    return a > b || (a == b && other < index);
}

int cnx_class_rank(const double *scores, int n, const bool *counts, int truth)
{
    int rank = 0;
    for (int c = 0; c < n; c++)
        rank += c != truth && (!counts || counts[c]) && before(scores, c, truth);
    return rank;
}

int cnx_class_first(const double *scores, int n, const bool *counts)
{
    int first = -1;
    for (int c = 0; c < n; c++)
        if ((!counts || counts[c]) && (first < 0 || before(scores, c, first)))
            first = c;
    return first;
}

void cnx_top_counts_rank(cnx_top_counts *counts, int rank)
{
    counts->images++;
    counts->top1 += rank < 1;
    counts->top5 += rank < 5;
}

void cnx_top_counts_add(cnx_top_counts *sum, const cnx_top_counts *counts)
{
    sum->images += counts->images;
    sum->top1 += counts->top1;
    sum->top5 += counts->top5;
}

double cnx_top_percent(int64_t correct, int64_t images)
{
    return images ? 100.0 * (double)correct / (double)images : NAN;
}

double cnx_corruption_error(const cnx_top_counts *severities, int count)
{
    double sum = 0;
    for (int s = 0; s < count; s++) {
        if (severities[s].images == 0)
            return NAN;
        sum += (double)(severities[s].images - severities[s].top1) / (double)severities[s].images;
    }
    return sum / count;
}

double cnx_mean_corruption_error(const double *errors, const double *references, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += errors[i] / references[i];
    return 100.0 * sum / count;
}

double cnx_relative_corruption_error(const double *errors, double clean, const double *references,
                                     double reference_clean, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += (errors[i] - clean) / (references[i] - reference_clean);
    return 100.0 * sum / count;
}
