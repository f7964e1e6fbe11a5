/*
 * What is known of a picture file before anything is decoded: its format, size and orientation, and
 * that it is whole.  The decoders behind OpenCV hide damage (libjpeg fills what is missing with
 * grey), trust sizes, and print; each check_*.c reads its format strictly instead, so that a file
 * that passes decodes without a warning.
 */
#ifndef CNX_CORE_CHECK_H
#define CNX_CORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/image/rewrite.h"
#include "core/status.h"

/* OpenCV's own bound on either side (CV_IO_MAX_IMAGE_WIDTH, CV_IO_MAX_IMAGE_HEIGHT). */
#define CNX_IMAGE_MAX_SIDE (1 << 20)

typedef struct cnx_picture {
    /* The caller's wishes. */
    const uint8_t *bytes; /* the file, borrowed */
    size_t size;
    size_t max_pixels;
    bool whole; /* false: the header is enough */

    /* The check's findings. */
    int width, height;     /* as stored, before any turning */
    int orientation;       /* 1..8 as in EXIF and TIFF; 1: as stored */
    bool orientation_kept; /* a TIFF's own tag, which OpenCV obeys even where EXIF is ignored */
    bool noisy;            /* the decoder may still find damage, and would print it */
    cnx_rewrite rewrite;   /* what to decode instead of bytes, when anything had to be taken out */
} cnx_picture;

/* Each expects the format's signature at bytes; messages do not name the file. */
cnx_status cnx_check_jpeg(cnx_picture *picture, cnx_error *err);
cnx_status cnx_check_png(cnx_picture *picture, cnx_error *err);
cnx_status cnx_check_bmp(cnx_picture *picture, cnx_error *err);
cnx_status cnx_check_pnm(cnx_picture *picture, cnx_error *err);
cnx_status cnx_check_tiff(cnx_picture *picture, cnx_error *err);
cnx_status cnx_check_webp(cnx_picture *picture, cnx_error *err);

/* Tells the format by the first bytes and runs its check. */
cnx_status cnx_check_picture(cnx_picture *picture, cnx_error *err);

/* Records the size that a header claims, once it is known to be positive and within the limits. */
cnx_status cnx_picture_set_size(cnx_picture *picture, uint64_t width, uint64_t height,
                                cnx_error *err);

/* Numbers in files, at any address. */
static inline uint32_t cnx_be16(const uint8_t *p)
{
    return (uint32_t)p[0] << 8 | p[1];
}
static inline uint32_t cnx_be32(const uint8_t *p)
{
    return cnx_be16(p) << 16 | cnx_be16(p + 2);
}
static inline uint32_t cnx_le16(const uint8_t *p)
{
    return (uint32_t)p[1] << 8 | p[0];
}
static inline uint32_t cnx_le32(const uint8_t *p)
{
    return cnx_le16(p + 2) << 16 | cnx_le16(p);
}

#endif
