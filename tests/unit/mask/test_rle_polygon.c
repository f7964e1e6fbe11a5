/*
 * Polygons against the rule taken at its word: the outline drawn five times as large, point by point,
 * every change of column looked at (COCO's rleFrPoly, restated).
 */
#include <math.h>

#include "core/mask/rle.h"
#include "tests/unit/check.h"

enum { MAX_POINTS = 12, MAX_STEPS = 1 << 16 };

static int compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x > y ? 1 : x < y ? -1 : 0;
}

/* The outline's points (u, v) in order. */
static int draw(int *u, int *v, const double *xy, int points)
{
    int n = 0;
    for (int j = 0; j < points; j++) {
        const int k = (j + 1) % points;
        int x0 = (int)(5 * xy[2 * j] + .5), y0 = (int)(5 * xy[2 * j + 1] + .5);
        int x1 = (int)(5 * xy[2 * k] + .5), y1 = (int)(5 * xy[2 * k + 1] + .5);
        const int dx = abs(x1 - x0), dy = abs(y1 - y0);
        const bool flip = (dx >= dy && x0 > x1) || (dx < dy && y0 > y1);
        if (flip) {
            int swap = x0;
            x0 = x1;
            x1 = swap;
            swap = y0;
            y0 = y1;
            y1 = swap;
        }
        const int steps = dx >= dy ? dx : dy;
        const double slope = steps == 0 ? 0 : (double)(dx >= dy ? y1 - y0 : x1 - x0) / steps;
        for (int d = 0; d <= steps && n < MAX_STEPS; d++, n++) {
            const int t = flip ? steps - d : d;
            u[n] = dx >= dy ? t + x0 : (int)(x0 + slope * t + .5);
            v[n] = dx >= dy ? (int)(y0 + slope * t + .5) : t + y0;
        }
    }
    return n;
}

static size_t reference(uint32_t *runs, const double *xy, int points, int h, int w)
{
    static int u[MAX_STEPS], v[MAX_STEPS];
    const int n = draw(u, v, xy, points);
    size_t m = 0, out = 0;
    for (int j = 1; j < n; j++) {
        if (u[j] == u[j - 1])
            continue;
        const double x = ((u[j] < u[j - 1] ? u[j] : u[j] - 1) + .5) / 5 - .5;
        if (floor(x) != x || x < 0 || x > w - 1)
            continue;
        double y = ((v[j] < v[j - 1] ? v[j] : v[j - 1]) + .5) / 5 - .5;
        y = y < 0 ? 0 : y > h ? h : y;
        runs[m++] = (uint32_t)((int)x * h + (int)ceil(y));
    }
    runs[m++] = (uint32_t)(h * w);
    qsort(runs, m, sizeof *runs, compare);
    for (size_t j = m; j-- > 1;)
        runs[j] -= runs[j - 1];
    for (size_t j = 0; j < m; j++) {
        if (j == 0 || runs[j] > 0)
            runs[out++] = runs[j];
        else if (++j < m)
            runs[out - 1] += runs[j];
    }
    return out;
}

static double coordinate(unsigned long long *seed, int side, int kind)
{
    const double u = check_uniform(seed);
    if (kind == 0)
        return side * (u + 1) / 2; /* inside */
    if (kind == 1)
        return side * (.5 + 1.5 * u); /* beyond every edge */
    if (kind == 2)
        return floor(side * (u + 1) / 2 * 2) / 2; /* halves: many equal columns and rows */
    return floor(side * (u + 1) / 2 * 5) / 5;     /* on the large picture's grid */
}

int main(void)
{
    static uint32_t want[MAX_STEPS];
    double xy[2 * MAX_POINTS];
    unsigned long long seed = 5;
    cnx_rle_buffer got = {0};
    int shown = 0;
    for (int round = 0; round < 20000 && shown < 10; round++) {
        const int h = 1 + (int)(check_random(&seed) % 60), w = 1 + (int)(check_random(&seed) % 60);
        const int points = 1 + (int)(check_random(&seed) % MAX_POINTS), kind = round % 4;
        for (int i = 0; i < points; i++) {
            xy[2 * i] = coordinate(&seed, w, kind);
            xy[2 * i + 1] = coordinate(&seed, h, kind);
        }
        const size_t count = reference(want, xy, points, h, w);
        const bool filled = cnx_rle_fill_polygon(&got, xy, (size_t)points, (uint32_t)h, (uint32_t)w,
                                                 NULL) == CNX_OK;
        const bool equal =
            filled && got.count == count && memcmp(got.counts, want, count * sizeof *want) == 0;
        CHECK(equal, "round %d: %d points, %d x %d: %zu runs, expected %zu", round, points, h, w,
              got.count, count);
        shown += !equal;
    }
    /* As long an edge as there can be costs no more than its columns. */
    const double wide[] = {-4e8, 3, 4e8, 2, 4e8, 50, -4e8, 40};
    CHECK(cnx_rle_fill_polygon(&got, wide, 4, 60, 60, NULL) == CNX_OK && got.count > 100);
    const double tall[] = {3, -4e8, 5, 4e8, 50, 4e8, 52, -4e8};
    CHECK(cnx_rle_fill_polygon(&got, tall, 4, 60, 60, NULL) == CNX_OK);
    cnx_rle_buffer_free(&got);
    return CHECK_RESULT;
}
