/* Convolutions of every kind and table against the definition in double precision. */
#include "core/ops/conv.h"
#include "tests/unit/ops/op_test.h"

typedef struct conv_case {
    cnx_conv_kind kind;
    int size, in_c, out_c, h, w;
    int in_gap, out_gap;
    bool bias;
    int residual; /* 0 none, 1 another map, 2 the output itself */
    cnx_activation act;
} conv_case;

static double activated(double x, cnx_activation act)
{
    if (act == CNX_ACT_RELU)
        return x < 0 ? 0 : x;
    return act == CNX_ACT_GELU ? 0.5 * x * (1 + erf(x / sqrt(2))) : x;
}

static void naive(const conv_case *c, cnx_map in, const float *weights, const float *bias,
                  cnx_map residual, int out_h, int out_w, double *out)
{
    const int stride = c->kind == CNX_CONV_PATCH ? c->size : 1;
    const int pad = c->kind == CNX_CONV_3X3 ? 1 : 0;
    for (int y = 0; y < out_h; y++)
        for (int x = 0; x < out_w; x++)
            for (int o = 0; o < c->out_c; o++) {
                double sum = bias ? bias[o] : 0;
                for (int ky = 0; ky < c->size; ky++)
                    for (int kx = 0; kx < c->size; kx++) {
                        const int sy = y * stride + ky - pad, sx = x * stride + kx - pad;
                        if (sy < 0 || sy >= in.h || sx < 0 || sx >= in.w)
                            continue;
                        for (int i = 0; i < c->in_c; i++)
                            sum += (double)cnx_map_pixel(in, sy, sx)[i] *
                                   weights[((o * c->in_c + i) * c->size + ky) * c->size + kx];
                    }
                sum = activated(sum, c->act);
                if (residual.data)
                    sum += cnx_map_pixel(residual, y, x)[o];
                *out++ = sum;
            }
}

static void describe(const conv_case *c, const char *table, char *text, size_t size)
{
    snprintf(text, size, "%s kind %d size %d %d->%d on %dx%d gaps %d %d bias %d residual %d act %d",
             table, c->kind, c->size, c->in_c, c->out_c, c->h, c->w, c->in_gap, c->out_gap, c->bias,
             c->residual, c->act);
}

/* Runs on 1, 2 and 3 threads into `out`, the last time with as little scratch as will do (but with
 * OpenBLAS, whose sums depend on the number of rows), and compares the bits with the first. */
static void run_threads(const cnx_kernels *k, const cnx_conv *conv, cnx_map in, test_map *out,
                        test_map *again, cnx_map residual, int mode, const char *what)
{
    for (int threads = 1; threads <= OP_THREADS; threads++) {
        test_map *to = threads == 1 ? out : again;
        const bool sparing = threads == OP_THREADS && strcmp(k->name, "openblas") != 0;
        const size_t scratch =
            (sparing ? cnx_conv_least_scratch : cnx_conv_scratch)(conv, k, in.h, in.w, threads);
        test_exec t = exec_make(k, threads, scratch);
        if (mode == 2)
            map_fill(to->map, 99);
        cnx_conv_run(&t.exec, conv, in, to->map,
                     mode == 2   ? to->map
                     : mode == 1 ? residual
                                 : (cnx_map){0});
        CHECK(exec_free(&t), "%s: scratch overrun on %d threads", what, threads);
        CHECK(map_whole(to), "%s: wrote outside the output", what);
        CHECK(maps_equal(out->map, to->map), "%s: other bits on %d threads", what, threads);
    }
}

static void check_conv(const cnx_kernels *k, const conv_case *c)
{
    char what[200];
    int out_h, out_w;
    unsigned long long state = 3;
    cnx_conv conv = {0}, shape = {.kind = c->kind, .size = c->size};
    const size_t depth = (size_t)(c->size * c->size * c->in_c);
    guarded weights = guarded_random((size_t)c->out_c * depth, 0, &state);
    guarded bias = guarded_random((size_t)c->out_c, 0, &state);
    describe(c, k->name, what, sizeof what);
    cnx_conv_output(c->kind, c->size, c->h, c->w, &out_h, &out_w);
    test_map in = map_alloc(c->h, c->w, c->in_c, c->in_gap);
    test_map out = map_alloc(out_h, out_w, c->out_c, c->out_gap);
    test_map again = map_alloc(out_h, out_w, c->out_c, c->out_gap);
    test_map residual = map_alloc(out_h, out_w, c->out_c, 1);
    double *want = doubles((size_t)out_h * (size_t)out_w * (size_t)c->out_c);
    map_fill(in.map, 5);
    map_fill(residual.map, 99);

    CHECK(cnx_conv_init(&conv, k, c->kind, c->size, c->in_c, c->out_c, weights.x,
                        c->bias ? bias.x : NULL, c->act, NULL) == CNX_OK,
          "%s: init", what);
    shape.in_c = c->in_c;
    shape.out_c = c->out_c;
    CHECK(cnx_conv_scratch(&shape, k, c->h, c->w, 2) == cnx_conv_scratch(&conv, k, c->h, c->w, 2),
          "%s: scratch depends on weights", what);
    run_threads(k, &conv, in.map, &out, &again, residual.map, c->residual, what);
    naive(c, in.map, weights.x, c->bias ? bias.x : NULL, c->residual ? residual.map : (cnx_map){0},
          out_h, out_w, want);
    const double error = map_error(out.map, want);
    CHECK(error < 2e-7 * (double)depth + 2e-6, "%s: off by %g", what, error);

    cnx_conv_free(&conv);
    CHECK(!conv.packed && !conv.bias, "freed");
    cnx_conv_free(&conv);
    free(want);
    guarded_free(&weights);
    guarded_free(&bias);
    guarded_free(&in.memory);
    guarded_free(&out.memory);
    guarded_free(&again.memory);
    guarded_free(&residual.memory);
}

static void check_table(const cnx_kernels *k)
{
    static const conv_case cases[] = {
        {CNX_CONV_1X1, 1, 8, 16, 1, 1, 0, 0, true, 0, CNX_ACT_RELU},
        {CNX_CONV_1X1, 1, 33, 600, 2, 2, 3, 5, true, 0, CNX_ACT_RELU},
        {CNX_CONV_1X1, 1, 300, 257, 6, 6, 0, 0, true, 2, CNX_ACT_NONE},
        {CNX_CONV_1X1, 1, 5, 3, 40, 37, 2, 1, false, 1, CNX_ACT_GELU},
        {CNX_CONV_1X1, 1, 600, 96, 25, 20, 0, 32, true, 2, CNX_ACT_RELU},
        {CNX_CONV_1X1, 1, 1, 1, 90, 31, 0, 0, true, 0, CNX_ACT_NONE},
        {CNX_CONV_3X3, 3, 1, 1, 1, 1, 0, 0, true, 0, CNX_ACT_NONE},
        {CNX_CONV_3X3, 3, 3, 5, 1, 7, 0, 0, false, 0, CNX_ACT_RELU},
        {CNX_CONV_3X3, 3, 3, 5, 9, 1, 1, 2, true, 2, CNX_ACT_RELU},
        {CNX_CONV_3X3, 3, 40, 300, 2, 2, 0, 0, true, 0, CNX_ACT_RELU},
        {CNX_CONV_3X3, 3, 31, 70, 13, 11, 7, 9, true, 1, CNX_ACT_RELU},
        {CNX_CONV_3X3, 3, 64, 32, 20, 33, 0, 0, true, 2, CNX_ACT_NONE},
        {CNX_CONV_3X3, 3, 2, 33, 61, 50, 0, 0, true, 0, CNX_ACT_RELU},
        {CNX_CONV_PATCH, 4, 3, 40, 16, 24, 0, 0, true, 0, CNX_ACT_NONE},
        {CNX_CONV_PATCH, 4, 3, 40, 97, 131, 0, 0, true, 0, CNX_ACT_NONE},
        {CNX_CONV_PATCH, 2, 33, 66, 13, 11, 2, 0, false, 0, CNX_ACT_NONE},
        {CNX_CONV_PATCH, 2, 96, 300, 6, 5, 0, 3, true, 1, CNX_ACT_NONE},
        {CNX_CONV_PATCH, 7, 1, 1, 7, 13, 1, 0, true, 0, CNX_ACT_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_conv(k, &cases[i]);
}

static void check_random_cases(const cnx_kernels *k)
{
    unsigned long long s = 77;
    for (int i = 0; i < 60; i++) {
        static const int sizes[] = {1, 3, 2};
        const cnx_conv_kind kind = (cnx_conv_kind)random_int(&s, 0, 2);
        const conv_case c = {kind,
                             sizes[kind],
                             random_int(&s, 1, 40),
                             random_int(&s, 1, 70),
                             random_int(&s, 2, 20),
                             random_int(&s, 2, 20),
                             random_int(&s, 0, 3),
                             random_int(&s, 0, 3),
                             random_int(&s, 0, 1),
                             random_int(&s, 0, 2),
                             (cnx_activation)random_int(&s, 0, 2)};
        check_conv(k, &c);
    }
}

/* Too large to be meant: an error, and nothing owned. */
static void check_too_large(const cnx_kernels *k)
{
    cnx_conv conv = {0};
    cnx_error err = {0};
    const float weight = 0;
    CHECK(cnx_conv_init(&conv, k, CNX_CONV_PATCH, 1 << 20, 1 << 20, 1 << 20, &weight, NULL,
                        CNX_ACT_NONE, &err) == CNX_ERR_MODEL &&
              !conv.packed,
          "too large: %s", err.message);
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    for (int i = 0; i < count; i++) {
        check_table(&tables[i]);
        check_random_cases(&tables[i]);
    }
    check_too_large(&tables[0]);
    return CHECK_RESULT;
}
