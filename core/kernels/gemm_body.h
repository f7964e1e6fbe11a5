/*
 * Packed matrix product, written over vector_*.h.  The including file defines
 *   GEMM_ROWS          rows of the register tile
 *   GEMM_EACH_ROWS(X)  X(1) X(2) ... X(GEMM_ROWS)
 *
 * b is packed as panels of GEMM_PANEL columns, [panel][k][column]: the innermost loop reads a panel
 * in order, and a range of whole panels is a packed matrix of its own.
 *
 * The product goes block by block of b: a part of k that is at most GEMM_DEPTH deep, of as many
 * columns as L2 holds beside what else is in use.  A strip of up to GEMM_ROWS rows of a is copied,
 * one block at a time, to the stack: whatever lda is, its rows then lie close together and are
 * reached by constant offsets.  The panels of the block stream from L2 past it, and meanwhile the
 * next block is asked for, line by line, from farther away.
 *
 * Weights of 16 bits lie in the same order and are widened as they are read, by the innermost loop.
 * One exception: a row of bfloat16 pairs column i with column i + LANES, so that one load and two
 * cheap instructions give both vectors.
 *
 * Every element is one chain of fused multiply-adds in the order of k, whichever tile computes it
 * and wherever the chain is put down between blocks: results do not depend on how rows are grouped
 * into calls, nor columns.
 */
enum {
    GEMM_PANEL = 2 * LANES,
    GEMM_DEPTH = 384,
    GEMM_STRIP_LD = GEMM_DEPTH + 16, /* not a multiple of 4096 bytes: rows fall into other sets */
    GEMM_BLOCK = 384 * 256, /* weights of a block: 384 KiB of L2, as much again on its way */
    GEMM_SUM_COLUMNS = 256, /* sums of a strip that are kept on the stack */
};

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

/* What one tile is to do.  Between two blocks of k its sums wait in memory. */
typedef struct gemm_tile {
    int depth, columns;
    const float *a;    /* [rows][GEMM_STRIP_LD] */
    const char *b;     /* [depth][GEMM_PANEL] weights */
    const char *ahead; /* asked for meanwhile: ahead_step bytes further with each step along k */
    size_t ahead_step;
    const float *next_a; /* the same of a: rows next_lda apart, a part of the depth for each */
    size_t next_lda;
    int next_rows;     /* at least 1 */
    const float *from; /* the sums so far, [rows][from_ld], or NULL for zeros */
    size_t from_ld;
    float *to; /* [rows][to_ld] */
    size_t to_ld;
    bool last; /* the sums are complete now: bias, ReLU and residual follow */
    bool relu;
    const float *bias;     /* [columns], or NULL */
    const float *residual; /* [rows][residual_ld], or NULL; may be `to` */
    size_t residual_ld;
} gemm_tile;

typedef void (*tile_kernel)(const gemm_tile *t);

static inline __attribute__((always_inline)) void tile_load(const int rows, const int vectors,
                                                            int columns, const float *from,
                                                            size_t ld, vector x[GEMM_ROWS][2])
{
    if (columns == vectors * LANES) {
        UNROLLED
        for (int r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < vectors; v++)
                x[r][v] = v_load(from + (size_t)r * ld + v * LANES);
        }
        return;
    }
    const lane_mask part = v_first(columns - (vectors - 1) * LANES);
    UNROLLED
    for (int r = 0; r < rows; r++) {
        if (vectors > 1)
            x[r][0] = v_load(from + (size_t)r * ld);
        x[r][vectors - 1] = v_load_part(from + (size_t)r * ld + (vectors - 1) * LANES, part);
    }
}

static inline __attribute__((always_inline)) void tile_store(const int rows, const int vectors,
                                                             int columns, vector x[GEMM_ROWS][2],
                                                             float *to, size_t ld)
{
    if (columns == vectors * LANES) {
        UNROLLED
        for (int r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < vectors; v++)
                v_store(to + (size_t)r * ld + v * LANES, x[r][v]);
        }
        return;
    }
    const lane_mask part = v_first(columns - (vectors - 1) * LANES);
    UNROLLED
    for (int r = 0; r < rows; r++) {
        if (vectors > 1)
            v_store(to + (size_t)r * ld, x[r][0]);
        v_store_part(to + (size_t)r * ld + (vectors - 1) * LANES, part, x[r][vectors - 1]);
    }
}

/* x = act(x + bias) */
static inline __attribute__((always_inline)) void
tile_finish(const int rows, const int vectors, const gemm_tile *t, vector x[GEMM_ROWS][2])
{
    if (t->bias) {
        UNROLLED
        for (int v = 0; v < vectors; v++) {
            const vector bias = v_load_part(t->bias + v * LANES, v_first(t->columns - v * LANES));
            UNROLLED
            for (int r = 0; r < rows; r++)
                x[r][v] = v_add(x[r][v], bias);
        }
    }
    if (t->relu) {
        UNROLLED
        for (int r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < vectors; v++)
                x[r][v] = v_max(v_zero(), x[r][v]);
        }
    }
}

/* x = x + residual */
static inline __attribute__((always_inline)) void
tile_add(const int rows, const int vectors, const gemm_tile *t, vector x[GEMM_ROWS][2])
{
    const lane_mask part = v_first(t->columns - (vectors - 1) * LANES);
    const bool whole = t->columns == vectors * LANES;
    const float *from = t->residual;
    const size_t ld = t->residual_ld;
    UNROLLED
    for (int r = 0; r < rows; r++) {
        UNROLLED
        for (int v = 0; v < vectors; v++) {
            const float *p = from + (size_t)r * ld + v * LANES;
            x[r][v] = v_add(x[r][v], whole || v + 1 < vectors ? v_load(p) : v_load_part(p, part));
        }
    }
}

static inline __attribute__((always_inline)) void tile(const cnx_weight_type type, const int rows,
                                                       const int vectors, const gemm_tile *t)
{
    const float *a = t->a;
    const char *b = t->b, *ahead = t->ahead;
    const size_t ahead_step = t->ahead_step;
    vector sum[GEMM_ROWS][2];
    if (t->from) {
        tile_load(rows, vectors, t->columns, t->from, t->from_ld, sum);
    } else {
        UNROLLED
        for (int r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < vectors; v++)
                sum[r][v] = v_zero();
        }
    }
    for (int part = 0; part < t->next_rows; part++) {
        const float *next = t->next_a + (size_t)part * t->next_lda;
        const int steps = t->depth * (part + 1) / t->next_rows - t->depth * part / t->next_rows;
        const char *const end = b + (size_t)steps * GEMM_PANEL * weight_size(type);
        for (; b != end; a++, b += GEMM_PANEL * weight_size(type), ahead += ahead_step) {
            vector w[2];
            v_prefetch(ahead);
            v_prefetch(next);
            next += t->next_rows;
            load_weights(type, vectors, b, w);
            UNROLLED
            for (int r = 0; r < rows; r++) {
                const vector x = v_set(a[r * GEMM_STRIP_LD]);
                UNROLLED
                for (int v = 0; v < vectors; v++)
                    sum[r][v] = v_fma(x, w[v], sum[r][v]);
            }
        }
    }
    if (t->last) {
        tile_finish(rows, vectors, t, sum);
        if (t->residual)
            tile_add(rows, vectors, t, sum);
    }
    tile_store(rows, vectors, t->columns, sum, t->to, t->to_ld);
}

#define GEMM_TILE(rows, vectors, type)                                                             \
    static void tile_##rows##_##vectors##_##type(const gemm_tile *t)                               \
    {                                                                                              \
        tile(CNX_WEIGHTS_##type, rows, vectors, t);                                                \
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

static inline __attribute__((always_inline)) void put_weight(const cnx_weight_type type,
                                                             float weight, void *row, int column)
{
    if (type == CNX_WEIGHTS_F16)
        ((uint16_t *)row)[column] = v_narrow_f16(weight);
    else
        ((uint16_t *)row)[column % LANES * 2 + column / LANES] = cnx_f32_to_bf16(weight);
}

/* Columns [first, first + LANES) of b, as far as there are any, zeros after; LANES steps of k or fewer:
 * block[step][GEMM_PANEL].  Lines of b are read whole: gathered one by one along k, whose step is
 * often a power of two, they would throw each other out of the cache. */
static void pack_block(int first, int n, int k, int steps, const float *b, float *block)
{
    const lane_mask mask = v_first(steps);
    vector r[LANES];
    UNROLLED
    for (int i = 0; i < LANES; i++)
        r[i] = first + i < n ? v_load_part(b + (size_t)(first + i) * (size_t)k, mask) : v_zero();
    v_transpose(r);
    UNROLLED
    for (int i = 0; i < LANES; i++)
        v_store(block + i * GEMM_PANEL, r[i]);
}

static inline __attribute__((always_inline)) void pack_weights(const cnx_weight_type type, int k,
                                                               int n, const float *b, char *packed)
{
    float block[LANES * GEMM_PANEL] __attribute__((aligned(64)));
    for (int first = 0; first < n; first += GEMM_PANEL)
        for (int p = 0; p < k; p += LANES) {
            const int steps = k - p < LANES ? k - p : LANES;
            pack_block(first, n, k, steps, b + p, block);
            pack_block(first + LANES, n, k, steps, b + p, block + LANES);
            if (type == CNX_WEIGHTS_F32) {
                memcpy(packed, block, (size_t)steps * GEMM_PANEL * sizeof(float));
                packed += (size_t)steps * GEMM_PANEL * sizeof(float);
                continue;
            }
            for (int i = 0; i < steps; i++, packed += GEMM_PANEL * weight_size(type))
                for (int j = 0; j < GEMM_PANEL; j++)
                    put_weight(type, block[i * GEMM_PANEL + j], packed, j);
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
    int m, n, k;
    int depth; /* of every block of k but the last */
    const float *a;
    size_t lda;
    const char *packed;
    float *c;
    size_t ldc;
    const cnx_epilogue *epilogue;
} gemm_job;

/* A block of b. */
typedef struct gemm_block {
    const char *packed; /* of the whole, [panel][k][column] */
    int k;
    int first, columns;
    int k0, depth; /* depth 0: none */
} gemm_block;

/* The blocks of k are of about one depth, so that none is left with little to do. */
static int gemm_depth(int k)
{
    const int count = (k + GEMM_DEPTH - 1) / GEMM_DEPTH;
    const int depth = ((k + count - 1) / count + LANES - 1) / LANES * LANES;
    return depth < GEMM_DEPTH ? depth : GEMM_DEPTH;
}

/* Columns of a block, at most `most`; the blocks of n are of about one width as well. */
static int gemm_width(int n, int most)
{
    const int panels = (n + GEMM_PANEL - 1) / GEMM_PANEL;
    const int count = (panels * GEMM_PANEL + most - 1) / most;
    return (panels + count - 1) / count * GEMM_PANEL;
}

static gemm_block gemm_block_at(const gemm_job *job, int first, int width, int k0)
{
    return (gemm_block){.packed = job->packed,
                        .k = job->k,
                        .first = first,
                        .columns = job->n - first < width ? job->n - first : width,
                        .k0 = k0,
                        .depth = job->k - k0 < job->depth ? job->k - k0 : job->depth};
}

/* Panel `index` of a block. */
static const char *gemm_panel(const gemm_job *job, const gemm_block *block, int index)
{
    const size_t column = (size_t)block->first + (size_t)index * GEMM_PANEL;
    const size_t before = column * (size_t)block->k + (size_t)block->k0 * GEMM_PANEL;
    return block->packed + before * weight_size(job->type);
}

static int gemm_panels(const gemm_block *block)
{
    return (block->columns + GEMM_PANEL - 1) / GEMM_PANEL;
}

/* c = GELU(sum) + residual for one vector of each row of a tile, `sum` [rows][GEMM_PANEL]. */
static inline __attribute__((always_inline)) void gelu_rows(const bool whole, int rows, int columns,
                                                            const float *sum, const float *residual,
                                                            size_t residual_ld, float *c,
                                                            size_t ldc)
{
    const lane_mask mask = v_first(columns);
    for (int r = 0; r < rows; r++, sum += GEMM_PANEL, c += ldc) {
        vector x = v_gelu(whole ? v_load(sum) : v_load_part(sum, mask));
        if (residual) {
            x = v_add(x, v_load_part(residual, mask));
            residual += residual_ld;
        }
        if (whole)
            v_store(c, x);
        else
            v_store_part(c, mask, x);
    }
}

static void finish_gelu(const gemm_job *job, const float *sum, int row, int rows, int column,
                        int columns)
{
    const cnx_epilogue *e = job->epilogue;
    for (int v = 0; v < columns; v += LANES) {
        const size_t at = (size_t)(column + v);
        float *c = job->c + (size_t)row * job->ldc + at;
        const float *residual =
            e->residual ? e->residual + (size_t)row * e->residual_ld + at : NULL;
        if (columns - v >= LANES)
            gelu_rows(true, rows, LANES, sum + v, residual, e->residual_ld, c, job->ldc);
        else
            gelu_rows(false, rows, columns - v, sum + v, residual, e->residual_ld, c, job->ldc);
    }
}

/* One block of b for one strip of rows. */
typedef struct gemm_step {
    int row, rows; /* the strip */
    gemm_block block;
    float *sums; /* [rows][columns of the block] between blocks of k */
    size_t sums_ld;
    const float *next_a; /* the part of a that comes next, next_rows of it */
    int next_rows;
    gemm_block next_b; /* the block that comes next */
    int tile, tiles; /* number of this strip's first tile, and of all: each asks for a part of it */
} gemm_step;

/* The tile on panel `index` asks for its part of the rows of a that come next: along with the
 * multiplying, for many requests at once would hold everything up. */
static void tile_next_a(const gemm_job *job, const gemm_step *step, int index, gemm_tile *t)
{
    const int panels = gemm_panels(&step->block);
    const int first = step->next_rows * index / panels;
    const int end = step->next_rows * (index + 1) / panels;
    t->next_a = end > first ? step->next_a + (size_t)first * job->lda : t->a;
    t->next_lda = end > first ? job->lda : 0;
    t->next_rows = end > first ? end - first : 1;
}

/* Asks for the tile of c that will be written. */
static void fetch_target(const gemm_job *job, int row, int rows, int column, int columns)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < columns; j += 16)
            v_prefetch(job->c + (size_t)(row + r) * job->ldc + (size_t)(column + j));
}

/* What the tile on panel `index` asks for: its part of one panel of the next block, or what it reads
 * anyway. */
static void tile_ahead(const gemm_job *job, const gemm_step *step, int index, gemm_tile *t)
{
    t->ahead = t->b;
    t->ahead_step = 0;
    const int panels = gemm_panels(&step->next_b), number = step->tile + index;
    const int parts = panels > 0 && step->tiles > panels ? step->tiles / panels : 1;
    if (number >= parts * panels)
        return;
    const size_t bytes = (size_t)step->next_b.depth * GEMM_PANEL * weight_size(job->type);
    const size_t part = (bytes + (size_t)parts - 1) / (size_t)parts;
    t->ahead = gemm_panel(job, &step->next_b, number / parts) + part * (size_t)(number % parts);
    t->ahead_step = (part + (size_t)t->depth - 1) / (size_t)t->depth;
}

/* Where the sums of the tile on panel `index` come from and go to; `done` is room for a tile. */
static void tile_sums(const gemm_job *job, const gemm_step *step, int index, float *done,
                      gemm_tile *t)
{
    const cnx_epilogue *e = job->epilogue;
    float *kept = step->sums + (size_t)index * GEMM_PANEL;
    const size_t column = (size_t)step->block.first + (size_t)index * GEMM_PANEL;
    t->from = step->block.k0 > 0 ? kept : NULL;
    t->from_ld = step->sums_ld;
    t->to = kept;
    t->to_ld = step->sums_ld;
    t->last = step->block.k0 + t->depth == job->k;
    if (!t->last)
        return;
    t->bias = e->bias ? e->bias + column : NULL;
    t->relu = e->act == CNX_ACT_RELU;
    if (e->act == CNX_ACT_GELU) {
        t->to = done;
        t->to_ld = GEMM_PANEL;
        return;
    }
    t->to = job->c + (size_t)step->row * job->ldc + column;
    t->to_ld = job->ldc;
    t->residual = e->residual ? e->residual + (size_t)step->row * e->residual_ld + column : NULL;
    t->residual_ld = e->residual_ld;
}

static void gemm_strip(const gemm_job *job, const gemm_step *step)
{
    float strip[GEMM_ROWS * GEMM_STRIP_LD];
    float done[GEMM_ROWS * GEMM_PANEL] __attribute__((aligned(64)));
    const gemm_block *block = &step->block;
    const int panels = gemm_panels(block);
    for (int r = 0; r < step->rows; r++)
        memcpy(strip + r * GEMM_STRIP_LD,
               job->a + (size_t)(step->row + r) * job->lda + (size_t)block->k0,
               (size_t)block->depth * sizeof(float));
    for (int i = 0; i < panels; i++) {
        const int j = i * GEMM_PANEL, column = block->first + j;
        const int columns = block->columns - j < GEMM_PANEL ? block->columns - j : GEMM_PANEL;
        gemm_tile t = {.depth = block->depth, .columns = columns, .a = strip};
        t.b = gemm_panel(job, block, i);
        tile_ahead(job, step, i, &t);
        tile_sums(job, step, i, done, &t);
        tile_next_a(job, step, i, &t);
        fetch_target(job, step->row, step->rows, column, columns);
        tiles[job->type][step->rows - 1][columns > LANES](&t);
        if (t.to == done)
            finish_gelu(job, done, step->row, step->rows, column, columns);
    }
}

/* Rows are shared out evenly over the strips, so that no strip is left with one or two. */
static int gemm_strip_rows(int m, int strips, int index)
{
    return index < strips ? m / strips + (index < m % strips) : 0;
}

/* One block of b for every strip; `sums` is [m][n]. */
static void gemm_one_block(const gemm_job *job, const gemm_block *block, const gemm_block *next,
                           float *sums, size_t sums_ld)
{
    const int strips = (job->m + GEMM_ROWS - 1) / GEMM_ROWS;
    gemm_step step = {
        .block = *block, .next_b = *next, .sums_ld = sums_ld, .tiles = strips * gemm_panels(block)};
    for (int i = 0; i < strips; i++) {
        step.rows = gemm_strip_rows(job->m, strips, i);
        step.sums = sums + (size_t)step.row * sums_ld + (size_t)block->first;
        step.next_a = job->a + (size_t)(step.row + step.rows) * job->lda + (size_t)block->k0;
        step.next_rows = gemm_strip_rows(job->m, strips, i + 1);
        step.tile = i * gemm_panels(block);
        gemm_strip(job, &step);
        step.row += step.rows;
    }
}

/* Columns of a block of `job`. */
static int gemm_block_width(const gemm_job *job)
{
    return gemm_width(job->n, GEMM_BLOCK / job->depth / GEMM_PANEL * GEMM_PANEL);
}

/* The block that the next product will begin with. */
static gemm_block gemm_first_of_next(const gemm_job *job)
{
    const cnx_epilogue *e = job->epilogue;
    if (!e->next)
        return (gemm_block){0};
    const gemm_job next = {.n = e->next_n,
                           .k = e->next_k,
                           .depth = gemm_depth(e->next_k),
                           .packed = (const char *)e->next};
    return gemm_block_at(&next, 0, gemm_block_width(&next), 0);
}

/* Block by block, each for every strip: each weight is read once. */
static void gemm_by_blocks(const gemm_job *job, float *sums, size_t sums_ld)
{
    const int width = gemm_block_width(job);
    for (int first = 0; first < job->n; first += width)
        for (int k0 = 0; k0 < job->k; k0 += job->depth) {
            const gemm_block block = gemm_block_at(job, first, width, k0);
            gemm_block next = {0};
            if (k0 + job->depth < job->k)
                next = gemm_block_at(job, first, width, k0 + job->depth);
            else if (first + width < job->n)
                next = gemm_block_at(job, first + width, width, 0);
            else
                next = gemm_first_of_next(job);
            gemm_one_block(job, &block, &next, sums, sums_ld);
        }
}

/* Strip by strip, every block of k: sums wait on the stack, for c is the residual. */
static void gemm_by_strips(const gemm_job *job)
{
    float sums[GEMM_ROWS * GEMM_SUM_COLUMNS];
    const int strips = (job->m + GEMM_ROWS - 1) / GEMM_ROWS;
    const int width = gemm_width(job->n, GEMM_SUM_COLUMNS);
    for (int first = 0; first < job->n; first += width) {
        gemm_step step = {.sums = sums, .sums_ld = GEMM_SUM_COLUMNS};
        for (int i = 0; i < strips; i++) {
            step.rows = gemm_strip_rows(job->m, strips, i);
            for (int k0 = 0; k0 < job->k; k0 += job->depth) {
                step.block = gemm_block_at(job, first, width, k0);
                gemm_strip(job, &step);
            }
            step.row += step.rows;
        }
    }
}

static void gemm_typed(cnx_weight_type type, int m, int n, int k, const float *a, size_t lda,
                       const float *packed, float *c, size_t ldc, const cnx_epilogue *epilogue)
{
    const gemm_job job = {.type = type,
                          .m = m,
                          .n = n,
                          .k = k,
                          .depth = gemm_depth(k),
                          .a = a,
                          .lda = lda,
                          .packed = (const char *)packed,
                          .c = c,
                          .ldc = ldc,
                          .epilogue = epilogue};
    if (epilogue->sums)
        gemm_by_blocks(&job, epilogue->sums, epilogue->sums_ld);
    else if (epilogue->residual == c && k > job.depth)
        gemm_by_strips(&job);
    else
        gemm_by_blocks(&job, c, ldc);
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
