/* The kernels that work pixel by pixel, of every table, against ref or against libm in double. */
#include "tests/unit/kernels/kernel_test.h"

static const int channel_counts[] = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 96, 150, 200};
enum { CHANNEL_COUNTS = sizeof channel_counts / sizeof *channel_counts };

static void check_dwconv(const cnx_kernels *k, const cnx_kernels *ref, int width, int c,
                         unsigned hidden_rows, unsigned long long *state)
{
    const size_t ld = (size_t)(c + random_int(state, 0, 5));
    const size_t out_ld = (size_t)(c + random_int(state, 0, 5));
    const size_t length = (size_t)(width - 1) * ld + (size_t)c;
    const size_t out_length = (size_t)(width - 1) * out_ld + (size_t)c;
    guarded weights = guarded_random((size_t)49 * (size_t)c, 1, state);
    guarded bias = guarded_random((size_t)c, 3, state);
    guarded want = guarded_alloc(out_length, 0), got = guarded_alloc(out_length, 5);
    guarded in[7];
    const float *rows[7];
    for (int i = 0; i < 7; i++) {
        in[i] = guarded_random(length, i, state);
        rows[i] = hidden_rows >> i & 1 ? NULL : in[i].x;
    }
    ref->dwconv7_row(width, c, rows, ld, weights.x, bias.x, want.x, out_ld);
    k->dwconv7_row(width, c, rows, ld, weights.x, bias.x, got.x, out_ld);
    CHECK(largest_difference(want.x, got.x, out_length) < 1e-5,
          "%s dwconv width %d c %d ld %zu hidden rows %x: %g", k->name, width, c, ld, hidden_rows,
          largest_difference(want.x, got.x, out_length));
    CHECK(guarded_whole(&got) && gaps_whole(got.x, width, c, out_ld),
          "%s dwconv width %d c %d wrote outside", k->name, width, c);
    for (int i = 0; i < 7; i++)
        guarded_free(&in[i]);
    guarded_free(&weights);
    guarded_free(&bias);
    guarded_free(&want);
    guarded_free(&got);
}

/* The plain version against the definition, in double. */
static void check_ref_dwconv(const cnx_kernels *ref)
{
    enum { WIDTH = 9, C = 3 };
    unsigned long long state = 3;
    guarded in = guarded_random(7 * WIDTH * C, 0, &state);
    guarded w = guarded_random(49 * C, 0, &state), bias = guarded_random(C, 0, &state);
    guarded out = guarded_alloc(WIDTH * C, 0);
    const float *rows[7];
    for (int i = 0; i < 7; i++)
        rows[i] = i == 1 ? NULL : in.x + i * WIDTH * C;
    ref->dwconv7_row(WIDTH, C, rows, C, w.x, bias.x, out.x, C);
    for (int x = 0; x < WIDTH; x++)
        for (int c = 0; c < C; c++) {
            double sum = bias.x[c];
            for (int ky = 0; ky < 7; ky++)
                for (int kx = 0; kx < 7; kx++)
                    if (ky != 1 && x + kx - 3 >= 0 && x + kx - 3 < WIDTH)
                        sum += (double)in.x[(ky * WIDTH + x + kx - 3) * C + c] *
                               w.x[(ky * 7 + kx) * C + c];
            CHECK(fabs(sum - out.x[x * C + c]) < 1e-5, "ref dwconv x %d c %d", x, c);
        }
    guarded_free(&in);
    guarded_free(&w);
    guarded_free(&bias);
    guarded_free(&out);
}

static void check_layernorm(const cnx_kernels *k, int rows, int c, float offset, bool affine,
                            unsigned long long *state)
{
    const size_t ldx = (size_t)(c + random_int(state, 0, 4));
    const size_t ldy = (size_t)(c + random_int(state, 0, 4));
    guarded x = guarded_random((size_t)rows * ldx, 1, state);
    guarded w = guarded_random((size_t)c, 2, state), b = guarded_random((size_t)c, 3, state);
    guarded y = guarded_alloc((size_t)(rows - 1) * ldy + (size_t)c, 5);
    double worst = 0;
    for (size_t i = 0; i < x.n; i++)
        x.x[i] += offset;
    k->layernorm(rows, c, x.x, ldx, affine ? w.x : NULL, affine ? b.x : NULL, 1e-6f, y.x, ldy);
    for (int r = 0; r < rows; r++) {
        const float *row = x.x + (size_t)r * ldx;
        double mean = 0, variance = 0;
        for (int i = 0; i < c; i++)
            mean += (double)row[i] / c;
        for (int i = 0; i < c; i++)
            variance += (row[i] - mean) * (row[i] - mean) / c;
        for (int i = 0; i < c; i++) {
            double want = (row[i] - mean) / sqrt(variance + 1e-6);
            if (affine)
                want = want * w.x[i] + b.x[i];
            const double off = fabs(want - y.x[(size_t)r * ldy + (size_t)i]);
            worst = off > worst || isnan(off) ? off : worst;
        }
    }
    /* The mean is rounded to float: at an offset of 100, by 4e-6 of a deviation of about 0.5; with
     * one channel nothing but that rounding is left, over sqrt(eps). */
    const double limit = c == 1 ? 1e-2 : offset != 0 ? 1e-4 : 4e-6;
    CHECK(worst < limit, "%s layernorm rows %d c %d offset %g affine %d: %g", k->name, rows, c,
          (double)offset, affine, worst);
    CHECK(guarded_whole(&y) && gaps_whole(y.x, rows, c, ldy),
          "%s layernorm rows %d c %d wrote outside", k->name, rows, c);
    guarded_free(&x);
    guarded_free(&w);
    guarded_free(&b);
    guarded_free(&y);
}

static void check_layernorm_in_place(const cnx_kernels *k)
{
    unsigned long long state = 5;
    guarded x = guarded_random(4 * 33, 1, &state), y = guarded_alloc(4 * 33, 0);
    k->layernorm(4, 33, x.x, 33, NULL, NULL, 1e-6f, y.x, 33);
    k->layernorm(4, 33, x.x, 33, NULL, NULL, 1e-6f, x.x, 33);
    CHECK(memcmp(x.x, y.x, 4 * 33 * sizeof(float)) == 0, "%s layernorm in place", k->name);
    guarded_free(&x);
    guarded_free(&y);
}

static void check_gelu(const cnx_kernels *k)
{
    enum { STEPS = 300001 };
    guarded x = guarded_alloc(STEPS, 1);
    double worst = 0, at = 0;
    for (int i = 0; i < STEPS; i++)
        x.x[i] = -15.0f + 1e-4f * (float)i;
    k->gelu(STEPS, x.x);
    for (int i = 0; i < STEPS; i++) {
        const double in = (double)(-15.0f + 1e-4f * (float)i);
        const double want = 0.5 * in * erfc(-in / sqrt(2));
        /* Besides the rounding of the result itself; torch's own float form is off by 2e-7. */
        const double ulp = fabs(want) * 1.2e-7;
        const double limit =
            strcmp(k->name, "ref") == 0 || strcmp(k->name, "openblas") == 0 ? 3e-7 : 8e-8;
        const double off = (fabs(x.x[i] - want) - ulp) / limit;
        if (off > worst || isnan(off)) {
            worst = off;
            at = in;
        }
    }
    CHECK(worst < 1, "%s gelu: %g of what is allowed, at %g", k->name, worst, at);
    CHECK(guarded_whole(&x), "%s gelu wrote outside", k->name);
    guarded_free(&x);
}

static void check_gelu_edges(const cnx_kernels *k)
{
    for (size_t n = 1; n < 40; n++) {
        guarded x = guarded_alloc(n, (int)(n % 7));
        for (size_t i = 0; i < n; i++)
            x.x[i] = 1.0f;
        k->gelu(n, x.x);
        CHECK(guarded_whole(&x) && fabsf(x.x[n - 1] - 0.84134475f) < 2e-7f, "%s gelu n %zu",
              k->name, n);
        guarded_free(&x);
    }
    float x[6] = {0.0f, NAN, 1e30f, -1e30f, INFINITY, 1e-30f};
    k->gelu(6, x);
    CHECK(x[0] == 0 && isnan(x[1]) && x[2] == 1e30f && fabsf(x[3]) < 1e-7f && x[4] == INFINITY &&
              fabsf(x[5] - 5e-31f) < 1e-36f,
          "%s gelu of extremes: %g %g %g %g %g %g", k->name, (double)x[0], (double)x[1],
          (double)x[2], (double)x[3], (double)x[4], (double)x[5]);
}

static void check_combine(const cnx_kernels *k, size_t n, int count, unsigned long long *state)
{
    guarded in[CNX_MAX_TAPS], out = guarded_alloc(n, 3);
    const float *source[CNX_MAX_TAPS];
    float weight[CNX_MAX_TAPS];
    double worst = 0;
    for (int t = 0; t < count; t++) {
        in[t] = guarded_random(n, t, state);
        source[t] = in[t].x;
        weight[t] = check_uniform(state);
    }
    k->combine(n, count, source, weight, out.x);
    for (size_t i = 0; i < n; i++) {
        double want = 0;
        for (int t = 0; t < count; t++)
            want += (double)weight[t] * source[t][i];
        const double off = fabs(want - out.x[i]);
        worst = off > worst || isnan(off) ? off : worst;
    }
    CHECK(worst < 4e-7 && guarded_whole(&out), "%s combine n %zu count %d: %g", k->name, n, count,
          worst);
    for (int t = 0; t < count; t++)
        guarded_free(&in[t]);
    guarded_free(&out);
}

static void check_combine4(const cnx_kernels *k, size_t n, int count, unsigned left_away,
                           unsigned long long *state)
{
    enum { MOST = 7 };
    guarded in[MOST], out[4];
    const float *source[MOST];
    float weight[4 * MOST], *to[4];
    double worst = 0;
    for (int t = 0; t < count; t++) {
        in[t] = guarded_random(n, t, state);
        source[t] = in[t].x;
    }
    for (int t = 0; t < 4 * count; t++)
        weight[t] = check_uniform(state);
    for (int j = 0; j < 4; j++) {
        out[j] = guarded_alloc(n, j);
        to[j] = left_away >> j & 1 ? NULL : out[j].x;
    }
    k->combine4(n, count, source, weight, to);
    for (int j = 0; j < 4; j++)
        for (size_t i = 0; i < n; i++) {
            double want = 0;
            for (int t = 0; t < count; t++)
                want += (double)weight[4 * t + j] * source[t][i];
            const double off = to[j] ? fabs(want - out[j].x[i]) : out[j].x[i] != canary;
            worst = off > worst || isnan(off) ? off : worst;
        }
    CHECK(worst < 1e-6, "%s combine4 n %zu count %d: %g", k->name, n, count, worst);
    for (int j = 0; j < 4; j++) {
        CHECK(guarded_whole(&out[j]), "%s combine4 n %zu wrote outside", k->name, n);
        guarded_free(&out[j]);
    }
    for (int t = 0; t < count; t++)
        guarded_free(&in[t]);
}

static void check_resample(const cnx_kernels *k, const cnx_kernels *ref, int width, int c, int add,
                           unsigned long long *state)
{
    enum { IN = 11 };
    const size_t ld = (size_t)(c + random_int(state, 0, 3));
    const size_t out_ld = (size_t)(c + random_int(state, 0, 3));
    const size_t length = (size_t)(width - 1) * out_ld + (size_t)c;
    guarded in = guarded_random((IN - 1) * ld + (size_t)c, 1, state);
    guarded want = guarded_alloc(length, 0), got = guarded_alloc(length, 3);
    cnx_taps taps[40];
    for (int x = 0; x < width; x++) {
        taps[x] = (cnx_taps){.count = random_int(state, 1, CNX_MAX_TAPS)};
        taps[x].first = random_int(state, 0, IN - taps[x].count);
        for (int t = 0; t < taps[x].count; t++)
            taps[x].weight[t] = check_uniform(state);
        for (int i = 0; add && i < c; i++)
            want.x[(size_t)x * out_ld + (size_t)i] = got.x[(size_t)x * out_ld + (size_t)i] =
                check_uniform(state);
    }
    ref->resample_row(width, c, in.x, ld, taps, want.x, out_ld, add);
    k->resample_row(width, c, in.x, ld, taps, got.x, out_ld, add);
    CHECK(largest_difference(want.x, got.x, length) < 1e-6, "%s resample width %d c %d add %d",
          k->name, width, c, add);
    CHECK(guarded_whole(&got) && gaps_whole(got.x, width, c, out_ld),
          "%s resample width %d c %d wrote outside", k->name, width, c);
    guarded_free(&in);
    guarded_free(&want);
    guarded_free(&got);
}

/* Few different values, so that ties are everywhere; NaN and infinities among them. */
static void check_argmax(const cnx_kernels *k, int rows, int c, unsigned long long *state)
{
    static const float values[] = {0, 1, 1, -1, 2, 2, -0.0f, NAN, INFINITY, -INFINITY};
    const int kinds = random_int(state, 1, 10);
    const size_t ld = (size_t)(c + random_int(state, 0, 3));
    guarded x = guarded_alloc((size_t)(rows - 1) * ld + (size_t)c, 1);
    uint16_t out[17] = {0};
    out[rows] = 4321;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < c; i++)
            x.x[(size_t)r * ld + (size_t)i] = values[random_int(state, 10 - kinds, 9)];
    k->argmax(rows, c, x.x, ld, out);
    for (int r = 0; r < rows; r++) {
        const float *row = x.x + (size_t)r * ld;
        int best = -1;
        for (int i = 0; i < c; i++)
            if (!isnan(row[i]) && (best < 0 || row[i] > row[best]))
                best = i;
        CHECK(out[r] == (best < 0 ? 0 : best), "%s argmax c %d row %d: %d, not %d", k->name, c, r,
              out[r], best);
    }
    CHECK(out[rows] == 4321, "%s argmax rows %d wrote outside", k->name, rows);
    guarded_free(&x);
}

static void check_softmax(const cnx_kernels *k, int rows, int c, float spread,
                          unsigned long long *state)
{
    const size_t ld = (size_t)(c + random_int(state, 0, 3));
    guarded x = guarded_alloc((size_t)(rows - 1) * ld + (size_t)c, 1);
    double want[200], worst = 0;
    guarded in;
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < c; i++)
            x.x[(size_t)r * ld + (size_t)i] = spread * check_uniform(state);
    in = guarded_alloc(x.n, 0);
    memcpy(in.x, x.x, x.n * sizeof(float));
    k->softmax(rows, c, x.x, ld);
    for (int r = 0; r < rows; r++) {
        const float *row = in.x + (size_t)r * ld;
        double largest = row[0], sum = 0;
        for (int i = 0; i < c; i++)
            largest = row[i] > largest ? row[i] : largest;
        for (int i = 0; i < c; i++)
            sum += want[i] = exp((double)(float)(row[i] - (float)largest));
        for (int i = 0; i < c; i++) {
            const double w = want[i] / sum, got = x.x[(size_t)r * ld + (size_t)i];
            const double off = fabs(got - w) / (w + 1e-31);
            worst = off > worst || isnan(off) ? off : worst;
        }
    }
    CHECK(worst < 6e-7, "%s softmax rows %d c %d spread %g: %g", k->name, rows, c, (double)spread,
          worst);
    CHECK(guarded_whole(&x) && gaps_whole(x.x, rows, c, ld), "%s softmax c %d wrote outside",
          k->name, c);
    guarded_free(&x);
    guarded_free(&in);
}

static void check_softmax_edges(const cnx_kernels *k)
{
    float x[20];
    for (int i = 0; i < 20; i++)
        x[i] = i == 17 ? 0.0f : -INFINITY;
    k->softmax(1, 20, x, 20);
    CHECK(x[17] == 1 && x[0] == 0 && x[19] == 0, "%s softmax of one among minus infinities",
          k->name);
    x[3] = NAN;
    k->softmax(1, 20, x, 20);
    CHECK(isnan(x[0]) && isnan(x[17]), "%s softmax with a NaN", k->name);
    float far[3] = {1000.0f, 800.0f, -1e38f};
    k->softmax(1, 3, far, 3);
    CHECK(far[0] == 1 && far[1] >= 0 && far[1] < 1e-37f && far[2] == 0, "%s softmax of far values",
          k->name);
}

static void check_sum_squares(const cnx_kernels *k, int rows, int c, unsigned long long *state)
{
    const size_t ld = (size_t)c + 3;
    guarded x = guarded_random((size_t)rows * ld, 1, state);
    double sum[201], want[200];
    for (int i = 0; i <= c; i++)
        sum[i] = i;
    for (int i = 0; i < c; i++) {
        want[i] = i;
        for (int r = 0; r < rows; r++)
            want[i] += (double)x.x[(size_t)r * ld + (size_t)i] * x.x[(size_t)r * ld + (size_t)i];
    }
    k->sum_squares(rows, c, x.x, ld, sum);
    for (int i = 0; i < c; i++)
        CHECK(fabs(sum[i] - want[i]) <= 1e-13 * want[i], "%s sum_squares rows %d c %d", k->name,
              rows, c);
    CHECK(sum[c] == c, "%s sum_squares c %d wrote outside", k->name, c);
    guarded_free(&x);
}

static void check_table(const cnx_kernels *k, const cnx_kernels *ref)
{
    unsigned long long state = 42;
    for (int i = 0; i < CHANNEL_COUNTS; i++) {
        const int c = channel_counts[i];
        for (int width = 1; width <= 40; width += 1 + width / 12)
            check_dwconv(k, ref, width, c, width % 3 ? 0 : (unsigned)width * 5 % 128, &state);
        for (int width = 1; width <= 40; width += 3)
            check_resample(k, ref, width, c, width & 1, &state);
        for (int rows = 1; rows <= 16; rows += 5) {
            check_layernorm(k, rows, c, 0, rows & 2, &state);
            check_layernorm(k, rows, c, 100, rows & 2, &state);
            check_softmax(k, rows, c, 1, &state);
            check_softmax(k, rows, c, 30, &state);
            check_sum_squares(k, rows, c, &state);
            for (int repeat = 0; repeat < 10; repeat++)
                check_argmax(k, rows, c, &state);
        }
        for (int count = 1; count <= CNX_MAX_TAPS; count++) {
            check_combine(k, (size_t)c, count, &state);
            check_combine4(k, (size_t)c, 2 * count - 1, (unsigned)random_int(&state, 0, 15),
                           &state);
        }
    }
    check_layernorm_in_place(k);
    check_gelu(k);
    check_gelu_edges(k);
    check_softmax_edges(k);
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES], ref;
    const int count = kernel_tables(tables);
    cnx_kernels_ref(&ref);
    check_ref_dwconv(&ref);
    for (int i = 0; i < count; i++)
        check_table(&tables[i], &ref);
    return CHECK_RESULT;
}
