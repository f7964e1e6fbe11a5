/* The journal of a run of cnx eval coco. */
#ifndef CNX_TOOLS_COCO_JOURNAL_H
#define CNX_TOOLS_COCO_JOURNAL_H

#include "tools/coco_run.h"

/* Opens journal and spool, once the model is open; what --resume finds there is taken over. */
cnx_status cnx_coco_journal_open(cnx_coco_run *run, cnx_error *err);

#endif
