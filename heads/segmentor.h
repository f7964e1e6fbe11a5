/* Backbone and head joined, with the test pipelines: picture in, labels out. */
#ifndef CNX_HEADS_SEGMENTOR_H
#define CNX_HEADS_SEGMENTOR_H

#include "core/image/image.h"
#include "heads/estimate.h"
#include "heads/model.h"

typedef struct cnx_segmentor cnx_segmentor;

/* A picture that is to come. */
typedef struct cnx_segment_expected {
    int width, height;
    size_t beside; /* see cnx_segmentor_set_beside */
} cnx_segment_expected;

/* What a segmentor with max_memory is to hold: convolutions are done directly until all pictures fit
 * that could fit. */
typedef struct cnx_segment_prospect {
    const cnx_segment_expected *expected; /* [count]; NULL: one of the pipeline's own size */
    int count;
    const cnx_pipeline *pipeline; /* NULL: the model's own */
    unsigned want;                /* CNX_WANT_* */
    int direct; /* convolutions of the head that are done directly in any case: cnx_upernet_open */
} cnx_segment_prospect;

/* Reads and packs the weights; the model file may be closed afterwards. */
cnx_status cnx_segmentor_open(cnx_segmentor **out, cnx_model_file *file,
                              const cnx_model_options *options, cnx_error *err);
/* The same, for pictures that are to come. */
cnx_status cnx_segmentor_open_for(cnx_segmentor **out, cnx_model_file *file,
                                  const cnx_model_options *options,
                                  const cnx_segment_prospect *prospect, cnx_error *err);
void cnx_segmentor_close(cnx_segmentor **seg);

/*
 * One segmentor runs one picture at a time.  Another that shares the weights of the first, and has
 * feature maps of its own, may run at the same time in another thread: weights are only read once
 * they are packed.  The weights live as long as one of them does; they may be closed in any order.
 * threads 0: as many as `of` has.  Labels and scores do not depend on which one made them.
 */
cnx_status cnx_segmentor_share(cnx_segmentor **out, const cnx_segmentor *of, int threads,
                               cnx_error *err);
/* Frees what is kept from one run to the next: the feature maps' memory. */
void cnx_segmentor_trim(cnx_segmentor *seg);
/* For the runs and estimates that follow; at least 1. */
void cnx_segmentor_set_threads(cnx_segmentor *seg, int threads);

/* Bytes of the caller's own that count as the picture's in the runs and estimates that follow. */
void cnx_segmentor_set_beside(cnx_segmentor *seg, size_t bytes);

const cnx_description *cnx_segmentor_description(const cnx_segmentor *seg);
const cnx_kernels *cnx_segmentor_kernels(const cnx_segmentor *seg);
size_t cnx_segmentor_weights_bytes(const cnx_segmentor *seg); /* packed; shared ones once */

/* What beside the labels. */
enum {
    CNX_WANT_CONFIDENCE = 1 << 0, /* probability of the label, 0..1 */
    CNX_WANT_PROB = 1 << 1,
    CNX_WANT_LOGITS = 1 << 2 /* only with one scale and no flip: an average of softmaxes has none */
};

/* Finished rows [y, y + count) of the result, at the picture's own size.  Borrowed for the call. */
typedef struct cnx_segment_rows {
    int y, count, width, classes;
    const uint16_t *labels;  /* [count][width] */
    const float *confidence; /* [count][width], or NULL when not wanted */
    const float *prob;       /* [count][width][classes], or NULL */
    const float *logits;     /* [count][width][classes], or NULL */
} cnx_segment_rows;

/* Rows come from top to bottom, each once.  Anything but CNX_OK ends the run with that status. */
typedef cnx_status (*cnx_segment_sink)(void *user, const cnx_segment_rows *rows, cnx_error *err);
/* Called now and then with the share done (0..1); false ends the run with CNX_ERR_INTERRUPTED. */
typedef bool (*cnx_segment_progress)(void *user, double done);

typedef struct cnx_segment_request {
    const cnx_image *image;
    const cnx_pipeline *pipeline; /* NULL: the model's own */
    unsigned want;
    cnx_segment_sink sink;
    cnx_segment_progress progress; /* may be NULL */
    void *user;
    cnx_plan_clock *clock; /* what each layer takes, added up over all windows; may be NULL */
} cnx_segment_request;

/* Where the time went, in seconds, and what was done. */
typedef struct cnx_segment_stats {
    double prepare; /* resize and normalise */
    double network;
    double post;      /* upsampling, softmax, argmax, without the sink */
    int passes;       /* scales x flips */
    int windows;      /* network runs in all */
    int net_h, net_w; /* the first pass' input size */
} cnx_segment_stats;

cnx_status cnx_segmentor_run(cnx_segmentor *seg, const cnx_segment_request *request,
                             cnx_segment_stats *stats, cnx_error *err);

/* What such a run would need and do, without running. */
cnx_status cnx_segmentor_estimate(cnx_segmentor *seg, int width, int height,
                                  const cnx_pipeline *pipeline, unsigned want, cnx_estimate *out,
                                  cnx_error *err);

/* The plan of the network for an input of h x w, the segmentor's until the next call that needs one
 * of another size. */
cnx_status cnx_segmentor_plan_of(cnx_segmentor *seg, int h, int w, const cnx_plan **out,
                                 cnx_error *err);

/* The network alone, for tests and benchmarks: input [h, w, 3] normalised RGB floats, logits
 * [h/4, w/4, classes] (caller's memory).  tap: called with every named map of the plan in order, or
 * NULL. */
cnx_status cnx_segmentor_network(cnx_segmentor *seg, const float *input, int h, int w,
                                 float *logits, cnx_plan_tap tap, void *user, cnx_error *err);

/* Keep-ratio size: k = min(max(a,b)/max(h,w), min(a,b)/min(h,w)), int(n k + 0.5). */
void cnx_keep_ratio(int h, int w, int scale_a, int scale_b, int *out_h, int *out_w);

#endif
