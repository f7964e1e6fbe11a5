/* What a Mask R-CNN or Cascade Mask R-CNN is: shapes of its heads, and the rules of its proposals and
 * detections.  Facts alone: who needs the description of a model needs no head. */
#ifndef CNX_HEADS_DETECTOR_DESC_H
#define CNX_HEADS_DETECTOR_DESC_H

#include <stdbool.h>

#define CNX_MAX_BOX_STAGES 8
#define CNX_MAX_BOX_LAYERS 8 /* convolutions, fully connected layers of one head */
#define CNX_MAX_RATIOS     32
#define CNX_PYRAMID_LEVELS 5 /* strides 4 .. 64; RoI heads use the first four */
#define CNX_ROI_LEVELS     4

/* Region proposals: anchors and which of them go on. */
typedef struct cnx_rpn_rules {
    double anchor_scale; /* edge of a square anchor in units of its level's stride */
    int ratio_count;
    double ratios[CNX_MAX_RATIOS]; /* height / width */
    int strides[CNX_PYRAMID_LEVELS];
    int nms_pre;     /* best of each level that take part in the NMS */
    int max_per_img; /* proposals kept */
    float nms_iou;
    double min_bbox_size; /* of proposals, in pixels of the resized picture: larger ones stay */
} cnx_rpn_rules;

/* Which boxes become detections: what a run may change. */
typedef struct cnx_rcnn_rules {
    float score_thr;   /* score > score_thr */
    float nms_iou;     /* IoU > nms_iou suppresses */
    int max_per_img;   /* detections kept */
    float mask_thr;    /* a pixel of probability >= mask_thr is set */
    bool agnostic_nms; /* boxes of different classes suppress each other */
} cnx_rcnn_rules;

typedef struct cnx_detector_desc {
    bool cascade; /* names roi_head.bbox_head.{s}.*; false: a plain Mask R-CNN, of one stage */
    int stages;   /* box heads, and as many mask heads */
    int classes;  /* without the background */
    int channels; /* of the pyramid */
    int rpn_channels;
    int anchors;                       /* a place; rpn.ratio_count */
    int box_convs, box_conv_channels;  /* 3x3, before the fully connected layers; may be none */
    int box_fcs, box_fc_channels;      /* at least one */
    bool class_specific;               /* deltas for each class; false: four for all */
    int mask_convs, mask_channels;     /* 3x3; mask_channels is the upsampling's width as well */
    int mask_classes;                  /* classes, or 1 for masks of no class */
    float stds[CNX_MAX_BOX_STAGES][4]; /* of the deltas: x, y, w, h */
    cnx_rpn_rules rpn;
    cnx_rcnn_rules rcnn;
} cnx_detector_desc;

#endif
