/* Layers of ConvNeXt and UPerNet as ONNX nodes. */
#include <math.h>

#include "core/memory.h"
#include "export_format.h"
#include "onnx_graph.h"

#define FLOAT(key, value)                                                                          \
    {                                                                                              \
        .name = (key), .kind = ONNX_FLOAT, .f = (value)                                            \
    }
#define INT(key, value)                                                                            \
    {                                                                                              \
        .name = (key), .kind = ONNX_INT, .i = {(value) }                                           \
    }
#define INTS(key, number, ...)                                                                     \
    {                                                                                              \
        .name = (key), .kind = ONNX_INTS, .count = (number), .i = { __VA_ARGS__ }                  \
    }
#define STRING(key, value)                                                                         \
    {                                                                                              \
        .name = (key), .kind = ONNX_STRING, .s = (value)                                           \
    }

/* ---- constants ---- */

/* Where nothing could be read there is nothing to add: net->status tells why. */
static void add_floats(export_net *net, const char *name, int rank, const int64_t *shape,
                       float *values)
{
    if (values)
        onnx_graph_floats(net->graph, name, rank, shape, values);
}

/* A tensor of the checkpoint as a constant of the same name; returns it. */
static cnx_layer_name constant(export_net *net, cnx_layer_name name, int rank, const int64_t *shape)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    add_floats(net, name.text, rank, shape, export_load(net, name.text, count));
    return name;
}

static cnx_layer_name vector(export_net *net, const char *layer, const char *part, int c)
{
    return constant(net, cnx_name("%s.%s", layer, part), 1, (const int64_t[]){c});
}

/* ---- plain nodes ---- */

static cnx_layer_name transpose(export_net *net, cnx_layer_name in, cnx_layer_name out,
                                bool to_last)
{
    onnx_graph_node(
        net->graph,
        &(onnx_node){.op = "Transpose",
                     .inputs = {in.text},
                     .outputs = {out.text},
                     .attributes = {to_last ? (onnx_attribute)INTS("perm", 4, 0, 2, 3, 1)
                                            : (onnx_attribute)INTS("perm", 4, 0, 3, 1, 2)}});
    return out;
}

/* out = op(a, b), or op(a) for b NULL. */
static cnx_layer_name apply(export_net *net, const char *op, const char *a, const char *b,
                            cnx_layer_name out)
{
    onnx_graph_node(net->graph, &(onnx_node){.op = op, .inputs = {a, b}, .outputs = {out.text}});
    return out;
}

static export_map add(export_net *net, const char *name, export_map a, export_map b)
{
    return export_map_named(apply(net, "Add", a.name.text, b.name.text, cnx_name("%s", name)), a.c,
                            a.h, a.w);
}

static export_map concat(export_net *net, const char *name, int count, const export_map *maps)
{
    export_map out = export_map_named(cnx_name("%s", name), 0, maps[0].h, maps[0].w);
    onnx_node node = {.op = "Concat", .outputs = {name}, .attributes = {INT("axis", 1)}};
    for (int i = 0; i < count; i++) {
        node.inputs[i] = maps[i].name.text;
        out.c += maps[i].c;
    }
    onnx_graph_node(net->graph, &node);
    return out;
}

static export_map resize(export_net *net, const char *name, export_map in, int h, int w)
{
    if (in.h == h && in.w == w)
        return in;
    const export_map out = export_map_named(cnx_name("%s", name), in.c, h, w);
    const cnx_layer_name sizes = cnx_name("%s.sizes", name);
    onnx_graph_ints(net->graph, sizes.text, 4, (const int64_t[]){1, in.c, h, w});
    onnx_graph_node(net->graph, &(onnx_node){.op = "Resize",
                                             .inputs = {in.name.text, "", "", sizes.text},
                                             .outputs = {out.name.text},
                                             .attributes = {STRING("mode", "linear"),
                                                            STRING("coordinate_transformation_mode",
                                                                   "half_pixel")}});
    return out;
}

/* ---- convolutions ---- */

typedef struct conv {
    int out_c, size, stride, pad, groups;
    bool bias;
} conv;

static export_map convolve(export_net *net, const char *layer, export_map in, conv c,
                           cnx_layer_name out)
{
    const cnx_layer_name weight =
        constant(net, cnx_name("%s.weight", layer), 4,
                 (const int64_t[]){c.out_c, in.c / c.groups, c.size, c.size});
    onnx_node node = {.op = "Conv",
                      .inputs = {in.name.text, weight.text},
                      .outputs = {out.text},
                      .attributes = {INTS("kernel_shape", 2, c.size, c.size),
                                     INTS("strides", 2, c.stride, c.stride),
                                     INTS("pads", 4, c.pad, c.pad, c.pad, c.pad),
                                     INT("group", c.groups)}};
    cnx_layer_name bias;
    if (c.bias) {
        bias = vector(net, layer, "bias", c.out_c);
        node.inputs[2] = bias.text;
    }
    onnx_graph_node(net->graph, &node);
    const int reach = c.size - 2 * c.pad;
    return export_map_named(out, c.out_c, (in.h - reach) / c.stride + 1,
                            (in.w - reach) / c.stride + 1);
}

static export_map patches(export_net *net, const char *name, export_map in, int out_c, int size)
{
    const conv c = {.out_c = out_c, .size = size, .stride = size, .groups = 1, .bias = true};
    return convolve(net, name, in, c, cnx_name("%s", name));
}

static export_map classifier(export_net *net, const char *name, export_map in, int out_c,
                             const char *out)
{
    const conv c = {.out_c = out_c, .size = 1, .stride = 1, .groups = 1, .bias = true};
    return convolve(net, name, in, c, cnx_name("%s", out));
}

/* BatchNorm stays a node of its own: the runtime folds it, by its own arithmetic. */
static export_map conv_module(export_net *net, const char *name, export_map in, int out_c, int size)
{
    const conv c = {.out_c = out_c, .size = size, .stride = 1, .pad = size / 2, .groups = 1};
    const cnx_layer_name layer = cnx_name("%s.conv", name), bn = cnx_name("%s.bn", name);
    export_map out = convolve(net, layer.text, in, c, layer);
    static const char *const parts[] = {"weight", "bias", "running_mean", "running_var"};
    cnx_layer_name vectors[4];
    onnx_node node = {.op = "BatchNormalization",
                      .inputs = {out.name.text},
                      .outputs = {bn.text},
                      .attributes = {FLOAT("epsilon", BATCHNORM_EPS)}};
    for (int i = 0; i < 4; i++) {
        vectors[i] = vector(net, bn.text, parts[i], out_c);
        node.inputs[1 + i] = vectors[i].text;
    }
    onnx_graph_node(net->graph, &node);
    out.name = apply(net, "Relu", bn.text, NULL, cnx_name("%s.relu", name));
    return out;
}

/* ---- LayerNorm and the block ---- */

/* Of a channels-last value. */
static cnx_layer_name layernorm_last(export_net *net, const char *layer, cnx_layer_name in, int c)
{
    const cnx_layer_name weight = vector(net, layer, "weight", c);
    const cnx_layer_name bias = vector(net, layer, "bias", c);
    const cnx_layer_name out = cnx_name("%s.norm", layer);
    onnx_graph_node(net->graph,
                    &(onnx_node){.op = "LayerNormalization",
                                 .inputs = {in.text, weight.text, bias.text},
                                 .outputs = {out.text},
                                 .attributes = {INT("axis", -1), FLOAT("epsilon", LAYERNORM_EPS)}});
    return out;
}

static export_map layernorm(export_net *net, const char *name, export_map in, const char *out)
{
    const cnx_layer_name last = transpose(net, in.name, cnx_name("%s.last", name), true);
    const cnx_layer_name normed = layernorm_last(net, name, last, in.c);
    return export_map_named(
        transpose(net, normed, out ? cnx_name("%s", out) : cnx_name("%s.first", name), false), in.c,
        in.h, in.w);
}

/* 0.5 x (1 + erf(x / sqrt 2)), in the form that runtimes recognise. */
static cnx_layer_name gelu(export_net *net, const char *layer, cnx_layer_name x)
{
    const cnx_layer_name root = cnx_name("%s.sqrt2", layer), one = cnx_name("%s.one", layer);
    const cnx_layer_name half = cnx_name("%s.half", layer);
    onnx_graph_float(net->graph, root.text, sqrtf(2.0f));
    onnx_graph_float(net->graph, one.text, 1.0f);
    onnx_graph_float(net->graph, half.text, 0.5f);
    cnx_layer_name y = apply(net, "Div", x.text, root.text, cnx_name("%s.div", layer));
    y = apply(net, "Erf", y.text, NULL, cnx_name("%s.erf", layer));
    y = apply(net, "Add", y.text, one.text, cnx_name("%s.add", layer));
    y = apply(net, "Mul", x.text, y.text, cnx_name("%s.mul", layer));
    return apply(net, "Mul", y.text, half.text, cnx_name("%s.gelu", layer));
}

/* ConvNeXt-V2: x + gamma x n + beta, n = |x| / (mean over channels of |x| + eps), |x| over space.
 */
static cnx_layer_name grn(export_net *net, const char *layer, cnx_layer_name x, int c)
{
    const bool first = net->pointwise == EXPORT_AS_CONV;
    const int64_t shape[] = {1, first ? c : 1, 1, first ? 1 : c};
    const cnx_layer_name gamma = constant(net, cnx_name("%s.gamma", layer), 4, shape);
    const cnx_layer_name beta = constant(net, cnx_name("%s.beta", layer), 4, shape);
    const cnx_layer_name norm = cnx_name("%s.norm", layer), mean = cnx_name("%s.mean", layer);
    const cnx_layer_name eps = cnx_name("%s.eps", layer);
    const int space = first ? 2 : 1;
    onnx_graph_float(net->graph, eps.text, GRN_EPS);
    onnx_graph_node(net->graph, &(onnx_node){.op = "ReduceL2",
                                             .inputs = {x.text},
                                             .outputs = {norm.text},
                                             .attributes = {INTS("axes", 2, space, space + 1)}});
    onnx_graph_node(net->graph, &(onnx_node){.op = "ReduceMean",
                                             .inputs = {norm.text},
                                             .outputs = {mean.text},
                                             .attributes = {INTS("axes", 1, first ? 1 : 3)}});
    cnx_layer_name y = apply(net, "Add", mean.text, eps.text, cnx_name("%s.sum", layer));
    y = apply(net, "Div", norm.text, y.text, cnx_name("%s.div", layer));
    y = apply(net, "Mul", gamma.text, y.text, cnx_name("%s.scale", layer));
    y = apply(net, "Mul", x.text, y.text, cnx_name("%s.mul", layer));
    y = apply(net, "Add", y.text, beta.text, cnx_name("%s.add", layer));
    return apply(net, "Add", x.text, y.text, cnx_name("%s.grn", layer));
}

/* [rows][columns] -> [columns][rows], in new memory; NULL without. */
static float *transposed(const float *x, int rows, int columns)
{
    float *y = cnx_alloc(sizeof *y * (size_t)rows * (size_t)columns);
    for (int i = 0; y && i < rows; i++)
        for (int j = 0; j < columns; j++)
            y[(size_t)j * (size_t)rows + (size_t)i] = x[(size_t)i * (size_t)columns + (size_t)j];
    return y;
}

/* Weight and bias of a linear layer, layer scale folded in (gamma NULL: none). */
static void linear_constants(export_net *net, const char *layer, int in_c, int out_c,
                             const float *gamma)
{
    const cnx_layer_name weight = cnx_name("%s.weight", layer), bias = cnx_name("%s.bias", layer);
    float *w, *b;
    export_load_linear(net, layer, in_c, out_c, gamma, &w, &b);
    if (net->pointwise == EXPORT_AS_MATMUL && w) {
        float *t = transposed(w, out_c, in_c);
        cnx_free(w);
        onnx_graph_floats(net->graph, weight.text, 2, (const int64_t[]){in_c, out_c}, t);
    } else {
        add_floats(net, weight.text, 4, (const int64_t[]){out_c, in_c, 1, 1}, w);
    }
    add_floats(net, bias.text, 1, (const int64_t[]){out_c}, b);
}

static cnx_layer_name linear(export_net *net, const char *layer, cnx_layer_name x, int in_c,
                             int out_c, const float *gamma)
{
    const cnx_layer_name weight = cnx_name("%s.weight", layer), bias = cnx_name("%s.bias", layer);
    const cnx_layer_name out = cnx_name("%s", layer);
    linear_constants(net, layer, in_c, out_c, gamma);
    if (net->pointwise == EXPORT_AS_MATMUL) {
        x = apply(net, "MatMul", x.text, weight.text, cnx_name("%s.product", layer));
        return apply(net, "Add", x.text, bias.text, out);
    }
    onnx_graph_node(net->graph, &(onnx_node){.op = "Conv",
                                             .inputs = {x.text, weight.text, bias.text},
                                             .outputs = {out.text},
                                             .attributes = {INTS("kernel_shape", 2, 1, 1)}});
    return out;
}

static export_map block(export_net *net, const char *name, export_map in, int version)
{
    const int c = in.c, hidden = MLP_RATIO * c;
    const bool first = net->pointwise == EXPORT_AS_CONV;
    const cnx_layer_name dw = cnx_name("%s.dwconv", name), norm = cnx_name("%s.norm", name);
    const cnx_layer_name expand = cnx_name("%s.pwconv1", name), grow = cnx_name("%s.grn", name);
    const cnx_layer_name project = cnx_name("%s.pwconv2", name);
    const conv depthwise = {
        .out_c = c, .size = 7, .stride = 1, .pad = 3, .groups = c, .bias = true};
    cnx_layer_name x = convolve(net, dw.text, in, depthwise, dw).name;
    x = transpose(net, x, cnx_name("%s.last", norm.text), true);
    x = layernorm_last(net, norm.text, x, c);
    if (first)
        x = transpose(net, x, cnx_name("%s.first", norm.text), false);
    x = gelu(net, expand.text, linear(net, expand.text, x, c, hidden, NULL));
    if (version == 2)
        x = grn(net, grow.text, x, hidden);
    float *gamma =
        version == 1 ? export_load(net, cnx_name("%s.gamma", name).text, (size_t)c) : NULL;
    x = linear(net, project.text, x, hidden, c, gamma);
    cnx_free(gamma);
    if (!first)
        x = transpose(net, x, cnx_name("%s.first", project.text), false);
    return add(net, name, in, export_map_named(x, c, in.h, in.w));
}

/* ---- adaptive pooling ---- */

/* Output i of b over n averages sources i n / b (down) to (i + 1) n / b (up). */
static void fill_bin(float *matrix, int columns, int column, int h, int w, int b, int bin)
{
    const int y0 = bin / b * h / b, y1 = ((bin / b + 1) * h + b - 1) / b;
    const int x0 = bin % b * w / b, x1 = ((bin % b + 1) * w + b - 1) / b;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            matrix[((size_t)y * (size_t)w + (size_t)x) * (size_t)columns + (size_t)column] =
                1.0f / (float)((y1 - y0) * (x1 - x0));
}

/* All bins of all scales as one [h w][bins] matrix: bins overlap where the scale does not divide
 * the size, which no pooling node of ONNX can say. */
static void pool_matrix(export_net *net, const char *name, export_map in, int count,
                        const int *scales, int bins)
{
    const int64_t shape[] = {(int64_t)in.h * in.w, bins};
    float *matrix = cnx_calloc(sizeof *matrix * (size_t)shape[0] * (size_t)bins);
    for (int s = 0, column = 0; matrix && s < count; s++)
        for (int bin = 0; bin < scales[s] * scales[s]; bin++)
            fill_bin(matrix, bins, column++, in.h, in.w, scales[s], bin);
    onnx_graph_floats(net->graph, name, 2, shape, matrix);
}

static void adaptive_pools(export_net *net, const char *name, export_map in, int count,
                           const int *scales, export_map *out)
{
    int64_t sizes[ONNX_MAX_EDGES];
    int bins = 0;
    for (int i = 0; i < count; i++) {
        sizes[i] = scales[i] * scales[i];
        bins += scales[i] * scales[i];
    }
    const cnx_layer_name matrix = cnx_name("%s.matrix", name), split = cnx_name("%s.sizes", name);
    const cnx_layer_name flat_shape = cnx_name("%s.flat_shape", name);
    pool_matrix(net, matrix.text, in, count, scales, bins);
    onnx_graph_ints(net->graph, split.text, count, sizes);
    onnx_graph_ints(net->graph, flat_shape.text, 3, (const int64_t[]){1, in.c, -1});
    const cnx_layer_name flat =
        apply(net, "Reshape", in.name.text, flat_shape.text, cnx_name("%s.flat", name));
    const cnx_layer_name pooled =
        apply(net, "MatMul", flat.text, matrix.text, cnx_name("%s.all", name));
    cnx_layer_name parts[ONNX_MAX_EDGES];
    onnx_node node = {
        .op = "Split", .inputs = {pooled.text, split.text}, .attributes = {INT("axis", 2)}};
    for (int i = 0; i < count; i++) {
        parts[i] = cnx_name("%s.%d.flat", name, i);
        node.outputs[i] = parts[i].text;
    }
    onnx_graph_node(net->graph, &node);
    for (int i = 0; i < count; i++) {
        const cnx_layer_name shape = cnx_name("%s.%d.shape", name, i);
        onnx_graph_ints(net->graph, shape.text, 4,
                        (const int64_t[]){1, in.c, scales[i], scales[i]});
        out[i] = export_map_named(
            apply(net, "Reshape", parts[i].text, shape.text, cnx_name("%s.%d", name, i)), in.c,
            scales[i], scales[i]);
    }
}

/* ---- the format ---- */

static export_map input(export_net *net, const char *name, int c, int h, int w)
{
    onnx_graph_input(net->graph, name, 4, (const int64_t[]){1, c, h, w});
    return export_map_named(cnx_name("%s", name), c, h, w);
}

static void output(export_net *net, export_map map)
{
    onnx_graph_output(net->graph, map.name.text, 4, (const int64_t[]){1, map.c, map.h, map.w});
}

static cnx_status open_graph(void **graph, cnx_error *err)
{
    onnx_graph *g = NULL;
    const cnx_status status = onnx_graph_open(&g, err);
    *graph = g;
    return status;
}

static void close_graph(void **graph)
{
    onnx_graph *g = *graph;
    onnx_graph_close(&g);
    *graph = NULL;
}

static cnx_status write_graph(const void *graph, const char *path, cnx_error *err)
{
    return onnx_graph_write(graph, path, err);
}

const export_format onnx_format = {
    .suffix = ".onnx",
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
