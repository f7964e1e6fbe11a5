/* What the kernel tests share: the tables of this CPU, and buffers with canaries past their ends.
 */
#ifndef CNX_TESTS_KERNEL_TEST_H
#define CNX_TESTS_KERNEL_TEST_H

#include <math.h>
#include <stdint.h>

#include "core/kernels/kernels.h"
#include "core/memory.h"
#include "tests/unit/check.h"

enum { KERNEL_TABLES = 5 };

/* Every table that this CPU offers, ref included; returns how many. */
static inline int kernel_tables(cnx_kernels tables[KERNEL_TABLES])
{
    static const char *const names[KERNEL_TABLES] = {"ref", "openblas", "avx2", "avx512", "neon"};
    int count = 0;
    for (int i = 0; i < KERNEL_TABLES; i++)
        count += cnx_kernels_init(&tables[count], names[i], NULL) == CNX_OK;
    return count;
}

/* n floats that start `offset` floats off the alignment, with canaries before and after. */
enum { CANARIES = 16 };
typedef struct guarded {
    float *memory, *x;
    size_t n;
} guarded;

static const float canary = 12345.5f;

static inline guarded guarded_alloc(size_t n, int offset)
{
    guarded g = {.n = n};
    g.memory = cnx_alloc((n + 2 * CANARIES + (size_t)offset) * sizeof(float));
    if (!g.memory)
        abort();
    g.x = g.memory + CANARIES + offset;
    for (float *p = g.memory; p < g.x + n + CANARIES; p++)
        *p = canary;
    return g;
}

static inline guarded guarded_random(size_t n, int offset, unsigned long long *state)
{
    guarded g = guarded_alloc(n, offset);
    for (size_t i = 0; i < n; i++)
        g.x[i] = check_uniform(state);
    return g;
}

/* Whether nothing was written outside the n floats. */
static inline bool guarded_whole(const guarded *g)
{
    for (const float *p = g->memory; p < g->x; p++)
        if (*p != canary)
            return false;
    for (const float *p = g->x + g->n; p < g->x + g->n + CANARIES; p++)
        if (*p != canary)
            return false;
    return true;
}

static inline void guarded_free(guarded *g)
{
    cnx_free(g->memory);
    g->memory = NULL;
}

/* Whether the gaps between rows of c values, ld apart, still hold the canary. */
static inline bool gaps_whole(const float *x, int rows, int c, size_t ld)
{
    for (int r = 0; r + 1 < rows; r++)
        for (size_t i = (size_t)c; i < ld; i++)
            if (x[(size_t)r * ld + i] != canary)
                return false;
    return true;
}

static inline double largest_difference(const float *a, const float *b, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double off = fabs((double)a[i] - b[i]);
        worst = off > worst || isnan(off) ? off : worst;
    }
    return worst;
}

static inline int random_int(unsigned long long *state, int low, int high)
{
    return low + (int)(check_random(state) % (unsigned long long)(high - low + 1));
}

#endif
