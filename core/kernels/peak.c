#include "core/kernels/peak.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/cpu.h"
#include "core/threads.h"

/* CHAINS multiply-adds in flight hide the latency of one on every processor at hand; registers hold
 * them all. */
enum { CHAINS = 12, STEPS = 1 << 17, REPEATS = 4, SINK = 16 };

/* A loop of STEPS rounds, and the operations of one of its instructions. */
typedef struct peak_loop {
    void (*run)(float sink[SINK]);
    int operations;
} peak_loop;

/* ---- the loops ---- */

typedef float four __attribute__((vector_size(16)));

/* For processors and builds without kernels of their own. */
static void loop_plain(float *sink)
{
    four x[CHAINS], w = {0.999f, 0.999f, 0.999f, 0.999f}, sum;
    for (int i = 0; i < CHAINS; i++)
        x[i] = w * (float)i;
    for (int s = 0; s < STEPS; s++) {
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            x[i] = x[i] * w + w;
    }
    memcpy(&sum, sink, sizeof sum);
    for (int i = 0; i < CHAINS; i++)
        sum += x[i];
    memcpy(sink, &sum, sizeof sum);
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
#endif

static peak_loop loop_of(const char *table)
{
    const unsigned flags = cnx_cpu_flags();
#if defined(__x86_64__)
    if ((flags & CNX_CPU_AVX512) && strcmp(table, "avx2") != 0)
        return (peak_loop){loop_avx512, 2 * 16};
    if (flags & CNX_CPU_AVX2)
        return (peak_loop){loop_avx2, 2 * 8};
#elif defined(__aarch64__)
    if (flags & CNX_CPU_NEON)
        return (peak_loop){loop_neon, 2 * 4};
#endif
    (void)table;
    (void)flags;
    return (peak_loop){loop_plain, 2 * 4};
}

/* ---- one thread ---- */

/* Time that this thread ran: what else the machine does disturbs it less. */
static double thread_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double rate(const peak_loop *loop, double seconds)
{
    return 1e-9 * loop->operations * CHAINS * STEPS / seconds;
}

/* The fastest of a few runs. */
static double peak_of_loop(const peak_loop *loop)
{
    float sink[SINK] = {0};
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        const double start = thread_now();
        loop->run(sink);
        best = fmin(best, thread_now() - start);
    }
    return rate(loop, best);
}

static double peak_best(void)
{
    const peak_loop loop = loop_of("");
    return peak_of_loop(&loop);
}

static double peak_avx2(void)
{
    const peak_loop loop = loop_of("avx2");
    return peak_of_loop(&loop);
}

cnx_peak cnx_peak_of(const char *table)
{
    return strcmp(table, "avx2") == 0 ? peak_avx2 : peak_best;
}

/* ---- several ---- */

static void run_loop(void *context, int index, int thread)
{
    const peak_loop *loop = context;
    float sink[SINK] = {0};
    (void)index;
    (void)thread;
    loop->run(sink);
}

double cnx_peak_of_threads(const char *table, int threads)
{
    peak_loop loop = loop_of(table);
    double best = INFINITY;
    for (int i = 0; i < REPEATS; i++) {
        const double start = cnx_now();
        cnx_parallel_for(threads, threads, run_loop, &loop);
        best = fmin(best, cnx_now() - start);
    }
    return threads * rate(&loop, best);
}
