/* Winograd's two transforms of every table against ref; that ref convolves is for the tests of
 * core/ops to say. */
#include "core/kernels/winograd_points.h"
#include "tests/unit/kernels/kernel_test.h"

static const int channel_counts[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 150};
enum { CHANNEL_COUNTS = sizeof channel_counts / sizeof *channel_counts };

static void check_input(const cnx_kernels *k, const cnx_kernels *ref, int c,
                        unsigned long long *state)
{
    const size_t ld = (size_t)(c + random_int(state, 0, 5));
    const size_t step = (size_t)(c + random_int(state, 0, 40));
    guarded in = guarded_random(ld * WINOGRAD_POINTS, random_int(state, 0, 15), state);
    const float *pixels[WINOGRAD_POINTS];
    for (int p = 0; p < WINOGRAD_POINTS; p++) /* any order, the same pixel more than once */
        pixels[p] = in.x + (size_t)random_int(state, 0, WINOGRAD_POINTS - 1) * ld;
    const size_t length = (WINOGRAD_POINTS - 1) * step + (size_t)c;
    guarded want = guarded_alloc(length, 0), got = guarded_alloc(length, random_int(state, 0, 15));
    ref->winograd_input(c, pixels, want.x, step);
    k->winograd_input(c, pixels, got.x, step);
    CHECK(largest_difference(want.x, got.x, length) < 2e-5,
          "%s input of %d channels, step %zu: off by %g", k->name, c, step,
          largest_difference(want.x, got.x, length));
    CHECK(guarded_whole(&got) && gaps_whole(got.x, WINOGRAD_POINTS, c, step),
          "%s input of %d channels, step %zu: wrote outside", k->name, c, step);
    guarded_free(&in);
    guarded_free(&want);
    guarded_free(&got);
}

/* Both write into a map of 5 x 6 pixels full of values: those that are not wanted must stay. */
static void check_output(const cnx_kernels *k, const cnx_kernels *ref, int c, int gap, int offset,
                         cnx_winograd_patch patch, unsigned long long *state)
{
    enum { H = 5, W = 6 };
    const size_t ld = (size_t)(c + gap), row = W * ld;
    const size_t step = (size_t)(c + random_int(state, 0, 40)), length = H * row;
    guarded in = guarded_random((WINOGRAD_POINTS - 1) * step + (size_t)c, 3, state);
    guarded bias = guarded_random((size_t)c, 1, state);
    const size_t add_row = (size_t)(WINOGRAD_OUT * c + random_int(state, 0, 20));
    guarded add = guarded_random(WINOGRAD_OUT * add_row, 2, state);
    unsigned long long same = 9, again = 9;
    guarded want = guarded_random(length, offset, &same);
    guarded got = guarded_random(length, offset, &again);
    patch.row = row;
    patch.ld = ld;
    patch.bias = patch.bias ? bias.x : NULL;
    patch.add = patch.add ? add.x : NULL;
    patch.add_row = add_row;
    patch.out = want.x + row + ld;
    ref->winograd_output(c, in.x, step, &patch);
    patch.out = got.x + row + ld;
    k->winograd_output(c, in.x, step, &patch);
    CHECK(largest_difference(want.x, got.x, length) < 2e-5 && guarded_whole(&got),
          "%s output of %d channels, gap %d, offset %d, %d x %d, bias %d add %d relu %d stream %d: "
          "off by %g",
          k->name, c, gap, offset, patch.rows, patch.columns, patch.bias != NULL, patch.add != NULL,
          patch.relu, patch.stream, largest_difference(want.x, got.x, length));
    /* What is not wanted: the same as before in ref, hence in both. */
    unsigned long long before = 9;
    guarded old = guarded_random(length, offset, &before);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const bool wanted = y >= 1 && y <= patch.rows && x >= 1 && x <= patch.columns;
            const size_t at = (size_t)y * row + (size_t)x * ld;
            const size_t from = wanted ? (size_t)c : 0; /* the gap stays in any case */
            CHECK(memcmp(old.x + at + from, got.x + at + from, (ld - from) * sizeof(float)) == 0,
                  "%s output of %d channels: pixel %d, %d is not its own", k->name, c, y, x);
        }
    guarded_free(&in);
    guarded_free(&bias);
    guarded_free(&add);
    guarded_free(&want);
    guarded_free(&got);
    guarded_free(&old);
}

int main(void)
{
    static const float some = 0;
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    unsigned long long state = 5;
    for (int t = 0; t < count; t++)
        for (int i = 0; i < CHANNEL_COUNTS; i++) {
            const int c = channel_counts[i];
            check_input(&tables[t], &tables[0], c, &state);
            for (int way = 0; way < 16; way++) {
                const cnx_winograd_patch patch = {.rows = random_int(&state, 1, WINOGRAD_OUT),
                                                  .columns = random_int(&state, 1, WINOGRAD_OUT),
                                                  .bias = way & 1 ? &some : NULL,
                                                  .add = way >> 1 & 1 ? &some : NULL,
                                                  .relu = way >> 2 & 1,
                                                  .stream = way >> 3 & 1};
                check_output(&tables[t], &tables[0], c, 0, 0, patch, &state);
                check_output(&tables[t], &tables[0], c, 16, 0, patch, &state);
                check_output(&tables[t], &tables[0], c, random_int(&state, 0, 5),
                             random_int(&state, 0, 15), patch, &state);
            }
        }
    return CHECK_RESULT;
}
