/* The detector's layers as plans: pyramid and RPN, which run from theirs; box and mask heads for one
 * region, of which a plan only tells. */
#include "heads/detector_net.h"

static void plan_laterals(const cnx_detector_net *net, cnx_plan *plan,
                          const cnx_value features[CNX_STAGES], cnx_value l[CNX_STAGES])
{
    for (int i = 0; i < CNX_STAGES; i++) {
        l[i] = cnx_plan_map(plan, features[i].h, features[i].w, net->desc.channels);
        cnx_plan_conv(plan, cnx_name("neck.lateral_convs.%d.conv", i).text, &net->laterals[i],
                      features[i], l[i]);
    }
    for (int i = CNX_STAGES - 1; i > 0; i--)
        cnx_plan_nearest_add(plan, cnx_name("neck.top_down.%d", i - 1).text, l[i], l[i - 1]);
}

static void plan_pyramid(const cnx_detector_net *net, cnx_plan *plan, const cnx_value l[CNX_STAGES],
                         cnx_value p[CNX_PYRAMID_LEVELS])
{
    for (int i = CNX_STAGES - 1; i >= 0; i--) {
        p[i] = cnx_plan_map(plan, l[i].h, l[i].w, net->desc.channels);
        cnx_plan_concat_conv(plan, cnx_name("neck.fpn_convs.%d.conv", i).text, &net->outputs[i],
                             &l[i], p[i]);
    }
    const cnx_value last = p[CNX_STAGES - 1];
    p[CNX_STAGES] = cnx_plan_map(plan, (last.h + 1) / 2, (last.w + 1) / 2, last.c);
    cnx_plan_subsample(plan, "neck.subsample", last, p[CNX_STAGES]);
}

/* The same layers on every level. */
static void plan_rpn(const cnx_detector_net *net, cnx_plan *plan, cnx_detector_maps *maps)
{
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++) {
        const cnx_value p = maps->pyramid[i];
        const cnx_value hidden = cnx_plan_map(plan, p.h, p.w, net->desc.rpn_channels);
        maps->scores[i] = cnx_plan_map(plan, p.h, p.w, net->desc.anchors);
        maps->deltas[i] = cnx_plan_map(plan, p.h, p.w, 4 * net->desc.anchors);
        cnx_plan_concat_conv(plan, "rpn_head.rpn_conv", &net->rpn, &p, hidden);
        cnx_plan_conv(plan, "rpn_head.rpn_cls", &net->rpn_classes, hidden, maps->scores[i]);
        cnx_plan_conv(plan, "rpn_head.rpn_reg", &net->rpn_deltas, hidden, maps->deltas[i]);
    }
}

cnx_status cnx_detector_net_plan(const cnx_detector_net *net, cnx_plan *plan,
                                 const cnx_value features[CNX_STAGES], cnx_detector_maps *maps,
                                 cnx_error *err)
{
    for (int i = 0; i < CNX_STAGES; i++)
        CNX_FAIL_IF(features[i].c != net->dims[i], CNX_ERR_INTERNAL,
                    "feature %d has %d channels, the pyramid wants %d", i, features[i].c,
                    net->dims[i]);
    cnx_value l[CNX_STAGES];
    plan_laterals(net, plan, features, l);
    plan_pyramid(net, plan, l, maps->pyramid);
    plan_rpn(net, plan, maps);
    /* Marks at the end: these maps hold until the next run. */
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++) {
        cnx_plan_mark(plan, cnx_name("fpn%d", i).text, maps->pyramid[i]);
        cnx_plan_mark(plan, cnx_name("rpn_cls%d", i).text, maps->scores[i]);
        cnx_plan_mark(plan, cnx_name("rpn_reg%d", i).text, maps->deltas[i]);
    }
    return CNX_OK;
}

/* ---- one region ---- */

static void plan_box_head(const cnx_detector_net *net, int stage, cnx_plan *plan)
{
    const cnx_detector_desc *d = &net->desc;
    const cnx_box_head *head = &net->boxes[stage];
    const cnx_layer_name name = cnx_roi_head_name(d, "bbox_head", stage);
    cnx_value x = cnx_plan_map(plan, CNX_BOX_BINS, CNX_BOX_BINS, d->channels);
    for (int i = 0; i < d->box_convs; i++) {
        const cnx_value y = cnx_plan_map(plan, x.h, x.w, d->box_conv_channels);
        cnx_plan_concat_conv(plan, cnx_name("%s.shared_convs.%d", name.text, i).text,
                             &head->convs[i], &x, y);
        x = y;
    }
    for (int i = 0; i < d->box_fcs; i++) {
        const cnx_value y = cnx_plan_map(plan, 1, 1, d->box_fc_channels);
        cnx_plan_conv(plan, cnx_name("%s.shared_fcs.%d", name.text, i).text, &head->fcs[i], x, y);
        x = y;
    }
    cnx_plan_conv(plan, cnx_name("%s.fc_cls", name.text).text, &head->classes, x,
                  cnx_plan_map(plan, 1, 1, head->classes.out_c));
    cnx_plan_conv(plan, cnx_name("%s.fc_reg", name.text).text, &head->deltas, x,
                  cnx_plan_map(plan, 1, 1, head->deltas.out_c));
}

void cnx_detector_net_plan_boxes(const cnx_detector_net *net, cnx_plan *plan)
{
    for (int s = 0; s < net->desc.stages; s++)
        plan_box_head(net, s, plan);
}

/* As the definition has it, with all classes. */
static void plan_mask_head(const cnx_detector_net *net, int stage, cnx_plan *plan)
{
    const cnx_detector_desc *d = &net->desc;
    const cnx_mask_head *head = &net->masks[stage];
    const cnx_layer_name name = cnx_roi_head_name(d, "mask_head", stage);
    cnx_value x = cnx_plan_map(plan, CNX_MASK_BINS, CNX_MASK_BINS, d->channels);
    for (int i = 0; i < d->mask_convs; i++) {
        const cnx_value y = cnx_plan_map(plan, x.h, x.w, d->mask_channels);
        cnx_plan_concat_conv(plan, cnx_name("%s.convs.%d.conv", name.text, i).text, &head->convs[i],
                             &x, y);
        x = y;
    }
    cnx_plan_conv(plan, cnx_name("%s.upsample", name.text).text, &head->upsample, x,
                  cnx_plan_map(plan, CNX_MASK_BINS, CNX_MASK_BINS, head->upsample.out_c));
    x = cnx_plan_map(plan, CNX_MASK_SIZE, CNX_MASK_SIZE, d->mask_channels);
    cnx_plan_conv(plan, cnx_name("%s.conv_logits", name.text).text, &head->logits.shape, x,
                  cnx_plan_map(plan, CNX_MASK_SIZE, CNX_MASK_SIZE, d->mask_classes));
}

void cnx_detector_net_plan_masks(const cnx_detector_net *net, cnx_plan *plan)
{
    for (int s = 0; s < net->desc.stages; s++)
        plan_mask_head(net, s, plan);
}
