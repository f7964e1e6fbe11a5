/*
 * The one door to OpenCV.  Pictures pass through core/image/check_*.c first; what arrives here is
 * whole and of known size, so that OpenCV allocates nothing that the header check has not allowed.
 */
#ifndef CNX_CORE_CODEC_H
#define CNX_CORE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cnx_codec_result {
    CNX_CODEC_OK,
    CNX_CODEC_DAMAGED,  /* OpenCV could not make a picture of it */
    CNX_CODEC_OVERSIZE, /* above OpenCV's own limits */
    CNX_CODEC_MEMORY
} cnx_codec_result;

/* What a build of OpenCV's half offers. */
typedef struct cnx_codec {
    const char *version; /* CNX_VERSION of the cnx that it was built with */
    /*
     * Decodes the first picture in bytes into bgr[3 * width * height] as cv::imdecode with
     * IMREAD_COLOR does, without turning it by its EXIF orientation.  width and height must be the
     * stored ones: any other size is CNX_CODEC_DAMAGED.  quiet: also holds back what OpenCV would
     * print on standard error; needed for the formats whose damage only the decoder sees.  Nothing
     * is thrown.
     */
    cnx_codec_result (*decode)(uint8_t *bgr, int width, int height, const uint8_t *bytes,
                               size_t size, bool quiet);
} cnx_codec;

/* opencv.cpp's: in a module that is loaded (CNX_IMAGE_MODULE), or linked in. */
#ifdef CNX_IMAGE_MODULE
__attribute__((visibility("default")))
#endif
extern const cnx_codec cnx_opencv_codec;

/*
 * The codec.  OpenCV brings some 140 shared libraries, which a program that decodes nothing should
 * not wait for: as a module it is loaded by the first call, once for all threads.  Looked for: the
 * file that the environment variable CNX_IMAGE_MODULE names, and nothing else if it is set; beside
 * the library or program that this code is part of, as installed; where the dynamic linker looks;
 * where it was to be installed.  CNX_ERR_UNSUPPORTED says what is missing.
 */
cnx_status cnx_codec_get(const cnx_codec **out, cnx_error *err);

#ifdef __cplusplus
}
#endif
#endif
