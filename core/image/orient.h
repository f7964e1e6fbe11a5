/* Turning and mirroring by the orientation that a camera notes: EXIF tag 0x0112. */
#ifndef CNX_CORE_ORIENT_H
#define CNX_CORE_ORIENT_H

#include "core/image/image.h"

/*
 * The orientation in a TIFF-like block of EXIF data (what follows "Exif\0\0" in a JPEG, or a PNG's
 * eXIf chunk): 1..8, and 1 where there is none.  Reads as OpenCV does: the first directory only,
 * and nothing that comes after an entry whose data lies outside the block.
 */
int cnx_exif_orientation(const uint8_t *data, size_t size);

/* Do width and height change places? */
static inline bool cnx_orientation_transposes(int orientation)
{
    return orientation >= 5 && orientation <= 8;
}

/* Replaces *image by the picture as it is to be seen. */
cnx_status cnx_image_orient(cnx_image *image, int orientation, cnx_error *err);

#endif
