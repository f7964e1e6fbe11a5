#include "bench_sample.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Time that this thread ran: what else the machine does disturbs it less. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- turns ---- */

enum { ROUNDS = 7 };
static const double slice = 0.01; /* seconds, at least one run */

/* Amount per nanosecond of the fastest run in a slice. */
static double rate_in_slice(const bench_contender *c)
{
    double best = INFINITY;
    const double start = now();
    do {
        const double t = now();
        c->run(c->context);
        best = fmin(best, now() - t);
    } while (now() - start < slice);
    return c->amount / best * 1e-9;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x)
{
    qsort(x, ROUNDS, sizeof *x, compare);
    return x[ROUNDS / 2];
}

void bench_sample(bench_contender *contenders, int count, cnx_peak peak)
{
    enum { MOST = 4 };
    double rates[MOST][ROUNDS], peaks[MOST][ROUNDS];
    count = count < MOST ? count : MOST;
    for (int i = 0; i < count; i++)
        contenders[i].run(contenders[i].context);
    for (int round = 0; round < ROUNDS; round++) {
        double before = peak();
        for (int i = 0; i < count; i++) {
            rates[i][round] = rate_in_slice(&contenders[i]);
            const double after = peak();
            peaks[i][round] = (before + after) / 2;
            before = after;
        }
    }
    for (int i = 0; i < count; i++) {
        contenders[i].rate = median(rates[i]);
        contenders[i].peak = median(peaks[i]);
    }
}
