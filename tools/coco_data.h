/* The data sets of a run of cnx eval coco: opened, their pictures listed, their categories matched. */
#ifndef CNX_TOOLS_COCO_DATA_H
#define CNX_TOOLS_COCO_DATA_H

#include "tools/coco_run.h"

/* Opens what the flags name, decides what is scored, lists the pictures that --skip and --limit leave; fails
 * where one of them is missing, but for --keep-going. */
cnx_status cnx_coco_data_open(cnx_coco_run *run, cnx_error *err);
/* Each part's ids of the model's classes. */
cnx_status cnx_coco_data_match(cnx_coco_run *run, const cnx_description *d, cnx_error *err);
/* What is told before the work begins: the data, and classes and categories without each other. */
void cnx_coco_data_tell(const cnx_coco_run *run);

#endif
