/* LayerNorm over maps, adaptive pooling and bilinear resizing against their definitions. */
#include "core/ops/pixelwise.h"
#include "tests/unit/ops/op_test.h"

static void check_layernorm(const cnx_kernels *k, int h, int w, int c)
{
    unsigned long long state = 5;
    guarded weight = guarded_random((size_t)c, 0, &state),
            bias = guarded_random((size_t)c, 0, &state);
    test_map in = map_alloc(h, w, c, 3), out = map_alloc(h, w, c, 1);
    double *want = doubles((size_t)h * (size_t)w * (size_t)c), *next = want;
    map_fill(in.map, 3);
    for (int p = 0; p < h * w; p++) {
        const float *x = in.map.data + (size_t)p * in.map.ld;
        double mean = 0, variance = 0;
        for (int i = 0; i < c; i++)
            mean += (double)x[i] / c;
        for (int i = 0; i < c; i++)
            variance += (x[i] - mean) * (x[i] - mean) / c;
        for (int i = 0; i < c; i++)
            *next++ = (x[i] - mean) / sqrt(variance + 1e-6) * weight.x[i] + bias.x[i];
    }
    for (int threads = 1; threads <= OP_THREADS; threads++) {
        const cnx_exec exec = {.k = k, .threads = threads};
        cnx_layernorm_run(&exec, weight.x, bias.x, 1e-6f, in.map, out.map);
        CHECK(map_error(out.map, want) < 4e-6 && map_whole(&out), "%s layernorm %dx%dx%d: %g",
              k->name, h, w, c, map_error(out.map, want));
    }
    const cnx_exec exec = {.k = k, .threads = 2};
    cnx_layernorm_run(&exec, weight.x, bias.x, 1e-6f, in.map, in.map);
    CHECK(maps_equal(in.map, out.map) && map_whole(&in), "%s layernorm in place", k->name);
    free(want);
    guarded_free(&weight);
    guarded_free(&bias);
    guarded_free(&in.memory);
    guarded_free(&out.memory);
}

static void check_pool(const cnx_kernels *k, int h, int w, int c, int bins_h, int bins_w)
{
    test_map in = map_alloc(h, w, c, 2), out = map_alloc(bins_h, bins_w, c, 1);
    double *want = doubles((size_t)(bins_h * bins_w * c)), *next = want;
    map_fill(in.map, 9);
    for (int y = 0; y < bins_h; y++)
        for (int x = 0; x < bins_w; x++)
            for (int i = 0; i < c; i++) {
                const int y0 = (int)floor((double)y * h / bins_h);
                const int y1 = (int)ceil((double)(y + 1) * h / bins_h);
                const int x0 = (int)floor((double)x * w / bins_w);
                const int x1 = (int)ceil((double)(x + 1) * w / bins_w);
                double sum = 0;
                for (int sy = y0; sy < y1; sy++)
                    for (int sx = x0; sx < x1; sx++)
                        sum += cnx_map_pixel(in.map, sy, sx)[i];
                *next++ = sum / ((y1 - y0) * (x1 - x0));
            }
    for (int threads = 1; threads <= OP_THREADS; threads++) {
        const cnx_exec exec = {.k = k, .threads = threads};
        cnx_adaptive_avg_pool_run(&exec, in.map, out.map);
        CHECK(map_error(out.map, want) < 1e-7 && map_whole(&out), "%s pool %dx%dx%d to %dx%d: %g",
              k->name, h, w, c, bins_h, bins_w, map_error(out.map, want));
    }
    free(want);
    guarded_free(&in.memory);
    guarded_free(&out.memory);
}

/* Torch's rule, taken literally, in float32 as torch does it. */
static void naive_axis(int d, int n_in, int n_out, int *i0, int *i1, double *weight)
{
    const float scale = (float)n_in / (float)n_out;
    float s = ((float)d + 0.5f) * scale - 0.5f;
    if (s < 0)
        s = 0;
    *i0 = (int)floorf(s);
    *i1 = *i0 + 1 < n_in ? *i0 + 1 : n_in - 1;
    *weight = s - (float)*i0;
}

static void naive_resize(cnx_map in, int h, int w, double *out)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < in.c; c++) {
                int y0, y1, x0, x1;
                double wy, wx;
                naive_axis(y, in.h, h, &y0, &y1, &wy);
                naive_axis(x, in.w, w, &x0, &x1, &wx);
                *out++ = (1 - wy) * ((1 - wx) * cnx_map_pixel(in, y0, x0)[c] +
                                     wx * cnx_map_pixel(in, y0, x1)[c]) +
                         wy * ((1 - wx) * cnx_map_pixel(in, y1, x0)[c] +
                               wx * cnx_map_pixel(in, y1, x1)[c]);
            }
}

static void check_resize(const cnx_kernels *k, int h, int w, int c, int out_h, int out_w, int gap)
{
    test_map in = map_alloc(h, w, c, gap), out = map_alloc(out_h, out_w, c, gap);
    double *want = doubles((size_t)out_h * (size_t)out_w * (size_t)c);
    map_fill(in.map, 13);
    naive_resize(in.map, out_h, out_w, want);
    test_map added = map_alloc(out_h, out_w, c, 0);
    for (int threads = 1; threads <= OP_THREADS; threads++) {
        test_exec t = exec_make(k, threads, cnx_resize_scratch(w, out_w, out_h, c, threads));
        cnx_resize_run(&t.exec, in.map, out.map, false);
        map_fill(added.map, 17);
        cnx_resize_run(&t.exec, in.map, added.map, true);
        CHECK(exec_free(&t), "%s resize %dx%d to %dx%d: scratch overrun", k->name, h, w, out_h,
              out_w);
        CHECK(map_error(out.map, want) < 5e-7 && map_whole(&out),
              "%s resize %dx%dx%d to %dx%d gap %d: %g", k->name, h, w, c, out_h, out_w, gap,
              map_error(out.map, want));
    }
    test_map before = map_alloc(out_h, out_w, c, 0);
    map_fill(before.map, 17);
    for (size_t i = 0; i < before.memory.n; i++)
        want[i] += before.map.data[i];
    CHECK(map_error(added.map, want) < 7e-7, "%s resize and add %dx%d to %dx%d: %g", k->name, h, w,
          out_h, out_w, map_error(added.map, want));
    free(want);
    guarded_free(&in.memory);
    guarded_free(&out.memory);
    guarded_free(&added.memory);
    guarded_free(&before.memory);
}

static void check_taps(int n_in, int n_out)
{
    cnx_taps taps[600];
    cnx_resize_taps(n_in, n_out, taps);
    for (int d = 0; d < n_out; d++) {
        int i0, i1;
        double w;
        naive_axis(d, n_in, n_out, &i0, &i1, &w);
        const cnx_taps *t = &taps[d];
        const bool two = i1 > i0 && w > 0;
        CHECK(t->first == i0 && t->count == (two ? 2 : 1) &&
                  fabs(t->weight[0] - (two ? 1 - w : 1)) < 1e-7 &&
                  (!two || t->weight[1] == (float)w),
              "taps %d of %d to %d: first %d count %d", d, n_in, n_out, t->first, t->count);
    }
}

/* Two resizes of an axis in a row against the product of their taps. */
static void check_taps_two(int n_in, int n_mid, int n_out)
{
    cnx_taps one[600], two[600], both[600];
    cnx_resize_taps(n_in, n_mid, one);
    cnx_resize_taps(n_mid, n_out, two);
    cnx_taps_compose(one, two, n_out, both);
    for (int d = 0; d < n_out; d++) {
        double want[600] = {0}, worst = 0;
        for (int t = 0; t < two[d].count; t++) {
            const cnx_taps *inner = &one[two[d].first + t];
            for (int u = 0; u < inner->count; u++)
                want[inner->first + u] += (double)two[d].weight[t] * inner->weight[u];
        }
        CHECK(both[d].count >= 1 && both[d].count <= CNX_MAX_TAPS && both[d].first >= 0 &&
                  both[d].first + both[d].count <= n_in,
              "two steps %d %d %d at %d: first %d count %d", n_in, n_mid, n_out, d, both[d].first,
              both[d].count);
        for (int t = 0; t < both[d].count; t++)
            want[both[d].first + t] -= both[d].weight[t];
        for (int i = 0; i < n_in; i++)
            worst = fabs(want[i]) > worst ? fabs(want[i]) : worst;
        CHECK(worst < 2e-7, "two steps %d %d %d at %d: off by %g", n_in, n_mid, n_out, d, worst);
    }
}

static void check_all_taps(void)
{
    static const int sizes[] = {1, 2, 3, 5, 16, 17, 31, 64, 128, 171, 512};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    for (int i = 0; i < SIZES; i++)
        for (int j = 0; j < SIZES; j++) {
            check_taps(sizes[i], sizes[j]);
            check_taps_two(sizes[i], sizes[j], sizes[j]);
            for (int l = 0; sizes[j] >= sizes[i] && l < SIZES; l++)
                check_taps_two(sizes[i], sizes[j], sizes[l]);
        }
    cnx_taps same[512];
    cnx_resize_taps(512, 512, same);
    for (int d = 0; d < 512; d++)
        CHECK(same[d].first == d && same[d].count == 1 && same[d].weight[0] == 1, "same size %d",
              d);
}

static void check_table(const cnx_kernels *k)
{
    check_layernorm(k, 1, 1, 5);
    check_layernorm(k, 13, 17, 33);
    check_layernorm(k, 70, 60, 96);
    for (int bins = 1; bins <= 6; bins++) {
        check_pool(k, 16, 16, 130, bins, bins);
        check_pool(k, 1, 1, 3, bins, bins);
        check_pool(k, 3, 4, 300, bins, bins);
        check_pool(k, 7, 19, 40, bins, 7 - bins);
    }
    for (int gap = 0; gap < 4; gap += 3) {
        check_resize(k, 4, 5, 7, 8, 10, gap);
        check_resize(k, 12, 16, 33, 24, 33, gap);
        check_resize(k, 1, 1, 40, 5, 3, gap);
        check_resize(k, 6, 6, 16, 1, 1, gap);
        check_resize(k, 31, 29, 5, 7, 40, gap);
        check_resize(k, 9, 9, 8, 9, 9, gap);
    }
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    check_all_taps();
    for (int i = 0; i < count; i++)
        check_table(&tables[i]);
    return CHECK_RESULT;
}
