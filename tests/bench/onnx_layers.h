/* Layers of ConvNeXt and UPerNet as ONNX nodes, with weights from a checkpoint. */
#ifndef CNX_BENCH_ONNX_LAYERS_H
#define CNX_BENCH_ONNX_LAYERS_H

#include "backbone/layers.h"
#include "onnx_graph.h"

/* How the pointwise layers of a block are written; the numbers are the same. */
typedef enum onnx_pointwise {
    ONNX_AS_CONV,  /* 1x1 convolutions, channels first */
    ONNX_AS_MATMUL /* matrix products, channels last, as a PyTorch export has them */
} onnx_pointwise;

/* A graph that is being built.  The first failure stays in status and err; nothing is read after.
 */
typedef struct onnx_net {
    onnx_graph *graph;
    cnx_weights *weights;
    onnx_pointwise pointwise;
    cnx_status status;
    cnx_error *err;
} onnx_net;

/* A value of the graph, [1, c, h, w]. */
typedef struct onnx_map {
    cnx_layer_name name;
    int c, h, w;
} onnx_map;

/* Convolution with bias, without padding, stride equal to its size; name.weight, name.bias. */
onnx_map onnx_patches(onnx_net *net, const char *name, onnx_map in, int out_c, int size);
/* 1x1 convolution with bias that gives the output `out`. */
void onnx_classifier(onnx_net *net, const char *name, onnx_map in, int out_c, const char *out);
/* Convolution (1 or 3, same size) without bias, BatchNorm, ReLU. */
onnx_map onnx_conv_module(onnx_net *net, const char *name, onnx_map in, int out_c, int size);
/* LayerNorm over the channels of each pixel.  out: the name of the value; NULL for one made up. */
onnx_map onnx_layernorm(onnx_net *net, const char *name, onnx_map in, const char *out);
/* A ConvNeXt block, `name` "backbone.stages.0.0"; version 1: layer scale, 2: GRN. */
onnx_map onnx_block(onnx_net *net, const char *name, onnx_map in, int version);
/* Bilinear, half-pixel centres: torch's align_corners=False. */
onnx_map onnx_resize(onnx_net *net, const char *name, onnx_map in, int h, int w);
/* Adaptive average pooling to scales[i] x scales[i] for each i. */
void onnx_adaptive_pools(onnx_net *net, const char *name, onnx_map in, int count, const int *scales,
                         onnx_map *out);
onnx_map onnx_add(onnx_net *net, const char *name, onnx_map a, onnx_map b);
onnx_map onnx_concat(onnx_net *net, const char *name, int count, const onnx_map *maps);

#endif
