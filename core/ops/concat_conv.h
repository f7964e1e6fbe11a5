/*
 * A 3x3 convolution over a concatenation of maps, of which all but the first are upsampled to the
 * first one's size: UPerHead's fusion and its pyramid pooling bottleneck.
 *
 * Mixing channels at each pixel and bilinear upsampling commute, one acting on channels, the other
 * on space.  So the upsampled maps are mixed at their own low resolution,
 *
 *   conv(concat_i up_i(x_i)) = conv_0(x_0) + sum_{i>0} sum_{taps k} shift_k(up_i(W_{i,k} x_i))
 *
 * with zero outside the border of the high resolution; neither the upsampled maps nor their
 * concatenation ever exist.  The identity is exact for any sizes; with UPerHead's four levels two
 * thirds of the multiplications go.  A map that is upsampled exactly twofold saves another third of
 * its own (upsample_axis.h).
 */
#ifndef CNX_CORE_OPS_CONCAT_CONV_H
#define CNX_CORE_OPS_CONCAT_CONV_H

#include "core/ops/conv.h"
#include "core/ops/upsampled_conv.h"
#include "core/ops/winograd.h"

#define CNX_MAX_CONCAT 9 /* maps in one concatenation */

/* Zero-initialise before init. */
typedef struct cnx_concat_conv {
    int inputs;               /* number of maps, at least 1 */
    int in_c[CNX_MAX_CONCAT]; /* channels of each */
    int out_c;
    bool relu;
    bool winograd;      /* how the first map is convolved */
    cnx_conv_form form; /* as a cnx_conv's; init leaves CNX_FORM_CONV */
    int halved; /* the input that is usually half the first one's size, which gets the weights to
                      gain from it; 0 for none */
    cnx_conv first_direct; /* without activation: it is added to */
    cnx_winograd first_winograd;
    cnx_upsampled_conv low[CNX_MAX_CONCAT - 1]; /* inputs 1 .. */
    size_t bytes;
} cnx_concat_conv;

/* Shape only, for planning. */
void cnx_concat_conv_shape(cnx_concat_conv *conv, int inputs, const int in_c[], int out_c,
                           bool relu, bool winograd, int halved);
/* weights: [out_c][sum of in_c][3][3] (OIHW); bias [out_c]; copied. */
cnx_status cnx_concat_conv_init(cnx_concat_conv *conv, const cnx_kernels *k, int inputs,
                                const int in_c[], int out_c, const float *weights,
                                const float *bias, bool relu, bool winograd, int halved,
                                cnx_error *err);
void cnx_concat_conv_free(cnx_concat_conv *conv);

/* What packing takes, before or after weights exist. */
size_t cnx_concat_conv_bytes(const cnx_concat_conv *conv, const cnx_kernels *k);
/* Multiply-adds that are really done; h[i], w[i]: size of map i. */
double cnx_concat_conv_products(const cnx_concat_conv *conv, const int h[], const int w[]);

/* The scratch that is best, and the least that a run can do with, in smaller blocks (winograd.h).
 * h[i], w[i]: size of map i. */
size_t cnx_concat_conv_scratch(const cnx_concat_conv *conv, const cnx_kernels *k, const int h[],
                               const int w[], int threads);
size_t cnx_concat_conv_least_scratch(const cnx_concat_conv *conv, const cnx_kernels *k,
                                     const int h[], const int w[], int threads);
/* Whether out may be in[0] itself. */
bool cnx_concat_conv_in_place(const cnx_concat_conv *conv);
/* out has the size of in[0]. */
void cnx_concat_conv_run(const cnx_exec *exec, const cnx_concat_conv *conv, const cnx_map in[],
                         cnx_map out);

#endif
