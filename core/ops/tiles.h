/* How work is cut: by the problem's size alone, never by the number of threads. */
#ifndef CNX_CORE_OPS_TILES_H
#define CNX_CORE_OPS_TILES_H

#include "core/memory.h"
#include "core/ops/exec.h"

/* `total` rows (pixels) in `count` runs of `size`, the last one possibly shorter or empty. */
typedef struct cnx_tiles {
    size_t total;
    int count, size;
} cnx_tiles;

/* Runs of about `wanted` rows (at most twice as many), their number a multiple of four where there
 * are that many, so that a few threads finish together; but none much under `fewest` rows. */
cnx_tiles cnx_tiles_cut(size_t total, int wanted, int fewest);

static inline size_t cnx_tiles_first(const cnx_tiles *t, int index)
{
    const size_t first = (size_t)index * (size_t)t->size;
    return first < t->total ? first : t->total;
}

static inline int cnx_tiles_rows(const cnx_tiles *t, int index)
{
    return (int)(cnx_tiles_first(t, index + 1) - cnx_tiles_first(t, index));
}

/* Bytes for `count` floats on a boundary of their own. */
static inline size_t cnx_floats_size(size_t count)
{
    return cnx_padded_floats(count) * sizeof(float);
}

/* The pixel that is number `index` in row-major order. */
static inline float *cnx_map_at(cnx_map map, size_t index)
{
    return map.data + index * map.ld;
}

#endif
