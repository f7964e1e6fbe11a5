/*
 * Binary masks as runs, with the arithmetic and the text form of COCO's mask API: column-major, starting
 * with a run of zeros (of length 0 when pixel (0, 0) is set).
 */
#ifndef CNX_CORE_MASK_RLE_H
#define CNX_CORE_MASK_RLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* The runs' lengths sum to h * w.  Zeroed: no mask. */
typedef struct cnx_rle {
    uint32_t *counts; /* owned; [count] */
    size_t count;
    uint32_t h, w;
} cnx_rle;

#endif
