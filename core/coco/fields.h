/* Fields that COCO's annotations and results share. */
#ifndef CNX_CORE_COCO_FIELDS_H
#define CNX_CORE_COCO_FIELDS_H

#include <stdint.h>

#include "core/json_scan.h"

/* Reads "bbox": four numbers, or none ([], *count 0). */
cnx_status cnx_coco_read_box(double box[4], int *count, cnx_json_scan *scan, cnx_error *err);

/* A whole number; *seen becomes true. */
cnx_status cnx_coco_read_id(int64_t *out, bool *seen, const char *what, cnx_json_scan *scan,
                            cnx_error *err);

/* Puts "id N" before the message, where the object that begins at `begin` has a sound one. */
void cnx_coco_name_by_id(const char *begin, const cnx_json_scan *scan, cnx_error *err);

#endif
