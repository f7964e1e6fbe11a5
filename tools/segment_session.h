/* One run of cnx segment: what its pictures share, and the pictures going through it. */
#ifndef CNX_TOOLS_SEGMENT_SESSION_H
#define CNX_TOOLS_SEGMENT_SESSION_H

#include "tools/inputs.h"
#include "tools/meter.h"
#include "tools/queue.h"
#include "tools/segment_args.h"

typedef struct cnx_segment_session {
    const cnx_segment_args *args;
    cnx_inputs inputs;
    cnx_segmentor *segmentor; /* holds the weights and makes the estimates */
    cnx_pipeline pipeline;
    int threads;
    int jobs; /* pictures in the network at the same time; 0: not decided yet */

    cnx_queue queue;
    struct cnx_segment_worker *workers; /* owned, [jobs]; the first one is the main thread */
    int started;                        /* of the others */

    pthread_mutex_t talk; /* around what follows, and what is printed */
    cnx_meter meter;
    double share;     /* sum over the pictures in flight */
    bool announced;   /* the log lines about model and memory */
    bool output_lost; /* standard output cannot be written any more */
    bool interrupted;
    size_t done, failed;
} cnx_segment_session;

/* All inputs, from the first to the last; afterwards the counts and flags above tell what became of
 * them. */
void cnx_segment_session_run(cnx_segment_session *s);

/*
 * Decides how many pictures go through the network at once, from the first one whose size is known,
 * and has `estimate` tell what that one needs then.
 */
cnx_status cnx_segment_jobs_decide(cnx_segment_session *s, int width, int height,
                                   cnx_segment_estimate *estimate, cnx_error *err);
/* The threads that the picture with this index gets: the last ones share among fewer. */
int cnx_segment_jobs_threads(const cnx_segment_session *s, size_t index);
/* What a picture needs: the segmentor's part and the writer's. */
cnx_status cnx_segment_jobs_estimate(cnx_segment_session *s, int width, int height, int threads,
                                     cnx_segment_estimate *estimate, cnx_error *err);

/* What all of them need at the same time, if every picture is like this one. */
size_t cnx_segment_jobs_total(const cnx_segment_session *s, const cnx_segment_estimate *estimate);

#endif
