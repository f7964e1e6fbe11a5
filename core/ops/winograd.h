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

/* The scratch that is best for a map of h x w, and the least that a run can do with: with less than
 * the best it takes smaller blocks, which read the weights more often, and gives the same bits (but
 * with OpenBLAS, whose sums depend on how many rows it is given).  Of wino, only in_c and out_c are
 * looked at. */
size_t cnx_winograd_scratch(const cnx_winograd *wino, int h, int w, int threads);
size_t cnx_winograd_least_scratch(const cnx_winograd *wino, int h, int w, int threads);

/* Rows that are added to a convolution's output, made as it goes down the map and not kept. */
typedef struct cnx_winograd_addend {
    /* Makes all rows before `end` that are not there yet; those before `first` are no longer needed. */
    void (*make)(void *user, int first, int end);
    void *user;
    const float *data; /* row y at data + y % rows * row, pixels out_c apart */
    int rows;          /* a multiple of 4 */
    size_t row;        /* floats */
} cnx_winograd_addend;

/* Most rows that a run with this much scratch needs of an addend at a time: a multiple of 4. */
int cnx_winograd_rows(const cnx_winograd *wino, int h, int w, int threads, size_t scratch);

/* out = act(conv(in) + bias + add).  Same height and width; out may be `in` itself.  add: NULL for
 * none. */
void cnx_winograd_run(const cnx_exec *exec, const cnx_winograd *wino, cnx_map in, cnx_map out,
                      const cnx_winograd_addend *add);

#endif
