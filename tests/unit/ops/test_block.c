/* The ConvNeXt block's two halves against their definition in double precision. */
#include "core/ops/block.h"
#include "tests/unit/ops/op_test.h"

static void naive_dwconv(cnx_map in, const float *weights, const float *bias, double *out)
{
    for (int y = 0; y < in.h; y++)
        for (int x = 0; x < in.w; x++)
            for (int c = 0; c < in.c; c++) {
                double sum = bias[c];
                for (int ky = 0; ky < 7; ky++)
                    for (int kx = 0; kx < 7; kx++) {
                        const int sy = y + ky - 3, sx = x + kx - 3;
                        if (sy >= 0 && sy < in.h && sx >= 0 && sx < in.w)
                            sum += (double)cnx_map_pixel(in, sy, sx)[c] *
                                   weights[c * 49 + ky * 7 + kx];
                    }
                *out++ = sum;
            }
}

static void check_dwconv(const cnx_kernels *k, int h, int w, int c, int gap)
{
    unsigned long long state = 1;
    guarded weights = guarded_random((size_t)c * 49, 0, &state);
    guarded bias = guarded_random((size_t)c, 0, &state);
    test_map in = map_alloc(h, w, c, gap);
    test_map out = map_alloc(h, w, c, gap * 2), again = map_alloc(h, w, c, gap * 2);
    double *want = doubles((size_t)h * (size_t)w * (size_t)c);
    cnx_dwconv dw = {0};
    map_fill(in.map, 7);
    naive_dwconv(in.map, weights.x, bias.x, want);
    CHECK(cnx_dwconv_init(&dw, c, weights.x, bias.x, NULL) == CNX_OK, "init");
    for (int threads = 1; threads <= OP_THREADS; threads++) {
        test_map *to = threads == 1 ? &out : &again;
        const cnx_exec exec = {.k = k, .threads = threads};
        cnx_dwconv_run(&exec, &dw, in.map, to->map);
        CHECK(map_whole(to) && maps_equal(out.map, to->map), "%s dwconv %dx%dx%d, %d threads",
              k->name, h, w, c, threads);
    }
    CHECK(map_error(out.map, want) < 1e-5, "%s dwconv %dx%dx%d gap %d: off by %g", k->name, h, w, c,
          gap, map_error(out.map, want));
    cnx_dwconv_free(&dw);
    free(want);
    guarded_free(&weights);
    guarded_free(&bias);
    guarded_free(&in.memory);
    guarded_free(&out.memory);
    guarded_free(&again.memory);
}

typedef struct mlp_case {
    int h, w, c, hidden, gap;
    bool grn, gamma;
} mlp_case;

typedef struct mlp_arrays {
    guarded norm_weight, norm_bias, w1, b1, w2, b2, gamma, grn_gamma, grn_beta;
} mlp_arrays;

static mlp_arrays make_arrays(const mlp_case *m)
{
    unsigned long long s = 21;
    const size_t c = (size_t)m->c, hidden = (size_t)m->hidden;
    return (mlp_arrays){
        .norm_weight = guarded_random(c, 0, &s),
        .norm_bias = guarded_random(c, 0, &s),
        .w1 = guarded_random(c * hidden, 0, &s),
        .b1 = guarded_random(hidden, 0, &s),
        .w2 = guarded_random(c * hidden, 0, &s),
        .b2 = guarded_random(c, 0, &s),
        .gamma = guarded_random(c, 0, &s),
        .grn_gamma = guarded_random(hidden, 0, &s),
        .grn_beta = guarded_random(hidden, 0, &s),
    };
}

static cnx_mlp_weights as_weights(const mlp_case *m, const mlp_arrays *a)
{
    return (cnx_mlp_weights){
        .norm_weight = a->norm_weight.x,
        .norm_bias = a->norm_bias.x,
        .w1 = a->w1.x,
        .b1 = a->b1.x,
        .w2 = a->w2.x,
        .b2 = a->b2.x,
        .gamma = m->gamma ? a->gamma.x : NULL,
        .grn_gamma = m->grn ? a->grn_gamma.x : NULL,
        .grn_beta = m->grn ? a->grn_beta.x : NULL,
    };
}

static void free_arrays(mlp_arrays *a)
{
    guarded *all = &a->norm_weight;
    for (size_t i = 0; i < sizeof *a / sizeof *all; i++)
        guarded_free(&all[i]);
}

static void naive_hidden(const mlp_case *m, const cnx_mlp_weights *w, const float *y, double *out)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < m->c; i++)
        mean += (double)y[i] / m->c;
    for (int i = 0; i < m->c; i++)
        variance += (y[i] - mean) * (y[i] - mean) / m->c;
    for (int o = 0; o < m->hidden; o++) {
        double sum = w->b1[o];
        for (int i = 0; i < m->c; i++)
            sum += w->w1[o * m->c + i] *
                   ((y[i] - mean) / sqrt(variance + 1e-6) * w->norm_weight[i] + w->norm_bias[i]);
        out[o] = 0.5 * sum * (1 + erf(sum / sqrt(2)));
    }
}

/* hidden: [pixels][hidden].  Spec: g = sqrt(sum_hw x^2), n = g / (mean_c g + 1e-6). */
static void naive_grn(const mlp_case *m, const cnx_mlp_weights *w, int pixels, double *hidden)
{
    double mean = 0;
    double *g = doubles((size_t)m->hidden);
    for (int i = 0; i < m->hidden; i++) {
        for (int p = 0; p < pixels; p++)
            g[i] += hidden[p * m->hidden + i] * hidden[p * m->hidden + i];
        g[i] = sqrt(g[i]);
        mean += g[i] / m->hidden;
    }
    for (int p = 0; p < pixels; p++)
        for (int i = 0; i < m->hidden; i++) {
            double *x = &hidden[p * m->hidden + i];
            *x = w->grn_gamma[i] * (*x * (g[i] / (mean + 1e-6))) + w->grn_beta[i] + *x;
        }
    free(g);
}

static void naive_mlp(const mlp_case *m, const cnx_mlp_weights *w, cnx_map y, cnx_map x,
                      double *out)
{
    const int pixels = m->h * m->w;
    double *hidden = doubles((size_t)pixels * (size_t)m->hidden);
    for (int p = 0; p < pixels; p++)
        naive_hidden(m, w, y.data + (size_t)p * y.ld, hidden + (size_t)p * (size_t)m->hidden);
    if (m->grn)
        naive_grn(m, w, pixels, hidden);
    for (int p = 0; p < pixels; p++)
        for (int o = 0; o < m->c; o++) {
            double sum = w->b2[o];
            for (int i = 0; i < m->hidden; i++)
                sum += hidden[(size_t)p * (size_t)m->hidden + (size_t)i] * w->w2[o * m->hidden + i];
            *out++ = x.data[(size_t)p * x.ld + (size_t)o] + sum * (w->gamma ? w->gamma[o] : 1);
        }
    free(hidden);
}

static void check_mlp(const cnx_kernels *k, const mlp_case *m)
{
    mlp_arrays arrays = make_arrays(m);
    const cnx_mlp_weights weights = as_weights(m, &arrays);
    const cnx_mlp shape = {.c = m->c, .hidden = m->hidden, .grn = m->grn};
    test_map y = map_alloc(m->h, m->w, m->c, m->gap);
    test_map x = map_alloc(m->h, m->w, m->c, m->gap), again = map_alloc(m->h, m->w, m->c, m->gap);
    double *want = doubles((size_t)(m->h * m->w * m->c));
    cnx_mlp mlp = {0};
    map_fill(y.map, 31);
    map_fill(x.map, 32);
    naive_mlp(m, &weights, y.map, x.map, want);
    CHECK(cnx_mlp_init(&mlp, k, m->c, m->hidden, 1e-6f, &weights, NULL) == CNX_OK, "init");
    for (int threads = 1; threads <= OP_THREADS; threads++) {
        test_map *to = threads == 1 ? &x : &again;
        test_exec t = exec_make(k, threads, cnx_mlp_scratch(&shape, k, m->h, m->w, threads));
        map_fill(to->map, 32);
        cnx_mlp_run(&t.exec, &mlp, y.map, to->map);
        CHECK(exec_free(&t), "%s mlp %dx%d %d: scratch overrun", k->name, m->h, m->w, m->c);
        CHECK(map_whole(to) && maps_equal(x.map, to->map),
              "%s mlp %dx%d c %d hidden %d grn %d: %d threads", k->name, m->h, m->w, m->c,
              m->hidden, m->grn, threads);
    }
    const double error = map_error(x.map, want);
    CHECK(error < 4e-6 * sqrt((double)m->c * m->hidden), "%s mlp %dx%d c %d hidden %d grn %d: %g",
          k->name, m->h, m->w, m->c, m->hidden, m->grn, error);
    cnx_mlp_free(&mlp);
    free(want);
    free_arrays(&arrays);
    guarded_free(&y.memory);
    guarded_free(&x.memory);
    guarded_free(&again.memory);
}

int main(void)
{
    static const mlp_case cases[] = {
        {1, 1, 8, 32, 0, false, true},
        {7, 7, 40, 160, 3, false, true},
        {24, 31, 12, 48, 0, false, true},
        {5, 9, 96, 384, 0, false, false},
        {3, 3, 33, 70, 1, false, true},
        {33, 35, 3, 5, 0, false, true},
        {1, 1, 8, 32, 0, true, false},
        {9, 13, 40, 160, 2, true, false},
        {30, 31, 8, 32, 0, true, true},
        {4, 4, 80, 320, 0, true, false},
        /* few pixels and large matrices: cut by columns */
        {1, 1, 512, 512, 0, false, true},
        {5, 9, 260, 1040, 3, false, true},
        {3, 7, 300, 1200, 0, true, false},
        {13, 8, 800, 330, 1, true, true},
    };
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    for (int i = 0; i < count; i++) {
        check_dwconv(&tables[i], 1, 1, 3, 0);
        check_dwconv(&tables[i], 2, 40, 33, 1);
        check_dwconv(&tables[i], 17, 3, 8, 0);
        check_dwconv(&tables[i], 19, 23, 40, 2);
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++)
            check_mlp(&tables[i], &cases[j]);
    }
    return CHECK_RESULT;
}
