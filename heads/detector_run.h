/* One run of a detector: what its steps, which stand in several files, hand on. */
#ifndef CNX_HEADS_DETECTOR_RUN_H
#define CNX_HEADS_DETECTOR_RUN_H

#include "heads/detections.h"
#include "heads/detector_private.h"
#include "heads/network_input.h"
#include "heads/proposals.h"
#include "heads/roi_heads.h"

/* What is kept of a pass once its dense part has run. */
typedef struct cnx_pass_maps {
    cnx_map levels[CNX_ROI_LEVELS]; /* in the arena, or in `kept` */
    float *kept;                    /* owned; NULL for a single pass */
    cnx_proposals proposals;
} cnx_pass_maps;

typedef struct cnx_detect_run {
    cnx_detector *det;
    const cnx_detect_request *request;
    const cnx_pipeline *pipeline;
    const cnx_rcnn_rules *rules;
    cnx_detect_stats *stats;
    cnx_detect_layout layout;
    cnx_pass_maps passes[2 * CNX_MAX_SCALES];
    double macs_done, macs_total; /* for progress */
    double node_macs;             /* of the plan at hand */
    bool stopped;
} cnx_detect_run;

/* Tells how far the run is; false when it shall stop. */
bool cnx_detect_report(cnx_detect_run *run, double macs_done);

/* What the RoI heads run with on a pass. */
cnx_roi_run cnx_detect_roi_run(const cnx_detect_run *run, int pass);

/* All passes: pyramids and proposals. */
cnx_status cnx_detect_passes(cnx_detect_run *run, cnx_error *err);
/* Proposals of all passes through the box heads, and the choice: *out is to be freed with cnx_free. */
cnx_status cnx_detect_boxes(cnx_detect_run *run, cnx_chosen **out, size_t *count, cnx_error *err);
/* Masks of the chosen, into items [count]. */
cnx_status cnx_detect_masks(cnx_detect_run *run, const cnx_chosen *chosen, size_t count,
                            cnx_detection *items, cnx_error *err);

#endif
