#include "heads/proposals.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/boxes.h"
#include "core/ops/nms.h"

static const char what[] = "proposals";

void cnx_proposals_free(cnx_proposals *p)
{
    cnx_free(p->boxes);
    cnx_free(p->scores);
    *p = (cnx_proposals){0};
}

void cnx_anchor(const cnx_rpn_rules *rules, int level, int a, float out[4])
{
    const float stride = (float)rules->strides[level], scale = (float)rules->anchor_scale;
    const float high = sqrtf((float)rules->ratios[a]), wide = 1 / high;
    const float w = stride * wide * scale, h = stride * high * scale;
    out[0] = -0.5f * w;
    out[1] = -0.5f * h;
    out[2] = 0.5f * w;
    out[3] = 0.5f * h;
}

/* What goes into the NMS, level after level. */
typedef struct candidates {
    float (*boxes)[4];
    float *scores;
    int *levels;
    int count;
} candidates;

/* One level's scores, and room to choose among them. */
typedef struct level {
    const cnx_rpn_rules *rules;
    const cnx_rpn_maps *maps;
    int index;
    float *scores;  /* [anchors of the level] */
    uint64_t *keys; /* [anchors of the level] */
    int *order;     /* [nms_pre] */
} level;

static int anchors_of(const cnx_rpn_maps *maps, int index)
{
    const cnx_map m = maps->scores[index];
    return m.h * m.w * m.c;
}

static cnx_status score_level(const level *l, int n, cnx_error *err)
{
    const float *logits = l->maps->scores[l->index].data;
    for (int i = 0; i < n; i++) {
        CNX_FAIL_IF(isnan(logits[i]), CNX_ERR_MODEL,
                    "the network's scores are not numbers (level %d of rpn_head.rpn_cls): its "
                    "weights are damaged, or too large for float32",
                    l->index);
        l->scores[i] = 1 / (1 + expf(-logits[i]));
    }
    return CNX_OK;
}

static void anchor_at(const level *l, int index, float out[4])
{
    const cnx_map m = l->maps->scores[l->index];
    const int place = index / m.c, stride = l->rules->strides[l->index];
    const float x = (float)(place % m.w * stride), y = (float)(place / m.w * stride);
    cnx_anchor(l->rules, l->index, index % m.c, out);
    out[0] += x;
    out[1] += y;
    out[2] += x;
    out[3] += y;
}

static cnx_status choose_level(const level *l, candidates *to, cnx_error *err)
{
    static const float stds[4] = {1, 1, 1, 1};
    const int n = anchors_of(l->maps, l->index);
    const int top = n < l->rules->nms_pre ? n : l->rules->nms_pre;
    const float *deltas = l->maps->deltas[l->index].data;
    const float least = (float)l->rules->min_bbox_size;
    CNX_TRY(score_level(l, n, err));
    cnx_top_scores(l->scores, n, top, l->order, l->keys);
    for (int i = 0; i < top; i++) {
        const int from = l->order[i];
        float *box = to->boxes[to->count];
        anchor_at(l, from, box);
        cnx_box_decode(box, deltas + 4 * (size_t)from, stds, box);
        cnx_box_clip(box, (float)l->maps->width, (float)l->maps->height);
        if (least >= 0 && !(box[2] - box[0] > least && box[3] - box[1] > least))
            continue;
        to->scores[to->count] = l->scores[from];
        to->levels[to->count++] = l->index;
    }
    return CNX_OK;
}

static void free_candidates(candidates *c)
{
    cnx_free(c->boxes);
    cnx_free(c->scores);
    cnx_free(c->levels);
}

static cnx_status gather(candidates *c, const cnx_rpn_rules *rules, const cnx_rpn_maps *maps,
                         cnx_error *err)
{
    level l = {.rules = rules, .maps = maps};
    cnx_status status = CNX_OK;
    size_t most = 0, all = 0;
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++) {
        const size_t n = (size_t)anchors_of(maps, i), pre = (size_t)rules->nms_pre;
        most = n > most ? n : most;
        all += n < pre ? n : pre;
    }
    const size_t top = most < (size_t)rules->nms_pre ? most : (size_t)rules->nms_pre;
    CNX_CHECK(cnx_alloc_or_fail((void **)&c->boxes, all * sizeof *c->boxes, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&c->scores, all * sizeof *c->scores, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&c->levels, all * sizeof *c->levels, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&l.scores, most * sizeof *l.scores, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&l.keys, most * sizeof *l.keys, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&l.order, top * sizeof *l.order, what, err));
    for (l.index = 0; l.index < CNX_PYRAMID_LEVELS; l.index++)
        CNX_CHECK(choose_level(&l, c, err));
cleanup:
    cnx_free(l.scores);
    cnx_free(l.keys);
    cnx_free(l.order);
    return status;
}

cnx_status cnx_propose(cnx_proposals *out, const cnx_kernels *k, const cnx_rpn_rules *rules,
                       const cnx_rpn_maps *maps, cnx_error *err)
{
    candidates c = {0};
    int *keep = NULL, kept = 0;
    cnx_status status = CNX_OK;
    *out = (cnx_proposals){0};
    CNX_CHECK(gather(&c, rules, maps, err));
    if (c.count == 0)
        goto cleanup;
    const int most = c.count < rules->max_per_img ? c.count : rules->max_per_img;
    CNX_CHECK(cnx_alloc_or_fail((void **)&keep, (size_t)most * sizeof *keep, what, err));
    const cnx_nms_request nms = {.boxes = (const float(*)[4])c.boxes,
                                 .scores = c.scores,
                                 .groups = c.levels,
                                 .count = c.count,
                                 .iou = rules->nms_iou,
                                 .max_kept = most};
    CNX_CHECK(cnx_nms(k, &nms, keep, &kept, err));
    CNX_CHECK(
        cnx_alloc_or_fail((void **)&out->boxes, (size_t)kept * sizeof *out->boxes, what, err));
    CNX_CHECK(
        cnx_alloc_or_fail((void **)&out->scores, (size_t)kept * sizeof *out->scores, what, err));
    for (int i = 0; i < kept; i++) {
        memcpy(out->boxes[i], c.boxes[keep[i]], sizeof *out->boxes);
        out->scores[i] = c.scores[keep[i]];
    }
    out->count = kept;
cleanup:
    free_candidates(&c);
    cnx_free(keep);
    if (status != CNX_OK)
        cnx_proposals_free(out);
    return status;
}
