/* Pictures of data sets in COCO's form through a detector, their detections into a spool. */
#ifndef CNX_TOOLS_COCO_RUN_H
#define CNX_TOOLS_COCO_RUN_H

#include "datasets/coco_set.h"
#include "eval/journal.h"
#include "heads/detector.h"
#include "tools/coco_spool.h"
#include "tools/eval_coco_args.h"
#include "tools/session.h"

/* One of the run's data sets: the only one, or a domain of COCO-O. */
typedef struct cnx_coco_part {
    const char *name; /* "sketch"; NULL: the only one */
    cnx_coco_set set;
    int *category_ids;   /* owned, [classes]: the set's id of each of the model's classes, or -1 */
    int matched;         /* how many have one */
    size_t skipped;      /* of the set's pictures, before its first one in the run */
    size_t first, count; /* its pictures in the run */
} cnx_coco_part;

typedef struct cnx_coco_picture {
    int part;
    size_t image;  /* index in its set */
    char *problem; /* owned; why it has no detections, NULL when it has or its turn never came */
} cnx_coco_picture;

typedef struct cnx_coco_run {
    const cnx_eval_coco_args *args;
    cnx_session session; /* its inputs are the pictures that are to be done */
    cnx_detector *detector;
    cnx_pipeline pipeline;
    cnx_rcnn_rules rules;
    bool *only;        /* owned, [classes], or NULL */
    bool boxes, masks; /* are scored */

    cnx_coco_part parts[CNX_COCO_O_DOMAINS];
    int part_count;
    cnx_coco_picture *pictures; /* owned, [count] */
    size_t count;
    size_t *pending; /* owned: of each of the session's inputs, its picture */

    char *journal_path, *identity; /* owned */
    cnx_journal *journal;
    cnx_coco_spool spool;
    size_t done, failed; /* of all pictures, earlier runs included */
} cnx_coco_run;

extern const cnx_errand cnx_coco_errand;

/* Those that are not done yet become the session's inputs. */
cnx_status cnx_coco_run_queue(cnx_coco_run *run, cnx_error *err);
/* A picture's image in its data set. */
static inline const cnx_coco_image *cnx_coco_run_image(const cnx_coco_run *run, size_t picture)
{
    const cnx_coco_picture *p = &run->pictures[picture];
    return &run->parts[p->part].set.truth.images[p->image];
}
/* What is found in one picture, as the run finds it; the caller frees both. */
cnx_status cnx_coco_run_detect(cnx_coco_run *run, size_t picture, cnx_image *image,
                               cnx_detections *found, cnx_error *err);

void cnx_coco_run_close(cnx_coco_run *run);

#endif
