/*
 * The weights of the pointwise half of a ConvNeXt block (mlp_run.c runs it).  LayerNorm's weight and
 * bias are folded into the first matrix and gamma into the second, in double precision.
 */
#include <assert.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/block.h"
#include "core/ops/tiles.h"

/* [hidden][c] with LayerNorm's weight in the columns, its bias in the bias; then packed. */
static cnx_status fold_first(cnx_mlp *mlp, const cnx_kernels *k, const cnx_mlp_weights *w,
                             float *folded, cnx_error *err)
{
    const size_t c = (size_t)mlp->c;
    for (size_t o = 0; o < (size_t)mlp->hidden; o++) {
        double bias = w->b1[o];
        for (size_t i = 0; i < c; i++) {
            const double weight = w->w1[o * c + i];
            bias += weight * w->norm_bias[i];
            folded[o * c + i] = (float)(weight * w->norm_weight[i]);
        }
        mlp->bias1[o] = (float)bias;
    }
    return cnx_kernels_pack(k, mlp->c, mlp->hidden, folded, mlp->packed1, err);
}

/* [c][hidden] with gamma in the rows and the bias; then packed. */
static cnx_status fold_second(cnx_mlp *mlp, const cnx_kernels *k, const cnx_mlp_weights *w,
                              float *folded, cnx_error *err)
{
    const size_t hidden = (size_t)mlp->hidden;
    for (size_t o = 0; o < (size_t)mlp->c; o++) {
        const double gamma = w->gamma ? w->gamma[o] : 1.0;
        for (size_t i = 0; i < hidden; i++)
            folded[o * hidden + i] = (float)(gamma * w->w2[o * hidden + i]);
        mlp->bias2[o] = (float)(gamma * w->b2[o]);
    }
    return cnx_kernels_pack(k, mlp->hidden, mlp->c, folded, mlp->packed2, err);
}

static cnx_status take(float **out, size_t floats, size_t *total, cnx_error *err)
{
    void *memory = NULL;
    const size_t bytes = cnx_floats_size(floats);
    CNX_TRY(cnx_alloc_or_fail(&memory, bytes, "weights of a ConvNeXt block", err));
    *out = memory;
    *total += bytes;
    return CNX_OK;
}

cnx_status cnx_mlp_init(cnx_mlp *mlp, const cnx_kernels *k, int c, int hidden, float eps,
                        const cnx_mlp_weights *weights, cnx_error *err)
{
    cnx_status status = CNX_OK;
    void *folded = NULL;
    const size_t wide = (size_t)hidden, matrix = (size_t)c * wide;
    assert(c >= 1 && hidden >= 1);
    *mlp = (cnx_mlp){.c = c,
                     .hidden = hidden,
                     .eps = eps,
                     .grn = weights->grn_gamma != NULL,
                     .unscaled = !weights->gamma,
                     .act = weights->act};
    CNX_CHECK(cnx_alloc_or_fail(&folded, matrix * sizeof(float), "folded weights", err));
    CNX_CHECK(take(&mlp->packed1, k->gemm_packed_size(c, hidden), &mlp->bytes, err));
    CNX_CHECK(take(&mlp->bias1, wide, &mlp->bytes, err));
    CNX_CHECK(take(&mlp->packed2, k->gemm_packed_size(hidden, c), &mlp->bytes, err));
    CNX_CHECK(take(&mlp->bias2, (size_t)c, &mlp->bytes, err));
    if (mlp->grn) {
        CNX_CHECK(take(&mlp->grn_gamma, wide, &mlp->bytes, err));
        CNX_CHECK(take(&mlp->grn_beta, wide, &mlp->bytes, err));
        memcpy(mlp->grn_gamma, weights->grn_gamma, wide * sizeof(float));
        memcpy(mlp->grn_beta, weights->grn_beta, wide * sizeof(float));
    }
    CNX_CHECK(fold_first(mlp, k, weights, folded, err));
    CNX_CHECK(fold_second(mlp, k, weights, folded, err));
cleanup:
    cnx_free(folded);
    if (status != CNX_OK)
        cnx_mlp_free(mlp);
    return status;
}

size_t cnx_mlp_bytes(const cnx_mlp *mlp, const cnx_kernels *k)
{
    const size_t wide = cnx_floats_size((size_t)mlp->hidden);
    return cnx_floats_size(k->gemm_packed_size(mlp->c, mlp->hidden)) +
           cnx_floats_size(k->gemm_packed_size(mlp->hidden, mlp->c)) + wide +
           cnx_floats_size((size_t)mlp->c) + (mlp->grn ? 2 * wide : 0);
}

void cnx_mlp_free(cnx_mlp *mlp)
{
    cnx_free(mlp->packed1);
    cnx_free(mlp->bias1);
    cnx_free(mlp->packed2);
    cnx_free(mlp->bias2);
    cnx_free(mlp->grn_gamma);
    cnx_free(mlp->grn_beta);
    *mlp = (cnx_mlp){0};
}
