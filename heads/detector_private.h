/* The detector's own data, shared by the files that open it and run it. */
#ifndef CNX_HEADS_DETECTOR_PRIVATE_H
#define CNX_HEADS_DETECTOR_PRIVATE_H

#include "core/memory.h"
#include "heads/detect_layout.h"
#include "heads/detector.h"
#include "heads/detector_net.h"
#include "heads/network.h"

typedef struct cnx_detect_network {
    cnx_network base;
    cnx_detector_net *net;
} cnx_detect_network;

struct cnx_detector {
    cnx_detect_network *network;
    int threads;
    size_t max_memory;
    cnx_plan *plan; /* owned; for an input of plan_h x plan_w, NULL before the first */
    int plan_h, plan_w;
    cnx_detector_maps maps;
    cnx_plan *boxes, *masks; /* owned; for one region, for what they tell; NULL before the first */
    cnx_kept arena, scratch; /* of the plan; of the RoI heads */
};

/* Makes det->plan the plan for this input size. */
cnx_status cnx_detector_plan(cnx_detector *det, int h, int w, cnx_error *err);
/* Bytes of the RoI heads' scratch for a pass. */
size_t cnx_detector_scratch(const cnx_detector *det, const cnx_detect_pass *pass, bool no_masks);
/* The most regions that a pass can propose, and all that may come of several passes. */
int cnx_detector_regions(const cnx_detector *det, const cnx_detect_layout *layout);
/* Adds up what a layout needs; leaves the plan of the last pass behind. */
cnx_status cnx_detector_measure(cnx_detector *det, const cnx_detect_layout *layout,
                                const cnx_detect_request *request, cnx_detect_estimate *out,
                                cnx_error *err);

#endif
