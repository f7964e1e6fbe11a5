/*
 * ConvNeXt, as published ("A ConvNet for the 2020s", Liu et al. 2022; V2: Woo et al. 2023).
 *
 *   input        [H, W, 3]  normalised RGB
 *   stem         4x4 convolution, stride 4, bias -> LayerNorm            [H/4,  W/4,  C0]
 *   stage 0      depths[0] blocks                                        -> norm0 -> feature 0
 *   down 1       LayerNorm -> 2x2 convolution, stride 2, bias            [H/8,  W/8,  C1]
 *   stage 1      depths[1] blocks                                        -> norm1 -> feature 1
 *   down 2, stage 2                                                      [H/16, W/16, C2]
 *   down 3, stage 3                                                      [H/32, W/32, C3]
 *
 *   block        y = depthwise 7x7 (padding 3, bias)
 *                y = LayerNorm(y); y = linear C -> 4C; y = GELU(y)
 *                V2 only: y = GRN(y)
 *                y = linear 4C -> C; V1 only: y = gamma * y
 *                x = x + y
 *
 * Sizes floor at every step.  LayerNorm's eps is 1e-6; GELU is the erf form.  The norm in front of
 * a downsampling and the output norm of the same stage are different layers, and the next stage is
 * fed from the map before the output norm.
 */
#include "backbone/convnext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backbone/layers.h"
#include "backbone/loading.h"
#include "core/memory.h"

#define LAYERNORM_EPS 1e-6f
enum { MLP_RATIO = 4, STEM = 4, DOWN = 2, MIN_INPUT = 32 };

typedef struct block {
    cnx_dwconv dw;
    cnx_mlp mlp;
} block;

typedef struct stage {
    cnx_affine down_norm; /* after the stem convolution (stage 0), before the others */
    cnx_conv down;
    int depth;
    block *blocks;
    cnx_affine out_norm;
} stage;

struct cnx_convnext {
    cnx_convnext_desc desc;
    char prefix[32];
    bool out_norms;
    stage stages[CNX_STAGES];
};

static const struct {
    const char *name;
    cnx_convnext_desc desc;
} variants[] = {
    {"atto", {{2, 2, 6, 2}, {40, 80, 160, 320}, 1}},
    {"femto", {{2, 2, 6, 2}, {48, 96, 192, 384}, 1}},
    {"pico", {{2, 2, 6, 2}, {64, 128, 256, 512}, 1}},
    {"nano", {{2, 2, 8, 2}, {80, 160, 320, 640}, 1}},
    {"tiny", {{3, 3, 9, 3}, {96, 192, 384, 768}, 1}},
    {"small", {{3, 3, 27, 3}, {96, 192, 384, 768}, 1}},
    {"base", {{3, 3, 27, 3}, {128, 256, 512, 1024}, 1}},
    {"large", {{3, 3, 27, 3}, {192, 384, 768, 1536}, 1}},
    {"xlarge", {{3, 3, 27, 3}, {256, 512, 1024, 2048}, 1}},
    {"huge", {{3, 3, 27, 3}, {352, 704, 1408, 2816}, 2}},
};

const char *cnx_convnext_variant(const cnx_convnext_desc *desc)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (memcmp(variants[i].desc.depths, desc->depths, sizeof desc->depths) == 0 &&
            memcmp(variants[i].desc.dims, desc->dims, sizeof desc->dims) == 0)
            return variants[i].name;
    return NULL;
}

bool cnx_convnext_named(const char *variant, cnx_convnext_desc *desc)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (strcmp(variants[i].name, variant) == 0) {
            *desc = variants[i].desc;
            return true;
        }
    return false;
}

/* ---- names ---- */

static cnx_layer_name stem_name(const char *prefix, int layer)
{
    return cnx_name("%sdownsample_layers.0.%d", prefix, layer);
}

/* Stage 0: convolution then norm; stages 1..3: norm then convolution. */
static cnx_layer_name down_conv_name(const char *prefix, int i)
{
    return i == 0 ? stem_name(prefix, 0) : cnx_name("%sdownsample_layers.%d.1", prefix, i);
}

static cnx_layer_name down_norm_name(const char *prefix, int i)
{
    return i == 0 ? stem_name(prefix, 1) : cnx_name("%sdownsample_layers.%d.0", prefix, i);
}

static cnx_layer_name block_name(const char *prefix, int i, int j, const char *part)
{
    return cnx_name("%sstages.%d.%d.%s", prefix, i, j, part);
}

/* ---- what the checkpoint must hold ---- */

static void expect_block(cnx_weights *w, const char *prefix, int i, int j, int c, int version)
{
    const int hidden = MLP_RATIO * c;
    const cnx_layer_name dw = block_name(prefix, i, j, "dwconv");
    cnx_weights_expect(w, cnx_name("%s.weight", dw.text).text, 4, (const int64_t[]){c, 1, 7, 7});
    cnx_weights_expect(w, cnx_name("%s.bias", dw.text).text, 1, (const int64_t[]){c});
    cnx_expect_affine(w, block_name(prefix, i, j, "norm").text, c);
    cnx_weights_expect(w, block_name(prefix, i, j, "pwconv1.weight").text, 2,
                       (const int64_t[]){hidden, c});
    cnx_weights_expect(w, block_name(prefix, i, j, "pwconv1.bias").text, 1,
                       (const int64_t[]){hidden});
    cnx_weights_expect(w, block_name(prefix, i, j, "pwconv2.weight").text, 2,
                       (const int64_t[]){c, hidden});
    cnx_weights_expect(w, block_name(prefix, i, j, "pwconv2.bias").text, 1, (const int64_t[]){c});
    if (version == 1) {
        cnx_weights_expect(w, block_name(prefix, i, j, "gamma").text, 1, (const int64_t[]){c});
        return;
    }
    const int64_t grn[] = {1, 1, 1, hidden};
    cnx_weights_expect(w, block_name(prefix, i, j, "grn.gamma").text, 4, grn);
    cnx_weights_expect(w, block_name(prefix, i, j, "grn.beta").text, 4, grn);
}

void cnx_convnext_expect(const cnx_convnext_desc *desc, const char *prefix, bool out_norms,
                         cnx_weights *w)
{
    for (int i = 0; i < CNX_STAGES; i++) {
        const int c = desc->dims[i], from = i == 0 ? 3 : desc->dims[i - 1];
        cnx_expect_affine(w, down_norm_name(prefix, i).text, i == 0 ? c : from);
        cnx_expect_conv(w, down_conv_name(prefix, i).text, c, from, i == 0 ? STEM : DOWN, true);
        for (int j = 0; j < desc->depths[i]; j++)
            expect_block(w, prefix, i, j, c, desc->version);
        if (out_norms)
            cnx_expect_affine(w, cnx_name("%snorm%d", prefix, i).text, c);
    }
}

/* ---- reading and packing ---- */

/* A block's tensors as the checkpoint has them. */
typedef struct block_tensors {
    float *dw_weight, *dw_bias, *w1, *b1, *w2, *b2, *gamma, *grn_gamma, *grn_beta;
    cnx_affine norm;
} block_tensors;

static void block_tensors_free(block_tensors *t)
{
    float *all[] = {t->dw_weight, t->dw_bias, t->w1,        t->b1,      t->w2,
                    t->b2,        t->gamma,   t->grn_gamma, t->grn_beta};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cnx_free(all[i]);
    cnx_affine_free(&t->norm);
}

static cnx_status read_block(block_tensors *t, cnx_weights *w, const char *prefix, int i, int j,
                             int dim, int version, cnx_error *err)
{
    const size_t c = (size_t)dim, hidden = MLP_RATIO * c;
    const struct {
        float **out;
        const char *part;
        size_t count;
        bool wanted;
    } parts[] = {
        {&t->dw_weight, "dwconv.weight", 49 * c, true},
        {&t->dw_bias, "dwconv.bias", c, true},
        {&t->w1, "pwconv1.weight", hidden * c, true},
        {&t->b1, "pwconv1.bias", hidden, true},
        {&t->w2, "pwconv2.weight", c * hidden, true},
        {&t->b2, "pwconv2.bias", c, true},
        {&t->gamma, "gamma", c, version == 1},
        {&t->grn_gamma, "grn.gamma", hidden, version == 2},
        {&t->grn_beta, "grn.beta", hidden, version == 2},
    };
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        if (parts[p].wanted)
            CNX_TRY(cnx_load_floats(parts[p].out, w, block_name(prefix, i, j, parts[p].part).text,
                                    parts[p].count, err));
    return cnx_load_affine(&t->norm, w, block_name(prefix, i, j, "norm").text, dim, err);
}

static cnx_status open_block(block *b, cnx_weights *w, const cnx_kernels *k,
                             const cnx_convnext *net, int i, int j, cnx_error *err)
{
    const int c = net->desc.dims[i], hidden = MLP_RATIO * c;
    b->dw.c = c;
    b->mlp.c = c;
    b->mlp.hidden = hidden;
    b->mlp.grn = net->desc.version == 2;
    if (!w)
        return CNX_OK;
    block_tensors t = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(read_block(&t, w, net->prefix, i, j, c, net->desc.version, err));
    CNX_CHECK(cnx_dwconv_init(&b->dw, c, t.dw_weight, t.dw_bias, err));
    const cnx_mlp_weights mlp = {.norm_weight = t.norm.weight,
                                 .norm_bias = t.norm.bias,
                                 .w1 = t.w1,
                                 .b1 = t.b1,
                                 .w2 = t.w2,
                                 .b2 = t.b2,
                                 .gamma = t.gamma,
                                 .grn_gamma = t.grn_gamma,
                                 .grn_beta = t.grn_beta};
    status = cnx_mlp_init(&b->mlp, k, c, hidden, LAYERNORM_EPS, &mlp, err);
    CNX_CHECK(cnx_name_layer(status, block_name(net->prefix, i, j, "pwconv").text, err));
cleanup:
    block_tensors_free(&t);
    return status;
}

static cnx_status open_down(cnx_convnext *net, int i, cnx_weights *w, const cnx_kernels *k,
                            cnx_error *err)
{
    stage *s = &net->stages[i];
    const int c = net->desc.dims[i], from = i == 0 ? 3 : net->desc.dims[i - 1];
    if (w)
        CNX_TRY(cnx_load_affine(&s->down_norm, w, down_norm_name(net->prefix, i).text,
                                i == 0 ? c : from, err));
    const cnx_conv_spec down = {.kind = CNX_CONV_PATCH,
                                .size = i == 0 ? STEM : DOWN,
                                .in_c = from,
                                .out_c = c,
                                .act = CNX_ACT_NONE};
    return cnx_load_conv(&s->down, w, k, down_conv_name(net->prefix, i).text, down, err);
}

/* What can be loaded on its own, in the network's order: for each stage the downsampling, the
 * blocks, the output norm. */
typedef struct layer {
    int stage, part; /* -1, a block, depth */
} layer;

typedef struct opening {
    cnx_convnext *net;
    cnx_weights *w;
    const cnx_kernels *k;
    const layer *layers;
} opening;

static cnx_status open_layer(void *context, int index, cnx_error *err)
{
    const opening *o = context;
    const int i = o->layers[index].stage, j = o->layers[index].part;
    stage *s = &o->net->stages[i];
    if (j < 0)
        return open_down(o->net, i, o->w, o->k, err);
    if (j < s->depth)
        return open_block(&s->blocks[j], o->w, o->k, o->net, i, j, err);
    if (!o->w || !o->net->out_norms)
        return CNX_OK;
    return cnx_load_affine(&s->out_norm, o->w, cnx_name("%snorm%d", o->net->prefix, i).text,
                           o->net->desc.dims[i], err);
}

/* About how many values a layer has. */
static size_t layer_weights(const cnx_convnext *net, layer l)
{
    const size_t c = (size_t)net->desc.dims[l.stage];
    const size_t from = l.stage == 0 ? 3 : (size_t)net->desc.dims[l.stage - 1];
    if (l.part < 0)
        return l.stage == 0 ? STEM * STEM * from * c : DOWN * DOWN * from * c;
    return l.part < net->desc.depths[l.stage] ? 2 * MLP_RATIO * c * c : c;
}

static cnx_status open_layers(cnx_convnext *net, cnx_weights *w, const cnx_kernels *k, int threads,
                              cnx_error *err)
{
    size_t room = 0;
    for (int i = 0; i < CNX_STAGES; i++)
        room += (size_t)net->desc.depths[i] + 2;
    layer *layers = malloc(room * sizeof *layers);
    size_t *weights = malloc(room * sizeof *weights);
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!layers || !weights, CNX_ERR_MEMORY, "not enough memory for the backbone");
    int count = 0;
    for (int i = 0; i < CNX_STAGES; i++)
        for (int j = -1; j <= net->desc.depths[i]; j++) {
            layers[count] = (layer){i, j};
            weights[count] = layer_weights(net, layers[count]);
            count++;
        }
    opening o = {.net = net, .w = w, .k = k, .layers = layers};
    status = cnx_load_layers(count, weights, open_layer, &o, threads, err);
cleanup:
    free(layers);
    free(weights);
    return status;
}

cnx_status cnx_convnext_open(cnx_convnext **out, const cnx_convnext_desc *desc, const char *prefix,
                             bool out_norms, cnx_weights *weights, const cnx_kernels *kernels,
                             int threads, cnx_error *err)
{
    cnx_convnext *net = calloc(1, sizeof *net);
    cnx_status status = CNX_OK;
    *out = net;
    CNX_FAIL_IF(!net, CNX_ERR_MEMORY, "not enough memory for the backbone");
    net->desc = *desc;
    net->out_norms = out_norms;
    snprintf(net->prefix, sizeof net->prefix, "%s", prefix);
    for (int i = 0; i < CNX_STAGES; i++) {
        stage *s = &net->stages[i];
        s->blocks = calloc((size_t)desc->depths[i], sizeof *s->blocks);
        CNX_CHECK_IF(!s->blocks, CNX_ERR_MEMORY, "not enough memory for the backbone");
        s->depth = desc->depths[i];
    }
    CNX_CHECK(open_layers(net, weights, kernels, weights ? threads : 1, err));
    return CNX_OK;
cleanup:
    cnx_convnext_close(out);
    return status;
}

void cnx_convnext_close(cnx_convnext **net)
{
    if (!*net)
        return;
    for (int i = 0; i < CNX_STAGES; i++) {
        stage *s = &(*net)->stages[i];
        cnx_affine_free(&s->down_norm);
        cnx_affine_free(&s->out_norm);
        cnx_conv_free(&s->down);
        for (int j = 0; j < s->depth; j++) {
            cnx_dwconv_free(&s->blocks[j].dw);
            cnx_mlp_free(&s->blocks[j].mlp);
        }
        free(s->blocks);
    }
    free(*net);
    *net = NULL;
}

size_t cnx_convnext_bytes(const cnx_convnext *net)
{
    size_t bytes = 0;
    for (int i = 0; i < CNX_STAGES; i++) {
        const stage *s = &net->stages[i];
        bytes += s->down.bytes + 6 * sizeof(float) * (size_t)net->desc.dims[i];
        for (int j = 0; j < s->depth; j++)
            bytes += s->blocks[j].dw.bytes + s->blocks[j].mlp.bytes;
    }
    return bytes;
}

/* ---- planning ---- */

static cnx_value plan_down(const cnx_convnext *net, cnx_plan *plan, int i, cnx_value x)
{
    const stage *s = &net->stages[i];
    const cnx_affine *norm = &s->down_norm;
    int h, w;
    cnx_conv_output(CNX_CONV_PATCH, s->down.size, x.h, x.w, &h, &w);
    cnx_value y = cnx_plan_map(plan, h, w, net->desc.dims[i]);
    const cnx_layer_name conv_name = down_conv_name(net->prefix, i);
    const cnx_layer_name norm_name = down_norm_name(net->prefix, i);
    if (i == 0) {
        cnx_plan_conv(plan, conv_name.text, &s->down, x, y);
        cnx_plan_layernorm(plan, norm_name.text, norm->weight, norm->bias, LAYERNORM_EPS, y, y);
    } else {
        cnx_value normed = cnx_plan_map(plan, x.h, x.w, x.c);
        cnx_plan_layernorm(plan, norm_name.text, norm->weight, norm->bias, LAYERNORM_EPS, x,
                           normed);
        cnx_plan_conv(plan, conv_name.text, &s->down, normed, y);
    }
    cnx_plan_mark(plan, cnx_name("down%d", i).text, y);
    return y;
}

static void plan_blocks(const cnx_convnext *net, cnx_plan *plan, int i, cnx_value x)
{
    const stage *s = &net->stages[i];
    const cnx_value y = cnx_plan_map(plan, x.h, x.w, x.c);
    for (int j = 0; j < s->depth; j++) {
        cnx_plan_dwconv(plan, block_name(net->prefix, i, j, "dwconv").text, &s->blocks[j].dw, x, y);
        cnx_plan_mlp(plan, block_name(net->prefix, i, j, "mlp").text, &s->blocks[j].mlp, y, x);
        cnx_plan_mark(plan, cnx_name("stage%d_block%d", i, j).text, x);
    }
}

cnx_status cnx_convnext_plan(const cnx_convnext *net, cnx_plan *plan, cnx_value input,
                             cnx_value features[CNX_STAGES], cnx_error *err)
{
    CNX_FAIL_IF(input.h < MIN_INPUT || input.w < MIN_INPUT, CNX_ERR_ARGUMENT,
                "the network's input would be %d x %d pixels (height x width), and below %d x %d "
                "the last stage has no pixel left; let the picture be enlarged (--scale)",
                input.h, input.w, (int)MIN_INPUT, (int)MIN_INPUT);
    cnx_value x = input;
    for (int i = 0; i < CNX_STAGES; i++) {
        x = plan_down(net, plan, i, x);
        plan_blocks(net, plan, i, x);
        const cnx_affine *norm = &net->stages[i].out_norm;
        features[i] = x;
        if (!net->out_norms)
            continue;
        features[i] = cnx_plan_map(plan, x.h, x.w, x.c);
        cnx_plan_layernorm(plan, cnx_name("%snorm%d", net->prefix, i).text, norm->weight,
                           norm->bias, LAYERNORM_EPS, x, features[i]);
        cnx_plan_mark(plan, cnx_name("feat%d", i).text, features[i]);
    }
    return CNX_OK;
}
