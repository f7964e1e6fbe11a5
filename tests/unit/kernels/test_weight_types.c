/* Weights kept in 16 bits: the product is that of float32 weights that have been rounded before. */
#include "core/float16.h"
#include "tests/unit/kernels/kernel_test.h"

static float rounded(cnx_weight_type type, float x)
{
    return type == CNX_WEIGHTS_F16 ? cnx_f16_to_f32(cnx_f32_to_f16(x))
                                   : cnx_bf16_to_f32(cnx_f32_to_bf16(x));
}

/* A table that keeps weights of a type, and the same one with float32. */
typedef struct pair {
    const cnx_kernels *wide;
    cnx_kernels narrow;
} pair;

/* "ref f16", in messages. */
#define PAIR_FORMAT  "%s %s"
#define PAIR_NAME(p) (p)->narrow.name, cnx_weight_type_name((p)->narrow.weights)

typedef struct product {
    int m, n, k;
    size_t ld_gap;
    int offset;
    cnx_activation act;
    bool in_place;
} product;

static guarded pack(const cnx_kernels *k, const product *p, const float *b)
{
    guarded packed = guarded_alloc(k->gemm_packed_size(p->k, p->n), 0);
    k->gemm_pack(p->k, p->n, b, packed.x);
    CHECK(guarded_whole(&packed), "%s %s: packing n %d k %d wrote outside", k->name,
          cnx_weight_type_name(k->weights), p->n, p->k);
    return packed;
}

/* The product with b packed by k; c starts as what `residual` holds. */
static guarded multiply(const cnx_kernels *k, const product *p, const float *a, const float *b,
                        const float *bias, const guarded *residual)
{
    const size_t lda = (size_t)p->k + p->ld_gap, ldc = (size_t)p->n + p->ld_gap;
    guarded packed = pack(k, p, b);
    guarded c = guarded_alloc(residual->n, p->offset);
    memcpy(c.x, residual->x, c.n * sizeof(float));
    const cnx_epilogue e = {.bias = bias,
                            .act = p->act,
                            .residual = p->in_place ? c.x : residual->x,
                            .residual_ld = ldc};
    k->gemm(p->m, p->n, p->k, a, lda, packed.x, c.x, ldc, &e);
    CHECK(guarded_whole(&c), "%s m %d n %d k %d wrote outside", k->name, p->m, p->n, p->k);
    for (int i = 0; i + 1 < p->m; i++)
        CHECK(memcmp(c.x + (size_t)i * ldc + (size_t)p->n,
                     residual->x + (size_t)i * ldc + (size_t)p->n, p->ld_gap * sizeof(float)) == 0,
              "%s m %d n %d k %d wrote between rows", k->name, p->m, p->n, p->k);
    guarded_free(&packed);
    return c;
}

/* Bit for bit the float32 product of the same table, and `ref`'s but for rounding. */
static void check_product(const pair *t, const cnx_kernels *ref, const product *p,
                          unsigned long long *state)
{
    const size_t lda = (size_t)p->k + p->ld_gap, ldc = (size_t)p->n + p->ld_gap;
    guarded a = guarded_random((size_t)p->m * lda, p->offset, state);
    guarded b = guarded_random((size_t)p->n * (size_t)p->k, 0, state);
    guarded bias = guarded_random((size_t)p->n, p->offset, state);
    guarded residual = guarded_random((size_t)p->m * ldc, p->offset, state);
    guarded got = multiply(&t->narrow, p, a.x, b.x, bias.x, &residual);
    for (size_t i = 0; i < b.n; i++)
        b.x[i] = rounded(t->narrow.weights, b.x[i]);
    guarded want = multiply(t->wide, p, a.x, b.x, bias.x, &residual);
    guarded plain = multiply(ref, p, a.x, b.x, bias.x, &residual);
    CHECK(memcmp(got.x, want.x, got.n * sizeof(float)) == 0,
          PAIR_FORMAT " m %d n %d k %d act %d in place %d: other bits than float32", PAIR_NAME(t),
          p->m, p->n, p->k, p->act, p->in_place);
    double worst = 0;
    for (size_t i = 0; i < got.n; i++) {
        const double off = fabs((double)got.x[i] - (double)plain.x[i]);
        worst = off > worst || isnan(off) ? off : worst;
    }
    CHECK(worst < 4e-7 * (p->k + 3), PAIR_FORMAT " m %d n %d k %d act %d: %g from ref",
          PAIR_NAME(t), p->m, p->n, p->k, p->act, worst);
    guarded *const all[] = {&a, &b, &bias, &residual, &got, &want, &plain};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        guarded_free(all[i]);
}

static product random_product(int m, int n, int k, unsigned long long *state)
{
    return (product){.m = m,
                     .n = n,
                     .k = k,
                     .ld_gap = (size_t)(random_int(state, 0, 1) * random_int(state, 1, 9)),
                     .offset = random_int(state, 0, 15),
                     .act = (cnx_activation)random_int(state, 0, 2),
                     .in_place = random_int(state, 0, 1)};
}

static void check_sizes(const pair *t, const cnx_kernels *ref)
{
    static const int large[][3] = {{15, 33, 257},  {29, 65, 513},  {131, 97, 300}, {7, 1100, 40},
                                   {3, 1030, 300}, {20, 300, 900}, {17, 40, 3000}, {1, 1, 3000},
                                   {33, 150, 512}, {40, 513, 260}};
    unsigned long long state = 5;
    for (int i = 0; i < 150; i++) {
        const product p = random_product(random_int(&state, 1, 70), random_int(&state, 1, 70),
                                         random_int(&state, 1, 70), &state);
        check_product(t, ref, &p, &state);
    }
    for (int m = 1; m <= 30; m++) { /* every register tile, of one vector and of two */
        const product p = random_product(m, 1 + m * 5 % 64, 23, &state);
        check_product(t, ref, &p, &state);
    }
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        product p = random_product(large[i][0], large[i][1], large[i][2], &state);
        check_product(t, ref, &p, &state);
        p.in_place = !p.in_place;
        check_product(t, ref, &p, &state);
    }
}

/* 1 x w: the rounding itself, at its edges. */
static void check_rounding(const pair *t)
{
    static const float weights[] = {
        0.0f,         1.0f,        -1.0f,          1.0f / 3,  0x1.002p0f,  0x1.006p0f,
        0x1.0021p0f,  0x1.01p0f,   0x1.03p0f,      65504.0f,  -65519.0f,   0x1p-14f,
        0x1.ffcp-15f, 0x1p-24f,    0x1.8p-24f,     0x1p-25f,  0x1.01p-25f, -0x1p-26f,
        1e-20f,       0x1.fep127f, -0x1.fefep127f, INFINITY,  -INFINITY,   NAN,
        0x1p-126f,    0x1p-133f,   65536.0f,       -70000.0f, 1e30f,       3e-41f};
    enum { N = sizeof weights / sizeof *weights };
    const float one = 1;
    const cnx_epilogue plain = {.act = CNX_ACT_NONE};
    const product p = {.n = N, .k = 1};
    guarded packed = pack(&t->narrow, &p, weights);
    guarded c = guarded_alloc(N, 0);
    t->narrow.gemm(1, N, 1, &one, 1, packed.x, c.x, N, &plain);
    for (int i = 0; i < N; i++) {
        const float want = rounded(t->narrow.weights, weights[i]);
        CHECK(c.x[i] == want || (isnan(c.x[i]) && isnan(want)),
              PAIR_FORMAT ": %a became %a, not %a", PAIR_NAME(t), (double)weights[i],
              (double)c.x[i], (double)want);
    }
    guarded_free(&packed);
    guarded_free(&c);
}

/* A finite weight that would become infinite is refused, with the type that holds it. */
static void check_overflow(const pair *t)
{
    static const struct {
        float weight;
        const char *f16, *bf16; /* what to take instead; NULL: it fits */
    } cases[] = {{65519.99f, NULL, NULL},
                 {-65520.0f, "bf16", NULL},
                 {1e9f, "bf16", NULL},
                 {-0x1.fefffep127f, "bf16", NULL},
                 {0x1.ffp127f, "f32", "f32"},
                 {INFINITY, NULL, NULL},
                 {NAN, NULL, NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float b[35] = {0}, packed[2048];
        cnx_error err = {.message = ""};
        char advice[32];
        b[33] = cases[i].weight;
        const char *instead = t->narrow.weights == CNX_WEIGHTS_F16 ? cases[i].f16 : cases[i].bf16;
        const cnx_status status = cnx_kernels_pack(&t->narrow, 5, 7, b, packed, &err);
        CHECK(status == (instead ? CNX_ERR_MODEL : CNX_OK), PAIR_FORMAT ": %g gives %d (%s)",
              PAIR_NAME(t), (double)b[33], (int)status, err.message);
        snprintf(advice, sizeof advice, "--weights %s", instead ? instead : "");
        CHECK(!instead || strstr(err.message, advice), PAIR_FORMAT ": \"%s\"", PAIR_NAME(t),
              err.message);
        CHECK(cnx_kernels_pack(t->wide, 5, 7, b, packed, &err) == CNX_OK, "float32: %s",
              err.message);
    }
}

/* Half the memory; and back to float32 is where it was. */
static void check_choice(const pair *t)
{
    cnx_kernels back = t->narrow;
    CHECK(2 * back.gemm_packed_size(77, 45) == t->wide->gemm_packed_size(77, 45),
          PAIR_FORMAT ": %zu and %zu floats", PAIR_NAME(t), back.gemm_packed_size(77, 45),
          t->wide->gemm_packed_size(77, 45));
    char text[256], wanted[32];
    cnx_kernels_describe(&back, text, sizeof text);
    snprintf(wanted, sizeof wanted, "weights %s", cnx_weight_type_name(back.weights));
    CHECK(strstr(text, wanted), "\"%s\" does not say \"%s\"", text, wanted);
    CHECK(cnx_kernels_set_weights(&back, CNX_WEIGHTS_F32, NULL) == CNX_OK &&
              back.weights == CNX_WEIGHTS_F32 && back.gemm == t->wide->gemm &&
              back.gemm_pack == t->wide->gemm_pack &&
              back.gemm_packed_size == t->wide->gemm_packed_size,
          PAIR_FORMAT ": no way back to float32", PAIR_NAME(t));
}

static void check_openblas(const cnx_kernels *k, cnx_weight_type type)
{
    cnx_kernels narrow = *k;
    cnx_error err = {.message = ""};
    CHECK(cnx_kernels_set_weights(&narrow, type, &err) == CNX_ERR_ARGUMENT, "openblas took it");
    CHECK(strstr(err.message, "openblas") && strstr(err.message, "ref"), "\"%s\"", err.message);
    CHECK(narrow.weights == CNX_WEIGHTS_F32 && narrow.gemm == k->gemm, "a refusal changed it");
    CHECK(cnx_kernels_set_weights(&narrow, CNX_WEIGHTS_F32, &err) == CNX_OK, "%s", err.message);
}

static void check_names(void)
{
    cnx_weight_type type = CNX_WEIGHTS_BF16;
    cnx_error err = {.message = ""};
    CHECK(cnx_weight_type_parse(&type, NULL, &err) == CNX_OK && type == CNX_WEIGHTS_F32, "NULL");
    for (int i = 0; i < CNX_WEIGHT_TYPES; i++)
        CHECK(cnx_weight_type_parse(&type, cnx_weight_type_name((cnx_weight_type)i), &err) ==
                      CNX_OK &&
                  type == (cnx_weight_type)i,
              "%d: %s", i, err.message);
    CHECK(cnx_weight_type_parse(&type, "int8", &err) == CNX_ERR_ARGUMENT, "int8 is a type");
    CHECK(strstr(err.message, "int8") && strstr(err.message, "bf16"), "\"%s\"", err.message);
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES], ref;
    const int count = kernel_tables(tables);
    check_names();
    CHECK(cnx_kernels_init(&ref, "ref", NULL) == CNX_OK, "no ref");
    for (int i = 0; i < count; i++)
        for (int type = CNX_WEIGHTS_F16; type < CNX_WEIGHT_TYPES; type++) {
            pair t = {&tables[i], tables[i]};
            if (strcmp(tables[i].name, "openblas") == 0) {
                check_openblas(&tables[i], (cnx_weight_type)type);
                continue;
            }
            CHECK(cnx_kernels_set_weights(&t.narrow, (cnx_weight_type)type, NULL) == CNX_OK,
                  "%s takes no %s", tables[i].name, cnx_weight_type_name((cnx_weight_type)type));
            check_sizes(&t, &ref);
            check_rounding(&t);
            check_overflow(&t);
            check_choice(&t);
        }
    return CHECK_RESULT;
}
