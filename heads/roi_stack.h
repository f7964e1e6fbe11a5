/* Stacks of regions: what box and mask heads share. */
#ifndef CNX_HEADS_ROI_STACK_H
#define CNX_HEADS_ROI_STACK_H

#include "core/memory.h"
#include "heads/roi_heads.h"

/* Rows of a region in its stack, with the zeros that follow. */
static inline int cnx_stack_rows(int bins)
{
    return (bins + 4) / 4 * 4;
}

/* Floats of a stack. */
static inline size_t cnx_stack_floats(int count, int bins, int c)
{
    return cnx_padded_floats((size_t)count * (size_t)cnx_stack_rows(bins) * (size_t)bins *
                             (size_t)c);
}

/* Scratch of pooling on `threads` threads. */
size_t cnx_roi_pool_scratch(int bins, int h, int w, int c, int threads);

/* Pools regions from their levels into a stack, zeros included. */
void cnx_roi_pool(const cnx_roi_run *run, int bins, const float (*rois)[4], int count, float *stack,
                  char *scratch);

/* Runs a chain of 3x3 convolutions on a stack of `count` regions: from `in` to a and b in turn.
 * Returns the stack that holds the result, `in` itself when there are none. */
float *cnx_stack_convs(const cnx_roi_run *run, const cnx_concat_conv *convs, int conv_count,
                       int bins, int count, float *in, float *a, float *b, char *scratch,
                       size_t scratch_bytes);

/* Scratch of such a chain on up to `most` regions: fewer regions may be cut into larger pieces. */
size_t cnx_stack_convs_scratch(const cnx_concat_conv *convs, int conv_count, const cnx_kernels *k,
                               int bins, int most, int threads);

#endif
