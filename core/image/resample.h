/*
 * Pillow's antialiased resize of 8-bit pictures, bit for bit (Pillow 9.4): what the preprocessing of
 * classifiers is made of.  OpenCV's rule, which segmentation and detection use, is
 * cnx_image_resize; never mix them.
 */
#ifndef CNX_CORE_RESAMPLE_H
#define CNX_CORE_RESAMPLE_H

#include "core/image/image.h"

typedef enum cnx_resample_filter {
    CNX_RESAMPLE_BILINEAR,
    CNX_RESAMPLE_BICUBIC
} cnx_resample_filter;

/* A part of a picture. */
typedef struct cnx_image_box {
    int left, top, width, height;
} cnx_image_box;

/* The picture at width x height; `box`: only this part of the result, made without the rest, or NULL
 * for all of it. */
cnx_status cnx_image_resample(cnx_image *out, const cnx_image *in, int width, int height,
                              cnx_resample_filter filter, const cnx_image_box *box, cnx_error *err);
/* Bytes that it needs beside `in`, the result included. */
size_t cnx_image_resample_bytes(int in_width, int in_height, int width, int height,
                                cnx_resample_filter filter, const cnx_image_box *box);

#endif
