/* Segmentors of the same classes that answer together; or one alone. */
#ifndef CNX_HEADS_SEGMENTOR_GROUP_H
#define CNX_HEADS_SEGMENTOR_GROUP_H

#include "heads/ensemble.h"
#include "heads/segmentor.h"

/* Zero-initialise. */
typedef struct cnx_segmentor_group {
    int count;
    cnx_segmentor *members[CNX_MAX_MODELS]; /* owned */
    cnx_pipeline pipelines[CNX_MAX_MODELS]; /* each member's own */
    double shares[CNX_MAX_MODELS];          /* add up to one */
    cnx_average average;
} cnx_segmentor_group;

void cnx_segmentor_group_close(cnx_segmentor_group *group); /* accepts a zeroed one */

/* Takes a segmentor over; on failure it stays the caller's.  name: what messages call it.  Equal
 * shares for all, until cnx_ensemble_shares says otherwise. */
cnx_status cnx_segmentor_group_add(cnx_segmentor_group *group, cnx_segmentor *seg,
                                   const cnx_pipeline *pipeline, const char *name, cnx_error *err);

/* As the functions of one segmentor. */
cnx_status cnx_segmentor_group_share(cnx_segmentor_group *out, const cnx_segmentor_group *of,
                                     int threads, cnx_error *err);
void cnx_segmentor_group_trim(cnx_segmentor_group *group);
void cnx_segmentor_group_set_threads(cnx_segmentor_group *group, int threads);
void cnx_segmentor_group_set_beside(cnx_segmentor_group *group, size_t bytes);
const cnx_description *cnx_segmentor_group_description(const cnx_segmentor_group *group);
size_t cnx_segmentor_group_weights_bytes(const cnx_segmentor_group *group);
cnx_status cnx_segmentor_group_estimate(cnx_segmentor_group *group, int width, int height,
                                        unsigned want, cnx_estimate *out, cnx_error *err);

/*
 * request->pipeline is not looked at.  With several members, each makes its logits of the whole picture
 * (at a quarter of its size), one member after the other; then the rows are made of all of them, batch
 * by batch.  Averages of probabilities have no logits, and averages of logits need members with one
 * scale and no flip: CNX_ERR_ARGUMENT.
 */
cnx_status cnx_segmentor_group_run(cnx_segmentor_group *group, const cnx_segment_request *request,
                                   cnx_segment_stats *stats, cnx_error *err);

#endif
