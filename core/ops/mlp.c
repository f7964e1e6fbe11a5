/*
 * The weights of the pointwise half of a ConvNeXt block (mlp_run.c runs it).  LayerNorm's weight and
 * bias are folded into the first matrix and gamma into the second, in double precision.
 */
#include <assert.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/block.h"
#include "core/ops/tiles.h"

/* Outputs whose weights are folded and packed at a time: whole panels of every table, and few enough
 * that the folded weights stay in cache. */
enum { FOLD = 64 };

static size_t at_most(size_t n, size_t most)
{
    return n < most ? n : most;
}

/* [hidden][c] with LayerNorm's weight in the columns, its bias in the bias; then packed.
 * folded: [FOLD][c]. */
static cnx_status fold_first(cnx_mlp *mlp, const cnx_kernels *k, const cnx_mlp_weights *w,
                             float *folded, cnx_error *err)
{
    const size_t c = (size_t)mlp->c, hidden = (size_t)mlp->hidden;
    for (size_t first = 0; first < hidden; first += FOLD) {
        const size_t count = at_most(hidden - first, FOLD);
        for (size_t o = 0; o < count; o++) {
            const float *row = w->w1 + (first + o) * c;
            double bias = w->b1[first + o];
            for (size_t i = 0; i < c; i++) {
                const double weight = row[i];
                bias += weight * w->norm_bias[i];
                folded[o * c + i] = (float)(weight * w->norm_weight[i]);
            }
            mlp->bias1[first + o] = (float)bias;
        }
        CNX_TRY(cnx_kernels_pack(k, mlp->c, (int)count, folded,
                                 mlp->packed1 + k->gemm_packed_size(mlp->c, (int)first), err));
    }
    return CNX_OK;
}

/* [c][hidden] with gamma in the rows and the bias; then packed.  folded: [FOLD][hidden]. */
static cnx_status fold_second(cnx_mlp *mlp, const cnx_kernels *k, const cnx_mlp_weights *w,
                              float *folded, cnx_error *err)
{
    const size_t c = (size_t)mlp->c, hidden = (size_t)mlp->hidden;
    for (size_t first = 0; first < c; first += FOLD) {
        const size_t count = at_most(c - first, FOLD);
        for (size_t o = 0; o < count; o++) {
            const float *row = w->w2 + (first + o) * hidden;
            const double gamma = w->gamma ? w->gamma[first + o] : 1.0;
            for (size_t i = 0; i < hidden; i++)
                folded[o * hidden + i] = (float)(gamma * row[i]);
            mlp->bias2[first + o] = (float)(gamma * w->b2[first + o]);
        }
        CNX_TRY(cnx_kernels_pack(k, mlp->hidden, (int)count, folded,
                                 mlp->packed2 + k->gemm_packed_size(mlp->hidden, (int)first), err));
    }
    return CNX_OK;
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
    const size_t wide = (size_t)hidden, deepest = hidden > c ? wide : (size_t)c;
    assert(c >= 1 && hidden >= 1);
    *mlp = (cnx_mlp){.c = c,
                     .hidden = hidden,
                     .eps = eps,
                     .grn = weights->grn_gamma != NULL,
                     .unscaled = !weights->gamma,
                     .act = weights->act};
    CNX_CHECK(cnx_alloc_or_fail(&folded, FOLD * deepest * sizeof(float), "folded weights", err));
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
