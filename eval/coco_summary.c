/* Means of precision and recall: the twelve numbers, summed as NumPy sums. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/coco_private.h"

const cnx_coco_stat cnx_coco_stats[CNX_COCO_STATS] = {
    {"AP", false, 0, "all", -1},   {"AP50", false, .5, "all", 2},  {"AP75", false, .75, "all", 2},
    {"APs", false, 0, "small", 2}, {"APm", false, 0, "medium", 2}, {"APl", false, 0, "large", 2},
    {"AR1", true, 0, "all", 0},    {"AR10", true, 0, "all", 1},    {"AR100", true, 0, "all", 2},
    {"ARs", true, 0, "small", 2},  {"ARm", true, 0, "medium", 2},  {"ARl", true, 0, "large", 2}};

/* NumPy's pairwise summation, whose order decides the last digit. */
static double pairwise(const double *list, size_t n)
{
    enum { BLOCK = 128 };
    if (n < 8) {
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += list[i];
        return sum;
    }
    if (n > BLOCK) {
        size_t half = n / 2;
        half -= half % 8;
        return pairwise(list, half) + pairwise(list + half, n - half);
    }
    double r[8];
    memcpy(r, list, sizeof r);
    size_t i = 8;
    for (; i < n - n % 8; i += 8)
        for (size_t k = 0; k < 8; k++)
            r[k] += list[i + k];
    double sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; i++)
        sum += list[i];
    return sum;
}

/* As NumPy's sum: pieces as long as its buffer, one after the other. */
static double numpy_sum(const double *list, size_t n)
{
    enum { BUFFER = 8192 };
    double sum = 0;
    for (size_t i = 0; i < n; i += BUFFER)
        sum += pairwise(list + i, n - i < BUFFER ? n - i : BUFFER);
    return sum;
}

double cnx_coco_mean(const cnx_coco_scores *s, bool recall, int threshold, int category, int range,
                     int max_det)
{
    const size_t recalls = recall ? 1 : (size_t)s->recalls, categories = (size_t)s->categories;
    const size_t inner = (size_t)s->ranges * (size_t)s->max_dets;
    const double *values = recall ? s->recall : s->precision;
    const size_t t0 = threshold < 0 ? 0 : (size_t)threshold;
    const size_t t1 = threshold < 0 ? (size_t)s->thresholds : t0 + 1;
    const size_t k0 = category < 0 ? 0 : (size_t)category;
    const size_t k1 = category < 0 ? categories : k0 + 1;
    double *kept = malloc(((t1 - t0) * recalls * (k1 - k0) + 1) * sizeof *kept);
    size_t n = 0;
    if (!kept)
        return -1;
    for (size_t row = t0 * recalls; row < t1 * recalls; row++)
        for (size_t k = k0; k < k1; k++) {
            const size_t at = (row * categories + k) * inner + (size_t)range * (size_t)s->max_dets +
                              (size_t)max_det;
            if (values[at] > -1)
                kept[n++] = values[at];
        }
    const double mean = n > 0 ? numpy_sum(kept, n) / (double)n : -1;
    free(kept);
    return mean;
}

static int find_threshold(const cnx_coco_params *p, double value)
{
    for (int i = 0; i < p->threshold_count; i++)
        if (p->thresholds[i] == value)
            return i;
    return -1;
}

static int find_range(const cnx_coco_params *p, const char *name)
{
    for (int i = 0; i < p->range_count; i++)
        if (strcmp(p->ranges[i].name, name) == 0)
            return i;
    return -1;
}

/* The index of the stat's number of detections; -1: not among the scorer's. */
static int find_max_det(const cnx_coco_params *p, const cnx_coco_stat *stat)
{
    if (stat->max_det >= 0)
        return stat->max_det;
    for (int i = 0; i < p->max_det_count; i++)
        if (p->max_dets[i] == 100)
            return i;
    return -1;
}

void cnx_coco_summary(double out[CNX_COCO_STATS], const cnx_coco_scores *scores, int category)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(scores->scorer);
    for (int i = 0; i < CNX_COCO_STATS; i++) {
        const cnx_coco_stat *stat = &cnx_coco_stats[i];
        const int threshold = stat->threshold > 0 ? find_threshold(p, stat->threshold) : -1;
        const int range = find_range(p, stat->range), max_det = find_max_det(p, stat);
        const bool known = range >= 0 && max_det >= 0 && (stat->threshold == 0 || threshold >= 0);
        out[i] =
            known ? cnx_coco_mean(scores, stat->recall, threshold, category, range, max_det) : -1;
    }
}

int cnx_coco_stat_line(char *out, size_t size, const cnx_coco_scores *scores, int index,
                       double value)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(scores->scorer);
    const cnx_coco_stat *stat = &cnx_coco_stats[index];
    char iou[32];
    if (stat->threshold > 0)
        snprintf(iou, sizeof iou, "%.2f", stat->threshold);
    else
        snprintf(iou, sizeof iou, "%.2f:%.2f", p->thresholds[0],
                 p->thresholds[p->threshold_count - 1]);
    return snprintf(out, size, " %-18s %s @[ IoU=%-9s | area=%6s | maxDets=%3d ] = %0.3f",
                    stat->recall ? "Average Recall" : "Average Precision",
                    stat->recall ? "(AR)" : "(AP)", iou, stat->range,
                    stat->max_det < 0 ? 100 : p->max_dets[stat->max_det], value);
}
