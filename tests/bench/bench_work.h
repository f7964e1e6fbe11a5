/* The pieces of work that bench_kernels measures: kernels, and the operations made of them, on the
 * shapes of ConvNeXt and UPerNet. */
#ifndef CNX_BENCH_WORK_H
#define CNX_BENCH_WORK_H

#include <stdbool.h>

#include "core/kernels/kernels.h"

/* From BENCH_MLP on: operations of core/ops on a square map. */
typedef enum bench_kind {
    BENCH_PRODUCT, /* gemm, in calls of gemm_rows rows as core/ops makes them */
    BENCH_DEPTHWISE,
    BENCH_LAYERNORM,
    BENCH_GELU,
    BENCH_RESAMPLE,
    BENCH_ARGMAX,
    BENCH_UPSAMPLE_ARGMAX, /* a row of the result from a row of logits at a quarter of its width */
    BENCH_SOFTMAX,
    BENCH_WINOGRAD_INPUT,
    BENCH_WINOGRAD_OUTPUT,
    BENCH_MLP,         /* LayerNorm, expand, GELU, project, residual */
    BENCH_CONV_DIRECT, /* 3x3 */
    BENCH_CONV_WINOGRAD,
    BENCH_CONCAT_CONV, /* 3x3 over four maps, each half as large as the one before */
} bench_kind;

typedef struct bench_shape {
    bench_kind kind;
    int m, k, n; /* products: as gemm has them; else m pixels a row or an edge, k in, n out */
    cnx_activation act;
    bool residual;
    const char *what;
} bench_shape;

extern const bench_shape bench_shapes[];
extern const int bench_shape_count;

typedef struct bench_work bench_work;

/* NULL without memory.  most: of operations in one run; a shape with more is made smaller in m. */
bench_work *bench_work_open(const bench_shape *shape, const cnx_kernels *k, double most);
void bench_work_close(bench_work *work); /* accepts NULL */
void bench_work_run(void *work);

/* Operations of one run: two a multiply-add of the definition, or one a value. */
double bench_work_amount(const bench_work *work);
/* Multiply-adds of the definition for each one that is done; 0 where rates are of values. */
double bench_shape_saving(const bench_shape *shape);

/* Whether the matrix product is most of the work, so that OpenBLAS compares. */
bool bench_shape_multiplies(const bench_shape *shape);

#endif
