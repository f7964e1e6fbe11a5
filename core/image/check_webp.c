/* WebP: the RIFF frame, whole, and the size from VP8X, VP8L or VP8. */
#include <string.h>

#include "core/image/check.h"

enum { RIFF_HEADER = 12, CHUNK_HEADER = 8 };

/* The size in a bitstream's own header; false when it is none. */
static bool bitstream_size(const uint8_t *name, const uint8_t *data, uint32_t length,
                           uint32_t *width, uint32_t *height)
{
    if (memcmp(name, "VP8 ", 4) == 0) {
        if (length < 10 || (data[0] & 1) != 0 || memcmp(data + 3, "\x9D\x01\x2A", 3) != 0)
            return false;
        *width = cnx_le16(data + 6) & 0x3FFF;
        *height = cnx_le16(data + 8) & 0x3FFF;
        return true;
    }
    if (length < 5 || data[0] != 0x2F)
        return false;
    const uint32_t packed = cnx_le32(data + 1);
    *width = (packed & 0x3FFF) + 1;
    *height = (packed >> 14 & 0x3FFF) + 1;
    return true;
}

static bool is_bitstream(const uint8_t *name)
{
    return memcmp(name, "VP8 ", 4) == 0 || memcmp(name, "VP8L", 4) == 0;
}

cnx_status cnx_check_webp(cnx_picture *picture, cnx_error *err)
{
    const uint64_t end = (uint64_t)cnx_le32(picture->bytes + 4) + 8;
    CNX_FAIL_IF(end > picture->size, CNX_ERR_FORMAT,
                "the WebP file is cut off: it says %llu bytes and has %zu", (unsigned long long)end,
                picture->size);
    uint64_t at = RIFF_HEADER;
    while (at + CHUNK_HEADER <= end) {
        const uint8_t *chunk = picture->bytes + at;
        const uint32_t length = cnx_le32(chunk + 4);
        CNX_FAIL_IF(length > end - at - CHUNK_HEADER, CNX_ERR_FORMAT,
                    "the WebP chunk at byte %llu reaches beyond the end of the file",
                    (unsigned long long)at);
        CNX_FAIL_IF(memcmp(chunk, "VP8X", 4) == 0 && length >= 1 && (chunk[8] & 2),
                    CNX_ERR_UNSUPPORTED, "is an animated WebP; only still pictures are read");
        uint32_t width, height;
        if (is_bitstream(chunk)) {
            CNX_FAIL_IF(!bitstream_size(chunk, chunk + CHUNK_HEADER, length, &width, &height),
                        CNX_ERR_FORMAT, "the WebP picture has a damaged header");
            picture->noisy = true; /* only libwebp can tell whether the pixels are sound */
            return cnx_picture_set_size(picture, width, height, err);
        }
        at += CHUNK_HEADER + (uint64_t)length + (length & 1);
    }
    return cnx_fail(err, CNX_ERR_FORMAT, "the WebP file holds no picture");
}
