/*
 * How fast each kernel table is on this machine, one thread: GFLOP/s of the matrix product on
 * ConvNeXt's and UPerNet's shapes, against the peak of an FMA loop measured in the same run, and
 * the other kernels in units that suit them.  A program, not a test: it passes no judgement.
 *
 *     bench_kernels [TABLE[/f16|/bf16]...]
 *
 * /f16, /bf16: the matrix products with weights kept in 16 bits.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/kernels/kernels.h"
#include "core/memory.h"

static const char *const all_tables[] = {"avx512", "avx2", "openblas", "ref"};

typedef struct shape {
    int m, k, n;
    cnx_activation act;
    bool residual;
    const char *what;
} shape;

static const shape shapes[] = {
    {16384, 96, 384, CNX_ACT_GELU, false, "tiny stage 0 expand, GELU"},
    {16384, 96, 384, CNX_ACT_NONE, false, "the same, product only"},
    {16384, 384, 96, CNX_ACT_NONE, true, "tiny stage 0 project"},
    {4096, 192, 768, CNX_ACT_GELU, false, "tiny stage 1 expand, GELU"},
    {4096, 768, 192, CNX_ACT_NONE, true, "tiny stage 1 project"},
    {1024, 384, 1536, CNX_ACT_GELU, false, "tiny stage 2 expand, GELU"},
    {1024, 1536, 384, CNX_ACT_NONE, true, "tiny stage 2 project"},
    {256, 768, 3072, CNX_ACT_GELU, false, "tiny stage 3 expand, GELU"},
    {256, 3072, 768, CNX_ACT_NONE, true, "tiny stage 3 project"},
    {1024, 4608, 512, CNX_ACT_RELU, false, "FPN 3x3, gathered"},
    {4096, 512, 512, CNX_ACT_RELU, false, "lateral, Winograd point"},
    {4096, 512, 150, CNX_ACT_NONE, false, "classifier"},
    {16384, 48, 96, CNX_ACT_NONE, false, "stem"},
    {36, 768, 512, CNX_ACT_RELU, false, "pooled 6x6"},
};

/* Time that this thread ran: what else the machine does disturbs it less. */
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fill(float *x, size_t n)
{
    unsigned state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * (2.0f / 16777216.0f) - 1.0f;
    }
}

/* Runs work(context) for at least a fifth of a second; returns the seconds of the fastest call. */
static double fastest(void (*work)(void *), void *context)
{
    work(context);
    double best = 1e9;
    const double start = now();
    do {
        const double t = now();
        work(context);
        const double took = now() - t;
        best = took < best ? took : best;
    } while (now() - start < 0.2);
    return best;
}

typedef struct gemm_case {
    const cnx_kernels *k;
    const shape *s;
    float *a, *packed, *c, *bias, *sums;
} gemm_case;

/* In calls of gemm_rows rows, as core/ops does. */
static void run_gemm(void *context)
{
    const gemm_case *g = context;
    const shape *s = g->s;
    const int step = g->k->gemm_rows(s->k, s->n);
    for (int i = 0; i < s->m; i += step) {
        float *c = g->c + (size_t)i * (size_t)s->n;
        const cnx_epilogue e = {.bias = g->bias,
                                .act = s->act,
                                .residual = s->residual ? c : NULL,
                                .residual_ld = (size_t)s->n,
                                .sums = s->residual ? g->sums : NULL,
                                .sums_ld = (size_t)s->n};
        g->k->gemm(s->m - i < step ? s->m - i : step, s->n, s->k, g->a + (size_t)i * (size_t)s->k,
                   (size_t)s->k, g->packed, c, (size_t)s->n, &e);
    }
}

static double bench_gemm(const cnx_kernels *k, const shape *s)
{
    const size_t a = (size_t)s->m * (size_t)s->k, b = (size_t)s->n * (size_t)s->k;
    const size_t c = (size_t)s->m * (size_t)s->n;
    gemm_case g = {.k = k, .s = s};
    g.a = cnx_alloc(a * sizeof(float));
    float *weights = cnx_alloc(b * sizeof(float));
    g.packed = cnx_alloc(k->gemm_packed_size(s->k, s->n) * sizeof(float));
    g.c = cnx_calloc(c * sizeof(float));
    g.bias = cnx_calloc((size_t)s->n * sizeof(float));
    g.sums = cnx_calloc(c * sizeof(float));
    double rate = NAN;
    if (g.a && weights && g.packed && g.c && g.bias && g.sums) {
        fill(g.a, a);
        fill(weights, b);
        k->gemm_pack(s->k, s->n, weights, g.packed);
        rate = 2.0 * (double)a * s->n / fastest(run_gemm, &g) * 1e-9;
    }
    cnx_free(g.a);
    cnx_free(weights);
    cnx_free(g.packed);
    cnx_free(g.c);
    cnx_free(g.bias);
    cnx_free(g.sums);
    return rate;
}

/* The peak: a product so small that everything stays in L1 would measure the kernel again, so this
 * is a loop of independent multiply-adds that touches no memory. */
#if defined(__x86_64__) && !defined(CNX_NO_SIMD)
#include <immintrin.h>

enum { CHAINS = 12, STEPS = 1 << 20 };

__attribute__((target("avx512f"))) static void peak_avx512(void *context)
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
        _mm512_storeu_ps((float *)context, _mm512_add_ps(_mm512_loadu_ps(context), x[i]));
}

__attribute__((target("avx2,fma"))) static void peak_avx2(void *context)
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
        _mm256_storeu_ps((float *)context, _mm256_add_ps(_mm256_loadu_ps(context), x[i]));
}

static double peak(const char *name)
{
    float sink[16] = {0};
    if (strcmp(name, "avx512") == 0)
        return 2.0 * 16 * CHAINS * STEPS / fastest(peak_avx512, sink) * 1e-9;
    if (strcmp(name, "avx2") == 0)
        return 2.0 * 8 * CHAINS * STEPS / fastest(peak_avx2, sink) * 1e-9;
    return NAN;
}
#else
static double peak(const char *name)
{
    (void)name;
    return NAN;
}
#endif

/* The other kernels work on a map of WIDTH pixels a row and CHANNELS channels, which L2 holds. */
enum { WIDTH = 128, CHANNELS = 96, ROWS = 7, CLASSES = 150 };

typedef struct pixel_case {
    const cnx_kernels *k;
    float *x, *y, *weights;
    cnx_taps taps[WIDTH];
    uint16_t labels[WIDTH];
} pixel_case;

static void run_dwconv(void *context)
{
    pixel_case *p = context;
    const float *rows[7];
    for (int i = 0; i < 7; i++)
        rows[i] = p->x + (size_t)i * WIDTH * CHANNELS;
    p->k->dwconv7_row(WIDTH, CHANNELS, rows, CHANNELS, p->weights, p->weights, p->y, CHANNELS);
}
static void run_layernorm(void *context)
{
    pixel_case *p = context;
    p->k->layernorm(WIDTH, CHANNELS, p->x, CHANNELS, p->weights, p->weights, 1e-6f, p->y, CHANNELS);
}
static void run_gelu(void *context)
{
    pixel_case *p = context;
    memcpy(p->y, p->x, sizeof(float) * WIDTH * CHANNELS);
    p->k->gelu(WIDTH * CHANNELS, p->y);
}
static void run_resample(void *context)
{
    pixel_case *p = context;
    p->k->resample_row(WIDTH, CHANNELS, p->x, CHANNELS, p->taps, p->y, CHANNELS, 1);
}
static void run_argmax(void *context)
{
    pixel_case *p = context;
    p->k->argmax(WIDTH, CLASSES, p->x, CLASSES, p->labels);
}
static void run_softmax(void *context)
{
    pixel_case *p = context;
    memcpy(p->y, p->x, sizeof(float) * WIDTH * CLASSES);
    p->k->softmax(WIDTH, CLASSES, p->y, CLASSES);
}

static void bench_pixels(const cnx_kernels *k)
{
    static const struct {
        const char *what;
        void (*run)(void *);
        double amount;
        const char *unit;
    } cases[] = {
        {"depthwise 7x7, 128 x 96", run_dwconv, 2.0 * 49 * WIDTH * CHANNELS, "GFLOP/s"},
        {"LayerNorm, 96", run_layernorm, 1.0 * WIDTH * CHANNELS, "G values/s"},
        {"GELU", run_gelu, 1.0 * WIDTH * CHANNELS, "G values/s"},
        {"resample and add, 2 taps", run_resample, 1.0 * WIDTH * CHANNELS, "G values/s"},
        {"argmax, 150", run_argmax, 1.0 * WIDTH * CLASSES, "G values/s"},
        {"softmax, 150", run_softmax, 1.0 * WIDTH * CLASSES, "G values/s"},
    };
    pixel_case p = {.k = k};
    p.x = cnx_alloc(sizeof(float) * ROWS * WIDTH * CLASSES);
    p.y = cnx_calloc(sizeof(float) * WIDTH * CLASSES);
    p.weights = cnx_alloc(sizeof(float) * 49 * CHANNELS);
    if (p.x && p.y && p.weights) {
        fill(p.x, (size_t)ROWS * WIDTH * CLASSES);
        fill(p.weights, (size_t)49 * CHANNELS);
        for (int i = 0; i < WIDTH; i++)
            p.taps[i] = (cnx_taps){.first = i / 2, .count = 2, .weight = {0.25f, 0.75f}};
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
            printf("  %-34s %8.2f %s\n", cases[i].what,
                   cases[i].amount / fastest(cases[i].run, &p) * 1e-9, cases[i].unit);
    }
    cnx_free(p.x);
    cnx_free(p.y);
    cnx_free(p.weights);
}

/* "avx512", "avx512/f16" */
static bool open_table(cnx_kernels *k, const char *argument)
{
    char name[16];
    const size_t length = strcspn(argument, "/");
    snprintf(name, sizeof name, "%.*s", (int)length, argument);
    cnx_weight_type weights;
    return cnx_weight_type_parse(&weights, argument[length] ? argument + length + 1 : NULL, NULL) ==
               CNX_OK &&
           cnx_kernels_init(k, name, NULL) == CNX_OK &&
           cnx_kernels_set_weights(k, weights, NULL) == CNX_OK;
}

static void bench_table(const char *argument)
{
    cnx_kernels k;
    if (!open_table(&k, argument)) {
        printf("%s: not on this machine\n", argument);
        return;
    }
    const char *name = k.name;
    char text[256];
    cnx_kernels_describe(&k, text, sizeof text);
    const double top = peak(name); /* known for the instruction sets only */
    printf("%s\n", text);
    if (isfinite(top))
        printf("  peak of an FMA loop %.1f GFLOP/s\n", top);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        if (strcmp(name, "ref") == 0 && (double)s->m * s->k * s->n > 1e9)
            continue;
        const double rate = bench_gemm(&k, s);
        printf("  m %5d  k %4d  n %4d  %7.1f GFLOP/s  ", s->m, s->k, s->n, rate);
        if (isfinite(top))
            printf("%3.0f %%  ", 100 * rate / top);
        puts(s->what);
    }
    if (k.weights == CNX_WEIGHTS_F32)
        bench_pixels(&k);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        for (int i = 1; i < argc; i++)
            bench_table(argv[i]);
    else
        for (size_t i = 0; i < sizeof all_tables / sizeof *all_tables; i++)
            bench_table(all_tables[i]);
    return 0;
}
