/*
 * A run over pictures, of which one or several are in flight.  What a picture goes through on its
 * way is the errand's affair (cnx segment, cnx detect); the order in which things happen, and what is
 * told, is the session's.
 */
#ifndef CNX_TOOLS_SESSION_H
#define CNX_TOOLS_SESSION_H

#include "core/image/image.h"
#include "heads/estimate.h"
#include "tools/inputs.h"
#include "tools/meter.h"
#include "tools/queue.h"
#include "tools/session_args.h"

typedef struct cnx_session cnx_session;

/* One picture in flight: the beginning of the errand's own struct for it. */
typedef struct cnx_picture {
    cnx_session *session;
    size_t index;
    const cnx_input *input;
    cnx_input_bytes bytes;
    int width, height;
    cnx_estimate need; /* alone */
    size_t memory;     /* admitted */
    cnx_image image;
    double decode_seconds, write_seconds;
    double share;
} cnx_picture;

typedef struct cnx_errand {
    const char *done;    /* "segmented" */
    const char *smaller; /* what to try where there is not enough memory */
    bool talks;          /* reports without --json as well */
    size_t picture_size; /* of the struct that begins with a cnx_picture */

    /* The size is known: what will be needed with so many threads?  Called in order. */
    cnx_status (*estimate)(cnx_picture *p, int threads, cnx_error *err);
    void (*announce)(const cnx_picture *first, const char *at_once);
    /* A network of its own that shares the weights. */
    cnx_status (*open_worker)(void **out, cnx_session *s, cnx_error *err);
    void (*close_worker)(void **worker); /* accepts NULL */
    /* The picture is decoded: runs the network and completes the files beside their places.  In any
     * order, several at once, each with a worker of its own. */
    cnx_status (*process)(cnx_picture *p, void *worker, int threads, cnx_error *err);
    /* In order, one at a time. */
    cnx_status (*commit)(cnx_picture *p, cnx_error *err); /* files into their places */
    cnx_status (*report)(cnx_picture *p,
                         cnx_error *err); /* --json, or always; NULL: no lines of each */
    cnx_status (*plan)(cnx_picture *p, cnx_error *err); /* --dry-run; NULL where there is none */
    void (*failed)(cnx_picture *p, const char *reason); /* may be NULL */
    void (*close)(cnx_picture *p);                      /* frees what is the errand's own */
} cnx_errand;

struct cnx_session {
    const cnx_errand *errand;
    const cnx_session_args *args;
    void *model; /* the errand's */
    size_t weights_bytes;
    cnx_inputs inputs;
    int threads;
    int jobs; /* pictures in the network at the same time; 0: not decided yet */

    cnx_queue queue;
    struct cnx_session_worker *workers; /* owned, [jobs]; the first one is the main thread */
    int started;                        /* of the others */

    pthread_mutex_t talk; /* around what follows, and what is printed */
    cnx_meter meter;
    double share;     /* sum over the pictures in flight */
    bool announced;   /* the log lines about model and memory */
    bool output_lost; /* standard output cannot be written any more */
    bool interrupted;
    size_t done, failed;
};

/* All inputs, from the first to the last; afterwards the counts and flags above tell what became of
 * them. */
void cnx_session_run(cnx_session *s);
/* The exit code that they call for; says so where the run was interrupted. */
int cnx_session_exit_code(const cnx_session *s);
/* The closing line. */
void cnx_session_tell_end(const cnx_session *s);

/* ---- for errands, while a picture is processed ---- */

/* The run is over: the picture's work ends with CNX_ERR_INTERRUPTED. */
bool cnx_picture_stopped(const cnx_picture *p);
/* What a network calls with the share done, 0..1: it goes into the progress line.  picture: the
 * cnx_picture, or what begins with it.  False: the run is over. */
bool cnx_picture_go_on(void *picture, double share);
/* What all pictures in flight need at the same time, if every one is like this one. */
size_t cnx_picture_total(const cnx_picture *p);
/* The last log line before the first picture: what it runs on, and the memory that it takes. */
void cnx_picture_announce(const cnx_picture *first, const cnx_kernels *kernels,
                          const char *at_once);

/* ---- how many at once ---- */

/*
 * Decides how many pictures go through the network at once, from the first one whose size is known,
 * and has its `need` tell what it needs then.
 */
cnx_status cnx_session_decide_jobs(cnx_session *s, cnx_picture *p, cnx_error *err);
/* The threads that the picture with this index gets: the last ones share among fewer. */
int cnx_session_threads(const cnx_session *s, size_t index);

#endif
