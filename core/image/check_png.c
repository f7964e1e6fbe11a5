/*
 * PNG (ISO/IEC 15948), read strictly: the chunks in order with sound CRCs, a sound header, and
 * image data that inflates to exactly the bytes that the header calls for.
 *
 * OpenCV gets the chunks that matter to the pixels and no others: libpng comments on the rest (an
 * odd colour profile, say) on standard error.  Transparency is left out as well, since alpha is
 * dropped in any case.
 */
#include <zlib.h>

#include "core/image/orient.h"
#include "core/image/png_filter.h"
#include "core/image/png_layout.h"

/* Rows as they come out of the inflater: a filter byte and row_bytes bytes each. */
typedef struct png_rows {
    cnx_png_layout layout;
    int pass;
    int row;     /* in this pass */
    size_t left; /* bytes of this row still to come; 0: a filter byte is next */
} png_rows;

typedef struct png_state {
    cnx_picture *picture;
    bool palette_seen, data_seen, data_over;
    png_rows rows;
    z_stream inflater;
    bool inflating, stream_ended;
} png_state;

static cnx_status count_bytes(png_rows *rows, const uint8_t *bytes, size_t count, cnx_error *err)
{
    const cnx_png_layout *layout = &rows->layout;
    while (count > 0) {
        if (rows->left > 0) {
            const size_t step = count < rows->left ? count : rows->left;
            rows->left -= step;
            bytes += step;
            count -= step;
            continue;
        }
        while (rows->pass < layout->passes && rows->row == layout->pass[rows->pass].height) {
            rows->pass++;
            rows->row = 0;
        }
        CNX_FAIL_IF(rows->pass == layout->passes, CNX_ERR_FORMAT,
                    "the PNG holds more image data than its header calls for");
        CNX_FAIL_IF(*bytes >= CNX_PNG_FILTERS, CNX_ERR_FORMAT,
                    "the PNG image data are damaged: row %d has filter %d; there are 0 to 4",
                    rows->row, *bytes);
        rows->left = layout->pass[rows->pass].row_bytes;
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
    for (int i = rows->pass; i < rows->layout.passes; i++)
        if ((i == rows->pass ? rows->row : 0) != rows->layout.pass[i].height)
            return false;
    return true;
}

/* Inflates one IDAT chunk a piece at a time; nothing is kept. */
static cnx_status read_data(png_state *png, const cnx_png_chunk *chunk, cnx_error *err)
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

static cnx_status read_palette(png_state *png, const cnx_png_chunk *chunk, cnx_error *err)
{
    CNX_FAIL_IF(png->palette_seen || png->data_seen, CNX_ERR_FORMAT,
                "the PNG has a second palette, or one after its image data");
    CNX_TRY(cnx_png_check_palette(&png->rows.layout, chunk, err));
    png->palette_seen = true;
    return CNX_OK;
}

static cnx_status begin_data(png_state *png, cnx_error *err)
{
    CNX_FAIL_IF(png->data_over, CNX_ERR_FORMAT, "the PNG image data are not in one run of chunks");
    CNX_FAIL_IF(png->rows.layout.colour == CNX_PNG_INDEXED && !png->palette_seen, CNX_ERR_FORMAT,
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
static cnx_status read_body_chunk(png_state *png, const cnx_png_chunk *chunk, bool *kept,
                                  cnx_error *err)
{
    *kept = true;
    if (cnx_png_chunk_is(chunk, "IDAT")) {
        CNX_TRY(begin_data(png, err));
        return read_data(png, chunk, err);
    }
    png->data_over = png->data_seen;
    if (cnx_png_chunk_is(chunk, "PLTE"))
        return read_palette(png, chunk, err);
    *kept = false;
    if (cnx_png_chunk_is(chunk, "eXIf") && png->picture->orientation == 1)
        png->picture->orientation = cnx_exif_orientation(chunk->data, chunk->length);
    return cnx_png_check_unknown(chunk, err);
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
        cnx_png_chunk chunk;
        bool kept;
        CNX_TRY(cnx_png_read_chunk(&chunk, picture->bytes, picture->size, at, err));
        if (cnx_png_chunk_is(&chunk, "IEND"))
            break;
        CNX_TRY(read_body_chunk(png, &chunk, &kept, err));
        const size_t next = cnx_png_next_chunk(&chunk);
        if (!kept)
            CNX_TRY(cnx_rewrite_edit(&picture->rewrite, picture->bytes, picture->size, at,
                                     next - at, NULL, 0, err));
        at = next;
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
        cnx_png_chunk chunk;
        CNX_TRY(cnx_png_read_chunk(&chunk, picture->bytes, picture->size, at, err));
        if (cnx_png_chunk_is(&chunk, "IEND"))
            return CNX_OK;
        if (cnx_png_chunk_is(&chunk, "eXIf") && *orientation == 1)
            *orientation = cnx_exif_orientation(chunk.data, chunk.length);
        at = cnx_png_next_chunk(&chunk);
    }
}

cnx_status cnx_check_png(cnx_picture *picture, cnx_error *err)
{
    png_state png = {.picture = picture};
    CNX_TRY(cnx_png_read_header(&png.rows.layout, picture, err));
    if (!picture->whole)
        return find_orientation(picture, CNX_PNG_BODY, &picture->orientation, err);
    const cnx_status status = read_body(&png, CNX_PNG_BODY, err);
    if (png.inflating)
        inflateEnd(&png.inflater);
    return status;
}
