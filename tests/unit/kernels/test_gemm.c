/* The matrix product of every table, with every epilogue, against sums in double precision. */
#include "tests/unit/kernels/kernel_test.h"

typedef struct product {
    int m, n, k;
    size_t lda, ldc, ldr;
    bool bias, in_place;
    bool residual, sums; /* sums: room for them is given */
    cnx_activation act;
    int offset; /* of the pointers from the alignment, in floats */
} product;

typedef struct buffers {
    guarded a, b, bias, residual, c, before, sums;
    float *packed;
} buffers;

static double expected(const product *p, const buffers *t, int i, int j, double *size)
{
    double sum = 0, abs_sum = 0;
    for (int l = 0; l < p->k; l++) {
        const double x = (double)t->a.x[(size_t)i * p->lda + (size_t)l] *
                         t->b.x[(size_t)j * (size_t)p->k + (size_t)l];
        sum += x;
        abs_sum += fabs(x);
    }
    if (p->bias)
        sum += t->bias.x[j];
    if (p->act == CNX_ACT_RELU)
        sum = sum < 0 ? 0 : sum;
    if (p->act == CNX_ACT_GELU)
        sum = 0.5 * sum * (1 + erf(sum / sqrt(2)));
    if (p->in_place)
        sum += t->before.x[(size_t)i * p->ldc + (size_t)j];
    else if (p->residual)
        sum += t->residual.x[(size_t)i * p->ldr + (size_t)j];
    *size = abs_sum + 3;
    return sum;
}

static buffers make(const product *p, const cnx_kernels *k, unsigned long long *state)
{
    const size_t rows = (size_t)p->m;
    buffers t = {
        .a = guarded_random((rows - 1) * p->lda + (size_t)p->k, p->offset, state),
        .b = guarded_random((size_t)p->n * (size_t)p->k, 0, state),
        .bias = guarded_random((size_t)p->n, p->offset, state),
        .residual = guarded_random((rows - 1) * p->ldr + (size_t)p->n, p->offset, state),
        .c = guarded_alloc((rows - 1) * p->ldc + (size_t)p->n, p->offset),
        .before = guarded_alloc((rows - 1) * p->ldc + (size_t)p->n, 0),
        .sums = guarded_alloc((rows - 1) * p->ldr + (size_t)p->n, p->offset),
    };
    if (p->in_place)
        for (int i = 0; i < p->m; i++)
            for (int j = 0; j < p->n; j++)
                t.before.x[(size_t)i * p->ldc + (size_t)j] = t.c.x[(size_t)i * p->ldc + (size_t)j] =
                    check_uniform(state);
    t.packed = cnx_alloc(k->gemm_packed_size(p->k, p->n) * sizeof(float));
    if (!t.packed)
        abort();
    k->gemm_pack(p->k, p->n, t.b.x, t.packed);
    return t;
}

static void release(buffers *t)
{
    guarded_free(&t->a);
    guarded_free(&t->b);
    guarded_free(&t->bias);
    guarded_free(&t->residual);
    guarded_free(&t->c);
    guarded_free(&t->before);
    guarded_free(&t->sums);
    cnx_free(t->packed);
}

static cnx_epilogue epilogue(const product *p, const buffers *t)
{
    cnx_epilogue e = {.bias = p->bias ? t->bias.x : NULL, .act = p->act};
    if (p->in_place) {
        e.residual = t->c.x;
        e.residual_ld = p->ldc;
    } else if (p->residual) {
        e.residual = t->residual.x;
        e.residual_ld = p->ldr;
    }
    if (p->sums) {
        e.sums = t->sums.x;
        e.sums_ld = p->ldr;
    }
    return e;
}

static void check_product(const cnx_kernels *k, const product *p, unsigned long long *state)
{
    buffers t = make(p, k, state);
    const cnx_epilogue e = epilogue(p, &t);
    double worst = 0;
    k->gemm(p->m, p->n, p->k, t.a.x, p->lda, t.packed, t.c.x, p->ldc, &e);
    for (int i = 0; i < p->m; i++)
        for (int j = 0; j < p->n; j++) {
            double size;
            const double want = expected(p, &t, i, j, &size);
            const double off = fabs(t.c.x[(size_t)i * p->ldc + (size_t)j] - want) / size;
            worst = off > worst || isnan(off) ? off : worst;
        }
    CHECK(worst < 4e-7,
          "%s m %d n %d k %d lda %zu ldc %zu bias %d act %d residual %d in place %d: %g", k->name,
          p->m, p->n, p->k, p->lda, p->ldc, p->bias, p->act, p->residual, p->in_place, worst);
    CHECK(guarded_whole(&t.c) && guarded_whole(&t.sums) && gaps_whole(t.c.x, p->m, p->n, p->ldc),
          "%s m %d n %d k %d ldc %zu wrote outside", k->name, p->m, p->n, p->k, p->ldc);
    release(&t);
}

static product random_product(int m, int n, int k, unsigned long long *state)
{
    return (product){
        .m = m,
        .n = n,
        .k = k,
        .lda = (size_t)(k + random_int(state, 0, 1) * random_int(state, 1, 9)),
        .ldc = (size_t)(n + random_int(state, 0, 1) * random_int(state, 1, 9)),
        .ldr = (size_t)(n + random_int(state, 0, 1) * random_int(state, 1, 9)),
        .bias = random_int(state, 0, 1),
        .residual = random_int(state, 0, 1),
        .sums = random_int(state, 0, 1),
        .in_place = random_int(state, 0, 2) == 0,
        .act = (cnx_activation)random_int(state, 0, 2),
        .offset = random_int(state, 0, 15),
    };
}

static void check_sizes(const cnx_kernels *k)
{
    static const int odd[][3] = {{1, 1, 1},      {14, 32, 256},   {15, 33, 257}, {29, 65, 513},
                                 {6, 16, 256},   {131, 97, 300},  {7, 1100, 40}, {3, 1030, 300},
                                 {20, 300, 900}, {17, 40, 5000},  {1, 1, 5000},  {150, 1, 3},
                                 {33, 150, 512}, {61, 129, 2304}, {40, 513, 260}};
    unsigned long long state = 7;
    for (int i = 0; i < 400; i++) {
        const product p = random_product(random_int(&state, 1, 70), random_int(&state, 1, 70),
                                         random_int(&state, 1, 70), &state);
        check_product(k, &p, &state);
    }
    for (int m = 1; m <= 30; m++) { /* every register tile */
        const product p = random_product(m, 1 + m * 5 % 64, 23, &state);
        check_product(k, &p, &state);
    }
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        product p = random_product(odd[i][0], odd[i][1], odd[i][2], &state);
        check_product(k, &p, &state);
        p.in_place = !p.in_place;
        check_product(k, &p, &state);
        p.sums = !p.sums;
        check_product(k, &p, &state);
    }
}

/* Rows computed one by one, or in calls of 5, have the bits of rows computed together. */
static void check_grouping(const cnx_kernels *k, int n, int depth, bool in_place)
{
    enum { ROWS = 37 };
    unsigned long long state = 11;
    product p = {.m = ROWS, .n = n, .k = depth, .bias = true, .act = CNX_ACT_GELU};
    p.lda = (size_t)depth;
    p.ldc = p.ldr = (size_t)n;
    buffers t = make(&p, k, &state);
    guarded grouped = guarded_alloc(t.c.n, 3);
    const size_t bytes = t.c.n * sizeof(float);
    for (int step = 1; step < ROWS; step += 4) {
        memcpy(t.c.x, t.residual.x, bytes);
        memcpy(grouped.x, t.residual.x, bytes);
        cnx_epilogue e = {.bias = t.bias.x,
                          .act = p.act,
                          .residual = in_place ? t.c.x : t.residual.x,
                          .residual_ld = p.ldr};
        k->gemm(ROWS, n, depth, t.a.x, p.lda, t.packed, t.c.x, p.ldc, &e);
        for (int i = 0; i < ROWS; i += step) {
            float *c = grouped.x + (size_t)i * p.ldc;
            e.residual = in_place ? c : t.residual.x + (size_t)i * p.ldr;
            e.sums = i % 3 ? t.sums.x : NULL;
            e.sums_ld = p.ldr;
            k->gemm(ROWS - i < step ? ROWS - i : step, n, depth, t.a.x + (size_t)i * p.lda, p.lda,
                    t.packed, c, p.ldc, &e);
        }
        CHECK(memcmp(t.c.x, grouped.x, bytes) == 0, "%s n %d k %d in place %d: rows in calls of %d",
              k->name, n, depth, in_place, step);
    }
    guarded_free(&grouped);
    release(&t);
}

/* Columns from a multiple of 32 on are a packed matrix of their own, with the same bits. */
static void check_columns(const cnx_kernels *k, int n, int depth)
{
    enum { ROWS = 17, STEP = 96 };
    unsigned long long state = 12;
    product p = {.m = ROWS, .n = n, .k = depth, .bias = true, .residual = true};
    p.lda = (size_t)depth;
    p.ldc = p.ldr = (size_t)n;
    buffers t = make(&p, k, &state);
    guarded parts = guarded_alloc(t.c.n, 3);
    cnx_epilogue e = epilogue(&p, &t);
    k->gemm(ROWS, n, depth, t.a.x, p.lda, t.packed, t.c.x, p.ldc, &e);
    for (int j = 0; j < n; j += STEP) {
        e.bias = t.bias.x + j;
        e.residual = t.residual.x + j;
        k->gemm(ROWS, n - j < STEP ? n - j : STEP, depth, t.a.x, p.lda,
                t.packed + k->gemm_packed_size(depth, j), parts.x + j, p.ldc, &e);
    }
    CHECK(memcmp(t.c.x, parts.x, t.c.n * sizeof(float)) == 0, "%s n %d k %d: %d columns at a time",
          k->name, n, depth, STEP);
    guarded_free(&parts);
    release(&t);
}

/* A NaN or an infinity stays in its own row and column. */
static void check_not_finite(const cnx_kernels *k)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    unsigned long long state = 13;
    for (int i = 0; i < 3; i++) {
        product p = {.m = 16, .n = 35, .k = 9, .lda = 9, .ldc = 35, .ldr = 35};
        p.act = (cnx_activation)i;
        buffers t = make(&p, k, &state);
        const cnx_epilogue e = epilogue(&p, &t);
        t.a.x[3 * 9 + 4] = bad[i];
        k->gemm(p.m, p.n, p.k, t.a.x, p.lda, t.packed, t.c.x, p.ldc, &e);
        int strays = 0;
        for (int r = 0; r < p.m; r++)
            for (int j = 0; j < p.n; j++)
                strays += r != 3 && !isfinite(t.c.x[r * 35 + j]);
        CHECK(strays == 0, "%s: %d values besides row 3 are not finite", k->name, strays);
        CHECK(i > 0 || isnan(t.c.x[3 * 35]), "%s: NaN was lost", k->name);
        release(&t);
    }
}

static void check_packing(const cnx_kernels *k)
{
    unsigned long long state = 17;
    for (int i = 0; i < 60; i++) {
        const int n = random_int(&state, 1, 130), depth = random_int(&state, 1, 600);
        guarded b = guarded_random((size_t)n * (size_t)depth, 0, &state);
        guarded packed = guarded_alloc(k->gemm_packed_size(depth, n), 0);
        k->gemm_pack(depth, n, b.x, packed.x);
        CHECK(guarded_whole(&packed), "%s: packing n %d k %d wrote outside", k->name, n, depth);
        guarded_free(&b);
        guarded_free(&packed);
    }
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    for (int i = 0; i < count; i++) {
        const cnx_kernels *k = &tables[i];
        check_sizes(k);
        check_packing(k);
        check_not_finite(k);
        CHECK(k->gemm_rows(1, 1) >= 1 && k->gemm_rows(100000, 4096) >= 1, "%s", k->name);
        if (strcmp(k->name, "openblas") == 0)
            continue; /* promises less: see openblas.c */
        for (int in_place = 0; in_place < 2; in_place++) {
            check_grouping(k, 45, 700, in_place);
            check_grouping(k, 96, 33, in_place);
            check_grouping(k, 300, 520, in_place);
        }
        check_columns(k, 200, 40);
        check_columns(k, 333, 900);
    }
    return CHECK_RESULT;
}
