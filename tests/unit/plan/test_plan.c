/* The plan: what it adds up, where it puts maps, and that running gives the layers' results. */
#include <math.h>
#include <stdint.h>

#include "core/memory.h"
#include "core/plan/plan_internal.h"
#include "tests/unit/check.h"

static cnx_kernels kernels;

static bool alive_together(const cnx_buffer *a, const cnx_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static bool share_memory(const cnx_buffer *a, const cnx_buffer *b)
{
    return a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes;
}

/* What node n keeps of the arena: living maps and its scratch. */
static size_t needed_at(const cnx_plan *plan, int n)
{
    size_t live = plan->nodes[n].scratch_bytes;
    for (int i = 0; i < plan->buffer_count; i++)
        if (plan->buffers[i].first <= n && n <= plan->buffers[i].last)
            live += plan->buffers[i].bytes;
    return live;
}

static void check_scratch(const cnx_plan *plan, int n)
{
    const cnx_node *node = &plan->nodes[n];
    const cnx_buffer scratch = {.bytes = node->scratch_bytes, .offset = node->scratch_offset};
    CHECK(scratch.offset + scratch.bytes <= plan->arena_bytes, "scratch outside of the arena");
    for (int i = 0; i < plan->buffer_count; i++) {
        const cnx_buffer *b = &plan->buffers[i];
        if (scratch.bytes > 0 && b->first <= n && n <= b->last)
            CHECK(!share_memory(&scratch, b), "node %d's scratch collides with map %d", n, i);
    }
}

/* Random chains of resizes between random maps: a layout in which no two living maps and no node's
 * scratch collide, no smaller than the fullest moment and no larger than everything side by side.
 */
static void test_layout(uint64_t seed)
{
    unsigned long long random = seed;
    cnx_error err;
    cnx_plan *plan;
    CHECK(cnx_plan_open(&plan, &kernels, 1, &err) == CNX_OK, "%s", err.message);
    enum { MAPS = 40 };
    cnx_value maps[MAPS];
    for (int i = 0; i < MAPS; i++)
        maps[i] = cnx_plan_map(plan, 1 + (int)(check_random(&random) % 9),
                               1 + (int)(check_random(&random) % 9), 4);
    for (int i = 1; i < MAPS; i++)
        cnx_plan_resize(plan, "r", maps[check_random(&random) % (unsigned)i], maps[i], false);
    CHECK(cnx_plan_finish(plan, &err) == CNX_OK, "%s", err.message);
    size_t sum = 0, fullest = 0;
    for (int i = 0; i < plan->buffer_count; i++) {
        sum += plan->buffers[i].first >= 0 ? plan->buffers[i].bytes : 0;
        for (int j = 0; j < i; j++) {
            const cnx_buffer *a = &plan->buffers[i], *b = &plan->buffers[j];
            if (a->first >= 0 && b->first >= 0 && alive_together(a, b))
                CHECK(!share_memory(a, b), "maps %d and %d collide", i, j);
        }
    }
    for (int n = 0; n < plan->node_count; n++) {
        const size_t needed = needed_at(plan, n);
        fullest = needed > fullest ? needed : fullest;
        CHECK(cnx_plan_live_bytes(plan, n) == needed, "node %d", n);
        sum += plan->nodes[n].scratch_bytes;
        check_scratch(plan, n);
    }
    CHECK(plan->nodes[0].scratch_bytes > 0, "a resize without scratch tests nothing");
    CHECK(plan->arena_bytes <= sum, "%zu bytes for %zu", plan->arena_bytes, sum);
    CHECK(plan->arena_bytes >= fullest, "%zu bytes for %zu", plan->arena_bytes, fullest);
    cnx_plan_close(&plan);
}

static void test_costs(void)
{
    cnx_error err;
    cnx_plan *plan;
    const cnx_conv conv = {.kind = CNX_CONV_3X3, .size = 3, .in_c = 5, .out_c = 7};
    const cnx_dwconv dw = {.c = 7};
    const cnx_mlp mlp = {.c = 7, .hidden = 28};
    CHECK(cnx_plan_open(&plan, &kernels, 2, &err) == CNX_OK, "%s", err.message);
    const cnx_value in = cnx_plan_external(plan, 6, 9, 5);
    const cnx_value x = cnx_plan_map(plan, 6, 9, 7), y = cnx_plan_map(plan, 6, 9, 7);
    cnx_plan_conv(plan, "conv", &conv, in, x);
    cnx_plan_dwconv(plan, "dw", &dw, x, y);
    cnx_plan_mlp(plan, "mlp", &mlp, y, x);
    CHECK(cnx_plan_finish(plan, &err) == CNX_OK, "%s", err.message);
    const double expected = 54.0 * (9 * 5 * 7 + 49 * 7 + 2 * 7 * 28);
    CHECK(cnx_plan_macs(plan) == expected, "%g", cnx_plan_macs(plan));
    CHECK(cnx_plan_rows(plan) == 3, "%d", cnx_plan_rows(plan));
    const cnx_plan_row row = cnx_plan_row_at(plan, 0);
    CHECK(strcmp(row.name, "conv") == 0 && row.h == 6 && row.w == 9 && row.c == 7, "%s", row.name);
    cnx_plan_close(&plan);
}

static void test_impossible_sizes(void)
{
    cnx_error err;
    cnx_plan *plan;
    CHECK(cnx_plan_open(&plan, &kernels, 1, &err) == CNX_OK, "%s", err.message);
    const cnx_value a = cnx_plan_map(plan, 1 << 30, 1 << 30, 1 << 30);
    const cnx_value b = cnx_plan_map(plan, 0, 5, 5);
    cnx_plan_resize(plan, "r", a, b, false);
    CHECK(cnx_plan_finish(plan, &err) == CNX_ERR_ARGUMENT, "a map without bounds was accepted");
    cnx_plan_close(&plan);
}

static bool stop_at_once(void *user, double done)
{
    (void)done;
    return ++*(int *)user < 2;
}

static void count_taps(void *user, const char *name, cnx_map map)
{
    CHECK(strcmp(name, "halves") == 0, "%s", name);
    CHECK(map.h == 2 && map.w == 2 && map.c == 3, "%d %d %d", map.h, map.w, map.c);
    ++*(int *)user;
}

/* Mean of 4x4 -> 2x2 by resize, into a map, then out again. */
static void test_run(void)
{
    cnx_error err;
    cnx_plan *plan;
    CHECK(cnx_plan_open(&plan, &kernels, 2, &err) == CNX_OK, "%s", err.message);
    const cnx_value in = cnx_plan_external(plan, 4, 4, 3), out = cnx_plan_external(plan, 2, 2, 3);
    const cnx_value halves = cnx_plan_map(plan, 2, 2, 3);
    cnx_plan_resize(plan, "down", in, halves, false);
    cnx_plan_mark(plan, "halves", halves);
    cnx_plan_resize(plan, "copy", halves, out, false);
    CHECK(cnx_plan_finish(plan, &err) == CNX_OK, "%s", err.message);
    float input[48], output[12];
    for (int i = 0; i < 48; i++)
        input[i] = (float)(i * i % 31);
    void *arena = cnx_alloc(cnx_plan_arena_bytes(plan));
    float *const external[] = {input, output};
    int taps = 0, steps = 0;
    const cnx_plan_hooks hooks = {.tap = count_taps, .user = &taps};
    CHECK(cnx_plan_run(plan, arena, external, &hooks), "the run stopped by itself");
    CHECK(taps == 1, "%d taps", taps);
    for (int i = 0; i < 12; i++) {
        const int y = i / 6, x = i / 3 % 2, c = i % 3;
        float mean = 0;
        for (int k = 0; k < 4; k++)
            mean += 0.25f * input[((2 * y + k / 2) * 4 + 2 * x + k % 2) * 3 + c];
        CHECK(fabsf(mean - output[i]) < 1e-4f, "element %d: %g, not %g", i, (double)output[i],
              (double)mean);
    }
    const cnx_plan_hooks stopping = {.step = stop_at_once, .user = &steps};
    CHECK(!cnx_plan_run(plan, arena, external, &stopping), "a stopped run went on");
    CHECK(steps == 2, "%d steps", steps);
    cnx_free(arena);
    cnx_plan_close(&plan);
}

int main(void)
{
    cnx_error err;
    if (cnx_kernels_init(&kernels, "ref", &err) != CNX_OK)
        return fprintf(stderr, "%s\n", err.message), 1;
    for (uint64_t seed = 1; seed <= 20; seed++)
        test_layout(seed);
    test_costs();
    test_impossible_sizes();
    test_run();
    return CHECK_RESULT;
}
