/* Files of pixels to cnx_image: check, decode, turn. */
#include <limits.h>
#include <string.h>

#include "core/file.h"
#include "core/image/check.h"
#include "core/image/codec.h"
#include "core/image/image.h"
#include "core/image/orient.h"

cnx_status cnx_picture_set_size(cnx_picture *picture, uint64_t width, uint64_t height,
                                cnx_error *err)
{
    CNX_FAIL_IF(width == 0 || height == 0, CNX_ERR_FORMAT,
                "the header says %llu x %llu pixels; a picture has at least 1 x 1",
                (unsigned long long)width, (unsigned long long)height);
    CNX_FAIL_IF(width > CNX_IMAGE_MAX_SIDE || height > CNX_IMAGE_MAX_SIDE, CNX_ERR_FORMAT,
                "the header says %llu x %llu pixels; neither side may have more than %d",
                (unsigned long long)width, (unsigned long long)height, CNX_IMAGE_MAX_SIDE);
    CNX_FAIL_IF(width * height > picture->max_pixels, CNX_ERR_FORMAT,
                "the header says %llu x %llu = %llu pixels; the limit is %zu",
                (unsigned long long)width, (unsigned long long)height,
                (unsigned long long)(width * height), picture->max_pixels);
    picture->width = (int)width;
    picture->height = (int)height;
    return CNX_OK;
}

static bool starts_with(const cnx_picture *picture, const char *text, size_t length)
{
    return picture->size >= length && memcmp(picture->bytes, text, length) == 0;
}

static bool looks_like_text(const cnx_picture *picture)
{
    const size_t end = picture->size < 64 ? picture->size : 64;
    for (size_t i = 0; i < end; i++) {
        const uint8_t c = picture->bytes[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F)
            return false;
    }
    return true;
}

static cnx_status fail_unknown(const cnx_picture *picture, cnx_error *err)
{
    static const char *const known = "known are JPEG, PNG, BMP, PBM, PGM, PPM, TIFF and WebP";
    size_t at = 0;
    while (at < picture->size && strchr(" \t\r\n", picture->bytes[at]) && picture->bytes[at])
        at++;
    CNX_FAIL_IF(at < picture->size && picture->bytes[at] == '<', CNX_ERR_FORMAT,
                "is not a picture: it looks like HTML or XML (a web page saved instead of the "
                "picture?)");
    CNX_FAIL_IF(looks_like_text(picture), CNX_ERR_FORMAT,
                "is not a picture: it looks like text; %s", known);
    CNX_FAIL_IF(starts_with(picture, "GIF8", 4), CNX_ERR_UNSUPPORTED,
                "is a GIF, which cannot be read; %s", known);
    CNX_FAIL_IF(
        picture->size >= 12 && memcmp(picture->bytes + 4, "ftyp", 4) == 0, CNX_ERR_UNSUPPORTED,
        "is a HEIF, AVIF or video file, which cannot be read; %s (convert it first)", known);
    return cnx_fail(err, CNX_ERR_FORMAT, "is not a picture of a known format; %s", known);
}

cnx_status cnx_check_picture(cnx_picture *picture, cnx_error *err)
{
    picture->orientation = 1;
    CNX_FAIL_IF(picture->size == 0, CNX_ERR_FORMAT, "is empty");
    CNX_FAIL_IF(picture->size > INT_MAX, CNX_ERR_FORMAT,
                "has %zu bytes; a picture file may have at most %d", picture->size, INT_MAX);
    if (starts_with(picture, "\xFF\xD8\xFF", 3))
        return cnx_check_jpeg(picture, err);
    if (starts_with(picture, "\x89PNG\r\n\x1A\n", 8))
        return cnx_check_png(picture, err);
    if (starts_with(picture, "BM", 2) && picture->size >= 4 && !looks_like_text(picture))
        return cnx_check_bmp(picture, err);
    if (picture->size >= 3 && picture->bytes[0] == 'P' && picture->bytes[1] >= '1' &&
        picture->bytes[1] <= '6' && picture->bytes[2] && strchr(" \t\r\n\v\f", picture->bytes[2]))
        return cnx_check_pnm(picture, err);
    if (starts_with(picture, "II*\0", 4) || starts_with(picture, "MM\0*", 4))
        return cnx_check_tiff(picture, err);
    if (starts_with(picture, "RIFF", 4) && picture->size >= 12 &&
        memcmp(picture->bytes + 8, "WEBP", 4) == 0)
        return cnx_check_webp(picture, err);
    return fail_unknown(picture, err);
}

static cnx_picture picture_of(const void *bytes, size_t size, const cnx_decode_options *options,
                              bool whole)
{
    const size_t limit = options && options->max_pixels ? options->max_pixels : (size_t)1 << 30;
    return (cnx_picture){.bytes = bytes, .size = size, .max_pixels = limit, .whole = whole};
}

static int effective_orientation(const cnx_picture *picture, const cnx_decode_options *options)
{
    const bool ignored = options && options->ignore_exif && !picture->orientation_kept;
    return ignored ? 1 : picture->orientation;
}

/* OpenCV's channel order is blue, green, red. */
static void swap_red_and_blue(cnx_image *image)
{
    const size_t bytes = 3 * (size_t)image->width * (size_t)image->height;
    for (size_t i = 0; i < bytes; i += 3) {
        const uint8_t blue = image->data[i];
        image->data[i] = image->data[i + 2];
        image->data[i + 2] = blue;
    }
}

static cnx_status decode_pixels(cnx_image *image, const cnx_picture *picture, cnx_error *err)
{
    const uint8_t *bytes = picture->rewrite.data ? picture->rewrite.data : picture->bytes;
    const size_t size = picture->rewrite.data ? picture->rewrite.size : picture->size;
    const cnx_codec *codec;
    CNX_TRY(cnx_codec_get(&codec, err));
    switch (codec->decode(image->data, image->width, image->height, bytes, size, picture->noisy)) {
    case CNX_CODEC_OK:
        swap_red_and_blue(image);
        return CNX_OK;
    case CNX_CODEC_MEMORY:
        return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory to decode %d x %d pixels",
                        image->width, image->height);
    case CNX_CODEC_OVERSIZE:
        return cnx_fail(err, CNX_ERR_FORMAT,
                        "%d x %d pixels are above the limits set by the environment variables "
                        "OPENCV_IO_MAX_IMAGE_WIDTH, _HEIGHT or _PIXELS",
                        image->width, image->height);
    case CNX_CODEC_DAMAGED:
        break;
    }
    return cnx_fail(err, CNX_ERR_FORMAT,
                    "cannot be decoded: it is damaged, or of a variant that OpenCV does not read");
}

cnx_status cnx_image_decode(cnx_image *out, const void *bytes, size_t size, const char *name,
                            const cnx_decode_options *options, cnx_error *err)
{
    *out = (cnx_image){0};
    cnx_picture picture = picture_of(bytes, size, options, true);
    cnx_image image = {0};
    cnx_status status;
    CNX_CHECK(cnx_check_picture(&picture, err));
    CNX_CHECK(cnx_image_alloc(&image, picture.width, picture.height, err));
    CNX_CHECK(decode_pixels(&image, &picture, err));
    CNX_CHECK(cnx_image_orient(&image, effective_orientation(&picture, options), err));
    *out = image;
    image = (cnx_image){0};
cleanup:
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", name);
    cnx_rewrite_free(&picture.rewrite);
    cnx_image_free(&image);
    return status;
}

cnx_status cnx_image_read(cnx_image *out, const char *path, const cnx_decode_options *options,
                          cnx_error *err)
{
    *out = (cnx_image){0};
    cnx_mapping mapping;
    CNX_TRY(cnx_mapping_open(&mapping, path, err));
    const cnx_status status = cnx_image_decode(out, mapping.data, mapping.size, path, options, err);
    cnx_mapping_close(&mapping);
    return status;
}

void cnx_image_prepare(void)
{
    const cnx_codec *codec;
    (void)cnx_codec_get(&codec, NULL);
}

cnx_status cnx_image_probe(const void *bytes, size_t size, const char *name,
                           const cnx_decode_options *options, int *width, int *height,
                           cnx_error *err)
{
    cnx_picture picture = picture_of(bytes, size, options, false);
    const cnx_status status = cnx_check_picture(&picture, err);
    cnx_rewrite_free(&picture.rewrite);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s", name);
        return status;
    }
    const bool turned = cnx_orientation_transposes(effective_orientation(&picture, options));
    *width = turned ? picture.height : picture.width;
    *height = turned ? picture.width : picture.height;
    return CNX_OK;
}
