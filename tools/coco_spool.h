/*
 * What a detector found in the pictures of a data set, on disk while the run goes on: each picture's
 * records as text, one behind the other, and where they lie in a journal.  When all is done, the texts
 * become results files in the data set's order, so that a run which was cut off and went on ends in the
 * same bytes as one that was not.
 */
#ifndef CNX_TOOLS_COCO_SPOOL_H
#define CNX_TOOLS_COCO_SPOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/file.h"

/* A picture has two texts: records of boxes, and records of masks. */
enum { CNX_SPOOL_TEXTS = 2 };

typedef struct cnx_spooled {
    bool done;
    uint64_t offset;
    uint64_t sizes[CNX_SPOOL_TEXTS];
    uint32_t check; /* CRC-32 of both */
} cnx_spooled;

typedef struct cnx_coco_spool {
    char *path;          /* owned */
    int file;            /* -1: not open */
    cnx_spooled *places; /* owned, [count] */
    size_t count;
    uint64_t end;
} cnx_coco_spool;

/* replace: one that is there already is emptied; else it is CNX_ERR_IO.  resume: it is kept as it is, and
 * made where it is missing. */
cnx_status cnx_coco_spool_open(cnx_coco_spool *out, const char *path, size_t count, bool resume,
                               bool replace, cnx_error *err);
void cnx_coco_spool_close(cnx_coco_spool *spool); /* accepts one that did not open */
cnx_status cnx_coco_spool_remove(const cnx_coco_spool *spool, cnx_error *err);

/* Adds a picture.  *record: a line that says where it lies, for the journal; the caller frees it. */
cnx_status cnx_coco_spool_add(cnx_coco_spool *spool, size_t index,
                              const char *const texts[CNX_SPOOL_TEXTS],
                              const size_t sizes[CNX_SPOOL_TEXTS], char **record, cnx_error *err);
/* Takes over such a line.  A picture whose text is no longer as it was (the power went before all was on
 * disk) is left as not done. */
cnx_status cnx_coco_spool_restore(cnx_coco_spool *spool, size_t index, const char *record,
                                  cnx_error *err);

/* The results file of the pictures [first, first + count): "[", their texts of this kind, "]". */
cnx_status cnx_coco_spool_write(const cnx_coco_spool *spool, size_t first, size_t count, int text,
                                const char *path, cnx_error *err);

#endif
