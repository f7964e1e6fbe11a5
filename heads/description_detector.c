/* A detector's architecture, read off the names and shapes of its pyramid and heads. */
#include <string.h>

#include "backbone/layers.h"
#include "heads/ballot.h"
#include "heads/description_parts.h"

#define MAX_CLASSES 65534 /* with the background they are counted by 16 bits */

/* One more than the highest number below `limit` for which a tensor of either name is there. */
static int count_layers(const cnx_weights *w, const char *prefix, const char *first,
                        const char *second, int limit)
{
    int count = 0;
    for (int i = 0; i < limit; i++)
        if (cnx_weights_find(w, cnx_name("%s.%d.%s", prefix, i, first).text) ||
            cnx_weights_find(w, cnx_name("%s.%d.%s", prefix, i, second).text))
            count = i + 1;
    return count;
}

/* The stages of the box heads (0 for names without a number), and those of the mask heads. */
static cnx_status count_stages(cnx_detector_desc *d, const char *file, const cnx_weights *w,
                               cnx_error *err)
{
    const int limit = CNX_MAX_BOX_STAGES + 1;
    const int boxes =
        count_layers(w, "roi_head.bbox_head", "fc_cls.weight", "fc_reg.weight", limit);
    const int masks =
        count_layers(w, "roi_head.mask_head", "conv_logits.weight", "convs.0.conv.weight", limit);
    d->cascade = boxes > 0;
    d->stages = d->cascade ? boxes : 1;
    CNX_FAIL_IF(boxes > CNX_MAX_BOX_STAGES, CNX_ERR_UNSUPPORTED,
                "%s: roi_head.bbox_head has more than %d stages", file, CNX_MAX_BOX_STAGES);
    const bool plain_masks = cnx_weights_find(w, "roi_head.mask_head.conv_logits.weight") ||
                             cnx_weights_find(w, "roi_head.mask_head.upsample.weight");
    CNX_FAIL_IF(masks == 0 && !plain_masks, CNX_ERR_UNSUPPORTED,
                "%s: a detector without mask heads (no tensors roi_head.mask_head.*); known are "
                "Mask R-CNN and Cascade Mask R-CNN",
                file);
    CNX_FAIL_IF(d->cascade && masks != boxes, CNX_ERR_UNSUPPORTED,
                "%s: %d box heads and %d mask heads; each stage has one of both", file, boxes,
                masks);
    return CNX_OK;
}

/* roi_head.<head>, with the number of a stage where names have one. */
static cnx_layer_name head_name(const cnx_detector_desc *d, const char *head, int stage)
{
    return d->cascade ? cnx_name("roi_head.%s.%d", head, stage) : cnx_name("roi_head.%s", head);
}

static void describe_pyramid(cnx_detector_desc *d, const cnx_weights *w)
{
    cnx_ballot width = {.weights = w}, rpn = {.weights = w}, anchors = {.weights = w};
    for (int i = 0; i < CNX_STAGES; i++) {
        cnx_vote(&width, 0, "neck.lateral_convs.%d.conv.weight", i);
        cnx_vote(&width, -1, "neck.lateral_convs.%d.conv.bias", i);
        cnx_vote(&width, 0, "neck.fpn_convs.%d.conv.weight", i);
    }
    cnx_vote(&rpn, 0, "rpn_head.rpn_conv.weight");
    cnx_vote(&rpn, -1, "rpn_head.rpn_conv.bias");
    cnx_vote(&rpn, 1, "rpn_head.rpn_cls.weight");
    cnx_vote(&rpn, 1, "rpn_head.rpn_reg.weight");
    cnx_vote(&anchors, 0, "rpn_head.rpn_cls.weight");
    cnx_vote(&anchors, -1, "rpn_head.rpn_cls.bias");
    d->channels = cnx_elect(&width, CNX_MAX_WIDTH);
    d->rpn_channels = cnx_elect(&rpn, CNX_MAX_WIDTH);
    d->anchors = cnx_elect(&anchors, CNX_MAX_RATIOS);
}

static void describe_boxes(cnx_detector_desc *d, const cnx_weights *w)
{
    cnx_ballot conv = {.weights = w}, fc = {.weights = w};
    cnx_ballot classes = {.weights = w}, deltas = {.weights = w};
    const cnx_layer_name first = head_name(d, "bbox_head", 0);
    d->box_convs = count_layers(w, cnx_name("%s.shared_convs", first.text).text, "conv.weight",
                                "bn.weight", CNX_MAX_BOX_LAYERS + 1);
    d->box_fcs = count_layers(w, cnx_name("%s.shared_fcs", first.text).text, "weight", "bias",
                              CNX_MAX_BOX_LAYERS + 1);
    for (int s = 0; s < d->stages; s++) {
        const cnx_layer_name head = head_name(d, "bbox_head", s);
        cnx_vote(&conv, 0, "%s.shared_convs.0.conv.weight", head.text);
        cnx_vote(&conv, -1, "%s.shared_convs.0.bn.weight", head.text);
        cnx_vote(&fc, 0, "%s.shared_fcs.0.weight", head.text);
        cnx_vote(&fc, -1, "%s.shared_fcs.0.bias", head.text);
        cnx_vote(&classes, 0, "%s.fc_cls.weight", head.text);
        cnx_vote(&classes, -1, "%s.fc_cls.bias", head.text);
        cnx_vote(&deltas, 0, "%s.fc_reg.weight", head.text);
        cnx_vote(&deltas, -1, "%s.fc_reg.bias", head.text);
    }
    d->box_conv_channels = d->box_convs ? cnx_elect(&conv, CNX_MAX_WIDTH) : d->channels;
    d->box_fc_channels = cnx_elect(&fc, CNX_MAX_WIDTH);
    d->classes = cnx_elect(&classes, MAX_CLASSES + 1) - 1; /* the background is the last */
    d->class_specific = cnx_elect(&deltas, 4 * MAX_CLASSES) != 4;
}

static void describe_masks(cnx_detector_desc *d, const cnx_weights *w)
{
    cnx_ballot conv = {.weights = w}, classes = {.weights = w};
    const cnx_layer_name first = head_name(d, "mask_head", 0);
    d->mask_convs = count_layers(w, cnx_name("%s.convs", first.text).text, "conv.weight",
                                 "conv.bias", CNX_MAX_BOX_LAYERS + 1);
    for (int s = 0; s < d->stages; s++) {
        const cnx_layer_name head = head_name(d, "mask_head", s);
        cnx_vote(&conv, -1, "%s.convs.0.conv.bias", head.text);
        cnx_vote(&conv, 1, "%s.upsample.weight", head.text);
        cnx_vote(&conv, -1, "%s.upsample.bias", head.text);
        cnx_vote(&classes, 0, "%s.conv_logits.weight", head.text);
        cnx_vote(&classes, -1, "%s.conv_logits.bias", head.text);
    }
    d->mask_channels = cnx_elect(&conv, CNX_MAX_WIDTH);
    d->mask_classes = cnx_elect(&classes, MAX_CLASSES) == 1 ? 1 : d->classes;
}

/* What no vote decided, or is more than can be run. */
static cnx_status check_sizes(const cnx_detector_desc *d, const char *file, const cnx_weights *w,
                              cnx_error *err)
{
    const struct {
        int size;
        const char *names, *what;
    } needed[] = {
        {d->channels, "neck.lateral_convs.*", "width"},
        {d->rpn_channels, "rpn_head.rpn_conv", "width"},
        {d->anchors, "rpn_head.rpn_cls", "number of anchors"},
        {d->box_conv_channels, "roi_head.bbox_head.*.shared_convs.*", "width"},
        {d->box_fcs, "roi_head.bbox_head.*.shared_fcs.*", "number of layers"},
        {d->box_fc_channels, "roi_head.bbox_head.*.shared_fcs.*", "width"},
        {d->classes, "roi_head.bbox_head.*.fc_cls", "class count"},
        {d->mask_channels, "roi_head.mask_head.*", "width"},
    };
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        CNX_FAIL_IF(needed[i].size < 1, CNX_ERR_MODEL, "%s: the shapes of %s tell no %s", file,
                    needed[i].names, needed[i].what);
    CNX_FAIL_IF(d->box_convs > CNX_MAX_BOX_LAYERS || d->box_fcs > CNX_MAX_BOX_LAYERS ||
                    d->mask_convs > CNX_MAX_BOX_LAYERS,
                CNX_ERR_UNSUPPORTED, "%s: a head of roi_head has more than %d layers of a kind",
                file, CNX_MAX_BOX_LAYERS);
    CNX_FAIL_IF(cnx_weights_find(w, "neck.fpn_convs.4.conv.weight"), CNX_ERR_UNSUPPORTED,
                "%s: neck.fpn_convs has more than %d levels: known is the pyramid whose last level "
                "is the one before, subsampled",
                file, CNX_STAGES);
    return CNX_OK;
}

cnx_status cnx_describe_detector(cnx_detector_desc *d, const char *file, const cnx_weights *w,
                                 cnx_error *err)
{
    CNX_TRY(count_stages(d, file, w, err));
    describe_pyramid(d, w);
    describe_boxes(d, w);
    describe_masks(d, w);
    return check_sizes(d, file, w, err);
}
