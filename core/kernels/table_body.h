/*
 * Every kernel of one instruction set, and the table that holds them.  The including file defines
 * the register tile (GEMM_ROWS, GEMM_EACH_ROWS, DW_PIXELS, COMBINE4_VECTORS) and has included its vector_*.h.
 */
#include "core/float16.h"
#include "core/kernels/kernels.h"
#include "core/kernels/vector_math.h"

#include "core/kernels/box_body.h"
#include "core/kernels/dwconv_body.h"
#include "core/kernels/gemm_body.h"
#include "core/kernels/pixel_body.h"
#include "core/kernels/winograd_body.h"

static void fill_table(cnx_kernels *k, const char *name)
{
    k->name = name;
    gemm_set_weights(k, CNX_WEIGHTS_F32);
    k->gemm_rows = gemm_rows;
    k->dwconv7_row = dwconv7_row;
    k->layernorm = layernorm;
    k->gelu = gelu;
    k->combine = combine;
    k->combine4 = combine4;
    k->resample_row = resample_row;
    k->argmax = argmax;
    k->softmax = softmax;
    k->sum_squares = sum_squares;
    k->suppress = suppress;
    k->paste = paste;
    k->winograd_input = winograd_input;
    k->winograd_output = winograd_output;
}
