/* Dense 3x3 convolutions (stride 1, padding 1) by Winograd's F(4x4, 3x3): see
 * kernels/winograd_points.h.
 */
#ifndef CNX_CORE_OPS_WINOGRAD_H
#define CNX_CORE_OPS_WINOGRAD_H

#include "core/ops/exec.h"

/* Zero-initialise before init. */
typedef struct cnx_winograd {
    int in_c, out_c;
    bool relu;
    float *packed; /* owned: 36 matrices in_c -> out_c, one after the other */
    float *bias;   /* owned, [out_c], or NULL */
    size_t bytes;
} cnx_winograd;

/* weights: [out_c][in_c][3][3] (OIHW); bias: [out_c] or NULL; both are copied.  The transform of
 * the weights is done in double. */
cnx_status cnx_winograd_init(cnx_winograd *wino, const cnx_kernels *k, int in_c, int out_c,
                             const float *weights, const float *bias, bool relu, cnx_error *err);
void cnx_winograd_free(cnx_winograd *wino);

/* What packing takes, a bias included, before or after weights exist (only in_c and out_c are looked
 * at). */
size_t cnx_winograd_bytes(const cnx_winograd *wino, const cnx_kernels *k);
/* Multiply-adds of the matrix products for a map of h x w. */
double cnx_winograd_products(const cnx_winograd *wino, int h, int w);

/* The scratch that is best for a map of h x w, whatever the number of threads, and the least that a
 * run can do with: with less than the best it takes smaller blocks, which read the weights more
 * often, and gives the same bits (but with OpenBLAS, whose sums depend on how many rows it is
 * given).  Of wino, only in_c and out_c are looked at. */
size_t cnx_winograd_scratch(const cnx_winograd *wino, int h, int w);
size_t cnx_winograd_least_scratch(const cnx_winograd *wino, int h, int w);

/* out = act(conv(in) + bias), or with `add` act(out + conv(in) + bias).  Same height and width. */
void cnx_winograd_run(const cnx_exec *exec, const cnx_winograd *wino, cnx_map in, cnx_map out,
                      bool add);

#endif
