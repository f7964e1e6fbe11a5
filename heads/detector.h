/* Backbone, pyramid and heads of Mask R-CNN and Cascade Mask R-CNN joined, with the test pipelines:
 * picture in, boxes, scores, classes and masks out.  What comes out, cnx_detections, stands in cnx.h. */
#ifndef CNX_HEADS_DETECTOR_H
#define CNX_HEADS_DETECTOR_H

#include "core/image/image.h"
#include "heads/estimate.h"
#include "heads/model.h"

typedef struct cnx_detector cnx_detector;

/* Reads and packs the weights; the model file may be closed afterwards. */
cnx_status cnx_detector_open(cnx_detector **out, cnx_model_file *file,
                             const cnx_model_options *options, cnx_error *err);
void cnx_detector_close(cnx_detector **det);

/*
 * One detector runs one picture at a time.  Another that shares the weights of the first, and has
 * feature maps of its own, may run at the same time in another thread.  The weights live as long as
 * one of them does; they may be closed in any order.  threads 0: as many as `of` has.  Detections do
 * not depend on which one made them, nor on the number of threads.
 */
cnx_status cnx_detector_share(cnx_detector **out, const cnx_detector *of, int threads,
                              cnx_error *err);
/* Frees what is kept from one run to the next: the feature maps' memory. */
void cnx_detector_trim(cnx_detector *det);
/* For the runs and estimates that follow; at least 1. */
void cnx_detector_set_threads(cnx_detector *det, int threads);

const cnx_description *cnx_detector_description(const cnx_detector *det);
const cnx_kernels *cnx_detector_kernels(const cnx_detector *det);
size_t cnx_detector_weights_bytes(const cnx_detector *det); /* packed; shared ones once */

/* Called now and then with the share done (0..1); false ends the run with CNX_ERR_INTERRUPTED. */
typedef bool (*cnx_detect_progress)(void *user, double done);

/* Zero-initialise all but the image. */
typedef struct cnx_detect_request {
    const cnx_image *image;
    const cnx_pipeline
        *pipeline; /* NULL: the model's own.  scale, mean, std, pad_divisor, scales and
                                     flip count; windows do not */
    const cnx_rcnn_rules *rules;  /* NULL: the model's own */
    const bool *only;             /* [classes], or NULL for all: the classes that may be found.  The
                                     others take no part in NMS and in max_per_img */
    bool no_masks;                /* boxes only: mask heads are not run */
    cnx_detect_progress progress; /* may be NULL */
    void *user;
    cnx_plan_clock *clock; /* what each layer of the dense plan takes; may be NULL */
} cnx_detect_request;

/* Where the time went, in seconds, and what was done. */
typedef struct cnx_detect_stats {
    double prepare;   /* resize and normalise */
    double backbone;  /* with the pyramid */
    double rpn;       /* its convolutions, and the choice of proposals */
    double boxes;     /* box heads with their RoIAlign, scores, NMS */
    double masks;     /* mask heads with their RoIAlign */
    double paste;     /* masks to runs at the picture's size */
    int passes;       /* scales x flips */
    int net_h, net_w; /* the first pass' input size */
    size_t proposals, candidates, detections;
} cnx_detect_stats;

/* On success *out is to be freed with cnx_detections_free; on failure it is zeroed. */
cnx_status cnx_detector_run(cnx_detector *det, const cnx_detect_request *request,
                            cnx_detections *out, cnx_detect_stats *stats, cnx_error *err);

/* What such a run would need and do at most, without running: with as many proposals and detections
 * as the rules allow. */
cnx_status cnx_detector_estimate(cnx_detector *det, int width, int height,
                                 const cnx_detect_request *request, /* its image is not looked at */
                                 cnx_estimate *out, cnx_error *err);

/*
 * The plans of the network's dense layers: of backbone, pyramid and RPN for an input of h x w, and,
 * for one region, of all box heads and of all mask heads.  The detector's, until the next call that
 * needs a plan of another size.  The last two tell of layers and costs; what runs are the same layers
 * over many regions at a time.
 */
typedef struct cnx_detector_plans {
    const cnx_plan *dense, *boxes, *masks;
} cnx_detector_plans;
cnx_status cnx_detector_plan_of(cnx_detector *det, int h, int w, cnx_detector_plans *out,
                                cnx_error *err);

#endif
