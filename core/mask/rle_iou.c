/* How masks and boxes overlap, and masks merged: COCO's arithmetic to the last bit. */
#include "core/mask/rle.h"

#include <math.h>

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* A column of the picture: number x begins at pixel `begin`. */
typedef struct column {
    uint32_t x;
    uint64_t begin;
} column;

/* The column of a pixel at or behind the present one.  As a rule it is this one or the next; dividing for
 * each run would take most of the time. */
static inline column column_of(column c, uint32_t pixel, uint32_t h)
{
    if (pixel - c.begin >= 4 * (uint64_t)h) {
        c.x = pixel / h;
        c.begin = (uint64_t)c.x * h;
    }
    while (pixel - c.begin >= h) {
        c.x++;
        c.begin += h;
    }
    return c;
}

/* The reference's unsigned arithmetic is kept: a mask whose only runs of ones have length 0 gets an
 * enormous box beyond its own edge, which meets nothing. */
void cnx_rle_box(double box[4], const cnx_rle *rle)
{
    const uint32_t h = rle->h;
    const size_t count = rle->count / 2 * 2; /* a last run without a partner is of zeros */
    if (count == 0) {
        box[0] = box[1] = box[2] = box[3] = 0;
        return;
    }
    uint32_t left = rle->w, top = h, right = 0, bottom = 0, at = 0;
    column c = {0, 0};
    for (size_t i = 0; i < count; i += 2) {
        const uint32_t start = at + rle->counts[i], end = start + rle->counts[i + 1];
        at = end;
        if (start == end)
            continue;
        c = column_of(c, start, h);
        const column last = column_of(c, end - 1, h);
        left = min_u32(left, c.x);
        right = max_u32(right, last.x);
        if (c.x < last.x) { /* into the next column: over the whole height */
            top = 0;
            bottom = h - 1;
        } else {
            top = min_u32(top, (uint32_t)(start - c.begin));
            bottom = max_u32(bottom, (uint32_t)(end - 1 - last.begin));
        }
        c = last;
    }
    box[0] = left;
    box[1] = top;
    box[2] = right - left + 1;
    box[3] = bottom - top + 1;
}

double cnx_box_iou(const double a[4], const double b[4], bool crowd)
{
    const double w = fmin(a[2] + a[0], b[2] + b[0]) - fmax(a[0], b[0]);
    if (w <= 0)
        return 0;
    const double h = fmin(a[3] + a[1], b[3] + b[1]) - fmax(a[1], b[1]);
    if (h <= 0)
        return 0;
    const double shared = w * h, own = a[2] * a[3];
    return shared / (crowd ? own : own + b[2] * b[3] - shared);
}

/* Walks along two masks at once. */
typedef struct walk {
    const cnx_rle *a, *b;
    size_t next_a, next_b;
    uint32_t left_a, left_b; /* what remains of the present runs */
    bool set_a, set_b;
} walk;

static walk walk_begin(const cnx_rle *a, const cnx_rle *b)
{
    return (walk){a, b, 1, 1, a->counts[0], b->counts[0], false, false};
}

/* Past the shorter of the two present runs, whose length it returns. */
static inline uint32_t walk_step(walk *w)
{
    const uint32_t length = min_u32(w->left_a, w->left_b);
    w->left_a -= length;
    if (w->left_a == 0 && w->next_a < w->a->count) {
        w->left_a = w->a->counts[w->next_a++];
        w->set_a = !w->set_a;
    }
    w->left_b -= length;
    if (w->left_b == 0 && w->next_b < w->b->count) {
        w->left_b = w->b->counts[w->next_b++];
        w->set_b = !w->set_b;
    }
    return length;
}

uint32_t cnx_rle_shared(uint32_t *all, const cnx_rle *a, const cnx_rle *b)
{
    walk w = walk_begin(a, b);
    uint32_t shared = 0, covered = 0;
    do {
        const bool both = w.set_a && w.set_b, either = w.set_a || w.set_b;
        const uint32_t length = walk_step(&w);
        covered += either ? length : 0;
        shared += both ? length : 0;
    } while (w.left_a + w.left_b > 0);
    *all = covered;
    return shared;
}

double cnx_rle_iou(const cnx_rle *a, const cnx_rle *b, bool crowd)
{
    double box_a[4], box_b[4];
    if (a->count == 0 || b->count == 0)
        return 0;
    cnx_rle_box(box_a, a);
    cnx_rle_box(box_b, b);
    if (!(cnx_box_iou(box_a, box_b, crowd) > 0))
        return 0;
    if (a->h != b->h || a->w != b->w)
        return -1;
    uint32_t all;
    const uint32_t shared = cnx_rle_shared(&all, a, b);
    if (shared == 0)
        return 0;
    return (double)shared / (double)(crowd ? cnx_rle_area(a) : all);
}

/* Unlike the reference, it does not stop where both masks come to a run of length 0 at one place: that
 * would leave a mask that is too short. */
static cnx_status merge_two(cnx_rle_buffer *out, const cnx_rle *a, const cnx_rle *b, bool intersect,
                            cnx_error *err)
{
    out->count = 0;
    CNX_TRY(cnx_rle_buffer_reserve(out, a->count + b->count + 1, err));
    walk w = walk_begin(a, b);
    bool set = false, done = false;
    uint32_t length = 0;
    while (!done) {
        length += walk_step(&w);
        done = w.left_a + w.left_b == 0 && w.next_a == a->count && w.next_b == b->count;
        const bool now = intersect ? w.set_a && w.set_b : w.set_a || w.set_b;
        if (now != set || done) {
            out->counts[out->count++] = length;
            length = 0;
        }
        set = now;
    }
    return CNX_OK;
}

cnx_status cnx_rle_merge(cnx_rle *out, const cnx_rle *masks, size_t count, bool intersect,
                         cnx_error *err)
{
    *out = (cnx_rle){0};
    CNX_FAIL_IF(count == 0, CNX_ERR_ARGUMENT, "no masks to merge");
    for (size_t i = 0; i < count; i++)
        CNX_FAIL_IF(masks[i].count == 0 || masks[i].h != masks[0].h || masks[i].w != masks[0].w,
                    CNX_ERR_ARGUMENT,
                    "masks of different sizes cannot be merged: mask %zu is %u x %u (h x w), the "
                    "first %u x %u",
                    i, masks[i].h, masks[i].w, masks[0].h, masks[0].w);
    /* Two buffers take turns: one is read while the other is written. */
    cnx_rle_buffer buffers[2] = {0};
    cnx_status status = CNX_OK;
    const uint32_t h = masks[0].h, w = masks[0].w;
    cnx_rle merged = masks[0];
    for (size_t i = 1; i < count; i++) {
        cnx_rle_buffer *to = &buffers[i % 2];
        CNX_CHECK(merge_two(to, &merged, &masks[i], intersect, err));
        merged = cnx_rle_view(to, h, w);
    }
    const cnx_rle_buffer last = {.counts = merged.counts, .count = merged.count};
    status = cnx_rle_take(out, &last, h, w, err);
cleanup:
    cnx_rle_buffer_free(&buffers[0]);
    cnx_rle_buffer_free(&buffers[1]);
    return status;
}
