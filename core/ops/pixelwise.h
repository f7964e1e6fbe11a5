/* Operations without large weights: normalisation, pooling, resizing of feature maps. */
#ifndef CNX_CORE_OPS_PIXELWISE_H
#define CNX_CORE_OPS_PIXELWISE_H

#include "core/ops/exec.h"

/* LayerNorm over the channels of each pixel (eps 1e-6 in ConvNeXt).  weight, bias: [c], borrowed.
 * out may be in. */
void cnx_layernorm_run(const cnx_exec *exec, const float *weight, const float *bias, float eps,
                       cnx_map in, cnx_map out);

/* Adaptive average pooling to out.h x out.w: output i of b over length n averages the source
 * indices floor(i n / b) .. ceil((i + 1) n / b) - 1.  Sums in double, so that the order cannot be
 * seen. */
void cnx_adaptive_avg_pool_run(const cnx_exec *exec, cnx_map in, cnx_map out);

/*
 * Bilinear resize of feature maps and logits, align_corners False, no antialiasing:
 * s = max((d + 0.5) n_in / n_out - 0.5, 0), i0 = floor(s), i1 = min(i0 + 1, n_in - 1), weight s -
 * i0. s is computed in float32 from a float32 ratio, as torch does on CPUs.  add: out += resized.
 * This is torch's resizer; pictures go through core/image's 8-bit one.  Never mix them.
 */
size_t cnx_resize_scratch(int in_w, int out_w, int out_h, int c, int threads);
void cnx_resize_run(const cnx_exec *exec, cnx_map in, cnx_map out, bool add);

/* What output d of one axis of that resize takes: 1 or 2 sources. */
cnx_taps cnx_resize_taps_at(int d, int n_in, int n_out);
/* The same for all of [n_out]. */
void cnx_resize_taps(int n_in, int n_out, cnx_taps *taps);
/* Two resamplings in a row as one: `second`, [n_out], picks from what `first` makes.  Together they
 * must reach at most CNX_MAX_TAPS neighbours, as two bilinear steps do when the first does not
 * shrink. */
void cnx_taps_compose(const cnx_taps *first, const cnx_taps *second, int n_out, cnx_taps *out);

#endif
