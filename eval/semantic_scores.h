/* From counts to scores: IoU, Acc, Dice, Fscore, Precision, Recall, as mmsegmentation has them. */
#ifndef CNX_EVAL_SEMANTIC_SCORES_H
#define CNX_EVAL_SEMANTIC_SCORES_H

#include "eval/semantic.h"

/*
 * By class (fractions):
 *
 *     IoU        I / (P + L - I)                      NaN: in neither
 *     Acc        I / L                                NaN: not in the truth
 *     Dice       2 I / (P + L)                        NaN: in neither
 *     Fscore     (1 + b^2) p r / (b^2 p + r)          NaN: p or r is NaN, or both are 0
 *     Precision  p = I / P                            NaN: never predicted
 *     Recall     r = I / L                            NaN: not in the truth
 *
 * The mean of each is over the classes in which it is not NaN.
 */
typedef enum cnx_semantic_score {
    CNX_SCORE_IOU,
    CNX_SCORE_ACC,
    CNX_SCORE_DICE,
    CNX_SCORE_FSCORE,
    CNX_SCORE_PRECISION,
    CNX_SCORE_RECALL,
    CNX_SCORE_COUNT
} cnx_semantic_score;

/* "IoU", "Acc" ...; the mean over the classes is called "m" and this. */
extern const char *const cnx_semantic_score_names[CNX_SCORE_COUNT];

typedef struct cnx_semantic_score_options {
    double beta;        /* of the Fscore; 0 is taken for 1, the default */
    bool replace_nan;   /* nan_to_num: before the means are taken */
    double replacement; /* what NaN becomes */
} cnx_semantic_score_options;

typedef struct cnx_semantic_summary {
    double accuracy;              /* aAcc: I of all classes / L of all classes */
    double mean[CNX_SCORE_COUNT]; /* mIoU, mAcc ... */
} cnx_semantic_summary;

/* All scores of one class. */
void cnx_semantic_class_scores(double out[CNX_SCORE_COUNT], const cnx_semantic_counts *counts,
                               int index, const cnx_semantic_score_options *options);
void cnx_semantic_summarise(cnx_semantic_summary *out, const cnx_semantic_counts *counts,
                            const cnx_semantic_score_options *options);

#endif
