/* TIDE's average precision of a list of detections; for coco_errors.c alone. */
#ifndef CNX_EVAL_COCO_ERROR_AP_H
#define CNX_EVAL_COCO_ERROR_AP_H

#include "eval/coco_private.h"

typedef struct cnx_coco_point {
    double score;
    uint32_t category;
    bool right;
} cnx_coco_point;

/* The mean over categories that have points or truths, -1 when there are none; ties keep the list's order. */
cnx_status cnx_coco_error_ap(double *out, const cnx_coco_point *points, size_t count,
                             const int64_t *truths, size_t categories, cnx_error *err);

#endif
