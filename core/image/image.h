/* Pictures: 8-bit RGB in memory, decoding, the 8-bit resize, orientation. */
#ifndef CNX_CORE_IMAGE_H
#define CNX_CORE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* 8-bit RGB, rows without gaps: pixel (y, x) at data + 3 * ((size_t)y * width + x).
 * Zero-initialise; whoever holds it calls cnx_image_free. */
typedef struct cnx_image {
    int width, height;
    uint8_t *data; /* owned */
} cnx_image;

cnx_status cnx_image_alloc(cnx_image *image, int width, int height, cnx_error *err);
void cnx_image_free(cnx_image *image); /* accepts a zeroed one, leaves it zeroed */

typedef struct cnx_decode_options {
    bool ignore_exif;  /* false: EXIF orientation is applied, as OpenCV and mmcv do */
    size_t max_pixels; /* 0: 2^30.  A header that claims more is refused before anything is
                          allocated */
} cnx_decode_options;

/*
 * Decodes as cv2.imread(..., IMREAD_COLOR) does: 8 bits, grey replicated, alpha dropped, 16 bits
 * narrowed as OpenCV does, EXIF orientation applied; then BGR -> RGB.  The format is told by the
 * bytes.  Stricter than OpenCV in one respect: a damaged or truncated file is CNX_ERR_FORMAT, never
 * a picture that is partly grey.  `name` is for messages.
 */
cnx_status cnx_image_decode(cnx_image *out, const void *bytes, size_t size, const char *name,
                            const cnx_decode_options *options, cnx_error *err);
cnx_status cnx_image_read(cnx_image *out, const char *path, const cnx_decode_options *options,
                          cnx_error *err);
/* Loads what decoding needs, which the first picture would else wait for.  For a thread that has
 * nothing else to do; should it fail, the first picture tells why. */
void cnx_image_prepare(void);
/* Width and height from the header, orientation as above; nothing is decoded. */
cnx_status cnx_image_probe(const void *bytes, size_t size, const char *name,
                           const cnx_decode_options *options, int *width, int *height,
                           cnx_error *err);
/* Does this file name end in a suffix of a format that can be decoded?  For listing folders. */
bool cnx_image_suffix_known(const char *path);

/*
 * cv2.resize(..., INTER_LINEAR) on 8-bit data, bit for bit (OpenCV 4.6 without vendor libraries),
 * for any sizes
 * >= 1: fixed point with 11-bit weights, exact halving of both axes by 2x2 means.  This is the
 * resizer of pictures; features and logits go through core/ops.  Never mix them.
 */
cnx_status cnx_image_resize(cnx_image *out, const cnx_image *in, int width, int height,
                            cnx_error *err);

/* Left-right mirror, in place. */
void cnx_image_flip(cnx_image *image);

#endif
