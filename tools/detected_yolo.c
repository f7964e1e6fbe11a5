/* YOLO's label file of a picture: a line a thing, class index and coordinates as shares of the picture's
 * size; a polygon where there is a mask, else centre, width and height of the box. */
#include <stdlib.h>

#include "tools/detected.h"

static void put_polygon(FILE *to, const cnx_detected *d, const double *xy, size_t points)
{
    for (size_t i = 0; i < points; i++)
        fprintf(to, " %.6f %.6f", xy[2 * i] / d->found->width, xy[2 * i + 1] / d->found->height);
}

static void put_box(FILE *to, const cnx_detected *d, const double corners[4])
{
    fprintf(to, " %.6f %.6f %.6f %.6f", (corners[0] + corners[2]) / 2 / d->found->width,
            (corners[1] + corners[3]) / 2 / d->found->height,
            (corners[2] - corners[0]) / d->found->width,
            (corners[3] - corners[1]) / d->found->height);
}

/* A line holds one polygon: the parts of a mask in several pieces are joined.  A mask without a pixel
 * has the corners of its box, so that a file has lines of one kind. */
static cnx_status put_mask(FILE *to, const cnx_detected *d, const cnx_detection *detection,
                           const double corners[4], cnx_error *err)
{
    cnx_outline outline;
    double *xy = NULL;
    size_t points = 0;
    CNX_TRY(cnx_detected_outline(&outline, d, detection, err));
    const cnx_status status = cnx_outline_join(&xy, &points, &outline, err);
    cnx_outline_free(&outline);
    CNX_TRY(status);
    const double box[8] = {corners[0], corners[1], corners[2], corners[1],
                           corners[2], corners[3], corners[0], corners[3]};
    put_polygon(to, d, points ? xy : box, points ? points : 4);
    free(xy);
    return CNX_OK;
}

cnx_status cnx_detected_yolo(FILE *to, const cnx_detected *d, cnx_error *err)
{
    for (size_t i = 0; i < d->count; i++) {
        const cnx_detection *detection = cnx_detected_at(d, i);
        double corners[4];
        cnx_detected_corners(corners, d, detection);
        fprintf(to, "%d", detection->label);
        if (cnx_detected_has_mask(detection))
            CNX_TRY(put_mask(to, d, detection, corners, err));
        else
            put_box(to, d, corners);
        fputc('\n', to);
    }
    return CNX_OK;
}
