/* What cnx segment tells about a picture: done, failed, or only planned. */
#ifndef CNX_TOOLS_SEGMENT_REPORT_H
#define CNX_TOOLS_SEGMENT_REPORT_H

#include "tools/segment_writer.h"

/* Seconds of the phases outside the segmentor. */
typedef struct cnx_segment_times {
    double decode, write;
} cnx_segment_times;

/* Prints one JSON object on a line of standard output. */
cnx_status cnx_segment_report_done(const char *name, const cnx_segment_target *target,
                                   const cnx_segment_writer *writer, const cnx_segment_stats *stats,
                                   const cnx_segment_times *times, cnx_error *err);

#endif
