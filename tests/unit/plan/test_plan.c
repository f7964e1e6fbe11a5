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

static const cnx_buffer *buffer(const cnx_plan *plan, cnx_value value)
{
    return &plan->buffers[value.id];
}

/* A chain of 3x3 convolutions goes over the first map; one whose input is needed later does not. */
static void test_taking_over(void)
{
    enum { H = 40, W = 30, C = 32 };
    const int channels[] = {C};
    cnx_error err;
    cnx_plan *plan;
    cnx_concat_conv conv, direct;
    cnx_concat_conv_shape(&conv, 1, channels, C, true, true, 0);
    cnx_concat_conv_shape(&direct, 1, channels, C, true, false, 0);
    CHECK(cnx_plan_open(&plan, &kernels, 2, &err) == CNX_OK, "%s", err.message);
    const cnx_value in = cnx_plan_external(plan, H, W, C), out = cnx_plan_external(plan, H, W, C);
    cnx_value x[6];
    for (int i = 0; i < 6; i++)
        x[i] = cnx_plan_map(plan, H, W, C);
    cnx_plan_concat_conv(plan, "from outside", &conv, &in, x[0]);
    cnx_plan_concat_conv(plan, "a", &conv, &x[0], x[1]);
    cnx_plan_concat_conv(plan, "b", &conv, &x[1], x[2]);
    cnx_plan_concat_conv(plan, "needed later", &conv, &x[2], x[3]);
    cnx_plan_resize(plan, "add", x[2], x[3], true);
    cnx_plan_concat_conv(plan, "direct", &direct, &x[3], x[4]);
    cnx_plan_concat_conv(plan, "c", &conv, &x[4], x[5]);
    cnx_plan_concat_conv(plan, "to outside", &conv, &x[5], out);
    CHECK(cnx_plan_finish(plan, &err) == CNX_OK, "%s", err.message);
    CHECK(buffer(plan, x[1])->over == x[0].id && buffer(plan, x[2])->over == x[1].id &&
              buffer(plan, x[5])->over == x[4].id,
          "not in place");
    CHECK(buffer(plan, x[0])->over < 0 && buffer(plan, x[3])->over < 0 &&
              buffer(plan, x[4])->over < 0,
          "in place where it may not be");
    CHECK(buffer(plan, x[0])->offset == buffer(plan, x[1])->offset &&
              buffer(plan, x[0])->offset == buffer(plan, x[2])->offset &&
              buffer(plan, x[4])->offset == buffer(plan, x[5])->offset,
          "another place");
    CHECK(!share_memory(buffer(plan, x[0]), buffer(plan, x[3])) &&
              !share_memory(buffer(plan, x[3]), buffer(plan, x[4])),
          "maps that are needed at the same time collide");
    for (int n = 0; n < plan->node_count; n++)
        check_scratch(plan, n);
    /* b: x[1] and x[2] are one; "add": x[2], x[3]. */
    CHECK(cnx_plan_live_bytes(plan, 2) == plan->nodes[2].scratch_bytes + buffer(plan, x[1])->bytes,
          "counted twice");
    CHECK(cnx_plan_live_bytes(plan, 4) ==
              plan->nodes[4].scratch_bytes + 2 * buffer(plan, x[2])->bytes,
          "not counted");
    cnx_plan_close(&plan);
}

/* External maps may lie in the arena where nothing else does. */
static void test_room(void)
{
    cnx_error err;
    cnx_plan *plan;
    CHECK(cnx_plan_open(&plan, &kernels, 1, &err) == CNX_OK, "%s", err.message);
    const cnx_value in = cnx_plan_external(plan, 8, 8, 4), out = cnx_plan_external(plan, 8, 8, 4);
    const cnx_value large = cnx_plan_external(plan, 64, 64, 4);
    const cnx_value a = cnx_plan_map(plan, 8, 8, 4), b = cnx_plan_map(plan, 16, 16, 4);
    const cnx_value c = cnx_plan_map(plan, 8, 8, 4);
    cnx_plan_resize(plan, "1", in, a, false);
    cnx_plan_resize(plan, "2", a, b, false);
    cnx_plan_resize(plan, "3", b, c, false);
    cnx_plan_resize(plan, "4", c, large, false);
    cnx_plan_resize(plan, "5", c, out, false);
    CHECK(cnx_plan_finish(plan, &err) == CNX_OK, "%s", err.message);
    const size_t bytes = 8 * 8 * 4 * sizeof(float);
    const size_t first = cnx_plan_external_room(plan, 0), second = cnx_plan_external_room(plan, 1);
    CHECK(first != CNX_NO_ROOM && first + bytes <= plan->arena_bytes &&
              !share_memory(buffer(plan, in), buffer(plan, a)),
          "no room for the input");
    CHECK(second != CNX_NO_ROOM && second + bytes <= plan->arena_bytes &&
              !share_memory(buffer(plan, out), buffer(plan, c)),
          "no room for the output");
    CHECK(cnx_plan_external_room(plan, 2) == CNX_NO_ROOM, "room for more than the arena");
    CHECK(cnx_plan_external_room(plan, 3) == CNX_NO_ROOM, "room for what is not there");
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
    test_taking_over();
    test_room();
    return CHECK_RESULT;
}
