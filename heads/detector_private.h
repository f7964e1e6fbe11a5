/* The detector's own data, shared by the files that open it and run it. */
#ifndef CNX_HEADS_DETECTOR_PRIVATE_H
#define CNX_HEADS_DETECTOR_PRIVATE_H

#include "heads/detect_layout.h"
#include "heads/detector.h"
#include "heads/detector_net.h"
#include "heads/runner.h"

typedef struct cnx_detect_network {
    cnx_network base;
    cnx_detector_net *net;
} cnx_detect_network;

struct cnx_detector {
    cnx_runner base;
    cnx_detector_maps maps;  /* of the plan */
    cnx_plan *boxes, *masks; /* owned; for one region, for what they tell; NULL before the first */
    cnx_kept scratch;        /* of the RoI heads */
};

const cnx_detector_net *cnx_detector_net_of(const cnx_detector *det);
/* Bytes of the RoI heads' scratch for a pass. */
size_t cnx_detector_scratch(const cnx_detector *det, const cnx_detect_pass *pass, bool no_masks);
/* The most regions that a pass can propose, and all that may come of several passes. */
int cnx_detector_regions(const cnx_detector *det, const cnx_detect_layout *layout);
/* Adds up what a layout needs; leaves the plan of the last pass behind. */
cnx_status cnx_detector_measure(cnx_detector *det, const cnx_detect_layout *layout,
                                const cnx_detect_request *request, cnx_estimate *out,
                                cnx_error *err);

#endif
