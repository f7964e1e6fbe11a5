/* Kernels with AVX-512 (F, BW, DQ, VL): 32 registers of 16 floats. */
#include "core/kernels/vector_avx512.h"

#define GEMM_ROWS         14
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define DW_PIXELS         8
#define COMBINE4_VECTORS  4

#include "core/kernels/table_body.h"

void cnx_kernels_avx512(cnx_kernels *k)
{
    fill_table(k, "avx512");
}

void cnx_kernels_avx512_weights(cnx_kernels *k, cnx_weight_type type)
{
    gemm_set_weights(k, type);
}
