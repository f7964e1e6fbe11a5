/* Regions through the stages of the box heads: each stage moves the boxes that the next one looks at. */
#ifndef CNX_HEADS_CASCADE_H
#define CNX_HEADS_CASCADE_H

#include "heads/roi_heads.h"

typedef struct cnx_cascade {
    const cnx_roi_run *run;
    float width, height; /* of the resized picture, without padding: boxes are clipped to it */
    float *scores;       /* out: [regions][classes + 1], probabilities, background last */
    float *boxes; /* out: [regions][classes][4], or [regions][4] when all classes share one */
    bool (*step)(void *user, int regions); /* after each batch; false stops; may be NULL */
    void *user;
} cnx_cascade;

/* Scores that are no numbers are CNX_ERR_MODEL; CNX_ERR_INTERRUPTED when a step stopped it. */
cnx_status cnx_cascade_run(const cnx_cascade *cascade, const float (*rois)[4], int count,
                           cnx_error *err);

#endif
