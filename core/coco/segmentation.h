/* The `segmentation` of COCO annotations and results: polygons, runs as numbers, runs as text. */
#ifndef CNX_CORE_COCO_SEGMENTATION_H
#define CNX_CORE_COCO_SEGMENTATION_H

#include "core/json_scan.h"
#include "core/mask/rle.h"

typedef enum cnx_segmentation_kind {
    CNX_SEGMENTATION_NONE, /* absent, or null */
    CNX_SEGMENTATION_POLYGONS,
    CNX_SEGMENTATION_COUNTS,
    CNX_SEGMENTATION_TEXT
} cnx_segmentation_kind;

/* A view: what it points at belongs to who filled it. */
typedef struct cnx_segmentation {
    cnx_segmentation_kind kind;
    uint32_t h, w;      /* COUNTS, TEXT: the size that the file states */
    size_t count;       /* POLYGONS: parts; COUNTS: runs; TEXT: characters */
    const double *xy;   /* POLYGONS: the corners of all parts, x, y, x, y ... */
    const size_t *ends; /* POLYGONS: [count], where each part's numbers end in xy */
    const uint32_t *counts;
    const char *text; /* without JSON's escapes; no NUL */
} cnx_segmentation;

/* Memory that reading and drawing use again and again.  Zeroed: empty. */
typedef struct cnx_segmentation_scratch {
    void *memory[4]; /* owned */
    size_t room[4];
    cnx_rle_buffer runs;
} cnx_segmentation_scratch;

void cnx_segmentation_scratch_free(cnx_segmentation_scratch *scratch);

/* Reads the value at the position; *out points into the scratch, until it is used again. */
cnx_status cnx_segmentation_read(cnx_segmentation *out, cnx_segmentation_scratch *scratch,
                                 cnx_json_scan *scan, cnx_error *err);

/* The bytes of a copy, and the copy, whose pointers lie in `memory` (aligned as for a double). */
size_t cnx_segmentation_size(const cnx_segmentation *s);
cnx_segmentation cnx_segmentation_copy(void *memory, const cnx_segmentation *s);

/*
 * The runs of a picture of h x w pixels, in *out, by pycocotools' rules: polygons are filled and united,
 * a first part of 4 numbers or fewer is refused, an odd last number is dropped.  Runs must have the
 * picture's own size and sum to it.
 */
cnx_status cnx_segmentation_to_runs(cnx_rle_buffer *out, const cnx_segmentation *s, uint32_t h,
                                    uint32_t w, cnx_segmentation_scratch *scratch, cnx_error *err);

#endif
