/* The overlap of boxes: every table gives the plain version's verdicts, one by one. */
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
    }
    return CHECK_RESULT;
}
