/* The files of one segmented picture, written while its rows come. */
#ifndef CNX_TOOLS_SEGMENT_WRITER_H
#define CNX_TOOLS_SEGMENT_WRITER_H

#include "tools/outputs.h"
#include "tools/segment_args.h"

/* All borrowed until the writer is closed. */
typedef struct cnx_segment_target {
    const cnx_description *description;
    const cnx_segment_args *args; /* save, label_offset, opacity, out */
    const char *stem;
    int width, height;
} cnx_segment_target;

typedef struct cnx_segment_writer cnx_segment_writer;

/* Makes the folder and begins the files. */
cnx_status cnx_segment_writer_open(cnx_segment_writer **out, const cnx_segment_target *target,
                                   cnx_error *err);
/* The next rows, from top to bottom. */
cnx_status cnx_segment_writer_rows(cnx_segment_writer *w, const cnx_segment_rows *rows,
                                   cnx_error *err);
/* Completes all files beside their places.  picture: the colours of an overlay are laid over it. */
cnx_status cnx_segment_writer_complete(cnx_segment_writer *w, cnx_image *picture, cnx_error *err);
/* Puts the completed files into their places: all of them, or none. */
cnx_status cnx_segment_writer_commit(cnx_segment_writer *w, cnx_error *err);
/* What has not been finished is gone without a trace. */
void cnx_segment_writer_close(cnx_segment_writer **w);

/* Pixels of each class so far, [classes]. */
const uint64_t *cnx_segment_writer_counts(const cnx_segment_writer *w);
/* Where that kind goes (borrowed), NULL when it is not saved. */
const char *cnx_segment_writer_path(const cnx_segment_writer *w, int kind);

/* What the segmentor has to deliver for this. */
unsigned cnx_segment_writer_wants(unsigned save);
/* What such a writer holds in memory. */
size_t cnx_segment_writer_bytes(unsigned save, int classes, int width, int height);

#endif
