/*
 * Precision at 101 recalls (cocoeval's accumulate).  Recall moves where a target is found and nowhere else,
 * and precision is highest there; so of a list of detections only those are looked at, with the number of
 * false alarms before each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "eval/coco_private.h"

/* One curve: a range, a number of detections, a threshold. */
typedef struct curve {
    uint32_t found;         /* targets */
    uint32_t excused;       /* detections in the range that are no false alarms */
    uint32_t *false_alarms; /* [found]: before the n-th target was found */
    uint32_t *place;        /* [found]: in the sorted list */
} curve;

typedef struct accumulation {
    cnx_coco_scores *scores;
    const cnx_coco_params *params;
    const cnx_coco_matches *m;
    const cnx_coco_keyed *sorted; /* index: place in m */
    int category, range;
    size_t truths;
    curve *curves;         /* [max_dets][thresholds] */
    uint32_t *in_range;    /* [max_dets]: detections so far */
    uint32_t *first_place; /* [max_dets]: of the list's first detection */
    uint32_t *listed;      /* [max_dets]: detections in the list, whatever their area */
} accumulation;

/* Past one detection that found something, or was excused. */
static void pass_match(accumulation *a, size_t at, uint32_t place, int first_max, bool in_range)
{
    const cnx_coco_matches *m = a->m;
    const int thresholds = a->params->threshold_count;
    for (int t = 0; t < thresholds; t++) {
        const int bit = a->range * thresholds + t;
        const size_t word = at * (size_t)m->words + (size_t)(bit / 64);
        const bool right = m->right[word] >> bit % 64 & 1;
        const bool excused = m->excused[word] >> bit % 64 & 1;
        for (int k = first_max; k < a->params->max_det_count; k++) {
            curve *c = &a->curves[k * thresholds + t];
            c->excused += excused && in_range;
            if (right) {
                c->false_alarms[c->found] = a->in_range[k] - c->excused;
                c->place[c->found++] = place;
            }
        }
    }
}

/* Whether any threshold of the range has a mark in the words. */
static bool any_mark(const uint64_t *words, int first, int count)
{
    for (int bit = first; bit < first + count;) {
        const int in_word = bit % 64,
                  n = 64 - in_word < first + count - bit ? 64 - in_word : first + count - bit;
        const uint64_t mask = n == 64 ? UINT64_MAX : (((uint64_t)1 << n) - 1) << in_word;
        if (words[bit / 64] & mask)
            return true;
        bit += n;
    }
    return false;
}

static void walk(accumulation *a)
{
    const cnx_coco_matches *m = a->m;
    const int maxima = a->params->max_det_count, thresholds = a->params->threshold_count;
    for (size_t i = 0; i < m->count; i++) {
        const size_t at = a->sorted[i].index;
        const bool in_range = m->in_range[at] >> a->range & 1;
        int first_max = 0;
        while (first_max < maxima && m->rank[at] >= (uint32_t)a->params->max_dets[first_max])
            first_max++;
        for (int k = first_max; k < maxima; k++) {
            if (a->listed[k]++ == 0)
                a->first_place[k] = (uint32_t)i;
            a->in_range[k] += in_range;
        }
        if (any_mark(m->excused + at * (size_t)m->words, a->range * thresholds, thresholds))
            pass_match(a, at, (uint32_t)i, first_max, in_range);
    }
}

/* How many of `truths` must be found for a recall of at least r: as dividing tells. */
static uint32_t needed_for(double r, size_t truths)
{
    double n = ceil(r * (double)truths);
    while (n > 0 && (n - 1) / (double)truths >= r)
        n--;
    while (n / (double)truths < r)
        n++;
    return (uint32_t)n;
}

static double score_at(const accumulation *a, uint32_t place)
{
    return a->scores->scorer->all.list[a->m->detection[a->sorted[place].index]].score;
}

static void put_curve(const accumulation *a, int t, int max, const double *recalls, double *best)
{
    const cnx_coco_scores *s = a->scores;
    const curve *c = &a->curves[max * a->params->threshold_count + t];
    const double epsilon = 2.220446049250313e-16;
    /* best[n]: the highest precision from the n-th found target on. */
    for (uint32_t n = c->found; n > 0; n--) {
        const double found = n, precision = found / (c->false_alarms[n - 1] + found + epsilon);
        best[n - 1] = n < c->found && best[n] > precision ? best[n] : precision;
    }
    const size_t inner = (size_t)s->ranges * (size_t)s->max_dets;
    const size_t cell = (size_t)a->range * (size_t)s->max_dets + (size_t)max;
    const size_t k = (size_t)a->category, all = (size_t)s->categories;
    s->recall[((size_t)t * all + k) * inner + cell] = (double)c->found / (double)a->truths;
    for (int r = 0; r < s->recalls; r++) {
        const uint32_t needed = needed_for(recalls[r], a->truths);
        double precision = 0, confidence = 0;
        if (needed == 0 && a->listed[max] > 0) {
            precision = c->found > 0 ? best[0] : 0;
            confidence = score_at(a, a->first_place[max]);
        } else if (needed > 0 && needed <= c->found) {
            precision = best[needed - 1];
            confidence = score_at(a, c->place[needed - 1]);
        }
        const size_t at = (((size_t)t * (size_t)s->recalls + (size_t)r) * all + k) * inner + cell;
        s->precision[at] = precision;
        s->confidence[at] = confidence;
    }
}

/* One range of area.  The room of curves was made for the most targets that any range has. */
static void accumulate_range(accumulation *a, double *best)
{
    double recalls[CNX_COCO_RECALLS];
    const int maxima = a->params->max_det_count, thresholds = a->params->threshold_count;
    cnx_coco_recalls(recalls);
    for (int i = 0; i < maxima * thresholds; i++)
        a->curves[i].found = a->curves[i].excused = 0;
    memset(a->in_range, 0, (size_t)maxima * sizeof *a->in_range);
    memset(a->listed, 0, (size_t)maxima * sizeof *a->listed);
    walk(a);
    for (int k = 0; k < maxima; k++)
        for (int t = 0; t < thresholds; t++)
            put_curve(a, t, k, recalls, best);
}

static cnx_status sort_matches(cnx_coco_keyed **out, const cnx_coco_matches *m, cnx_error *err)
{
    cnx_coco_keyed *list = malloc((m->count + 1) * sizeof *list);
    cnx_coco_keyed *scratch = malloc((m->count + 1) * sizeof *scratch);
    const bool ok = list && scratch;
    if (ok) {
        for (size_t i = 0; i < m->count; i++)
            list[i] = (cnx_coco_keyed){m->keys[i], (uint32_t)i};
        cnx_coco_sort(list, scratch, m->count);
    }
    free(scratch);
    *out = list;
    CNX_FAIL_IF(!ok, CNX_ERR_MEMORY, "not enough memory to sort %zu detections", m->count);
    return CNX_OK;
}

cnx_status cnx_coco_accumulate(cnx_coco_scores *scores, int category, const cnx_coco_matches *m,
                               cnx_error *err)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(scores->scorer);
    const size_t curves = (size_t)p->max_det_count * (size_t)p->threshold_count;
    const int64_t *truths = scores->truths + (size_t)category * (size_t)scores->ranges;
    accumulation a = {.scores = scores, .params = p, .m = m, .category = category};
    cnx_coco_keyed *sorted = NULL;
    uint32_t *memory = NULL, *counters = NULL;
    double *best = NULL;
    cnx_status status = CNX_OK;
    size_t most = 0, cells;
    for (int r = 0; r < scores->ranges; r++)
        most = (size_t)truths[r] > most ? (size_t)truths[r] : most;
    if (most == 0)
        return CNX_OK;
    CNX_CHECK(sort_matches(&sorted, m, err));
    a.sorted = sorted;
    a.curves = calloc(curves, sizeof *a.curves);
    counters = calloc(3 * (size_t)p->max_det_count, sizeof *counters);
    best = malloc(most * sizeof *best);
    if (cnx_mul(2 * curves, most, &cells) && cells <= SIZE_MAX / sizeof *memory)
        memory = malloc(cells * sizeof *memory);
    CNX_CHECK_IF(!a.curves || !counters || !best || !memory, CNX_ERR_MEMORY,
                 "not enough memory for the curves of %zu annotations", most);
    for (size_t i = 0; i < curves; i++) {
        a.curves[i].false_alarms = memory + 2 * i * most;
        a.curves[i].place = a.curves[i].false_alarms + most;
    }
    a.in_range = counters;
    a.first_place = counters + p->max_det_count;
    a.listed = counters + 2 * p->max_det_count;
    for (a.range = 0; a.range < scores->ranges; a.range++) {
        a.truths = (size_t)truths[a.range];
        if (a.truths > 0)
            accumulate_range(&a, best);
    }
cleanup:
    free(sorted);
    free(a.curves);
    free(counters);
    free(memory);
    free(best);
    return status;
}
