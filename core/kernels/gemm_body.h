/*
 * Packed matrix product, written over vector_*.h.  The including file defines
 *   GEMM_ROWS          rows of the register tile
 *   GEMM_EACH_ROWS(X)  X(1) X(2) ... X(GEMM_ROWS)
 *
 * b is cut into blocks of GEMM_DEPTH along k, each block into panels of GEMM_PANEL columns stored
 * [k][column], so that the innermost loop reads it in order.  A strip of up to GEMM_ROWS rows of a
 * is copied, one block at a time, to the stack: whatever lda is, it then sits in L1 without
 * conflicts and is reached by constant offsets.  The panels stream from L2 past it.
 *
 * Weights of 16 bits lie in the same order and are widened as they are read, by the innermost loop.
 * One exception: a row of bfloat16 pairs column i with column i + LANES, so that one load and two
 * cheap instructions give both vectors.
 *
 * Every element is one chain of fused multiply-adds in the order of k, whichever tile computes it
 * and wherever the chain is put down between blocks: results do not depend on how rows are grouped
 * into calls.
 */
enum {
    GEMM_PANEL = 2 * LANES,
    GEMM_DEPTH = 256,
    GEMM_STRIP_LD = GEMM_DEPTH + 16, /* not a multiple of 4096 bytes: rows fall into other sets */
    GEMM_BLOCK_COLUMNS = 1024,       /* of b that should stay in L2 with a depth of GEMM_DEPTH */
    GEMM_SUM_COLUMNS = 256,          /* sums of a strip that are kept on the stack */
};

/* Sums between two blocks of k, [rows][columns]. */
typedef struct partial {
    float *data;
    size_t ld;
} partial;

static inline __attribute__((always_inline)) size_t weight_size(const cnx_weight_type type)
{
    return type == CNX_WEIGHTS_F32 ? sizeof(float) : sizeof(uint16_t);
}

/* The first one or two vectors of a row of a panel. */
static inline __attribute__((always_inline)) void
load_weights(const cnx_weight_type type, const int vectors, const char *b, vector w[2])
{
    if (type == CNX_WEIGHTS_BF16) {
        const vector pairs = v_load((const float *)(const void *)b);
        w[0] = v_lower_bf16(pairs);
        if (vectors > 1)
            w[1] = v_upper_bf16(pairs);
        return;
    }
    UNROLLED
    for (int v = 0; v < vectors; v++)
        w[v] = type == CNX_WEIGHTS_F16 ? v_load_f16(b + v * LANES * (int)sizeof(uint16_t))
                                       : v_load((const float *)(const void *)b + v * LANES);
}

typedef void (*tile_kernel)(int depth, const float *a, const char *b, const partial *from,
                            const partial *to, int columns);

/* to = from + a b on a tile; from->data NULL stands for zeros. */
static inline __attribute__((always_inline)) void tile(const cnx_weight_type type, const int rows,
                                                       const int vectors, int depth,
                                                       const float *restrict a,
                                                       const char *restrict b, const partial *from,
                                                       const partial *to, int columns)
{
    const lane_mask last = v_first(columns - (vectors - 1) * LANES);
    const lane_mask all = v_first(LANES);
    vector sum[GEMM_ROWS][2];
    UNROLLED
    for (int r = 0; r < rows; r++) {
        UNROLLED
        for (int v = 0; v < vectors; v++)
            sum[r][v] = from->data ? v_load_part(from->data + (size_t)r * from->ld + v * LANES,
                                                 v + 1 < vectors ? all : last)
                                   : v_zero();
    }
    for (int p = 0; p < depth; p++, a++, b += GEMM_PANEL * weight_size(type)) {
        vector w[2];
        load_weights(type, vectors, b, w);
        UNROLLED
        for (int r = 0; r < rows; r++) {
            const vector x = v_set(a[r * GEMM_STRIP_LD]);
            UNROLLED
            for (int v = 0; v < vectors; v++)
                sum[r][v] = v_fma(x, w[v], sum[r][v]);
        }
    }
    UNROLLED
    for (int r = 0; r < rows; r++) {
        UNROLLED
        for (int v = 0; v < vectors; v++)
            v_store_part(to->data + (size_t)r * to->ld + v * LANES, v + 1 < vectors ? all : last,
                         sum[r][v]);
    }
}

#define GEMM_TILE(rows, vectors, type)                                                             \
    static void tile_##rows##_##vectors##_##type(int depth, const float *a, const char *b,         \
                                                 const partial *from, const partial *to,           \
                                                 int columns)                                      \
    {                                                                                              \
        tile(CNX_WEIGHTS_##type, rows, vectors, depth, a, b, from, to, columns);                   \
    }
#define GEMM_TILES(rows)                                                                           \
    GEMM_TILE(rows, 1, F32)                                                                        \
    GEMM_TILE(rows, 2, F32)                                                                        \
    GEMM_TILE(rows, 1, F16)                                                                        \
    GEMM_TILE(rows, 2, F16)                                                                        \
    GEMM_TILE(rows, 1, BF16)                                                                       \
    GEMM_TILE(rows, 2, BF16)
#define GEMM_F32_ENTRY(rows)  {tile_##rows##_1_F32, tile_##rows##_2_F32},
#define GEMM_F16_ENTRY(rows)  {tile_##rows##_1_F16, tile_##rows##_2_F16},
#define GEMM_BF16_ENTRY(rows) {tile_##rows##_1_BF16, tile_##rows##_2_BF16},

GEMM_EACH_ROWS(GEMM_TILES)
/* By rows - 1 and vectors - 1. */
static const tile_kernel tiles[CNX_WEIGHT_TYPES][GEMM_ROWS][2] = {
    [CNX_WEIGHTS_F32] = {GEMM_EACH_ROWS(GEMM_F32_ENTRY)},
    [CNX_WEIGHTS_F16] = {GEMM_EACH_ROWS(GEMM_F16_ENTRY)},
    [CNX_WEIGHTS_BF16] = {GEMM_EACH_ROWS(GEMM_BF16_ENTRY)},
};

static size_t gemm_padded(int n)
{
    return ((size_t)n + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL;
}

static size_t gemm_packed_size(int k, int n)
{
    return (size_t)k * gemm_padded(n);
}

static size_t gemm_packed_size_16(int k, int n)
{
    return gemm_packed_size(k, n) / 2; /* panels have an even number of columns */
}

/* How deep the block is that starts at k0. */
static int gemm_depth(int k, int k0)
{
    return k - k0 < GEMM_DEPTH ? k - k0 : GEMM_DEPTH;
}

static inline __attribute__((always_inline)) void put_weight(const cnx_weight_type type,
                                                             float weight, void *row, int column)
{
    if (type == CNX_WEIGHTS_F32)
        ((float *)row)[column] = weight;
    else if (type == CNX_WEIGHTS_F16)
        ((uint16_t *)row)[column] = v_narrow_f16(weight);
    else
        ((uint16_t *)row)[column % LANES * 2 + column / LANES] = cnx_f32_to_bf16(weight);
}

static inline __attribute__((always_inline)) void pack_weights(const cnx_weight_type type, int k,
                                                               int n, const float *b, char *packed)
{
    for (int k0 = 0; k0 < k; k0 += GEMM_DEPTH) {
        const int depth = gemm_depth(k, k0);
        for (int first = 0; first < n; first += GEMM_PANEL)
            for (int p = 0; p < depth; p++, packed += GEMM_PANEL * weight_size(type))
                for (int j = 0; j < GEMM_PANEL; j++)
                    put_weight(type,
                               first + j < n ? b[(size_t)(first + j) * (size_t)k + (size_t)(k0 + p)]
                                             : 0.0f,
                               packed, j);
    }
}

static void gemm_pack(int k, int n, const float *b, float *packed)
{
    pack_weights(CNX_WEIGHTS_F32, k, n, b, (char *)packed);
}

static void gemm_pack_f16(int k, int n, const float *b, float *packed)
{
    pack_weights(CNX_WEIGHTS_F16, k, n, b, (char *)packed);
}

static void gemm_pack_bf16(int k, int n, const float *b, float *packed)
{
    pack_weights(CNX_WEIGHTS_BF16, k, n, b, (char *)packed);
}

/* One product: what the driver below passes around. */
typedef struct gemm_job {
    cnx_weight_type type;
    int n, k;
    const float *a;
    size_t lda;
    const char *packed;
    float *c;
    size_t ldc;
    const cnx_epilogue *epilogue;
    int first_column, end_column; /* of the block of columns at hand */
} gemm_job;

/* The panel that starts at column `first` in the block of k that starts at k0. */
static const char *gemm_panel(const gemm_job *job, int k0, int depth, int first)
{
    const size_t before = (size_t)k0 * gemm_padded(job->n) + (size_t)first * (size_t)depth;
    return job->packed + before * weight_size(job->type);
}

static inline __attribute__((always_inline)) void finish_tile(const gemm_job *job, const float *sum,
                                                              int row, int rows, int column,
                                                              int columns, const cnx_activation act)
{
    const cnx_epilogue *e = job->epilogue;
    for (int v = 0; v < columns; v += LANES) {
        const lane_mask mask = v_first(columns - v);
        const size_t at = (size_t)(column + v);
        const vector bias = e->bias ? v_load_part(e->bias + at, mask) : v_zero();
        for (int r = 0; r < rows; r++) {
            vector x = v_add(v_load(sum + r * GEMM_PANEL + v), bias);
            if (act == CNX_ACT_RELU)
                x = v_max(v_zero(), x);
            if (act == CNX_ACT_GELU)
                x = v_gelu(x);
            if (e->residual)
                x = v_add(x,
                          v_load_part(e->residual + (size_t)(row + r) * e->residual_ld + at, mask));
            v_store_part(job->c + (size_t)(row + r) * job->ldc + at, mask, x);
        }
    }
}

/* c = act(sum + bias) + residual for a tile whose sums are complete, [rows][GEMM_PANEL]. */
static void finish(const gemm_job *job, const float *sum, int row, int rows, int column,
                   int columns)
{
    if (job->epilogue->act == CNX_ACT_GELU)
        finish_tile(job, sum, row, rows, column, columns, CNX_ACT_GELU);
    else if (job->epilogue->act == CNX_ACT_RELU)
        finish_tile(job, sum, row, rows, column, columns, CNX_ACT_RELU);
    else
        finish_tile(job, sum, row, rows, column, columns, CNX_ACT_NONE);
}

/* One block of k for one strip of rows. */
typedef struct gemm_step {
    int row, rows; /* the strip */
    int k0;
    partial sums;      /* of the strip from first_column on; not read first, not written last */
    const float *next; /* the part of a that comes next, [next_rows][next_depth] */
    int next_rows, next_depth;
    const char *next_b; /* this strip's share of the block of b that comes next */
    size_t next_b_lines;
} gemm_step;

/* Asks for one part in `parts` of what comes next of a and b, so that it is in L2 by then. */
static void fetch_next(const gemm_step *step, size_t lda, int part, int parts)
{
    const int lines = (step->next_depth + 15) / 16;
    const int total = step->next_rows * lines;
    for (int i = total * part / parts; i < total * (part + 1) / parts; i++)
        v_prefetch(step->next + (size_t)(i / lines) * lda + (size_t)(i % lines) * 16);
    const size_t end = step->next_b_lines * (size_t)(part + 1) / (size_t)parts;
    for (size_t i = step->next_b_lines * (size_t)part / (size_t)parts; i < end; i++)
        v_prefetch(step->next_b + i * 64);
}

/* Asks for the tile of c that will be written. */
static void fetch_target(const gemm_job *job, int row, int rows, int column, int columns)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < columns; j += 16)
            v_prefetch(job->c + (size_t)(row + r) * job->ldc + (size_t)(column + j));
}

static void gemm_strip(const gemm_job *job, const gemm_step *step)
{
    float strip[GEMM_ROWS * GEMM_STRIP_LD];
    float done[GEMM_ROWS * GEMM_PANEL] __attribute__((aligned(64)));
    const int depth = gemm_depth(job->k, step->k0);
    const int last = step->k0 + depth == job->k;
    const int panels = (job->end_column - job->first_column + GEMM_PANEL - 1) / GEMM_PANEL;
    for (int r = 0; r < step->rows; r++)
        memcpy(strip + r * GEMM_STRIP_LD,
               job->a + (size_t)(step->row + r) * job->lda + (size_t)step->k0,
               (size_t)depth * sizeof(float));
    for (int i = 0; i < panels; i++) {
        const int j = job->first_column + i * GEMM_PANEL;
        const int columns = job->end_column - j < GEMM_PANEL ? job->end_column - j : GEMM_PANEL;
        const partial kept = {step->sums.data + (size_t)i * GEMM_PANEL, step->sums.ld};
        const partial from = {step->k0 ? kept.data : NULL, kept.ld};
        const partial to = last ? (partial){done, GEMM_PANEL} : kept;
        const char *panel = gemm_panel(job, step->k0, depth, j);
        fetch_next(step, job->lda, i, panels);
        fetch_target(job, step->row, step->rows, j, columns);
        tiles[job->type][step->rows - 1][columns > LANES](depth, strip, panel, &from, &to, columns);
        if (last)
            finish(job, done, step->row, step->rows, j, columns);
    }
}

/* Rows are shared out evenly over the strips, so that no strip is left with one or two. */
static int gemm_strip_rows(int m, int strips, int index)
{
    return index < strips ? m / strips + (index < m % strips) : 0;
}

/* While strip `index` of `strips` works on the block of b at step->k0, its share of the next one is
 * asked for: that comes from farther away than L2. */
static void share_next_b(const gemm_job *job, gemm_step *step, int index, int strips)
{
    const int k0 = step->k0 + GEMM_DEPTH;
    if (k0 >= job->k)
        return;
    const int depth = gemm_depth(job->k, k0);
    const size_t columns = gemm_padded(job->end_column - job->first_column);
    const size_t lines = columns * (size_t)depth * weight_size(job->type) / 64;
    const size_t first = lines * (size_t)index / (size_t)strips;
    step->next_b = gemm_panel(job, k0, depth, job->first_column) + first * 64;
    step->next_b_lines = lines * (size_t)(index + 1) / (size_t)strips - first;
}

/* Block by block of k, every strip: sums wait in c itself.  Each block of b is read once. */
static void gemm_by_blocks(const gemm_job *job, int m)
{
    const int strips = (m + GEMM_ROWS - 1) / GEMM_ROWS;
    for (int k0 = 0; k0 < job->k; k0 += GEMM_DEPTH) {
        gemm_step step = {.k0 = k0, .next_depth = gemm_depth(job->k, k0)};
        for (int i = 0; i < strips; i++) {
            step.rows = gemm_strip_rows(m, strips, i);
            step.sums.data = job->c + (size_t)step.row * job->ldc + (size_t)job->first_column;
            step.sums.ld = job->ldc;
            step.next = job->a + (size_t)(step.row + step.rows) * job->lda + (size_t)k0;
            step.next_rows = gemm_strip_rows(m, strips, i + 1);
            share_next_b(job, &step, i, strips);
            gemm_strip(job, &step);
            step.row += step.rows;
        }
    }
}

/* Strip by strip, every block of k: sums wait on the stack, and c may be the residual. */
static void gemm_by_strips(const gemm_job *job, int m)
{
    float sums[GEMM_ROWS * GEMM_SUM_COLUMNS];
    const int strips = (m + GEMM_ROWS - 1) / GEMM_ROWS;
    gemm_step step = {.sums = {sums, GEMM_SUM_COLUMNS}};
    for (int i = 0; i < strips; i++) {
        step.rows = gemm_strip_rows(m, strips, i);
        for (step.k0 = 0; step.k0 < job->k; step.k0 += GEMM_DEPTH) {
            const int next = step.k0 + GEMM_DEPTH;
            const int wraps = next >= job->k;
            step.next = wraps ? job->a + (size_t)(step.row + step.rows) * job->lda
                              : job->a + (size_t)step.row * job->lda + (size_t)next;
            step.next_rows = wraps ? gemm_strip_rows(m, strips, i + 1) : step.rows;
            step.next_depth = gemm_depth(job->k, wraps ? 0 : next);
            gemm_strip(job, &step);
        }
        step.row += step.rows;
    }
}

/* How many columns of b stay in L2 over the whole of k. */
static int gemm_sum_columns(int k)
{
    const int columns = (GEMM_DEPTH * GEMM_BLOCK_COLUMNS / k) / GEMM_PANEL * GEMM_PANEL;
    if (columns < 2 * GEMM_PANEL)
        return 2 * GEMM_PANEL;
    return columns < GEMM_SUM_COLUMNS ? columns : GEMM_SUM_COLUMNS;
}

static void gemm_typed(cnx_weight_type type, int m, int n, int k, const float *a, size_t lda,
                       const float *packed, float *c, size_t ldc, const cnx_epilogue *epilogue)
{
    gemm_job job = {.type = type,
                    .n = n,
                    .k = k,
                    .a = a,
                    .lda = lda,
                    .packed = (const char *)packed,
                    .c = c,
                    .ldc = ldc,
                    .epilogue = epilogue};
    const int in_place = epilogue->residual == c && k > GEMM_DEPTH;
    const int step = in_place ? gemm_sum_columns(k) : GEMM_BLOCK_COLUMNS;
    for (int first = 0; first < n; first += step) {
        job.first_column = first;
        job.end_column = n - first < step ? n : first + step;
        if (in_place)
            gemm_by_strips(&job, m);
        else
            gemm_by_blocks(&job, m);
    }
}

static void gemm(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                 size_t ldc, const cnx_epilogue *epilogue)
{
    gemm_typed(CNX_WEIGHTS_F32, m, n, k, a, lda, packed, c, ldc, epilogue);
}

static void gemm_f16(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                     size_t ldc, const cnx_epilogue *epilogue)
{
    gemm_typed(CNX_WEIGHTS_F16, m, n, k, a, lda, packed, c, ldc, epilogue);
}

static void gemm_bf16(int m, int n, int k, const float *a, size_t lda, const float *packed,
                      float *c, size_t ldc, const cnx_epilogue *epilogue)
{
    gemm_typed(CNX_WEIGHTS_BF16, m, n, k, a, lda, packed, c, ldc, epilogue);
}

static void gemm_set_weights(cnx_kernels *k, cnx_weight_type type)
{
    k->gemm_packed_size = type == CNX_WEIGHTS_F32 ? gemm_packed_size : gemm_packed_size_16;
    k->gemm_pack = type == CNX_WEIGHTS_F32   ? gemm_pack
                   : type == CNX_WEIGHTS_F16 ? gemm_pack_f16
                                             : gemm_pack_bf16;
    k->gemm = type == CNX_WEIGHTS_F32 ? gemm : type == CNX_WEIGHTS_F16 ? gemm_f16 : gemm_bf16;
}

/* A tile of a of some 768 KiB, but neither so few rows that b is streamed for nothing, nor so many
 * that c leaves the cache. */
static int gemm_rows(int k, int n)
{
    enum { FEWEST = 8, MOST = 16 }; /* strips of 14 rows */
    (void)n;
    int strips = 768 * 1024 / 4 / k / 14;
    strips = strips < FEWEST ? FEWEST : strips > MOST ? MOST : strips;
    return strips * 14 / GEMM_ROWS * GEMM_ROWS;
}
