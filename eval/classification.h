/*
 * Top-1 and top-5 accuracy, and the errors that ImageNet-C's are made into.  Sees scores and labels,
 * no model and no picture.
 */
#ifndef CNX_EVAL_CLASSIFICATION_H
#define CNX_EVAL_CLASSIFICATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* AlexNet's top-1 error on clean pictures, for the relative error: from the literature. */
#define CNX_ALEXNET_CLEAN_ERROR 0.4348

/*
 * How many classes are ranked before `truth`: those of a larger score, and those of an equal one with
 * a lower index.  counts: [n] the classes that compete, truth among them, or NULL for all.  NaN never
 * wins; a truth whose score is NaN comes after all others.
 */
int cnx_class_rank(const double *scores, int n, const bool *counts, int truth);
/* The class that is ranked first. */
int cnx_class_first(const double *scores, int n, const bool *counts);

typedef struct cnx_top_counts {
    int64_t images, top1, top5;
} cnx_top_counts;

/* One more picture, of this rank. */
void cnx_top_counts_rank(cnx_top_counts *counts, int rank);
void cnx_top_counts_add(cnx_top_counts *sum, const cnx_top_counts *counts);
/* Correct of all, in per cent; NaN for no pictures. */
double cnx_top_percent(int64_t correct, int64_t images);

/* ---- corruptions ---- */

/* Mean over the severities of the top-1 error, a fraction; NaN when one of them has no pictures. */
double cnx_corruption_error(const cnx_top_counts *severities, int count);

/* 100 x the mean of error / reference over the corruptions; NaN when an error is. */
double cnx_mean_corruption_error(const double *errors, const double *references, int count);

/* The same of (error - clean) / (reference - reference_clean). */
double cnx_relative_corruption_error(const double *errors, double clean, const double *references,
                                     double reference_clean, int count);

#endif
