/*
 * Binary masks as runs: the type and its functions stand in cnx.h.  Here are the parts that only cnx
 * itself uses: runs read into memory that is kept from one mask to the next.
 */
#ifndef CNX_CORE_MASK_RLE_H
#define CNX_CORE_MASK_RLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* Memory for runs that grows and is used again.  Zeroed: empty. */
typedef struct cnx_rle_buffer {
    uint32_t *counts; /* owned; [room] */
    size_t count, room;
} cnx_rle_buffer;

void cnx_rle_buffer_free(cnx_rle_buffer *buffer); /* accepts a zeroed one, leaves it zeroed */
cnx_status cnx_rle_buffer_reserve(cnx_rle_buffer *buffer, size_t room, cnx_error *err);

/* What the buffer holds as a mask that lives as long as the buffer is left alone; not to be freed. */
static inline cnx_rle cnx_rle_view(const cnx_rle_buffer *buffer, uint32_t h, uint32_t w)
{
    return (cnx_rle){buffer->counts, buffer->count, h, w};
}

/* As the functions of cnx.h, into a buffer. */
cnx_status cnx_rle_read_text(cnx_rle_buffer *out, const char *text, size_t length, uint32_t h,
                             uint32_t w, cnx_error *err);
cnx_status cnx_rle_fill_polygon(cnx_rle_buffer *out, const double *xy, size_t points, uint32_t h,
                                uint32_t w, cnx_error *err);
/* Refuses runs that do not sum to h * w. */
cnx_status cnx_rle_check(const uint32_t *counts, size_t count, uint32_t h, uint32_t w,
                         cnx_error *err);
/* A mask of its own that holds what the buffer does. */
cnx_status cnx_rle_take(cnx_rle *out, const cnx_rle_buffer *buffer, uint32_t h, uint32_t w,
                        cnx_error *err);

/* The area shared by the two, run by run, with COCO's ending: where both come to a run of length 0 at
 * the same place, the rest is not looked at.  *all: what either covers, up to that place. */
uint32_t cnx_rle_shared(uint32_t *all, const cnx_rle *a, const cnx_rle *b);

/* h * w, refused from 2^32 on. */
cnx_status cnx_rle_pixels(uint32_t *out, uint32_t h, uint32_t w, cnx_error *err);

#endif
