/* OpenCV as it is installed, for comparison. */
#ifndef CNX_TESTS_OPENCV_REFERENCE_H
#define CNX_TESTS_OPENCV_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cv::imdecode in colour, as RGB from malloc; NULL when it reads nothing. */
uint8_t *reference_decode(const uint8_t *bytes, size_t size, bool ignore_exif, int *width,
                          int *height);

/* cv::imdecode of a grey picture as it is: samples of 1 or 2 bytes from malloc; NULL for colours. */
void *reference_decode_grey(const uint8_t *bytes, size_t size, int *width, int *height,
                            int *sample_bytes);

/* cv::imencode of RGB pixels; *bytes from malloc.  options: IMWRITE_ keys and values. */
bool reference_encode(const char *suffix, const uint8_t *rgb, int width, int height,
                      const int *options, int option_count, uint8_t **bytes, size_t *size);

/* cv::resize, INTER_LINEAR, three channels. */
void reference_resize(uint8_t *out, int out_width, int out_height, const uint8_t *in, int width,
                      int height);

#ifdef __cplusplus
}
#endif
#endif
