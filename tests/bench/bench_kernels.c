/*
 * How fast each kernel is on this machine, one thread: beside the peak of an FMA loop, the plain C
 * kernels and OpenBLAS, all in the same run.  A program, not a test: it passes no judgement.
 *
 *     bench_kernels [TABLE[/f16|/bf16]...]
 *
 * /f16, /bf16: with weights kept in 16 bits, what multiplies by weights only.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench_sample.h"
#include "bench_work.h"

static const char *const vector_tables[] = {"avx512", "avx2", "neon"};
enum { VECTOR_TABLES = sizeof vector_tables / sizeof *vector_tables };

/* Operations that the plain C kernels are given in one run: some 50 ms of them. */
static const double most_of_ref = 2e8;

/* A table and what it is compared with. */
typedef struct bench {
    cnx_kernels k, ref, openblas;
    bool has_openblas;
    cnx_peak peak;
    double least_peak, most_peak, last_peak;
} bench;

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

static void print_name(const bench_shape *s)
{
    char text[64];
    if (s->kind == BENCH_PRODUCT)
        snprintf(text, sizeof text, "%5d x %4d x %4d  %s", s->m, s->k, s->n, s->what);
    else
        snprintf(text, sizeof text, "%s", s->what);
    printf("%-46s", text);
}

/* A quotient of two rates; a dash for none. */
static void print_quotient(double rate, double other)
{
    if (isfinite(rate / other))
        printf(" %9.2f", rate / other);
    else
        printf(" %9s", "-");
}

static void print_row(bench *b, const bench_shape *s, const bench_contender *c)
{
    const double saving = bench_shape_saving(s);
    print_name(s);
    printf(" %8.2f %-10s", c[0].rate, saving > 0 ? "GFLOP/s" : "G values/s");
    if (saving > 0 && isfinite(c[0].peak))
        printf(" %4.0f %%", 100 * c[0].rate / saving / c[0].peak);
    else
        printf(" %6s", "-");
    print_quotient(c[0].rate, c[1].rate);
    print_quotient(c[0].rate, c[2].rate);
    puts("");
    fflush(stdout);
    b->least_peak = fmin(b->least_peak, c[0].peak);
    b->most_peak = fmax(b->most_peak, c[0].peak);
    b->last_peak = c[0].peak;
}

static void bench_row(bench *b, const bench_shape *s)
{
    const bool compares = b->has_openblas && bench_shape_multiplies(s);
    bench_work *works[] = {
        bench_work_open(s, &b->k, strcmp(b->k.name, "ref") == 0 ? most_of_ref : INFINITY),
        bench_work_open(s, &b->ref, most_of_ref),
        compares ? bench_work_open(s, &b->openblas, INFINITY) : NULL};
    bench_contender contenders[3] = {{.rate = NAN}, {.rate = NAN}, {.rate = NAN}};
    int count = 0;
    for (; count < 3 && works[count]; count++)
        contenders[count] = (bench_contender){.run = bench_work_run,
                                              .context = works[count],
                                              .amount = bench_work_amount(works[count])};
    if (count >= 2) {
        bench_sample(contenders, count, b->peak);
        print_row(b, s, contenders);
    } else {
        printf("%s: not enough memory\n", s->what);
    }
    for (int i = 0; i < 3; i++)
        bench_work_close(works[i]);
}

static void bench_table(const char *argument)
{
    bench b = {.least_peak = INFINITY, .most_peak = -INFINITY, .last_peak = NAN};
    if (!open_table(&b.k, argument)) {
        printf("%s: not on this machine\n", argument);
        return;
    }
    cnx_kernels_init(&b.ref, "ref", NULL);
    b.has_openblas = cnx_kernels_init(&b.openblas, "openblas", NULL) == CNX_OK;
    b.peak = cnx_peak_of(b.k.name);
    char text[1024];
    cnx_kernels_describe(&b.k, text, sizeof text);
    printf("%s\n\n%-46s %19s %6s %9s %9s\n", text, "products: rows x depth x columns", "rate",
           "peak", "x ref", "x OpenBLAS");
    for (int i = 0; i < bench_shape_count; i++)
        if (b.k.weights == CNX_WEIGHTS_F32 || bench_shape_multiplies(&bench_shapes[i]))
            bench_row(&b, &bench_shapes[i]);
    if (isfinite(b.last_peak))
        printf("\npeak of an FMA loop %.1f GFLOP/s (%.1f to %.1f meanwhile)\n", b.last_peak,
               b.least_peak, b.most_peak);
    puts("");
}

int main(int argc, char **argv)
{
    cnx_kernels k;
    for (int i = 1; i < argc; i++)
        bench_table(argv[i]);
    for (int i = 0; argc == 1 && i < VECTOR_TABLES; i++)
        if (cnx_kernels_init(&k, vector_tables[i], NULL) == CNX_OK)
            bench_table(vector_tables[i]);
    return 0;
}
