/* Region proposals: anchors, of which the RPN's scores take the best, and its deltas to boxes. */
#ifndef CNX_HEADS_PROPOSALS_H
#define CNX_HEADS_PROPOSALS_H

#include "core/kernels/kernels.h"
#include "core/tensor.h"
#include "heads/detector_desc.h"

/* By descending score. */
typedef struct cnx_proposals {
    float (*boxes)[4]; /* owned, [count]; in the resized picture's pixels */
    float *scores;     /* owned, [count] */
    int count;
} cnx_proposals;

void cnx_proposals_free(cnx_proposals *p); /* accepts a zeroed one */

/* The anchor of number a at a level's origin: ratios in their order. */
void cnx_anchor(const cnx_rpn_rules *rules, int level, int a, float out[4]);

/* What one pass of the dense network gave. */
typedef struct cnx_rpn_maps {
    cnx_map scores[CNX_PYRAMID_LEVELS]; /* logits */
    cnx_map deltas[CNX_PYRAMID_LEVELS];
    int width, height; /* of the resized picture, without padding */
} cnx_rpn_maps;

/* Scores that are no numbers are CNX_ERR_MODEL. */
cnx_status cnx_propose(cnx_proposals *out, const cnx_kernels *k, const cnx_rpn_rules *rules,
                       const cnx_rpn_maps *maps, cnx_error *err);

#endif
