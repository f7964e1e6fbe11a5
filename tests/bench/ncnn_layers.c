/*
 * Layers of ConvNeXt and UPerNet as ncnn's.
 *
 * ncnn's maps have three dimensions, w fastest, [c][h][w]; its LayerNorm and Gemm work on the fastest,
 * hence the permutations.  BatchNorm is folded and ReLU is made part of the convolution, as ncnn's
 * own optimiser (ncnnoptimize) does it.
 */
#include <string.h>

#include "core/memory.h"
#include "export_format.h"
#include "heads/upernet.h"
#include "ncnn_graph.h"

enum { TO_LAST = 3, TO_FIRST = 4 };         /* Permute's orders: [c][h][w] to [h][w][c] and back */
enum { ADD = 0, MULTIPLY = 2, DIVIDE = 3 }; /* of BinaryOp */
enum { MEAN = 3, L2_NORM = 8 };             /* of Reduction */
enum { AVERAGE = 1, BILINEAR = 2, RELU = 1, BIAS_A_ROW = 4 };

#define FROM(...) ((const char *const[]){__VA_ARGS__, NULL})

static ncnn_shape planes(int c, int h, int w)
{
    return (ncnn_shape){.w = w, .h = h, .c = c};
}

/* Global pooling gives a vector, and what is computed from one pixel by one pixel is one again. */
static bool is_vector(export_net *net, export_map map)
{
    return ncnn_graph_shape(net->graph, map.name.text).h == 0;
}

/* ---- plain layers ---- */

static void unary(export_net *net, const char *type, const char *name, const char *in,
                  ncnn_shape shape, const char *params)
{
    ncnn_graph_layer(net->graph, type, name, FROM(in), shape, "%s", params);
}

static void binary(export_net *net, int op, const char *name, const char *a, const char *b,
                   ncnn_shape shape)
{
    ncnn_graph_layer(net->graph, "BinaryOp", name, FROM(a, b), shape, "0=%d", op);
}

/* Weights that could not be read are none: net->status tells why. */
static void weights(export_net *net, float *values, size_t count, bool tagged)
{
    if (values)
        ncnn_graph_weights(net->graph, values, count, tagged);
}

static void tensor(export_net *net, const char *layer, const char *part, size_t count, bool tagged)
{
    weights(net, export_load(net, cnx_name("%s.%s", layer, part).text, count), count, tagged);
}

static cnx_layer_name permute(export_net *net, cnx_layer_name in, cnx_layer_name out, export_map of,
                              int order)
{
    ncnn_graph_layer(net->graph, "Permute", out.text, FROM(in.text),
                     order == TO_LAST ? planes(of.h, of.w, of.c) : planes(of.c, of.h, of.w), "0=%d",
                     order);
    return out;
}

static export_map add(export_net *net, const char *name, export_map a, export_map b)
{
    binary(net, ADD, name, a.name.text, b.name.text, planes(a.c, a.h, a.w));
    return export_map_named(cnx_name("%s", name), a.c, a.h, a.w);
}

static export_map concat(export_net *net, const char *name, int count, const export_map *maps)
{
    const char *inputs[CNX_MAX_POOLS + 2] = {NULL};
    export_map out = export_map_named(cnx_name("%s", name), 0, maps[0].h, maps[0].w);
    for (int i = 0; i < count; i++) {
        inputs[i] = maps[i].name.text;
        out.c += maps[i].c;
    }
    ncnn_graph_layer(net->graph, "Concat", name, inputs, planes(out.c, out.h, out.w), "0=0");
    return out;
}

/* Interp repeats a vector everywhere; of a map that is one pixel high or wide it reads a second
 * one, which is not there. */
static export_map resize(export_net *net, const char *name, export_map in, int h, int w)
{
    if (in.h == h && in.w == w && !is_vector(net, in))
        return in;
    if ((in.h == 1 || in.w == 1) && !is_vector(net, in) && net->status == CNX_OK)
        net->status = cnx_fail(net->err, CNX_ERR_ARGUMENT,
                               "%s: ncnn cannot resize a map of %d x %d: choose a larger --size",
                               name, in.h, in.w);
    ncnn_graph_layer(net->graph, "Interp", name, FROM(in.name.text), planes(in.c, h, w),
                     "0=%d 3=%d 4=%d", BILINEAR, h, w);
    return export_map_named(cnx_name("%s", name), in.c, h, w);
}

static void adaptive_pools(export_net *net, const char *name, export_map in, int count,
                           const int *scales, export_map *out)
{
    for (int i = 0; i < count; i++) {
        const cnx_layer_name pool = cnx_name("%s.%d", name, i);
        if (scales[i] == 1)
            ncnn_graph_layer(net->graph, "Pooling", pool.text, FROM(in.name.text),
                             (ncnn_shape){.w = in.c}, "0=%d 4=1", AVERAGE);
        else
            ncnn_graph_layer(net->graph, "Pooling", pool.text, FROM(in.name.text),
                             planes(in.c, scales[i], scales[i]), "0=%d 7=1 8=%d", AVERAGE,
                             scales[i]);
        out[i] = export_map_named(pool, in.c, scales[i], scales[i]);
    }
}

/* ---- convolutions ---- */

typedef struct conv {
    int out_c, size, stride, pad, groups, act;
} conv;

/* The layer without its weights. */
static void convolution(export_net *net, export_map in, export_map out, conv c, size_t count)
{
    const char *name = out.name.text;
    const ncnn_shape shape = planes(out.c, out.h, out.w);
    if (is_vector(net, in))
        ncnn_graph_layer(net->graph, "InnerProduct", name, FROM(in.name.text),
                         (ncnn_shape){.w = c.out_c}, "0=%d 1=1 2=%zu 9=%d", c.out_c, count, c.act);
    else if (c.groups > 1)
        ncnn_graph_layer(net->graph, "ConvolutionDepthWise", name, FROM(in.name.text), shape,
                         "0=%d 1=%d 3=%d 4=%d 5=1 6=%zu 7=%d 9=%d", c.out_c, c.size, c.stride,
                         c.pad, count, c.groups, c.act);
    else
        ncnn_graph_layer(net->graph, "Convolution", name, FROM(in.name.text), shape,
                         "0=%d 1=%d 3=%d 4=%d 5=1 6=%zu 9=%d", c.out_c, c.size, c.stride, c.pad,
                         count, c.act);
}

/* filters [out_c][in_c / groups][size][size], bias [out_c]: taken over. */
static export_map convolve(export_net *net, const char *name, export_map in, conv c, float *filters,
                           float *bias)
{
    const int reach = c.size - 2 * c.pad;
    const export_map out =
        export_map_named(cnx_name("%s", name), c.out_c, (in.h - reach) / c.stride + 1,
                         (in.w - reach) / c.stride + 1);
    const size_t count = (size_t)c.out_c * (size_t)(in.c / c.groups) * (size_t)(c.size * c.size);
    convolution(net, in, out, c, count);
    weights(net, filters, count, true);
    weights(net, bias, (size_t)c.out_c, false);
    return out;
}

/* A convolution of the checkpoint, layer.weight and layer.bias. */
static export_map convolve_layer(export_net *net, const char *layer, const char *name,
                                 export_map in, conv c)
{
    const size_t count = (size_t)c.out_c * (size_t)(in.c / c.groups) * (size_t)(c.size * c.size);
    float *filters = export_load(net, cnx_name("%s.weight", layer).text, count);
    float *bias = export_load(net, cnx_name("%s.bias", layer).text, (size_t)c.out_c);
    return convolve(net, name, in, c, filters, bias);
}

static export_map patches(export_net *net, const char *name, export_map in, int out_c, int size)
{
    const conv c = {.out_c = out_c, .size = size, .stride = size, .groups = 1};
    return convolve_layer(net, name, name, in, c);
}

static export_map classifier(export_net *net, const char *name, export_map in, int out_c,
                             const char *out)
{
    const conv c = {.out_c = out_c, .size = 1, .stride = 1, .groups = 1};
    return convolve_layer(net, name, out, in, c);
}

static export_map conv_module(export_net *net, const char *name, export_map in, int out_c, int size)
{
    const conv c = {
        .out_c = out_c, .size = size, .stride = 1, .pad = size / 2, .groups = 1, .act = RELU};
    cnx_filters folded = {0};
    if (net->status == CNX_OK)
        net->status =
            cnx_load_conv_module(&folded, net->weights, name, size, in.c, out_c, net->err);
    return convolve(net, name, in, c, folded.weights, folded.bias);
}

/* ---- the block ---- */

/* LayerNorm of what lies channels last. */
static cnx_layer_name layernorm_last(export_net *net, const char *layer, cnx_layer_name in,
                                     export_map of)
{
    const cnx_layer_name out = cnx_name("%s.normed", layer);
    ncnn_graph_layer(net->graph, "LayerNorm", out.text, FROM(in.text), planes(of.h, of.w, of.c),
                     "0=%d 1=%e 2=1", of.c, (double)LAYERNORM_EPS);
    tensor(net, layer, "weight", (size_t)of.c, false);
    tensor(net, layer, "bias", (size_t)of.c, false);
    return out;
}

static export_map layernorm(export_net *net, const char *name, export_map in, const char *out)
{
    cnx_layer_name x = permute(net, in.name, cnx_name("%s.last", name), in, TO_LAST);
    x = layernorm_last(net, name, x, in);
    x = permute(net, x, out ? cnx_name("%s", out) : cnx_name("%s.first", name), in, TO_FIRST);
    return export_map_named(x, in.c, in.h, in.w);
}

/* The values of name.gamma or name.beta as a constant [c][1][1]. */
static cnx_layer_name constant(export_net *net, const char *layer, const char *part, int c)
{
    const cnx_layer_name name = cnx_name("%s.%s", layer, part);
    ncnn_graph_layer(net->graph, "MemoryData", name.text, (const char *const[]){NULL},
                     planes(c, 1, 1), "0=1 1=1 2=%d", c);
    tensor(net, layer, part, (size_t)c, false);
    return name;
}

/* ConvNeXt-V2: x + gamma x n + beta, n = |x| / (mean over channels of |x| + eps), |x| over space; x
 * channels first. */
static cnx_layer_name grn(export_net *net, const char *layer, cnx_layer_name x, int c, int h, int w)
{
    const cnx_layer_name gamma = constant(net, layer, "gamma", c);
    const cnx_layer_name beta = constant(net, layer, "beta", c);
    const cnx_layer_name norm = cnx_name("%s.norm", layer), mean = cnx_name("%s.mean", layer);
    const cnx_layer_name sum = cnx_name("%s.sum", layer), share = cnx_name("%s.share", layer);
    const cnx_layer_name scale = cnx_name("%s.scale", layer), mul = cnx_name("%s.mul", layer);
    const cnx_layer_name shift = cnx_name("%s.shift", layer), out = cnx_name("%s.grn", layer);
    const ncnn_shape each = planes(c, 1, 1), whole = planes(c, h, w);
    ncnn_graph_layer(net->graph, "Reduction", norm.text, FROM(x.text), each,
                     "0=%d 1=0 -23303=2,1,2 4=1 5=1", L2_NORM);
    ncnn_graph_layer(net->graph, "Reduction", mean.text, FROM(norm.text), planes(1, 1, 1),
                     "0=%d 1=0 -23303=1,0 4=1 5=1", MEAN);
    ncnn_graph_layer(net->graph, "BinaryOp", sum.text, FROM(mean.text), planes(1, 1, 1),
                     "0=%d 1=1 2=%e", ADD, (double)GRN_EPS);
    binary(net, DIVIDE, share.text, norm.text, sum.text, each);
    binary(net, MULTIPLY, scale.text, share.text, gamma.text, each);
    binary(net, MULTIPLY, mul.text, x.text, scale.text, whole);
    binary(net, ADD, shift.text, mul.text, beta.text, whole);
    binary(net, ADD, out.text, x.text, shift.text, whole);
    return out;
}

/* A matrix product on [pixels][in_c]. */
static cnx_layer_name product(export_net *net, const char *layer, cnx_layer_name x, int pixels,
                              int in_c, int out_c, const float *gamma)
{
    float *w, *b;
    const cnx_layer_name out = cnx_name("%s", layer);
    export_load_linear(net, layer, in_c, out_c, gamma, &w, &b);
    ncnn_graph_layer(net->graph, "Gemm", out.text, FROM(x.text),
                     (ncnn_shape){.w = out_c, .h = pixels}, "3=1 5=1 6=1 8=%d 9=%d 10=%d", out_c,
                     in_c, BIAS_A_ROW);
    weights(net, w, (size_t)in_c * (size_t)out_c, true);
    weights(net, b, (size_t)out_c, true);
    return out;
}

/* x is the normed map, channels last. */
static cnx_layer_name mlp_as_products(export_net *net, const char *name, cnx_layer_name x,
                                      export_map of, const float *gamma)
{
    const int pixels = of.h * of.w, hidden = MLP_RATIO * of.c;
    const cnx_layer_name flat = cnx_name("%s.flat", name), act = cnx_name("%s.gelu", name);
    const cnx_layer_name map = cnx_name("%s.map", name);
    ncnn_graph_layer(net->graph, "Reshape", flat.text, FROM(x.text),
                     (ncnn_shape){.w = of.c, .h = pixels}, "0=%d 1=%d", of.c, pixels);
    x = product(net, cnx_name("%s.pwconv1", name).text, flat, pixels, of.c, hidden, NULL);
    unary(net, "GELU", act.text, x.text, (ncnn_shape){.w = hidden, .h = pixels}, "0=0");
    x = product(net, cnx_name("%s.pwconv2", name).text, act, pixels, hidden, of.c, gamma);
    ncnn_graph_layer(net->graph, "Reshape", map.text, FROM(x.text), planes(of.h, of.w, of.c),
                     "0=%d 1=%d 2=%d", of.c, of.w, of.h);
    return permute(net, map, cnx_name("%s.out", name), of, TO_FIRST);
}

static export_map pointwise(export_net *net, const char *layer, export_map in, int out_c,
                            const float *gamma)
{
    const conv c = {.out_c = out_c, .size = 1, .stride = 1, .groups = 1};
    float *w, *b;
    export_load_linear(net, layer, in.c, out_c, gamma, &w, &b);
    return convolve(net, layer, in, c, w, b);
}

static cnx_layer_name mlp_as_convolutions(export_net *net, const char *name, cnx_layer_name x,
                                          export_map of, int version, const float *gamma)
{
    const int hidden = MLP_RATIO * of.c;
    const cnx_layer_name act = cnx_name("%s.gelu", name);
    x = permute(net, x, cnx_name("%s.first", name), of, TO_FIRST);
    export_map map = export_map_named(x, of.c, of.h, of.w);
    map = pointwise(net, cnx_name("%s.pwconv1", name).text, map, hidden, NULL);
    unary(net, "GELU", act.text, map.name.text, planes(hidden, of.h, of.w), "0=0");
    map.name =
        version == 2 ? grn(net, cnx_name("%s.grn", name).text, act, hidden, of.h, of.w) : act;
    return pointwise(net, cnx_name("%s.pwconv2", name).text, map, of.c, gamma).name;
}

static export_map block(export_net *net, const char *name, export_map in, int version)
{
    const conv depthwise = {.out_c = in.c, .size = 7, .stride = 1, .pad = 3, .groups = in.c};
    const cnx_layer_name dw = cnx_name("%s.dwconv", name), norm = cnx_name("%s.norm", name);
    if (version == 2 && net->pointwise == EXPORT_AS_MATMUL && net->status == CNX_OK)
        net->status = cnx_fail(net->err, CNX_ERR_ARGUMENT,
                               "%s: GRN is written for --pointwise conv only", name);
    cnx_layer_name x = convolve_layer(net, dw.text, dw.text, in, depthwise).name;
    x = permute(net, x, cnx_name("%s.last", norm.text), in, TO_LAST);
    x = layernorm_last(net, norm.text, x, in);
    float *gamma =
        version == 1 ? export_load(net, cnx_name("%s.gamma", name).text, (size_t)in.c) : NULL;
    x = net->pointwise == EXPORT_AS_MATMUL ? mlp_as_products(net, name, x, in, gamma)
                                           : mlp_as_convolutions(net, name, x, in, version, gamma);
    cnx_free(gamma);
    return add(net, name, in, export_map_named(x, in.c, in.h, in.w));
}

/* ---- the format ---- */

static export_map input(export_net *net, const char *name, int c, int h, int w)
{
    ncnn_graph_layer(net->graph, "Input", name, (const char *const[]){NULL}, planes(c, h, w),
                     "0=%d 1=%d 2=%d", w, h, c);
    return export_map_named(cnx_name("%s", name), c, h, w);
}

/* Every value that nothing reads is an output. */
static void output(export_net *net, export_map map)
{
    (void)net;
    (void)map;
}

static cnx_status open_graph(void **graph, cnx_error *err)
{
    ncnn_graph *g = NULL;
    const cnx_status status = ncnn_graph_open(&g, err);
    *graph = g;
    return status;
}

static void close_graph(void **graph)
{
    ncnn_graph *g = *graph;
    ncnn_graph_close(&g);
    *graph = NULL;
}

static cnx_status write_graph(const void *graph, const char *path, cnx_error *err)
{
    return ncnn_graph_write(graph, path, err);
}

const export_format ncnn_format = {
    .suffix = ".param",
    .open = open_graph,
    .close = close_graph,
    .write = write_graph,
    .input = input,
    .output = output,
    .patches = patches,
    .classifier = classifier,
    .conv_module = conv_module,
    .layernorm = layernorm,
    .block = block,
    .resize = resize,
    .adaptive_pools = adaptive_pools,
    .add = add,
    .concat = concat,
};
