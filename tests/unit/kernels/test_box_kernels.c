/* The overlap of boxes and the pasting of masks: every table gives the plain version's verdicts, one by one. */
#include "tests/unit/kernels/kernel_test.h"

enum { MOST = 300 };

/* Boxes on a coarse grid, so that an overlap is often exactly the limit; some without size. */
static void fill_boxes(guarded side[5], int n, unsigned long long *state)
{
    for (int i = 0; i < n; i++) {
        const float x = (float)random_int(state, 0, 12), y = (float)random_int(state, 0, 12);
        const float w = (float)random_int(state, 0, 6), h = (float)random_int(state, 0, 6);
        const float off = random_int(state, 0, 3) ? 0 : check_uniform(state);
        side[0].x[i] = x + off;
        side[1].x[i] = y;
        side[2].x[i] = x + off + w;
        side[3].x[i] = y + h;
        side[4].x[i] = (side[2].x[i] - side[0].x[i]) * (side[3].x[i] - side[1].x[i]);
    }
}

static void test_size(const cnx_kernels *k, const cnx_kernels *ref, int n, float iou,
                      unsigned long long *state)
{
    guarded side[5];
    const float *sides[5];
    int32_t want[MOST + 2], got[MOST + 2];
    for (int j = 0; j < 5; j++) {
        side[j] = guarded_alloc((size_t)n, random_int(state, 0, 7));
        sides[j] = side[j].x;
    }
    fill_boxes(side, n, state);
    const int one = random_int(state, 0, n - 1);
    const float box[5] = {sides[0][one], sides[1][one], sides[2][one], sides[3][one],
                          sides[4][one]};
    for (int i = 0; i < MOST + 2; i++)
        want[i] = got[i] = i >= n ? 77 : i % 5 == 0; /* some are suppressed already */
    ref->suppress(n, box, sides, iou, want);
    k->suppress(n, box, sides, iou, got);
    CHECK(memcmp(want, got, sizeof want) == 0, "%s: n %d, iou %g", k->name, n, (double)iou);
    CHECK(want[n] == 77 && got[n] == 77, "%s: wrote past the end", k->name);
    for (int j = 0; j < 5; j++) {
        CHECK(guarded_whole(&side[j]), "%s: wrote into the boxes", k->name);
        guarded_free(&side[j]);
    }
}

/* By hand: what suppresses and what does not. */
static void test_meaning(const cnx_kernels *k)
{
    const float x1[] = {0, 0, 5, 20, 3, 0}, y1[] = {0, 0, 0, 0, 3, 0};
    const float x2[] = {10, 10, 15, 30, 3, 20}, y2[] = {10, 5, 10, 10, 3, 10};
    const float area[] = {100, 50, 100, 100, 0, 200}, point[5] = {3, 3, 3, 3, 0};
    const float box[5] = {0, 0, 10, 10, 100};
    const float *const side[5] = {x1, y1, x2, y2, area};
    int32_t got[6] = {0}, none[6] = {0};
    k->suppress(6, box, side, 0.5f, got); /* overlaps: 1, 0.5, 1/3, 0, 0, 0.5 */
    CHECK(got[0] && !got[1] && !got[2] && !got[3] && !got[4] && !got[5],
          "%s: equal to the limit is not larger", k->name);
    k->suppress(6, box, side, 0.3f, got);
    CHECK(got[1] && got[2] && !got[3] && !got[4] && got[5], "%s: limit 0.3", k->name);
    k->suppress(6, point, side, 0, none); /* 0/0 with itself, 0 with the others */
    for (int i = 0; i < 6; i++)
        CHECK(!none[i], "%s: a box without size suppresses nothing", k->name);
}

/* ---- pasting ---- */

/* The expression by itself, pixel by pixel. */
static bool is_set(const float corner[4], float east, float south, float threshold)
{
    const float north = 1 - south, west = 1 - east;
    volatile float sum = corner[0] * (north * west); /* volatile: rounded after every step */
    sum = sum + corner[1] * (north * east);
    sum = sum + corner[2] * (south * west);
    sum = sum + corner[3] * (south * east);
    return sum >= threshold;
}

static float value_of(const float corner[4], float east, float south)
{
    const float north = 1 - south, west = 1 - east;
    return corner[0] * (north * west) + corner[1] * (north * east) + corner[2] * (south * west) +
           corner[3] * (south * east);
}

/* Random corners; the threshold is the very value of one of the pixels, so that an operation that
 * rounds otherwise shows. */
static void test_paste_size(const cnx_kernels *k, int n, bool constant, unsigned long long *state)
{
    guarded part = guarded_alloc((size_t)n, random_int(state, 0, 15));
    float corner[4];
    for (int i = 0; i < 4; i++)
        corner[i] = (check_uniform(state) + 1) / 2;
    const float east = constant ? 0 : (check_uniform(state) + 1) / 2;
    for (int i = 0; i < n; i++)
        part.x[i] = random_int(state, 0, 7) ? (check_uniform(state) + 1) / 2 : 0;
    if (constant)
        corner[0] = corner[2] = 0.5f;
    const float threshold = value_of(corner, east, part.x[random_int(state, 0, n - 1)]);
    uint64_t want = 0;
    for (int i = 0; i < n; i++)
        want |= (uint64_t)is_set(corner, east, part.x[i], threshold) << i;
    const uint64_t got = k->paste(n, corner, east, part.x, threshold);
    CHECK(want != 0 && got == want, "%s: paste of %d: %llx, not %llx", k->name, n,
          (unsigned long long)got, (unsigned long long)want);
    CHECK(guarded_whole(&part), "%s: paste wrote", k->name);
    guarded_free(&part);
}

/* By hand: equal is set, one step below is not, NaN is not, and infinities are what they are. */
static void test_paste_meaning(const cnx_kernels *k)
{
    float part[CNX_PASTE_PIXELS];
    for (int i = 0; i < CNX_PASTE_PIXELS; i++)
        part[i] = (float)i / CNX_PASTE_PIXELS;
    const float same[4] = {0.5f, 0.5f, 0.5f, 0.5f}, down[4] = {0, 0, 1, 1};
    const float nan[4] = {NAN, 1, 1, 1}, infinite[4] = {INFINITY, 1, 1, 1};
    const uint64_t all = UINT64_MAX;
    const int n = CNX_PASTE_PIXELS;
    CHECK(k->paste(n, same, 0.25f, part, 0.5f) == all, "%s: equal is set", k->name);
    CHECK(k->paste(n, same, 0.25f, part, nextafterf(0.5f, 1)) == 0, "%s: below", k->name);
    CHECK(k->paste(n, same, 0.25f, part, NAN) == 0, "%s: a threshold of NaN", k->name);
    CHECK(k->paste(n, down, 0.25f, part, 0.5f) == all << 32, "%s: half the way down", k->name);
    CHECK(k->paste(n, nan, 0.25f, part, 0) == 0, "%s: a corner of NaN", k->name);
    CHECK(k->paste(n, infinite, 0.25f, part, 9) == all, "%s: infinity", k->name);
    CHECK(k->paste(n, infinite, 1, part, 0) == 0, "%s: infinity times nothing", k->name);
    CHECK(k->paste(3, same, 0, part, 0) == 7, "%s: bits past the end", k->name);
    part[5] = NAN;
    CHECK(k->paste(n, same, 0.25f, part, 0) == (all & ~(1ull << 5)), "%s: a part of NaN", k->name);
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    unsigned long long state = 5;
    for (int t = 0; t < count; t++) {
        test_meaning(&tables[t]);
        for (int n = 1; n <= MOST; n += n < 40 ? 1 : 37)
            for (int r = 0; r < 4; r++)
                test_size(&tables[t], &tables[0], n, (const float[]){0, 0.3f, 0.5f, 0.7f}[r],
                          &state);
        test_paste_meaning(&tables[t]);
        for (int n = 1; n <= CNX_PASTE_PIXELS; n++)
            for (int r = 0; r < 40; r++)
                test_paste_size(&tables[t], n, r % 8 == 0, &state);
    }
    return CHECK_RESULT;
}
