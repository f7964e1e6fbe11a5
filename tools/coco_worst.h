/* Pictures in which a detector did worst, with truth and prediction drawn. */
#ifndef CNX_TOOLS_COCO_WORST_H
#define CNX_TOOLS_COCO_WORST_H

#include <stdio.h>

#include "tools/coco_scores.h"

/* A detection of at least this score counts in the judgement of a picture, and is drawn. */
#define CNX_COCO_LIKELY 0.5

/* The section of the page. */
cnx_status cnx_coco_page_worst(FILE *to, cnx_coco_run *run, const cnx_coco_part_scores *scores,
                               cnx_error *err);

#endif
