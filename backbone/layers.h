/* From tensors of a checkpoint to packed layers: what backbone and heads share. */
#ifndef CNX_BACKBONE_LAYERS_H
#define CNX_BACKBONE_LAYERS_H

#include "core/checkpoint/weights.h"
#include "core/ops/conv.h"

#define CNX_LAYER_NAME 160

/* A formatted layer name; the longest fits. */
typedef struct cnx_layer_name {
    char text[CNX_LAYER_NAME];
} cnx_layer_name;
cnx_layer_name cnx_name(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Declares [c] tensors name.weight and name.bias. */
void cnx_expect_affine(cnx_weights *w, const char *name, int c);
/* Declares name.weight [out_c][in_c][size][size] and, with bias, name.bias [out_c]. */
void cnx_expect_conv(cnx_weights *w, const char *name, int out_c, int in_c, int size, bool bias);

/* Reads a declared tensor of `count` values into new memory (cnx_free). */
cnx_status cnx_load_floats(float **out, cnx_weights *w, const char *name, size_t count,
                           cnx_error *err);

/* A declared tensor's values: seen in the file where that is possible, else read.  Zero-initialise. */
typedef struct cnx_values {
    const float *data;
    float *owned;         /* NULL when seen */
    cnx_weights *weights; /* whose file they lie in; borrowed */
    size_t count;
} cnx_values;

cnx_status cnx_load_values(cnx_values *out, cnx_weights *w, const char *name, size_t count,
                           cnx_error *err);
void cnx_values_free(cnx_values *values);

/* Per-channel weight and bias of a LayerNorm.  Zero-initialise. */
typedef struct cnx_affine {
    float *weight, *bias; /* owned, [c] */
} cnx_affine;

cnx_status cnx_load_affine(cnx_affine *out, cnx_weights *w, const char *name, int c,
                           cnx_error *err);
void cnx_affine_free(cnx_affine *affine);

/* Puts the layer's name before the message when its weights do not suit (CNX_ERR_MODEL); returns
 * the status. */
cnx_status cnx_name_layer(cnx_status status, const char *name, cnx_error *err);

/* What makes a convolution, before weights. */
typedef struct cnx_conv_spec {
    cnx_conv_kind kind;
    int size, in_c, out_c;
    cnx_activation act;
} cnx_conv_spec;

/* A convolution with bias, packed.  w NULL: only its shape, for planning. */
cnx_status cnx_load_conv(cnx_conv *out, cnx_weights *w, const cnx_kernels *k, const char *name,
                         cnx_conv_spec spec, cnx_error *err);

/* OpenMMLab's ConvModule: convolution without bias -> BatchNorm (eps 1e-5) -> activation. */
void cnx_expect_conv_module(cnx_weights *w, const char *name, int out_c, int in_c, int size);

/* Filters and bias of a convolution before they are packed.  Zero-initialise. */
typedef struct cnx_filters {
    float *weights; /* owned, [out_c][in_c][size][size] */
    float *bias;    /* owned, [out_c] */
} cnx_filters;

/* A ConvModule with its normalisation folded into filters and bias, in double precision. */
cnx_status cnx_load_conv_module(cnx_filters *out, cnx_weights *w, const char *name, int size,
                                int in_c, int out_c, cnx_error *err);
void cnx_filters_free(cnx_filters *filters);

#endif
