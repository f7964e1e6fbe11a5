/*
 * Winograd's convolution, and the 3x3 convolution over a concatenation of upsampled maps, against
 * the plain definitions in double precision: odd sizes, levels of any ratio, every kernel table.
 */
#include <math.h>

#include "core/memory.h"
#include "core/ops/concat_conv.h"
#include "core/ops/pixelwise.h"
#include "core/ops/winograd.h"
#include "tests/unit/check.h"

enum { MAX_INPUTS = 5 };

typedef struct problem {
    int inputs, in_c[MAX_INPUTS], h[MAX_INPUTS], w[MAX_INPUTS], out_c;
    bool relu, winograd;
} problem;

static float *random_floats(size_t n, unsigned long long *seed)
{
    float *x = cnx_alloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = check_uniform(seed);
    return x;
}

/* Bilinear, align_corners False, at output (y, x) of H x W. */
static double upsampled(const float *map, int h, int w, int c, int i, int y, int x, int H, int W)
{
    double sy = (y + 0.5) * h / H - 0.5, sx = (x + 0.5) * w / W - 0.5;
    sy = sy < 0 ? 0 : sy;
    sx = sx < 0 ? 0 : sx;
    const int y0 = (int)sy, x0 = (int)sx;
    const int y1 = y0 + 1 < h ? y0 + 1 : h - 1, x1 = x0 + 1 < w ? x0 + 1 : w - 1;
    const double fy = sy - y0, fx = sx - x0;
#define AT(yy, xx) ((double)map[((size_t)(yy) * (size_t)w + (size_t)(xx)) * (size_t)c + (size_t)i])
    return (1 - fy) * ((1 - fx) * AT(y0, x0) + fx * AT(y0, x1)) +
           fy * ((1 - fx) * AT(y1, x0) + fx * AT(y1, x1));
#undef AT
}

/* The concatenation at the first map's size, [h][w][all]. */
static double *concatenate(const problem *p, float *const maps[], int all)
{
    const int H = p->h[0], W = p->w[0];
    double *wide = malloc((size_t)H * (size_t)W * (size_t)all * sizeof *wide);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            double *to = wide + ((size_t)y * (size_t)W + (size_t)x) * (size_t)all;
            for (int m = 0; m < p->inputs; m++)
                for (int i = 0; i < p->in_c[m]; i++)
                    *to++ = upsampled(maps[m], p->h[m], p->w[m], p->in_c[m], i, y, x, H, W);
        }
    return wide;
}

static double convolved(const double *wide, const float *filter, int all, int H, int W, int y,
                        int x)
{
    double sum = 0;
    for (int ky = -1; ky <= 1; ky++)
        for (int kx = -1; kx <= 1; kx++) {
            if (y + ky < 0 || y + ky >= H || x + kx < 0 || x + kx >= W)
                continue;
            const double *pixel =
                wide + ((size_t)(y + ky) * (size_t)W + (size_t)(x + kx)) * (size_t)all;
            for (int i = 0; i < all; i++)
                sum += pixel[i] * (double)filter[i * 9 + (ky + 1) * 3 + kx + 1];
        }
    return sum;
}

/* A problem with its data, and what should come out. */
typedef struct instance {
    const problem *p;
    int all; /* channels of the concatenation */
    cnx_map in[MAX_INPUTS];
    float *weights, *bias;
    double *want; /* [h][w][out_c] */
    double largest;
} instance;

static size_t output_floats(const problem *p)
{
    return (size_t)p->h[0] * (size_t)p->w[0] * (size_t)p->out_c;
}

static instance make(const problem *p, unsigned long long seed)
{
    instance it = {.p = p};
    const int H = p->h[0], W = p->w[0];
    float *maps[MAX_INPUTS];
    for (int m = 0; m < p->inputs; m++) {
        maps[m] = random_floats((size_t)p->h[m] * (size_t)p->w[m] * (size_t)p->in_c[m], &seed);
        it.in[m] = cnx_map_dense(maps[m], p->h[m], p->w[m], p->in_c[m]);
        it.all += p->in_c[m];
    }
    it.weights = random_floats((size_t)p->out_c * (size_t)it.all * 9, &seed);
    it.bias = random_floats((size_t)p->out_c, &seed);
    it.want = malloc(output_floats(p) * sizeof *it.want);
    double *wide = concatenate(p, maps, it.all), *want = it.want;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            for (int o = 0; o < p->out_c; o++, want++) {
                *want = (double)it.bias[o] + convolved(wide,
                                                       it.weights + (size_t)o * (size_t)it.all * 9,
                                                       it.all, H, W, y, x);
                *want = p->relu && *want < 0 ? 0 : *want;
                it.largest = fmax(it.largest, fabs(*want));
            }
    free(wide);
    return it;
}

static void release(instance *it)
{
    for (int m = 0; m < it->p->inputs; m++)
        cnx_free(it->in[m].data);
    cnx_free(it->weights);
    cnx_free(it->bias);
    free(it->want);
}

/* The output, to be freed; checks that nothing else was written.  over: it takes the place of a copy of the
 * first map. */
static float *output(const instance *it, const cnx_concat_conv *conv, const cnx_kernels *k,
                     int threads, bool sparing, bool over)
{
    const problem *p = it->p;
    const size_t floats = output_floats(p);
    float *out = cnx_alloc((floats + 16) * sizeof *out);
    for (size_t i = 0; i < floats + 16; i++)
        out[i] = over && i < floats ? it->in[0].data[i] : 12345.0f;
    cnx_map in[MAX_INPUTS];
    memcpy(in, it->in, sizeof in);
    if (over)
        in[0].data = out;
    const size_t best = cnx_concat_conv_scratch(conv, k, p->h, p->w, threads);
    const size_t least = cnx_concat_conv_least_scratch(conv, k, p->h, p->w, threads);
    const size_t scratch = sparing ? least : best;
    CHECK(least <= best, "%s: the least scratch is more than the best", k->name);
    char *memory = cnx_alloc(scratch + 64);
    memset(memory, 0x5a, scratch + 64);
    const cnx_exec exec = {.k = k, .threads = threads, .scratch = memory, .scratch_size = scratch};
    cnx_concat_conv_run(&exec, conv, in, cnx_map_dense(out, p->h[0], p->w[0], p->out_c));
    for (int i = 0; i < 16; i++)
        CHECK(out[floats + (size_t)i] == 12345.0f, "%s: written past the end", k->name);
    for (int i = 0; i < 64; i++)
        CHECK(memory[scratch + (size_t)i] == 0x5a, "%s: more scratch than said", k->name);
    cnx_free(memory);
    return out;
}

static void run(const instance *it, int halved, double limit, const cnx_kernels *k)
{
    const problem *p = it->p;
    const size_t floats = output_floats(p);
    cnx_concat_conv conv;
    cnx_error err;
    CHECK(cnx_concat_conv_init(&conv, k, p->inputs, p->in_c, p->out_c, it->weights, it->bias,
                               p->relu, p->winograd, halved, &err) == CNX_OK,
          "%s", err.message);
    float *first = output(it, &conv, k, 1, false, false);
    double worst = 0;
    for (size_t i = 0; i < floats; i++) {
        const double off = fabs(it->want[i] - (double)first[i]);
        worst = off > worst || isnan(off) ? off : worst;
    }
    CHECK(worst <= limit,
          "%s: %d maps, %d x %d x %d -> %d, winograd %d, halved %d: off by %g of %g, at most %g",
          k->name, p->inputs, p->h[0], p->w[0], it->all, p->out_c, p->winograd, halved, worst,
          it->largest, limit);
    const bool may_be_over = cnx_concat_conv_in_place(&conv);
    CHECK(may_be_over == (p->winograd && p->in_c[0] == p->out_c), "%s: in place?", k->name);
    static const struct {
        int threads;
        bool sparing, over;
    } ways[] = {{2, false, false}, {3, false, false}, {2, true, false},
                {1, false, true},  {3, false, true},  {2, true, true}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const int threads = ways[i].threads;
        const bool sparing = ways[i].sparing, over = ways[i].over;
        if ((sparing &&
             strcmp(k->name, "openblas") == 0) || /* its sums depend on the number of rows */
            (over && !may_be_over))
            continue;
        float *out = output(it, &conv, k, threads, sparing, over);
        CHECK(memcmp(first, out, floats * sizeof *out) == 0,
              "%s: %d threads, sparing %d, in place %d differ", k->name, threads, sparing, over);
        cnx_free(out);
    }
    cnx_free(first);
    cnx_concat_conv_free(&conv);
}

/* Every input in turn is the one with weights for doubling. */
static void run_problem(const problem *p, int count, const cnx_kernels tables[],
                        unsigned long long seed)
{
    instance it = make(p, seed);
    const double limit = 2e-6 * sqrt(9.0 * it.all) * 9; /* inputs and weights are within 1 */
#ifdef __SANITIZE_THREAD__
    const int inputs = 1; /* threads do the same whichever it is */
#else
    const int inputs = p->inputs;
#endif
    for (int t = 0; t < count; t++)
        for (int halved = 0; halved < inputs; halved++)
            run(&it, halved, limit, &tables[t]);
    release(&it);
}

/* Doubling adds and subtracts before it multiplies: with many channels it must be about as precise
 * as the plain way. */
static void check_doubling_precision(int count, const cnx_kernels tables[])
{
    static const problem wide = {2, {1, 512}, {16, 8}, {16, 8}, 16, false, false};
    instance it = make(&wide, 11);
    for (int t = 0; t < count; t++)
        for (int halved = 0; halved < 2; halved++)
            run(&it, halved, 2e-6 * it.largest, &tables[t]);
    release(&it);
}

static const problem problems[] = {
    {1, {5}, {1}, {1}, 3, true, true},
    {1, {7}, {5}, {9}, 4, false, true},
    {1, {33}, {13}, {6}, 17, true, true},
    {1, {64}, {35}, {34}, 40, true, true},
    {1, {9}, {6}, {5}, 6, true, false},
    {2, {6, 4}, {8, 4}, {8, 4}, 5, false, false},
    {4, {8, 8, 8, 8}, {16, 8, 4, 2}, {16, 8, 4, 2}, 8, true, true},
    {4, {8, 8, 8, 8}, {24, 12, 6, 3}, {33, 16, 8, 4}, 12, true, true},
    {4, {16, 12, 10, 6}, {9, 4, 2, 1}, {11, 5, 2, 1}, 20, false, true},
    {5, {20, 7, 7, 7, 7}, {3, 1, 2, 3, 6}, {4, 1, 2, 3, 6}, 7, true, false},
    {5, {20, 7, 7, 7, 7}, {16, 1, 2, 3, 6}, {21, 1, 2, 3, 6}, 135, true, false},
    {3, {4, 4, 4}, {12, 7, 12}, {10, 9, 10}, 130, true, true},
    /* over the first map, in more blocks than one where there is little scratch */
    {4, {40, 8, 8, 8}, {46, 23, 11, 6}, {37, 18, 9, 5}, 40, true, true},
    {1, {33}, {31}, {50}, 33, false, true},
    /* doubled: both lengths odd or even, of one axis alone, the smallest */
    {2, {6, 20}, {2, 1}, {2, 1}, 7, false, false},
    {2, {6, 20}, {2, 1}, {4, 2}, 16, false, false},
    {2, {6, 20}, {6, 3}, {10, 5}, 33, true, false},
    {2, {6, 20}, {12, 6}, {18, 9}, 144, true, true},
    {2, {6, 20}, {14, 7}, {20, 10}, 260, false, false},
    {2, {6, 20}, {14, 7}, {21, 10}, 9, false, false},
    {2, {6, 20}, {13, 6}, {20, 10}, 9, false, false},
    {3, {5, 33, 8}, {40, 20, 10}, {38, 19, 9}, 20, true, true},
    {3, {5, 7, 8}, {22, 11, 2}, {150, 75, 3}, 20, true, false},
    {2, {3, 3}, {7, 30}, {7, 29}, 5, false, false},
    {2, {3, 3}, {1, 1}, {1, 1}, 2, false, true},
    {2, {3, 3}, {1, 4}, {6, 4}, 2, true, false},
};

/* What the interpolation points are chosen for: the error of a wide layer. */
static void check_precision(const cnx_kernels *k)
{
    enum { C = 512, SIDE = 8, OUT = 8 };
    unsigned long long seed = 7;
    float *x = random_floats((size_t)SIDE * SIDE * C, &seed);
    float *weights = random_floats((size_t)OUT * C * 9, &seed);
    double *wide = malloc((size_t)SIDE * SIDE * C * sizeof *wide);
    for (int i = 0; i < SIDE * SIDE * C; i++)
        wide[i] = (double)x[i];
    cnx_winograd wino;
    cnx_error err;
    CHECK(cnx_winograd_init(&wino, k, C, OUT, weights, NULL, false, &err) == CNX_OK, "%s",
          err.message);
    float out[SIDE * SIDE * OUT];
    const size_t scratch = cnx_winograd_scratch(&wino, SIDE, SIDE, 1);
    const cnx_exec exec = {
        .k = k, .threads = 1, .scratch = cnx_alloc(scratch), .scratch_size = scratch};
    cnx_winograd_run(&exec, &wino, cnx_map_dense(x, SIDE, SIDE, C),
                     cnx_map_dense(out, SIDE, SIDE, OUT), NULL);
    double worst = 0, largest = 0;
    for (int i = 0; i < SIDE * SIDE * OUT; i++) {
        const double want = convolved(wide, weights + (size_t)(i % OUT) * C * 9, C, SIDE, SIDE,
                                      i / OUT / SIDE, i / OUT % SIDE);
        worst = fmax(worst, fabs(want - (double)out[i]));
        largest = fmax(largest, fabs(want));
    }
    CHECK(worst <= 1.2e-5 * largest, "%s: off by %g of %g", k->name, worst, largest);
    cnx_free(exec.scratch);
    cnx_winograd_free(&wino);
    cnx_free(x);
    cnx_free(weights);
    free(wide);
}

int main(void)
{
    static const char *const names[] = {"ref", "openblas", "avx2", "avx512", "neon"};
    cnx_kernels tables[sizeof names / sizeof *names];
    int count = 0;
    for (size_t t = 0; t < sizeof names / sizeof *names; t++)
        count += cnx_kernels_init(&tables[count], names[t], NULL) == CNX_OK;
    for (size_t i = 0; i < sizeof problems / sizeof *problems; i++)
        run_problem(&problems[i], count, tables, 100 + i);
    check_doubling_precision(count, tables);
    for (int t = 0; t < count; t++)
        check_precision(&tables[t]);
    return CHECK_RESULT;
}
