/* How the lists of an annotation file become a cnx_coco_truth; for truth.c alone. */
#ifndef CNX_CORE_COCO_TRUTH_READ_H
#define CNX_CORE_COCO_TRUTH_READ_H

#include "core/coco/block.h"
#include "core/coco/truth.h"
#include "core/json_stream.h"

enum { CNX_COCO_IMAGES, CNX_COCO_ANNOTATIONS, CNX_COCO_CATEGORIES, CNX_COCO_LISTS };
extern const char *const cnx_coco_list_names[CNX_COCO_LISTS];

typedef struct cnx_coco_truth_reader {
    cnx_coco_truth *truth;
    cnx_coco_truth_options options;
    bool seen[CNX_COCO_LISTS];
    size_t room[CNX_COCO_LISTS]; /* of the truth's lists */
} cnx_coco_truth_reader;

/* A cnx_json_member; user is the reader. */
cnx_status cnx_coco_truth_member(void *user, const cnx_json_file *file, const cnx_json_text *key,
                                 char first_byte, uint64_t *offset, cnx_error *err);

#endif
