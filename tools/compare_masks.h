/* Two folders of label maps without a truth: how many pixels changed, and from what to what. */
#ifndef CNX_TOOLS_COMPARE_MASKS_H
#define CNX_TOOLS_COMPARE_MASKS_H

#include <stdio.h>

#include "datasets/classes.h"
#include "tools/score_run.h"

typedef struct cnx_mask_comparison {
    const char *names[2];
    const cnx_mask_pairs *pairs;
    const cnx_score_run *run;   /* the first folder counted as predictions, the second as truth */
    const cnx_classes *classes; /* NULL: labels have no names */
    size_t top;                 /* 0: all */
} cnx_mask_comparison;

cnx_status cnx_mask_comparison_print(FILE *to, const cnx_mask_comparison *comparison, bool json,
                                     cnx_error *err);

#endif
