#include "core/ops/nms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* ---- order ---- */

/* Descending scores as ascending integers, the index below. */
static uint64_t sort_key(float score, int index)
{
    uint32_t bits;
    memcpy(&bits, &score, sizeof bits);
    if (isnan(score))
        bits = 0;
    else
        bits = bits & 0x80000000u ? ~bits : bits | 0x80000000u; /* ascending, above 0 */
    if (score == 0)                                             /* of either sign */
        bits = 0x80000000u;
    return (uint64_t)~bits << 32 | (uint32_t)index;
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The key that is number `rank` in ascending order: byte by byte from the top, counting. */
static uint64_t select_key(const uint64_t *keys, int count, int rank)
{
    enum { VALUES = 256, BYTES = 8 };
    uint64_t prefix = 0, mask = 0;
    for (int shift = 8 * (BYTES - 1); shift >= 0; shift -= 8) {
        int counts[VALUES] = {0}, value = 0;
        for (int i = 0; i < count; i++)
            if ((keys[i] & mask) == prefix)
                counts[keys[i] >> shift & 0xFF]++;
        for (; rank >= counts[value]; value++)
            rank -= counts[value];
        prefix |= (uint64_t)value << shift;
        mask |= (uint64_t)0xFF << shift;
    }
    return prefix;
}

void cnx_top_scores(const float *scores, int count, int top, int *order, uint64_t *scratch)
{
    for (int i = 0; i < count; i++)
        scratch[i] = sort_key(scores[i], i);
    if (top < count) {
        const uint64_t last = top > 0 ? select_key(scratch, count, top - 1) : 0;
        int kept = 0;
        for (int i = 0; i < count && top > 0; i++)
            if (scratch[i] <= last) /* no two keys are equal: top of them */
                scratch[kept++] = scratch[i];
    }
    qsort(scratch, (size_t)top, sizeof *scratch, compare_keys);
    for (int i = 0; i < top; i++)
        order[i] = (int)(uint32_t)scratch[i];
}

/* ---- boxes in the order of their scores, shifted apart ---- */

typedef struct sorted_boxes {
    int count;
    int *order;          /* owned */
    float *side[5];      /* x1, y1, x2, y2, area of each; side[0] is owned */
    int32_t *suppressed; /* owned */
    uint64_t *keys;      /* owned */
} sorted_boxes;

static void free_sorted(sorted_boxes *s)
{
    cnx_free(s->order);
    cnx_free(s->side[0]);
    cnx_free(s->suppressed);
    cnx_free(s->keys);
}

static cnx_status alloc_sorted(sorted_boxes *s, int count, cnx_error *err)
{
    const size_t n = (size_t)count, row = cnx_padded_floats(n);
    static const char what[] = "boxes to compare";
    s->count = count;
    CNX_TRY(cnx_alloc_or_fail((void **)&s->order, n * sizeof *s->order, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&s->side[0], 5 * row * sizeof(float), what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&s->suppressed, n * sizeof *s->suppressed, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&s->keys, n * sizeof *s->keys, what, err));
    for (int i = 1; i < 5; i++)
        s->side[i] = s->side[0] + (size_t)i * row;
    return CNX_OK;
}

static float largest_coordinate(const cnx_nms_request *r)
{
    float largest = r->boxes[0][0];
    for (int i = 0; i < r->count; i++)
        for (int j = 0; j < 4; j++)
            largest = r->boxes[i][j] > largest ? r->boxes[i][j] : largest;
    return largest;
}

static void sort_boxes(sorted_boxes *s, const cnx_nms_request *r)
{
    const float step = r->groups ? largest_coordinate(r) + 1 : 0;
    cnx_top_scores(r->scores, r->count, r->count, s->order, s->keys);
    for (int i = 0; i < r->count; i++) {
        const int from = s->order[i];
        const float shift = r->groups ? (float)r->groups[from] * step : 0;
        for (int j = 0; j < 4; j++)
            s->side[j][i] = r->boxes[from][j] + shift;
        s->side[4][i] = (s->side[2][i] - s->side[0][i]) * (s->side[3][i] - s->side[1][i]);
    }
    memset(s->suppressed, 0, (size_t)r->count * sizeof *s->suppressed);
}

/* ---- suppression ---- */

static void suppress_after(const cnx_kernels *k, const sorted_boxes *s, int i, float iou)
{
    const float *side[5];
    float box[5];
    for (int j = 0; j < 5; j++) {
        side[j] = s->side[j] + i + 1;
        box[j] = s->side[j][i];
    }
    k->suppress(s->count - i - 1, box, side, iou, s->suppressed + i + 1);
}

/* All boxes against each other. */
static int suppress_all(const cnx_kernels *k, sorted_boxes *s, const cnx_nms_request *r, int *keep)
{
    int kept = 0;
    for (int i = 0; i < s->count && kept < r->max_kept; i++) {
        if (s->suppressed[i])
            continue;
        keep[kept++] = s->order[i];
        if (kept < r->max_kept)
            suppress_after(k, s, i, r->iou);
    }
    return kept;
}

/* Only boxes of the same group meet: the sorted ones are parted by group first. */
static cnx_status suppress_groups(const cnx_kernels *k, const sorted_boxes *all,
                                  const cnx_nms_request *r, int *keep, int *kept, cnx_error *err)
{
    sorted_boxes part = {0};
    cnx_status status = CNX_OK;
    int *place = NULL, most = 0;
    uint8_t *alive = NULL;
    const size_t n = (size_t)r->count;
    for (int i = 0; i < r->count; i++)
        most = r->groups[i] > most ? r->groups[i] : most;
    CNX_CHECK(alloc_sorted(&part, r->count, err));
    CNX_CHECK(
        cnx_alloc_or_fail((void **)&place, ((size_t)most + 2) * sizeof *place, "groups", err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&alive, n, "groups", err));
    memset(place, 0, ((size_t)most + 2) * sizeof *place);
    memset(alive, 0, n);
    for (int i = 0; i < r->count; i++)
        place[r->groups[i] + 1]++;
    for (int g = 0; g < most; g++)
        place[g + 1] += place[g];
    for (int i = 0; i < r->count; i++) { /* part.order: where in `all` a box stands */
        const int to = place[r->groups[all->order[i]]]++;
        part.order[to] = i;
        for (int j = 0; j < 5; j++)
            part.side[j][to] = all->side[j][i];
    }
    memset(part.suppressed, 0, n * sizeof *part.suppressed);
    for (int g = 0, first = 0; g <= most; first = place[g++]) {
        int found = 0;
        part.count = place[g];
        for (int i = first; i < part.count && found < r->max_kept; i++) {
            if (part.suppressed[i])
                continue;
            alive[part.order[i]] = 1;
            if (++found < r->max_kept)
                suppress_after(k, &part, i, r->iou);
        }
    }
    *kept = 0;
    for (int i = 0; i < r->count && *kept < r->max_kept; i++)
        if (alive[i])
            keep[(*kept)++] = all->order[i];
cleanup:
    free_sorted(&part);
    cnx_free(place);
    cnx_free(alive);
    return status;
}

cnx_status cnx_nms(const cnx_kernels *k, const cnx_nms_request *request, int *keep, int *kept,
                   cnx_error *err)
{
    sorted_boxes s = {0};
    *kept = 0;
    if (request->count == 0)
        return CNX_OK;
    cnx_status status = alloc_sorted(&s, request->count, err);
    if (status == CNX_OK) {
        sort_boxes(&s, request);
        if (request->groups && request->count >= CNX_NMS_SPLIT)
            status = suppress_groups(k, &s, request, keep, kept, err);
        else
            *kept = suppress_all(k, &s, request, keep);
    }
    free_sorted(&s);
    return status;
}
