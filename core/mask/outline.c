#include "core/mask/outline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/mask/window.h"
#include "core/memory.h"

/* A point in half pixels, which all of them lie on. */
typedef struct point {
    int64_t x, y;
} point;

typedef struct ring {
    point *points; /* owned */
    size_t count, capacity;
} ring;

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the outline of a mask");
}

/* Is b on the straight way from a to c? */
static bool between(point a, point b, point c)
{
    const int64_t x1 = b.x - a.x, y1 = b.y - a.y, x2 = c.x - b.x, y2 = c.y - b.y;
    return x1 * y2 == x2 * y1 && x1 * x2 + y1 * y2 > 0;
}

/* Appends a point; one that it makes superfluous goes. */
static bool append(ring *r, point p)
{
    if (r->count >= 2 && between(r->points[r->count - 2], r->points[r->count - 1], p)) {
        r->points[r->count - 1] = p;
        return true;
    }
    if (r->count == r->capacity) {
        const size_t capacity = r->capacity ? 2 * r->capacity : 64;
        point *points = realloc(r->points, capacity * sizeof *points);
        if (!points)
            return false;
        r->points = points;
        r->capacity = capacity;
    }
    r->points[r->count++] = p;
    return true;
}

/* The walk began anywhere on a straight line: joins its two halves. */
static void close_ring(ring *r)
{
    while (r->count > 3 && between(r->points[r->count - 2], r->points[r->count - 1], r->points[0]))
        r->count--;
    if (r->count > 3 && between(r->points[r->count - 1], r->points[0], r->points[1]))
        memmove(r->points, r->points + 1, --r->count * sizeof *r->points);
}

/* ---- walking along an edge ---- */

typedef struct walk {
    const cnx_mask_window *window; /* with a margin of 1 */
    uint8_t *seen;                 /* [h][w]: the left side of this pixel has been walked along */
} walk;

static bool is_set(const walk *w, int x, int y)
{
    return w->window->bits[(size_t)y * (size_t)w->window->w + (size_t)x] != 0;
}

/* Directions: north, east, south, west; pixels ahead of a corner on the left and on the right. */
static const int step_x[4] = {0, 1, 0, -1}, step_y[4] = {-1, 0, 1, 0};
static const int left_x[4] = {-1, 0, 0, -1}, left_y[4] = {-1, -1, 0, 0};
static const int right_x[4] = {0, 0, -1, -1}, right_y[4] = {-1, 0, 0, -1};

/*
 * Once around, from the left side of pixel (x, y) northwards, with what is set on the right hand.
 * *area: the pixels inside; negative around a hole.
 */
static bool go_around(const walk *w, int x, int y, ring *r, int64_t *area)
{
    int corner_x = x, corner_y = y + 1, direction = 0;
    r->count = 0;
    *area = 0;
    do {
        if (direction == 0)
            w->seen[(size_t)(corner_y - 1) * (size_t)w->window->w + (size_t)corner_x] = 1;
        *area += step_y[direction] * (int64_t)corner_x;
        const point middle = {2 * (int64_t)corner_x + step_x[direction],
                              2 * (int64_t)corner_y + step_y[direction]};
        if (!append(r, middle))
            return false;
        corner_x += step_x[direction];
        corner_y += step_y[direction];
        if (is_set(w, corner_x + left_x[direction], corner_y + left_y[direction]))
            direction = (direction + 3) % 4;
        else if (!is_set(w, corner_x + right_x[direction], corner_y + right_y[direction]))
            direction = (direction + 1) % 4;
    } while (corner_x != x || corner_y != y + 1 || direction != 0);
    close_ring(r);
    return true;
}

/* ---- fewer points ---- */

static double distance_to_line(point p, point a, point b)
{
    const double dx = (double)(b.x - a.x), dy = (double)(b.y - a.y);
    const double px = (double)(p.x - a.x), py = (double)(p.y - a.y);
    const double length = hypot(dx, dy);
    if (length == 0)
        return hypot(px, py) / 2;
    const double along = (px * dx + py * dy) / length;
    if (along < 0)
        return hypot(px, py) / 2;
    if (along > length)
        return hypot((double)(p.x - b.x), (double)(p.y - b.y)) / 2;
    return fabs(px * dy - py * dx) / length / 2; /* points are in half pixels */
}

/* Keeps, between two kept points, the farthest one while it is too far away (Douglas and Peucker).
 * pending: room for 2 * count numbers. */
static void keep_corners(const ring *r, uint8_t *kept, size_t first, size_t last, double tolerance,
                         size_t *pending)
{
    size_t held = 0;
    pending[held++] = first;
    pending[held++] = last;
    while (held) {
        const size_t b = pending[--held], a = pending[--held];
        double farthest = tolerance;
        size_t at = a;
        for (size_t i = a + 1; i < b; i++) {
            const double d = distance_to_line(r->points[i], r->points[a], r->points[b % r->count]);
            if (d > farthest) {
                farthest = d;
                at = i;
            }
        }
        if (at == a)
            continue;
        kept[at] = 1;
        pending[held++] = a;
        pending[held++] = at;
        pending[held++] = at;
        pending[held++] = b;
    }
}

static size_t farthest_from(const ring *r, size_t from)
{
    double farthest = -1;
    size_t at = from;
    for (size_t i = 0; i < r->count; i++) {
        const double d = hypot((double)(r->points[i].x - r->points[from].x),
                               (double)(r->points[i].y - r->points[from].y));
        if (d > farthest) {
            farthest = d;
            at = i;
        }
    }
    return at;
}

/* A ring that would fall together to a line stays as it is. */
static cnx_status simplify(ring *r, double tolerance, cnx_error *err)
{
    if (!(tolerance > 0) || r->count <= 3)
        return CNX_OK;
    uint8_t *kept = calloc(r->count, 1);
    size_t *pending = calloc(2 * r->count + 2, sizeof *pending), count = 0;
    if (!kept || !pending) {
        free(kept);
        free(pending);
        return out_of_memory(err);
    }
    const size_t opposite = farthest_from(r, 0);
    kept[0] = kept[opposite] = 1;
    keep_corners(r, kept, 0, opposite, tolerance, pending);
    keep_corners(r, kept, opposite, r->count, tolerance, pending);
    for (size_t i = 0; i < r->count; i++)
        count += kept[i];
    if (count >= 3) {
        count = 0;
        for (size_t i = 0; i < r->count; i++)
            if (kept[i])
                r->points[count++] = r->points[i];
        r->count = count;
    }
    free(kept);
    free(pending);
    return CNX_OK;
}

/* ---- all edges ---- */

typedef struct growth {
    size_t points, rings; /* capacities */
} growth;

static cnx_status add_ring(cnx_outline *out, growth *g, const ring *r,
                           const cnx_mask_window *window, cnx_error *err)
{
    const size_t before = out->starts[out->count];
    if (out->count + 2 > g->rings) {
        const size_t capacity = 2 * g->rings;
        size_t *starts = realloc(out->starts, capacity * sizeof *starts);
        if (!starts)
            return out_of_memory(err);
        out->starts = starts;
        g->rings = capacity;
    }
    if (before + r->count > g->points) {
        const size_t capacity = 2 * (before + r->count);
        double *xy = realloc(out->xy, 2 * capacity * sizeof *xy);
        if (!xy)
            return out_of_memory(err);
        out->xy = xy;
        g->points = capacity;
    }
    for (size_t i = 0; i < r->count; i++) {
        out->xy[2 * (before + i)] = (double)r->points[i].x / 2 + window->x0;
        out->xy[2 * (before + i) + 1] = (double)r->points[i].y / 2 + window->y0;
    }
    out->starts[++out->count] = before + r->count;
    return CNX_OK;
}

static cnx_status trace_all(cnx_outline *out, const walk *w, double tolerance, cnx_error *err)
{
    growth g = {.rings = 4};
    ring r = {0};
    cnx_status status = CNX_OK;
    out->starts = calloc(g.rings, sizeof *out->starts);
    if (!out->starts)
        return out_of_memory(err);
    for (int y = 1; y < w->window->h - 1; y++)
        for (int x = 1; x < w->window->w - 1; x++) {
            int64_t area;
            const size_t place = (size_t)y * (size_t)w->window->w + (size_t)x;
            if (!is_set(w, x, y) || is_set(w, x - 1, y) || w->seen[place])
                continue;
            if (!go_around(w, x, y, &r, &area)) {
                status = out_of_memory(err);
                goto cleanup;
            }
            if (area < 0)
                continue;
            CNX_CHECK(simplify(&r, tolerance, err));
            CNX_CHECK(add_ring(out, &g, &r, w->window, err));
        }
cleanup:
    free(r.points);
    return status;
}

cnx_status cnx_outline_trace(cnx_outline *out, const cnx_rle *mask, double tolerance,
                             cnx_error *err)
{
    cnx_mask_window window;
    walk w = {.window = &window};
    *out = (cnx_outline){0};
    CNX_TRY(cnx_mask_window_open(&window, mask, 1, err));
    if (!window.bits)
        return CNX_OK;
    cnx_status status = CNX_OK;
    w.seen = calloc((size_t)window.w * (size_t)window.h, 1);
    if (w.seen)
        status = trace_all(out, &w, tolerance, err);
    else
        status = out_of_memory(err);
    free(w.seen);
    cnx_mask_window_close(&window);
    if (status != CNX_OK)
        cnx_outline_free(out);
    return status;
}

void cnx_outline_free(cnx_outline *outline)
{
    free(outline->xy);
    free(outline->starts);
    *outline = (cnx_outline){0};
}

/* ---- one polygon of several ---- */

/* The nearest pair of points of a (one of `n`) and b (one of `m`). */
static void nearest_pair(const double *a, size_t n, const double *b, size_t m, size_t *i, size_t *j)
{
    double nearest = HUGE_VAL;
    for (size_t p = 0; p < n; p++)
        for (size_t q = 0; q < m; q++) {
            const double dx = a[2 * p] - b[2 * q], dy = a[2 * p + 1] - b[2 * q + 1];
            if (dx * dx + dy * dy < nearest) {
                nearest = dx * dx + dy * dy;
                *i = p;
                *j = q;
            }
        }
}

static void copy_points(double *to, const double *from, size_t first, size_t count)
{
    memcpy(to, from + 2 * first, 2 * count * sizeof *to);
}

cnx_status cnx_outline_join(double **xy, size_t *points, const cnx_outline *outline, cnx_error *err)
{
    size_t used = outline->count ? outline->starts[1] : 0;
    const size_t all = outline->count ? outline->starts[outline->count] : 0;
    double *joined = calloc(2 * (all + 2 * outline->count) + 1, sizeof *joined);
    if (!joined)
        return out_of_memory(err);
    if (used)
        copy_points(joined, outline->xy, 0, used);
    for (size_t k = 1; k < outline->count; k++) {
        const double *part = outline->xy + 2 * outline->starts[k];
        const size_t m = outline->starts[k + 1] - outline->starts[k];
        size_t i = 0, j = 0;
        nearest_pair(joined, used, part, m, &i, &j);
        /* ... i | j .. end, begin .. j | i ... */
        const size_t tail = used - i;
        memmove(joined + 2 * (i + 1 + m + 1), joined + 2 * i, 2 * tail * sizeof *joined);
        copy_points(joined + 2 * (i + 1), part, j, m - j);
        copy_points(joined + 2 * (i + 1 + m - j), part, 0, j + 1);
        used += m + 2;
    }
    *xy = joined;
    *points = used;
    return CNX_OK;
}
