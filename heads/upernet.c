/*
 * UPerHead ("Unified Perceptual Parsing", Xiao et al. 2018), as OpenMMLab builds it.
 *
 *   f0..f3   the backbone's maps at strides 4, 8, 16, 32; M = channels of the head
 *
 *   pyramid pooling   p_b = ConvModule1x1(adaptive_avg_pool(f3, b))      [b, b, M] for b in 1, 2,
 * 3, 6 l3  = ConvModule3x3(concat(f3, up(p_1), up(p_2), ...))   the map itself is first laterals
 * l_i = ConvModule1x1(f_i)                           i = 0, 1, 2 top-down          l_{i-1} +=
 * up(l_i)                                 i = 3, 2, 1 pyramid           o_i = ConvModule3x3(l_i), i
 * = 0, 1, 2;  o3 = l3 fusion            fused = ConvModule3x3(concat(o0, up(o1), up(o2), up(o3)))
 *   classifier        logits = conv1x1(fused) + bias                     [H/4, W/4, classes]
 *
 * ConvModule is convolution -> BatchNorm -> ReLU, folded into one when loaded.  up is bilinear with
 * align_corners False, to the size of the map it joins.  A concatenation is one wide map whose
 * slices are written in place.  The auxiliary head of the checkpoints serves training only.
 */
#include "heads/upernet.h"

#include <stdlib.h>

#include "backbone/layers.h"

enum { LATERALS = CNX_STAGES - 1 };

struct cnx_upernet {
    cnx_upernet_desc desc;
    int dims[CNX_STAGES];
    cnx_conv pools[CNX_MAX_POOLS]; /* 1x1, C3 -> M */
    cnx_conv bottleneck;           /* 3x3, C3 + pools * M -> M */
    cnx_conv laterals[LATERALS];   /* 1x1, Ci -> M */
    cnx_conv pyramid[LATERALS];    /* 3x3, M -> M */
    cnx_conv fusion;               /* 3x3, 4 M -> M */
    cnx_conv classifier;           /* 1x1, M -> classes, with bias */
};

/* One ConvModule of the head: where it is kept, its name and shape. */
typedef struct module {
    cnx_conv *conv;
    cnx_layer_name name;
    cnx_conv_spec spec;
} module;

enum { MAX_MODULES = CNX_MAX_POOLS + 2 * LATERALS + 2 };

static module conv_module(cnx_conv *conv, cnx_layer_name name, int size, int in_c, int out_c)
{
    return (module){.conv = conv,
                    .name = name,
                    .spec = {.kind = size == 1 ? CNX_CONV_1X1 : CNX_CONV_3X3,
                             .size = size,
                             .in_c = in_c,
                             .out_c = out_c,
                             .act = CNX_ACT_RELU}};
}

/* All ConvModules; `head` is only pointed into. */
static int list_modules(cnx_upernet *head, module out[MAX_MODULES])
{
    const int m = head->desc.channels, c3 = head->dims[CNX_STAGES - 1];
    int n = 0;
    for (int k = 0; k < head->desc.pools; k++)
        out[n++] =
            conv_module(&head->pools[k], cnx_name("decode_head.psp_modules.%d.1", k), 1, c3, m);
    out[n++] = conv_module(&head->bottleneck, cnx_name("decode_head.bottleneck"), 3,
                           c3 + head->desc.pools * m, m);
    for (int i = 0; i < LATERALS; i++)
        out[n++] = conv_module(&head->laterals[i], cnx_name("decode_head.lateral_convs.%d", i), 1,
                               head->dims[i], m);
    for (int i = 0; i < LATERALS; i++)
        out[n++] = conv_module(&head->pyramid[i], cnx_name("decode_head.fpn_convs.%d", i), 3, m, m);
    out[n++] =
        conv_module(&head->fusion, cnx_name("decode_head.fpn_bottleneck"), 3, CNX_STAGES * m, m);
    return n;
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
        cnx_expect_conv_module(weights, modules[i].name.text, modules[i].spec.out_c,
                               modules[i].spec.in_c, modules[i].spec.size);
    cnx_expect_conv(weights, "decode_head.conv_seg", desc->classes, desc->channels, 1, true);
}

cnx_status cnx_upernet_open(cnx_upernet **out, const cnx_upernet_desc *desc,
                            const int dims[CNX_STAGES], cnx_weights *weights,
                            const cnx_kernels *kernels, cnx_error *err)
{
    cnx_upernet *head = calloc(1, sizeof *head);
    *out = head;
    CNX_FAIL_IF(!head, CNX_ERR_MEMORY, "not enough memory for the head");
    describe(head, desc, dims);
    cnx_status status = CNX_OK;
    module modules[MAX_MODULES];
    const int n = list_modules(head, modules);
    for (int i = 0; i < n; i++)
        CNX_CHECK(cnx_load_conv_module(modules[i].conv, weights, kernels, modules[i].name.text,
                                       modules[i].spec, err));
    const cnx_conv_spec classifier = {.kind = CNX_CONV_1X1,
                                      .size = 1,
                                      .in_c = desc->channels,
                                      .out_c = desc->classes,
                                      .act = CNX_ACT_NONE};
    CNX_CHECK(cnx_load_conv(&head->classifier, weights, kernels, "decode_head.conv_seg", classifier,
                            err));
    return CNX_OK;
cleanup:
    cnx_upernet_close(out);
    return status;
}

void cnx_upernet_close(cnx_upernet **head)
{
    if (!*head)
        return;
    module modules[MAX_MODULES];
    const int n = list_modules(*head, modules);
    for (int i = 0; i < n; i++)
        cnx_conv_free(modules[i].conv);
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
        bytes += modules[i].conv->bytes;
    return bytes;
}

/* Pyramid pooling on f3 -> l3. */
static cnx_value plan_pooling(const cnx_upernet *head, cnx_plan *plan, cnx_value f3)
{
    const int m = head->desc.channels;
    const cnx_value wide = cnx_plan_map(plan, f3.h, f3.w, f3.c + head->desc.pools * m);
    cnx_plan_resize(plan, "decode_head.bottleneck.concat", f3, cnx_value_channels(wide, 0, f3.c),
                    false);
    for (int k = 0; k < head->desc.pools; k++) {
        const int bins = head->desc.pool_scales[k];
        const cnx_value pooled = cnx_plan_map(plan, bins, bins, f3.c);
        const cnx_value mixed = cnx_plan_map(plan, bins, bins, m);
        cnx_plan_pool(plan, cnx_name("decode_head.psp_modules.%d.0", k).text, f3, pooled);
        cnx_plan_conv(plan, cnx_name("decode_head.psp_modules.%d.1", k).text, &head->pools[k],
                      pooled, mixed);
        cnx_plan_mark(plan, cnx_name("ppm_pooled%d", k).text, mixed);
        cnx_plan_resize(plan, cnx_name("decode_head.psp_modules.%d.up", k).text, mixed,
                        cnx_value_channels(wide, f3.c + k * m, m), false);
    }
    cnx_plan_mark(plan, "ppm_concat", wide);
    const cnx_value l3 = cnx_plan_map(plan, f3.h, f3.w, m);
    cnx_plan_conv(plan, "decode_head.bottleneck", &head->bottleneck, wide, l3);
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

/* The pyramid's convolutions, written or resized into one map of all levels. */
static cnx_value plan_pyramid(const cnx_upernet *head, cnx_plan *plan,
                              const cnx_value l[CNX_STAGES])
{
    const int m = head->desc.channels;
    const cnx_value wide = cnx_plan_map(plan, l[0].h, l[0].w, CNX_STAGES * m);
    for (int i = 0; i < CNX_STAGES; i++) {
        const cnx_value slice = cnx_value_channels(wide, i * m, m);
        cnx_value o = l[i];
        if (i < LATERALS) {
            o = i == 0 ? slice : cnx_plan_map(plan, l[i].h, l[i].w, m);
            cnx_plan_conv(plan, cnx_name("decode_head.fpn_convs.%d", i).text, &head->pyramid[i],
                          l[i], o);
            cnx_plan_mark(plan, cnx_name("fpn%d", i).text, o);
        }
        if (i > 0)
            cnx_plan_resize(plan, cnx_name("decode_head.fpn_up.%d", i).text, o, slice, false);
    }
    return wide;
}

cnx_status cnx_upernet_plan(const cnx_upernet *head, cnx_plan *plan,
                            const cnx_value features[CNX_STAGES], cnx_value *logits, cnx_error *err)
{
    for (int i = 0; i < CNX_STAGES; i++)
        CNX_FAIL_IF(features[i].c != head->dims[i], CNX_ERR_INTERNAL,
                    "feature %d has %d channels, the head wants %d", i, features[i].c,
                    head->dims[i]);
    cnx_value l[CNX_STAGES];
    l[LATERALS] = plan_pooling(head, plan, features[LATERALS]);
    plan_laterals(head, plan, features, l);
    const cnx_value wide = plan_pyramid(head, plan, l);
    const cnx_value fused = cnx_plan_map(plan, wide.h, wide.w, head->desc.channels);
    cnx_plan_conv(plan, "decode_head.fpn_bottleneck", &head->fusion, wide, fused);
    cnx_plan_mark(plan, "fused", fused);
    *logits = cnx_plan_external(plan, wide.h, wide.w, head->desc.classes);
    cnx_plan_conv(plan, "decode_head.conv_seg", &head->classifier, fused, *logits);
    cnx_plan_mark(plan, "logits_q", *logits);
    return CNX_OK;
}
