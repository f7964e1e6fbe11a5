/*
 * What kinds of errors cost how much AP: the six types of TIDE (Bolya et al., "TIDE: A General Toolbox for
 * Identifying Object Detection Errors", ECCV 2020), by its published rules.
 */
#ifndef CNX_EVAL_COCO_ERRORS_H
#define CNX_EVAL_COCO_ERRORS_H

#include <stdio.h>

#include "eval/coco.h"

typedef enum cnx_coco_error_type {
    CNX_COCO_ERROR_CLASS,      /* well placed on an object of another category */
    CNX_COCO_ERROR_LOCATION,   /* the right category, badly placed */
    CNX_COCO_ERROR_BOTH,       /* another category, and badly placed */
    CNX_COCO_ERROR_DUPLICATE,  /* on an object that a better detection has found */
    CNX_COCO_ERROR_BACKGROUND, /* on nothing */
    CNX_COCO_ERROR_MISSED,     /* an object that no detection comes near */
    CNX_COCO_ERROR_TYPES
} cnx_coco_error_type;
extern const char *const cnx_coco_error_names[CNX_COCO_ERROR_TYPES]; /* "class", "location", ... */

typedef struct cnx_coco_errors {
    double ap;                         /* TIDE's own AP, at an IoU of 0.5 */
    double gain[CNX_COCO_ERROR_TYPES]; /* what AP would gain without errors of the type */
    double false_positives;            /* ... without any false positive */
    double false_negatives;            /* ... without any object that was not found */
    int64_t count[CNX_COCO_ERROR_TYPES];
} cnx_coco_errors;

/* For a scorer opened with params.all_pairs; its thresholds and ranges have no part in this. */
cnx_status cnx_coco_errors_find(cnx_coco_errors *out, const cnx_coco_scorer *scorer,
                                cnx_coco_kind kind, cnx_error *err);

void cnx_coco_errors_write_text(FILE *to, const cnx_coco_errors *errors);
/* "errors":{"AP50":...,"class":{"dAP":...,"count":...},...,"false_positives":{"dAP":...},...} */
void cnx_coco_errors_write_member(FILE *to, const cnx_coco_errors *errors);

#endif
