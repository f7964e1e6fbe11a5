/* What cnx detect writes about one picture: made while other pictures are in the network, and put into
 * its places when its turn comes. */
#ifndef CNX_TOOLS_DETECT_WRITER_H
#define CNX_TOOLS_DETECT_WRITER_H

#include "tools/detect_results.h"

typedef struct cnx_detect_writer cnx_detect_writer;

/* image: an overlay is drawn into it.  d, args: needed during the call only. */
cnx_status cnx_detect_writer_make(cnx_detect_writer **out, const cnx_detect_args *args,
                                  const char *stem, const cnx_detected *d, cnx_image *image,
                                  cnx_error *err);
/* Puts the picture's own files into their places, all or none, and appends to those of the run. */
cnx_status cnx_detect_writer_commit(cnx_detect_writer *w, cnx_detect_results *results,
                                    cnx_error *err);
void cnx_detect_writer_close(cnx_detect_writer **w); /* accepts NULL */

/* The picture's own files: the i-th path (borrowed), NULL past the last. */
const char *cnx_detect_writer_path(const cnx_detect_writer *w, size_t i);
/* What making it holds in memory beside the picture and the detections. */
size_t cnx_detect_writer_bytes(const cnx_detect_args *args, int width, int height);

#endif
