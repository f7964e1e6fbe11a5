/* The report page of an evaluation. */
#ifndef CNX_TOOLS_EVAL_PAGE_H
#define CNX_TOOLS_EVAL_PAGE_H

#include "tools/eval_run.h"

/* The published mIoU of this model with this pipeline, in per cent; NaN when there is none. */
double cnx_eval_published(const cnx_description *description, const cnx_pipeline *pipeline);

/* Writes run->args->report; the pictures that came out worst go through the network once more. */
cnx_status cnx_eval_page_write(const cnx_eval_run *run, const cnx_dataset *dataset, cnx_error *err);

#endif
