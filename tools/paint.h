/* Things drawn into a picture: masks, outlines, names. */
#ifndef CNX_TOOLS_PAINT_H
#define CNX_TOOLS_PAINT_H

#include "core/image/image.h"
#include "core/mask/rle.h"

/* All borrowed. */
typedef struct cnx_painted {
    const cnx_rle *mask; /* of the picture's size; NULL: the box is drawn instead */
    double corners[4];   /* x1 y1 x2 y2 of the box */
    uint8_t rgb[3];
    const char *tag; /* written at the box; NULL: nothing is */
} cnx_painted;

/* opacity: how much a mask's colour covers, 0..1.  The first thing comes on top of the others, and tags
 * on top of everything. */
cnx_status cnx_paint(cnx_image *image, const cnx_painted *things, size_t count, double opacity,
                     cnx_error *err);

#endif
