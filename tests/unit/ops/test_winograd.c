/* Winograd's convolution of every table against the definition in double: maps from one pixel to
 * more than one block, any scratch between the least and the best, any number of threads. */
#include "core/ops/winograd.h"
#include "tests/unit/ops/op_test.h"

typedef struct winograd_case {
    int in_c, out_c, h, w, in_gap, out_gap;
    bool bias, relu, add;
} winograd_case;

static const winograd_case cases[] = {
    {1, 1, 1, 1, 0, 0, true, false, false},      {3, 5, 1, 9, 1, 2, false, true, false},
    {17, 6, 4, 4, 0, 0, true, true, true},       {33, 32, 7, 33, 3, 0, true, true, false},
    {32, 33, 33, 10, 0, 5, false, false, true},  {40, 24, 61, 59, 0, 0, true, true, true},
    {300, 8, 50, 46, 0, 0, true, false, false},  /* blocks of the fewest patches */
    {5, 64, 131, 130, 0, 0, true, true, false},  /* an output that goes past the caches */
    {5, 64, 131, 130, 0, 1, true, false, false}, /* and one that would if it were aligned */
    {24, 24, 13, 37, 0, 0, true, true, false},   /* and such as may be done in place */
    {40, 40, 21, 39, 3, 3, false, false, true},  {64, 64, 50, 9, 0, 0, true, true, true},
    {300, 300, 5, 29, 0, 0, true, false, true},  {1, 1, 3, 70, 0, 0, true, false, false},
};

enum { INPUT = 3 }; /* the input's seed */

/* before: what is added, if anything is. */
static double *naive(const winograd_case *c, cnx_map in, const float *weights, const float *bias,
                     cnx_map before)
{
    double *out = doubles((size_t)c->h * (size_t)c->w * (size_t)c->out_c), *to = out;
    for (int y = 0; y < c->h; y++)
        for (int x = 0; x < c->w; x++)
            for (int o = 0; o < c->out_c; o++) {
                double sum = bias ? (double)bias[o] : 0;
                for (int tap = 0; tap < 9; tap++) {
                    const int sy = y + tap / 3 - 1, sx = x + tap % 3 - 1;
                    if (sy < 0 || sy >= c->h || sx < 0 || sx >= c->w)
                        continue;
                    for (int i = 0; i < c->in_c; i++)
                        sum += (double)cnx_map_pixel(in, sy, sx)[i] *
                               (double)weights[(o * c->in_c + i) * 9 + tap];
                }
                sum += c->add ? (double)cnx_map_pixel(before, y, x)[o] : 0;
                *to++ = c->relu && sum < 0 ? 0 : sum;
            }
    return out;
}

/* Rows that are added, in as little memory as a run asks for; those that it should not read are NaN. */
typedef struct rows_added {
    cnx_map rows;
    float *band;
    int size, made; /* rows */
    size_t row;
    bool sound;
} rows_added;

static void make_rows(void *user, int first, int end)
{
    rows_added *r = user;
    r->sound =
        r->sound && end > first && end - first <= r->size && r->made <= end && first % 4 == 0;
    for (int y = r->made - r->size > 0 ? r->made - r->size : 0; y < first; y++)
        for (size_t i = 0; i < r->row; i++)
            r->band[(size_t)(y % r->size) * r->row + i] = NAN;
    for (; r->made < end; r->made++)
        memcpy(r->band + (size_t)(r->made % r->size) * r->row, cnx_map_pixel(r->rows, r->made, 0),
               r->row * sizeof *r->band);
}

/* added: what is added, dense.  In place if in and out are the same. */
static void run(const winograd_case *c, const cnx_kernels *k, const cnx_winograd *wino, cnx_map in,
                cnx_map added, int threads, size_t scratch, test_map *out)
{
    test_exec t = exec_make(k, threads, scratch);
    rows_added r = {.rows = added,
                    .size = cnx_winograd_rows(wino, c->h, c->w, threads, scratch),
                    .row = (size_t)c->w * (size_t)c->out_c,
                    .sound = true};
    guarded band = guarded_alloc((size_t)r.size * r.row, 0);
    r.band = band.x;
    const cnx_winograd_addend addend = {
        .make = make_rows, .user = &r, .data = r.band, .rows = r.size, .row = r.row};
    cnx_winograd_run(&t.exec, wino, in, out->map, c->add ? &addend : NULL);
    CHECK(r.sound && guarded_whole(&band), "%s on %dx%d: rows asked for in a wrong order", k->name,
          c->h, c->w);
    CHECK(exec_free(&t), "%s %d->%d on %dx%d: scratch overrun with %zu bytes", k->name, c->in_c,
          c->out_c, c->h, c->w, scratch);
    CHECK(map_whole(out), "%s %d->%d on %dx%d: wrote outside the output", k->name, c->in_c,
          c->out_c, c->h, c->w);
    guarded_free(&band);
}

/* The same bits when the output is the input. */
static void check_in_place(const winograd_case *c, const cnx_kernels *k, const cnx_winograd *wino,
                           cnx_map added, int threads, size_t scratch, const test_map *apart)
{
    if (c->in_c != c->out_c || c->in_gap != c->out_gap)
        return;
    test_map both = map_alloc(c->h, c->w, c->in_c, c->in_gap);
    map_fill(both.map, INPUT);
    run(c, k, wino, both.map, added, threads, scratch, &both);
    CHECK(maps_equal(apart->map, both.map), "%s %d on %dx%d, %d threads, %zu bytes: other in place",
          k->name, c->in_c, c->h, c->w, threads, scratch);
    guarded_free(&both.memory);
}

static void check_case(const winograd_case *c, const cnx_kernels tables[], int count)
{
    unsigned long long seed = 11;
    test_map in = map_alloc(c->h, c->w, c->in_c, c->in_gap);
    test_map out = map_alloc(c->h, c->w, c->out_c, c->out_gap);
    test_map again = map_alloc(c->h, c->w, c->out_c, c->out_gap);
    test_map added = map_alloc(c->h, c->w, c->out_c, 0);
    map_fill(in.map, INPUT);
    map_fill(added.map, 7);
    guarded weights = guarded_random((size_t)c->out_c * (size_t)c->in_c * 9, 0, &seed);
    guarded bias = guarded_random((size_t)c->out_c, 0, &seed);
    double *want = naive(c, in.map, weights.x, c->bias ? bias.x : NULL, added.map);
    for (int t = 0; t < count; t++) {
        const cnx_kernels *k = &tables[t];
        cnx_winograd wino;
        cnx_error err;
        CHECK(cnx_winograd_init(&wino, k, c->in_c, c->out_c, weights.x, c->bias ? bias.x : NULL,
                                c->relu, &err) == CNX_OK,
              "%s", err.message);
        const size_t best = cnx_winograd_scratch(&wino, c->h, c->w, OP_THREADS);
        const size_t least = cnx_winograd_least_scratch(&wino, c->h, c->w, OP_THREADS);
        run(c, k, &wino, in.map, added.map, 1, best, &out);
        const double off = map_error(out.map, want), limit = 2e-5 * sqrt(9.0 * c->in_c);
        CHECK(off < limit, "%s %d->%d on %dx%d: off by %g of %g", k->name, c->in_c, c->out_c, c->h,
              c->w, off, limit);
        const size_t scratches[] = {best, least, (best + least) / 2, best + 100000};
        for (int s = 0; s < 4; s++)
            for (int threads = 1 + (s == 0); threads <= OP_THREADS; threads += 1 + (s > 0)) {
                run(c, k, &wino, in.map, added.map, threads, scratches[s], &again);
                check_in_place(c, k, &wino, added.map, threads, scratches[s], &again);
                /* OpenBLAS sums in an order that depends on the number of rows. */
                const bool same = scratches[s] == best || strcmp(k->name, "openblas") != 0;
                CHECK(same ? maps_equal(out.map, again.map) : map_error(again.map, want) < limit,
                      "%s %d->%d on %dx%d: other bits with %d threads and %zu bytes", k->name,
                      c->in_c, c->out_c, c->h, c->w, threads, scratches[s]);
            }
        cnx_winograd_free(&wino);
    }
    free(want);
    guarded_free(&weights);
    guarded_free(&bias);
    guarded_free(&in.memory);
    guarded_free(&out.memory);
    guarded_free(&again.memory);
    guarded_free(&added.memory);
}

/* Scratch is what planning counts: it follows the map up to a block's size, never further. */
static void check_scratch(void)
{
    const cnx_winograd wino = {.in_c = 512, .out_c = 512};
    const size_t large = cnx_winograd_scratch(&wino, 128, 128, 2);
    const size_t row = (size_t)2 * 512 * sizeof(float); /* of what is kept aside, for a column */
    CHECK(large < 11u << 20, "%zu bytes for 512 channels", large);
    CHECK(cnx_winograd_scratch(&wino, 4096, 4096, 2) == large + (4096 - 128) * row,
          "more for a larger map");
    CHECK(cnx_winograd_scratch(&wino, 4, 4, 2) < large / 50, "as much for one patch");
    CHECK(cnx_winograd_least_scratch(&wino, 128, 128, 2) < large / 5, "little to save");
    CHECK(cnx_winograd_least_scratch(&wino, 1, 1, 2) == cnx_winograd_scratch(&wino, 1, 1, 2),
          "the least is more than the best");
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
#ifdef __SANITIZE_THREAD__
        if (cases[i].h * cases[i].w > 2000)
            continue; /* what is large for caches' sake takes minutes there */
#endif
        check_case(&cases[i], tables, count);
    }
    check_scratch();
    return CHECK_RESULT;
}
