/* What cnx score and cnx eval coco do once detections have been scored: files, tables, JSON. */
#ifndef CNX_TOOLS_COCO_RESULTS_H
#define CNX_TOOLS_COCO_RESULTS_H

#include "eval/coco_errors.h"
#include "eval/coco_report.h"
#include "tools/coco_args.h"

/* What was scored; only kinds that the scorer's params have are filled. */
typedef struct cnx_coco_results {
    cnx_coco_scorer *scorer; /* borrowed */
    cnx_coco_scores scores[CNX_COCO_KINDS];
    bool has_errors;
    cnx_coco_errors errors[CNX_COCO_KINDS];
} cnx_coco_results;

/* Scores what the scorer has; release with cnx_coco_results_free, also after a failure. */
cnx_status cnx_coco_results_make(cnx_coco_results *out, cnx_coco_scorer *scorer, cnx_error *err);
void cnx_coco_results_free(cnx_coco_results *results);

/* Would files of results replace what may not be replaced?  csv, per_image, arrays: NULL when not given. */
cnx_status cnx_coco_results_check(const char *csv, const char *per_image, const char *arrays,
                                  const cnx_coco_params *params, const char *const *sources,
                                  size_t source_count, bool overwrite, cnx_error *err);
/* Writes them. */
cnx_status cnx_coco_results_write(const cnx_coco_results *results, const char *csv,
                                  const char *per_image, const char *arrays, cnx_error *err);

/* Tables and the twelve lines of each kind. */
void cnx_coco_results_print(FILE *to, const cnx_coco_results *results);
/* "bbox":{...},"segm":{...},"params":{...} without braces, so that a caller can add its own. */
void cnx_coco_results_print_members(FILE *to, const cnx_coco_results *results);

/* Warnings about what was scored but looks wrong: unknown categories, NaN, ids that stand twice. */
void cnx_coco_results_warn(const cnx_coco_results *results);

#endif
