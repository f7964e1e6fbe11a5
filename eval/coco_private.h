/* The insides of cnx_coco_scorer: for the coco_*.c files of this folder alone. */
#ifndef CNX_EVAL_COCO_PRIVATE_H
#define CNX_EVAL_COCO_PRIVATE_H

#include "eval/coco.h"

/* An annotation that takes part.  All of them stand by image, category, and then in pycocotools' order. */
typedef struct cnx_coco_target {
    uint32_t annotation; /* index into the truth */
    uint32_t category;   /* index into the scorer's categories */
    bool crowd;
    bool id_zero; /* pycocotools marks who found it with 0, which says "nothing found" */
    double area;
    double box[CNX_COCO_KINDS][4]; /* SEGM: of the mask */
    cnx_rle mask;
} cnx_coco_target;

/* How much a detection overlaps a target; pairs without overlap are not kept. */
typedef struct cnx_coco_pair {
    double iou;
    uint32_t target;
} cnx_coco_pair;

typedef struct cnx_coco_detection {
    double score;
    double area;                  /* box or mask: pycocotools has one for both kinds */
    uint32_t image, category;     /* indices into the scorer's lists */
    size_t pairs[CNX_COCO_KINDS]; /* where its pairs end; they begin where those before end */
} cnx_coco_detection;

typedef struct cnx_coco_pairs {
    cnx_coco_pair *list; /* owned */
    size_t count, room;
} cnx_coco_pairs;

/* Detections, or those of one piece of a file. */
typedef struct cnx_coco_detections {
    cnx_coco_detection *list; /* owned */
    size_t count, room;
    cnx_coco_pairs pairs[CNX_COCO_KINDS];
    cnx_coco_arrivals arrivals;
    int last_image_index; /* of the truth; detections of a picture stand together as a rule */
    int64_t last_image_id;
    cnx_segmentation_scratch scratch;
    cnx_rle_buffer runs;
} cnx_coco_detections;

/* What became of a detection, at the first threshold and range. */
enum { CNX_COCO_OUT, CNX_COCO_RIGHT, CNX_COCO_WRONG };

struct cnx_coco_scorer {
    const cnx_coco_truth *truth;
    cnx_coco_params params; /* complete; arrays owned */
    int *image_rank;        /* owned; [truth images]: index among those that take part, or -1 */
    int *category_rank;     /* owned; [truth categories] */
    cnx_coco_target *targets;
    size_t target_count;
    size_t *image_targets; /* owned; [images + 1]: where each image's targets begin */
    cnx_coco_detections all;
    bool any;       /* a result was seen: box_first is settled */
    bool box_first; /* the first result has a box: areas are those of boxes */
    uint64_t duplicate_ids, zero_ids;
    uint8_t *verdicts[CNX_COCO_KINDS]; /* owned; [detections] after a run */
};

/* coco_targets.c */
cnx_status cnx_coco_targets_make(cnx_coco_scorer *s, cnx_error *err);
void cnx_coco_targets_free(cnx_coco_scorer *s);
/* The targets of an image and category: [*begin, *end). */
void cnx_coco_targets_of(const cnx_coco_scorer *s, uint32_t image, uint32_t category, size_t *begin,
                         size_t *end);

/* coco_collect.c */
void cnx_coco_detections_free(cnx_coco_detections *d);

/* coco_params.c: the scorer's own copy, complete. */
cnx_status cnx_coco_params_copy(cnx_coco_scorer *s, const cnx_coco_params *params, cnx_error *err);
void cnx_coco_params_free(cnx_coco_scorer *s);

/* A score as a number that sorts: ascending keys are descending scores, NaN last. */
uint64_t cnx_coco_score_key(double score);

/* coco_order.c: detections by (category, image), in the file's order within; agnostic: by image, category.
 * The caller frees *order. */
cnx_status cnx_coco_order(uint32_t **order, const cnx_coco_scorer *s, cnx_error *err);
/* Sorts entries by key, stable; scratch has room for as many. */
typedef struct cnx_coco_keyed {
    uint64_t key;
    uint32_t index;
} cnx_coco_keyed;
void cnx_coco_sort(cnx_coco_keyed *list, cnx_coco_keyed *scratch, size_t count);

/* coco_match.c: what one category's detections found, in the order of images, each by descending score. */
typedef struct cnx_coco_matches {
    size_t count, room;
    int words;           /* of 64 bits for ranges x thresholds: bit r * thresholds + t */
    uint64_t *keys;      /* [count], of the scores */
    uint32_t *detection; /* [count] */
    uint32_t *rank;      /* [count], in its image */
    uint64_t *in_range;  /* [count]: bit r: the detection's own area lies in it */
    uint64_t *right;     /* [count][words]: found a target that counts */
    uint64_t *excused;   /* [count][words]: is not a false alarm, whatever its area */
} cnx_coco_matches;
void cnx_coco_matches_free(cnx_coco_matches *m);
/* order: the category's detections.  Fills m, which may have been used before. */
cnx_status cnx_coco_match(cnx_coco_matches *m, const cnx_coco_scorer *s, cnx_coco_kind kind,
                          const uint32_t *order, size_t count, cnx_error *err);
/* Whether a target does not count in a range. */
static inline bool cnx_coco_ignored(const cnx_coco_target *t, const cnx_coco_range *range)
{
    return t->crowd || t->area < range->low || t->area > range->high;
}

/* coco_accumulate.c: the category's part of scores, whose truths are filled in. */
cnx_status cnx_coco_accumulate(cnx_coco_scores *scores, int category, const cnx_coco_matches *m,
                               cnx_error *err);

#endif
