/* Kernels with AVX2 and FMA: 16 registers of 8 floats. */
#include "core/kernels/vector_avx2.h"

#define GEMM_ROWS         6
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define DW_PIXELS         7
#define COMBINE4_VECTORS  2

#include "core/kernels/table_body.h"

void cnx_kernels_avx2(cnx_kernels *k)
{
    fill_table(k, "avx2");
}

void cnx_kernels_avx2_weights(cnx_kernels *k, cnx_weight_type type)
{
    gemm_set_weights(k, type);
}
