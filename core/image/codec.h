/*
 * The one door to OpenCV.  Pictures pass through core/image/check_*.c first; what arrives here is
 * whole and of known size, so that OpenCV allocates nothing that the header check has not allowed.
 */
#ifndef CNX_CORE_CODEC_H
#define CNX_CORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cnx_codec_result {
    CNX_CODEC_OK,
    CNX_CODEC_DAMAGED,  /* OpenCV could not make a picture of it */
    CNX_CODEC_OVERSIZE, /* above OpenCV's own limits */
    CNX_CODEC_MEMORY
} cnx_codec_result;

/*
 * Decodes the first picture in bytes into bgr[3 * width * height] as cv::imdecode with IMREAD_COLOR
 * does, without turning it by its EXIF orientation.  width and height must be the stored ones: any
 * other size is CNX_CODEC_DAMAGED.  quiet: also holds back what OpenCV would print on standard
 * error; needed for the formats whose damage only the decoder sees.  Nothing is thrown.
 */
cnx_codec_result cnx_codec_decode(uint8_t *bgr, int width, int height, const uint8_t *bytes,
                                  size_t size, bool quiet);

#ifdef __cplusplus
}
#endif
#endif
