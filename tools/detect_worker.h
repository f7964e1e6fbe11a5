/* A session's worker that detects: a detector of its own on shared weights, behind the errand's void *. */
#ifndef CNX_TOOLS_DETECT_WORKER_H
#define CNX_TOOLS_DETECT_WORKER_H

#include "heads/detector.h"
#include "tools/session.h"

cnx_status cnx_detect_worker_open(void **out, const cnx_detector *of, cnx_error *err);
void cnx_detect_worker_close(void **worker); /* accepts NULL */

/* One picture in flight, with its progress; errors name it.  request: its progress is not looked at.
 * The caller frees *found. */
cnx_status cnx_detect_worker_run(void *worker, cnx_picture *p, const cnx_detect_request *request,
                                 int threads, cnx_detections *found, cnx_detect_stats *stats,
                                 cnx_error *err);

#endif
