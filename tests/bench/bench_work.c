#include "bench_work.h"

#include <stdlib.h>
#include <string.h>

#include "core/kernels/winograd_points.h"
#include "core/memory.h"
#include "core/ops/block.h"
#include "core/ops/concat_conv.h"

enum { LEVELS = 4, CLASSES = 150, MLP_RATIO = 4 };

const bench_shape bench_shapes[] = {
    {BENCH_PRODUCT, 16384, 96, 384, CNX_ACT_GELU, false, "stage 0 expand, GELU"},
    {BENCH_PRODUCT, 16384, 96, 384, CNX_ACT_NONE, false, "the same, product only"},
    {BENCH_PRODUCT, 16384, 384, 96, CNX_ACT_NONE, true, "stage 0 project"},
    {BENCH_PRODUCT, 4096, 192, 768, CNX_ACT_GELU, false, "stage 1 expand, GELU"},
    {BENCH_PRODUCT, 4096, 768, 192, CNX_ACT_NONE, true, "stage 1 project"},
    {BENCH_PRODUCT, 1024, 384, 1536, CNX_ACT_GELU, false, "stage 2 expand, GELU"},
    {BENCH_PRODUCT, 1024, 1536, 384, CNX_ACT_NONE, true, "stage 2 project"},
    {BENCH_PRODUCT, 256, 768, 3072, CNX_ACT_GELU, false, "stage 3 expand, GELU"},
    {BENCH_PRODUCT, 256, 3072, 768, CNX_ACT_NONE, true, "stage 3 project"},
    {BENCH_PRODUCT, 1024, 4608, 512, CNX_ACT_RELU, false, "FPN 3x3, gathered"},
    {BENCH_PRODUCT, 4096, 512, 512, CNX_ACT_RELU, false, "lateral, Winograd point"},
    {BENCH_PRODUCT, 4096, 512, 150, CNX_ACT_NONE, false, "classifier"},
    {BENCH_PRODUCT, 16384, 48, 96, CNX_ACT_NONE, false, "stem"},
    {BENCH_PRODUCT, 36, 768, 512, CNX_ACT_RELU, false, "pooled 6 x 6"},
    {BENCH_MLP, 64, 96, 96, CNX_ACT_GELU, true, "MLP of a block, 64 x 64 x 96"},
    {BENCH_MLP, 16, 768, 768, CNX_ACT_GELU, true, "MLP of a block, 16 x 16 x 768"},
    {BENCH_CONV_DIRECT, 32, 512, 512, CNX_ACT_RELU, false, "3x3 direct, 32 x 32 x 512"},
    {BENCH_CONV_WINOGRAD, 32, 512, 512, CNX_ACT_RELU, false, "3x3 Winograd, 32 x 32 x 512"},
    {BENCH_CONV_WINOGRAD, 64, 512, 512, CNX_ACT_RELU, false, "3x3 Winograd, 64 x 64 x 512"},
    {BENCH_CONCAT_CONV, 64, 512, 512, CNX_ACT_RELU, false, "fusion 3x3, 64 x 64 x (4 x 512)"},
    {BENCH_DEPTHWISE, 128, 96, 96, CNX_ACT_NONE, false, "depthwise 7x7, a row of 128 x 96"},
    {BENCH_DEPTHWISE, 16, 768, 768, CNX_ACT_NONE, false, "depthwise 7x7, a row of 16 x 768"},
    {BENCH_WINOGRAD_INPUT, 16, 512, 512, CNX_ACT_NONE, false, "Winograd's input transform, 512"},
    {BENCH_WINOGRAD_OUTPUT, 16, 512, 512, CNX_ACT_NONE, false, "Winograd's output transform, 512"},
    {BENCH_LAYERNORM, 128, 96, 96, CNX_ACT_NONE, false, "LayerNorm, 96"},
    {BENCH_GELU, 128, 96, 96, CNX_ACT_NONE, false, "GELU"},
    {BENCH_RESAMPLE, 128, 96, 96, CNX_ACT_NONE, false, "resample and add, 2 taps"},
    {BENCH_ARGMAX, 128, CLASSES, CLASSES, CNX_ACT_NONE, false, "argmax, 150"},
    {BENCH_UPSAMPLE_ARGMAX, 512, CLASSES, CLASSES, CNX_ACT_NONE, false,
     "upsample a row and argmax, 150"},
    {BENCH_SOFTMAX, 128, CLASSES, CLASSES, CNX_ACT_NONE, false, "softmax, 150"},
};
const int bench_shape_count = sizeof bench_shapes / sizeof *bench_shapes;

struct bench_work {
    const bench_shape *shape;
    cnx_kernels kernels;
    const cnx_kernels *k;
    int m; /* the shape's, or fewer */
    float *x, *y, *weights, *packed, *bias;
    float *sums; /* room that a product onto its own residual wants */
    cnx_taps *taps;
    uint16_t *labels;
    cnx_exec exec;
    cnx_mlp mlp;
    cnx_conv conv;
    cnx_winograd winograd;
    cnx_concat_conv concat;
};

/* ---- how much it is ---- */

static double operations(const bench_shape *s, double m)
{
    const double pair = (double)s->k * s->n;
    switch (s->kind) {
    case BENCH_PRODUCT:
        return 2 * m * pair;
    case BENCH_MLP:
        return 2 * m * m * 2 * MLP_RATIO * pair;
    case BENCH_CONV_DIRECT:
    case BENCH_CONV_WINOGRAD:
        return 2 * m * m * 9 * pair;
    case BENCH_CONCAT_CONV:
        return 2 * m * m * 9 * LEVELS * pair;
    case BENCH_DEPTHWISE:
        return 2 * m * 49 * s->k;
    case BENCH_WINOGRAD_INPUT:
    case BENCH_WINOGRAD_OUTPUT:
        return m * WINOGRAD_POINTS * s->k;
    case BENCH_LAYERNORM:
    case BENCH_GELU:
    case BENCH_RESAMPLE:
    case BENCH_ARGMAX:
    case BENCH_UPSAMPLE_ARGMAX:
    case BENCH_SOFTMAX:
        break;
    }
    return m * s->k;
}

double bench_work_amount(const bench_work *work)
{
    return operations(work->shape, work->m);
}

double bench_shape_saving(const bench_shape *shape)
{
    enum { WINOGRAD_SAVES = 4 };
    if (shape->kind == BENCH_CONV_WINOGRAD)
        return WINOGRAD_SAVES;
    /* The first map by Winograd, the others at their own size, the second in 6.25 products a pixel
     * instead of 9. */
    if (shape->kind == BENCH_CONCAT_CONV)
        return LEVELS / (1.0 / WINOGRAD_SAVES + 6.25 / 9 / 4 + 1.0 / 16 + 1.0 / 64);
    return shape->kind <= BENCH_DEPTHWISE || bench_shape_multiplies(shape) ? 1 : 0;
}

bool bench_shape_multiplies(const bench_shape *shape)
{
    return shape->kind == BENCH_PRODUCT || shape->kind >= BENCH_MLP;
}

/* ---- making it ---- */

static float *random_floats(size_t n)
{
    float *x = cnx_alloc(n * sizeof *x);
    unsigned state = 1;
    for (size_t i = 0; x && i < n; i++) {
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * (2.0f / 16777216.0f) - 1.0f;
    }
    return x;
}

static bool give_scratch(bench_work *w, size_t bytes)
{
    w->exec = (cnx_exec){.k = w->k, .threads = 1, .scratch_size = bytes};
    w->exec.scratch = cnx_alloc(bytes);
    return w->exec.scratch != NULL;
}

static bool open_product(bench_work *w)
{
    const bench_shape *s = w->shape;
    w->packed = cnx_alloc(w->k->gemm_packed_size(s->k, s->n) * sizeof(float));
    if (w->packed)
        w->k->gemm_pack(s->k, s->n, w->weights, w->packed);
    w->sums = s->residual ? cnx_calloc((size_t)w->m * (size_t)s->n * sizeof(float)) : NULL;
    return w->packed && (w->sums || !s->residual);
}

static bool open_mlp(bench_work *w)
{
    const int c = w->shape->k, hidden = MLP_RATIO * c;
    const cnx_mlp_weights weights = {w->bias, w->bias, w->weights, w->bias, w->weights,
                                     w->bias, w->bias, NULL,       NULL,    CNX_MLP_GELU};
    return cnx_mlp_init(&w->mlp, w->k, c, hidden, 1e-6f, &weights, NULL) == CNX_OK &&
           give_scratch(w, cnx_mlp_scratch(&w->mlp, w->k, w->m, w->m, 1));
}

static bool open_direct(bench_work *w)
{
    const bench_shape *s = w->shape;
    return cnx_conv_init(&w->conv, w->k, CNX_CONV_3X3, 3, s->k, s->n, w->weights, w->bias, s->act,
                         NULL) == CNX_OK &&
           give_scratch(w, cnx_conv_scratch(&w->conv, w->k, w->m, w->m, 1));
}

static bool open_winograd(bench_work *w)
{
    const bench_shape *s = w->shape;
    return cnx_winograd_init(&w->winograd, w->k, s->k, s->n, w->weights, w->bias, true, NULL) ==
               CNX_OK &&
           give_scratch(w, cnx_winograd_scratch(&w->winograd, w->m, w->m, 1));
}

static void level_sizes(const bench_work *w, int edges[LEVELS])
{
    for (int i = 0; i < LEVELS; i++)
        edges[i] = w->m >> i ? w->m >> i : 1;
}

static bool open_concat(bench_work *w)
{
    const int c = w->shape->k, in_c[LEVELS] = {c, c, c, c};
    int edges[LEVELS];
    level_sizes(w, edges);
    return cnx_concat_conv_init(&w->concat, w->k, LEVELS, in_c, w->shape->n, w->weights, w->bias,
                                true, true, 1, NULL) == CNX_OK &&
           give_scratch(w, cnx_concat_conv_scratch(&w->concat, w->k, edges, edges, 1));
}

/* Bilinear taps to m pixels, from half or a quarter as many. */
static bool open_taps(bench_work *w, int factor)
{
    w->taps = calloc((size_t)w->m, sizeof *w->taps);
    for (int i = 0; w->taps && i < w->m; i++)
        w->taps[i] = (cnx_taps){.first = i / factor, .count = 2, .weight = {0.25f, 0.75f}};
    return w->taps != NULL;
}

static bool open_kind(bench_work *w)
{
    switch (w->shape->kind) {
    case BENCH_PRODUCT:
        return open_product(w);
    case BENCH_MLP:
        return open_mlp(w);
    case BENCH_CONV_DIRECT:
        return open_direct(w);
    case BENCH_CONV_WINOGRAD:
        return open_winograd(w);
    case BENCH_CONCAT_CONV:
        return open_concat(w);
    case BENCH_RESAMPLE:
        return open_taps(w, 2);
    case BENCH_UPSAMPLE_ARGMAX:
        return open_taps(w, 4);
    default:
        return true;
    }
}

/* Floats of input, output and weights: room for the largest use of each. */
static bool open_buffers(bench_work *w)
{
    const bench_shape *s = w->shape;
    const size_t m = (size_t)w->m, k = (size_t)s->k, n = (size_t)s->n;
    const bool map = s->kind >= BENCH_MLP;
    const size_t pixels = map ? m * m : s->kind == BENCH_PRODUCT ? m : WINOGRAD_POINTS * (m + 1);
    const size_t filters = s->kind == BENCH_CONCAT_CONV ? 9 * LEVELS
                           : map                        ? 9
                           : s->kind == BENCH_PRODUCT   ? 1
                                                        : 0;
    w->x = random_floats(pixels * k);
    w->y = random_floats(pixels * n);
    w->weights = random_floats(filters * k * n + 49 * k);
    w->bias = random_floats(MLP_RATIO * k + n);
    w->labels = calloc(m + 1, sizeof *w->labels);
    return w->x && w->y && w->weights && w->bias && w->labels;
}

bench_work *bench_work_open(const bench_shape *shape, const cnx_kernels *k, double most)
{
    enum { SMALLEST = 8 };
    bench_work *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->shape = shape;
    w->kernels = *k;
    w->k = &w->kernels;
    for (w->m = shape->m; operations(shape, w->m) > most && w->m > SMALLEST; w->m /= 2)
        continue;
    if (open_buffers(w) && open_kind(w))
        return w;
    bench_work_close(w);
    return NULL;
}

void bench_work_close(bench_work *w)
{
    if (!w)
        return;
    cnx_mlp_free(&w->mlp);
    cnx_conv_free(&w->conv);
    cnx_winograd_free(&w->winograd);
    cnx_concat_conv_free(&w->concat);
    cnx_free(w->exec.scratch);
    cnx_free(w->x);
    cnx_free(w->y);
    cnx_free(w->weights);
    cnx_free(w->packed);
    cnx_free(w->sums);
    cnx_free(w->bias);
    free(w->taps);
    free(w->labels);
    free(w);
}

/* ---- doing it ---- */

static void run_product(bench_work *w)
{
    const bench_shape *s = w->shape;
    const size_t k = (size_t)s->k, n = (size_t)s->n;
    const int step = w->k->gemm_rows(s->k, s->n);
    for (int i = 0; i < w->m; i += step) {
        float *c = w->y + (size_t)i * n;
        const cnx_epilogue e = {.bias = w->bias,
                                .act = s->act,
                                .residual = s->residual ? c : NULL,
                                .residual_ld = n,
                                .sums = w->sums,
                                .sums_ld = n};
        w->k->gemm(w->m - i < step ? w->m - i : step, s->n, s->k, w->x + (size_t)i * k, k,
                   w->packed, c, n, &e);
    }
}

static void run_depthwise(bench_work *w)
{
    const size_t c = (size_t)w->shape->k;
    const float *rows[7];
    for (int i = 0; i < 7; i++)
        rows[i] = w->x + (size_t)i * (size_t)w->m * c;
    w->k->dwconv7_row(w->m, w->shape->k, rows, c, w->weights, w->bias, w->y, c);
}

/* m patches, one after the other: each of 36 points that lie `step` apart. */
static void run_winograd_input(bench_work *w)
{
    const size_t c = (size_t)w->shape->k, step = (size_t)w->m * c;
    for (int i = 0; i < w->m; i++) {
        const float *pixels[WINOGRAD_POINTS];
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            pixels[p] = w->x + (size_t)(4 * i + p) * c;
        w->k->winograd_input(w->shape->k, pixels, w->y + (size_t)i * c, step);
    }
}

static void run_winograd_output(bench_work *w)
{
    const size_t c = (size_t)w->shape->k, step = (size_t)w->m * c;
    for (int i = 0; i < w->m; i++) {
        const cnx_winograd_patch patch = {
            .out = w->y + (size_t)(WINOGRAD_OUT * WINOGRAD_OUT * i) * c,
            .row = WINOGRAD_OUT * c,
            .ld = c,
            .rows = WINOGRAD_OUT,
            .columns = WINOGRAD_OUT,
            .bias = w->bias,
            .relu = 1,
        };
        w->k->winograd_output(w->shape->k, w->x + (size_t)i * c, step, &patch);
    }
}

static void run_concat(bench_work *w)
{
    int edges[LEVELS];
    cnx_map in[LEVELS];
    level_sizes(w, edges);
    for (int i = 0; i < LEVELS; i++)
        in[i] = cnx_map_dense(w->x, edges[i], edges[i], w->shape->k);
    cnx_concat_conv_run(&w->exec, &w->concat, in, cnx_map_dense(w->y, w->m, w->m, w->shape->n));
}

static void run_upsample_argmax(bench_work *w)
{
    const int classes = w->shape->k;
    const size_t c = (size_t)classes;
    w->k->resample_row(w->m, classes, w->x, c, w->taps, w->y, c, 0);
    w->k->argmax(w->m, classes, w->y, c, w->labels);
}

void bench_work_run(void *context)
{
    bench_work *w = context;
    const bench_shape *s = w->shape;
    const size_t c = (size_t)s->k, values = (size_t)w->m * c;
    const bool map = s->kind >= BENCH_MLP;
    const cnx_map in = cnx_map_dense(w->x, map ? w->m : 1, w->m, s->k);
    const cnx_map out = cnx_map_dense(w->y, map ? w->m : 1, w->m, s->n);
    switch (s->kind) {
    case BENCH_PRODUCT:
        run_product(w);
        break;
    case BENCH_DEPTHWISE:
        run_depthwise(w);
        break;
    case BENCH_LAYERNORM:
        w->k->layernorm(w->m, s->k, w->x, c, w->weights, w->bias, 1e-6f, w->y, c);
        break;
    case BENCH_GELU: /* a copy first: repeated on its own result it would be zero soon */
        memcpy(w->y, w->x, values * sizeof *w->y);
        w->k->gelu(values, w->y);
        break;
    case BENCH_RESAMPLE:
        w->k->resample_row(w->m, s->k, w->x, c, w->taps, w->y, c, 1);
        break;
    case BENCH_ARGMAX:
        w->k->argmax(w->m, s->k, w->x, c, w->labels);
        break;
    case BENCH_UPSAMPLE_ARGMAX:
        run_upsample_argmax(w);
        break;
    case BENCH_SOFTMAX:
        memcpy(w->y, w->x, values * sizeof *w->y);
        w->k->softmax(w->m, s->k, w->y, c);
        break;
    case BENCH_WINOGRAD_INPUT:
        run_winograd_input(w);
        break;
    case BENCH_WINOGRAD_OUTPUT:
        run_winograd_output(w);
        break;
    case BENCH_MLP:
        cnx_mlp_run(&w->exec, &w->mlp, in, out);
        break;
    case BENCH_CONV_DIRECT:
        cnx_conv_run(&w->exec, &w->conv, in, out, (cnx_map){0});
        break;
    case BENCH_CONV_WINOGRAD:
        cnx_winograd_run(&w->exec, &w->winograd, in, out, NULL);
        break;
    case BENCH_CONCAT_CONV:
        run_concat(w);
        break;
    }
}
