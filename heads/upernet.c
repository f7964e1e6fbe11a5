/*
 * UPerHead ("Unified Perceptual Parsing", Xiao et al. 2018), as OpenMMLab builds it.
 *
 *   f0..f3   the backbone's maps at strides 4, 8, 16, 32; M = channels of the head
 *
 *   pyramid pooling   p_b = ConvModule1x1(adaptive_avg_pool(f3, b))      [b, b, M], b in 1, 2, 3, 6
 *                     l3 = ConvModule3x3(concat(f3, up(p_1), up(p_2), ...))  the map itself is first
 *   laterals          l_i = ConvModule1x1(f_i)                           i = 0, 1, 2
 *   top-down          l_{i-1} += up(l_i)                                 i = 3, 2, 1
 *   pyramid           o_i = ConvModule3x3(l_i), i = 0, 1, 2;  o3 = l3
 *   fusion            fused = ConvModule3x3(concat(o0, up(o1), up(o2), up(o3)))
 *   classifier        logits = conv1x1(fused) + bias                     [H/4, W/4, classes]
 *
 * ConvModule is convolution -> BatchNorm -> ReLU, folded into one when loaded.  up is bilinear with
 * align_corners False, to the size of the map it joins.  Neither concatenation is ever made: see
 * core/ops/concat_conv.h.  The auxiliary head of the checkpoints serves training only.
 */
#include "heads/upernet.h"

#include <stdlib.h>

#include "backbone/layers.h"
#include "backbone/loading.h"
#include "core/ops/concat_conv.h"

enum {
    LATERALS = CNX_STAGES - 1,
    WINOGRAD_FROM = 32 /* channels: below, its transforms cost more than they save */
};

struct cnx_upernet {
    cnx_upernet_desc desc;
    int direct; /* see cnx_upernet_open */
    int dims[CNX_STAGES];
    cnx_conv pools[CNX_MAX_POOLS];     /* 1x1, C3 -> M */
    cnx_concat_conv bottleneck;        /* 3x3, C3 + pools * M -> M */
    cnx_conv laterals[LATERALS];       /* 1x1, Ci -> M */
    cnx_concat_conv pyramid[LATERALS]; /* 3x3, M -> M, of one map each */
    cnx_concat_conv fusion;            /* 3x3, 4 M -> M */
    cnx_conv classifier;               /* 1x1, M -> classes, with bias */
};

/* One ConvModule of the head: its name and shape, and where it is kept. */
typedef struct module {
    cnx_layer_name name;
    int inputs, in_c[CNX_MAX_CONCAT]; /* maps that are concatenated, and their channels */
    cnx_conv *pointwise;              /* 1x1, or NULL */
    cnx_concat_conv *spatial;         /* 3x3, or NULL */
    bool winograd;
    int halved; /* see cnx_concat_conv */
} module;

enum { MAX_MODULES = CNX_MAX_POOLS + 2 * LATERALS + 2 };

static module pointwise(cnx_conv *conv, cnx_layer_name name, int in_c)
{
    return (module){.name = name, .inputs = 1, .in_c = {in_c}, .pointwise = conv};
}

/* A 3x3 convolution over maps of first_c, more_c, more_c ... channels. */
static module spatial(cnx_concat_conv *conv, cnx_layer_name name, int inputs, int first_c,
                      int more_c, bool winograd)
{
    module m = {.name = name, .inputs = inputs, .in_c = {first_c}, .spatial = conv};
    for (int i = 1; i < inputs; i++)
        m.in_c[i] = more_c;
    m.winograd = winograd && first_c >= WINOGRAD_FROM && more_c >= WINOGRAD_FROM;
    return m;
}

/* All ConvModules; `head` is only pointed into. */
static int list_modules(cnx_upernet *head, module out[MAX_MODULES])
{
    const int m = head->desc.channels, c3 = head->dims[CNX_STAGES - 1], pools = head->desc.pools;
    int n = 0;
    for (int k = 0; k < pools; k++)
        out[n++] = pointwise(&head->pools[k], cnx_name("decode_head.psp_modules.%d.1", k), c3);
    /* The last stage's map is so small that Winograd's larger weights would only cost memory. */
    out[n++] =
        spatial(&head->bottleneck, cnx_name("decode_head.bottleneck"), 1 + pools, c3, m, false);
    for (int i = 0; i < LATERALS; i++)
        out[n++] = pointwise(&head->laterals[i], cnx_name("decode_head.lateral_convs.%d", i),
                             head->dims[i]);
    for (int i = 0; i < LATERALS; i++)
        out[n++] = spatial(&head->pyramid[i], cnx_name("decode_head.fpn_convs.%d", i), 1, m, m,
                           LATERALS - i > head->direct);
    out[n++] = spatial(&head->fusion, cnx_name("decode_head.fpn_bottleneck"), CNX_STAGES, m, m,
                       CNX_UPERNET_DIRECT > head->direct);
    out[n - 1].halved = 1;
    return n;
}

static int all_channels(const module *m)
{
    int all = 0;
    for (int i = 0; i < m->inputs; i++)
        all += m->in_c[i];
    return all;
}

static void describe(cnx_upernet *head, const cnx_upernet_desc *desc, const int dims[CNX_STAGES])
{
    head->desc = *desc;
    for (int i = 0; i < CNX_STAGES; i++)
        head->dims[i] = dims[i];
}

void cnx_upernet_expect(const cnx_upernet_desc *desc, const int dims[CNX_STAGES],
                        cnx_weights *weights)
{
    cnx_upernet head = {0};
    describe(&head, desc, dims);
    module modules[MAX_MODULES];
    const int n = list_modules(&head, modules);
    for (int i = 0; i < n; i++)
        cnx_expect_conv_module(weights, modules[i].name.text, desc->channels,
                               all_channels(&modules[i]), modules[i].spatial ? 3 : 1);
    cnx_expect_conv(weights, "decode_head.conv_seg", desc->classes, desc->channels, 1, true);
}

size_t cnx_upernet_auxiliary_parameters(const cnx_upernet_desc *desc, const int dims[CNX_STAGES])
{
    const size_t wide = (size_t)desc->auxiliary, classes = (size_t)desc->classes;
    return wide ? 9 * (size_t)dims[2] * wide + 2 * wide + wide * classes + classes : 0;
}

/* Shapes, which is all that planning needs. */
static void shape_module(const module *m, int out_c)
{
    if (m->spatial)
        cnx_concat_conv_shape(m->spatial, m->inputs, m->in_c, out_c, true, m->winograd, m->halved);
    else
        *m->pointwise = (cnx_conv){.kind = CNX_CONV_1X1,
                                   .size = 1,
                                   .in_c = m->in_c[0],
                                   .out_c = out_c,
                                   .act = CNX_ACT_RELU};
}

static cnx_status load_module(const module *m, int out_c, cnx_weights *weights,
                              const cnx_kernels *k, cnx_error *err)
{
    cnx_filters f = {0};
    CNX_TRY(cnx_load_conv_module(&f, weights, m->name.text, m->spatial ? 3 : 1, all_channels(m),
                                 out_c, err));
    const cnx_status status =
        m->spatial ? cnx_concat_conv_init(m->spatial, k, m->inputs, m->in_c, out_c, f.weights,
                                          f.bias, true, m->winograd, m->halved, err)
                   : cnx_conv_init(m->pointwise, k, CNX_CONV_1X1, 1, m->in_c[0], out_c, f.weights,
                                   f.bias, CNX_ACT_RELU, err);
    cnx_filters_free(&f);
    return cnx_name_layer(status, m->name.text, err);
}

/* The layers that can be loaded on their own: all modules, then the classifier. */
typedef struct opening {
    cnx_upernet *head;
    cnx_weights *weights;
    const cnx_kernels *kernels;
    module modules[MAX_MODULES];
    int count;
} opening;

static cnx_status open_layer(void *context, int index, cnx_error *err)
{
    const opening *o = context;
    const cnx_upernet_desc *desc = &o->head->desc;
    if (index < o->count) {
        const module *m = &o->modules[index];
        shape_module(m, desc->channels);
        if (o->weights)
            CNX_TRY(load_module(m, desc->channels, o->weights, o->kernels, err));
        *(m->spatial ? &m->spatial->form : &m->pointwise->form) = CNX_FORM_BATCHNORM;
        return CNX_OK;
    }
    const cnx_conv_spec classifier = {.kind = CNX_CONV_1X1,
                                      .size = 1,
                                      .in_c = desc->channels,
                                      .out_c = desc->classes,
                                      .act = CNX_ACT_NONE};
    return cnx_load_conv(&o->head->classifier, o->weights, o->kernels, "decode_head.conv_seg",
                         classifier, err);
}

cnx_status cnx_upernet_open(cnx_upernet **out, const cnx_upernet_desc *desc,
                            const int dims[CNX_STAGES], int direct, cnx_weights *weights,
                            const cnx_kernels *kernels, int threads, cnx_error *err)
{
    cnx_upernet *head = calloc(1, sizeof *head);
    *out = head;
    CNX_FAIL_IF(!head, CNX_ERR_MEMORY, "not enough memory for the head");
    describe(head, desc, dims);
    head->direct = direct;
    opening o = {.head = head, .weights = weights, .kernels = kernels};
    o.count = list_modules(head, o.modules);
    size_t sizes[MAX_MODULES + 1];
    for (int i = 0; i < o.count; i++)
        sizes[i] = (size_t)all_channels(&o.modules[i]) * (size_t)desc->channels *
                   (o.modules[i].spatial ? 9 : 1);
    sizes[o.count] = (size_t)desc->channels * (size_t)desc->classes;
    const cnx_status status =
        cnx_load_layers(o.count + 1, sizes, open_layer, &o, weights ? threads : 1, err);
    if (status != CNX_OK)
        cnx_upernet_close(out);
    return status;
}

void cnx_upernet_close(cnx_upernet **head)
{
    if (!*head)
        return;
    module modules[MAX_MODULES];
    const int n = list_modules(*head, modules);
    for (int i = 0; i < n; i++) {
        if (modules[i].spatial)
            cnx_concat_conv_free(modules[i].spatial);
        else
            cnx_conv_free(modules[i].pointwise);
    }
    cnx_conv_free(&(*head)->classifier);
    free(*head);
    *head = NULL;
}

size_t cnx_upernet_bytes(const cnx_upernet *head)
{
    cnx_upernet shape = *head; /* list_modules wants something to point into */
    module modules[MAX_MODULES];
    const int n = list_modules(&shape, modules);
    size_t bytes = head->classifier.bytes;
    for (int i = 0; i < n; i++)
        bytes += modules[i].spatial ? modules[i].spatial->bytes : modules[i].pointwise->bytes;
    return bytes;
}

/* Pyramid pooling on f3 -> l3. */
static cnx_value plan_pooling(const cnx_upernet *head, cnx_plan *plan, cnx_value f3)
{
    const int m = head->desc.channels;
    cnx_value maps[CNX_MAX_CONCAT] = {f3};
    for (int k = 0; k < head->desc.pools; k++) {
        const int bins = head->desc.pool_scales[k];
        const cnx_value pooled = cnx_plan_map(plan, bins, bins, f3.c);
        const cnx_value mixed = maps[1 + k] = cnx_plan_map(plan, bins, bins, m);
        cnx_plan_pool(plan, cnx_name("decode_head.psp_modules.%d.0", k).text, f3, pooled);
        cnx_plan_conv(plan, cnx_name("decode_head.psp_modules.%d.1", k).text, &head->pools[k],
                      pooled, mixed);
        cnx_plan_mark(plan, cnx_name("ppm_pooled%d", k).text, mixed);
    }
    const cnx_value l3 = cnx_plan_map(plan, f3.h, f3.w, m);
    cnx_plan_concat_conv(plan, "decode_head.bottleneck", &head->bottleneck, maps, l3);
    cnx_plan_mark(plan, "ppm_out", l3);
    return l3;
}

static void plan_laterals(const cnx_upernet *head, cnx_plan *plan,
                          const cnx_value features[CNX_STAGES], cnx_value l[CNX_STAGES])
{
    for (int i = 0; i < LATERALS; i++) {
        l[i] = cnx_plan_map(plan, features[i].h, features[i].w, head->desc.channels);
        cnx_plan_conv(plan, cnx_name("decode_head.lateral_convs.%d", i).text, &head->laterals[i],
                      features[i], l[i]);
        cnx_plan_mark(plan, cnx_name("lateral%d", i).text, l[i]);
    }
    for (int i = LATERALS; i > 0; i--) {
        cnx_plan_resize(plan, cnx_name("decode_head.top_down.%d", i - 1).text, l[i], l[i - 1],
                        true);
        cnx_plan_mark(plan, cnx_name("topdown%d", i - 1).text, l[i - 1]);
    }
}

/* The pyramid's convolutions; the last level has none.  The largest comes last, when the inputs of
 * the others need no memory any more. */
static void plan_pyramid(const cnx_upernet *head, cnx_plan *plan, const cnx_value l[CNX_STAGES],
                         cnx_value o[CNX_STAGES])
{
    for (int i = LATERALS - 1; i >= 0; i--) {
        o[i] = cnx_plan_map(plan, l[i].h, l[i].w, head->desc.channels);
        cnx_plan_concat_conv(plan, cnx_name("decode_head.fpn_convs.%d", i).text, &head->pyramid[i],
                             &l[i], o[i]);
        cnx_plan_mark(plan, cnx_name("fpn%d", i).text, o[i]);
    }
    o[LATERALS] = l[LATERALS];
}

cnx_status cnx_upernet_plan(const cnx_upernet *head, cnx_plan *plan,
                            const cnx_value features[CNX_STAGES], cnx_value *logits, cnx_error *err)
{
    for (int i = 0; i < CNX_STAGES; i++)
        CNX_FAIL_IF(features[i].c != head->dims[i], CNX_ERR_INTERNAL,
                    "feature %d has %d channels, the head wants %d", i, features[i].c,
                    head->dims[i]);
    cnx_value l[CNX_STAGES], o[CNX_STAGES];
    l[LATERALS] = plan_pooling(head, plan, features[LATERALS]);
    plan_laterals(head, plan, features, l);
    plan_pyramid(head, plan, l, o);
    const cnx_value fused = cnx_plan_map(plan, o[0].h, o[0].w, head->desc.channels);
    cnx_plan_concat_conv(plan, "decode_head.fpn_bottleneck", &head->fusion, o, fused);
    cnx_plan_mark(plan, "fused", fused);
    *logits = cnx_plan_external(plan, fused.h, fused.w, head->desc.classes);
    cnx_plan_conv(plan, "decode_head.conv_seg", &head->classifier, fused, *logits);
    cnx_plan_mark(plan, "logits_q", *logits);
    return CNX_OK;
}
