/* What cnx detect tells about a picture: done, or only planned. */
#ifndef CNX_TOOLS_DETECT_REPORT_H
#define CNX_TOOLS_DETECT_REPORT_H

#include "tools/detect_writer.h"
#include "tools/session.h"

/* One JSON object on a line of standard output. */
cnx_status cnx_detect_report_done(const cnx_picture *p, const cnx_detected *d,
                                  const cnx_detect_writer *writer, const cnx_detect_stats *stats,
                                  cnx_error *err);

#endif
