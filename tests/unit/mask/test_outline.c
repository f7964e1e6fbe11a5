/* Windows of masks, and polygons around them. */
#include "core/mask/outline.h"

#include <math.h>

#include "core/mask/window.h"
#include "tests/unit/check.h"

enum { MOST = 40 };

/* A row-major mask as runs; the caller frees the counts. */
static cnx_rle encode(const uint8_t *bits, int w, int h)
{
    cnx_rle rle = {.h = (uint32_t)h, .w = (uint32_t)w};
    rle.counts = calloc((size_t)w * (size_t)h + 2, sizeof *rle.counts);
    int value = 0;
    rle.count = 1;
    for (int x = 0; x < w; x++)
        for (int y = 0; y < h; y++) {
            if (bits[y * w + x] != value) {
                value = !value;
                rle.count++;
            }
            rle.counts[rle.count - 1]++;
        }
    return rle;
}

/* What cannot be reached from outside over unset pixels, by steps to the four neighbours. */
static void fill_holes(uint8_t *filled, const uint8_t *bits, int w, int h)
{
    static uint8_t outside[(MOST + 2) * (MOST + 2)];
    static int stack[4 * (MOST + 2) * (MOST + 2)];
    const int bw = w + 2, bh = h + 2;
    int held = 0;
    memset(outside, 0, sizeof outside);
    stack[held++] = 0;
    while (held) {
        const int at = stack[--held], x = at % bw, y = at / bw;
        const bool set = x > 0 && x <= w && y > 0 && y <= h && bits[(y - 1) * w + x - 1];
        if (outside[at] || set)
            continue;
        outside[at] = 1;
        if (x > 0)
            stack[held++] = at - 1;
        if (x < bw - 1)
            stack[held++] = at + 1;
        if (y > 0)
            stack[held++] = at - bw;
        if (y < bh - 1)
            stack[held++] = at + bw;
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            filled[y * w + x] = !outside[(y + 1) * bw + x + 1];
}

static bool inside(const double *xy, size_t points, double x, double y)
{
    bool in = false;
    for (size_t i = 0, j = points - 1; i < points; j = i++) {
        const double *a = xy + 2 * i, *b = xy + 2 * j;
        if ((a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0])
            in = !in;
    }
    return in;
}

static bool inside_any(const cnx_outline *o, double x, double y)
{
    for (size_t k = 0; k < o->count; k++)
        if (inside(o->xy + 2 * o->starts[k], o->starts[k + 1] - o->starts[k], x, y))
            return true;
    return false;
}

static void check_rasterised(const cnx_outline *o, const uint8_t *wanted, const cnx_rle *rle)
{
    static uint8_t drawn[MOST * MOST];
    size_t wrong = 0;
    memset(drawn, 0, sizeof drawn);
    for (size_t k = 0; k < o->count; k++) {
        cnx_rle one;
        cnx_error error;
        uint8_t bits[MOST * MOST];
        const cnx_status status =
            cnx_rle_from_polygon(&one, o->xy + 2 * o->starts[k], o->starts[k + 1] - o->starts[k],
                                 rle->h, rle->w, &error);
        CHECK(status == CNX_OK, "%s", error.message);
        if (status != CNX_OK)
            return;
        cnx_rle_decode(bits, rle->w, &one);
        for (size_t i = 0; i < (size_t)rle->h * rle->w; i++)
            drawn[i] |= bits[i];
        cnx_rle_free(&one);
    }
    for (size_t i = 0; i < (size_t)rle->h * rle->w; i++)
        wrong += drawn[i] != wanted[i];
    CHECK(wrong == 0, "COCO's rasteriser makes %zu other pixels of the polygons", wrong);
}

/* Every pixel's centre is on the right side, and no point is superfluous. */
static void check_mask(const uint8_t *bits, int w, int h)
{
    uint8_t filled[MOST * MOST];
    cnx_rle rle = encode(bits, w, h);
    cnx_outline o;
    cnx_error error;
    size_t wrong = 0;
    CHECK(cnx_outline_trace(&o, &rle, 0, &error) == CNX_OK, "%s", error.message);
    fill_holes(filled, bits, w, h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            wrong += inside_any(&o, x + 0.5, y + 0.5) != filled[y * w + x];
    CHECK(wrong == 0, "%zu pixels of %d x %d on the wrong side", wrong, w, h);
    check_rasterised(&o, filled, &rle);
    for (size_t k = 0; k < o.count; k++) {
        const size_t n = o.starts[k + 1] - o.starts[k];
        const double *p = o.xy + 2 * o.starts[k];
        CHECK(n >= 4, "a polygon of %zu points", n);
        for (size_t i = 0; i < n; i++) {
            const double *a = p + 2 * i, *b = p + 2 * ((i + 1) % n), *c = p + 2 * ((i + 2) % n);
            const double cross = (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0]);
            CHECK(cross != 0, "point %zu of %zu lies on a straight line", (i + 1) % n, n);
            CHECK(a[0] >= 0 && a[0] <= w && a[1] >= 0 && a[1] <= h, "a point outside");
        }
    }
    cnx_outline_free(&o);
    free(rle.counts);
}

static void test_random_masks(void)
{
    unsigned long long state = 5;
    uint8_t bits[MOST * MOST];
    for (int n = 0; n < 400; n++) {
        const int w = 1 + (int)(check_random(&state) % MOST),
                  h = 1 + (int)(check_random(&state) % MOST);
        const unsigned density = 1 + (unsigned)(check_random(&state) % 9);
        const int grain = 1 + n % 5; /* larger: blobs instead of noise */
        uint8_t coarse[MOST * MOST];
        for (int i = 0; i < w * h; i++)
            coarse[i] = check_random(&state) % 10 < density;
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                bits[y * w + x] = coarse[y / grain * w + x / grain];
        check_mask(bits, w, h);
    }
    memset(bits, 1, sizeof bits);
    check_mask(bits, MOST, MOST);
    check_mask(bits, 1, 1);
    memset(bits, 0, sizeof bits);
    check_mask(bits, MOST, MOST);
}

static void test_discs(void)
{
    uint8_t bits[MOST * MOST];
    for (double radius = 0.5; radius < 19; radius += 0.73) {
        for (int y = 0; y < MOST; y++)
            for (int x = 0; x < MOST; x++)
                bits[y * MOST + x] = hypot(x - 19.3, y - 20.1) <= radius;
        check_mask(bits, MOST, MOST);
    }
}

static double distance_to_ring(const double *ring, size_t n, const double *p)
{
    double nearest = HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        const double *a = ring + 2 * i, *b = ring + 2 * ((i + 1) % n);
        const double dx = b[0] - a[0], dy = b[1] - a[1];
        double t = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy);
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        nearest = fmin(nearest, hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy));
    }
    return nearest;
}

static void test_tolerance(void)
{
    uint8_t bits[MOST * MOST];
    for (int y = 0; y < MOST; y++)
        for (int x = 0; x < MOST; x++)
            bits[y * MOST + x] = hypot(x - 19.5, y - 19.5) <= 18;
    cnx_rle rle = encode(bits, MOST, MOST);
    cnx_outline exact, rough;
    size_t before = 0;
    CHECK(cnx_outline_trace(&exact, &rle, 0, NULL) == CNX_OK);
    for (double tolerance = 0.1; tolerance < 200; tolerance *= 2) {
        CHECK(cnx_outline_trace(&rough, &rle, tolerance, NULL) == CNX_OK);
        CHECK(rough.count == 1 && rough.starts[1] >= 3);
        CHECK(before == 0 || tolerance > 10 || rough.starts[1] <= before,
              "%zu points at %g, %zu before", rough.starts[1], tolerance, before);
        before = rough.starts[1];
        for (size_t i = 0; i < exact.starts[1] && tolerance < 10; i++) {
            const double d = distance_to_ring(rough.xy, rough.starts[1], exact.xy + 2 * i);
            CHECK(d <= tolerance + 1e-9, "a point %g away at a tolerance of %g", d, tolerance);
        }
        cnx_outline_free(&rough);
    }
    CHECK(exact.starts[1] > 20);
    CHECK(cnx_outline_trace(&rough, &rle, 1, NULL) == CNX_OK);
    CHECK(rough.starts[1] * 2 < exact.starts[1], "%zu of %zu points at a tolerance of a pixel",
          rough.starts[1], exact.starts[1]);
    cnx_outline_free(&rough);
    cnx_outline_free(&exact);
    free(rle.counts);
}

static double area_of(const double *xy, size_t n)
{
    double twice = 0;
    for (size_t i = 0, j = n - 1; i < n; j = i++)
        twice += xy[2 * j] * xy[2 * i + 1] - xy[2 * i] * xy[2 * j + 1];
    return fabs(twice) / 2;
}

/* Three squares: the joined polygon has the area of all, and every point of each. */
static void test_join(void)
{
    uint8_t bits[MOST * MOST] = {0};
    static const int corners[3][2] = {{2, 2}, {30, 5}, {12, 28}};
    for (int k = 0; k < 3; k++)
        for (int y = 0; y < 6; y++)
            for (int x = 0; x < 6; x++)
                bits[(corners[k][1] + y) * MOST + corners[k][0] + x] = 1;
    cnx_rle rle = encode(bits, MOST, MOST);
    cnx_outline o;
    double *xy = NULL, area = 0;
    size_t points = 0;
    CHECK(cnx_outline_trace(&o, &rle, 0, NULL) == CNX_OK && o.count == 3);
    CHECK(cnx_outline_join(&xy, &points, &o, NULL) == CNX_OK);
    for (size_t k = 0; k < o.count; k++)
        area += area_of(o.xy + 2 * o.starts[k], o.starts[k + 1] - o.starts[k]);
    CHECK(points == o.starts[3] + 4, "%zu points", points);
    CHECK(fabs(area_of(xy, points) - area) < 1e-9, "%g instead of %g", area_of(xy, points), area);
    for (size_t i = 0; i < o.starts[3]; i++) {
        bool found = false;
        for (size_t j = 0; j < points; j++)
            found = found || memcmp(xy + 2 * j, o.xy + 2 * i, 2 * sizeof *xy) == 0;
        CHECK(found, "point %zu is lost", i);
    }
    free(xy);
    cnx_outline_free(&o);
    CHECK(cnx_outline_join(&xy, &points, &o, NULL) == CNX_OK && points == 0, "none joined");
    free(xy);
    free(rle.counts);
}

static void test_window(void)
{
    unsigned long long state = 11;
    uint8_t bits[MOST * MOST] = {0};
    for (int n = 0; n < 60; n++) {
        const int w = MOST - n % 7, h = MOST - n % 11, margin = n % 3;
        int x0 = MOST, y0 = MOST, x1 = 0, y1 = 0;
        memset(bits, 0, sizeof bits);
        for (int k = 0; k < n % 6; k++) {
            const int x = (int)(check_random(&state) % (unsigned)w);
            const int y = (int)(check_random(&state) % (unsigned)h);
            bits[y * w + x] = 1;
            x0 = x < x0 ? x : x0;
            y0 = y < y0 ? y : y0;
            x1 = x + 1 > x1 ? x + 1 : x1;
            y1 = y + 1 > y1 ? y + 1 : y1;
        }
        cnx_rle rle = encode(bits, w, h);
        cnx_mask_window window;
        CHECK(cnx_mask_window_open(&window, &rle, margin, NULL) == CNX_OK);
        if (n % 6 == 0) {
            CHECK(!window.bits && window.w == 0 && window.h == 0);
        } else {
            CHECK(window.x0 == x0 - margin && window.y0 == y0 - margin &&
                  window.w == x1 - x0 + 2 * margin && window.h == y1 - y0 + 2 * margin);
            size_t wrong = 0;
            for (int y = 0; y < window.h; y++)
                for (int x = 0; x < window.w; x++) {
                    const int px = x + window.x0, py = y + window.y0;
                    const bool in = px >= 0 && py >= 0 && px < w && py < h;
                    wrong += window.bits[y * window.w + x] != (in ? bits[py * w + px] : 0);
                }
            CHECK(wrong == 0, "%zu pixels differ", wrong);
        }
        cnx_mask_window_close(&window);
        free(rle.counts);
    }
}

int main(void)
{
    test_window();
    test_random_masks();
    test_discs();
    test_tolerance();
    test_join();
    return CHECK_RESULT;
}
