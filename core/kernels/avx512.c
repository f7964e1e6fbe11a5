/* Kernels with AVX-512 (F, BW, DQ, VL): 32 registers of 16 floats. */
#include "core/float16.h"
#include "core/kernels/kernels.h"
#include "core/kernels/vector_avx512.h"

#define GEMM_ROWS         14
#define GEMM_EACH_ROWS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#define DW_PIXELS         8

#include "core/kernels/vector_math.h"

#include "core/kernels/dwconv_body.h"
#include "core/kernels/gemm_body.h"
#include "core/kernels/pixel_body.h"
#include "core/kernels/winograd_body.h"

void cnx_kernels_avx512(cnx_kernels *k)
{
    k->name = "avx512";
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

void cnx_kernels_avx512_weights(cnx_kernels *k, cnx_weight_type type)
{
    gemm_set_weights(k, type);
}
