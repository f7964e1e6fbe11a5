/*
 * The pointwise half of a ConvNeXt block:
 *
 *     LayerNorm -> [c -> hidden] -> GELU -> [hidden -> c] -> + x
 *
 * It is cut in one of two ways, by the problem's size alone:
 *
 * By rows: a piece of work is a tile of pixels that goes all the way, so that the hidden values stay
 * in L2.  Every tile reads all weights.
 *
 * By columns, for a map of few pixels and large matrices (the last stages): every tile of pixels
 * would do little work for each weight that it reads.  Here a piece of work is a range of columns
 * of one matrix for all pixels, so that each weight is read once, by one thread; the hidden values
 * of the whole map are kept between the two matrices.
 *
 * With GRN (ConvNeXt V2) the norm of each hidden channel over the whole map stands between the two
 * matrices: the hidden values are kept in either case.  Cut by rows, every tile leaves its own sums
 * of squares, and these are added up in the order of the tiles, so that the thread count cannot be
 * seen.
 */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/block.h"
#include "core/ops/tiles.h"
#include "core/threads.h"

enum {
    FEWEST_ROWS = 14,
    FEW_PIXELS = 512,         /* cut by columns up to here, */
    LARGE_MATRIX = 512 * 512, /* where the matrices have as many elements */
    EXPAND_COLUMNS = 192,     /* of a piece */
    PROJECT_COLUMNS = 192,    /* or half, to have FEWEST_PIECES */
    FEWEST_PIECES = 8,
    COLUMN_STEP = 32, /* pieces are whole panels of every table */
    NORM_ROWS = 32,
};

/* Where everything lies in scratch, in bytes. */
typedef struct mlp_layout {
    bool by_columns;
    cnx_tiles tiles;   /* of pixels; by columns these are normalised and scaled, no more */
    cnx_tiles first;   /* by columns: pieces of the first matrix */
    cnx_tiles second;  /* and of the second */
    size_t per_thread; /* by rows: normalised tile, then (without GRN) hidden tile */
    size_t norm;       /* by rows: size of that first part; by columns: [pixels][c], at 0 */
    size_t hidden;     /* by columns, or with GRN: [pixels][hidden] floats */
    size_t sums;       /* with GRN: [sets of sums][hidden] doubles */
    size_t scale;      /* [hidden] floats */
    size_t total;
} mlp_layout;

/* Column ranges of about `wanted`, in steps of whole panels. */
static cnx_tiles cut_columns(int columns, int wanted)
{
    const int steps = (columns + COLUMN_STEP - 1) / COLUMN_STEP;
    const int wanted_steps = wanted / COLUMN_STEP;
    const int count = (steps + wanted_steps - 1) / wanted_steps;
    const int size = (steps + count - 1) / count * COLUMN_STEP;
    return (cnx_tiles){
        .total = (size_t)columns, .count = (columns + size - 1) / size, .size = size};
}

static void lay_out_columns(mlp_layout *l, const cnx_mlp *mlp, size_t pixels)
{
    const int narrow = mlp->c < FEWEST_PIECES * PROJECT_COLUMNS;
    l->tiles = cnx_tiles_cut(pixels, NORM_ROWS, NORM_ROWS / 4);
    l->first = cut_columns(mlp->hidden, EXPAND_COLUMNS);
    l->second = cut_columns(mlp->c, narrow ? PROJECT_COLUMNS / 2 : PROJECT_COLUMNS);
    l->norm = cnx_floats_size(pixels * (size_t)mlp->c);
    l->hidden = l->norm;
}

static void lay_out_rows(mlp_layout *l, const cnx_mlp *mlp, const cnx_kernels *k, size_t pixels,
                         int threads)
{
    l->tiles = cnx_tiles_cut(pixels, k->gemm_rows(mlp->hidden, mlp->c), FEWEST_ROWS);
    l->norm = cnx_floats_size((size_t)l->tiles.size * (size_t)mlp->c);
    l->per_thread = l->norm;
    if (!mlp->grn)
        l->per_thread += cnx_floats_size((size_t)l->tiles.size * (size_t)mlp->hidden);
    l->hidden = (size_t)threads * l->per_thread;
}

static mlp_layout lay_out(const cnx_mlp *mlp, const cnx_kernels *k, int h, int w, int threads)
{
    const size_t pixels = (size_t)h * (size_t)w, wide = (size_t)mlp->hidden;
    mlp_layout l = {0};
    l.by_columns = pixels <= FEW_PIXELS && (size_t)mlp->c * wide >= LARGE_MATRIX;
    if (l.by_columns)
        lay_out_columns(&l, mlp, pixels);
    else
        lay_out_rows(&l, mlp, k, pixels, threads);
    l.total = l.hidden;
    if (mlp->grn || l.by_columns)
        l.total += cnx_floats_size(pixels * wide);
    if (mlp->grn) {
        l.sums = l.total;
        l.scale = l.sums + (size_t)(l.by_columns ? 1 : l.tiles.count) * wide * sizeof(double);
        l.total = l.scale + cnx_floats_size(wide);
    }
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

/* Pixels and columns of one product. */
typedef struct part {
    size_t row;
    int rows;
    int column, columns;
} part;

static float *floats_at(const mlp_job *job, size_t offset)
{
    return (float *)(void *)(job->exec->scratch + offset);
}

static part part_of_rows(const mlp_job *job, int index, int columns)
{
    return (part){.row = cnx_tiles_first(&job->layout.tiles, index),
                  .rows = cnx_tiles_rows(&job->layout.tiles, index),
                  .columns = columns};
}

static part part_of_columns(const cnx_tiles *pieces, int index, int rows)
{
    return (part){.rows = rows,
                  .column = (int)cnx_tiles_first(pieces, index),
                  .columns = cnx_tiles_rows(pieces, index)};
}

static void normalise(const mlp_job *job, size_t row, int rows, float *norm)
{
    const cnx_mlp *mlp = job->mlp;
    job->exec->k->layernorm(rows, mlp->c, cnx_map_at(job->y, row), job->y.ld, NULL, NULL, mlp->eps,
                            norm, (size_t)mlp->c);
}

/* The activations that no kernel has, one value after the other. */
static float gelu_tanh(float x)
{
    const float inner = 0.7978845608f * (x + 0.044715f * x * x * x);
    return 0.5f * x * (1.0f + tanhf(inner));
}

static float silu(float x)
{
    return x / (1.0f + expf(-x));
}

static void activate(const cnx_mlp *mlp, part p, float *hidden)
{
    float (*const act)(float) = mlp->act == CNX_MLP_SILU ? silu : gelu_tanh;
    for (int r = 0; r < p.rows; r++) {
        float *row = hidden + (size_t)r * (size_t)mlp->hidden + p.column;
        for (int i = 0; i < p.columns; i++)
            row[i] = act(row[i]);
    }
}

/* Tells the product which weights this thread probably needs next: by rows the other matrix, by columns
 * its next piece of this one, or at last one of the other. */
static void foresee(const mlp_job *job, bool second, part p, cnx_epilogue *e)
{
    const cnx_mlp *mlp = job->mlp;
    const cnx_kernels *k = job->exec->k;
    int column = 0, columns = second ? mlp->hidden : mlp->c;
    if (job->layout.by_columns) {
        const cnx_tiles *own = second ? &job->layout.second : &job->layout.first;
        const cnx_tiles *other = second ? &job->layout.first : &job->layout.second;
        const int piece = p.column / own->size + job->exec->threads;
        const bool stays = piece < own->count;
        const cnx_tiles *pieces = stays ? own : other;
        const int index = stays ? piece : (piece - own->count) % other->count;
        second = stays == second;
        column = (int)cnx_tiles_first(pieces, index);
        columns = cnx_tiles_rows(pieces, index);
    } else {
        second = !second;
    }
    e->next_n = columns;
    e->next_k = second ? mlp->hidden : mlp->c;
    e->next = (second ? mlp->packed2 : mlp->packed1) + k->gemm_packed_size(e->next_k, column);
}

/* hidden = GELU(norm W1 + b1) for some columns; norm and hidden start at the part's first row. */
static void expand(const mlp_job *job, part p, const float *norm, float *hidden)
{
    const cnx_mlp *mlp = job->mlp;
    const cnx_kernels *k = job->exec->k;
    cnx_epilogue epilogue = {.bias = mlp->bias1 + p.column,
                             .act = mlp->act == CNX_MLP_GELU ? CNX_ACT_GELU : CNX_ACT_NONE};
    foresee(job, false, p, &epilogue);
    k->gemm(p.rows, p.columns, mlp->c, norm, (size_t)mlp->c,
            mlp->packed1 + k->gemm_packed_size(mlp->c, p.column), hidden + p.column,
            (size_t)mlp->hidden, &epilogue);
    if (mlp->act != CNX_MLP_GELU)
        activate(mlp, p, hidden);
}

/* x += hidden W2 + b2 for some columns; hidden and sums, of c columns, start at the part's first
 * row. */
static void project(const mlp_job *job, part p, const float *hidden, float *sums)
{
    const cnx_mlp *mlp = job->mlp;
    const cnx_kernels *k = job->exec->k;
    float *x = cnx_map_at(job->x, p.row) + p.column;
    cnx_epilogue epilogue = {.bias = mlp->bias2 + p.column,
                             .residual = x,
                             .residual_ld = job->x.ld,
                             .sums = sums + p.column,
                             .sums_ld = (size_t)mlp->c};
    foresee(job, true, p, &epilogue);
    k->gemm(p.rows, p.columns, mlp->hidden, hidden, (size_t)mlp->hidden,
            mlp->packed2 + k->gemm_packed_size(mlp->hidden, p.column), x, job->x.ld, &epilogue);
}

/* ---- what stands between the matrices with GRN ---- */

static float *kept_hidden(const mlp_job *job, size_t row)
{
    return floats_at(job, job->layout.hidden) + row * (size_t)job->mlp->hidden;
}

static double *sums_of(const mlp_job *job, int set)
{
    double *sums = (double *)(void *)(job->exec->scratch + job->layout.sums);
    return sums + (size_t)set * (size_t)job->mlp->hidden;
}

/* Squares of the hidden values of a part, added up over its rows. */
static void square(const mlp_job *job, part p, int set)
{
    double *sums = sums_of(job, set) + p.column;
    memset(sums, 0, (size_t)p.columns * sizeof *sums);
    if (p.rows > 0)
        job->exec->k->sum_squares(p.rows, p.columns, kept_hidden(job, p.row) + p.column,
                                  (size_t)job->mlp->hidden, sums);
}

/* gamma (x n) + beta + x is (1 + gamma n) x + beta; this leaves 1 + gamma n of each channel. */
static void scale_of_channels(const mlp_job *job, int sets, float *scale)
{
    const int wide = job->mlp->hidden;
    double *total = sums_of(job, 0);
    for (int t = 1; t < sets; t++)
        for (int i = 0; i < wide; i++)
            total[i] += sums_of(job, t)[i];
    double mean = 0;
    for (int i = 0; i < wide; i++) {
        total[i] = sqrt(total[i]);
        mean += total[i];
    }
    mean = mean / wide + 1e-6;
    for (int i = 0; i < wide; i++)
        scale[i] = (float)(1.0 + job->mlp->grn_gamma[i] * (total[i] / mean));
}

static void scale_rows(const mlp_job *job, size_t first, int rows)
{
    const float *scale = floats_at(job, job->layout.scale), *beta = job->mlp->grn_beta;
    const int wide = job->mlp->hidden;
    for (int r = 0; r < rows; r++) {
        float *row = kept_hidden(job, first + (size_t)r);
        for (int i = 0; i < wide; i++)
            row[i] = row[i] * scale[i] + beta[i];
    }
}

/* ---- by rows ---- */

static float *own_norm(const mlp_job *job, int thread)
{
    return floats_at(job, (size_t)thread * job->layout.per_thread);
}

static void run_tile(void *context, int index, int thread)
{
    const mlp_job *job = context;
    float *norm = own_norm(job, thread);
    float *hidden = floats_at(job, (size_t)thread * job->layout.per_thread + job->layout.norm);
    const part first = part_of_rows(job, index, job->mlp->hidden);
    if (first.rows == 0)
        return;
    normalise(job, first.row, first.rows, norm);
    expand(job, first, norm, hidden);
    project(job, part_of_rows(job, index, job->mlp->c), hidden, norm);
}

/* First pass with GRN: hidden values and this tile's sums of their squares. */
static void run_expand_tile(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const part p = part_of_rows(job, index, job->mlp->hidden);
    if (p.rows > 0) {
        normalise(job, p.row, p.rows, own_norm(job, thread));
        expand(job, p, own_norm(job, thread), kept_hidden(job, p.row));
    }
    square(job, p, index);
}

/* Second pass with GRN. */
static void run_project_tile(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const part p = part_of_rows(job, index, job->mlp->c);
    if (p.rows == 0)
        return;
    scale_rows(job, p.row, p.rows);
    project(job, p, kept_hidden(job, p.row), own_norm(job, thread));
}

static void run_by_rows(mlp_job *job)
{
    const int threads = job->exec->threads, tiles = job->layout.tiles.count;
    if (!job->mlp->grn) {
        cnx_parallel_for(threads, tiles, run_tile, job);
        return;
    }
    cnx_parallel_for(threads, tiles, run_expand_tile, job);
    scale_of_channels(job, tiles, floats_at(job, job->layout.scale));
    cnx_parallel_for(threads, tiles, run_project_tile, job);
}

/* ---- by columns ---- */

static void run_norm(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const part p = part_of_rows(job, index, job->mlp->c);
    (void)thread;
    normalise(job, p.row, p.rows, floats_at(job, 0) + p.row * (size_t)job->mlp->c);
}

static void run_expand_columns(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const part p = part_of_columns(&job->layout.first, index, job->y.h * job->y.w);
    (void)thread;
    expand(job, p, floats_at(job, 0), kept_hidden(job, 0));
    if (job->mlp->grn)
        square(job, p, 0);
}

static void run_scale(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const part p = part_of_rows(job, index, job->mlp->hidden);
    (void)thread;
    scale_rows(job, p.row, p.rows);
}

/* The normalised values have been used: their place takes the sums. */
static void run_project_columns(void *context, int index, int thread)
{
    const mlp_job *job = context;
    const part p = part_of_columns(&job->layout.second, index, job->y.h * job->y.w);
    (void)thread;
    project(job, p, kept_hidden(job, 0), floats_at(job, 0));
}

static void run_by_columns(mlp_job *job)
{
    const int threads = job->exec->threads, tiles = job->layout.tiles.count;
    cnx_parallel_for(threads, tiles, run_norm, job);
    cnx_parallel_for(threads, job->layout.first.count, run_expand_columns, job);
    if (job->mlp->grn) {
        scale_of_channels(job, 1, floats_at(job, job->layout.scale));
        cnx_parallel_for(threads, tiles, run_scale, job);
    }
    cnx_parallel_for(threads, job->layout.second.count, run_project_columns, job);
}

void cnx_mlp_run(const cnx_exec *exec, const cnx_mlp *mlp, cnx_map y, cnx_map x)
{
    assert(y.c == mlp->c && x.c == mlp->c && y.h == x.h && y.w == x.w);
    if (y.h < 1 || y.w < 1)
        return;
    mlp_job job = {.exec = exec, .mlp = mlp, .y = y, .x = x};
    job.layout = lay_out(mlp, exec->k, y.h, y.w, exec->threads);
    assert(job.layout.total <= exec->scratch_size);
    if (job.layout.by_columns)
        run_by_columns(&job);
    else
        run_by_rows(&job);
}
