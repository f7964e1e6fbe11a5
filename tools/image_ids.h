/* Which number a picture has in COCO's files. */
#ifndef CNX_TOOLS_IMAGE_IDS_H
#define CNX_TOOLS_IMAGE_IDS_H

#include "tools/inputs.h"

/*
 * The number that the file is called by: a stem of digits alone ("000000000139"), or COCO_<split>_ and
 * digits ("COCO_val2014_000000000042").  Pictures with other names get the smallest numbers from 1 on
 * that are left, in the order of the inputs.  Two pictures of one number are CNX_ERR_ARGUMENT that
 * names both.  *ids: [inputs->count], the caller frees it.
 */
cnx_status cnx_image_ids_assign(long long **ids, const cnx_inputs *inputs, cnx_error *err);

/* The number in a stem; -1: there is none, or it is beyond 2^53, which not every JSON reader keeps. */
long long cnx_image_id_of(const char *stem);

#endif
