/*
 * What segmentors, detectors and classifiers begin with: the network, which several may share, and
 * what each needs of its own to run it: the plan for one input size and that plan's memory.  A
 * cnx_runner_kind tells what the task adds.
 */
#ifndef CNX_HEADS_RUNNER_H
#define CNX_HEADS_RUNNER_H

#include "core/memory.h"
#include "heads/estimate.h"
#include "heads/network.h"

typedef struct cnx_runner_kind cnx_runner_kind;

typedef struct cnx_runner {
    const cnx_runner_kind *kind;
    cnx_network *network; /* one holder is this one */
    int threads;
    size_t max_memory;
    bool small_tiles; /* of the plan: operations get the least scratch */
    cnx_plan *plan;   /* owned; for an input of plan_h x plan_w, NULL before the first */
    int plan_h, plan_w;
    cnx_kept arena; /* of the plan */
} cnx_runner;

struct cnx_runner_kind {
    cnx_network_kind network;
    const char *name; /* "a segmentor" */
    size_t size;      /* of the struct that begins with a cnx_runner */
    /* Adds the head to the runner's plan. */
    cnx_status (*plan_head)(cnx_runner *runner, const cnx_value features[CNX_STAGES],
                            cnx_error *err);
    /* Of what the task keeps beside the plan and beside its arena; NULL where that is nothing. */
    void (*forget_plans)(cnx_runner *runner);
    void (*trim)(cnx_runner *runner);
};

/* options: NULL for all defaults.  On failure *out is NULL. */
cnx_status cnx_runner_open(cnx_runner **out, const cnx_runner_kind *kind, cnx_model_file *file,
                           const cnx_model_options *options, cnx_error *err);
/* The same in two steps, where the network's own fields are to be set between them.  A new runner
 * whose weights fail to load is still to be freed. */
cnx_status cnx_runner_new(cnx_runner **out, const cnx_runner_kind *kind, const cnx_model_file *file,
                          const cnx_model_options *options, cnx_error *err);
cnx_status cnx_runner_load(cnx_runner *runner, cnx_model_file *file,
                           const cnx_model_options *options, cnx_error *err);
/* Another one on the network of the first.  threads 0: as many as `of` has. */
cnx_status cnx_runner_share(cnx_runner **out, const cnx_runner *of, int threads, cnx_error *err);
void cnx_runner_free(cnx_runner *runner); /* accepts NULL */

/* Frees what is kept from one run to the next. */
void cnx_runner_trim(cnx_runner *runner);
/* For the plans that follow. */
void cnx_runner_set_threads(cnx_runner *runner, int threads);
void cnx_runner_set_small_tiles(cnx_runner *runner, bool small);

/* Makes runner->plan the plan for this input size. */
cnx_status cnx_runner_plan(cnx_runner *runner, int h, int w, cnx_error *err);
/* The same, and lets the arena be large enough for it. */
cnx_status cnx_runner_reserve(cnx_runner *runner, int h, int w, cnx_error *err);
/* The network alone: input [h, w, 3] and the caller's memory for the logits.  tap: called with every
 * named map of the plan in order, or NULL. */
cnx_status cnx_runner_network(cnx_runner *runner, const float *input, int h, int w, float *logits,
                              cnx_plan_tap tap, void *user, cnx_error *err);

/* Refuses a run that needs more than max_memory; `less` says what would need less. */
cnx_status cnx_runner_check_memory(const cnx_runner *runner, const cnx_estimate *e,
                                   const char *less, cnx_error *err);

/* The pipeline that a run follows: the one asked for, or the model's own. */
const cnx_pipeline *cnx_runner_pipeline(const cnx_runner *runner, const cnx_pipeline *asked);

#endif
