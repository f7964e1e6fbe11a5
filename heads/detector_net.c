/*
 * FPN, RPN, box and mask heads of Mask R-CNN and Cascade Mask R-CNN, as OpenMMLab builds them.
 *
 *   f0..f3    the backbone's maps at strides 4, 8, 16, 32; C = channels of the pyramid
 *
 *   laterals  l_i = conv1x1(f_i)                        top-down: l_{i-1} += nearest(l_i), i = 3, 2, 1
 *   pyramid   p_i = conv3x3(l_i), i = 0..3              p4 = p3, every second pixel
 *   RPN       h = relu(conv3x3(p_i)), shared by the levels;  scores = conv1x1(h) [A],
 *             deltas = conv1x1(h) [4 A]
 *   box head  7x7 bins -> n x relu(bn(conv3x3)) -> flatten -> m x relu(fc) -> fc to classes + 1,
 *             fc to 4 deltas a class (or 4)             one for each stage of a cascade
 *   mask head 14x14 bins -> n x relu(conv3x3) -> relu(transposed conv 2x2, stride 2) -> conv1x1 to
 *             classes                                   one for each stage of a cascade
 *
 * One list (list_layers) has all layers; what is declared, read, counted and freed comes from it.
 */
#include "heads/detector_net.h"

#include <stdlib.h>
#include <string.h>

#include "backbone/loading.h"
#include "core/memory.h"

enum {
    WINOGRAD_FROM = 32, /* channels: below, its transforms cost more than they save */
    BINS = CNX_BOX_BINS * CNX_BOX_BINS,
    UPSAMPLED = 4 /* pixels that one becomes */
};

typedef enum layer_kind {
    LAYER_POINTWISE, /* 1x1 convolution */
    LAYER_LINEAR,
    LAYER_LINEAR_BINS, /* linear over all bins; the file has channels slowest */
    LAYER_SPATIAL,     /* 3x3 */
    LAYER_SPATIAL_BN,  /* 3x3 without bias, BatchNorm */
    LAYER_UPSAMPLE,    /* transposed 2x2, stride 2 */
    LAYER_LOGITS
} layer_kind;

typedef struct layer {
    layer_kind kind;
    cnx_layer_name name;
    int in_c, out_c;
    bool relu;
    cnx_conv *conv;           /* POINTWISE .. LINEAR_BINS, UPSAMPLE */
    cnx_concat_conv *spatial; /* SPATIAL, SPATIAL_BN */
    cnx_mask_logits *logits;
} layer;

enum {
    DENSE_LAYERS = 2 * CNX_STAGES + 3,
    STAGE_LAYERS = 3 * CNX_MAX_BOX_LAYERS + 4,
    MAX_LAYERS = DENSE_LAYERS + CNX_MAX_BOX_STAGES * STAGE_LAYERS
};

cnx_layer_name cnx_roi_head_name(const cnx_detector_desc *desc, const char *head, int stage)
{
    return desc->cascade ? cnx_name("roi_head.%s.%d", head, stage) : cnx_name("roi_head.%s", head);
}

/* ---- the list ---- */

static layer pointwise(layer_kind kind, cnx_conv *conv, cnx_layer_name name, int in_c, int out_c,
                       bool relu)
{
    return (layer){
        .kind = kind, .name = name, .in_c = in_c, .out_c = out_c, .relu = relu, .conv = conv};
}

static layer spatial(layer_kind kind, cnx_concat_conv *conv, cnx_layer_name name, int in_c,
                     int out_c, bool relu)
{
    return (layer){
        .kind = kind, .name = name, .in_c = in_c, .out_c = out_c, .relu = relu, .spatial = conv};
}

static int list_dense(cnx_detector_net *net, layer *out)
{
    const cnx_detector_desc *d = &net->desc;
    int n = 0;
    for (int i = 0; i < CNX_STAGES; i++)
        out[n++] =
            pointwise(LAYER_POINTWISE, &net->laterals[i], cnx_name("neck.lateral_convs.%d.conv", i),
                      net->dims[i], d->channels, false);
    for (int i = 0; i < CNX_STAGES; i++)
        out[n++] = spatial(LAYER_SPATIAL, &net->outputs[i], cnx_name("neck.fpn_convs.%d.conv", i),
                           d->channels, d->channels, false);
    out[n++] = spatial(LAYER_SPATIAL, &net->rpn, cnx_name("rpn_head.rpn_conv"), d->channels,
                       d->rpn_channels, true);
    out[n++] = pointwise(LAYER_POINTWISE, &net->rpn_classes, cnx_name("rpn_head.rpn_cls"),
                         d->rpn_channels, d->anchors, false);
    out[n++] = pointwise(LAYER_POINTWISE, &net->rpn_deltas, cnx_name("rpn_head.rpn_reg"),
                         d->rpn_channels, 4 * d->anchors, false);
    return n;
}

static int list_boxes(cnx_detector_net *net, int stage, layer *out)
{
    const cnx_detector_desc *d = &net->desc;
    cnx_box_head *head = &net->boxes[stage];
    const cnx_layer_name name = cnx_roi_head_name(d, "bbox_head", stage);
    int n = 0, width = d->channels;
    for (int i = 0; i < d->box_convs; i++, width = d->box_conv_channels)
        out[n++] =
            spatial(LAYER_SPATIAL_BN, &head->convs[i], cnx_name("%s.shared_convs.%d", name.text, i),
                    width, d->box_conv_channels, true);
    for (int i = 0; i < d->box_fcs; i++, width = d->box_fc_channels)
        out[n++] = pointwise(i == 0 ? LAYER_LINEAR_BINS : LAYER_LINEAR, &head->fcs[i],
                             cnx_name("%s.shared_fcs.%d", name.text, i),
                             i == 0 ? BINS * width : width, d->box_fc_channels, true);
    out[n++] = pointwise(LAYER_LINEAR, &head->classes, cnx_name("%s.fc_cls", name.text), width,
                         d->classes + 1, false);
    out[n++] = pointwise(LAYER_LINEAR, &head->deltas, cnx_name("%s.fc_reg", name.text), width,
                         d->class_specific ? 4 * d->classes : 4, false);
    return n;
}

static int list_masks(cnx_detector_net *net, int stage, layer *out)
{
    const cnx_detector_desc *d = &net->desc;
    cnx_mask_head *head = &net->masks[stage];
    const cnx_layer_name name = cnx_roi_head_name(d, "mask_head", stage);
    int n = 0, width = d->channels;
    for (int i = 0; i < d->mask_convs; i++, width = d->mask_channels)
        out[n++] =
            spatial(LAYER_SPATIAL, &head->convs[i], cnx_name("%s.convs.%d.conv", name.text, i),
                    width, d->mask_channels, true);
    out[n++] = pointwise(LAYER_UPSAMPLE, &head->upsample, cnx_name("%s.upsample", name.text), width,
                         d->mask_channels, true);
    out[n++] = (layer){.kind = LAYER_LOGITS,
                       .name = cnx_name("%s.conv_logits", name.text),
                       .in_c = d->mask_channels,
                       .out_c = d->mask_classes,
                       .logits = &head->logits};
    return n;
}

/* `net` is only pointed into. */
static int list_layers(cnx_detector_net *net, layer out[MAX_LAYERS])
{
    int n = list_dense(net, out);
    for (int s = 0; s < net->desc.stages; s++) {
        n += list_boxes(net, s, out + n);
        n += list_masks(net, s, out + n);
    }
    return n;
}

static void describe(cnx_detector_net *net, const cnx_detector_desc *desc,
                     const int dims[CNX_STAGES])
{
    net->desc = *desc;
    memcpy(net->dims, dims, sizeof net->dims);
}

/* ---- declaring ---- */

static void expect_layer(const layer *l, cnx_weights *w)
{
    switch (l->kind) {
    case LAYER_POINTWISE:
    case LAYER_LOGITS:
        cnx_expect_conv(w, l->name.text, l->out_c, l->in_c, 1, true);
        break;
    case LAYER_LINEAR:
    case LAYER_LINEAR_BINS:
        cnx_weights_expect(w, cnx_name("%s.weight", l->name.text).text, 2,
                           (const int64_t[]){l->out_c, l->in_c});
        cnx_weights_expect(w, cnx_name("%s.bias", l->name.text).text, 1,
                           (const int64_t[]){l->out_c});
        break;
    case LAYER_SPATIAL:
        cnx_expect_conv(w, l->name.text, l->out_c, l->in_c, 3, true);
        break;
    case LAYER_SPATIAL_BN:
        cnx_expect_conv_module(w, l->name.text, l->out_c, l->in_c, 3);
        break;
    case LAYER_UPSAMPLE:
        cnx_weights_expect(w, cnx_name("%s.weight", l->name.text).text, 4,
                           (const int64_t[]){l->in_c, l->out_c, 2, 2});
        cnx_weights_expect(w, cnx_name("%s.bias", l->name.text).text, 1,
                           (const int64_t[]){l->out_c});
        break;
    }
}

cnx_status cnx_detector_expect(const cnx_detector_desc *desc, const int dims[CNX_STAGES],
                               cnx_weights *weights, cnx_error *err)
{
    layer layers[MAX_LAYERS];
    cnx_detector_net *net = calloc(1, sizeof *net); /* list_layers wants something to point into */
    CNX_FAIL_IF(!net, CNX_ERR_MEMORY, "not enough memory for the heads");
    describe(net, desc, dims);
    const int n = list_layers(net, layers);
    for (int i = 0; i < n; i++)
        expect_layer(&layers[i], weights);
    free(net);
    return CNX_OK;
}

/* ---- reading ---- */

/* Filters and bias as the file has them, [out_c * inputs] and [out_c]. */
static cnx_status load_raw(cnx_filters *out, const layer *l, size_t inputs, cnx_weights *w,
                           cnx_error *err)
{
    size_t count;
    CNX_FAIL_IF(!cnx_mul(inputs, (size_t)l->out_c, &count), CNX_ERR_MEMORY, "%s: too large",
                l->name.text);
    CNX_TRY(
        cnx_load_floats(&out->weights, w, cnx_name("%s.weight", l->name.text).text, count, err));
    return cnx_load_floats(&out->bias, w, cnx_name("%s.bias", l->name.text).text, (size_t)l->out_c,
                           err);
}

/* [out][channel][bin] to [out][bin][channel]. */
static cnx_status bins_outward(cnx_filters *f, int channels, int out_c, cnx_error *err)
{
    const size_t c = (size_t)channels, row = BINS * c;
    float *copy;
    CNX_TRY(cnx_alloc_or_fail((void **)&copy, row * sizeof *copy, "filters", err));
    for (int o = 0; o < out_c; o++) {
        float *to = f->weights + (size_t)o * row;
        memcpy(copy, to, row * sizeof *copy);
        for (size_t i = 0; i < c; i++)
            for (size_t bin = 0; bin < BINS; bin++)
                to[bin * c + i] = copy[i * BINS + bin];
    }
    cnx_free(copy);
    return CNX_OK;
}

/* A transposed convolution's [in][out][dy][dx] to a matrix [dy][dx][out][in], the bias four times. */
static cnx_status as_pixels(cnx_filters *f, int in_c, int out_c, cnx_error *err)
{
    const size_t in = (size_t)in_c, out = (size_t)out_c;
    cnx_filters wide = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_alloc_or_fail((void **)&wide.weights, UPSAMPLED * in * out * sizeof(float),
                                "filters", err));
    CNX_CHECK(
        cnx_alloc_or_fail((void **)&wide.bias, UPSAMPLED * out * sizeof(float), "a bias", err));
    for (size_t p = 0; p < UPSAMPLED; p++)
        for (size_t o = 0; o < out; o++) {
            wide.bias[p * out + o] = f->bias[o];
            for (size_t i = 0; i < in; i++)
                wide.weights[(p * out + o) * in + i] = f->weights[(i * out + o) * UPSAMPLED + p];
        }
    cnx_filters_free(f);
    *f = wide;
    return CNX_OK;
cleanup:
    cnx_filters_free(&wide);
    return status;
}

static cnx_activation activation(const layer *l)
{
    return l->relu ? CNX_ACT_RELU : CNX_ACT_NONE;
}

static cnx_status load_pointwise(const layer *l, cnx_weights *w, const cnx_kernels *k,
                                 cnx_error *err)
{
    const int out_c = l->kind == LAYER_UPSAMPLE ? UPSAMPLED * l->out_c : l->out_c;
    cnx_filters f = {0};
    cnx_status status = CNX_OK;
    if (l->kind == LAYER_UPSAMPLE) {
        const size_t inputs = (size_t)l->in_c * UPSAMPLED;
        CNX_CHECK(load_raw(&f, l, inputs, w, err));
        CNX_CHECK(as_pixels(&f, l->in_c, l->out_c, err));
    } else {
        CNX_CHECK(load_raw(&f, l, (size_t)l->in_c, w, err));
        if (l->kind == LAYER_LINEAR_BINS)
            CNX_CHECK(bins_outward(&f, l->in_c / BINS, l->out_c, err));
    }
    CNX_CHECK(cnx_conv_init(l->conv, k, CNX_CONV_1X1, 1, l->in_c, out_c, f.weights, f.bias,
                            activation(l), err));
cleanup:
    cnx_filters_free(&f);
    return status;
}

static bool goes_winograd(const layer *l)
{
    return l->in_c >= WINOGRAD_FROM && l->out_c >= WINOGRAD_FROM;
}

static cnx_status load_spatial(const layer *l, cnx_weights *w, const cnx_kernels *k, cnx_error *err)
{
    cnx_filters f = {0};
    cnx_status status = l->kind == LAYER_SPATIAL_BN
                            ? cnx_load_conv_module(&f, w, l->name.text, 3, l->in_c, l->out_c, err)
                            : load_raw(&f, l, (size_t)l->in_c * 9, w, err);
    if (status == CNX_OK)
        status = cnx_concat_conv_init(l->spatial, k, 1, &l->in_c, l->out_c, f.weights, f.bias,
                                      l->relu, goes_winograd(l), 0, err);
    cnx_filters_free(&f);
    return status;
}

/* Each row is packed when a region asks for it: now only tried, so that it cannot fail then. */
static cnx_status try_logits(const layer *l, const float *weights, const cnx_kernels *k,
                             cnx_error *err)
{
    float *packed;
    cnx_status status = CNX_OK;
    CNX_TRY(cnx_alloc_or_fail((void **)&packed, k->gemm_packed_size(l->in_c, 1) * sizeof *packed,
                              "weights", err));
    for (int c = 0; c < l->out_c && status == CNX_OK; c++)
        status =
            cnx_kernels_pack(k, l->in_c, 1, weights + (size_t)c * (size_t)l->in_c, packed, err);
    cnx_free(packed);
    return status;
}

static cnx_status load_logits(const layer *l, cnx_weights *w, const cnx_kernels *k, cnx_error *err)
{
    cnx_filters f = {0};
    cnx_status status = load_raw(&f, l, (size_t)l->in_c, w, err);
    if (status == CNX_OK)
        status = try_logits(l, f.weights, k, err);
    if (status != CNX_OK) {
        cnx_filters_free(&f);
        return status;
    }
    l->logits->weights = f.weights;
    l->logits->bias = f.bias;
    return CNX_OK;
}

/* Shapes, which is all that planning needs. */
static void shape_layer(const layer *l)
{
    if (l->spatial) {
        cnx_concat_conv_shape(l->spatial, 1, &l->in_c, l->out_c, l->relu, goes_winograd(l), 0);
        return;
    }
    if (l->logits) {
        *l->logits = (cnx_mask_logits){
            .in_c = l->in_c,
            .classes = l->out_c,
            .shape = {.kind = CNX_CONV_1X1, .size = 1, .in_c = l->in_c, .out_c = l->out_c},
        };
        l->logits->bytes = ((size_t)l->in_c + 1) * (size_t)l->out_c * sizeof(float);
        return;
    }
    *l->conv = (cnx_conv){.kind = CNX_CONV_1X1,
                          .size = 1,
                          .in_c = l->in_c,
                          .out_c = l->kind == LAYER_UPSAMPLE ? UPSAMPLED * l->out_c : l->out_c,
                          .act = activation(l)};
}

typedef struct opening {
    layer layers[MAX_LAYERS];
    size_t sizes[MAX_LAYERS];
    int count;
    cnx_weights *weights;
    const cnx_kernels *kernels;
} opening;

static cnx_status open_layer(void *context, int index, cnx_error *err)
{
    const opening *o = context;
    const layer *l = &o->layers[index];
    cnx_status status = CNX_OK;
    shape_layer(l);
    if (o->weights)
        status = l->spatial  ? load_spatial(l, o->weights, o->kernels, err)
                 : l->logits ? load_logits(l, o->weights, o->kernels, err)
                             : load_pointwise(l, o->weights, o->kernels, err);
    if (l->kind == LAYER_SPATIAL_BN)
        l->spatial->form = CNX_FORM_BATCHNORM;
    if (l->kind == LAYER_LINEAR || l->kind == LAYER_LINEAR_BINS)
        l->conv->form = CNX_FORM_LINEAR;
    return cnx_name_layer(status, l->name.text, err);
}

cnx_status cnx_detector_net_open(cnx_detector_net **out, const cnx_detector_desc *desc,
                                 const int dims[CNX_STAGES], cnx_weights *weights,
                                 const cnx_kernels *kernels, int threads, cnx_error *err)
{
    cnx_detector_net *net = *out = calloc(1, sizeof *net);
    opening *o = calloc(1, sizeof *o);
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!net || !o, CNX_ERR_MEMORY, "not enough memory for the heads");
    describe(net, desc, dims);
    o->weights = weights;
    o->kernels = kernels;
    o->count = list_layers(net, o->layers);
    for (int i = 0; i < o->count; i++)
        o->sizes[i] =
            (size_t)o->layers[i].in_c * (size_t)o->layers[i].out_c * (o->layers[i].spatial ? 9 : 1);
    CNX_CHECK(cnx_load_layers(o->count, o->sizes, open_layer, o, weights ? threads : 1, err));
cleanup:
    free(o);
    if (status != CNX_OK)
        cnx_detector_net_close(out);
    return status;
}

void cnx_detector_net_close(cnx_detector_net **net)
{
    if (!*net)
        return;
    layer layers[MAX_LAYERS];
    const int n = list_layers(*net, layers);
    for (int i = 0; i < n; i++) {
        if (layers[i].spatial) {
            cnx_concat_conv_free(layers[i].spatial);
        } else if (layers[i].conv) {
            cnx_conv_free(layers[i].conv);
        } else {
            cnx_free(layers[i].logits->weights);
            cnx_free(layers[i].logits->bias);
        }
    }
    free(*net);
    *net = NULL;
}

size_t cnx_detector_net_bytes(const cnx_detector_net *net)
{
    layer layers[MAX_LAYERS];
    const int n = list_layers((cnx_detector_net *)(uintptr_t)net, layers); /* only read below */
    size_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += layers[i].spatial ? layers[i].spatial->bytes
                 : layers[i].conv  ? layers[i].conv->bytes
                                   : layers[i].logits->bytes;
    return bytes;
}
