/* Classifiers of the same classes that answer together; or one alone. */
#ifndef CNX_HEADS_CLASSIFIER_GROUP_H
#define CNX_HEADS_CLASSIFIER_GROUP_H

#include "heads/classifier.h"
#include "heads/ensemble.h"

/* Zero-initialise. */
typedef struct cnx_classifier_group {
    int count;
    cnx_classifier *members[CNX_MAX_MODELS]; /* owned */
    cnx_pipeline pipelines[CNX_MAX_MODELS];  /* each member's own view of a picture */
    double shares[CNX_MAX_MODELS];           /* add up to one */
    cnx_average average;
} cnx_classifier_group;

void cnx_classifier_group_close(cnx_classifier_group *group); /* accepts a zeroed one */

/* Takes a classifier over; on failure it stays the caller's.  name: what messages call it.  Equal
 * shares for all, until cnx_ensemble_shares says otherwise. */
cnx_status cnx_classifier_group_add(cnx_classifier_group *group, cnx_classifier *cls,
                                    const cnx_pipeline *pipeline, const char *name, cnx_error *err);

/* As the functions of one classifier. */
cnx_status cnx_classifier_group_share(cnx_classifier_group *out, const cnx_classifier_group *of,
                                      int threads, cnx_error *err);
void cnx_classifier_group_trim(cnx_classifier_group *group);
void cnx_classifier_group_set_threads(cnx_classifier_group *group, int threads);
/* The first member's: names and numbers of the classes are those of all. */
const cnx_description *cnx_classifier_group_description(const cnx_classifier_group *group);
size_t cnx_classifier_group_weights_bytes(const cnx_classifier_group *group);

/* All members together. */
cnx_status cnx_classifier_group_estimate(cnx_classifier_group *group, int width, int height,
                                         cnx_estimate *out, cnx_error *err);

/*
 * What a picture gives: logits [classes], averaged where the group does so, and probabilities
 * [classes].  A group of several that averages probabilities has no logits: those are left alone
 * then.  Either may be NULL.
 */
typedef struct cnx_class_scores {
    double *logits, *probabilities; /* the caller's */
} cnx_class_scores;

/* Has the group logits to give? */
bool cnx_classifier_group_has_logits(const cnx_classifier_group *group);

/* request->pipeline is not looked at.  stats: sums, and the first member's input size. */
cnx_status cnx_classifier_group_run(cnx_classifier_group *group,
                                    const cnx_classify_request *request, cnx_class_scores scores,
                                    cnx_classify_stats *stats, cnx_error *err);

/* e^x of each of n, divided by their sum; the largest is subtracted first.  In place. */
void cnx_probabilities(double *x, int n);

/* The k largest of n scores in order, the lowest index among equals; NaN comes last. */
void cnx_top_k(const double *scores, int n, int k, int *out);

#endif
