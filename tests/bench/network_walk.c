/* See backbone/convnext.c and heads/upernet.c. */
#include "network_walk.h"

enum { LATERALS = CNX_STAGES - 1, STEM = 4, DOWN = 2 };

typedef struct walk {
    const export_format *to;
    export_net *net;
} walk;

/* names: of the four maps after their output norms; NULL for some. */
static void add_backbone(const walk *s, const cnx_convnext_desc *d, export_map x,
                         const char *const *names, export_map features[CNX_STAGES])
{
    for (int i = 0; i < CNX_STAGES; i++) {
        const int norm = i == 0 ? 1 : 0;
        const cnx_layer_name ln = cnx_name("backbone.downsample_layers.%d.%d", i, norm);
        const cnx_layer_name conv = cnx_name("backbone.downsample_layers.%d.%d", i, 1 - norm);
        if (i > 0)
            x = s->to->layernorm(s->net, ln.text, x, NULL);
        x = s->to->patches(s->net, conv.text, x, d->dims[i], i == 0 ? STEM : DOWN);
        if (i == 0)
            x = s->to->layernorm(s->net, ln.text, x, NULL);
        for (int j = 0; j < d->depths[i]; j++)
            x = s->to->block(s->net, cnx_name("backbone.stages.%d.%d", i, j).text, x, d->version);
        features[i] = s->to->layernorm(s->net, cnx_name("backbone.norm%d", i).text, x,
                                       names ? names[i] : NULL);
    }
}

static export_map add_pooling(const walk *s, const cnx_upernet_desc *d, export_map f3)
{
    export_map maps[1 + CNX_MAX_POOLS] = {f3}, pooled[CNX_MAX_POOLS];
    s->to->adaptive_pools(s->net, "decode_head.pools", f3, d->pools, d->pool_scales, pooled);
    for (int k = 0; k < d->pools; k++) {
        const cnx_layer_name name = cnx_name("decode_head.psp_modules.%d.1", k);
        const export_map mixed = s->to->conv_module(s->net, name.text, pooled[k], d->channels, 1);
        maps[1 + k] = s->to->resize(s->net, cnx_name("%s.up", name.text).text, mixed, f3.h, f3.w);
    }
    const export_map all =
        s->to->concat(s->net, "decode_head.bottleneck.concat", 1 + d->pools, maps);
    return s->to->conv_module(s->net, "decode_head.bottleneck", all, d->channels, 3);
}

static export_map add_head(const walk *s, const cnx_upernet_desc *d, const export_map f[CNX_STAGES])
{
    export_map l[CNX_STAGES];
    l[LATERALS] = add_pooling(s, d, f[LATERALS]);
    for (int i = 0; i < LATERALS; i++)
        l[i] = s->to->conv_module(s->net, cnx_name("decode_head.lateral_convs.%d", i).text, f[i],
                                  d->channels, 1);
    for (int i = LATERALS; i > 0; i--) {
        const cnx_layer_name name = cnx_name("decode_head.top_down.%d", i - 1);
        const export_map up =
            s->to->resize(s->net, cnx_name("%s.up", name.text).text, l[i], l[i - 1].h, l[i - 1].w);
        l[i - 1] = s->to->add(s->net, name.text, l[i - 1], up);
    }
    for (int i = 0; i < LATERALS; i++)
        l[i] = s->to->conv_module(s->net, cnx_name("decode_head.fpn_convs.%d", i).text, l[i],
                                  d->channels, 3);
    for (int i = 1; i < CNX_STAGES; i++)
        l[i] = s->to->resize(s->net, cnx_name("decode_head.fusion.up%d", i).text, l[i], l[0].h,
                             l[0].w);
    const export_map all = s->to->concat(s->net, "decode_head.fusion.concat", CNX_STAGES, l);
    const export_map fused =
        s->to->conv_module(s->net, "decode_head.fpn_bottleneck", all, d->channels, 3);
    return s->to->classifier(s->net, "decode_head.conv_seg", fused, d->classes, "logits");
}

void network_walk(const export_format *format, export_net *net, const cnx_description *d, int h,
                  int w, bool backbone)
{
    static const char *const feature_names[CNX_STAGES] = {"feat0", "feat1", "feat2", "feat3"};
    const walk s = {format, net};
    const export_map input = format->input(net, "input", 3, h, w);
    export_map features[CNX_STAGES];
    add_backbone(&s, &d->backbone, input, backbone ? feature_names : NULL, features);
    for (int i = 0; backbone && i < CNX_STAGES; i++)
        format->output(net, features[i]);
    if (!backbone)
        format->output(net, add_head(&s, &d->upernet, features));
}
