/* COCO's scores as text, JSON and CSV, and its curves as .npy.  What cannot be written to a stream shows in
 * its error state. */
#ifndef CNX_EVAL_COCO_REPORT_H
#define CNX_EVAL_COCO_REPORT_H

#include <stdio.h>

#include "eval/coco.h"

/* "bbox:", a table by category, and pycocotools' twelve lines.  Fractions; "-" for -1 in the table. */
void cnx_coco_write_text(FILE *to, const cnx_coco_scores *scores, cnx_coco_kind kind);

/*
 * Members of a JSON object, without its braces:
 * "stats":[12 numbers],"areas":[{"name","low","high","AP","AR"}],"classes":[{"id","name","truths","results",
 * "AP","stats"}].  17 significant digits; -1 where there is nothing to score, as pycocotools has it.
 */
void cnx_coco_write_members(FILE *to, const cnx_coco_scores *scores);
/* "iou_thrs":[...],"max_dets":[...],"area_ranges":[...],"agnostic":false,"images":n,"annotations":n */
void cnx_coco_write_params(FILE *to, const cnx_coco_scorer *scorer);

/* A header; then a line for all categories (id empty, name "all") and one for each. */
void cnx_coco_write_csv_header(FILE *to);
void cnx_coco_write_csv(FILE *to, const cnx_coco_scores *scores, cnx_coco_kind kind);

/* pycocotools' arrays, float64: folder/KIND_precision.npy and KIND_scores.npy [T, R, K, A, M], and
 * KIND_recall.npy [T, K, A, M].  `names` has the suffixes ("_precision.npy" ...). */
enum { CNX_COCO_ARRAYS = 3 };
extern const char *const cnx_coco_array_names[CNX_COCO_ARRAYS];
cnx_status cnx_coco_write_array(const char *path, const cnx_coco_scores *scores, int array,
                                cnx_error *err);

#endif
