/* PNG files row by row: indexed labels, grey, RGB. */
#ifndef CNX_CORE_PNG_H
#define CNX_CORE_PNG_H

#include <stdint.h>

#include "core/file.h"
#include "core/status.h"

typedef enum cnx_png_kind {
    CNX_PNG_INDEXED8, /* one byte a pixel, with a palette */
    CNX_PNG_GREY8,
    CNX_PNG_GREY16, /* two bytes a pixel, host byte order */
    CNX_PNG_RGB8
} cnx_png_kind;

typedef struct cnx_png_writer cnx_png_writer;

/*
 * Rows are compressed as they come, so that a huge picture needs a few rows of memory.  palette:
 * palette_size RGB triples, for CNX_PNG_INDEXED8 only.  The writer writes into `file`
 * (borrowed; the caller opens, commits or aborts it).
 */
cnx_status cnx_png_open(cnx_png_writer **out, cnx_output *file, cnx_png_kind kind, int width,
                        int height, const uint8_t *palette, int palette_size, cnx_error *err);
/* rows: count full rows, without gaps. */
cnx_status cnx_png_write_rows(cnx_png_writer *png, const void *rows, int count, cnx_error *err);
/* Ends the file; exactly `height` rows must have been written. */
cnx_status cnx_png_finish(cnx_png_writer *png, cnx_error *err);
void cnx_png_close(cnx_png_writer **png); /* accepts NULL, leaves NULL */

#endif
