/* From what the box heads say to detections: the choice among all pairs of a region and a class. */
#ifndef CNX_HEADS_DETECTIONS_H
#define CNX_HEADS_DETECTIONS_H

#include "core/kernels/kernels.h"
#include "heads/detector_desc.h"

/* What is known of all regions. */
typedef struct cnx_scored_boxes {
    const float *scores; /* [regions][classes + 1], probabilities, background last */
    const float *boxes;  /* [regions][classes][4], or [regions][4] */
    int regions, classes;
    bool class_specific;
} cnx_scored_boxes;

typedef struct cnx_chosen {
    float box[4];
    float score;
    int label, region;
} cnx_chosen;

/* The detections by descending score, *out (cnx_free) of *count.  only: [classes], NULL for all.
 * *candidates: pairs above the threshold. */
cnx_status cnx_choose_detections(cnx_chosen **out, size_t *count, size_t *candidates,
                                 const cnx_kernels *k, const cnx_scored_boxes *from,
                                 const cnx_rcnn_rules *rules, const bool *only, cnx_error *err);

#endif
