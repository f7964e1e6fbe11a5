/* Greedy non-maximum suppression. */
#ifndef CNX_CORE_OPS_NMS_H
#define CNX_CORE_OPS_NMS_H

#include "core/kernels/kernels.h"

/* From so many boxes on, the published systems suppress group by group. */
#define CNX_NMS_SPLIT 10000

typedef struct cnx_nms_request {
    const float (*boxes)[4];
    const float *scores;
    const int
        *groups; /* class or level of each box, 0 or more: boxes of different groups are shifted
                          apart; NULL for one group */
    int count;
    float iou;    /* IoU > iou suppresses */
    int max_kept; /* the best of those that survive; at least 1 */
} cnx_nms_request;

/*
 * Indices of the survivors by descending score, equal scores in the order of the input, into keep
 * (room for min(count, max_kept)); *kept: how many.
 *
 * Groups are shifted by group * (largest coordinate + 1) in float32, as the published systems do it:
 * the rounding of that shift can decide.  The work is bounded by count * max_kept, whatever the
 * scores are.
 */
cnx_status cnx_nms(const cnx_kernels *k, const cnx_nms_request *request, int *keep, int *kept,
                   cnx_error *err);

/* Indices of the `top` (at most count) best scores by descending score, equal scores in the order of
 * the input, NaN last.  scratch: [count]. */
void cnx_top_scores(const float *scores, int count, int top, int *order, uint64_t *scratch);

#endif
