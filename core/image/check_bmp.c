/* BMP: the header, and enough bytes for the rows. */
#include "core/image/check.h"

enum { FILE_HEADER = 14, CORE_HEADER = 12, INFO_HEADER = 40 };
enum { UNCOMPRESSED = 0, RLE8 = 1, RLE4 = 2, BITFIELDS = 3 };

typedef struct bmp_header {
    uint32_t pixels_at, header_size;
    int64_t width, height; /* height < 0: the top row comes first */
    uint32_t bits, compression, colours;
} bmp_header;

static cnx_status read_bmp_header(const cnx_picture *picture, bmp_header *out, cnx_error *err)
{
    const uint8_t *p = picture->bytes;
    CNX_FAIL_IF(picture->size < FILE_HEADER + CORE_HEADER, CNX_ERR_FORMAT,
                "the BMP file ends inside its header");
    *out = (bmp_header){.pixels_at = cnx_le32(p + 10), .header_size = cnx_le32(p + 14)};
    p += FILE_HEADER;
    CNX_FAIL_IF(out->header_size != CORE_HEADER && out->header_size < INFO_HEADER,
                CNX_ERR_UNSUPPORTED, "the BMP header has %u bytes; expected 12, or at least 40",
                out->header_size);
    CNX_FAIL_IF(out->header_size > picture->size - FILE_HEADER, CNX_ERR_FORMAT,
                "the BMP file ends inside its header");
    if (out->header_size == CORE_HEADER) {
        out->width = cnx_le16(p + 4);
        out->height = cnx_le16(p + 6);
        out->bits = cnx_le16(p + 10);
        return CNX_OK;
    }
    out->width = (int32_t)cnx_le32(p + 4);
    out->height = (int32_t)cnx_le32(p + 8);
    out->bits = cnx_le16(p + 14);
    out->compression = cnx_le32(p + 16);
    out->colours = cnx_le32(p + 32);
    return CNX_OK;
}

static cnx_status check_bmp_kind(const bmp_header *bmp, cnx_error *err)
{
    CNX_FAIL_IF(bmp->compression == RLE8 || bmp->compression == RLE4, CNX_ERR_UNSUPPORTED,
                "is a run-length compressed BMP, which is not read; save it as PNG");
    const bool plain =
        bmp->compression == UNCOMPRESSED && (bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8 ||
                                             bmp->bits == 16 || bmp->bits == 24 || bmp->bits == 32);
    const bool masked = bmp->compression == BITFIELDS && (bmp->bits == 16 || bmp->bits == 32);
    CNX_FAIL_IF(!plain && !masked, CNX_ERR_UNSUPPORTED,
                "is a BMP with %u bits a pixel and compression %u, which is not read", bmp->bits,
                bmp->compression);
    return CNX_OK;
}

cnx_status cnx_check_bmp(cnx_picture *picture, cnx_error *err)
{
    bmp_header bmp;
    CNX_TRY(read_bmp_header(picture, &bmp, err));
    CNX_TRY(check_bmp_kind(&bmp, err));
    CNX_FAIL_IF(bmp.width < 0, CNX_ERR_FORMAT, "the BMP header says a width of %lld",
                (long long)bmp.width);
    const int64_t height = bmp.height < 0 ? -bmp.height : bmp.height;
    CNX_TRY(cnx_picture_set_size(picture, (uint64_t)bmp.width, (uint64_t)height, err));

    size_t front = FILE_HEADER + (size_t)bmp.header_size;
    if (bmp.bits <= 8) {
        CNX_FAIL_IF(bmp.colours > 256, CNX_ERR_FORMAT,
                    "the BMP palette has %u colours; at most 256", bmp.colours);
        const size_t colours = bmp.colours ? bmp.colours : (size_t)1 << bmp.bits;
        front += colours * (bmp.header_size == CORE_HEADER ? 3 : 4);
    }
    const uint64_t row = ((uint64_t)bmp.width * bmp.bits + 31) / 32 * 4;
    const uint64_t end = bmp.pixels_at + row * (uint64_t)height;
    CNX_FAIL_IF(front > picture->size || end > picture->size, CNX_ERR_FORMAT,
                "the BMP file ends early: %lld x %lld pixels of %u bits need %llu bytes, it has "
                "%zu",
                (long long)bmp.width, (long long)height, bmp.bits, (unsigned long long)end,
                picture->size);
    return CNX_OK;
}
