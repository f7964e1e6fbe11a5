/*
 * The innermost loops, one table of function pointers.
 *
 * cnx_kernels_init puts the plain C versions in first; each instruction-set file then overwrites
 * what it has.  A kernel works on one tile for one thread; cutting the work into tiles is core/ops'
 * job. No kernel allocates.  Sizes have been checked by the caller; every pointer is valid for what
 * the comment says and nothing else is touched, except that packed weights may be read up to their
 * padded end.
 */
#ifndef CNX_CORE_KERNELS_H
#define CNX_CORE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef enum cnx_activation { CNX_ACT_NONE, CNX_ACT_RELU, CNX_ACT_GELU } cnx_activation;

/* What happens to a product before it is stored: c = act(product + bias) + residual. */
typedef struct cnx_epilogue {
    const float *bias; /* [n], or NULL for none */
    cnx_activation act;
    const float *residual; /* [m] rows of n, or NULL; may be c itself */
    size_t residual_ld;    /* floats from row to row of residual */
    float *sums;           /* [m] rows of n to be overwritten, or NULL: room that a product onto
                              its own residual can use */
    size_t sums_ld;
    /* Packed weights that the same thread is likely to multiply next, [next_k][next_n], or NULL: what
     * of them comes first is asked for meanwhile.  Makes no difference to a result. */
    const float *next;
    int next_n, next_k;
} cnx_epilogue;

/* Where Winograd's output transform puts its 4x4 pixels, and what it does to them on the way. */
typedef struct cnx_winograd_patch {
    float *out;        /* first pixel; y, x at out + y * row + x * ld */
    size_t row, ld;    /* floats */
    int rows, columns; /* that are wanted, 1 to 4 each */
    const float *bias; /* [c], or NULL for none */
    const float *add; /* first pixel of what is added, or NULL; y, x at add + y * add_row + x * c */
    size_t add_row;   /* floats */
    int relu;         /* last of all */
    int stream;       /* not read soon: may go past the caches */
} cnx_winograd_patch;

/* At most this many taps reach one output of a resampling (two bilinear steps in a row). */
#define CNX_MAX_TAPS 4

/* out = sum over t < count of weight[t] * source[first + t], along one axis. */
typedef struct cnx_taps {
    int32_t first;
    int32_t count; /* 1..CNX_MAX_TAPS */
    float weight[CNX_MAX_TAPS];
} cnx_taps;

/* How packed weights are kept.  All arithmetic is float32: those of 16 bits are narrowed to nearest
 * even when packed, and widened where they are multiplied. */
typedef enum cnx_weight_type {
    CNX_WEIGHTS_F32,
    CNX_WEIGHTS_F16,
    CNX_WEIGHTS_BF16,
    CNX_WEIGHT_TYPES
} cnx_weight_type;

/* At most this many pixels are pasted at once: a bit each. */
#define CNX_PASTE_PIXELS 64

typedef struct cnx_kernels {
    const char *name;        /* "ref", "openblas", "avx512" ..., as --kernels takes it */
    cnx_weight_type weights; /* what gemm_pack leaves */

    /* Matrix product with weights packed in this table's own order.
     * pack: b is [n][k] as torch stores a linear layer (out, in); packed has gemm_packed_size(k, n)
     * floats, 64-byte aligned, whatever the weights are kept as.  Columns from `first` on, a
     * multiple of 32, are packed weights of their own, gemm_packed_size(k, first) floats after. */
    size_t (*gemm_packed_size)(int k, int n);
    void (*gemm_pack)(int k, int n, const float *b, float *packed);
    /* c[m][n] (ldc) = epilogue(a[m][k] (lda) * b).  m, n, k >= 1.  c does not overlap a. */
    void (*gemm)(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                 size_t ldc, const cnx_epilogue *epilogue);
    /* A good number of rows for one call of gemm on this shape: a multiple of the register tile
     * that keeps a tile of a in cache.  Depends on k and n only. */
    int (*gemm_rows)(int k, int n);

    /* One output row of a depthwise 7x7 convolution, stride 1, zero padding 3, channels last.
     * rows[i] is input row y - 3 + i, [width][c] with ld floats a pixel, or NULL outside the map.
     * weights is [7][7][c], bias [c], out [width][c] with out_ld floats a pixel. */
    void (*dwconv7_row)(int width, int c, const float *const rows[7], size_t ld,
                        const float *weights, const float *bias, float *out, size_t out_ld);

    /* y = (x - mean) / sqrt(variance + eps) * weight + bias over the c channels of each row;
     * variance is biased and computed from deviations (two passes: one-pass formulas lose digits).
     * weight and bias are both NULL or both [c].  y may be x. */
    void (*layernorm)(int rows, int c, const float *x, size_t ldx, const float *weight,
                      const float *bias, float eps, float *y, size_t ldy);

    /* x = 0.5 x (1 + erf(x / sqrt 2)), n floats in place: the erf form, never tanh. */
    void (*gelu)(size_t n, float *x);

    /* out[i] = sum over t < count of weight[t] * source[t][i], i < n; count at least 1. */
    void (*combine)(size_t n, int count, const float *const source[], const float *weight,
                    float *out);

    /* Four of them from the same sources: out[j][i] = sum over t < count of
     * weight[4 t + j] * source[t][i]; an out[j] that is NULL is left away. */
    void (*combine4)(size_t n, int count, const float *const source[], const float *weight,
                     float *const out[4]);

    /* Resampling along a row: out pixel x (c channels, out_ld) = combine of taps[x] over source
     * pixels (c channels, ld).  add: added to what is there instead of stored. */
    void (*resample_row)(int width, int c, const float *source, size_t ld, const cnx_taps *taps,
                         float *out, size_t out_ld, int add);

    /* Index of the largest of the c values of each row; the lowest index among equals; NaN never
     * wins unless all are NaN (then 0). */
    void (*argmax)(int rows, int c, const float *x, size_t ld, uint16_t *out);

    /* Softmax over the c values of each row, in place, largest subtracted first. */
    void (*softmax)(int rows, int c, float *x, size_t ld);

    /* sum[i] += x[row][i]^2 over the rows, i < c: the first half of global response normalisation.
     */
    void (*sum_squares)(int rows, int c, const float *x, size_t ld, double *sum);

    /* suppressed[i] = 1 for each of n boxes whose overlap with `box` (intersection over union) is
     * larger than iou; the others are left alone.  Both are x1, y1, x2, y2 and their area; side[j] is
     * the array of the j-th of these.  0/0 is not larger.  Every table gives the same verdicts: no
     * fused multiply-adds. */
    void (*suppress)(int n, const float box[5], const float *const side[5], float iou,
                     int32_t *suppressed);

    /* A run of n pixels, 1 to CNX_PASTE_PIXELS, of a picture's column, all between the same four values
     * of a map that is stretched over it (corner: north west, north east, south west, south east), at
     * the same part `east` of the way from west to east.  Bit i is set where
     *   corner[0] (north west) + corner[1] (north east) + corner[2] (south west)
     *     + corner[3] (south east) >= threshold,
     * south = part[i], north = 1 - south, west = 1 - east, summed from the left; NaN is below.  Bits
     * from n on are 0.  Every table gives the same verdicts: no fused multiply-adds. */
    uint64_t (*paste)(int n, const float corner[4], float east, const float *part, float threshold);

    /* The two transforms of Winograd's F(4x4, 3x3), see winograd_points.h; 36 points, in the order
     * [6][6], point p of channel i at p * step + i.  input: a 6x6 patch of pixels of c channels
     * each goes to out.  output: the inverse, for a 4x4 patch. */
    void (*winograd_input)(int c, const float *const pixels[36], float *out, size_t step);
    void (*winograd_output)(int c, const float *in, size_t step, const cnx_winograd_patch *patch);
} cnx_kernels;

/*
 * Fills the table.  name: "auto" (or NULL) takes the best this CPU has by measurement; "ref",
 * "openblas", "avx2", "avx512", "neon" force one.  A name that is unknown, or that this CPU or build
 * lacks, is CNX_ERR_ARGUMENT with the list of those that would do; "openblas" without that library is
 * CNX_ERR_UNSUPPORTED.  Nothing else asks for OpenBLAS but cnx_kernels_describe.
 */
cnx_status cnx_kernels_init(cnx_kernels *k, const char *name, cnx_error *err);

/* How a filled table keeps weights: float32 before the first call.  CNX_ERR_ARGUMENT when the table
 * has no such product (openblas). */
cnx_status cnx_kernels_set_weights(cnx_kernels *k, cnx_weight_type type, cnx_error *err);

/* "f32", "f16", "bf16", as --weights takes them; NULL is "f32". */
cnx_status cnx_weight_type_parse(cnx_weight_type *out, const char *name, cnx_error *err);
const char *cnx_weight_type_name(cnx_weight_type type);

/* gemm_pack for weights from a file: CNX_ERR_MODEL when a finite one would become infinite. */
cnx_status cnx_kernels_pack(const cnx_kernels *k, int in, int out, const float *b, float *packed,
                            cnx_error *err);

/* What was found and chosen, one line for a log: table, CPU features, OpenBLAS and its core type. */
void cnx_kernels_describe(const cnx_kernels *k, char *text, size_t size);

/* Each overwrites what it has (kernels/<name>.c). */
void cnx_kernels_ref(cnx_kernels *k);
/* Sets OpenBLAS' thread count, which belongs to the whole process, to 1: a program that uses
 * OpenBLAS itself should know that.  CNX_ERR_UNSUPPORTED without the library. */
cnx_status cnx_kernels_openblas(cnx_kernels *k, cnx_error *err);
void cnx_kernels_avx2(cnx_kernels *k);
void cnx_kernels_avx512(cnx_kernels *k);
void cnx_kernels_neon(cnx_kernels *k);

/* Each overwrites the three functions of the matrix product whose weights these are. */
void cnx_kernels_ref_weights(cnx_kernels *k, cnx_weight_type type);
void cnx_kernels_avx2_weights(cnx_kernels *k, cnx_weight_type type);
void cnx_kernels_avx512_weights(cnx_kernels *k, cnx_weight_type type);
void cnx_kernels_neon_weights(cnx_kernels *k, cnx_weight_type type);

#endif
