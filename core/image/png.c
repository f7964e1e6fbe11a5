#include "core/image/png.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/image/png_filter.h"
#include "core/memory.h"

/* Level 4 is within a few per cent of the default's size at about twice its speed. */
enum { LEVEL = 4, PIECE = 1 << 16 };

struct cnx_png_writer {
    cnx_output *file; /* borrowed */
    cnx_png_kind kind;
    int height, written;
    size_t row_bytes, pixel_bytes;
    uint8_t *previous;  /* the row before, in file order; zeros at first */
    uint8_t *current;   /* this row, in file order */
    uint8_t *filtered;  /* a filter byte and the row */
    uint8_t *candidate; /* another try */
    z_stream deflater;
    bool deflating;
    uint8_t piece[PIECE]; /* compressed data on their way into an IDAT chunk */
};

static void put_be32(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)(value >> 24);
    p[1] = (uint8_t)(value >> 16);
    p[2] = (uint8_t)(value >> 8);
    p[3] = (uint8_t)value;
}

static cnx_status write_chunk(cnx_png_writer *png, const char *name, const void *data,
                              uint32_t length, cnx_error *err)
{
    uint8_t head[8], tail[4];
    put_be32(head, length);
    memcpy(head + 4, name, 4);
    uLong crc = crc32(0, head + 4, 4);
    if (length)
        crc = crc32(crc, data, length);
    put_be32(tail, (uint32_t)crc);
    CNX_TRY(cnx_output_write(png->file, head, sizeof head, err));
    if (length)
        CNX_TRY(cnx_output_write(png->file, data, length, err));
    return cnx_output_write(png->file, tail, sizeof tail, err);
}

static cnx_status write_header(cnx_png_writer *png, int width, const uint8_t *palette,
                               int palette_size, cnx_error *err)
{
    static const uint8_t colour_type[] = {
        [CNX_PNG_INDEXED8] = 3, [CNX_PNG_GREY8] = 0, [CNX_PNG_GREY16] = 0, [CNX_PNG_RGB8] = 2};
    uint8_t header[13] = {0};
    put_be32(header, (uint32_t)width);
    put_be32(header + 4, (uint32_t)png->height);
    header[8] = png->kind == CNX_PNG_GREY16 ? 16 : 8;
    header[9] = colour_type[png->kind];
    CNX_TRY(cnx_output_write(png->file, "\x89PNG\r\n\x1A\n", 8, err));
    CNX_TRY(write_chunk(png, "IHDR", header, sizeof header, err));
    if (png->kind == CNX_PNG_INDEXED8)
        CNX_TRY(write_chunk(png, "PLTE", palette, 3 * (uint32_t)palette_size, err));
    return CNX_OK;
}

static cnx_status open_writer(cnx_png_writer *png, int width, const uint8_t *palette,
                              int palette_size, cnx_error *err)
{
    static const size_t pixel_bytes[] = {
        [CNX_PNG_INDEXED8] = 1, [CNX_PNG_GREY8] = 1, [CNX_PNG_GREY16] = 2, [CNX_PNG_RGB8] = 3};
    png->pixel_bytes = pixel_bytes[png->kind];
    png->row_bytes = png->pixel_bytes * (size_t)width;
    CNX_FAIL_IF(png->row_bytes >= UINT32_MAX, CNX_ERR_ARGUMENT, "a PNG cannot be %d pixels wide",
                width);
    png->previous = calloc(png->row_bytes, 1);
    png->current = malloc(png->row_bytes);
    png->filtered = malloc(png->row_bytes + 1);
    png->candidate = malloc(png->row_bytes + 1);
    CNX_FAIL_IF(!png->previous || !png->current || !png->filtered || !png->candidate,
                CNX_ERR_MEMORY, "not enough memory for rows of %zu bytes", png->row_bytes);
    /* Labels are runs of equal bytes: matches matter, literals do not. */
    const int strategy = png->kind == CNX_PNG_INDEXED8 ? Z_DEFAULT_STRATEGY : Z_FILTERED;
    CNX_FAIL_IF(deflateInit2(&png->deflater, LEVEL, Z_DEFLATED, 15, 8, strategy) != Z_OK,
                CNX_ERR_MEMORY, "not enough memory to compress");
    png->deflating = true;
    png->deflater.next_out = png->piece;
    png->deflater.avail_out = sizeof png->piece;
    return write_header(png, width, palette, palette_size, err);
}

cnx_status cnx_png_open(cnx_png_writer **out, cnx_output *file, cnx_png_kind kind, int width,
                        int height, const uint8_t *palette, int palette_size, cnx_error *err)
{
    *out = NULL;
    CNX_FAIL_IF(width < 1 || height < 1, CNX_ERR_ARGUMENT, "a PNG of %d x %d pixels was asked for",
                width, height);
    CNX_FAIL_IF(kind == CNX_PNG_INDEXED8 && (!palette || palette_size < 1 || palette_size > 256),
                CNX_ERR_ARGUMENT, "a PNG palette has 1 to 256 colours, not %d", palette_size);
    cnx_png_writer *png = calloc(1, sizeof *png);
    CNX_FAIL_IF(!png, CNX_ERR_MEMORY, "not enough memory for a PNG writer");
    png->file = file;
    png->kind = kind;
    png->height = height;
    const cnx_status status = open_writer(png, width, palette, palette_size, err);
    if (status != CNX_OK)
        cnx_png_close(&png);
    *out = png;
    return status;
}

static cnx_status flush_piece(cnx_png_writer *png, cnx_error *err)
{
    const uint32_t length = (uint32_t)(sizeof png->piece - png->deflater.avail_out);
    png->deflater.next_out = png->piece;
    png->deflater.avail_out = sizeof png->piece;
    return length ? write_chunk(png, "IDAT", png->piece, length, err) : CNX_OK;
}

static cnx_status compress_row(cnx_png_writer *png, const uint8_t *row, cnx_error *err)
{
    png->deflater.next_in = (uint8_t *)(uintptr_t)row; /* zlib only reads it */
    png->deflater.avail_in = (uInt)(png->row_bytes + 1);
    while (png->deflater.avail_in > 0) {
        CNX_FAIL_IF(deflate(&png->deflater, Z_NO_FLUSH) != Z_OK, CNX_ERR_INTERNAL,
                    "zlib does not compress a PNG row");
        if (png->deflater.avail_out == 0)
            CNX_TRY(flush_piece(png, err));
    }
    return CNX_OK;
}

/* out: the filter byte and the row; returns the sum of the magnitudes, which tells how well the row
 * will compress (the heuristic of the PNG standard, 12.8). */
static uint64_t apply_filter(const cnx_png_writer *png, int filter, uint8_t *out)
{
    const uint8_t *row = png->current, *above = png->previous;
    const size_t n = png->row_bytes, step = png->pixel_bytes;
    uint8_t *d = out + 1;
    out[0] = (uint8_t)filter;
    for (size_t i = 0; i < step; i++) { /* nothing to the left */
        const uint8_t guess = filter == CNX_PNG_FILTER_SUB ? 0 : above[i];
        d[i] = (uint8_t)(row[i] - guess);
    }
    switch (filter) {
    case CNX_PNG_FILTER_SUB:
        for (size_t i = step; i < n; i++)
            d[i] = (uint8_t)(row[i] - row[i - step]);
        break;
    case CNX_PNG_FILTER_UP:
        for (size_t i = step; i < n; i++)
            d[i] = (uint8_t)(row[i] - above[i]);
        break;
    default:
        for (size_t i = step; i < n; i++)
            d[i] = (uint8_t)(row[i] - cnx_png_paeth(row[i - step], above[i], above[i - step]));
        break;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (uint64_t)(d[i] < 128 ? d[i] : 256 - d[i]);
    return sum;
}

static void choose_filter(cnx_png_writer *png)
{
    static const int tries[] = {CNX_PNG_FILTER_SUB, CNX_PNG_FILTER_UP, CNX_PNG_FILTER_PAETH};
    uint64_t best = UINT64_MAX;
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        const uint64_t cost = apply_filter(png, tries[i], png->candidate);
        if (cost < best) {
            best = cost;
            uint8_t *swapped = png->filtered;
            png->filtered = png->candidate;
            png->candidate = swapped;
        }
    }
}

static void take_row(cnx_png_writer *png, const uint8_t *row)
{
    if (png->kind != CNX_PNG_GREY16) {
        memcpy(png->current, row, png->row_bytes);
        return;
    }
    for (size_t i = 0; i < png->row_bytes; i += 2) { /* the file is big-endian */
        uint16_t value;
        memcpy(&value, row + i, sizeof value);
        png->current[i] = (uint8_t)(value >> 8);
        png->current[i + 1] = (uint8_t)value;
    }
}

cnx_status cnx_png_write_rows(cnx_png_writer *png, const void *rows, int count, cnx_error *err)
{
    CNX_FAIL_IF(count < 0 || count > png->height - png->written, CNX_ERR_ARGUMENT,
                "%d rows were given to a PNG of %d that has %d", count, png->height, png->written);
    const uint8_t *row = rows;
    for (int y = 0; y < count; y++, row += png->row_bytes) {
        take_row(png, row);
        if (png->kind == CNX_PNG_INDEXED8) {
            /* Differences of labels mean nothing: they compress best as they are. */
            png->filtered[0] = CNX_PNG_FILTER_NONE;
            memcpy(png->filtered + 1, png->current, png->row_bytes);
        } else {
            choose_filter(png);
        }
        CNX_TRY(compress_row(png, png->filtered, err));
        uint8_t *swapped = png->previous;
        png->previous = png->current;
        png->current = swapped;
        png->written++;
    }
    return CNX_OK;
}

cnx_status cnx_png_finish(cnx_png_writer *png, cnx_error *err)
{
    CNX_FAIL_IF(png->written != png->height, CNX_ERR_ARGUMENT,
                "a PNG of %d rows was ended after %d", png->height, png->written);
    int result;
    do {
        result = deflate(&png->deflater, Z_FINISH);
        CNX_FAIL_IF(result != Z_OK && result != Z_BUF_ERROR && result != Z_STREAM_END,
                    CNX_ERR_INTERNAL, "zlib does not end a PNG");
        CNX_TRY(flush_piece(png, err));
    } while (result != Z_STREAM_END);
    return write_chunk(png, "IEND", NULL, 0, err);
}

void cnx_png_close(cnx_png_writer **png)
{
    if (!*png)
        return;
    if ((*png)->deflating)
        deflateEnd(&(*png)->deflater);
    free((*png)->previous);
    free((*png)->current);
    free((*png)->filtered);
    free((*png)->candidate);
    free(*png);
    *png = NULL;
}
