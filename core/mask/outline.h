/*
 * Polygons around a mask: its outer edges, through the middles of the pixels' sides.  Pixels that
 * touch at a corner belong together; holes are filled, since a list of polygons has none.
 *
 * Each pixel's centre lies inside or outside as the mask says, so that COCO's rasteriser makes the
 * same mask of them again (holes apart).
 */
#ifndef CNX_CORE_MASK_OUTLINE_H
#define CNX_CORE_MASK_OUTLINE_H

#include "core/mask/rle.h"

/* Coordinates are those of pixel corners: (0, 0) is the corner of the mask, (w, h) the opposite one. */
typedef struct cnx_outline {
    double *xy; /* owned; [starts[count]][2] */
    size_t
        *starts;  /* owned; [count + 1]: polygon i has the points starts[i] .. starts[i + 1] - 1 */
    size_t count; /* polygons, each of at least 3 points */
} cnx_outline;

/* tolerance: points are left out as long as the polygon stays so near to the edge, in pixels; 0: only
 * those on straight lines.  A mask without a pixel has no polygon. */
cnx_status cnx_outline_trace(cnx_outline *out, const cnx_rle *mask, double tolerance,
                             cnx_error *err);
void cnx_outline_free(cnx_outline *outline); /* accepts a zeroed one */

/*
 * All polygons as one, for formats that know one for each thing: each next one is joined to what is
 * there by a line to the nearest point and back.  xy: [points][2], the caller frees it.
 */
cnx_status cnx_outline_join(double **xy, size_t *points, const cnx_outline *outline,
                            cnx_error *err);

#endif
