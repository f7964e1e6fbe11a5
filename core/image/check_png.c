/*
 * PNG (ISO/IEC 15948), read strictly: the chunks in order with sound CRCs, a sound header, and
 * image data that inflates to exactly the bytes that the header calls for.
 *
 * OpenCV gets the chunks that matter to the pixels and no others: libpng comments on the rest (an
 * odd colour profile, say) on standard error.  Transparency is left out as well, since alpha is
 * dropped in any case.
 */
#include <string.h>
#include <zlib.h>

#include "core/image/check.h"
#include "core/image/orient.h"

enum { SIGNATURE = 8, CHUNK_FRAME = 12, HEADER_LENGTH = 13 };
enum { GREY = 0, RGB = 2, INDEXED = 3, GREY_ALPHA = 4, RGBA = 6 };

typedef struct png_chunk {
    size_t at;           /* of its length field */
    uint32_t length;     /* of its data */
    const uint8_t *data; /* lies wholly inside the file */
    char name[5];
} png_chunk;

/* Rows as they come out of the inflater: a filter byte and row_bytes bytes each. */
typedef struct png_rows {
    uint64_t row_bytes[7]; /* of each pass; one pass unless interlaced; without the filter byte */
    uint64_t rows[7];
    int passes, pass;
    uint64_t row;  /* in this pass */
    uint64_t left; /* bytes of this row still to come; 0: a filter byte is next */
} png_rows;

typedef struct png_state {
    cnx_picture *picture;
    int depth, colour, interlaced;
    bool palette_seen, data_seen, data_over;
    png_rows rows;
    z_stream inflater;
    bool inflating, stream_ended;
} png_state;

static bool chunk_is(const png_chunk *chunk, const char *name)
{
    return memcmp(chunk->name, name, 4) == 0;
}

static cnx_status read_chunk(const cnx_picture *picture, size_t at, png_chunk *out, cnx_error *err)
{
    CNX_FAIL_IF(picture->size - at < CHUNK_FRAME, CNX_ERR_FORMAT,
                "the PNG file ends early, at byte %zu, before its IEND chunk", picture->size);
    const uint8_t *p = picture->bytes + at;
    *out = (png_chunk){.at = at, .length = cnx_be32(p), .data = p + 8};
    for (int i = 0; i < 4; i++) {
        const uint8_t c = p[4 + i];
        CNX_FAIL_IF((c | 0x20) < 'a' || (c | 0x20) > 'z', CNX_ERR_FORMAT,
                    "the PNG chunk at byte %zu has a name that is not letters", at);
        out->name[i] = (char)c;
    }
    CNX_FAIL_IF(out->length > picture->size - at - CHUNK_FRAME, CNX_ERR_FORMAT,
                "the PNG file ends inside its %s chunk at byte %zu (%u bytes long): it is cut off",
                out->name, at, out->length);
    const uint32_t found = cnx_be32(out->data + out->length);
    const uint32_t expected = (uint32_t)crc32(0, p + 4, 4 + out->length);
    CNX_FAIL_IF(found != expected, CNX_ERR_FORMAT,
                "the PNG chunk %s at byte %zu is damaged: its checksum is %08x, its data give %08x",
                out->name, at, found, expected);
    return CNX_OK;
}

static bool depth_allowed(int colour, int depth)
{
    switch (colour) {
    case GREY:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case INDEXED:
        return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case RGB:
    case GREY_ALPHA:
    case RGBA:
        return depth == 8 || depth == 16;
    default:
        return false;
    }
}

static void plan_rows(png_state *png)
{
    static const int channels[] = {
        [GREY] = 1, [RGB] = 3, [INDEXED] = 1, [GREY_ALPHA] = 2, [RGBA] = 4};
    /* Adam7: where each pass starts and its step, across and down. */
    static const int x0[7] = {0, 4, 0, 2, 0, 1, 0}, dx[7] = {8, 8, 4, 4, 2, 2, 1};
    static const int y0[7] = {0, 0, 4, 0, 2, 0, 1}, dy[7] = {8, 8, 8, 4, 4, 2, 2};
    const int bits = channels[png->colour] * png->depth;
    png->rows.passes = png->interlaced ? 7 : 1;
    for (int i = 0; i < png->rows.passes; i++) {
        int width = png->picture->width, height = png->picture->height;
        if (png->interlaced) {
            width = width > x0[i] ? (width - x0[i] + dx[i] - 1) / dx[i] : 0;
            height = height > y0[i] ? (height - y0[i] + dy[i] - 1) / dy[i] : 0;
        }
        png->rows.row_bytes[i] = ((uint64_t)width * (uint64_t)bits + 7) / 8;
        png->rows.rows[i] = width ? (uint64_t)height : 0; /* an empty pass has no rows at all */
    }
}

static uint64_t planned_bytes(const png_rows *rows)
{
    uint64_t total = 0;
    for (int i = 0; i < rows->passes; i++)
        total += rows->rows[i] * (rows->row_bytes[i] + 1);
    return total;
}

static cnx_status read_header(png_state *png, const png_chunk *chunk, cnx_error *err)
{
    cnx_picture *picture = png->picture;
    CNX_FAIL_IF(!chunk_is(chunk, "IHDR") || chunk->length != HEADER_LENGTH, CNX_ERR_FORMAT,
                "the PNG file does not begin with its header: the first chunk is %s, %u bytes",
                chunk->name, chunk->length);
    const uint8_t *p = chunk->data;
    png->depth = p[8];
    png->colour = p[9];
    png->interlaced = p[12];
    CNX_FAIL_IF(!depth_allowed(png->colour, png->depth), CNX_ERR_FORMAT,
                "the PNG header has colour type %d with %d bits, which does not exist", png->colour,
                png->depth);
    CNX_FAIL_IF(p[10] != 0 || p[11] != 0 || png->interlaced > 1, CNX_ERR_FORMAT,
                "the PNG header has compression %d, filter %d, interlace %d; PNG knows 0, 0 and "
                "0 or 1",
                p[10], p[11], png->interlaced);
    CNX_TRY(cnx_picture_set_size(picture, cnx_be32(p), cnx_be32(p + 4), err));
    plan_rows(png);
    /* A deflate stream cannot give more than 1032 bytes for each of its own. */
    CNX_FAIL_IF(planned_bytes(&png->rows) / 1032 > picture->size, CNX_ERR_FORMAT,
                "the header says %d x %d pixels, which %zu bytes of PNG cannot hold",
                picture->width, picture->height, picture->size);
    return CNX_OK;
}

static cnx_status count_bytes(png_rows *rows, const uint8_t *bytes, size_t count, cnx_error *err)
{
    while (count > 0) {
        if (rows->left > 0) {
            const size_t step = count < rows->left ? count : (size_t)rows->left;
            rows->left -= step;
            bytes += step;
            count -= step;
            continue;
        }
        while (rows->pass < rows->passes && rows->row == rows->rows[rows->pass]) {
            rows->pass++;
            rows->row = 0;
        }
        CNX_FAIL_IF(rows->pass == rows->passes, CNX_ERR_FORMAT,
                    "the PNG holds more image data than its header calls for");
        CNX_FAIL_IF(*bytes > 4, CNX_ERR_FORMAT,
                    "the PNG image data are damaged: row %llu has filter %d; there are 0 to 4",
                    (unsigned long long)rows->row, *bytes);
        rows->left = rows->row_bytes[rows->pass];
        rows->row++;
        bytes++;
        count--;
    }
    return CNX_OK;
}

static bool all_rows_seen(const png_rows *rows)
{
    if (rows->left > 0)
        return false;
    for (int i = rows->pass; i < rows->passes; i++)
        if ((i == rows->pass ? rows->row : 0) != rows->rows[i])
            return false;
    return true;
}

/* Inflates one IDAT chunk a piece at a time; nothing is kept. */
static cnx_status read_data(png_state *png, const png_chunk *chunk, cnx_error *err)
{
    uint8_t piece[32768];
    z_stream *z = &png->inflater;
    z->next_in = (uint8_t *)(uintptr_t)chunk->data; /* zlib only reads it */
    z->avail_in = chunk->length;
    while (z->avail_in > 0) {
        CNX_FAIL_IF(png->stream_ended, CNX_ERR_FORMAT,
                    "the PNG holds %u bytes after the end of its compressed image data",
                    z->avail_in);
        int result;
        do {
            z->next_out = piece;
            z->avail_out = sizeof piece;
            result = inflate(z, Z_NO_FLUSH);
            CNX_FAIL_IF(result == Z_MEM_ERROR, CNX_ERR_MEMORY, "not enough memory to inflate");
            CNX_FAIL_IF(result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR,
                        CNX_ERR_FORMAT, "the PNG image data are damaged: %s",
                        z->msg ? z->msg : "they do not inflate");
            CNX_TRY(count_bytes(&png->rows, piece, sizeof piece - z->avail_out, err));
        } while (result == Z_OK && z->avail_out == 0);
        png->stream_ended = result == Z_STREAM_END;
        CNX_FAIL_IF(!png->stream_ended && z->avail_in > 0 && result == Z_BUF_ERROR, CNX_ERR_FORMAT,
                    "the PNG image data are damaged: they do not inflate");
    }
    return CNX_OK;
}

static cnx_status read_palette(png_state *png, const png_chunk *chunk, cnx_error *err)
{
    CNX_FAIL_IF(png->palette_seen || png->data_seen, CNX_ERR_FORMAT,
                "the PNG has a second palette, or one after its image data");
    CNX_FAIL_IF(png->colour == GREY || png->colour == GREY_ALPHA, CNX_ERR_FORMAT,
                "the PNG is grey and has a palette");
    const uint32_t limit = png->colour == INDEXED ? 3u << png->depth : 3u * 256;
    CNX_FAIL_IF(chunk->length == 0 || chunk->length % 3 != 0 || chunk->length > limit,
                CNX_ERR_FORMAT, "the PNG palette has %u bytes; expected triples, at most %u bytes",
                chunk->length, limit);
    png->palette_seen = true;
    return CNX_OK;
}

static cnx_status begin_data(png_state *png, cnx_error *err)
{
    CNX_FAIL_IF(png->data_over, CNX_ERR_FORMAT, "the PNG image data are not in one run of chunks");
    CNX_FAIL_IF(png->colour == INDEXED && !png->palette_seen, CNX_ERR_FORMAT,
                "the PNG refers to a palette but has none before its image data");
    if (!png->data_seen) {
        CNX_FAIL_IF(inflateInit(&png->inflater) != Z_OK, CNX_ERR_MEMORY,
                    "not enough memory to inflate");
        png->inflating = true;
    }
    png->data_seen = true;
    return CNX_OK;
}

/* *kept: the decoder needs this chunk. */
static cnx_status read_body_chunk(png_state *png, const png_chunk *chunk, bool *kept,
                                  cnx_error *err)
{
    *kept = true;
    if (chunk_is(chunk, "IDAT")) {
        CNX_TRY(begin_data(png, err));
        return read_data(png, chunk, err);
    }
    png->data_over = png->data_seen;
    if (chunk_is(chunk, "PLTE"))
        return read_palette(png, chunk, err);
    *kept = false;
    if (chunk_is(chunk, "eXIf") && png->picture->orientation == 1)
        png->picture->orientation = cnx_exif_orientation(chunk->data, chunk->length);
    CNX_FAIL_IF(!(chunk->name[0] & 0x20), CNX_ERR_UNSUPPORTED,
                "the PNG has a chunk %s that a reader must understand, and this one does not",
                chunk->name);
    return CNX_OK;
}

static cnx_status finish(const png_state *png, cnx_error *err)
{
    CNX_FAIL_IF(!png->data_seen, CNX_ERR_FORMAT, "the PNG has no image data");
    CNX_FAIL_IF(!all_rows_seen(&png->rows) || !png->stream_ended, CNX_ERR_FORMAT,
                "the PNG image data end early: fewer rows than the %d that its header says",
                png->picture->height);
    return CNX_OK;
}

static cnx_status read_body(png_state *png, size_t at, cnx_error *err)
{
    cnx_picture *picture = png->picture;
    for (;;) {
        png_chunk chunk;
        bool kept;
        CNX_TRY(read_chunk(picture, at, &chunk, err));
        if (chunk_is(&chunk, "IEND"))
            break;
        CNX_TRY(read_body_chunk(png, &chunk, &kept, err));
        const size_t whole = (size_t)chunk.length + CHUNK_FRAME;
        if (!kept)
            CNX_TRY(cnx_rewrite_edit(&picture->rewrite, picture->bytes, picture->size, at, whole,
                                     NULL, 0, err));
        at += whole;
    }
    CNX_TRY(finish(png, err));
    cnx_rewrite_end(&picture->rewrite, picture->bytes, picture->size);
    return CNX_OK;
}

/* For a probe: the size is known; only an eXIf chunk before the image data can turn it.  One behind
 * the data needs the walk as well, but not the data. */
static cnx_status find_orientation(const cnx_picture *picture, size_t at, int *orientation,
                                   cnx_error *err)
{
    for (;;) {
        png_chunk chunk;
        CNX_TRY(read_chunk(picture, at, &chunk, err));
        if (chunk_is(&chunk, "IEND"))
            return CNX_OK;
        if (chunk_is(&chunk, "eXIf") && *orientation == 1)
            *orientation = cnx_exif_orientation(chunk.data, chunk.length);
        at += (size_t)chunk.length + CHUNK_FRAME;
    }
}

cnx_status cnx_check_png(cnx_picture *picture, cnx_error *err)
{
    png_state png = {.picture = picture};
    png_chunk header;
    CNX_TRY(read_chunk(picture, SIGNATURE, &header, err));
    CNX_TRY(read_header(&png, &header, err));
    const size_t body = SIGNATURE + CHUNK_FRAME + HEADER_LENGTH;
    if (!picture->whole)
        return find_orientation(picture, body, &picture->orientation, err);
    const cnx_status status = read_body(&png, body, err);
    if (png.inflating)
        inflateEnd(&png.inflater);
    return status;
}
