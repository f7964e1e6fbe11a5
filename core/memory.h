/* Aligned memory and arithmetic on sizes that cannot wrap. */
#ifndef CNX_CORE_MEMORY_H
#define CNX_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* Every tensor and packed weight starts on this boundary, and the bytes up to the next boundary
 * after its end belong to it: a kernel may read (never write) that tail. */
#define CNX_ALIGNMENT 64

/* 64-byte aligned memory, its size rounded up to the alignment; the contents are undefined.
 * NULL when there is none, or when size is 0.  Release with cnx_free. */
void *cnx_alloc(size_t size);
/* The same, zeroed. */
void *cnx_calloc(size_t size);
void cnx_free(void *memory); /* accepts NULL */

/* cnx_alloc that reports: "not enough memory for WHAT (N bytes)". */
cnx_status cnx_alloc_or_fail(void **out, size_t size, const char *what, cnx_error *err);

/* Memory that is kept from one use to the next, as large as the largest was.  Zeroed: none yet. */
typedef struct cnx_kept {
    void *memory; /* owned */
    size_t bytes;
} cnx_kept;

/* Lets it have at least so many bytes; what it held is lost when it grows. */
cnx_status cnx_kept_reserve(cnx_kept *kept, size_t bytes, const char *what, cnx_error *err);
void cnx_kept_free(cnx_kept *kept);

/* False when the true result does not fit; *out is then untouched. */
static inline bool cnx_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool cnx_add(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline size_t cnx_round_up(size_t n, size_t to) /* to: a power of two */
{
    return (n + to - 1) & ~(to - 1);
}

/* The floats that `n` floats take up to the next boundary: where the next array may start. */
static inline size_t cnx_padded_floats(size_t n)
{
    return cnx_round_up(n * sizeof(float), CNX_ALIGNMENT) / sizeof(float);
}

/* Hands what has been freed back to the system, as far as the C library knows how: after much was
 * read and packed, and before the process grows again. */
void cnx_memory_trim(void);

/* The largest resident size of this process so far, in bytes. */
size_t cnx_peak_rss(void);

#endif
