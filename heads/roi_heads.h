/*
 * Running the box and mask heads over regions of the pyramid.
 *
 * Regions go in batches, stacked into one map: bins x bins pixels each, then rows of zeros up to a
 * multiple of Winograd's patch.  A 3x3 convolution of the stack is one of each region, its padding
 * the zeros between; with patches cut across regions, a product of matrices has rows enough to be
 * worth its weights' way from memory.
 */
#ifndef CNX_HEADS_ROI_HEADS_H
#define CNX_HEADS_ROI_HEADS_H

#include "heads/detector_net.h"

/* What the heads look at, and run with.  The scratch is cnx_roi_scratch's. */
typedef struct cnx_roi_run {
    const cnx_detector_net *net;
    const cnx_kernels *k;
    int threads;
    cnx_map levels[CNX_ROI_LEVELS]; /* the pyramid, finest first */
    char *scratch;
    size_t scratch_bytes;
} cnx_roi_run;

/* Scratch for boxes and masks on a pyramid whose finest level is of this size; no_masks: for boxes
 * alone. */
size_t cnx_roi_scratch(const cnx_detector_net *net, const cnx_kernels *k, int threads, int h, int w,
                       bool no_masks);

/* How many regions are worked on at a time, of `count`. */
int cnx_box_batch(int count);
int cnx_mask_batch(int count);

/* One stage's box head on up to cnx_box_batch regions: logits [count][classes + 1], deltas
 * [count][4 classes], or [count][4]. */
void cnx_box_head_run(const cnx_roi_run *run, int stage, const float (*rois)[4], int count,
                      float *logits, float *deltas);

/*
 * All stages' mask heads on up to cnx_mask_batch regions: adds each stage's probabilities of the
 * region's class to sum, [count][CNX_MASK_SIZE][CNX_MASK_SIZE]; mirrored: the regions are of a mirrored
 * picture, and the masks are turned back.
 */
void cnx_mask_heads_run(const cnx_roi_run *run, const float (*rois)[4], const int *labels,
                        int count, bool mirrored, float *sum);

#endif
