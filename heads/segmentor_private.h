/* The segmentor's own data, shared by the files that open it and run it. */
#ifndef CNX_HEADS_SEGMENTOR_PRIVATE_H
#define CNX_HEADS_SEGMENTOR_PRIVATE_H

#include "heads/runner.h"
#include "heads/segment_layout.h"
#include "heads/segmentor.h"

typedef struct cnx_segment_network {
    cnx_network base;
    int direct; /* convolutions that Winograd does not do: see cnx_upernet_open */
    cnx_upernet *head;
} cnx_segment_network;

/* The external maps of its plans. */
enum { CNX_SEGMENT_INPUT, CNX_SEGMENT_LOGITS };

struct cnx_segmentor {
    cnx_runner base;
    size_t beside;
};

/* All network runs of a picture, and no rows: *out has the logits, for cnx_segment_rows_run.  The caller
 * closes it; on failure it is zeroed. */
cnx_status cnx_segmentor_hold(cnx_segmentor *seg, const cnx_segment_request *request,
                              cnx_segment_layout *out, cnx_segment_stats *stats, cnx_error *err);
/* Adds up what a layout needs, with small tiles if it would be too much without; leaves the plan of
 * the last pass behind. */
cnx_status cnx_segmentor_measure(cnx_segmentor *seg, const cnx_segment_layout *layout,
                                 cnx_estimate *out, cnx_error *err);
/* Where in the arena, in bytes, a picture with this layout has the network's input or its logits for seg's
 * plan.  CNX_NO_ROOM: in memory of their own, as logits of several windows, which outlast a run. */
size_t cnx_segmentor_place(const cnx_segmentor *seg, const cnx_segment_layout *layout,
                           int external);
/* The least number of direct convolutions with which most of the expected pictures fit into
 * max_memory. */
cnx_status cnx_segmentor_choose_direct(int *direct, cnx_model_file *file,
                                       const cnx_model_options *options,
                                       const cnx_segment_prospect *prospect, cnx_error *err);

#endif
