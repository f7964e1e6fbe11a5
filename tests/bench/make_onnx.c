/*
 * Writes the network of a checkpoint as an ONNX file, so that another runtime can be timed, and its
 * results compared, on the very same weights.
 *
 *     make_onnx --size 512x512 CHECKPOINT OUT.onnx
 *
 *   input   "input" [1, 3, H, W], float32, normalised
 *   output  "logits" [1, classes, H/4, W/4]; with --backbone "feat0".."feat3", the backbone's maps
 *
 * The input's size is fixed: adaptive pooling and bilinear resizing are exact only that way.  Layer
 * scale is folded into the projection (every runtime would do that, or lose by not doing it), and
 * BatchNorm is left to the runtime.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads/model.h"
#include "onnx_layers.h"

enum { LATERALS = CNX_STAGES - 1, STEM = 4, DOWN = 2, MIN_SIZE = 32, MAX_SIZE = 16384 };

typedef struct request {
    const char *checkpoint, *path;
    int h, w;
    bool backbone;
    onnx_pointwise pointwise;
} request;

/* ---- the network: see backbone/convnext.c and heads/upernet.c ---- */

/* names: of the four maps after their output norms; NULL for some. */
static void add_backbone(onnx_net *net, const cnx_convnext_desc *d, onnx_map x,
                         const char *const *names, onnx_map features[CNX_STAGES])
{
    for (int i = 0; i < CNX_STAGES; i++) {
        const int norm = i == 0 ? 1 : 0;
        const cnx_layer_name ln = cnx_name("backbone.downsample_layers.%d.%d", i, norm);
        const cnx_layer_name conv = cnx_name("backbone.downsample_layers.%d.%d", i, 1 - norm);
        if (i > 0)
            x = onnx_layernorm(net, ln.text, x, NULL);
        x = onnx_patches(net, conv.text, x, d->dims[i], i == 0 ? STEM : DOWN);
        if (i == 0)
            x = onnx_layernorm(net, ln.text, x, NULL);
        for (int j = 0; j < d->depths[i]; j++)
            x = onnx_block(net, cnx_name("backbone.stages.%d.%d", i, j).text, x, d->version);
        features[i] =
            onnx_layernorm(net, cnx_name("backbone.norm%d", i).text, x, names ? names[i] : NULL);
    }
}

static onnx_map add_pooling(onnx_net *net, const cnx_upernet_desc *d, onnx_map f3)
{
    onnx_map maps[1 + CNX_MAX_POOLS] = {f3}, pooled[CNX_MAX_POOLS];
    onnx_adaptive_pools(net, "decode_head.pools", f3, d->pools, d->pool_scales, pooled);
    for (int k = 0; k < d->pools; k++) {
        const cnx_layer_name name = cnx_name("decode_head.psp_modules.%d.1", k);
        const onnx_map mixed = onnx_conv_module(net, name.text, pooled[k], d->channels, 1);
        maps[1 + k] = onnx_resize(net, cnx_name("%s.up", name.text).text, mixed, f3.h, f3.w);
    }
    const onnx_map all = onnx_concat(net, "decode_head.bottleneck.concat", 1 + d->pools, maps);
    return onnx_conv_module(net, "decode_head.bottleneck", all, d->channels, 3);
}

static void add_head(onnx_net *net, const cnx_upernet_desc *d, const onnx_map f[CNX_STAGES])
{
    onnx_map l[CNX_STAGES];
    l[LATERALS] = add_pooling(net, d, f[LATERALS]);
    for (int i = 0; i < LATERALS; i++)
        l[i] = onnx_conv_module(net, cnx_name("decode_head.lateral_convs.%d", i).text, f[i],
                                d->channels, 1);
    for (int i = LATERALS; i > 0; i--) {
        const cnx_layer_name name = cnx_name("decode_head.top_down.%d", i - 1);
        const onnx_map up =
            onnx_resize(net, cnx_name("%s.up", name.text).text, l[i], l[i - 1].h, l[i - 1].w);
        l[i - 1] = onnx_add(net, name.text, l[i - 1], up);
    }
    for (int i = 0; i < LATERALS; i++)
        l[i] = onnx_conv_module(net, cnx_name("decode_head.fpn_convs.%d", i).text, l[i],
                                d->channels, 3);
    for (int i = 1; i < CNX_STAGES; i++)
        l[i] = onnx_resize(net, cnx_name("decode_head.fusion.up%d", i).text, l[i], l[0].h, l[0].w);
    const onnx_map all = onnx_concat(net, "decode_head.fusion.concat", CNX_STAGES, l);
    const onnx_map fused = onnx_conv_module(net, "decode_head.fpn_bottleneck", all, d->channels, 3);
    onnx_classifier(net, "decode_head.conv_seg", fused, d->classes, "logits");
}

static void add_network(onnx_net *net, const cnx_description *d, const request *r)
{
    static const char *const feature_names[CNX_STAGES] = {"feat0", "feat1", "feat2", "feat3"};
    const onnx_map input = {cnx_name("input"), 3, r->h, r->w};
    onnx_graph_input(net->graph, "input", 4, (const int64_t[]){1, 3, r->h, r->w});
    onnx_map features[CNX_STAGES];
    add_backbone(net, &d->backbone, input, r->backbone ? feature_names : NULL, features);
    for (int i = 0; r->backbone && i < CNX_STAGES; i++)
        onnx_graph_output(net->graph, feature_names[i], 4,
                          (const int64_t[]){1, features[i].c, features[i].h, features[i].w});
    if (r->backbone)
        return;
    add_head(net, &d->upernet, features);
    onnx_graph_output(net->graph, "logits", 4,
                      (const int64_t[]){1, d->upernet.classes, features[0].h, features[0].w});
}

static cnx_status convert(const request *r, cnx_error *err)
{
    cnx_model_file file = {0};
    onnx_net net = {.pointwise = r->pointwise, .status = CNX_OK, .err = err};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_model_file_open(&file, r->checkpoint, NULL, NULL, 0, false, err));
    net.weights = file.weights;
    CNX_CHECK(onnx_graph_open(&net.graph, err));
    add_network(&net, &file.description, r);
    CNX_CHECK(net.status);
    CNX_CHECK(onnx_graph_write(net.graph, r->path, err));
cleanup:
    onnx_graph_close(&net.graph);
    cnx_model_file_close(&file);
    return status;
}

/* ---- command line ---- */

static const char usage_text[] =
    "usage: make_onnx [options] CHECKPOINT OUT.onnx\n"
    "  --size HxW              the input's size (512x512)\n"
    "  --backbone              the backbone alone, its four maps as outputs\n"
    "  --pointwise conv|matmul how the pointwise layers of a block are written (conv)\n";

static _Noreturn void usage(void)
{
    fputs(usage_text, stderr);
    exit(2);
}

static void parse_size(request *r, const char *text)
{
    int used = 0;
    if (sscanf(text, "%5dx%5d%n", &r->h, &r->w, &used) != 2 || text[used] || r->h < MIN_SIZE ||
        r->w < MIN_SIZE || r->h > MAX_SIZE || r->w > MAX_SIZE) {
        fprintf(stderr, "make_onnx: --size wants HxW of %d to %d, not %s\n", MIN_SIZE, MAX_SIZE,
                text);
        exit(2);
    }
}

static void parse(request *r, int argc, char **argv)
{
    static const struct option options[] = {{"size", 1, NULL, 's'},
                                            {"backbone", 0, NULL, 'b'},
                                            {"pointwise", 1, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            parse_size(r, optarg);
        else if (c == 'b')
            r->backbone = true;
        else if (c == 'p' && strcmp(optarg, "conv") == 0)
            r->pointwise = ONNX_AS_CONV;
        else if (c == 'p' && strcmp(optarg, "matmul") == 0)
            r->pointwise = ONNX_AS_MATMUL;
        else
            usage();
    }
    if (optind + 2 != argc)
        usage();
    r->checkpoint = argv[optind];
    r->path = argv[optind + 1];
}

int main(int argc, char **argv)
{
    request r = {.h = 512, .w = 512, .pointwise = ONNX_AS_CONV};
    parse(&r, argc, argv);
    cnx_error err;
    if (convert(&r, &err) != CNX_OK) {
        fprintf(stderr, "make_onnx: %s\n", err.message);
        return 1;
    }
    return 0;
}
