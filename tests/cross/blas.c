/* Stands in for OpenBLAS where there is none for the processor that is emulated: the few functions
 * that core/kernels calls. */
#include <cblas.h>

void cblas_sgemm(OPENBLAS_CONST enum CBLAS_ORDER order, OPENBLAS_CONST enum CBLAS_TRANSPOSE ta,
                 OPENBLAS_CONST enum CBLAS_TRANSPOSE tb, OPENBLAS_CONST blasint m,
                 OPENBLAS_CONST blasint n, OPENBLAS_CONST blasint k, OPENBLAS_CONST float alpha,
                 OPENBLAS_CONST float *a, OPENBLAS_CONST blasint lda, OPENBLAS_CONST float *b,
                 OPENBLAS_CONST blasint ldb, OPENBLAS_CONST float beta, float *c,
                 OPENBLAS_CONST blasint ldc)
{
    (void)order;
    (void)ta;
    (void)tb;
    for (blasint i = 0; i < m; i++)
        for (blasint j = 0; j < n; j++) {
            float sum = 0;
            for (blasint l = 0; l < k; l++)
                sum += a[i * lda + l] * b[j * ldb + l];
            c[i * ldc + j] = alpha * sum + (beta != 0 ? beta * c[i * ldc + j] : 0);
        }
}

void openblas_set_num_threads(int count)
{
    (void)count;
}

int openblas_get_num_threads(void)
{
    return 1;
}

char *openblas_get_corename(void)
{
    static char name[] = "stand-in";
    return name;
}
