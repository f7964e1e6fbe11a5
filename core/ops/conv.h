/* Dense convolutions as packed matrix products: 1x1, 3x3 (padding 1) and patches (kernel = stride).
 */
#ifndef CNX_CORE_OPS_CONV_H
#define CNX_CORE_OPS_CONV_H

#include "core/ops/exec.h"

typedef enum cnx_conv_kind {
    CNX_CONV_1X1,  /* also a linear layer over the channels of each pixel */
    CNX_CONV_3X3,  /* stride 1, zero padding 1 */
    CNX_CONV_PATCH /* kernel = stride, no padding; left-over rows and columns are not read */
} cnx_conv_kind;

/* What a network's definition has where this stands: what it counts, not what it computes. */
typedef enum cnx_conv_form {
    CNX_FORM_CONV,      /* a convolution with bias */
    CNX_FORM_BATCHNORM, /* one without bias, and a BatchNorm, which is folded into it */
    CNX_FORM_LINEAR     /* a linear layer with bias */
} cnx_conv_form;

/* A convolution with its weights packed for one kernel table.  Zero-initialise before init. */
typedef struct cnx_conv {
    cnx_conv_kind kind;
    int size; /* kernel edge: 1, 3, or the patch */
    int in_c, out_c;
    cnx_activation act;
    cnx_conv_form form; /* set by who knows the definition; init leaves CNX_FORM_CONV */
    float *packed;      /* owned */
    float *bias;        /* owned, [out_c]; NULL for none */
    size_t bytes;       /* of packed and bias together */
} cnx_conv;

/*
 * weights: [out_c][in_c][size][size] as torch stores them (OIHW); bias: [out_c] or NULL.  Both are
 * copied.  On failure (memory, or a weight that k cannot hold) *conv owns nothing.
 */
cnx_status cnx_conv_init(cnx_conv *conv, const cnx_kernels *k, cnx_conv_kind kind, int size,
                         int in_c, int out_c, const float *weights, const float *bias,
                         cnx_activation act, cnx_error *err);
void cnx_conv_free(cnx_conv *conv);

/* What packing takes, a bias included, before or after weights exist (only size, in_c and out_c are
 * looked at); SIZE_MAX where it cannot be addressed. */
size_t cnx_conv_bytes(const cnx_conv *conv, const cnx_kernels *k);

/* Size of the output for an input of h x w. */
void cnx_conv_output(cnx_conv_kind kind, int size, int h, int w, int *out_h, int *out_w);

/* Scratch for any call with this shape, before or after weights exist (only kind, size, in_c, out_c
 * are looked at), on up to `threads` threads. */
size_t cnx_conv_scratch(const cnx_conv *conv, const cnx_kernels *k, int h, int w, int threads);
/* The least that a run can do with, in smaller tiles. */
size_t cnx_conv_least_scratch(const cnx_conv *conv, const cnx_kernels *k, int h, int w,
                              int threads);

/* out = act(conv(in) + bias) + residual.  in has in_c channels, out out_c and the size that
 * cnx_conv_output tells.  residual: data NULL for none, else shaped like out; may be out itself. */
void cnx_conv_run(const cnx_exec *exec, const cnx_conv *conv, cnx_map in, cnx_map out,
                  cnx_map residual);

#endif
