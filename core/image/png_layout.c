#include "core/image/png_layout.h"

#include <string.h>
#include <zlib.h>

enum { HEADER_LENGTH = 13 };

bool cnx_png_chunk_is(const cnx_png_chunk *chunk, const char *name)
{
    return memcmp(chunk->name, name, 4) == 0;
}

cnx_status cnx_png_read_chunk(cnx_png_chunk *out, const uint8_t *bytes, size_t size, size_t at,
                              cnx_error *err)
{
    CNX_FAIL_IF(at > size || size - at < CNX_PNG_FRAME, CNX_ERR_FORMAT,
                "the PNG file ends early, at byte %zu, before its IEND chunk", size);
    const uint8_t *p = bytes + at;
    *out = (cnx_png_chunk){.at = at, .length = cnx_be32(p), .data = p + 8};
    for (int i = 0; i < 4; i++) {
        const uint8_t c = p[4 + i];
        CNX_FAIL_IF((c | 0x20) < 'a' || (c | 0x20) > 'z', CNX_ERR_FORMAT,
                    "the PNG chunk at byte %zu has a name that is not letters", at);
        out->name[i] = (char)c;
    }
    CNX_FAIL_IF(out->length > size - at - CNX_PNG_FRAME, CNX_ERR_FORMAT,
                "the PNG file ends inside its %s chunk at byte %zu (%u bytes long): it is cut off",
                out->name, at, out->length);
    const uint32_t found = cnx_be32(out->data + out->length);
    const uint32_t expected = (uint32_t)crc32(0, p + 4, 4 + out->length);
    CNX_FAIL_IF(found != expected, CNX_ERR_FORMAT,
                "the PNG chunk %s at byte %zu is damaged: its checksum is %08x, its data give %08x",
                out->name, at, found, expected);
    return CNX_OK;
}

cnx_status cnx_png_check_unknown(const cnx_png_chunk *chunk, cnx_error *err)
{
    CNX_FAIL_IF(!(chunk->name[0] & 0x20), CNX_ERR_UNSUPPORTED,
                "the PNG has a chunk %s that a reader must understand, and this one does not",
                chunk->name);
    return CNX_OK;
}

static bool depth_allowed(int colour, int depth)
{
    switch (colour) {
    case CNX_PNG_GREY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case CNX_PNG_INDEXED:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case CNX_PNG_RGB:
    case CNX_PNG_GREY_ALPHA:
    case CNX_PNG_RGBA:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

static int picked(int size, int first, int step)
{
    return size > first ? (size - first + step - 1) / step : 0;
}

static void plan_passes(cnx_png_layout *layout, int width, int height, bool interlaced)
{
    static const cnx_png_pass plain = {.dx = 1, .dy = 1};
    static const cnx_png_pass adam7[7] = {
        {.x0 = 0, .y0 = 0, .dx = 8, .dy = 8}, {.x0 = 4, .y0 = 0, .dx = 8, .dy = 8},
        {.x0 = 0, .y0 = 4, .dx = 4, .dy = 8}, {.x0 = 2, .y0 = 0, .dx = 4, .dy = 4},
        {.x0 = 0, .y0 = 2, .dx = 2, .dy = 4}, {.x0 = 1, .y0 = 0, .dx = 2, .dy = 2},
        {.x0 = 0, .y0 = 1, .dx = 1, .dy = 2}};
    const size_t bits = (size_t)layout->channels * (size_t)layout->depth;
    layout->passes = interlaced ? 7 : 1;
    for (int i = 0; i < layout->passes; i++) {
        cnx_png_pass pass = interlaced ? adam7[i] : plain;
        pass.width = picked(width, pass.x0, pass.dx);
        pass.height = picked(height, pass.y0, pass.dy);
        if (pass.width == 0 || pass.height == 0)
            pass.width = pass.height = 0;
        pass.row_bytes = ((size_t)pass.width * bits + 7) / 8;
        layout->pass[i] = pass;
    }
}

uint64_t cnx_png_data_bytes(const cnx_png_layout *layout)
{
    uint64_t total = 0;
    for (int i = 0; i < layout->passes; i++)
        total += (uint64_t)layout->pass[i].height * (layout->pass[i].row_bytes + 1);
    return total;
}

cnx_status cnx_png_read_header(cnx_png_layout *out, cnx_picture *picture, cnx_error *err)
{
    static const int channels[] = {[CNX_PNG_GREY] = 1,
                                   [CNX_PNG_RGB] = 3,
                                   [CNX_PNG_INDEXED] = 1,
                                   [CNX_PNG_GREY_ALPHA] = 2,
                                   [CNX_PNG_RGBA] = 4};
    cnx_png_chunk chunk;
    CNX_TRY(cnx_png_read_chunk(&chunk, picture->bytes, picture->size, CNX_PNG_SIGNATURE, err));
    CNX_FAIL_IF(!cnx_png_chunk_is(&chunk, "IHDR") || chunk.length != HEADER_LENGTH, CNX_ERR_FORMAT,
                "the PNG file does not begin with its header: the first chunk is %s, %u bytes",
                chunk.name, chunk.length);
    const uint8_t *p = chunk.data;
    *out = (cnx_png_layout){.depth = p[8], .colour = p[9]};
    CNX_FAIL_IF(!depth_allowed(out->colour, out->depth), CNX_ERR_FORMAT,
                "the PNG header has colour type %d with %d bits, which does not exist", out->colour,
                out->depth);
    CNX_FAIL_IF(p[10] != 0 || p[11] != 0 || p[12] > 1, CNX_ERR_FORMAT,
                "the PNG header has compression %d, filter %d, interlace %d; PNG knows 0, 0 and "
                "0 or 1",
                p[10], p[11], p[12]);
    out->channels = channels[out->colour];
    CNX_TRY(cnx_picture_set_size(picture, cnx_be32(p), cnx_be32(p + 4), err));
    plan_passes(out, picture->width, picture->height, p[12] == 1);
    /* A deflate stream cannot give more than 1032 bytes for each of its own. */
    CNX_FAIL_IF(cnx_png_data_bytes(out) / 1032 > picture->size, CNX_ERR_FORMAT,
                "the header says %d x %d pixels, which %zu bytes of PNG cannot hold",
                picture->width, picture->height, picture->size);
    return CNX_OK;
}

cnx_status cnx_png_check_palette(const cnx_png_layout *layout, const cnx_png_chunk *chunk,
                                 cnx_error *err)
{
    CNX_FAIL_IF(layout->colour == CNX_PNG_GREY || layout->colour == CNX_PNG_GREY_ALPHA,
                CNX_ERR_FORMAT, "the PNG is grey and has a palette");
    const uint32_t limit = layout->colour == CNX_PNG_INDEXED ? 3u << layout->depth : 3u * 256;
    CNX_FAIL_IF(chunk->length == 0 || chunk->length % 3 != 0 || chunk->length > limit,
                CNX_ERR_FORMAT, "the PNG palette has %u bytes; expected triples, at most %u bytes",
                chunk->length, limit);
    return CNX_OK;
}
