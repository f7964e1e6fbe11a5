/*
 * The workers of an evaluation.  Each takes one picture after the other: one more than there may be in
 * the network, so that the next is decoded meanwhile.  Results are delivered in the order of the
 * pictures, one at a time.  What is done with a picture is the task's affair.
 */
#ifndef CNX_TOOLS_EVAL_CREW_H
#define CNX_TOOLS_EVAL_CREW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"
#include "tools/meter.h"

typedef struct cnx_crew cnx_crew;

/* One picture on its way: the beginning of the task's own struct for it, which is zeroed. */
typedef struct cnx_crew_job {
    cnx_crew *crew;
    void *run;    /* the caller's */
    size_t index; /* the picture's */
} cnx_crew_job;

typedef struct cnx_crew_task {
    size_t job_size; /* of the struct that begins with a cnx_crew_job */
    /* A network of its own that shares the weights. */
    cnx_status (*open_network)(void **out, void *run, int threads, cnx_error *err);
    void (*close_network)(void **network); /* accepts NULL */
    /* In any order, several at once: reads and decodes; then, with a network, infers. */
    cnx_status (*prepare)(cnx_crew_job *job, cnx_error *err);
    cnx_status (*infer)(cnx_crew_job *job, void *network, cnx_error *err);
    /* In turn: a failure ends the run, whatever --keep-going says. */
    cnx_status (*deliver)(cnx_crew_job *job, cnx_error *err);
    /* In turn: the picture could not be done.  False when that cannot be remembered. */
    bool (*failed)(void *run, size_t index, const char *problem);
    void (*close)(cnx_crew_job *job); /* frees what is the task's own */
} cnx_crew_task;

typedef struct cnx_crew_order {
    const cnx_crew_task *task;
    void *run;
    const size_t *pending; /* indexes of the pictures to do */
    size_t count;
    int threads, jobs; /* jobs: pictures in the network at once */
    bool keep_going;
    cnx_meter *meter;
} cnx_crew_order;

/* Does all of them.  Fails at the first picture that cannot be done unless order->keep_going;
 * *interrupted tells of a signal. */
cnx_status cnx_crew_work(const cnx_crew_order *order, bool *interrupted, cnx_error *err);

/* The run is over: the job's work ends with CNX_ERR_INTERRUPTED. */
bool cnx_crew_stopped(const cnx_crew_job *job);

#endif
