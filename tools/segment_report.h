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

/* What a run would need and do, as JSON or as a line of text.  jobs: pictures at once; total: the
 * memory for all of them. */
cnx_status cnx_segment_report_plan(const char *name, int width, int height,
                                   const cnx_segment_estimate *estimate, int jobs, size_t total,
                                   bool json, cnx_error *err);

#endif
