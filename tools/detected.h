/* What came of one picture, as the formats write it. */
#ifndef CNX_TOOLS_DETECTED_H
#define CNX_TOOLS_DETECTED_H

#include <stdio.h>

#include "core/mask/outline.h"
#include "heads/detector.h"

/* All borrowed. */
typedef struct cnx_detected {
    const cnx_description *description;
    const cnx_detections *found;
    const size_t *order; /* from cnx_detected_order: every file has this one */
    size_t count;        /* of these: all, or those of classes that have an id */
    long long image_id;
    long long first_id; /* of the annotations of a data set: those of this picture count from it */
    const char *file_name;  /* without folders; NULL: records do not tell */
    const char *image_path; /* seen from the folder of the results */
    double tolerance;       /* of polygons, in pixels */
    bool no_boxes;          /* records with a mask have none */
    bool no_masks;          /* records have none */
} cnx_detected;

/* By class, and in a class by descending score: out[i] is the index of the i-th; [found->count].  Returns
 * how many these are: classes whose category id is negative are left out. */
size_t cnx_detected_order(size_t *out, const cnx_detections *found, const cnx_description *d);

/* The i-th. */
static inline const cnx_detection *cnx_detected_at(const cnx_detected *d, size_t i)
{
    return &d->found->items[d->order[i]];
}
static inline bool cnx_detected_has_mask(const cnx_detection *detection)
{
    return detection->mask.counts != NULL;
}
/* x, y, width, height: float32 values subtracted as doubles. */
void cnx_detected_box(double xywh[4], const cnx_detection *detection);
/* The corners x1 y1 x2 y2, moved into the picture. */
void cnx_detected_corners(double corners[4], const cnx_detected *d, const cnx_detection *detection);
/* The mask's polygons, none for a mask without a pixel or where there is no mask. */
cnx_status cnx_detected_outline(cnx_outline *out, const cnx_detected *d,
                                const cnx_detection *detection, cnx_error *err);

/* Each writes the picture's part of a file, or its whole file. */
typedef cnx_status (*cnx_detected_text)(FILE *to, const cnx_detected *d, cnx_error *err);

/* Records of a results file, with ",\n" between them. */
cnx_status cnx_detected_coco(FILE *to, const cnx_detected *d, cnx_error *err);
cnx_status cnx_detected_coco_polygons(FILE *to, const cnx_detected *d, cnx_error *err);
/* Annotations of a data set, likewise; and the entry of its picture. */
cnx_status cnx_detected_annotations(FILE *to, const cnx_detected *d, cnx_error *err);
cnx_status cnx_detected_image(FILE *to, const cnx_detected *d, cnx_error *err);
/* The list of its categories: [...]. */
void cnx_detected_categories(FILE *to, const cnx_description *description);
/* Lines of a CSV file; its first line. */
cnx_status cnx_detected_csv(FILE *to, const cnx_detected *d, cnx_error *err);
extern const char cnx_detected_csv_head[];
/* The picture's own files. */
cnx_status cnx_detected_labelme(FILE *to, const cnx_detected *d, cnx_error *err);
cnx_status cnx_detected_yolo(FILE *to, const cnx_detected *d, cnx_error *err);

#endif
