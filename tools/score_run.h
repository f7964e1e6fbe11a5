/* Pairs of label maps, decoded and counted on all threads. */
#ifndef CNX_TOOLS_SCORE_RUN_H
#define CNX_TOOLS_SCORE_RUN_H

#include "core/image/labels.h"
#include "eval/semantic_scores.h"
#include "tools/mask_pairs.h"
#include "tools/meter.h"

typedef struct cnx_score_options {
    cnx_semantic_rules rules;
    cnx_semantic_score_options scores;
    cnx_label_coding
        coding; /* of the truth; predictions may have one sample a pixel all the same */
    int threads;
    bool strict;     /* values in no bin are an error */
    bool keep_going; /* a pair that fails is left out, and told; otherwise the run ends early */
    bool summaries;  /* scores of each picture */
    cnx_meter *meter;
} cnx_score_options;

/* What came of one pair. */
typedef struct cnx_score_pair {
    bool done;
    char *problem; /* owned; why it was not scored, NULL when it was or when the run ended before */
    int64_t pixels;  /* all */
    int64_t counted; /* those whose truth is a class */
    int64_t hits;
    int64_t beyond[2];            /* pixels in no bin: prediction, truth */
    cnx_semantic_summary summary; /* with `summaries` */
} cnx_score_pair;

typedef struct cnx_score_run {
    cnx_semantic_counts counts; /* of all pairs that were done */
    cnx_score_pair *pairs;      /* [count], in the order of the pairs */
    size_t done, failed;
    bool interrupted;
} cnx_score_run;

/*
 * paths[0] of each pair are predictions, paths[1] the truth.  A pair without a partner has failed.
 * Fails for want of memory, or without keep_going as the first pair that failed; the numbers do not
 * depend on threads.  The caller frees *out in any case.
 */
cnx_status cnx_score_run_do(cnx_score_run *out, const cnx_mask_pairs *pairs,
                            const cnx_mask_folder folders[2], const cnx_score_options *options,
                            cnx_error *err);
void cnx_score_run_free(cnx_score_run *run, const cnx_mask_pairs *pairs);

/* Warnings about what was counted but looks wrong: values in no bin, classes off by one. */
void cnx_score_run_warn(const cnx_score_run *run, const cnx_mask_pairs *pairs,
                        const cnx_score_options *options);

#endif
