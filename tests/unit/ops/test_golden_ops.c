/* Each operation against the golden files of the reference, for every kernel table of this machine
 * and for one and two threads, which must give the same bits. */
#include "core/ops/block.h"
#include "core/ops/conv.h"
#include "core/ops/pixelwise.h"
#include "tests/golden/golden.h"

/* The operation at hand: its folder, attributes, and what it runs with. */
typedef struct op {
    const golden_tree *tree;
    const char *name;
    cJSON *attributes; /* NULL when op.json has none */
    const cnx_kernels *k;
    golden_array x, y;
} op;

static void op_path(char out[GOLDEN_PATH], const op *o, const char *file)
{
    golden_format(out, "%s/ops/%s/%s", o->tree->path, o->name, file);
}

static bool has_file(const op *o, const char *file)
{
    char path[GOLDEN_PATH];
    op_path(path, o, file);
    return access(path, R_OK) == 0;
}

static golden_array operand(const op *o, const char *file)
{
    char path[GOLDEN_PATH];
    golden_array array;
    op_path(path, o, file);
    golden_load(&array, path);
    return array;
}

static void compare(const op *o, const float *got)
{
    char key[GOLDEN_PATH];
    golden_format(key, "ops/%s/y.npy", o->name);
    golden_near_key(o->tree, key, got, o->y.data, o->y.n, o->k->name);
}

/* ---- running one picture through an operation on maps ---- */

typedef void (*map_run)(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out);

/* Runs each picture of x [n, c, h, w] into y [n, c, h, w], with one thread and with two. */
static void run_maps(const op *o, map_run run, const void *weights, size_t scratch)
{
    const golden_array *x = &o->x, *y = &o->y;
    const size_t in_n = x->n / x->shape[0], out_n = y->n / y->shape[0];
    const size_t in_pixels = x->shape[2] * x->shape[3];
    const size_t out_c = y->shape[1], out_pixels = out_n / out_c;
    const int out_h = y->rank == 4 ? (int)y->shape[2] : 1;
    const int out_w = y->rank == 4 ? (int)y->shape[3] : 1;
    float *in = cnx_alloc(in_n * sizeof(float)), *got = cnx_alloc(y->n * sizeof(float));
    float *out[2] = {cnx_alloc(out_n * sizeof(float)), cnx_alloc(out_n * sizeof(float))};
    for (size_t i = 0; i < x->shape[0]; i++) {
        golden_to_channels_last(in, x->data + i * in_n, x->shape[1], in_pixels);
        for (int t = 0; t < 2; t++) {
            const cnx_exec exec = {o->k, t + 1, cnx_alloc(scratch), scratch};
            memset(out[t], 0, out_n * sizeof(float));
            run(&exec, weights,
                cnx_map_dense(in, (int)x->shape[2], (int)x->shape[3], (int)x->shape[1]),
                cnx_map_dense(out[t], out_h, out_w, (int)out_c));
            cnx_free(exec.scratch);
        }
        CHECK(memcmp(out[0], out[1], out_n * sizeof(float)) == 0,
              "%s (%s): one and two threads differ", o->name, o->k->name);
        golden_to_channels_first(got + i * out_n, out[0], out_c, out_pixels);
    }
    compare(o, got);
    cnx_free(in);
    cnx_free(got);
    cnx_free(out[0]);
    cnx_free(out[1]);
}

/* ---- convolutions ---- */

static void conv_run(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out)
{
    cnx_conv_run(exec, weights, in, out, (cnx_map){0});
}

static void run_conv(const op *o, const golden_array *w, const float *bias, cnx_activation act)
{
    cnx_error err = {0};
    cnx_conv conv = {0};
    const int size = (int)w->shape[2], h = (int)o->x.shape[2], width = (int)o->x.shape[3];
    const cnx_conv_kind kind = size == 1                                 ? CNX_CONV_1X1
                               : golden_int(o->attributes, "padding", 0) ? CNX_CONV_3X3
                                                                         : CNX_CONV_PATCH;
    const cnx_status status = cnx_conv_init(&conv, o->k, kind, size, (int)w->shape[1],
                                            (int)w->shape[0], w->data, bias, act, &err);
    CHECK(status == CNX_OK, "%s: %s", o->name, err.message);
    if (status != CNX_OK)
        return;
    int out_h = 0, out_w = 0;
    cnx_conv_output(kind, size, h, width, &out_h, &out_w);
    CHECK(out_h == (int)o->y.shape[2] && out_w == (int)o->y.shape[3], "%s: output %d x %d", o->name,
          out_h, out_w);
    run_maps(o, conv_run, &conv, cnx_conv_scratch(&conv, o->k, h, width, 2));
    cnx_conv_free(&conv);
}

static void test_conv(const op *o)
{
    golden_array w = operand(o, "w.npy"), b = {0};
    if (has_file(o, "b.npy"))
        b = operand(o, "b.npy");
    if (w.data)
        run_conv(o, &w, b.data, CNX_ACT_NONE);
    golden_free(&w);
    golden_free(&b);
}

/* Convolution, BatchNorm and ReLU as one convolution with folded weights. */
static void test_conv_bn_relu(const op *o)
{
    golden_array w = operand(o, "w.npy"), gamma = operand(o, "gamma.npy");
    golden_array beta = operand(o, "beta.npy"), mean = operand(o, "mean.npy");
    golden_array var = operand(o, "var.npy");
    const double eps = cJSON_GetObjectItemCaseSensitive(o->attributes, "eps")->valuedouble;
    const size_t each = w.n / w.shape[0];
    for (size_t i = 0; i < w.shape[0]; i++) {
        const double scale = gamma.data[i] / sqrt(var.data[i] + eps);
        for (size_t j = 0; j < each; j++)
            w.data[i * each + j] = (float)(w.data[i * each + j] * scale);
        beta.data[i] = (float)(beta.data[i] - mean.data[i] * scale);
    }
    run_conv(o, &w, beta.data, CNX_ACT_RELU);
    golden_free(&w);
    golden_free(&gamma);
    golden_free(&beta);
    golden_free(&mean);
    golden_free(&var);
}

/* A linear layer over the last axis is a 1x1 convolution over a map of that many channels. */
static void test_linear(const op *o)
{
    cnx_error err = {0};
    cnx_conv conv = {0};
    golden_array w = operand(o, "w.npy"), b = operand(o, "b.npy");
    const int in_c = (int)w.shape[1], out_c = (int)w.shape[0];
    const int pixels = (int)(o->x.n / w.shape[1]);
    CHECK(cnx_conv_init(&conv, o->k, CNX_CONV_1X1, 1, in_c, out_c, w.data, b.data, CNX_ACT_NONE,
                        &err) == CNX_OK,
          "%s", err.message);
    const size_t scratch = cnx_conv_scratch(&conv, o->k, 1, pixels, 1);
    const cnx_exec exec = {o->k, 1, cnx_alloc(scratch), scratch};
    float *got = cnx_alloc(o->y.n * sizeof(float));
    cnx_conv_run(&exec, &conv, cnx_map_dense(o->x.data, 1, pixels, in_c),
                 cnx_map_dense(got, 1, pixels, out_c), (cnx_map){0});
    compare(o, got);
    cnx_free(got);
    cnx_free(exec.scratch);
    cnx_conv_free(&conv);
    golden_free(&w);
    golden_free(&b);
}

static void dwconv_run(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out)
{
    cnx_dwconv_run(exec, weights, in, out);
}

static void test_dwconv(const op *o)
{
    cnx_error err = {0};
    cnx_dwconv dw = {0};
    golden_array w = operand(o, "w.npy"), b = operand(o, "b.npy");
    const cnx_status status = cnx_dwconv_init(&dw, (int)w.shape[0], w.data, b.data, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    if (status == CNX_OK)
        run_maps(o, dwconv_run, &dw, 0);
    cnx_dwconv_free(&dw);
    golden_free(&w);
    golden_free(&b);
}

/* ---- without large weights ---- */

typedef struct norm_weights {
    golden_array w, b;
    float eps;
} norm_weights;

static void layernorm_run(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out)
{
    const norm_weights *n = weights;
    cnx_layernorm_run(exec, n->w.data, n->b.data, n->eps, in, out);
}

static void test_layernorm(const op *o)
{
    norm_weights n = {operand(o, "w.npy"), operand(o, "b.npy"), 0};
    n.eps = (float)cJSON_GetObjectItemCaseSensitive(o->attributes, "eps")->valuedouble;
    if (strcmp(o->name, "layernorm_cl") != 0) {
        run_maps(o, layernorm_run, &n, 0);
    } else {
        /* Already channels last, [n, h, w, c]; also in place. */
        const int c = (int)n.w.n, pixels = (int)(o->x.n / n.w.n);
        const cnx_exec exec = {o->k, 1, NULL, 0};
        float *got = cnx_alloc(o->x.n * sizeof(float));
        memcpy(got, o->x.data, o->x.n * sizeof(float));
        layernorm_run(&exec, &n, cnx_map_dense(got, 1, pixels, c),
                      cnx_map_dense(got, 1, pixels, c));
        compare(o, got);
        cnx_free(got);
    }
    golden_free(&n.w);
    golden_free(&n.b);
}

static void pool_run(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out)
{
    (void)weights;
    cnx_adaptive_avg_pool_run(exec, in, out);
}

static void test_pool(const op *o)
{
    run_maps(o, pool_run, NULL, 0);
}

static void resize_run(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out)
{
    (void)weights;
    cnx_resize_run(exec, in, out, false);
}

static void test_bilinear(const op *o)
{
    run_maps(o, resize_run, NULL,
             cnx_resize_scratch((int)o->x.shape[3], (int)o->y.shape[3], (int)o->y.shape[2],
                                (int)o->x.shape[1], 2));
}

static void test_gelu(const op *o)
{
    float *got = cnx_alloc(o->x.n * sizeof(float));
    memcpy(got, o->x.data, o->x.n * sizeof(float));
    o->k->gelu(o->x.n, got);
    compare(o, got);
    cnx_free(got);
}

static void softmax_run(const cnx_exec *exec, const void *weights, cnx_map in, cnx_map out)
{
    (void)weights;
    const size_t n = (size_t)in.h * (size_t)in.w * (size_t)in.c;
    memcpy(out.data, in.data, n * sizeof(float));
    exec->k->softmax(in.h * in.w, in.c, out.data, out.ld);
}

static void test_softmax(const op *o)
{
    run_maps(o, softmax_run, NULL, 0);
}

/* Among equals the lowest index wins; exact. */
static void test_argmax(const op *o)
{
    const size_t c = o->x.shape[1], pixels = o->y.n;
    float *in = cnx_alloc(o->x.n * sizeof(float));
    uint16_t *got = cnx_alloc(pixels * sizeof(uint16_t));
    golden_to_channels_last(in, o->x.data, c, pixels);
    o->k->argmax((int)pixels, (int)c, in, c, got);
    size_t wrong = 0;
    for (size_t i = 0; i < pixels; i++)
        wrong += (float)got[i] != o->y.data[i];
    CHECK(wrong == 0, "%s (%s): %zu of %zu indices are wrong", o->name, o->k->name, wrong, pixels);
    cnx_free(in);
    cnx_free(got);
}

/* ---- global response normalisation, through the block's second half ---- */

static double inverse_gelu(double y) /* y >= 0 */
{
    double low = 0, high = y + 1;
    for (int i = 0; i < 80; i++) {
        const double u = 0.5 * (low + high);
        if (0.5 * u * (1 + erf(u / sqrt(2.0))) < y)
            low = u;
        else
            high = u;
    }
    return 0.5 * (low + high);
}

enum { GRN_PIXELS = 30, GRN_CHANNELS = 16 };

/*
 * Runs cnx_mlp so that its hidden layer holds |x| after the GELU and its output is the normalised
 * hidden layer: the input is one-hot (pixel p is 1 in channel p), which LayerNorm makes high in
 * channel p and low elsewhere, so that column p of the first matrix is the hidden vector of pixel
 * p; the second matrix is the identity.  out: [pixels][channels].
 */
static void grn_through_mlp(const op *o, const float *x, const float *gamma, const float *beta,
                            int threads, float *out)
{
    enum { P = GRN_PIXELS, C = GRN_CHANNELS };
    const double mean = 1.0 / P, spread = 1 / sqrt(mean * (1 - mean) + 1e-6);
    float w1[C * P], b1[C], w2[P * C] = {0}, b2[P] = {0}, ones[P], zeros[P] = {0};
    for (int i = 0; i < P; i++)
        ones[i] = 1;
    for (int j = 0; j < C; j++) {
        double sum = 0;
        for (int p = 0; p < P; p++) {
            w1[j * P + p] = (float)(inverse_gelu(fabs((double)x[p * C + j])) / spread);
            sum += w1[j * P + p];
        }
        b1[j] = (float)(mean * spread * sum); /* undoes the low value of the other channels */
        w2[j * C + j] = 1;
    }
    const cnx_mlp_weights weights = {.norm_weight = ones,
                                     .norm_bias = zeros,
                                     .w1 = w1,
                                     .b1 = b1,
                                     .w2 = w2,
                                     .b2 = b2,
                                     .grn_gamma = gamma,
                                     .grn_beta = beta};
    cnx_error err = {0};
    cnx_mlp mlp = {0};
    CHECK(cnx_mlp_init(&mlp, o->k, P, C, 1e-6f, &weights, &err) == CNX_OK, "%s", err.message);
    float *y = cnx_calloc(sizeof(float) * P * P), *residual = cnx_calloc(sizeof(float) * P * P);
    for (int p = 0; p < P; p++)
        y[p * P + p] = 1;
    const size_t scratch = cnx_mlp_scratch(&mlp, o->k, 5, 6, threads);
    const cnx_exec exec = {o->k, threads, cnx_alloc(scratch), scratch};
    cnx_mlp_run(&exec, &mlp, cnx_map_dense(y, 5, 6, P), cnx_map_dense(residual, 5, 6, P));
    for (int p = 0; p < P; p++)
        memcpy(out + p * C, residual + p * P, C * sizeof(float));
    cnx_free(exec.scratch);
    cnx_free(y);
    cnx_free(residual);
    cnx_mlp_free(&mlp);
}

/* GELU reaches no value below -0.17, so the block is given |x|: but for beta, the normalisation is
 * odd in each element and sees the others through their squares only. */
static void test_grn(const op *o)
{
    golden_array gamma = operand(o, "gamma.npy"), beta = operand(o, "beta.npy");
    const size_t each = (size_t)GRN_PIXELS * GRN_CHANNELS, n = o->x.shape[0];
    CHECK(o->x.n == n * each && gamma.n == GRN_CHANNELS, "%s: another shape", o->name);
    float *got[2] = {cnx_alloc(o->x.n * sizeof(float)), cnx_alloc(o->x.n * sizeof(float))};
    for (int t = 0; t < 2 && o->x.n == n * each; t++)
        for (size_t i = 0; i < n; i++)
            grn_through_mlp(o, o->x.data + i * each, gamma.data, beta.data, t + 1,
                            got[t] + i * each);
    CHECK(memcmp(got[0], got[1], o->x.n * sizeof(float)) == 0,
          "%s (%s): one and two threads differ", o->name, o->k->name);
    for (size_t i = 0; i < o->x.n; i++) {
        const float b = beta.data[i % GRN_CHANNELS];
        if (o->x.data[i] < 0)
            got[0][i] = b - (got[0][i] - b);
    }
    compare(o, got[0]);
    cnx_free(got[0]);
    cnx_free(got[1]);
    golden_free(&gamma);
    golden_free(&beta);
}

/* ---- the table of operations ---- */

typedef struct op_kind {
    const char *prefix;
    void (*test)(const op *o); /* NULL: not an operation of this folder */
} op_kind;

/* The first prefix that fits decides.  align_corners True (_ac) is no part of the network;
 * resize_u8 is the pictures' resizer and size_rules arithmetic, both tested elsewhere. */
static const op_kind kinds[] = {
    {"conv_bn_relu", test_conv_bn_relu},
    {"conv", test_conv},
    {"linear", test_linear},
    {"dwconv7", test_dwconv},
    {"layernorm", test_layernorm},
    {"adaptive_avg_pool", test_pool},
    {"global_avg_pool", test_pool},
    {"bilinear", test_bilinear},
    {"gelu", test_gelu},
    {"softmax", test_softmax},
    {"argmax", test_argmax},
    {"grn", test_grn},
    {"resize_u8", NULL},
    {"size_rules", NULL},
};

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

typedef struct visit_state {
    const cnx_kernels *k;
    int tested;
} visit_state;

static void visit_op(void *user, const golden_tree *tree, const char *name)
{
    visit_state *state = user;
    if (ends_with(name, "_ac"))
        return;
    const op_kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !kind; i++)
        if (strncmp(name, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            kind = &kinds[i];
    CHECK(kind != NULL, "%s: no test knows this operation", name);
    if (!kind || !kind->test)
        return;
    op o = {.tree = tree, .name = name, .k = state->k};
    char path[GOLDEN_PATH];
    op_path(path, &o, "op.json");
    cJSON *json = has_file(&o, "op.json") ? golden_json(path) : NULL;
    o.attributes = cJSON_GetObjectItemCaseSensitive(json, "attributes");
    o.x = operand(&o, "x.npy");
    o.y = operand(&o, "y.npy");
    if (o.x.data && o.y.data) {
        kind->test(&o);
        state->tested++;
    }
    golden_free(&o.x);
    golden_free(&o.y);
    cJSON_Delete(json);
}

int main(void)
{
    static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon"};
    golden_tree trees[GOLDEN_ROOTS];
    const int count = golden_open(trees);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        cnx_kernels k;
        cnx_error err = {0};
        if (cnx_kernels_init(&k, tables[t], &err) != CNX_OK) {
            CHECK(t != 0, "the plain C kernels must always be there: %s", err.message);
            continue;
        }
        for (int i = 0; i < count; i++) {
            visit_state state = {&k, 0};
            golden_each(&trees[i], "ops", visit_op, &state);
            CHECK(state.tested >= 30, "only %d operations found in %s", state.tested,
                  trees[i].path);
        }
    }
    golden_close(trees, count);
    return CHECK_RESULT;
}
