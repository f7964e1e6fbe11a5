/* The architecture, read off names and shapes. */
#include <stdio.h>
#include <string.h>

#include "core/checkpoint/keyreport.h"
#include "heads/ballot.h"
#include "heads/description_parts.h"

enum { MAX_DEPTH = 1000 };

/* ---- names ---- */

static bool starts_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool any_canonical(const cnx_weights *w, const char *prefix)
{
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        if (key->canonical && starts_with(key->canonical, prefix))
            return true;
    }
    return false;
}

/* One more than the highest number that follows `prefix` in a canonical name, at most limit + 1. */
static int count_after(const cnx_weights *w, const char *prefix, int limit)
{
    const size_t skip = strlen(prefix);
    int count = 0;
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        int n = 0, digits = 0;
        if (!key->canonical || !starts_with(key->canonical, prefix))
            continue;
        const char *p = key->canonical + skip;
        for (; p[digits] >= '0' && p[digits] <= '9' && n <= limit; digits++)
            n = n * 10 + (p[digits] - '0');
        if (digits == 0 || (n <= limit && p[digits] != '.'))
            continue;
        n = n > limit ? limit : n;
        count = n + 1 > count ? n + 1 : count;
    }
    return count;
}

/* ---- backbone ---- */

static int stage_width(const cnx_weights *w, const char *prefix, int i)
{
    cnx_ballot b = {.weights = w};
    const int conv = i == 0 ? 0 : 1;
    cnx_vote(&b, -1, "%sdownsample_layers.%d.%d.bias", prefix, i, conv);
    cnx_vote(&b, 0, "%sdownsample_layers.%d.%d.weight", prefix, i, conv);
    if (i == 0) {
        cnx_vote(&b, -1, "%sdownsample_layers.0.1.weight", prefix);
        cnx_vote(&b, -1, "%sdownsample_layers.0.1.bias", prefix);
    }
    cnx_vote(&b, -1, "%sdownsample_layers.%d.0.weight", prefix, i + 1);
    cnx_vote(&b, 0, "%sstages.%d.0.dwconv.weight", prefix, i);
    cnx_vote(&b, -1, "%sstages.%d.0.dwconv.bias", prefix, i);
    cnx_vote(&b, -1, "%sstages.%d.0.norm.weight", prefix, i);
    cnx_vote(&b, -1, "%sstages.%d.0.norm.bias", prefix, i);
    cnx_vote(&b, 0, "%sstages.%d.0.pwconv2.weight", prefix, i);
    cnx_vote(&b, -1, "%sstages.%d.0.pwconv2.bias", prefix, i);
    cnx_vote(&b, -1, "%sstages.%d.0.gamma", prefix, i);
    cnx_vote(&b, -1, "%snorm%d.weight", prefix, i);
    cnx_vote(&b, -1, "%snorm%d.bias", prefix, i);
    return cnx_elect(&b, CNX_MAX_WIDTH);
}

/* Does any block of the stages have this tensor? */
static bool any_block_has(const cnx_convnext_desc *d, const cnx_weights *w, const char *prefix,
                          const char *part)
{
    char name[128];
    for (int i = 0; i < cnx_convnext_stages(d); i++)
        for (int j = 0; j < d->depths[i]; j++) {
            if (d->isotropic)
                snprintf(name, sizeof name, "%sblocks.%d.%s", prefix, j, part);
            else
                snprintf(name, sizeof name, "%sstages.%d.%d.%s", prefix, i, j, part);
            if (cnx_weights_find(w, name))
                return true;
        }
    return false;
}

/* Edge of a stage's depthwise filters, 0 for the published 7. */
static int dwconv_edge(const cnx_weights *w, const char *prefix, int i, int depth)
{
    cnx_ballot b = {.weights = w};
    for (int j = 0; j < depth; j++)
        cnx_vote(&b, 2, "%sstages.%d.%d.dwconv.weight", prefix, i, j);
    const int edge = cnx_elect(&b, 7);
    return edge == 3 || edge == 5 ? edge : 0;
}

static void describe_blocks(cnx_convnext_desc *d, const cnx_weights *w, const char *prefix)
{
    d->version = any_block_has(d, w, prefix, "grn.gamma") ? 2 : 1;
    d->unscaled = d->version == 1 && !any_block_has(d, w, prefix, "gamma");
}

static cnx_status check_stage(const cnx_convnext_desc *d, int i, const char *file,
                              const char *blocks, cnx_error *err)
{
    CNX_FAIL_IF(d->depths[i] == 0, CNX_ERR_MODEL,
                "%s: no tensors %s*: ConvNeXt has four stages, each of one block or more", file,
                blocks);
    CNX_FAIL_IF(d->depths[i] > MAX_DEPTH, CNX_ERR_MODEL,
                "%s: %s* has more than %d blocks, which no network has", file, blocks,
                (int)MAX_DEPTH);
    CNX_FAIL_IF(d->dims[i] == 0, CNX_ERR_MODEL, "%s: the shapes of %s* tell no width from 1 to %d",
                file, blocks, CNX_MAX_WIDTH);
    return CNX_OK;
}

static cnx_status describe_backbone(cnx_convnext_desc *d, const char *file, const cnx_weights *w,
                                    const char *prefix, cnx_error *err)
{
    for (int i = 0; i < CNX_STAGES; i++) {
        char blocks[64];
        snprintf(blocks, sizeof blocks, "%sstages.%d.", prefix, i);
        d->depths[i] = count_after(w, blocks, MAX_DEPTH);
        d->dims[i] = stage_width(w, prefix, i);
        CNX_TRY(check_stage(d, i, file, blocks, err));
        d->dwconv[i] = dwconv_edge(w, prefix, i, d->depths[i]);
    }
    describe_blocks(d, w, prefix);
    return CNX_OK;
}

static cnx_status describe_isotropic(cnx_convnext_desc *d, const char *file, const cnx_weights *w,
                                     cnx_error *err)
{
    cnx_ballot b = {.weights = w};
    cnx_vote(&b, 0, "stem.weight");
    cnx_vote(&b, -1, "stem.bias");
    cnx_vote(&b, -1, "norm.weight");
    cnx_vote(&b, -1, "norm.bias");
    cnx_vote(&b, 0, "blocks.0.dwconv.weight");
    cnx_vote(&b, -1, "blocks.0.norm.weight");
    cnx_vote(&b, 0, "blocks.0.pwconv2.weight");
    cnx_vote(&b, -1, "blocks.0.pwconv2.bias");
    d->isotropic = true;
    d->depths[0] = count_after(w, "blocks.", MAX_DEPTH);
    d->dims[0] = cnx_elect(&b, CNX_MAX_WIDTH);
    CNX_TRY(check_stage(d, 0, file, "blocks.", err));
    describe_blocks(d, w, "");
    return CNX_OK;
}

/* ---- heads ---- */

static cnx_status describe_upernet(cnx_upernet_desc *d, const char *file, const cnx_weights *w,
                                   cnx_error *err)
{
    cnx_ballot width = {.weights = w}, classes = {.weights = w};
    cnx_vote(&width, 0, "decode_head.fpn_bottleneck.conv.weight");
    cnx_vote(&width, -1, "decode_head.fpn_bottleneck.bn.weight");
    cnx_vote(&width, 0, "decode_head.bottleneck.conv.weight");
    cnx_vote(&width, -1, "decode_head.bottleneck.bn.weight");
    cnx_vote(&width, 0, "decode_head.lateral_convs.0.conv.weight");
    cnx_vote(&width, -1, "decode_head.lateral_convs.0.bn.weight");
    cnx_vote(&width, 0, "decode_head.fpn_convs.0.conv.weight");
    cnx_vote(&width, -1, "decode_head.fpn_convs.0.bn.weight");
    cnx_vote(&width, 0, "decode_head.psp_modules.0.1.conv.weight");
    cnx_vote(&width, 1, "decode_head.conv_seg.weight");
    cnx_vote(&classes, 0, "decode_head.conv_seg.weight");
    cnx_vote(&classes, -1, "decode_head.conv_seg.bias");
    cnx_vote(&classes, 0, "auxiliary_head.conv_seg.weight");
    cnx_vote(&classes, -1, "auxiliary_head.conv_seg.bias");
    d->channels = cnx_elect(&width, CNX_MAX_WIDTH);
    d->classes = cnx_elect(&classes, CNX_MAX_CLASSES);
    d->pools = count_after(w, "decode_head.psp_modules.", CNX_MAX_POOLS);
    CNX_FAIL_IF(d->pools == 0, CNX_ERR_UNSUPPORTED,
                "%s: decode_head has no psp_modules: the head is not UPerHead, the only one that "
                "is known for segmentation",
                file);
    CNX_FAIL_IF(d->pools > CNX_MAX_POOLS, CNX_ERR_UNSUPPORTED,
                "%s: decode_head.psp_modules has more than %d branches", file, CNX_MAX_POOLS);
    CNX_FAIL_IF(d->channels == 0, CNX_ERR_MODEL,
                "%s: the shapes of decode_head.* tell no width from 1 to %d", file, CNX_MAX_WIDTH);
    CNX_FAIL_IF(d->classes == 0, CNX_ERR_MODEL,
                "%s: decode_head.conv_seg tells no class count from 1 to %d", file,
                CNX_MAX_CLASSES);
    return CNX_OK;
}

/* ---- what kind of file ---- */

static cnx_status refuse_without_backbone(const char *file, const cnx_weights *w, cnx_error *err)
{
    CNX_FAIL_IF(cnx_weights_key_count(w) == 0, CNX_ERR_MODEL, "%s: the file holds no tensors",
                file);
    const cnx_shown_name first = cnx_show_name(cnx_weights_key(w, 0)->tensor->name);
    return cnx_fail(err, CNX_ERR_MODEL,
                    "%s: no ConvNeXt in it: none of its %zu tensors is named like a stem, a "
                    "downsampling or a block in any known dialect (the first is %s)",
                    file, cnx_weights_key_count(w), first.text);
}

cnx_status cnx_describe_shapes(cnx_description *d, const cnx_checkpoint *checkpoint,
                               const cnx_weights *w, cnx_error *err)
{
    const char *file = cnx_checkpoint_name(checkpoint);
    const bool isotropic = any_canonical(w, "blocks.") && !any_canonical(w, "stages.");
    const bool prefixed =
        any_canonical(w, "backbone.stages.") || any_canonical(w, "backbone.downsample_layers.");
    if (!isotropic && !prefixed && !any_canonical(w, "stages.") &&
        !any_canonical(w, "downsample_layers."))
        return refuse_without_backbone(file, w, err);
    const bool segmentor = any_canonical(w, "decode_head.");
    const bool detector =
        !segmentor && (any_canonical(w, "rpn_head.") || any_canonical(w, "roi_head."));
    CNX_FAIL_IF((segmentor || detector) && !prefixed, CNX_ERR_MODEL,
                "%s: %s is there, but the backbone's names lack \"backbone.\"", file,
                segmentor ? "decode_head.*" : "rpn_head.* or roi_head.*");
    if (isotropic)
        CNX_TRY(describe_isotropic(&d->backbone, file, w, err));
    else
        CNX_TRY(describe_backbone(&d->backbone, file, w, prefixed ? "backbone." : "", err));
    if (segmentor) {
        d->task = CNX_TASK_SEGMENTATION;
        CNX_TRY(describe_upernet(&d->upernet, file, w, err));
        d->class_count = d->upernet.classes;
        return CNX_OK;
    }
    if (detector) {
        d->task = CNX_TASK_DETECTION;
        CNX_TRY(cnx_describe_detector(&d->detector, file, w, err));
        d->class_count = d->detector.classes;
        return CNX_OK;
    }
    CNX_FAIL_IF(!any_canonical(w, "head."), CNX_ERR_MODEL,
                "%s: a bare ConvNeXt backbone: no segmentation head (decode_head.*) and no "
                "classifier; to segment, use a UPerNet checkpoint such as "
                "upernet_convnext_tiny_1k_512x512.pth, or the built-in demo model",
                file);
    return cnx_describe_classifier(d, file, w, err);
}
