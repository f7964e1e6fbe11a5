/*
 * OpenBLAS as the matrix product, for CPUs that we have no kernel for; the rest stays as it is.
 *
 * The library is loaded when this table is chosen and not before (openblas_load.c).  Our own threads
 * call it on one tile each.  How OpenBLAS orders a sum may depend on the number of rows of a call;
 * tiles are cut by the problem's size alone, so results still do not depend on the thread count.
 */
#include <string.h>

#include "core/kernels/kernels.h"
#include "core/kernels/openblas.h"

static size_t gemm_packed_size(int k, int n)
{
    return (size_t)k * (size_t)n;
}

static void gemm_pack(int k, int n, const float *b, float *packed)
{
    memcpy(packed, b, gemm_packed_size(k, n) * sizeof *packed);
}

static void product(int m, int n, int k, const float *a, size_t lda, const float *b, float beta,
                    float *c, size_t ldc)
{
    cnx_openblas_loaded()->sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0f, a,
                                 (blasint)lda, b, k, beta, c, (blasint)ldc);
}

/* c = act(sum + bias) + residual; sum may be c. */
static void finish(const cnx_kernels *ref, int m, int n, const float *sum, size_t ld_sum, float *c,
                   size_t ldc, int first, const cnx_epilogue *e)
{
    for (int i = 0; i < m; i++) {
        const float *from = sum + (size_t)i * ld_sum;
        float *to = c + (size_t)i * ldc;
        float chunk[256];
        for (int j = 0; j < n; j += 256) {
            int count = n - j < 256 ? n - j : 256;
            for (int l = 0; l < count; l++)
                chunk[l] = from[j + l] + (e->bias ? e->bias[first + j + l] : 0.0f);
            if (e->act == CNX_ACT_GELU)
                ref->gelu((size_t)count, chunk);
            if (e->act == CNX_ACT_RELU)
                for (int l = 0; l < count; l++)
                    chunk[l] = chunk[l] < 0 ? 0.0f : chunk[l];
            if (e->residual) {
                const float *residual = e->residual + (size_t)i * e->residual_ld + first + j;
                for (int l = 0; l < count; l++)
                    chunk[l] += residual[l];
            }
            memcpy(to + j, chunk, (size_t)count * sizeof *chunk);
        }
    }
}

/* The product must not overwrite a residual that is c itself: it goes through the stack. */
static void gemm_onto_residual(const cnx_kernels *ref, int m, int n, int k, const float *a,
                               size_t lda, const float *b, float *c, size_t ldc,
                               const cnx_epilogue *e)
{
    enum { ROWS = 64, COLUMNS = 128 };
    float sum[ROWS * COLUMNS];
    for (int i = 0; i < m; i += ROWS)
        for (int j = 0; j < n; j += COLUMNS) {
            int rows = m - i < ROWS ? m - i : ROWS;
            int columns = n - j < COLUMNS ? n - j : COLUMNS;
            product(rows, columns, k, a + (size_t)i * lda, lda, b + (size_t)j * (size_t)k, 0, sum,
                    COLUMNS);
            cnx_epilogue part = *e;
            part.residual = e->residual + (size_t)i * e->residual_ld;
            finish(ref, rows, columns, sum, COLUMNS, c + (size_t)i * ldc + (size_t)j, ldc, j,
                   &part);
        }
}

static void gemm(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                 size_t ldc, const cnx_epilogue *e)
{
    cnx_kernels ref;
    cnx_kernels_ref(&ref);
    if (e->residual == c) {
        gemm_onto_residual(&ref, m, n, k, a, lda, packed, c, ldc, e);
        return;
    }
    product(m, n, k, a, lda, packed, 0, c, ldc);
    if (e->bias || e->act != CNX_ACT_NONE || e->residual)
        finish(&ref, m, n, c, ldc, c, ldc, 0, e);
}

static int gemm_rows(int k, int n)
{
    (void)n;
    return k > 1024 ? 128 : 256;
}

cnx_status cnx_kernels_openblas(cnx_kernels *k, cnx_error *err)
{
    const cnx_openblas *blas;
    CNX_TRY(cnx_openblas_get(&blas, err));
    if (blas->get_num_threads() != 1)
        blas->set_num_threads(1);
    k->name = "openblas";
    k->gemm_packed_size = gemm_packed_size;
    k->gemm_pack = gemm_pack;
    k->gemm = gemm;
    k->gemm_rows = gemm_rows;
    return CNX_OK;
}
