#include "bench_sample.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/cpu.h"

/* Time that this thread ran: what else the machine does disturbs it less. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the peak ---- */

/* CHAINS multiply-adds in flight hide the latency of one on every processor at hand; registers hold
 * them all. */
enum { CHAINS = 12, STEPS = 1 << 17, REPEATS = 4 };

/* Seconds of the fastest of a few runs. */
static double least_time(void (*loop)(float *))
{
    float sink[16] = {0};
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        const double start = now();
        loop(sink);
        best = fmin(best, now() - start);
    }
    return best;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static void loop_avx512(float *sink)
{
    __m512 x[CHAINS];
    const __m512 w = _mm512_set1_ps(0.999f);
    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm512_set1_ps((float)i);
    for (int s = 0; s < STEPS; s++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm512_fmadd_ps(x[i], w, w);
    }
    for (int i = 0; i < CHAINS; i++)
        _mm512_storeu_ps(sink, _mm512_add_ps(_mm512_loadu_ps(sink), x[i]));
}

__attribute__((target("avx2,fma"))) static void loop_avx2(float *sink)
{
    __m256 x[CHAINS];
    const __m256 w = _mm256_set1_ps(0.999f);
    for (int i = 0; i < CHAINS; i++)
        x[i] = _mm256_set1_ps((float)i);
    for (int s = 0; s < STEPS; s++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = _mm256_fmadd_ps(x[i], w, w);
    }
    for (int i = 0; i < CHAINS; i++)
        _mm256_storeu_ps(sink, _mm256_add_ps(_mm256_loadu_ps(sink), x[i]));
}

static double peak_avx512(void)
{
    return 2e-9 * 16 * CHAINS * STEPS / least_time(loop_avx512);
}

static double peak_avx2(void)
{
    return 2e-9 * 8 * CHAINS * STEPS / least_time(loop_avx2);
}
#elif defined(__aarch64__)
#include <arm_neon.h>

static void loop_neon(float *sink)
{
    float32x4_t x[CHAINS];
    const float32x4_t w = vdupq_n_f32(0.999f);
    for (int i = 0; i < CHAINS; i++)
        x[i] = vdupq_n_f32((float)i);
    for (int s = 0; s < STEPS; s++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = vfmaq_f32(w, x[i], w);
    }
    for (int i = 0; i < CHAINS; i++)
        vst1q_f32(sink, vaddq_f32(vld1q_f32(sink), x[i]));
}

static double peak_neon(void)
{
    return 2e-9 * 4 * CHAINS * STEPS / least_time(loop_neon);
}
#endif

static double no_peak(void)
{
    return NAN;
}

bench_peak bench_peak_of(const char *table)
{
    const unsigned flags = cnx_cpu_flags();
#if defined(__x86_64__)
    const bool narrow = strcmp(table, "avx2") == 0;
    if ((flags & CNX_CPU_AVX512) && !narrow)
        return peak_avx512;
    if (flags & CNX_CPU_AVX2)
        return peak_avx2;
#elif defined(__aarch64__)
    (void)table;
    if (flags & CNX_CPU_NEON)
        return peak_neon;
#endif
    (void)table;
    (void)flags;
    return no_peak;
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

void bench_sample(bench_contender *contenders, int count, bench_peak peak)
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
