/* Backbone, pyramid and heads of Mask R-CNN and Cascade Mask R-CNN joined, with the test pipelines:
 * picture in, boxes, scores, classes and masks out. */
#ifndef CNX_HEADS_DETECTOR_H
#define CNX_HEADS_DETECTOR_H

#include "core/image/image.h"
#include "core/mask/rle.h"
#include "heads/model.h"

typedef struct cnx_detection {
    float box
        [4]; /* x1 y1 x2 y2, continuous, in the picture's own pixels; may reach beyond it by rounding */
    float score;  /* probability, 0..1 */
    int label;    /* class index, 0-based; the description's category_ids give the data set's id */
    cnx_rle mask; /* of the whole picture's size; zeroed when masks were not wanted */
} cnx_detection;

/* What came of one picture, by descending score. */
typedef struct cnx_detections {
    cnx_detection *items; /* owned, [count], masks included */
    size_t count;
    int width, height; /* the picture's */
} cnx_detections;

void cnx_detections_free(cnx_detections *d); /* accepts a zeroed one */

#endif
