/* A copy of a file with some bytes taken out or replaced, made only when there are such bytes. */
#ifndef CNX_CORE_REWRITE_H
#define CNX_CORE_REWRITE_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct cnx_rewrite {
    uint8_t *data;   /* owned; NULL until the first edit */
    size_t size;     /* bytes in data */
    size_t consumed; /* bytes of the source that are accounted for */
} cnx_rewrite;

/*
 * Replaces source[at, at + length) by `count` <= length bytes.  Edits come in ascending order and
 * do not overlap.
 */
cnx_status cnx_rewrite_edit(cnx_rewrite *rewrite, const uint8_t *source, size_t source_size,
                            size_t at, size_t length, const void *replacement, size_t count,
                            cnx_error *err);
/* Copies what follows the last edit; nothing is done when there was none. */
void cnx_rewrite_end(cnx_rewrite *rewrite, const uint8_t *source, size_t source_size);
void cnx_rewrite_free(cnx_rewrite *rewrite); /* accepts a zeroed one, leaves it zeroed */

#endif
