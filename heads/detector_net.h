/*
 * The layers of a detector behind its backbone, with their weights: pyramid, region proposals, box
 * heads and mask heads.  detector_net.c opens with their architecture.
 */
#ifndef CNX_HEADS_DETECTOR_NET_H
#define CNX_HEADS_DETECTOR_NET_H

#include "backbone/convnext.h"
#include "backbone/layers.h"
#include "core/ops/concat_conv.h"
#include "core/ops/conv.h"
#include "heads/detector_desc.h"

enum { CNX_BOX_BINS = 7, CNX_MASK_BINS = 14, CNX_MASK_SIZE = 2 * CNX_MASK_BINS };

/* The last layer of a mask head: one output a class, of which a region needs its own class' alone; so
 * the weights are packed when that is known. */
typedef struct cnx_mask_logits {
    int in_c, classes;
    cnx_conv shape; /* the layer as a plan knows it: without weights */
    float *weights; /* owned, [classes][in_c] */
    float *bias;    /* owned, [classes] */
    size_t bytes;
} cnx_mask_logits;

typedef struct cnx_box_head {
    cnx_concat_conv convs[CNX_MAX_BOX_LAYERS]; /* 3x3, BatchNorm, ReLU; of one map each */
    cnx_conv fcs[CNX_MAX_BOX_LAYERS];          /* ReLU; the first over all bins, [y][x][channel] */
    cnx_conv classes, deltas;
} cnx_box_head;

typedef struct cnx_mask_head {
    cnx_concat_conv convs[CNX_MAX_BOX_LAYERS]; /* 3x3 with bias, ReLU */
    cnx_conv upsample; /* as a 1x1 convolution to 4 pixels, [dy][dx][channel]; ReLU */
    cnx_mask_logits logits;
} cnx_mask_head;

typedef struct cnx_detector_net {
    cnx_detector_desc desc;
    int dims[CNX_STAGES];
    cnx_conv laterals[CNX_STAGES];
    cnx_concat_conv outputs[CNX_STAGES];
    cnx_concat_conv rpn;
    cnx_conv rpn_classes, rpn_deltas;
    cnx_box_head boxes[CNX_MAX_BOX_STAGES];
    cnx_mask_head masks[CNX_MAX_BOX_STAGES];
} cnx_detector_net;

/* Declares the tensors: "neck.*", "rpn_head.*", "roi_head.*". */
cnx_status cnx_detector_expect(const cnx_detector_desc *desc, const int dims[CNX_STAGES],
                               cnx_weights *weights, cnx_error *err);
/* Reads and packs them on `threads` threads.  weights NULL: for planning only. */
cnx_status cnx_detector_net_open(cnx_detector_net **out, const cnx_detector_desc *desc,
                                 const int dims[CNX_STAGES], cnx_weights *weights,
                                 const cnx_kernels *kernels, int threads, cnx_error *err);
void cnx_detector_net_close(cnx_detector_net **net);
size_t cnx_detector_net_bytes(const cnx_detector_net *net);

/* What the dense part gives, as values of its plan that hold after the run. */
typedef struct cnx_detector_maps {
    cnx_value pyramid[CNX_PYRAMID_LEVELS];
    cnx_value scores[CNX_PYRAMID_LEVELS]; /* logits, [h, w, anchors] */
    cnx_value deltas[CNX_PYRAMID_LEVELS]; /* [h, w, 4 anchors], anchor-major */
} cnx_detector_maps;

/* Adds pyramid and RPN to a plan. */
cnx_status cnx_detector_net_plan(const cnx_detector_net *net, cnx_plan *plan,
                                 const cnx_value features[CNX_STAGES], cnx_detector_maps *maps,
                                 cnx_error *err);
/* Adds all box heads, or all mask heads, for one region: for what a plan tells, not to be run. */
void cnx_detector_net_plan_boxes(const cnx_detector_net *net, cnx_plan *plan);
void cnx_detector_net_plan_masks(const cnx_detector_net *net, cnx_plan *plan);

/* roi_head.<head>.<stage>, or without the number in a plain Mask R-CNN. */
cnx_layer_name cnx_roi_head_name(const cnx_detector_desc *desc, const char *head, int stage);

#endif
