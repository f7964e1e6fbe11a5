/* The report page of cnx eval coco and coco-o. */
#ifndef CNX_TOOLS_COCO_PAGE_H
#define CNX_TOOLS_COCO_PAGE_H

#include "tools/coco_scores.h"

/* Writes --report; the pictures that came out worst go through the network once more. */
cnx_status cnx_coco_page_write(cnx_coco_run *run, const cnx_coco_part_scores *scores,
                               cnx_error *err);

#endif
