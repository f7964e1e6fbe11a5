/* Pictures of a data set through the network, counted against their truth. */
#ifndef CNX_TOOLS_EVAL_RUN_H
#define CNX_TOOLS_EVAL_RUN_H

#include "datasets/dataset.h"
#include "eval/journal.h"
#include "eval/semantic_scores.h"
#include "heads/segmentor.h"
#include "tools/eval_args.h"
#include "tools/meter.h"

/* With more classes than this no confusion matrix is kept. */
#define CNX_EVAL_MATRIX_CLASSES 600

/* What came of one picture. */
typedef struct cnx_eval_picture {
    const cnx_dataset_item *item;
    bool done;
    char *problem;  /* owned; why it was not scored, NULL when it was or its turn never came */
    int64_t pixels; /* whose truth is a class */
    cnx_semantic_summary summary;
} cnx_eval_picture;

typedef struct cnx_eval_run {
    /* filled in by the caller */
    const cnx_eval_args *args;
    const cnx_classes *classes;
    cnx_semantic_rules rules;
    cnx_semantic_score_options scores;
    cnx_segmentor *segmentor; /* holds the weights */
    cnx_pipeline pipeline;
    int threads;
    cnx_journal *journal;
    cnx_meter meter;

    /* what came of it */
    cnx_semantic_counts counts;
    int64_t *confusion;         /* owned, [classes][classes]; NULL with too many classes */
    cnx_eval_picture *pictures; /* owned, [count], in the data set's order */
    size_t count, done, failed;
    bool interrupted;
} cnx_eval_run;

/* Makes room for what comes of `count` pictures from items on. */
cnx_status cnx_eval_run_open(cnx_eval_run *run, const cnx_dataset_item *items, size_t count,
                             cnx_error *err);
void cnx_eval_run_close(cnx_eval_run *run);

/* Takes over a record of the journal: a cnx_journal_record whose user is the run. */
cnx_status cnx_eval_run_restore(void *run, size_t index, const char *text, cnx_error *err);

/*
 * Does all pictures that have not been done.  Each is decoded while others are in the network, and
 * counted row by row as it comes out.  Fails at the first picture that cannot be scored, unless
 * --keep-going is given; `interrupted` tells of a signal.
 */
cnx_status cnx_eval_run_do(cnx_eval_run *run, cnx_error *err);

/* Where --save-pred puts the labels of the picture with this id; the caller frees it. */
cnx_status cnx_eval_saved_path(char **out, const cnx_eval_args *args, const char *id,
                               cnx_error *err);

/* The labels of one picture, [height][width], as the run makes them; the caller frees both. */
cnx_status cnx_eval_run_predict(const cnx_eval_run *run, const cnx_eval_picture *picture,
                                cnx_image *image, uint16_t **labels, cnx_error *err);

#endif
