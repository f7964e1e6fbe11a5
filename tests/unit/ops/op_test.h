/* What the tests of operations share: tables, maps with canaries, scratch of exactly the size asked
 * for, and runs on 1, 2 and 3 threads that must give the same bits. */
#ifndef CNX_TESTS_OP_TEST_H
#define CNX_TESTS_OP_TEST_H

#include "core/ops/exec.h"
#include "tests/unit/kernels/kernel_test.h"

enum { OP_THREADS = 3 };

/* A map of random values whose pixels are `gap` floats further apart than c; gaps hold canaries. */
typedef struct test_map {
    guarded memory;
    cnx_map map;
} test_map;

static inline test_map map_alloc(int h, int w, int c, int gap)
{
    const size_t ld = (size_t)(c + gap), pixels = (size_t)h * (size_t)w;
    test_map t = {.memory = guarded_alloc((pixels - 1) * ld + (size_t)c, gap & 3)};
    t.map = (cnx_map){.data = t.memory.x, .h = h, .w = w, .c = c, .ld = ld};
    return t;
}

static inline void map_fill(cnx_map map, unsigned long long seed)
{
    for (int y = 0; y < map.h; y++)
        for (int x = 0; x < map.w; x++)
            for (int i = 0; i < map.c; i++)
                cnx_map_pixel(map, y, x)[i] = check_uniform(&seed);
}

static inline bool map_whole(const test_map *t)
{
    return guarded_whole(&t->memory) &&
           gaps_whole(t->map.data, t->map.h * t->map.w, t->map.c, t->map.ld);
}

static inline bool maps_equal(cnx_map a, cnx_map b)
{
    for (int y = 0; y < a.h; y++)
        for (int x = 0; x < a.w; x++)
            if (memcmp(cnx_map_pixel(a, y, x), cnx_map_pixel(b, y, x),
                       (size_t)a.c * sizeof(float)) != 0)
                return false;
    return true;
}

/* Largest difference from `want`, [h][w][c] dense doubles. */
static inline double map_error(cnx_map map, const double *want)
{
    double worst = 0;
    for (int y = 0; y < map.h; y++)
        for (int x = 0; x < map.w; x++)
            for (int i = 0; i < map.c; i++) {
                const double off = fabs(cnx_map_pixel(map, y, x)[i] - *want++);
                worst = off > worst || isnan(off) ? off : worst;
            }
    return worst;
}

static inline double *doubles(size_t n)
{
    double *d = calloc(n, sizeof *d);
    if (!d)
        abort();
    return d;
}

/* An exec whose scratch is exactly `size` bytes, with canaries behind. */
typedef struct test_exec {
    cnx_exec exec;
    size_t size;
} test_exec;

static inline test_exec exec_make(const cnx_kernels *k, int threads, size_t size)
{
    test_exec t = {.exec = {.k = k, .threads = threads, .scratch_size = size}, .size = size};
    t.exec.scratch = cnx_alloc(size + 64);
    if (!t.exec.scratch)
        abort();
    memset(t.exec.scratch, 0x7f, size + 64); /* large floats: what is read unwritten shows */
    return t;
}

static inline bool exec_free(test_exec *t)
{
    bool whole = true;
    for (size_t i = 0; i < 64; i++)
        whole = whole && t->exec.scratch[t->size + i] == 0x7f;
    cnx_free(t->exec.scratch);
    return whole;
}

#endif
