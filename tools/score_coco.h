/* cnx score for COCO's files: results against annotations. */
#ifndef CNX_TOOLS_SCORE_COCO_H
#define CNX_TOOLS_SCORE_COCO_H

#include "tools/coco_args.h"

typedef struct cnx_score_coco {
    const char *pred, *truth;
    const cnx_coco_args *args;
    const char *csv, *per_image; /* NULL: not wanted */
    bool json, overwrite, quiet;
    int threads;
} cnx_score_coco;

/* Whether the two are files of COCO's form rather than label maps: the first byte, or the name, tells. */
bool cnx_is_coco_file(const char *path);

/* Scores, prints and writes; returns the exit code. */
int cnx_score_coco_run(const cnx_score_coco *run);

#endif
