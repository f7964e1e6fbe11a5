/* A [classes, height, width] .npy file from rows of [width][classes]. */
#ifndef CNX_TOOLS_VOLUME_WRITER_H
#define CNX_TOOLS_VOLUME_WRITER_H

#include "core/file.h"

/*
 * Rows come channels-last and are stored one plane a class, so each plane grows at its own place in
 * the file.  A strip of rows is gathered to make those writes long; the volume is never held.
 */
typedef struct cnx_volume_writer {
    cnx_output *file; /* borrowed */
    size_t data_offset;
    int classes, height, width;
    int strip_rows;    /* rows the strip can hold */
    int first, filled; /* rows [first, first + filled) are in the strip */
    float *strip;      /* owned; [classes][strip_rows][width] */
} cnx_volume_writer;

cnx_status cnx_volume_open(cnx_volume_writer *out, cnx_output *file, int classes, int height,
                           int width, cnx_error *err);
/* rows: [count][width][classes], the next ones from the top. */
cnx_status cnx_volume_rows(cnx_volume_writer *v, const float *rows, int count, cnx_error *err);
/* Writes what is left; all rows must have come. */
cnx_status cnx_volume_finish(cnx_volume_writer *v, cnx_error *err);
void cnx_volume_close(cnx_volume_writer *v); /* accepts a zeroed one */

/* What a writer holds in memory. */
size_t cnx_volume_bytes(int classes, int height, int width);

#endif
