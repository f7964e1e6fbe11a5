#include "tools/detect_worker.h"

cnx_status cnx_detect_worker_open(void **out, const cnx_detector *of, cnx_error *err)
{
    cnx_detector *shared = NULL;
    const cnx_status status = cnx_detector_share(&shared, of, 1, err);
    *out = shared;
    return status;
}

void cnx_detect_worker_close(void **worker)
{
    cnx_detector *shared = *worker;
    cnx_detector_close(&shared);
    *worker = NULL;
}

cnx_status cnx_detect_worker_run(void *worker, cnx_picture *p, const cnx_detect_request *request,
                                 int threads, cnx_detections *found, cnx_detect_stats *stats,
                                 cnx_error *err)
{
    const cnx_session *s = p->session;
    cnx_detect_request own = *request;
    own.progress = cnx_picture_go_on;
    own.user = p;
    cnx_detector_set_threads(worker, threads);
    const cnx_status status = cnx_detector_run(worker, &own, found, stats, err);
    if (s->jobs > 1 && s->args->max_memory.given)
        cnx_detector_trim(worker); /* others may be waiting for it */
    if (status != CNX_OK && status != CNX_ERR_INTERRUPTED)
        cnx_error_prefix(err, "%s", p->input->name);
    return status;
}
