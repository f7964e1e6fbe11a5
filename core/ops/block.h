/* The two halves of a ConvNeXt block: the depthwise convolution and the pointwise network. */
#ifndef CNX_CORE_OPS_BLOCK_H
#define CNX_CORE_OPS_BLOCK_H

#include "core/ops/exec.h"

/* Depthwise 7x7, stride 1, zero padding 3. */
typedef struct cnx_dwconv {
    int c;
    int edge;       /* of the filter that it stands for: 7, or less where the rim is 0 */
    float *weights; /* owned, [7][7][c] */
    float *bias;    /* owned, [c] */
    size_t bytes;
} cnx_dwconv;

/* weights: [c][1][7][7] as torch stores them; bias: [c].  Copied. */
cnx_status cnx_dwconv_init(cnx_dwconv *dw, int c, const float *weights, const float *bias,
                           cnx_error *err);
void cnx_dwconv_free(cnx_dwconv *dw);
/* What packing takes, before or after weights exist (only c is looked at). */
size_t cnx_dwconv_bytes(const cnx_dwconv *dw);
void cnx_dwconv_run(const cnx_exec *exec, const cnx_dwconv *dw, cnx_map in, cnx_map out);

/* What stands between the two matrices: GELU in its erf form in ConvNeXt as published, others in a
 * few relatives. */
typedef enum cnx_mlp_act { CNX_MLP_GELU, CNX_MLP_GELU_TANH, CNX_MLP_SILU } cnx_mlp_act;

/*
 * LayerNorm -> linear c -> hidden -> GELU -> [GRN] -> linear hidden -> c -> * gamma -> + residual.
 * Done tile by tile, so that the hidden tensor lives in cache only; with GRN (ConvNeXt V2), which
 * needs the norm of each hidden channel over the whole map, the hidden tensor is kept in scratch.
 * LayerNorm's affine part is folded into the first matrix and gamma into the second when packed.
 */
typedef struct cnx_mlp {
    int c, hidden;
    bool grn, unscaled; /* unscaled: no gamma */
    cnx_mlp_act act;
    float eps;        /* LayerNorm's */
    float *packed1;   /* owned: c -> hidden */
    float *bias1;     /* owned, [hidden] */
    float *packed2;   /* owned: hidden -> c */
    float *bias2;     /* owned, [c] */
    float *grn_gamma; /* owned, [hidden]; with grn only */
    float *grn_beta;
    size_t bytes;
} cnx_mlp;

/* As the checkpoint has them; all are copied. */
typedef struct cnx_mlp_weights {
    const float *norm_weight, *norm_bias; /* [c] */
    const float *w1, *b1;                 /* [hidden][c], [hidden] */
    const float *w2, *b2;                 /* [c][hidden], [c] */
    const float *gamma;                   /* [c], or NULL (V2) */
    const float *grn_gamma, *grn_beta;    /* [hidden], or NULL (V1) */
    cnx_mlp_act act;
} cnx_mlp_weights;

cnx_status cnx_mlp_init(cnx_mlp *mlp, const cnx_kernels *k, int c, int hidden, float eps,
                        const cnx_mlp_weights *weights, cnx_error *err);
void cnx_mlp_free(cnx_mlp *mlp);
/* What packing takes, before or after weights exist (only c, hidden and grn are looked at). */
size_t cnx_mlp_bytes(const cnx_mlp *mlp, const cnx_kernels *k);
/* Only c, hidden and grn are looked at. */
size_t cnx_mlp_scratch(const cnx_mlp *mlp, const cnx_kernels *k, int h, int w, int threads);
/* x += mlp(y), where y is the depthwise convolution's output; x and y have the same shape. */
void cnx_mlp_run(const cnx_exec *exec, const cnx_mlp *mlp, cnx_map y, cnx_map x);

#endif
