/*
 * ConvNeXt and UPerHead by their plain definitions in double precision, on random weights of any
 * widths: what every table of kernels is compared with.  Maps are [c][h][w].
 *
 * A weight is made when the network first asks for it, and stays: after a run the model holds every
 * tensor of its checkpoint, which plain_write then writes.
 */
#ifndef CNX_TESTS_PLAIN_NETWORK_H
#define CNX_TESTS_PLAIN_NETWORK_H

#include <math.h>

#include "backbone/layers.h"
#include "core/checkpoint/checkpoint.h"
#include "core/ops/block.h"
#include "tests/unit/check.h"

enum { PLAIN_TENSORS = 400, PLAIN_MAPS = 400, PLAIN_STAGES = 4, PLAIN_POOLS = 4 };

typedef struct plain_map {
    int c, h, w;
    double *x;
} plain_map;

typedef struct plain_model {
    int depths[PLAIN_STAGES], dims[PLAIN_STAGES], version; /* as cnx_convnext_desc */
    int channels, classes;
    bool isotropic, unscaled; /* of cnx_convnext_desc likewise, for plain_classifier */
    int dwconv[PLAIN_STAGES];
    cnx_mlp_act act;
    double eps; /* of LayerNorm; 0: 1e-6 */
    unsigned long long seed;
    int tensor_count, map_count;
    cnx_tensor_source tensors[PLAIN_TENSORS];
    cnx_layer_name names[PLAIN_TENSORS];
    float *values[PLAIN_TENSORS];
    double *maps[PLAIN_MAPS];
} plain_model;

/* ---- weights ---- */

static inline size_t plain_elements(const cnx_tensor_source *t)
{
    size_t n = 1;
    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->shape[i];
    return n;
}

/* The tensor `layer`.`part` of a shape; low..high are its values where it has to be made. */
static inline const float *plain_tensor(plain_model *m, const char *layer, const char *part,
                                        int rank, const int *shape, double low, double high)
{
    const cnx_layer_name name = cnx_name("%s.%s", layer, part);
    for (int i = 0; i < m->tensor_count; i++)
        if (strcmp(m->names[i].text, name.text) == 0)
            return m->values[i];
    if (m->tensor_count == PLAIN_TENSORS)
        abort();
    const int index = m->tensor_count++;
    cnx_tensor_source *t = &m->tensors[index];
    m->names[index] = name;
    *t = (cnx_tensor_source){.name = m->names[index].text, .dtype = CNX_F32, .rank = rank};
    for (int i = 0; i < rank; i++)
        t->shape[i] = shape[i];
    const size_t n = plain_elements(t);
    float *x = m->values[index] = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(low + (high - low) * 0.5 * (1 + (double)check_uniform(&m->seed)));
    return x;
}

static inline const float *plain_vector(plain_model *m, const char *layer, const char *part, int c,
                                        double low, double high)
{
    return plain_tensor(m, layer, part, 1, &c, low, high);
}

static inline cnx_status plain_fill(void *user, size_t index, float *values, cnx_error *err)
{
    const plain_model *m = user;
    (void)err;
    memcpy(values, m->values[index], plain_elements(&m->tensors[index]) * sizeof *values);
    return CNX_OK;
}

static inline bool plain_write(plain_model *m, const char *path)
{
    cnx_error err = {0};
    const cnx_status status = cnx_safetensors_write(path, m->tensors, (size_t)m->tensor_count,
                                                    plain_fill, m, NULL, 0, &err);
    CHECK(status == CNX_OK, "%s: %s", path, err.message);
    return status == CNX_OK;
}

static inline void plain_free_maps(plain_model *m)
{
    while (m->map_count > 0)
        free(m->maps[--m->map_count]);
}

static inline void plain_free(plain_model *m)
{
    plain_free_maps(m);
    while (m->tensor_count > 0)
        free(m->values[--m->tensor_count]);
}

/* ---- layers ---- */

/* Zeros; lives until plain_free_maps. */
static inline plain_map plain_new(plain_model *m, int c, int h, int w)
{
    const plain_map map = {c, h, w, calloc((size_t)c * (size_t)h * (size_t)w, sizeof(double))};
    if (!map.x || m->map_count == PLAIN_MAPS)
        abort();
    m->maps[m->map_count++] = map.x;
    return map;
}

static inline double *plain_at(plain_map map, int c, int y, int x)
{
    return map.x + ((size_t)c * (size_t)map.h + (size_t)y) * (size_t)map.w + (size_t)x;
}

typedef struct plain_conv {
    int out_c, size, stride, pad, groups;
    int rank; /* of the weight: 2 for a linear layer */
    bool bias;
} plain_conv;

static inline double plain_convolved(const plain_conv *c, plain_map in, const float *filter,
                                     int first_c, int y, int x)
{
    const int depth = in.c / c->groups;
    double sum = 0;
    for (int i = 0; i < depth; i++)
        for (int ky = 0; ky < c->size; ky++)
            for (int kx = 0; kx < c->size; kx++, filter++) {
                const int sy = y * c->stride + ky - c->pad, sx = x * c->stride + kx - c->pad;
                if (sy >= 0 && sy < in.h && sx >= 0 && sx < in.w)
                    sum += (double)*filter * *plain_at(in, first_c + i, sy, sx);
            }
    return sum;
}

static inline plain_map plain_convolve(plain_model *m, const char *layer, plain_map in,
                                       plain_conv c)
{
    const int depth = in.c / c.groups, shape[] = {c.out_c, depth, c.size, c.size};
    const double reach = sqrt(3.0 / (depth * c.size * c.size));
    const float *weight = plain_tensor(m, layer, "weight", c.rank, shape, -reach, reach);
    const float *bias = c.bias ? plain_vector(m, layer, "bias", c.out_c, -0.3, 0.3) : NULL;
    const int cut = c.size - 2 * c.pad;
    const plain_map out =
        plain_new(m, c.out_c, (in.h - cut) / c.stride + 1, (in.w - cut) / c.stride + 1);
    for (int o = 0; o < out.c; o++) {
        const float *filter = weight + (size_t)o * (size_t)(depth * c.size * c.size);
        const int first_c = o / (c.out_c / c.groups) * depth;
        for (int y = 0; y < out.h; y++)
            for (int x = 0; x < out.w; x++)
                *plain_at(out, o, y, x) =
                    plain_convolved(&c, in, filter, first_c, y, x) + (bias ? (double)bias[o] : 0);
    }
    return out;
}

static inline plain_map plain_layernorm(plain_model *m, const char *layer, plain_map in)
{
    const float *weight = plain_vector(m, layer, "weight", in.c, 0.6, 1.4);
    const float *bias = plain_vector(m, layer, "bias", in.c, -0.3, 0.3);
    const double eps = m->eps > 0 ? m->eps : 1e-6;
    const plain_map out = plain_new(m, in.c, in.h, in.w);
    for (int y = 0; y < in.h; y++)
        for (int x = 0; x < in.w; x++) {
            double mean = 0, variance = 0;
            for (int i = 0; i < in.c; i++)
                mean += *plain_at(in, i, y, x) / in.c;
            for (int i = 0; i < in.c; i++)
                variance += pow(*plain_at(in, i, y, x) - mean, 2) / in.c;
            for (int i = 0; i < in.c; i++)
                *plain_at(out, i, y, x) =
                    (*plain_at(in, i, y, x) - mean) / sqrt(variance + eps) * (double)weight[i] +
                    (double)bias[i];
        }
    return out;
}

static inline double plain_activated(cnx_mlp_act act, double x)
{
    switch (act) {
    case CNX_MLP_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case CNX_MLP_SILU:
        return x / (1 + exp(-x));
    case CNX_MLP_GELU:
        break;
    }
    return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static inline void plain_activate(const plain_model *m, plain_map map)
{
    const size_t n = (size_t)map.c * (size_t)map.h * (size_t)map.w;
    for (size_t i = 0; i < n; i++)
        map.x[i] = plain_activated(m->act, map.x[i]);
}

/* x + gamma x n + beta, n = |x| / (mean over channels of |x| + 1e-6), |x| over space. */
static inline void plain_grn(plain_model *m, const char *layer, plain_map map)
{
    const int shape[] = {1, 1, 1, map.c};
    const float *gamma = plain_tensor(m, layer, "gamma", 4, shape, -0.5, 0.5);
    const float *beta = plain_tensor(m, layer, "beta", 4, shape, -0.3, 0.3);
    const int pixels = map.h * map.w;
    const plain_map norm = plain_new(m, map.c, 1, 1);
    double mean = 0;
    for (int i = 0; i < map.c; i++) {
        for (int p = 0; p < pixels; p++)
            norm.x[i] += pow(plain_at(map, i, 0, 0)[p], 2);
        norm.x[i] = sqrt(norm.x[i]);
        mean += norm.x[i] / map.c;
    }
    for (int i = 0; i < map.c; i++)
        for (int p = 0; p < pixels; p++) {
            double *x = &plain_at(map, i, 0, 0)[p];
            *x += (double)gamma[i] * *x * norm.x[i] / (mean + 1e-6) + (double)beta[i];
        }
}

/* BatchNorm and ReLU, in place. */
static inline void plain_batchnorm(plain_model *m, const char *layer, plain_map map)
{
    const float *weight = plain_vector(m, layer, "weight", map.c, 0.6, 1.4);
    const float *bias = plain_vector(m, layer, "bias", map.c, -0.3, 0.3);
    const float *mean = plain_vector(m, layer, "running_mean", map.c, -0.3, 0.3);
    const float *variance = plain_vector(m, layer, "running_var", map.c, 0.5, 1.5);
    for (int i = 0; i < map.c; i++)
        for (int p = 0; p < map.h * map.w; p++) {
            double *x = &plain_at(map, i, 0, 0)[p];
            *x = (*x - (double)mean[i]) / sqrt((double)variance[i] + 1e-5) * (double)weight[i] +
                 (double)bias[i];
            *x = *x > 0 ? *x : 0;
        }
}

static inline plain_map plain_module(plain_model *m, const char *name, plain_map in, int size)
{
    cnx_layer_name layer;
    layer = cnx_name("%s.conv", name);
    const plain_map out = plain_convolve(m, layer.text, in,
                                         (plain_conv){.out_c = m->channels,
                                                      .size = size,
                                                      .stride = 1,
                                                      .pad = size / 2,
                                                      .groups = 1,
                                                      .rank = 4});
    layer = cnx_name("%s.bn", name);
    plain_batchnorm(m, layer.text, out);
    return out;
}

/* Bilinear, half-pixel centres. */
static inline plain_map plain_resize(plain_model *m, plain_map in, int h, int w)
{
    const plain_map out = plain_new(m, in.c, h, w);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const double sy = fmax((y + 0.5) * in.h / h - 0.5, 0);
            const double sx = fmax((x + 0.5) * in.w / w - 0.5, 0);
            const int y0 = (int)sy, x0 = (int)sx;
            const int y1 = y0 + 1 < in.h ? y0 + 1 : y0, x1 = x0 + 1 < in.w ? x0 + 1 : x0;
            const double fy = sy - y0, fx = sx - x0;
            for (int i = 0; i < in.c; i++)
                *plain_at(out, i, y, x) =
                    (1 - fy) *
                        ((1 - fx) * *plain_at(in, i, y0, x0) + fx * *plain_at(in, i, y0, x1)) +
                    fy * ((1 - fx) * *plain_at(in, i, y1, x0) + fx * *plain_at(in, i, y1, x1));
        }
    return out;
}

static inline plain_map plain_pool(plain_model *m, plain_map in, int bins)
{
    const plain_map out = plain_new(m, in.c, bins, bins);
    for (int by = 0; by < bins; by++)
        for (int bx = 0; bx < bins; bx++) {
            const int y0 = by * in.h / bins, y1 = ((by + 1) * in.h + bins - 1) / bins;
            const int x0 = bx * in.w / bins, x1 = ((bx + 1) * in.w + bins - 1) / bins;
            for (int i = 0; i < in.c; i++)
                for (int y = y0; y < y1; y++)
                    for (int x = x0; x < x1; x++)
                        *plain_at(out, i, by, bx) +=
                            *plain_at(in, i, y, x) / ((y1 - y0) * (x1 - x0));
        }
    return out;
}

static inline plain_map plain_concat(plain_model *m, int count, const plain_map *maps)
{
    int c = 0;
    for (int i = 0; i < count; i++)
        c += maps[i].c;
    const plain_map out = plain_new(m, c, maps[0].h, maps[0].w);
    double *to = out.x;
    for (int i = 0; i < count; i++) {
        const size_t n = (size_t)maps[i].c * (size_t)out.h * (size_t)out.w;
        memcpy(to, maps[i].x, n * sizeof *to);
        to += n;
    }
    return out;
}

/* ---- the network ---- */

/* edge: of the depthwise filters. */
static inline plain_map plain_block(plain_model *m, const char *name, plain_map in, int edge)
{
    cnx_layer_name layer;
    const plain_conv depthwise = {.out_c = in.c,
                                  .size = edge,
                                  .stride = 1,
                                  .pad = edge / 2,
                                  .groups = in.c,
                                  .rank = 4,
                                  .bias = true};
    plain_conv linear = {.size = 1, .stride = 1, .groups = 1, .rank = 2, .bias = true};
    layer = cnx_name("%s.dwconv", name);
    plain_map x = plain_convolve(m, layer.text, in, depthwise);
    layer = cnx_name("%s.norm", name);
    x = plain_layernorm(m, layer.text, x);
    layer = cnx_name("%s.pwconv1", name);
    linear.out_c = 4 * in.c;
    x = plain_convolve(m, layer.text, x, linear);
    plain_activate(m, x);
    layer = cnx_name("%s.grn", name);
    if (m->version == 2)
        plain_grn(m, layer.text, x);
    layer = cnx_name("%s.pwconv2", name);
    linear.out_c = in.c;
    x = plain_convolve(m, layer.text, x, linear);
    const float *gamma =
        m->version == 1 && !m->unscaled ? plain_vector(m, name, "gamma", in.c, 0.3, 0.9) : NULL;
    for (int i = 0; i < x.c; i++)
        for (int p = 0; p < x.h * x.w; p++) {
            double *value = &plain_at(x, i, 0, 0)[p];
            *value = *value * (gamma ? (double)gamma[i] : 1) + plain_at(in, i, 0, 0)[p];
        }
    return x;
}

static inline void plain_backbone(plain_model *m, plain_map x, plain_map features[PLAIN_STAGES])
{
    cnx_layer_name layer;
    for (int i = 0; i < PLAIN_STAGES; i++) {
        const int size = i == 0 ? 4 : 2;
        const plain_conv patches = {.out_c = m->dims[i],
                                    .size = size,
                                    .stride = size,
                                    .groups = 1,
                                    .rank = 4,
                                    .bias = true};
        for (int part = 0; part < 2; part++) {
            layer = cnx_name("backbone.downsample_layers.%d.%d", i, part);
            x = (part == 0) == (i == 0) ? plain_convolve(m, layer.text, x, patches)
                                        : plain_layernorm(m, layer.text, x);
        }
        for (int j = 0; j < m->depths[i]; j++) {
            layer = cnx_name("backbone.stages.%d.%d", i, j);
            x = plain_block(m, layer.text, x, 7);
        }
        layer = cnx_name("backbone.norm%d", i);
        features[i] = plain_layernorm(m, layer.text, x);
    }
}

static inline plain_map plain_head(plain_model *m, const plain_map f[PLAIN_STAGES])
{
    static const int scales[PLAIN_POOLS] = {1, 2, 3, 6};
    cnx_layer_name layer;
    plain_map l[PLAIN_STAGES], pooled[1 + PLAIN_POOLS] = {f[3]};
    for (int k = 0; k < PLAIN_POOLS; k++) {
        layer = cnx_name("decode_head.psp_modules.%d.1", k);
        const plain_map mixed = plain_module(m, layer.text, plain_pool(m, f[3], scales[k]), 1);
        pooled[1 + k] = plain_resize(m, mixed, f[3].h, f[3].w);
    }
    l[3] = plain_module(m, "decode_head.bottleneck", plain_concat(m, 1 + PLAIN_POOLS, pooled), 3);
    for (int i = 2; i >= 0; i--) {
        layer = cnx_name("decode_head.lateral_convs.%d", i);
        l[i] = plain_module(m, layer.text, f[i], 1);
        const plain_map up = plain_resize(m, l[i + 1], l[i].h, l[i].w);
        for (size_t p = 0; p < (size_t)up.c * (size_t)up.h * (size_t)up.w; p++)
            l[i].x[p] += up.x[p];
    }
    for (int i = 0; i < PLAIN_STAGES; i++) {
        layer = cnx_name("decode_head.fpn_convs.%d", i);
        if (i < 3)
            l[i] = plain_module(m, layer.text, l[i], 3);
        l[i] = plain_resize(m, l[i], l[0].h, l[0].w);
    }
    const plain_map fused =
        plain_module(m, "decode_head.fpn_bottleneck", plain_concat(m, PLAIN_STAGES, l), 3);
    return plain_convolve(
        m, "decode_head.conv_seg", fused,
        (plain_conv){
            .out_c = m->classes, .size = 1, .stride = 1, .groups = 1, .rank = 4, .bias = true});
}

/* Logits of a classifier, [classes][1][1]. */
static inline plain_map plain_classifier(plain_model *m, plain_map x)
{
    cnx_layer_name layer;
    plain_conv patches = {.stride = 1, .groups = 1, .rank = 4, .bias = true};
    for (int i = 0; i < (m->isotropic ? 1 : PLAIN_STAGES); i++) {
        patches.out_c = m->dims[i];
        patches.size = patches.stride = m->isotropic ? 16 : i == 0 ? 4 : 2;
        for (int part = 0; part < (m->isotropic ? 1 : 2); part++) {
            layer = m->isotropic ? cnx_name("stem") : cnx_name("downsample_layers.%d.%d", i, part);
            x = (part == 0) == (i == 0) ? plain_convolve(m, layer.text, x, patches)
                                        : plain_layernorm(m, layer.text, x);
        }
        for (int j = 0; j < m->depths[i]; j++) {
            layer = m->isotropic ? cnx_name("blocks.%d", j) : cnx_name("stages.%d.%d", i, j);
            x = plain_block(m, layer.text, x, m->dwconv[i] ? m->dwconv[i] : 7);
        }
    }
    x = plain_layernorm(m, "norm", plain_pool(m, x, 1));
    return plain_convolve(
        m, "head", x,
        (plain_conv){
            .out_c = m->classes, .size = 1, .stride = 1, .groups = 1, .rank = 2, .bias = true});
}

#endif
