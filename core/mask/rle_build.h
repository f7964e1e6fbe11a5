/* A mask made run by run, without a bitmap. */
#ifndef CNX_CORE_MASK_RLE_BUILD_H
#define CNX_CORE_MASK_RLE_BUILD_H

#include <stdbool.h>

#include "core/mask/rle.h"

/* Zero-initialise; the buffer is the caller's to keep for the next mask, and to free. */
typedef struct cnx_rle_builder {
    cnx_rle_buffer runs; /* those that have ended */
    bool set;            /* of the run at hand */
    uint32_t length;
    cnx_status status; /* the first failure; nothing is added after it */
} cnx_rle_builder;

/* Begins a mask anew. */
void cnx_rle_build_start(cnx_rle_builder *b);

/* The next `length` pixels, down the columns; 0 is allowed.  Their sum must stay below 2^32. */
void cnx_rle_build_add(cnx_rle_builder *b, bool set, uint32_t length);

/* The mask, whose pixels have all been added; fails where an addition did. */
cnx_status cnx_rle_build_finish(cnx_rle *out, cnx_rle_builder *b, uint32_t h, uint32_t w,
                                cnx_error *err);

#endif
