/*
 * Which detection finds which target (cocoeval's evaluateImg): for all thresholds and ranges of area of one
 * category.  Detections that overlap nothing well enough are seen at once and cost nothing more.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "eval/coco_private.h"

void cnx_coco_matches_free(cnx_coco_matches *m)
{
    free(m->keys);
    free(m->detection);
    free(m->rank);
    free(m->in_range);
    free(m->right);
    free(m->excused);
    *m = (cnx_coco_matches){0};
}

static cnx_status prepare(cnx_coco_matches *m, size_t room, int words, cnx_error *err)
{
    m->count = 0;
    if (room <= m->room && words == m->words)
        return CNX_OK;
    cnx_coco_matches_free(m);
    const size_t wide = room * (size_t)words;
    m->keys = malloc(room * sizeof *m->keys);
    m->detection = malloc(room * sizeof *m->detection);
    m->rank = malloc(room * sizeof *m->rank);
    m->in_range = malloc(room * sizeof *m->in_range);
    m->right = malloc(wide * sizeof *m->right);
    m->excused = malloc(wide * sizeof *m->excused);
    CNX_FAIL_IF(!m->keys || !m->detection || !m->rank || !m->in_range || !m->right || !m->excused,
                CNX_ERR_MEMORY, "not enough memory to match %zu detections", room);
    m->room = room;
    m->words = words;
    return CNX_OK;
}

/* One picture's detections and targets. */
typedef struct matcher {
    const cnx_coco_scorer *s;
    cnx_coco_kind kind;
    cnx_coco_matches *m;
    size_t first; /* of the picture's entries in m */
    size_t count; /* detections */
    size_t begin, target_count;
    double *iou;          /* owned; [count][target_count] */
    uint32_t *candidates; /* owned; [candidate_count]: detections that could find something */
    size_t candidate_count;
    uint32_t *sorted; /* owned; [target_count]: those that count first */
    bool *ignored;    /* owned; [target_count], in that order */
    bool *taken;      /* owned; the same */
    size_t iou_room, candidate_room, target_room;
} matcher;

static void matcher_free(matcher *x)
{
    free(x->iou);
    free(x->candidates);
    free(x->sorted);
    free(x->ignored);
    free(x->taken);
}

static cnx_status matcher_reserve(matcher *x, cnx_error *err)
{
    size_t cells, bytes;
    CNX_FAIL_IF(!cnx_mul(x->count, x->target_count, &cells) ||
                    !cnx_mul(cells, sizeof *x->iou, &bytes),
                CNX_ERR_MEMORY, "too many detections and annotations in one picture");
    if (cells > x->iou_room) {
        free(x->iou);
        x->iou = malloc(bytes);
        x->iou_room = x->iou ? cells : 0;
        CNX_FAIL_IF(!x->iou, CNX_ERR_MEMORY, "not enough memory for %zu overlaps", cells);
    }
    if (x->count > x->candidate_room) {
        free(x->candidates);
        x->candidates = malloc(x->count * sizeof *x->candidates);
        x->candidate_room = x->candidates ? x->count : 0;
        CNX_FAIL_IF(!x->candidates, CNX_ERR_MEMORY, "not enough memory to match %zu detections",
                    x->count);
    }
    if (x->target_count > x->target_room) {
        free(x->sorted);
        free(x->ignored);
        free(x->taken);
        x->sorted = malloc(x->target_count * sizeof *x->sorted);
        x->ignored = malloc(x->target_count * sizeof *x->ignored);
        x->taken = malloc(x->target_count * sizeof *x->taken);
        x->target_room = x->sorted && x->ignored && x->taken ? x->target_count : 0;
        CNX_FAIL_IF(x->target_room == 0, CNX_ERR_MEMORY,
                    "not enough memory to match %zu annotations", x->target_count);
    }
    return CNX_OK;
}

static double least(double threshold)
{
    const double limit = 1 - 1e-10;
    return threshold < limit ? threshold : limit;
}

/* Spreads the kept overlaps into the matrix, and lists the detections with a sufficient one. */
static void fill_overlaps(matcher *x)
{
    const cnx_coco_detections *all = &x->s->all;
    const cnx_coco_params *p = &x->s->params;
    double lowest = least(p->thresholds[0]);
    for (int t = 1; t < p->threshold_count; t++)
        lowest = fmin(lowest, least(p->thresholds[t]));
    x->candidate_count = 0;
    for (size_t d = 0; d < x->count; d++) {
        const uint32_t at = x->m->detection[x->first + d];
        double *row = x->iou + d * x->target_count;
        bool candidate = lowest <= 0;
        memset(row, 0, x->target_count * sizeof *row);
        for (size_t i = at > 0 ? all->list[at - 1].pairs[x->kind] : 0;
             i < all->list[at].pairs[x->kind]; i++) {
            const cnx_coco_pair *pair = &all->pairs[x->kind].list[i];
            if (pair->target < x->begin || pair->target >= x->begin + x->target_count)
                continue;
            row[pair->target - x->begin] = pair->iou;
            candidate |= !(pair->iou < lowest);
        }
        if (candidate)
            x->candidates[x->candidate_count++] = (uint32_t)d;
    }
}

/* The targets that count in the range come first, each group in its order. */
static void sort_targets(matcher *x, const cnx_coco_range *range)
{
    const cnx_coco_target *targets = x->s->targets + x->begin;
    size_t n = 0;
    for (int ignored = 0; ignored < 2; ignored++)
        for (size_t g = 0; g < x->target_count; g++)
            if (cnx_coco_ignored(&targets[g], range) == (ignored != 0)) {
                x->ignored[n] = ignored != 0;
                x->sorted[n++] = (uint32_t)g;
            }
}

/* The place in `sorted` of what the detection finds, or -1.  Of equal overlaps the later target wins; NaN
 * overlaps with everything, as comparisons with it fail. */
static int find_target(const matcher *x, const double *row, double threshold)
{
    double best = least(threshold);
    int found = -1;
    for (size_t i = 0; i < x->target_count; i++) {
        const uint32_t g = x->sorted[i];
        if (x->taken[i] && !x->s->targets[x->begin + g].crowd)
            continue;
        if (found >= 0 && !x->ignored[found] && x->ignored[i])
            break;
        if (row[g] < best)
            continue;
        best = row[g];
        found = (int)i;
    }
    return found;
}

static void match_range(matcher *x, int range)
{
    const cnx_coco_params *p = &x->s->params;
    sort_targets(x, &p->ranges[range]);
    for (int t = 0; t < p->threshold_count; t++) {
        const int bit = range * p->threshold_count + t, word = bit / 64;
        const uint64_t mark = (uint64_t)1 << bit % 64;
        memset(x->taken, 0, x->target_count * sizeof *x->taken);
        for (size_t c = 0; c < x->candidate_count; c++) {
            const uint32_t d = x->candidates[c];
            const int found = find_target(x, x->iou + d * x->target_count, p->thresholds[t]);
            if (found < 0)
                continue;
            x->taken[found] = true;
            const size_t at = (x->first + d) * (size_t)x->m->words + (size_t)word;
            const bool ignored = x->ignored[found];
            /* Found by an id of 0, a detection counts as having found nothing. */
            const bool id_zero = x->s->targets[x->begin + x->sorted[found]].id_zero;
            if (!id_zero && !ignored)
                x->m->right[at] |= mark;
            if (!id_zero || ignored)
                x->m->excused[at] |= mark;
        }
    }
}

static uint64_t ranges_of(const cnx_coco_params *p, double area)
{
    uint64_t bits = 0;
    for (int r = 0; r < p->range_count; r++)
        if (!(area < p->ranges[r].low || area > p->ranges[r].high))
            bits |= (uint64_t)1 << r;
    return bits;
}

/* A picture's detections by score, as many as take part, behind those of the pictures before. */
static void put_picture(matcher *x, const uint32_t *order, size_t count, cnx_coco_keyed *keyed,
                        cnx_coco_keyed *scratch)
{
    cnx_coco_matches *m = x->m;
    const cnx_coco_params *p = &x->s->params;
    const size_t most = (size_t)p->max_dets[p->max_det_count - 1];
    for (size_t i = 0; i < count; i++)
        keyed[i] = (cnx_coco_keyed){cnx_coco_score_key(x->s->all.list[order[i]].score), order[i]};
    cnx_coco_sort(keyed, scratch, count);
    x->first = m->count;
    x->count = count < most ? count : most;
    for (size_t i = 0; i < x->count; i++) {
        const size_t at = m->count++;
        m->keys[at] = keyed[i].key;
        m->detection[at] = keyed[i].index;
        m->rank[at] = (uint32_t)i;
        m->in_range[at] = ranges_of(p, x->s->all.list[keyed[i].index].area);
    }
    memset(m->right + x->first * (size_t)m->words, 0,
           x->count * (size_t)m->words * sizeof *m->right);
    memset(m->excused + x->first * (size_t)m->words, 0,
           x->count * (size_t)m->words * sizeof *m->excused);
}

static cnx_status match_picture(matcher *x, const uint32_t *order, size_t count,
                                cnx_coco_keyed *keyed, cnx_coco_keyed *scratch, cnx_error *err)
{
    const cnx_coco_detection *one = &x->s->all.list[order[0]];
    size_t end;
    put_picture(x, order, count, keyed, scratch);
    cnx_coco_targets_of(x->s, one->image, one->category, &x->begin, &end);
    x->target_count = end - x->begin;
    if (x->target_count == 0)
        return CNX_OK;
    CNX_TRY(matcher_reserve(x, err));
    fill_overlaps(x);
    for (int r = 0; r < x->s->params.range_count && x->candidate_count > 0; r++)
        match_range(x, r);
    return CNX_OK;
}

cnx_status cnx_coco_match(cnx_coco_matches *m, const cnx_coco_scorer *s, cnx_coco_kind kind,
                          const uint32_t *order, size_t count, cnx_error *err)
{
    const cnx_coco_params *p = &s->params;
    const int words = (p->range_count * p->threshold_count + 63) / 64;
    matcher x = {.s = s, .kind = kind, .m = m};
    cnx_status status = CNX_OK;
    cnx_coco_keyed *keyed = NULL, *scratch = NULL;
    CNX_TRY(prepare(m, count + 1, words, err));
    size_t longest = 0;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && s->all.list[order[end]].image == s->all.list[order[i]].image;)
            end++;
        longest = end - i > longest ? end - i : longest;
    }
    keyed = malloc((longest + 1) * sizeof *keyed);
    scratch = malloc((longest + 1) * sizeof *scratch);
    CNX_CHECK_IF(!keyed || !scratch, CNX_ERR_MEMORY, "not enough memory to sort %zu detections",
                 longest);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && s->all.list[order[end]].image == s->all.list[order[i]].image;)
            end++;
        CNX_CHECK(match_picture(&x, order + i, end - i, keyed, scratch, err));
    }
cleanup:
    free(keyed);
    free(scratch);
    matcher_free(&x);
    return status;
}
