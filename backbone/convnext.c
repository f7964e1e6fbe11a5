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
 *
 * The isotropic form has one stage, and its stem is a convolution alone:
 *
 *   stem         16x16 convolution, stride 16, bias                      [H/16, W/16, C0]
 *   blocks       depths[0] blocks
 */
#include "backbone/convnext.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backbone/layers.h"
#include "backbone/loading.h"
#include "core/memory.h"

#define PUBLISHED_EPS 1e-6f
enum { MLP_RATIO = 4, STEM = 4, ISOTROPIC_STEM = 16, DOWN = 2, DWCONV = 7, LAST_STRIDE = 32 };

typedef struct block {
    cnx_dwconv dw;
    cnx_mlp mlp;
} block;

typedef struct stage {
    cnx_affine
        down_norm; /* after the stem convolution (stage 0), before the others; isotropic: none */
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
    {"atto", {.depths = {2, 2, 6, 2}, .dims = {40, 80, 160, 320}, .version = 1}},
    {"femto", {.depths = {2, 2, 6, 2}, .dims = {48, 96, 192, 384}, .version = 1}},
    {"pico", {.depths = {2, 2, 6, 2}, .dims = {64, 128, 256, 512}, .version = 1}},
    {"nano", {.depths = {2, 2, 8, 2}, .dims = {80, 160, 320, 640}, .version = 1}},
    {"tiny", {.depths = {3, 3, 9, 3}, .dims = {96, 192, 384, 768}, .version = 1}},
    {"small", {.depths = {3, 3, 27, 3}, .dims = {96, 192, 384, 768}, .version = 1}},
    {"base", {.depths = {3, 3, 27, 3}, .dims = {128, 256, 512, 1024}, .version = 1}},
    {"large", {.depths = {3, 3, 27, 3}, .dims = {192, 384, 768, 1536}, .version = 1}},
    {"xlarge", {.depths = {3, 3, 27, 3}, .dims = {256, 512, 1024, 2048}, .version = 1}},
    {"huge", {.depths = {3, 3, 27, 3}, .dims = {352, 704, 1408, 2816}, .version = 2}},
    {"isotropic_small",
     {.depths = {18}, .dims = {384}, .version = 1, .isotropic = true, .unscaled = true}},
    {"isotropic_base",
     {.depths = {18}, .dims = {768}, .version = 1, .isotropic = true, .unscaled = true}},
    {"isotropic_large", {.depths = {36}, .dims = {1024}, .version = 1, .isotropic = true}},
};

int cnx_convnext_stages(const cnx_convnext_desc *desc)
{
    return desc->isotropic ? 1 : CNX_STAGES;
}

int cnx_convnext_width(const cnx_convnext_desc *desc)
{
    return desc->dims[cnx_convnext_stages(desc) - 1];
}

float cnx_convnext_eps(const cnx_convnext_desc *desc)
{
    return desc->eps > 0 ? desc->eps : PUBLISHED_EPS;
}

/* Edge and step of the first convolution. */
static int stem_size(const cnx_convnext_desc *desc)
{
    return desc->isotropic ? ISOTROPIC_STEM : STEM;
}

static int down_size(const cnx_convnext_desc *desc, int i)
{
    return i == 0 ? stem_size(desc) : DOWN;
}

/* Edge of a stage's depthwise convolutions. */
static int dwconv_size(const cnx_convnext_desc *desc, int i)
{
    return desc->dwconv[i] ? desc->dwconv[i] : DWCONV;
}

const char *cnx_convnext_variant(const cnx_convnext_desc *desc)
{
    for (size_t i = 0; i < sizeof variants / sizeof *variants; i++)
        if (memcmp(variants[i].desc.depths, desc->depths, sizeof desc->depths) == 0 &&
            memcmp(variants[i].desc.dims, desc->dims, sizeof desc->dims) == 0 &&
            variants[i].desc.isotropic == desc->isotropic)
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

/* What names are made of. */
typedef struct naming {
    const cnx_convnext_desc *desc;
    const char *prefix;
} naming;

/* Stage 0: convolution then norm; stages 1..3: norm then convolution. */
static cnx_layer_name down_conv_name(naming n, int i)
{
    if (n.desc->isotropic)
        return cnx_name("%sstem", n.prefix);
    return cnx_name("%sdownsample_layers.%d.%d", n.prefix, i, i == 0 ? 0 : 1);
}

static cnx_layer_name down_norm_name(naming n, int i)
{
    return cnx_name("%sdownsample_layers.%d.%d", n.prefix, i, i == 0 ? 1 : 0);
}

static cnx_layer_name block_name(naming n, int i, int j, const char *part)
{
    if (n.desc->isotropic)
        return cnx_name("%sblocks.%d.%s", n.prefix, j, part);
    return cnx_name("%sstages.%d.%d.%s", n.prefix, i, j, part);
}

/* ---- what the checkpoint must hold ---- */

static void expect_block(cnx_weights *w, naming n, int i, int j)
{
    const int c = n.desc->dims[i], hidden = MLP_RATIO * c, edge = dwconv_size(n.desc, i);
    const cnx_layer_name dw = block_name(n, i, j, "dwconv");
    cnx_weights_expect(w, cnx_name("%s.weight", dw.text).text, 4,
                       (const int64_t[]){c, 1, edge, edge});
    cnx_weights_expect(w, cnx_name("%s.bias", dw.text).text, 1, (const int64_t[]){c});
    cnx_expect_affine(w, block_name(n, i, j, "norm").text, c);
    cnx_weights_expect(w, block_name(n, i, j, "pwconv1.weight").text, 2,
                       (const int64_t[]){hidden, c});
    cnx_weights_expect(w, block_name(n, i, j, "pwconv1.bias").text, 1, (const int64_t[]){hidden});
    cnx_weights_expect(w, block_name(n, i, j, "pwconv2.weight").text, 2,
                       (const int64_t[]){c, hidden});
    cnx_weights_expect(w, block_name(n, i, j, "pwconv2.bias").text, 1, (const int64_t[]){c});
    if (n.desc->version == 1) {
        if (!n.desc->unscaled)
            cnx_weights_expect(w, block_name(n, i, j, "gamma").text, 1, (const int64_t[]){c});
        return;
    }
    const int64_t grn[] = {1, 1, 1, hidden};
    cnx_weights_expect(w, block_name(n, i, j, "grn.gamma").text, 4, grn);
    cnx_weights_expect(w, block_name(n, i, j, "grn.beta").text, 4, grn);
}

void cnx_convnext_expect(const cnx_convnext_desc *desc, const char *prefix, bool out_norms,
                         cnx_weights *w)
{
    const naming n = {desc, prefix};
    for (int i = 0; i < cnx_convnext_stages(desc); i++) {
        const int c = desc->dims[i], from = i == 0 ? 3 : desc->dims[i - 1];
        if (!desc->isotropic)
            cnx_expect_affine(w, down_norm_name(n, i).text, i == 0 ? c : from);
        cnx_expect_conv(w, down_conv_name(n, i).text, c, from, down_size(desc, i), true);
        for (int j = 0; j < desc->depths[i]; j++)
            expect_block(w, n, i, j);
        if (out_norms)
            cnx_expect_affine(w, cnx_name("%snorm%d", prefix, i).text, c);
    }
}

/* ---- reading and packing ---- */

/* A block's tensors as the checkpoint has them. */
typedef struct block_tensors {
    float *dw_weight, *dw_bias, *b1, *b2, *gamma, *grn_gamma, *grn_beta;
    cnx_values w1, w2; /* the large ones */
    cnx_affine norm;
} block_tensors;

static void block_tensors_free(block_tensors *t)
{
    float *all[] = {t->dw_weight, t->dw_bias, t->b1, t->b2, t->gamma, t->grn_gamma, t->grn_beta};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        cnx_free(all[i]);
    cnx_values_free(&t->w1);
    cnx_values_free(&t->w2);
    cnx_affine_free(&t->norm);
}

static naming naming_of(const cnx_convnext *net)
{
    return (naming){&net->desc, net->prefix};
}

static cnx_status read_block(block_tensors *t, cnx_weights *w, naming n, int i, int j,
                             cnx_error *err)
{
    const cnx_convnext_desc *d = n.desc;
    const int edge = dwconv_size(d, i);
    const size_t c = (size_t)d->dims[i], hidden = MLP_RATIO * c;
    const struct {
        float **out;
        const char *part;
        size_t count;
        bool wanted;
    } parts[] = {
        {&t->dw_weight, "dwconv.weight", (size_t)(edge * edge) * c, true},
        {&t->dw_bias, "dwconv.bias", c, true},
        {&t->b1, "pwconv1.bias", hidden, true},
        {&t->b2, "pwconv2.bias", c, true},
        {&t->gamma, "gamma", c, d->version == 1 && !d->unscaled},
        {&t->grn_gamma, "grn.gamma", hidden, d->version == 2},
        {&t->grn_beta, "grn.beta", hidden, d->version == 2},
    };
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        if (parts[p].wanted)
            CNX_TRY(cnx_load_floats(parts[p].out, w, block_name(n, i, j, parts[p].part).text,
                                    parts[p].count, err));
    CNX_TRY(
        cnx_load_values(&t->w1, w, block_name(n, i, j, "pwconv1.weight").text, hidden * c, err));
    CNX_TRY(
        cnx_load_values(&t->w2, w, block_name(n, i, j, "pwconv2.weight").text, c * hidden, err));
    return cnx_load_affine(&t->norm, w, block_name(n, i, j, "norm").text, d->dims[i], err);
}

/* A depthwise convolution of fewer taps is one of 7x7 whose rim is 0: *weights, [c][edge][edge],
 * makes room for it. */
static cnx_status widen_dwconv(float **weights, size_t c, size_t edge, cnx_error *err)
{
    const size_t rim = (DWCONV - edge) / 2;
    void *memory;
    if (rim == 0)
        return CNX_OK;
    CNX_TRY(cnx_alloc_or_fail(&memory, DWCONV * DWCONV * c * sizeof(float),
                              "a depthwise convolution", err));
    float *wide = memory;
    memset(wide, 0, DWCONV * DWCONV * c * sizeof(float));
    for (size_t i = 0; i < c; i++)
        for (size_t y = 0; y < edge; y++)
            memcpy(wide + (i * DWCONV + y + rim) * DWCONV + rim, *weights + (i * edge + y) * edge,
                   edge * sizeof(float));
    cnx_free(*weights);
    *weights = wide;
    return CNX_OK;
}

static cnx_status open_block(block *b, cnx_weights *w, const cnx_kernels *k,
                             const cnx_convnext *net, int i, int j, cnx_error *err)
{
    const cnx_convnext_desc *d = &net->desc;
    const int c = d->dims[i], hidden = MLP_RATIO * c, edge = dwconv_size(d, i);
    const naming n = naming_of(net);
    b->dw.c = c;
    b->dw.edge = edge;
    b->mlp.c = c;
    b->mlp.hidden = hidden;
    b->mlp.grn = d->version == 2;
    b->mlp.unscaled = d->unscaled || d->version == 2;
    if (!w)
        return CNX_OK;
    block_tensors t = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(read_block(&t, w, n, i, j, err));
    CNX_CHECK(widen_dwconv(&t.dw_weight, (size_t)c, (size_t)edge, err));
    CNX_CHECK(cnx_dwconv_init(&b->dw, c, t.dw_weight, t.dw_bias, err));
    b->dw.edge = edge;
    const cnx_mlp_weights mlp = {.norm_weight = t.norm.weight,
                                 .norm_bias = t.norm.bias,
                                 .w1 = t.w1.data,
                                 .b1 = t.b1,
                                 .w2 = t.w2.data,
                                 .b2 = t.b2,
                                 .gamma = t.gamma,
                                 .grn_gamma = t.grn_gamma,
                                 .grn_beta = t.grn_beta,
                                 .act = d->act};
    status = cnx_mlp_init(&b->mlp, k, c, hidden, cnx_convnext_eps(d), &mlp, err);
    CNX_CHECK(cnx_name_layer(status, block_name(n, i, j, "pwconv").text, err));
cleanup:
    block_tensors_free(&t);
    return status;
}

static cnx_status open_down(cnx_convnext *net, int i, cnx_weights *w, const cnx_kernels *k,
                            cnx_error *err)
{
    stage *s = &net->stages[i];
    const naming n = naming_of(net);
    const int c = net->desc.dims[i], from = i == 0 ? 3 : net->desc.dims[i - 1];
    if (w && !net->desc.isotropic)
        CNX_TRY(
            cnx_load_affine(&s->down_norm, w, down_norm_name(n, i).text, i == 0 ? c : from, err));
    const cnx_conv_spec down = {.kind = CNX_CONV_PATCH,
                                .size = down_size(&net->desc, i),
                                .in_c = from,
                                .out_c = c,
                                .act = CNX_ACT_NONE};
    return cnx_load_conv(&s->down, w, k, down_conv_name(n, i).text, down, err);
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
    const size_t edge = (size_t)down_size(&net->desc, l.stage);
    if (l.part < 0)
        return edge * edge * from * c;
    return l.part < net->desc.depths[l.stage] ? 2 * MLP_RATIO * c * c : c;
}

static cnx_status open_layers(cnx_convnext *net, cnx_weights *w, const cnx_kernels *k, int threads,
                              cnx_error *err)
{
    const int stages = cnx_convnext_stages(&net->desc);
    size_t room = 0;
    for (int i = 0; i < stages; i++)
        room += (size_t)net->desc.depths[i] + 2;
    layer *layers = malloc(room * sizeof *layers);
    size_t *weights = malloc(room * sizeof *weights);
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!layers || !weights, CNX_ERR_MEMORY, "not enough memory for the backbone");
    int count = 0;
    for (int i = 0; i < stages; i++)
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
    for (int i = 0; i < cnx_convnext_stages(desc); i++) {
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
    const float eps = cnx_convnext_eps(&net->desc);
    int h, w;
    cnx_conv_output(CNX_CONV_PATCH, s->down.size, x.h, x.w, &h, &w);
    cnx_value y = cnx_plan_map(plan, h, w, net->desc.dims[i]);
    const cnx_layer_name conv_name = down_conv_name(naming_of(net), i);
    const cnx_layer_name norm_name = down_norm_name(naming_of(net), i);
    if (i == 0) {
        cnx_plan_conv(plan, conv_name.text, &s->down, x, y);
        if (!net->desc.isotropic)
            cnx_plan_layernorm(plan, norm_name.text, norm->weight, norm->bias, eps, y, y);
    } else {
        cnx_value normed = cnx_plan_map(plan, x.h, x.w, x.c);
        cnx_plan_layernorm(plan, norm_name.text, norm->weight, norm->bias, eps, x, normed);
        cnx_plan_conv(plan, conv_name.text, &s->down, normed, y);
    }
    cnx_plan_mark(plan, cnx_name("down%d", i).text, y);
    return y;
}

static void plan_blocks(const cnx_convnext *net, cnx_plan *plan, int i, cnx_value x)
{
    const stage *s = &net->stages[i];
    const naming n = naming_of(net);
    const cnx_value y = cnx_plan_map(plan, x.h, x.w, x.c);
    for (int j = 0; j < s->depth; j++) {
        cnx_plan_dwconv(plan, block_name(n, i, j, "dwconv").text, &s->blocks[j].dw, x, y);
        cnx_plan_mlp(plan, block_name(n, i, j, "mlp").text, &s->blocks[j].mlp, y, x);
        cnx_plan_mark(plan, cnx_name("stage%d_block%d", i, j).text, x);
    }
}

cnx_status cnx_convnext_plan(const cnx_convnext *net, cnx_plan *plan, cnx_value input,
                             cnx_value features[CNX_STAGES], cnx_error *err)
{
    const int least = net->desc.isotropic ? ISOTROPIC_STEM : LAST_STRIDE;
    CNX_FAIL_IF(input.h < least || input.w < least, CNX_ERR_ARGUMENT,
                "the network's input would be %d x %d pixels (height x width), and below %d x %d "
                "the last stage has no pixel left; let the picture be enlarged (--scale, or --size "
                "of a classifier)",
                input.h, input.w, least, least);
    cnx_value x = input;
    for (int i = 0; i < cnx_convnext_stages(&net->desc); i++) {
        x = plan_down(net, plan, i, x);
        plan_blocks(net, plan, i, x);
        const cnx_affine *norm = &net->stages[i].out_norm;
        features[i] = x;
        if (!net->out_norms)
            continue;
        features[i] = cnx_plan_map(plan, x.h, x.w, x.c);
        cnx_plan_layernorm(plan, cnx_name("%snorm%d", net->prefix, i).text, norm->weight,
                           norm->bias, cnx_convnext_eps(&net->desc), x, features[i]);
        cnx_plan_mark(plan, cnx_name("feat%d", i).text, features[i]);
    }
    return CNX_OK;
}
