/* Kernels with AVX2 and FMA: 16 registers of 8 floats. */
#include "core/float16.h"
#include "core/kernels/kernels.h"
#include "core/kernels/vector_avx2.h"

#define GEMM_ROWS         6
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#define DW_PIXELS         7

#include "core/kernels/vector_math.h"

#include "core/kernels/dwconv_body.h"
#include "core/kernels/gemm_body.h"
#include "core/kernels/pixel_body.h"
#include "core/kernels/winograd_body.h"

void cnx_kernels_avx2(cnx_kernels *k)
{
    k->name = "avx2";
    gemm_set_weights(k, CNX_WEIGHTS_F32);
    k->gemm_rows = gemm_rows;
    k->dwconv7_row = dwconv7_row;
    k->layernorm = layernorm;
    k->gelu = gelu;
    k->combine = combine;
    k->resample_row = resample_row;
    k->argmax = argmax;
    k->softmax = softmax;
    k->sum_squares = sum_squares;
    k->winograd_input = winograd_input;
    k->winograd_output = winograd_output;
}

void cnx_kernels_avx2_weights(cnx_kernels *k, cnx_weight_type type)
{
    gemm_set_weights(k, type);
}
