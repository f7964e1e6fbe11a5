#include "core/ops/winograd.h"

#include <math.h>
#include <string.h>

#include "core/kernels/winograd_points.h"
#include "core/memory.h"
#include "core/threads.h"

/* Patches that go through the 36 products together: enough rows to make each product worth its
 * weights' way from memory, few enough for the second-level cache. */
enum { BLOCK = 64 };

/* G, which takes a filter's three values along an axis to the points'. */
static void filter_matrix(double G[WINOGRAD_IN][3])
{
    const double points[] = {0, WINOGRAD_A, -WINOGRAD_A, WINOGRAD_B, -WINOGRAD_B};
    for (int i = 0; i < WINOGRAD_IN - 1; i++) {
        double scale = 1;
        for (int j = 0; j < WINOGRAD_IN - 1; j++)
            scale *= j == i ? 1 : points[i] - points[j];
        for (int power = 0; power < 3; power++)
            G[i][power] = pow(points[i], power) / scale;
    }
    G[WINOGRAD_IN - 1][0] = G[WINOGRAD_IN - 1][1] = 0;
    G[WINOGRAD_IN - 1][2] = 1;
}

/* Row `row` of G g G^T for every channel pair, as six matrices [out_c][in_c] of temporary memory,
 * each then packed: one row of points at a time, so that the temporary memory stays small. */
static cnx_status pack_points(cnx_winograd *wino, const cnx_kernels *k, const float *weights,
                              int row, float *matrices, cnx_error *err)
{
    const size_t pairs = (size_t)wino->in_c * (size_t)wino->out_c;
    const size_t packed = k->gemm_packed_size(wino->in_c, wino->out_c);
    double G[WINOGRAD_IN][3];
    filter_matrix(G);
    for (size_t i = 0; i < pairs; i++) {
        const float *g = weights + 9 * i;
        double along[3];
        for (int x = 0; x < 3; x++)
            along[x] = G[row][0] * (double)g[x] + G[row][1] * (double)g[3 + x] +
                       G[row][2] * (double)g[6 + x];
        for (int j = 0; j < WINOGRAD_IN; j++)
            matrices[(size_t)j * pairs + i] =
                (float)(along[0] * G[j][0] + along[1] * G[j][1] + along[2] * G[j][2]);
    }
    for (int j = 0; j < WINOGRAD_IN; j++)
        CNX_TRY(cnx_kernels_pack(k, wino->in_c, wino->out_c, matrices + (size_t)j * pairs,
                                 wino->packed + (size_t)(row * WINOGRAD_IN + j) * packed, err));
    return CNX_OK;
}

cnx_status cnx_winograd_init(cnx_winograd *wino, const cnx_kernels *k, int in_c, int out_c,
                             const float *weights, const float *bias, bool relu, cnx_error *err)
{
    *wino = (cnx_winograd){.in_c = in_c, .out_c = out_c, .relu = relu};
    const size_t packed = k->gemm_packed_size(in_c, out_c) * WINOGRAD_POINTS * sizeof(float);
    const size_t pairs = (size_t)in_c * (size_t)out_c;
    float *matrices = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_alloc_or_fail((void **)&wino->packed, packed, "weights", err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&matrices, pairs * WINOGRAD_IN * sizeof(float),
                                "weights being packed", err));
    if (bias) {
        const size_t bytes = (size_t)out_c * sizeof(float);
        CNX_CHECK(cnx_alloc_or_fail((void **)&wino->bias, bytes, "a bias", err));
        memcpy(wino->bias, bias, bytes);
    }
    for (int row = 0; row < WINOGRAD_IN; row++)
        CNX_CHECK(pack_points(wino, k, weights, row, matrices, err));
    wino->bytes = packed + (bias ? (size_t)out_c * sizeof(float) : 0);
cleanup:
    cnx_free(matrices);
    if (status != CNX_OK)
        cnx_winograd_free(wino);
    return status;
}

void cnx_winograd_free(cnx_winograd *wino)
{
    cnx_free(wino->packed);
    cnx_free(wino->bias);
    *wino = (cnx_winograd){0};
}

/* Floats of the transformed input and of the products of one block. */
static size_t input_floats(const cnx_winograd *wino)
{
    return (size_t)WINOGRAD_POINTS * BLOCK * (size_t)wino->in_c;
}

static size_t block_floats(const cnx_winograd *wino)
{
    const size_t products = (size_t)WINOGRAD_POINTS * BLOCK * (size_t)wino->out_c;
    return cnx_padded_floats(input_floats(wino) + products);
}

static int patches(int n)
{
    return (n + WINOGRAD_OUT - 1) / WINOGRAD_OUT;
}

static int blocks(int h, int w)
{
    return (int)(((size_t)patches(h) * (size_t)patches(w) + BLOCK - 1) / BLOCK);
}

size_t cnx_winograd_scratch(const cnx_winograd *wino, int h, int w, int threads)
{
    const int busy = blocks(h, w) < threads ? blocks(h, w) : threads;
    return (size_t)(busy > 0 ? busy : 1) * block_floats(wino) * sizeof(float);
}

typedef struct job {
    const cnx_exec *exec;
    const cnx_winograd *wino;
    cnx_map in, out;
    bool add;
} job;

static void gather_patch(const job *j, int patch, float *to, size_t step)
{
    const float *pixels[WINOGRAD_POINTS];
    const int across = patches(j->in.w);
    const int y0 = patch / across * WINOGRAD_OUT - 1, x0 = patch % across * WINOGRAD_OUT - 1;
    for (int y = 0; y < WINOGRAD_IN; y++)
        for (int x = 0; x < WINOGRAD_IN; x++) {
            const bool inside = y0 + y >= 0 && y0 + y < j->in.h && x0 + x >= 0 && x0 + x < j->in.w;
            pixels[y * WINOGRAD_IN + x] = inside ? cnx_map_pixel(j->in, y0 + y, x0 + x) : NULL;
        }
    j->exec->k->winograd_input(j->in.c, pixels, to, step);
}

static void scatter_patch(const job *j, int patch, const float *from, size_t step)
{
    float *pixels[WINOGRAD_OUT * WINOGRAD_OUT];
    const int across = patches(j->out.w);
    const int y0 = patch / across * WINOGRAD_OUT, x0 = patch % across * WINOGRAD_OUT;
    for (int y = 0; y < WINOGRAD_OUT; y++)
        for (int x = 0; x < WINOGRAD_OUT; x++)
            pixels[y * WINOGRAD_OUT + x] = y0 + y < j->out.h && x0 + x < j->out.w
                                               ? cnx_map_pixel(j->out, y0 + y, x0 + x)
                                               : NULL;
    j->exec->k->winograd_output(j->out.c, from, step, j->wino->bias, j->wino->relu, j->add, pixels);
}

static void run_block(void *context, int index, int thread)
{
    const job *j = context;
    const cnx_kernels *k = j->exec->k;
    const size_t in_c = (size_t)j->wino->in_c, out_c = (size_t)j->wino->out_c;
    const int all = patches(j->out.h) * patches(j->out.w);
    const int first = index * BLOCK, count = all - first < BLOCK ? all - first : BLOCK;
    float *inputs = (float *)j->exec->scratch + (size_t)thread * block_floats(j->wino);
    float *products = inputs + input_floats(j->wino);
    const size_t in_step = (size_t)count * in_c, out_step = (size_t)count * out_c;
    for (int i = 0; i < count; i++)
        gather_patch(j, first + i, inputs + (size_t)i * in_c, in_step);
    const cnx_epilogue plain = {.act = CNX_ACT_NONE};
    const size_t packed = k->gemm_packed_size(j->wino->in_c, j->wino->out_c);
    for (int p = 0; p < WINOGRAD_POINTS; p++)
        k->gemm(count, j->wino->out_c, j->wino->in_c, inputs + (size_t)p * in_step, in_c,
                j->wino->packed + (size_t)p * packed, products + (size_t)p * out_step, out_c,
                &plain);
    for (int i = 0; i < count; i++)
        scatter_patch(j, first + i, products + (size_t)i * out_c, out_step);
}

void cnx_winograd_run(const cnx_exec *exec, const cnx_winograd *wino, cnx_map in, cnx_map out,
                      bool add)
{
    job j = {.exec = exec, .wino = wino, .in = in, .out = out, .add = add};
    cnx_parallel_for(exec->threads, blocks(out.h, out.w), run_block, &j);
}
