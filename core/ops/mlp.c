/*
 * The pointwise half of a ConvNeXt block, in one pass over a tile of pixels:
 *
 *     LayerNorm -> [c -> hidden] -> GELU -> [hidden -> c] -> + x
 *
 * LayerNorm's weight and bias are folded into the first matrix and gamma into the second, in double
 * precision.  Tiles are of as many pixels as keep the hidden values in L2.
 *
 * With GRN (ConvNeXt V2) the norm of each hidden channel over the whole map stands between the two
 * matrices: the hidden values of all pixels are kept, every tile leaves its own sums of squares,
 * and these are added up in the order of the tiles, so that the thread count cannot be seen.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/block.h"
#include "core/ops/tiles.h"
#include "core/threads.h"

enum { FEWEST_ROWS = 14 };

/* [hidden][c] with LayerNorm's weight in the columns, its bias in the bias; then packed. */
static cnx_status fold_first(cnx_mlp *mlp, const cnx_kernels *k, const cnx_mlp_weights *w,
                             float *folded, cnx_error *err)
{
    const size_t c = (size_t)mlp->c;
    for (size_t o = 0; o < (size_t)mlp->hidden; o++) {
        double bias = w->b1[o];
        for (size_t i = 0; i < c; i++) {
            const double weight = w->w1[o * c + i];
            bias += weight * w->norm_bias[i];
            folded[o * c + i] = (float)(weight * w->norm_weight[i]);
        }
        mlp->bias1[o] = (float)bias;
    }
    return cnx_kernels_pack(k, mlp->c, mlp->hidden, folded, mlp->packed1, err);
}

/* [c][hidden] with gamma in the rows and the bias; then packed. */
static cnx_status fold_second(cnx_mlp *mlp, const cnx_kernels *k, const cnx_mlp_weights *w,
                              float *folded, cnx_error *err)
{
    const size_t hidden = (size_t)mlp->hidden;
    for (size_t o = 0; o < (size_t)mlp->c; o++) {
        const double gamma = w->gamma ? w->gamma[o] : 1.0;
        for (size_t i = 0; i < hidden; i++)
            folded[o * hidden + i] = (float)(gamma * w->w2[o * hidden + i]);
        mlp->bias2[o] = (float)(gamma * w->b2[o]);
    }
    return cnx_kernels_pack(k, mlp->hidden, mlp->c, folded, mlp->packed2, err);
}

static cnx_status take(float **out, size_t floats, size_t *total, cnx_error *err)
{
    void *memory = NULL;
    const size_t bytes = cnx_floats_size(floats);
    CNX_TRY(cnx_alloc_or_fail(&memory, bytes, "weights of a ConvNeXt block", err));
    *out = memory;
    *total += bytes;
    return CNX_OK;
}

cnx_status cnx_mlp_init(cnx_mlp *mlp, const cnx_kernels *k, int c, int hidden, float eps,
                        const cnx_mlp_weights *weights, cnx_error *err)
{
    cnx_status status = CNX_OK;
    void *folded = NULL;
    const size_t wide = (size_t)hidden, matrix = (size_t)c * wide;
    assert(c >= 1 && hidden >= 1);
    *mlp = (cnx_mlp){.c = c, .hidden = hidden, .eps = eps, .grn = weights->grn_gamma != NULL};
    CNX_CHECK(cnx_alloc_or_fail(&folded, matrix * sizeof(float), "folded weights", err));
    CNX_CHECK(take(&mlp->packed1, k->gemm_packed_size(c, hidden), &mlp->bytes, err));
    CNX_CHECK(take(&mlp->bias1, wide, &mlp->bytes, err));
    CNX_CHECK(take(&mlp->packed2, k->gemm_packed_size(hidden, c), &mlp->bytes, err));
    CNX_CHECK(take(&mlp->bias2, (size_t)c, &mlp->bytes, err));
    if (mlp->grn) {
        CNX_CHECK(take(&mlp->grn_gamma, wide, &mlp->bytes, err));
        CNX_CHECK(take(&mlp->grn_beta, wide, &mlp->bytes, err));
        memcpy(mlp->grn_gamma, weights->grn_gamma, wide * sizeof(float));
        memcpy(mlp->grn_beta, weights->grn_beta, wide * sizeof(float));
    }
    CNX_CHECK(fold_first(mlp, k, weights, folded, err));
    CNX_CHECK(fold_second(mlp, k, weights, folded, err));
cleanup:
    cnx_free(folded);
    if (status != CNX_OK)
        cnx_mlp_free(mlp);
    return status;
}

void cnx_mlp_free(cnx_mlp *mlp)
{
    cnx_free(mlp->packed1);
    cnx_free(mlp->bias1);
    cnx_free(mlp->packed2);
    cnx_free(mlp->bias2);
    cnx_free(mlp->grn_gamma);
    cnx_free(mlp->grn_beta);
    *mlp = (cnx_mlp){0};
}

/* Where everything lies in scratch, in bytes. */
typedef struct mlp_layout {
    cnx_tiles tiles;
    size_t per_thread; /* normalised tile, then (without GRN) hidden tile */
    size_t norm;       /* of that, the first part */
    size_t hidden;     /* with GRN: [pixels][hidden] floats */
    size_t sums;       /* [tiles][hidden] doubles */
    size_t scale;      /* [hidden] floats */
    size_t total;
} mlp_layout;

static mlp_layout lay_out(const cnx_mlp *mlp, const cnx_kernels *k, int h, int w, int threads)
{
    const size_t pixels = (size_t)h * (size_t)w, wide = (size_t)mlp->hidden;
    mlp_layout l = {0};
    l.tiles = cnx_tiles_cut(pixels, k->gemm_rows(mlp->hidden, mlp->c), FEWEST_ROWS);
    l.norm = cnx_floats_size((size_t)l.tiles.size * (size_t)mlp->c);
    l.per_thread = l.norm;
    if (!mlp->grn)
        l.per_thread += cnx_floats_size((size_t)l.tiles.size * wide);
    l.hidden = (size_t)threads * l.per_thread;
    l.sums = l.hidden;
    if (mlp->grn)
        l.sums += cnx_floats_size(pixels * wide);
    l.scale = l.sums;
    if (mlp->grn)
        l.scale += (size_t)l.tiles.count * wide * sizeof(double);
    l.total = l.scale;
    if (mlp->grn)
        l.total += cnx_floats_size(wide);
    l.total = cnx_round_up(l.total, CNX_ALIGNMENT);
    return l;
}

size_t cnx_mlp_scratch(const cnx_mlp *mlp, const cnx_kernels *k, int h, int w, int threads)
{
    if (h < 1 || w < 1)
        return 0;
    return lay_out(mlp, k, h, w, threads).total;
}

typedef struct mlp_job {
    const cnx_exec *exec;
    const cnx_mlp *mlp;
    cnx_map y, x;
    mlp_layout layout;
} mlp_job;

static float *floats_at(const mlp_job *job, size_t offset)
{
    return (float *)(void *)(job->exec->scratch + offset);
}

/* hidden = GELU(LayerNorm(y) W1 + b1) for one tile, [rows][hidden]. */
static void expand(const mlp_job *job, size_t first, int rows, float *norm, float *hidden)
{
    const cnx_mlp *mlp = job->mlp;
    const cnx_kernels *k = job->exec->k;
    const size_t c = (size_t)mlp->c;
    const cnx_epilogue epilogue = {.bias = mlp->bias1, .act = CNX_ACT_GELU};
    k->layernorm(rows, mlp->c, cnx_map_at(job->y, first), job->y.ld, NULL, NULL, mlp->eps, norm, c);
    k->gemm(rows, mlp->hidden, mlp->c, norm, c, mlp->packed1, hidden, (size_t)mlp->hidden,
            &epilogue);
}

/* x += hidden W2 + b2 for one tile. */
static void project(const mlp_job *job, size_t first, int rows, const float *hidden)
{
    const cnx_mlp *mlp = job->mlp;
    float *x = cnx_map_at(job->x, first);
    const cnx_epilogue epilogue = {.bias = mlp->bias2, .residual = x, .residual_ld = job->x.ld};
    job->exec->k->gemm(rows, mlp->c, mlp->hidden, hidden, (size_t)mlp->hidden, mlp->packed2, x,
                       job->x.ld, &epilogue);
}

static void run_tile(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const size_t first = cnx_tiles_first(&job->layout.tiles, index);
    const int rows = cnx_tiles_rows(&job->layout.tiles, index);
    const size_t own = (size_t)thread * job->layout.per_thread;
    float *hidden = floats_at(job, own + job->layout.norm);
    if (rows == 0)
        return;
    expand(job, first, rows, floats_at(job, own), hidden);
    project(job, first, rows, hidden);
}

static float *kept_hidden(const mlp_job *job, size_t first)
{
    return floats_at(job, job->layout.hidden) + first * (size_t)job->mlp->hidden;
}

static double *tile_sums(const mlp_job *job, int index)
{
    double *sums = (double *)(void *)(job->exec->scratch + job->layout.sums);
    return sums + (size_t)index * (size_t)job->mlp->hidden;
}

/* First pass with GRN: hidden values and this tile's sums of their squares. */
static void run_expand(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const size_t first = cnx_tiles_first(&job->layout.tiles, index);
    const int rows = cnx_tiles_rows(&job->layout.tiles, index);
    const int wide = job->mlp->hidden;
    double *sums = tile_sums(job, index);
    memset(sums, 0, (size_t)wide * sizeof *sums);
    if (rows == 0)
        return;
    expand(job, first, rows, floats_at(job, (size_t)thread * job->layout.per_thread),
           kept_hidden(job, first));
    job->exec->k->sum_squares(rows, wide, kept_hidden(job, first), (size_t)wide, sums);
}

/* gamma (x n) + beta + x is (1 + gamma n) x + beta; this leaves 1 + gamma n of each channel. */
static void scale_of_channels(const mlp_job *job, float *scale)
{
    const int wide = job->mlp->hidden;
    double *total = tile_sums(job, 0);
    for (int t = 1; t < job->layout.tiles.count; t++)
        for (int i = 0; i < wide; i++)
            total[i] += tile_sums(job, t)[i];
    double mean = 0;
    for (int i = 0; i < wide; i++) {
        total[i] = sqrt(total[i]);
        mean += total[i];
    }
    mean = mean / wide + 1e-6;
    for (int i = 0; i < wide; i++)
        scale[i] = (float)(1.0 + job->mlp->grn_gamma[i] * (total[i] / mean));
}

/* Second pass with GRN. */
static void run_project(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const size_t first = cnx_tiles_first(&job->layout.tiles, index);
    const int rows = cnx_tiles_rows(&job->layout.tiles, index);
    const float *scale = floats_at(job, job->layout.scale), *beta = job->mlp->grn_beta;
    float *hidden = kept_hidden(job, first);
    const int wide = job->mlp->hidden;
    (void)thread;
    if (rows == 0)
        return;
    for (int r = 0; r < rows; r++) {
        float *row = hidden + (size_t)r * (size_t)wide;
        for (int i = 0; i < wide; i++)
            row[i] = row[i] * scale[i] + beta[i];
    }
    project(job, first, rows, hidden);
}

void cnx_mlp_run(const cnx_exec *exec, const cnx_mlp *mlp, cnx_map y, cnx_map x)
{
    assert(y.c == mlp->c && x.c == mlp->c && y.h == x.h && y.w == x.w);
    if (y.h < 1 || y.w < 1)
        return;
    mlp_job job = {.exec = exec, .mlp = mlp, .y = y, .x = x};
    job.layout = lay_out(mlp, exec->k, y.h, y.w, exec->threads);
    assert(job.layout.total <= exec->scratch_size);
    const int tiles = job.layout.tiles.count;
    if (!mlp->grn) {
        cnx_parallel_for(exec->threads, tiles, run_tile, &job);
        return;
    }
    cnx_parallel_for(exec->threads, tiles, run_expand, &job);
    scale_of_channels(&job, floats_at(&job, job.layout.scale));
    cnx_parallel_for(exec->threads, tiles, run_project, &job);
}
