/*
 * A network in another runtime's file format: what network_walk.c says of the network, a format
 * writes down.  The numbers are the checkpoint's own, so that results can be compared.
 */
#ifndef CNX_BENCH_EXPORT_FORMAT_H
#define CNX_BENCH_EXPORT_FORMAT_H

#include "backbone/layers.h"

#define LAYERNORM_EPS 1e-6f
#define BATCHNORM_EPS 1e-5f
#define GRN_EPS       1e-6f
enum { MLP_RATIO = 4 };

/* How the pointwise layers of a block are written; the numbers are the same. */
typedef enum export_pointwise {
    EXPORT_AS_CONV,  /* 1x1 convolutions, channels first */
    EXPORT_AS_MATMUL /* matrix products, channels last, as a PyTorch export has them */
} export_pointwise;

/* A network that is being written.  The first failure stays in status and err; nothing is read
 * after. */
typedef struct export_net {
    void *graph; /* the format's own; owned by it */
    cnx_weights *weights;
    export_pointwise pointwise;
    cnx_status status;
    cnx_error *err;
} export_net;

/* A value of the network, [1, c, h, w]. */
typedef struct export_map {
    cnx_layer_name name;
    int c, h, w;
} export_map;

/* Names of layers are the checkpoint's: what stands there as name.weight belongs to layer `name`. */
typedef struct export_format {
    const char *suffix; /* of its files, ".onnx" */
    cnx_status (*open)(void **graph, cnx_error *err);
    void (*close)(void **graph);
    cnx_status (*write)(const void *graph, const char *path, cnx_error *err);

    export_map (*input)(export_net *net, const char *name, int c, int h, int w);
    /* Makes an output of a map; its name is the map's. */
    void (*output)(export_net *net, export_map map);
    /* Convolution with bias, without padding, stride equal to its size. */
    export_map (*patches)(export_net *net, const char *name, export_map in, int out_c, int size);
    /* 1x1 convolution with bias.  out: the name of the value. */
    export_map (*classifier)(export_net *net, const char *name, export_map in, int out_c,
                             const char *out);
    /* Convolution (1 or 3, same size) without bias, BatchNorm, ReLU. */
    export_map (*conv_module)(export_net *net, const char *name, export_map in, int out_c,
                              int size);
    /* LayerNorm over the channels of each pixel.  out: as above; NULL for a name made up. */
    export_map (*layernorm)(export_net *net, const char *name, export_map in, const char *out);
    /* A ConvNeXt block, `name` "backbone.stages.0.0"; version 1: layer scale, 2: GRN. */
    export_map (*block)(export_net *net, const char *name, export_map in, int version);
    /* Bilinear, half-pixel centres: torch's align_corners=False. */
    export_map (*resize)(export_net *net, const char *name, export_map in, int h, int w);
    /* Adaptive average pooling to scales[i] x scales[i] for each i. */
    void (*adaptive_pools)(export_net *net, const char *name, export_map in, int count,
                           const int *scales, export_map *out);
    export_map (*add)(export_net *net, const char *name, export_map a, export_map b);
    export_map (*concat)(export_net *net, const char *name, int count, const export_map *maps);
} export_format;

extern const export_format onnx_format; /* onnx_layers.c */
extern const export_format ncnn_format; /* ncnn_layers.c */

static inline export_map export_map_named(cnx_layer_name name, int c, int h, int w)
{
    return (export_map){.name = name, .c = c, .h = h, .w = w};
}

/* The values of a tensor in new memory (cnx_free), or NULL once something has failed. */
float *export_load(export_net *net, const char *name, size_t count);

/* Weight [out_c][in_c] and bias [out_c] of a linear layer in new memory, layer scale folded in
 * (gamma [out_c]; NULL: none).  Both NULL once something has failed. */
void export_load_linear(export_net *net, const char *layer, int in_c, int out_c, const float *gamma,
                        float **weight, float **bias);

#endif
