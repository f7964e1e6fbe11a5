#include "core/ops/winograd.h"

#include <math.h>
#include <string.h>

#include "core/kernels/winograd_points.h"
#include "core/memory.h"
#include "core/threads.h"

/*
 * A block of patches goes through three steps, each shared by all threads: its input transformed,
 * the 36 products, what comes out transformed back.  The weights come from memory once a block,
 * the transformed values go there and back: a block has FEW patches, which makes a product worth
 * its weights' way, or as many as BLOCK_BYTES hold where channels are few.  Which patches are in a
 * block makes no difference to a result, so that a block may be smaller where memory is short.
 *
 * A product is made in its thread's own memory, which stays in cache, and then takes the place of
 * its operand.  The output may take the place of the whole input: of what a block overwrites, later
 * ones need the last row of the patches above them and the last column of the patch to their left,
 * which are kept aside.
 */
enum {
    FEW = 128,
    LEAST = 16,
    BLOCK_BYTES = 4 << 20,
    PACKED =
        32,  /* output channels whose filters are transformed at a time: a panel of every table */
    RUN = 4, /* patches that one thread transforms at a time */
    LINE = CNX_ALIGNMENT / sizeof(float),
    STREAM_BYTES = 4 << 20 /* an output of this size is written past the caches */
};

static int at_most(int n, int most)
{
    return n < most ? n : most;
}

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

/* G g G^T for the filters of `pairs` channel pairs: 36 matrices, one after the other. */
static void transform_filters(const float *weights, size_t pairs, float *matrices)
{
    enum { RUN_PAIRS = 128 }; /* at a time: in loops that compilers vectorise */
    double G[WINOGRAD_IN][3], along[3][RUN_PAIRS];
    filter_matrix(G);
    for (size_t first = 0; first < pairs; first += RUN_PAIRS) {
        const size_t count = pairs - first < RUN_PAIRS ? pairs - first : RUN_PAIRS;
        const float *g = weights + 9 * first;
        for (int row = 0; row < WINOGRAD_IN; row++) {
            for (int x = 0; x < 3; x++)
                for (size_t i = 0; i < count; i++)
                    along[x][i] = G[row][0] * (double)g[9 * i + (size_t)x] +
                                  G[row][1] * (double)g[9 * i + (size_t)x + 3] +
                                  G[row][2] * (double)g[9 * i + (size_t)x + 6];
            for (int j = 0; j < WINOGRAD_IN; j++) {
                float *to = matrices + (size_t)(row * WINOGRAD_IN + j) * pairs + first;
                for (size_t i = 0; i < count; i++)
                    to[i] = (float)(along[0][i] * G[j][0] + along[1][i] * G[j][1] +
                                    along[2][i] * G[j][2]);
            }
        }
    }
}

/* Some output channels at a time, so that the transformed filters stay in cache. */
static cnx_status pack_filters(cnx_winograd *wino, const cnx_kernels *k, const float *weights,
                               float *matrices, cnx_error *err)
{
    const size_t point = k->gemm_packed_size(wino->in_c, wino->out_c);
    for (int first = 0; first < wino->out_c; first += PACKED) {
        const int count = at_most(wino->out_c - first, PACKED);
        const size_t pairs = (size_t)count * (size_t)wino->in_c;
        transform_filters(weights + 9 * (size_t)first * (size_t)wino->in_c, pairs, matrices);
        float *packed = wino->packed + k->gemm_packed_size(wino->in_c, first);
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            CNX_TRY(cnx_kernels_pack(k, wino->in_c, count, matrices + (size_t)p * pairs,
                                     packed + (size_t)p * point, err));
    }
    return CNX_OK;
}

cnx_status cnx_winograd_init(cnx_winograd *wino, const cnx_kernels *k, int in_c, int out_c,
                             const float *weights, const float *bias, bool relu, cnx_error *err)
{
    *wino = (cnx_winograd){.in_c = in_c, .out_c = out_c, .relu = relu};
    const size_t packed = k->gemm_packed_size(in_c, out_c) * WINOGRAD_POINTS * sizeof(float);
    const size_t pairs = (size_t)in_c * PACKED;
    float *matrices = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_alloc_or_fail((void **)&wino->packed, packed, "weights", err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&matrices, pairs * WINOGRAD_POINTS * sizeof(float),
                                "weights being packed", err));
    if (bias) {
        const size_t bytes = (size_t)out_c * sizeof(float);
        CNX_CHECK(cnx_alloc_or_fail((void **)&wino->bias, bytes, "a bias", err));
        memcpy(wino->bias, bias, bytes);
    }
    CNX_CHECK(pack_filters(wino, k, weights, matrices, err));
    wino->bytes = packed + (bias ? (size_t)out_c * sizeof(float) : 0);
cleanup:
    cnx_free(matrices);
    if (status != CNX_OK)
        cnx_winograd_free(wino);
    return status;
}

size_t cnx_winograd_bytes(const cnx_winograd *wino, const cnx_kernels *k)
{
    return (k->gemm_packed_size(wino->in_c, wino->out_c) * WINOGRAD_POINTS + (size_t)wino->out_c) *
           sizeof(float);
}

void cnx_winograd_free(cnx_winograd *wino)
{
    cnx_free(wino->packed);
    cnx_free(wino->bias);
    *wino = (cnx_winograd){0};
}

static int patches(int n)
{
    return (n + WINOGRAD_OUT - 1) / WINOGRAD_OUT;
}

double cnx_winograd_products(const cnx_winograd *wino, int h, int w)
{
    return (double)patches(h) * patches(w) * WINOGRAD_POINTS * wino->in_c * wino->out_c;
}

/* Floats from one point's [count][c] to the next: an odd number of lines, so that one channel's 36
 * points fall into other sets of a cache. */
static size_t point_step(size_t count, int c)
{
    return cnx_round_up(count * (size_t)c, (size_t)2 * LINE) + LINE;
}

/* What a run keeps aside to overwrite its input: the last rows of two rows of patches, and a column. */
static size_t border_floats(const cnx_winograd *wino, int w)
{
    const size_t pixels = (size_t)2 * (size_t)w + WINOGRAD_OUT;
    return wino->in_c == wino->out_c ? cnx_padded_floats(pixels * (size_t)wino->in_c) : 0;
}

static int widest(const cnx_winograd *wino)
{
    return wino->in_c > wino->out_c ? wino->in_c : wino->out_c;
}

static size_t product_floats(const cnx_winograd *wino, size_t count)
{
    return cnx_padded_floats(count * (size_t)wino->out_c);
}

/* A pixel of zeros, the border, a product of each thread, the 36 points of `count` patches. */
static size_t scratch_floats(const cnx_winograd *wino, int w, int threads, size_t count)
{
    return cnx_padded_floats((size_t)wino->in_c) + border_floats(wino, w) +
           product_floats(wino, count) * (size_t)threads +
           WINOGRAD_POINTS * point_step(count, widest(wino));
}

/* Most patches of a block that `bytes` of scratch hold. */
static size_t block_fitting(const cnx_winograd *wino, int w, int threads, size_t bytes)
{
    const size_t patch = (size_t)WINOGRAD_POINTS * (size_t)widest(wino) * sizeof(float);
    size_t count = bytes / patch;
    while (count > 0 && scratch_floats(wino, w, threads, count) * sizeof(float) > bytes)
        count--;
    return count;
}

/* `all` patches in equal blocks of at most `most`. */
static size_t block_cut(size_t all, size_t most)
{
    const size_t blocks = (all + most - 1) / most;
    return (all + blocks - 1) / blocks;
}

static size_t all_patches(int h, int w)
{
    return (size_t)patches(h) * (size_t)patches(w);
}

/* The block that is best where there is memory for it. */
static size_t block_wanted(const cnx_winograd *wino, int h, int w)
{
    const size_t patch = (size_t)WINOGRAD_POINTS * (size_t)widest(wino) * sizeof(float);
    const size_t many = BLOCK_BYTES / patch;
    return block_cut(all_patches(h, w), many < FEW ? FEW : many);
}

size_t cnx_winograd_scratch(const cnx_winograd *wino, int h, int w, int threads)
{
    return scratch_floats(wino, w, threads, block_wanted(wino, h, w)) * sizeof(float);
}

size_t cnx_winograd_least_scratch(const cnx_winograd *wino, int h, int w, int threads)
{
    const size_t wanted = block_wanted(wino, h, w);
    return scratch_floats(wino, w, threads, wanted < LEAST ? wanted : LEAST) * sizeof(float);
}

/* The block that a run with so much scratch takes. */
static size_t block_taken(const cnx_winograd *wino, int h, int w, int threads, size_t scratch)
{
    const size_t wanted = block_wanted(wino, h, w);
    const size_t fitting = block_fitting(wino, w, threads, scratch);
    return block_cut(all_patches(h, w), fitting < wanted ? fitting : wanted);
}

int cnx_winograd_rows(const cnx_winograd *wino, int h, int w, int threads, size_t scratch)
{
    const size_t across = (size_t)patches(w), count = block_taken(wino, h, w, threads, scratch);
    const size_t touched = count % across == 0 ? count / across : (count - 2 + across) / across + 1;
    return WINOGRAD_OUT * at_most((int)touched, patches(h));
}

typedef struct job {
    const cnx_exec *exec;
    const cnx_winograd *wino;
    cnx_map in, out;
    const cnx_winograd_addend *add;
    bool in_place;
    const float *zeros; /* a pixel outside the map */
    float *above[2];    /* [w][c], of rows of patches in turns: the last row, as it was */
    float *left;        /* [4][c]: the last column of the block before, as it was */
    float *product;     /* [threads] of product_step */
    size_t product_step;
    float *points; /* [36] of step: [count][in_c], then [count][out_c] */
    size_t step;
    int first, count; /* patches of the block at hand */
} job;

/* ---- in place ---- */

/* A pixel of the input near patch `own` of the block, which an earlier block may have overwritten. */
static const float *input_pixel(const job *j, int own, int y, int x)
{
    const int across = patches(j->in.w);
    const int patch = y / WINOGRAD_OUT * across + x / WINOGRAD_OUT;
    if (!j->in_place || patch >= j->first)
        return cnx_map_pixel(j->in, y, x);
    if (y / WINOGRAD_OUT < own / across)
        return j->above[y / WINOGRAD_OUT % 2] + (size_t)x * (size_t)j->in.c;
    return j->left + (size_t)(y % WINOGRAD_OUT) * (size_t)j->in.c;
}

/* Keeps what later blocks need of a patch that is about to be overwritten. */
static void keep_border(const job *j, int patch)
{
    const int across = patches(j->in.w), end = j->first + j->count;
    const int y0 = patch / across * WINOGRAD_OUT, x0 = patch % across * WINOGRAD_OUT;
    const size_t pixel = (size_t)j->in.c * sizeof(float);
    const int last_y = y0 + WINOGRAD_OUT - 1, last_x = x0 + WINOGRAD_OUT - 1;
    if (patch + across + 1 >= end && last_y < j->in.h)
        for (int x = x0; x <= last_x && x < j->in.w; x++)
            memcpy(j->above[patch / across % 2] + (size_t)x * (size_t)j->in.c,
                   cnx_map_pixel(j->in, last_y, x), pixel);
    if (patch == end - 1 && last_x < j->in.w)
        for (int y = y0; y <= last_y && y < j->in.h; y++)
            memcpy(j->left + (size_t)(y - y0) * (size_t)j->in.c, cnx_map_pixel(j->in, y, last_x),
                   pixel);
}

/* ---- the three steps ---- */

static void gather_patch(const job *j, int patch, float *to)
{
    const float *pixels[WINOGRAD_POINTS];
    const int across = patches(j->in.w);
    const int y0 = patch / across * WINOGRAD_OUT - 1, x0 = patch % across * WINOGRAD_OUT - 1;
    for (int y = 0; y < WINOGRAD_IN; y++)
        for (int x = 0; x < WINOGRAD_IN; x++) {
            const bool inside = y0 + y >= 0 && y0 + y < j->in.h && x0 + x >= 0 && x0 + x < j->in.w;
            pixels[y * WINOGRAD_IN + x] = inside ? input_pixel(j, patch, y0 + y, x0 + x) : j->zeros;
        }
    j->exec->k->winograd_input(j->in.c, pixels, to, j->step);
}

static void scatter_patch(const job *j, int patch, const float *from)
{
    const int across = patches(j->out.w);
    const int y0 = patch / across * WINOGRAD_OUT, x0 = patch % across * WINOGRAD_OUT;
    const size_t row = (size_t)j->out.w * j->out.ld;
    const cnx_winograd_addend *add = j->add;
    const cnx_winograd_patch to = {
        .out = cnx_map_pixel(j->out, y0, x0),
        .row = row,
        .ld = j->out.ld,
        .rows = at_most(j->out.h - y0, WINOGRAD_OUT),
        .columns = at_most(j->out.w - x0, WINOGRAD_OUT),
        .bias = j->wino->bias,
        .add = add ? add->data + (size_t)(y0 % add->rows) * add->row + (size_t)x0 * (size_t)j->out.c
                   : NULL,
        .add_row = add ? add->row : 0,
        .relu = j->wino->relu,
        .stream = (size_t)j->out.h * row * sizeof(float) >= STREAM_BYTES,
    };
    if (j->in_place)
        keep_border(j, patch);
    j->exec->k->winograd_output(j->out.c, from, j->step, &to);
}

static void transform_input(void *context, int index, int thread)
{
    (void)thread;
    const job *j = context;
    for (int i = index * RUN; i < at_most((index + 1) * RUN, j->count); i++)
        gather_patch(j, j->first + i, j->points + (size_t)i * (size_t)j->in.c);
}

static void transform_output(void *context, int index, int thread)
{
    (void)thread;
    const job *j = context;
    for (int i = index * RUN; i < at_most((index + 1) * RUN, j->count); i++)
        scatter_patch(j, j->first + i, j->points + (size_t)i * (size_t)j->out.c);
}

static void multiply(void *context, int point, int thread)
{
    const job *j = context;
    const cnx_kernels *k = j->exec->k;
    const int in_c = j->wino->in_c, out_c = j->wino->out_c;
    const float *packed = j->wino->packed;
    const size_t size = k->gemm_packed_size(in_c, out_c);
    const int next = (point + j->exec->threads) % WINOGRAD_POINTS; /* perhaps of the next block */
    const cnx_epilogue plain = {
        .act = CNX_ACT_NONE, .next = packed + (size_t)next * size, .next_n = out_c, .next_k = in_c};
    float *operand = j->points + (size_t)point * j->step;
    float *product = j->product + (size_t)thread * j->product_step;
    k->gemm(j->count, out_c, in_c, operand, (size_t)in_c, packed + (size_t)point * size, product,
            (size_t)out_c, &plain);
    memcpy(operand, product, (size_t)j->count * (size_t)out_c * sizeof *product);
}

static void run_block(job *j)
{
    const int threads = j->exec->threads, runs = (j->count + RUN - 1) / RUN;
    cnx_parallel_for(threads, runs, transform_input, j);
    cnx_parallel_for(threads, WINOGRAD_POINTS, multiply, j);
    if (j->add) {
        const int across = patches(j->out.w), last = j->first + j->count - 1;
        const int end = (last / across + 1) * WINOGRAD_OUT;
        j->add->make(j->add->user, j->first / across * WINOGRAD_OUT, at_most(end, j->out.h));
    }
    cnx_parallel_for(threads, runs, transform_output, j);
}

/* Splits the scratch for blocks of `count` patches. */
static void split_scratch(job *j, size_t count)
{
    const cnx_winograd *wino = j->wino;
    const size_t line = (size_t)j->in.w * (size_t)j->in.c;
    float *memory = (float *)(void *)j->exec->scratch;
    memset(memory, 0, (size_t)j->in.c * sizeof *memory);
    j->zeros = memory;
    memory += cnx_padded_floats((size_t)j->in.c);
    j->above[0] = memory;
    j->above[1] = memory + line;
    j->left = memory + 2 * line;
    memory += border_floats(wino, j->in.w);
    j->product = memory;
    j->product_step = product_floats(wino, count);
    j->points = memory + j->product_step * (size_t)j->exec->threads;
    j->step = point_step(count, widest(wino));
}

void cnx_winograd_run(const cnx_exec *exec, const cnx_winograd *wino, cnx_map in, cnx_map out,
                      const cnx_winograd_addend *add)
{
    job j = {.exec = exec,
             .wino = wino,
             .in = in,
             .out = out,
             .add = add,
             .in_place = in.data == out.data};
    const int all = (int)all_patches(out.h, out.w);
    const int most = (int)block_taken(wino, out.h, out.w, exec->threads, exec->scratch_size);
    split_scratch(&j, (size_t)most);
    for (j.first = 0; j.first < all; j.first += most) {
        j.count = at_most(all - j.first, most);
        run_block(&j);
    }
}
