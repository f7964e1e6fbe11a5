/* What a finished run of cnx eval coco comes to: results files, scored. */
#ifndef CNX_TOOLS_COCO_SCORES_H
#define CNX_TOOLS_COCO_SCORES_H

#include "eval/coco.h"
#include "tools/coco_run.h"

/* One data set of the run. */
typedef struct cnx_coco_part_scores {
    bool kinds[CNX_COCO_KINDS];
    cnx_coco_scorer *scorers[CNX_COCO_KINDS]; /* owned */
    cnx_coco_scores scores[CNX_COCO_KINDS];
    double stats[CNX_COCO_KINDS][CNX_COCO_STATS]; /* over all categories */
} cnx_coco_part_scores;

/* Writes the detections of the part into results files (those of --save-pred, else temporary ones) and
 * scores these.  Release with cnx_coco_part_scores_free, also after a failure. */
cnx_status cnx_coco_part_score(cnx_coco_part_scores *out, const cnx_coco_run *run, int part,
                               cnx_error *err);
void cnx_coco_part_scores_free(cnx_coco_part_scores *scores);

/* Where --save-pred puts them: PREFIX.bbox.json, PREFIX.sketch.bbox.json; the caller frees it. */
char *cnx_coco_saved_path(const cnx_coco_run *run, int part, int kind);

/* COCO-O: the mean over the parts of a box AP (its index in the stats), NaN where one has none. */
double cnx_coco_mean_of_parts(const cnx_coco_part_scores *parts, int count, int stat);

/* Kinds that the run scores. */
void cnx_coco_run_kinds(const cnx_coco_run *run, bool kinds[CNX_COCO_KINDS]);

/* The published box and mask AP of this model in per cent, NaN where none is known. */
void cnx_coco_published(double ap[CNX_COCO_KINDS], const cnx_coco_run *run);

#endif
