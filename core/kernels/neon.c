/* Kernels with NEON: 32 registers of 4 floats. */
#include "core/kernels/vector_neon.h"

#define GEMM_ROWS         10
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)
#define DW_PIXELS         8
#define COMBINE4_VECTORS  4

#include "core/kernels/table_body.h"

void cnx_kernels_neon(cnx_kernels *k)
{
    fill_table(k, "neon");
}

void cnx_kernels_neon_weights(cnx_kernels *k, cnx_weight_type type)
{
    gemm_set_weights(k, type);
}
