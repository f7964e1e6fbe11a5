/*
 * COCO's scores of boxes and masks, equal to pycocotools to the last digit.
 *
 *     cnx_coco_scorer_open(&scorer, &truth, &params, &err);
 *     cnx_coco_scorer_read(scorer, "results.json", &err);       or cnx_coco_scorer_add, again and again
 *     cnx_coco_scorer_run(&scores, scorer, CNX_COCO_BBOX, &err);
 *     cnx_coco_summary(stats, &scores, -1);                     the twelve numbers
 *
 * How a detection overlaps the truth is computed when it arrives, and only that is kept: boxes and masks
 * are not, so that a results file larger than memory can be scored.
 */
#ifndef CNX_EVAL_COCO_H
#define CNX_EVAL_COCO_H

#include "core/coco/results.h"
#include "core/coco/truth.h"

typedef enum cnx_coco_kind { CNX_COCO_BBOX, CNX_COCO_SEGM, CNX_COCO_KINDS } cnx_coco_kind;
extern const char *const cnx_coco_kind_names[CNX_COCO_KINDS]; /* "bbox", "segm" */

/* Areas from low to high, both included. */
typedef struct cnx_coco_range {
    char name[32];
    double low, high;
} cnx_coco_range;

/* What to score and how.  Zero-initialise; what is left at zero is as pycocotools has it. */
typedef struct cnx_coco_params {
    bool kinds[CNX_COCO_KINDS];
    int threads;
    const double *thresholds; /* of IoU; NULL: 0.5, 0.55 ... 0.95 */
    int threshold_count;
    const int *max_dets; /* ascending, three or more; NULL: 1, 10, 100 */
    int max_det_count;
    const cnx_coco_range *ranges; /* NULL: all, small, medium, large */
    int range_count;
    bool agnostic;            /* every category counts as the same one */
    const int64_t *image_ids; /* score these alone; NULL: all */
    size_t image_id_count;
    const int64_t *category_ids; /* NULL: all */
    size_t category_id_count;
    bool all_pairs; /* keep overlaps with all categories, for cnx_coco_errors */
} cnx_coco_params;

typedef struct cnx_coco_scorer cnx_coco_scorer;

/* truth must outlive the scorer, and have been read with segmentations if kinds[CNX_COCO_SEGM]; the arrays
 * of params are copied. */
cnx_status cnx_coco_scorer_open(cnx_coco_scorer **out, const cnx_coco_truth *truth,
                                const cnx_coco_params *params, cnx_error *err);
void cnx_coco_scorer_close(cnx_coco_scorer **scorer);

/* Adds a results file, or results from memory in the order in which they would stand in a file.  `path`
 * and `where` are for messages. */
cnx_status cnx_coco_scorer_read(cnx_coco_scorer *scorer, const char *path, cnx_error *err);
cnx_status cnx_coco_scorer_add(cnx_coco_scorer *scorer, const cnx_coco_result *results,
                               size_t count, const char *where, cnx_error *err);

/* What arrived, and what of it is worth a remark. */
typedef struct cnx_coco_arrivals {
    uint64_t results;
    uint64_t unknown_categories; /* take no part */
    uint64_t nan_scores;         /* rank last */
    uint64_t nan_boxes;
    uint64_t first_nan;     /* the first entry with a NaN, counted from 1 */
    uint64_t duplicate_ids; /* annotations whose id a later one has: that one stands for both */
    uint64_t zero_ids; /* annotations of id 0 that take part: who finds them is counted as wrong */
} cnx_coco_arrivals;
cnx_coco_arrivals cnx_coco_scorer_arrivals(const cnx_coco_scorer *scorer);

/* The scores of one kind: pycocotools' arrays, -1 where there is no truth. */
typedef struct cnx_coco_scores {
    int thresholds, recalls, categories, ranges, max_dets;
    double *precision;  /* owned; [thresholds][recalls][categories][ranges][max_dets] */
    double *confidence; /* owned; the same shape: the score at which that recall is reached */
    double *recall;     /* owned; [thresholds][categories][ranges][max_dets] */
    int64_t *truths;    /* owned; [categories][ranges]: how many there are to be found */
    int64_t *results;   /* owned; [categories]: detections that take part */
    const cnx_coco_scorer *scorer;
} cnx_coco_scores;

cnx_status cnx_coco_scorer_run(cnx_coco_scores *out, cnx_coco_scorer *scorer, cnx_coco_kind kind,
                               cnx_error *err);
void cnx_coco_scores_free(cnx_coco_scores *scores); /* accepts a zeroed one */

/* The recalls at which precision is read off: 101, from 0 to 1. */
enum { CNX_COCO_RECALLS = 101 };
void cnx_coco_recalls(double out[CNX_COCO_RECALLS]);
/* `count` numbers from `first` to `last` as NumPy's linspace has them. */
void cnx_coco_linspace(double *out, double first, double last, int count);

/* pycocotools' twelve numbers. */
enum { CNX_COCO_STATS = 12 };
typedef struct cnx_coco_stat {
    const char *key;   /* "AP", "AP50", ... */
    bool recall;       /* average recall, not precision */
    double threshold;  /* 0: the mean of all */
    const char *range; /* "all", "small", "medium", "large" */
    int max_det;       /* index into the scorer's max_dets; -1: 100, as pycocotools has it */
} cnx_coco_stat;
extern const cnx_coco_stat cnx_coco_stats[CNX_COCO_STATS];

/* The twelve numbers over all categories (-1) or one (its index); -1 where there is nothing to average. */
void cnx_coco_summary(double out[CNX_COCO_STATS], const cnx_coco_scores *scores, int category);
/* One line as pycocotools prints it, without a line end; returns its length as snprintf does. */
int cnx_coco_stat_line(char *out, size_t size, const cnx_coco_scores *scores, int stat,
                       double value);
/* The mean of precision (or recall) over thresholds and categories; threshold, category, -1: all. */
double cnx_coco_mean(const cnx_coco_scores *scores, bool recall, int threshold, int category,
                     int range, int max_det);

/* What the scorer works with, params with their defaults filled in; lives as long as the scorer.
 * category_ids (and image_ids) hold what takes part, sorted. */
const cnx_coco_params *cnx_coco_scorer_params(const cnx_coco_scorer *scorer);
const cnx_coco_truth *cnx_coco_scorer_truth(const cnx_coco_scorer *scorer);

/* How well one picture did, at the first threshold and range; after cnx_coco_scorer_run of that kind. */
typedef struct cnx_coco_image_score {
    int64_t image_id;
    uint32_t truths;       /* to be found */
    uint32_t found;        /* by detections of at least `min_score` */
    uint32_t false_alarms; /* such detections that found nothing */
} cnx_coco_image_score;
/* out: one for each of the params' images, in their order. */
cnx_status cnx_coco_image_scores(cnx_coco_image_score *out, const cnx_coco_scorer *scorer,
                                 cnx_coco_kind kind, double min_score, cnx_error *err);

#endif
