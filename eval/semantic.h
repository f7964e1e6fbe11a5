/*
 * Semantic segmentation, counted as mmsegmentation counts it (intersect_and_union).
 *
 * Over the pixels whose truth is not the ignored value, for each class c of K:
 *
 *     I[c]  pixels with prediction = truth = c
 *     P[c]  pixels with prediction = c
 *     L[c]  pixels with truth = c            (union: P + L - I)
 *
 * A value of K or more is in no bin, yet a pixel whose truth is such a value, and not the ignored
 * one, still counts its prediction in P.  Counts are 64-bit integers: they can be added in any
 * order and give the same sums.  Pictures are added up first and divided once
 * (eval/semantic_scores.h).
 */
#ifndef CNX_EVAL_SEMANTIC_H
#define CNX_EVAL_SEMANTIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* As many as 16-bit labels can tell apart. */
#define CNX_SEMANTIC_MAX_CLASSES 65536

/* How stored values become classes. */
typedef struct cnx_semantic_rules {
    int classes; /* K: 1..CNX_SEMANTIC_MAX_CLASSES */
    /* A truth value (after the reduction) whose pixels are left out; -1: none is. */
    int ignore;
    /* The truth's 0 means "other": 0 becomes 255, a stored 255 stays, every other v is v - 1. */
    bool reduce_zero_label;
    /* Taken off each predicted value; one below it is in no bin.  1: ADE20K submission files. */
    int pred_offset;
} cnx_semantic_rules;

/* Rules that cannot be followed are CNX_ERR_ARGUMENT. */
cnx_status cnx_semantic_check_rules(const cnx_semantic_rules *rules, cnx_error *err);

/* What is counted besides I, P and L. */
typedef enum cnx_semantic_total {
    CNX_SEMANTIC_PIXELS,       /* all */
    CNX_SEMANTIC_IGNORED,      /* truth is the ignored value; the others look at the rest */
    CNX_SEMANTIC_TRUTH_BEYOND, /* truth in no bin */
    CNX_SEMANTIC_PRED_BEYOND,  /* prediction in no bin */
    CNX_SEMANTIC_HITS,         /* prediction = truth: the sum of I */
    /* Prediction is the truth's class + 1, - 1: where these outnumber the hits by far, one of the
     * two sides is not numbered as the rules say. */
    CNX_SEMANTIC_ONE_ABOVE,
    CNX_SEMANTIC_ONE_BELOW,
    CNX_SEMANTIC_TOTALS
} cnx_semantic_total;

/*
 * The counts of a picture, or of many.  A plain value: `values` can be stored as it is and read
 * back (cnx_semantic_value_count numbers: I, P, L, then the totals).
 */
typedef struct cnx_semantic_counts {
    int classes;
    int64_t *values;                           /* owned */
    int64_t *intersect, *predicted, *labelled; /* [classes] each, inside values */
    int64_t *totals;                           /* [CNX_SEMANTIC_TOTALS], inside values */
} cnx_semantic_counts;

size_t cnx_semantic_value_count(int classes);
/* Zeroed counts; the caller frees them. */
cnx_status cnx_semantic_counts_alloc(cnx_semantic_counts *out, int classes, cnx_error *err);
void cnx_semantic_counts_free(cnx_semantic_counts *counts); /* accepts zeroed ones */
void cnx_semantic_counts_clear(cnx_semantic_counts *counts);
/* sum += more; both have the same number of classes. */
void cnx_semantic_counts_add(cnx_semantic_counts *sum, const cnx_semantic_counts *more);
/*
 * Takes over values that were stored.  CNX_ERR_FORMAT where they cannot be counts: a negative one,
 * more hits than predictions or labels, more labels than pixels.
 */
cnx_status cnx_semantic_counts_restore(cnx_semantic_counts *counts, const int64_t *values,
                                       cnx_error *err);

/* Labels of a picture without gaps: uint8_t, or uint16_t in the host's byte order where wide. */
typedef struct cnx_label_view {
    const void *data;
    bool wide;
} cnx_label_view;

/* What counting needs besides the labels: some tables, made once a thread. */
typedef struct cnx_semantic_counter cnx_semantic_counter;

cnx_status cnx_semantic_counter_open(cnx_semantic_counter **out, const cnx_semantic_rules *rules,
                                     cnx_error *err);
void cnx_semantic_counter_close(cnx_semantic_counter **counter); /* accepts NULL, leaves NULL */

/*
 * Adds a picture of `pixels` < 2^32 pixels to counts, which have the rules' number of classes.
 * confusion: NULL, or [classes][classes], row the truth, column the prediction, added to as well
 * (pixels where both are in a bin).
 */
void cnx_semantic_count(cnx_semantic_counter *counter, cnx_label_view truth, cnx_label_view pred,
                        size_t pixels, cnx_semantic_counts *counts, int64_t *confusion);

/* The first stored value that is neither in a bin nor ignored, -1 when there is none: what to name
 * when the totals say that there are some. */
int cnx_semantic_find_beyond(const cnx_semantic_rules *rules, cnx_label_view labels, bool is_truth,
                             size_t pixels);

#endif
