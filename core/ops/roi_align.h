/*
 * RoIAlign (aligned, with an adaptive grid of samples): a region of a feature map, averaged into
 * size x size bins.
 *
 * The bilinear weights of a sample are a product of one along y and one along x, and so is the test
 * whether it lies outside the map.  So a region is Ay F Ax^T / samples with two small banded
 * matrices, one row for each bin.
 */
#ifndef CNX_CORE_OPS_ROI_ALIGN_H
#define CNX_CORE_OPS_ROI_ALIGN_H

#include "core/ops/exec.h"

typedef struct cnx_roi_align {
    int size;     /* bins along each axis */
    int sampling; /* samples of a bin along each axis; 0: as many as it has pixels, rounded up */
    float scale;  /* of the map: 1 / stride */
} cnx_roi_align;

/* Bytes of scratch for one region of a map of at most this size. */
size_t cnx_roi_align_scratch(int size, int h, int w, int c);

/* map: dense.  out: [size][size][c], dense.  Uses one thread, and as many bytes of scratch. */
void cnx_roi_align_run(const cnx_kernels *k, const cnx_roi_align *align, cnx_map map,
                       const float box[4], float *out, void *scratch);

#endif
