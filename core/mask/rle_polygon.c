/*
 * A polygon filled by COCO's rule (rleFrPoly).  The reference draws the outline five times as large,
 * point by point, and looks where it passes from one column of the large picture to the next; of these
 * places it uses those between columns 5 x + 2 and 5 x + 3, the middle of pixel x.  Here only those are
 * computed, with the same arithmetic: an edge costs what it has columns, however long it is.
 */
#include "core/mask/rle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCALE = 5, MIDDLE = 2, MAX_CROSSINGS = 1 << 24 };

typedef struct outline {
    cnx_rle_buffer *to; /* x * h + y of each crossing */
    uint32_t h, w;
} outline;

typedef struct point {
    int x, y;
} point;

/* An edge walked along its longer axis from the end with the smaller coordinate: `steps` steps, the
 * other coordinate is (int)(start + slope * t + .5), truncated toward zero as the reference does. */
typedef struct edge {
    double slope;
    int start;
} edge;

static int across(const edge *e, int64_t t)
{
    return (int)(e->start + e->slope * (double)t + .5);
}

static void put_crossing(outline *o, uint32_t x, double y)
{
    y = (y + .5) / SCALE - .5;
    y = y < 0 ? 0 : y > o->h ? o->h : y;
    o->to->counts[o->to->count++] = x * o->h + (uint32_t)ceil(y);
}

/* The pixel columns [*first, *end) whose middle lies between columns u0 and u1 > u0. */
static void columns(const outline *o, int64_t u0, int64_t u1, int64_t *first, int64_t *end)
{
    /* 5 x + 2 >= u0 and 5 x + 3 <= u1 */
    *first = u0 <= MIDDLE ? 0 : (u0 - MIDDLE + SCALE - 1) / SCALE;
    *end = u1 < MIDDLE + 1 ? 0 : (u1 - MIDDLE - 1) / SCALE + 1;
    if (*end > o->w)
        *end = o->w;
}

/* dx >= dy: every column is passed once. */
static void cross_flat(outline *o, point from, point to, int64_t first, int64_t end)
{
    const edge e = {(double)((int64_t)to.y - from.y) / (double)((int64_t)to.x - from.x), from.y};
    for (int64_t x = first; x < end; x++) {
        const int64_t t = SCALE * x + MIDDLE - from.x;
        const int a = across(&e, t), b = across(&e, t + 1);
        put_crossing(o, (uint32_t)x, a < b ? a : b);
    }
}

/* dx < dy: looks for the step at which column `u` is left; the column never turns back on an edge. */
static void cross_steep(outline *o, point from, point to, int64_t first, int64_t end)
{
    const int64_t steps = (int64_t)to.y - from.y;
    const edge e = {(double)((int64_t)to.x - from.x) / (double)steps, from.x};
    const bool right = to.x > from.x;
    for (int64_t x = first; x < end; x++) {
        const int64_t u = SCALE * x + MIDDLE;
        const double guess = ((double)u + .5 - from.x) / e.slope;
        int64_t t = guess < 1 ? 1 : guess > (double)steps ? steps : (int64_t)guess;
#define BEYOND(t) (right ? across(&e, (t)) > u : across(&e, (t)) <= u)
        while (t < steps && !BEYOND(t))
            t++;
        while (t > 1 && BEYOND(t - 1))
            t--;
#undef BEYOND
        put_crossing(o, (uint32_t)x, (double)from.y + (double)(t - 1));
    }
}

static cnx_status cross_edge(outline *o, point from, point to, cnx_error *err)
{
    const int64_t dx = llabs((int64_t)to.x - from.x), dy = llabs((int64_t)to.y - from.y);
    if ((dx >= dy && from.x > to.x) || (dx < dy && from.y > to.y)) {
        const point swap = from;
        from = to;
        to = swap;
    }
    int64_t first, end;
    columns(o, from.x < to.x ? from.x : to.x, from.x < to.x ? to.x : from.x, &first, &end);
    if (first >= end)
        return CNX_OK;
    const size_t count = o->to->count + (size_t)(end - first);
    CNX_FAIL_IF(count > MAX_CROSSINGS, CNX_ERR_UNSUPPORTED,
                "the outline of a polygon is too long: it passes more than %d pixel columns",
                (int)MAX_CROSSINGS);
    CNX_TRY(cnx_rle_buffer_reserve(o->to, count + 1, err));
    if (dx >= dy)
        cross_flat(o, from, to, first, end);
    else
        cross_steep(o, from, to, first, end);
    return CNX_OK;
}

static cnx_status to_point(point *out, const double *xy, size_t index, cnx_error *err)
{
    const double x = SCALE * xy[0] + .5, y = SCALE * xy[1] + .5;
    CNX_FAIL_IF(!(fabs(x) < INT32_MAX && fabs(y) < INT32_MAX), CNX_ERR_FORMAT,
                "point %zu of a polygon, (%g, %g), lies beyond anything that can be drawn", index,
                xy[0], xy[1]);
    *out = (point){(int)x, (int)y};
    return CNX_OK;
}

/* Natural merge sort: each edge left an ascending list. */
static size_t run_end(const uint32_t *list, size_t at, size_t count)
{
    for (at++; at < count && list[at - 1] <= list[at]; at++)
        ;
    return at < count ? at : count;
}

static void merge_runs(uint32_t *to, const uint32_t *a, size_t count_a, const uint32_t *b,
                       size_t count_b)
{
    size_t i = 0, k = 0;
    while (i < count_a && k < count_b)
        *to++ = a[i] <= b[k] ? a[i++] : b[k++];
    memcpy(to, a + i, (count_a - i) * sizeof *to);
    memcpy(to + (count_a - i), b + k, (count_b - k) * sizeof *to);
}

static void sort_crossings(uint32_t *list, uint32_t *scratch, size_t count)
{
    while (run_end(list, 0, count) < count) {
        for (size_t at = 0; at < count;) {
            const size_t middle = run_end(list, at, count);
            const size_t end = middle < count ? run_end(list, middle, count) : count;
            merge_runs(scratch + at, list + at, middle - at, list + middle, end - middle);
            at = end;
        }
        memcpy(list, scratch, count * sizeof *list);
    }
}

/* Sorted places become lengths; a length of 0 joins its neighbours. */
static size_t places_to_runs(uint32_t *list, size_t count)
{
    uint32_t before = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t place = list[i];
        list[i] = place - before;
        before = place;
    }
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || list[i] > 0)
            list[n++] = list[i];
        else if (++i < count)
            list[n - 1] += list[i];
    }
    return n;
}

cnx_status cnx_rle_fill_polygon(cnx_rle_buffer *out, const double *xy, size_t points, uint32_t h,
                                uint32_t w, cnx_error *err)
{
    uint32_t pixels = 0;
    out->count = 0;
    CNX_TRY(cnx_rle_pixels(&pixels, h, w, err));
    CNX_FAIL_IF(points == 0, CNX_ERR_FORMAT, "a polygon has no points");
    outline o = {out, h, w};
    point first = {0, 0}, from, to;
    CNX_TRY(to_point(&first, xy, 0, err));
    from = first;
    for (size_t i = 1; i <= points; i++, from = to) {
        to = first;
        if (i < points)
            CNX_TRY(to_point(&to, xy + 2 * i, i, err));
        CNX_TRY(cross_edge(&o, from, to, err));
    }
    const size_t count = out->count + 1;
    /* The second half is scratch for sorting. */
    CNX_TRY(cnx_rle_buffer_reserve(out, 2 * count, err));
    out->counts[count - 1] = pixels;
    sort_crossings(out->counts, out->counts + count, count);
    out->count = places_to_runs(out->counts, count);
    return CNX_OK;
}

cnx_status cnx_rle_from_polygon(cnx_rle *out, const double *xy, size_t points, uint32_t h,
                                uint32_t w, cnx_error *err)
{
    *out = (cnx_rle){0};
    cnx_rle_buffer runs = {0};
    cnx_status status = cnx_rle_fill_polygon(&runs, xy, points, h, w, err);
    if (status == CNX_OK)
        status = cnx_rle_take(out, &runs, h, w, err);
    cnx_rle_buffer_free(&runs);
    return status;
}

cnx_status cnx_rle_from_box(cnx_rle *out, const double box[4], uint32_t h, uint32_t w,
                            cnx_error *err)
{
    const double x0 = box[0], x1 = x0 + box[2], y0 = box[1], y1 = y0 + box[3];
    const double corners[8] = {x0, y0, x0, y1, x1, y1, x1, y0};
    return cnx_rle_from_polygon(out, corners, 4, h, w, err);
}
