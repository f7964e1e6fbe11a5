/* Scores as JSON, CSV and as mmsegmentation's tables.  What cannot be written shows in the stream's
 * error state. */
#ifndef CNX_EVAL_SEMANTIC_REPORT_H
#define CNX_EVAL_SEMANTIC_REPORT_H

#include <stdio.h>

#include "eval/semantic_scores.h"

typedef struct cnx_semantic_report {
    const cnx_semantic_counts *counts;
    const char *const *names; /* [classes] */
    cnx_semantic_score_options options;
} cnx_semantic_report;

/* What --metrics names; each brings some columns into tables. */
typedef enum cnx_semantic_metric {
    CNX_METRIC_IOU,       /* mIoU: IoU, Acc */
    CNX_METRIC_DICE,      /* mDice: Dice, Acc */
    CNX_METRIC_FSCORE,    /* mFscore: Fscore, Precision, Recall */
    CNX_METRIC_PRECISION, /* mPrecision: Precision */
    CNX_METRIC_RECALL,    /* mRecall: Recall */
    CNX_METRIC_COUNT
} cnx_semantic_metric;

/* "mIoU" ..., NULL at the end: the choices of an option. */
extern const char *const cnx_semantic_metric_names[CNX_METRIC_COUNT + 1];

/*
 * Members of a JSON object, without its braces, so that a caller can add its own:
 * "aAcc":0.83,"mIoU":0.46,...,"mRecall":0.58,"classes":[{"name":"wall","IoU":0.77,...},...].
 * Fractions that read back exactly; null for NaN.
 */
void cnx_semantic_write_members(FILE *to, const cnx_semantic_report *report);

/* A header, a line for each class (index, name, scores, pixels), then those of the means and of all
 * pixels, which have no index.  Fractions; "nan" for NaN. */
void cnx_semantic_write_csv(FILE *to, const cnx_semantic_report *report);

/* "per class results:" and "Summary:" in per cent, two decimals.  metrics: bit m is metric m. */
void cnx_semantic_write_tables(FILE *to, const cnx_semantic_report *report, unsigned metrics);

/* ---- picture by picture ---- */

/* {"name":"a/b","pixels":350208,"aAcc":0.91,"mIoU":0.52}; pixels: those whose truth is a class. */
void cnx_semantic_write_picture(FILE *to, const char *name, int64_t pixels,
                                const cnx_semantic_summary *summary);
/* The header, then a line for each picture with all seven scores. */
void cnx_semantic_write_pictures_csv_header(FILE *to);
void cnx_semantic_write_picture_csv(FILE *to, const char *name, int64_t pixels,
                                    const cnx_semantic_summary *summary);

#endif
