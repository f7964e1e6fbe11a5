/* Backbone and linear head joined, with the evaluation pipeline: picture in, logits out. */
#ifndef CNX_HEADS_CLASSIFIER_H
#define CNX_HEADS_CLASSIFIER_H

#include "core/image/image.h"
#include "heads/estimate.h"
#include "heads/model.h"

typedef struct cnx_classifier cnx_classifier;

/* Reads and packs the weights; the model file may be closed afterwards. */
cnx_status cnx_classifier_open(cnx_classifier **out, cnx_model_file *file,
                               const cnx_model_options *options, cnx_error *err);
void cnx_classifier_close(cnx_classifier **cls);

/*
 * One classifier runs one picture at a time.  Another that shares the weights of the first, and has
 * feature maps of its own, may run at the same time in another thread.  The weights live as long as
 * one of them does; they may be closed in any order.  threads 0: as many as `of` has.  Logits do not
 * depend on which one made them.
 */
cnx_status cnx_classifier_share(cnx_classifier **out, const cnx_classifier *of, int threads,
                                cnx_error *err);
/* Frees what is kept from one run to the next: the feature maps' memory. */
void cnx_classifier_trim(cnx_classifier *cls);
/* For the runs and estimates that follow; at least 1. */
void cnx_classifier_set_threads(cnx_classifier *cls, int threads);

const cnx_description *cnx_classifier_description(const cnx_classifier *cls);
const cnx_kernels *cnx_classifier_kernels(const cnx_classifier *cls);
size_t cnx_classifier_weights_bytes(const cnx_classifier *cls); /* packed; shared ones once */

/* Where the time went, in seconds. */
typedef struct cnx_classify_stats {
    double prepare; /* resize, crop and normalise */
    double network;
    int net_h, net_w; /* the network's input */
} cnx_classify_stats;

/* Called now and then with the share done (0..1); false ends the run with CNX_ERR_INTERRUPTED. */
typedef bool (*cnx_classify_progress)(void *user, double done);

typedef struct cnx_classify_request {
    const cnx_image *image;
    const cnx_pipeline *pipeline;   /* NULL: the model's own */
    cnx_classify_progress progress; /* may be NULL */
    void *user;
    cnx_plan_clock *clock; /* what each layer takes, added up; may be NULL */
} cnx_classify_request;

/* logits: the caller's [classes]. */
cnx_status cnx_classifier_run(cnx_classifier *cls, const cnx_classify_request *request,
                              float *logits, cnx_classify_stats *stats, cnx_error *err);

/* What such a run would need and do, without running. */
cnx_status cnx_classifier_estimate(cnx_classifier *cls, int width, int height,
                                   const cnx_pipeline *pipeline, cnx_estimate *out, cnx_error *err);

/* The plan for an input of this size; borrowed until the next call that needs another size. */
cnx_status cnx_classifier_plan_of(cnx_classifier *cls, int h, int w, const cnx_plan **plan,
                                  cnx_error *err);

/* The network alone, for tests and benchmarks: input [h, w, 3] normalised RGB floats, logits
 * [classes].  tap: called with every named map of the plan in order, or NULL. */
cnx_status cnx_classifier_network(cnx_classifier *cls, const float *input, int h, int w,
                                  float *logits, cnx_plan_tap tap, void *user, cnx_error *err);

#endif
