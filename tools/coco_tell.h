/* What cnx eval coco and coco-o print and store once the scores are there. */
#ifndef CNX_TOOLS_COCO_TELL_H
#define CNX_TOOLS_COCO_TELL_H

#include "tools/coco_scores.h"

/* Tables, or with --json one object, on standard output; warnings.  scores: of each part. */
cnx_status cnx_coco_tell(const cnx_coco_run *run, const cnx_coco_part_scores *scores,
                         cnx_error *err);
/* --csv */
cnx_status cnx_coco_tell_csv(const cnx_coco_run *run, const cnx_coco_part_scores *scores,
                             cnx_error *err);

/* COCO-O's closing numbers, fractions; NaN where they cannot be had. */
typedef struct cnx_coco_robustness {
    double mean;      /* of the domains' box AP */
    double coco;      /* box AP on COCO's val2017: given, or published */
    double effective; /* mean - 0.45 coco, where all six domains were scored */
} cnx_coco_robustness;
cnx_coco_robustness cnx_coco_robustness_of(const cnx_coco_run *run,
                                           const cnx_coco_part_scores *scores);

#endif
