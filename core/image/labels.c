#include "core/image/labels.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "core/image/png_filter.h"
#include "core/image/png_layout.h"
#include "core/memory.h"

/* Grows and is never given back before the end. */
typedef struct buffer {
    void *data;
    size_t size;
} buffer;

struct cnx_label_reader {
    z_stream inflater;
    bool inflating;
    buffer stream;  /* the compressed data, where the file has them in more than one chunk */
    buffer rows;    /* inflated; then, in place, without filters */
    buffer samples; /* what is not in `rows` in its final form */
};

static cnx_status reserve(buffer *b, size_t size, cnx_error *err)
{
    if (size <= b->size)
        return CNX_OK;
    cnx_free(b->data);
    *b = (buffer){0};
    CNX_TRY(cnx_alloc_or_fail(&b->data, size, "a label map", err));
    b->size = size;
    return CNX_OK;
}

cnx_status cnx_label_reader_open(cnx_label_reader **out, cnx_error *err)
{
    *out = NULL;
    cnx_label_reader *reader = calloc(1, sizeof *reader);
    if (reader)
        reader->inflating = inflateInit(&reader->inflater) == Z_OK;
    if (!reader || !reader->inflating) {
        free(reader);
        return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for a reader of label maps");
    }
    *out = reader;
    return CNX_OK;
}

void cnx_label_reader_close(cnx_label_reader **reader)
{
    if (!*reader)
        return;
    inflateEnd(&(*reader)->inflater);
    cnx_free((*reader)->stream.data);
    cnx_free((*reader)->rows.data);
    cnx_free((*reader)->samples.data);
    free(*reader);
    *reader = NULL;
}

/* ---- the compressed data ---- */

/* Where the image data lie in the file. */
typedef struct data_run {
    const uint8_t *first; /* of the first IDAT chunk */
    size_t bytes;         /* of all of them */
    size_t chunks;
    size_t at; /* of the first chunk */
} data_run;

/* Walks all chunks to the end of the file: what is damaged or missing is found before anything is
 * allocated. */
static cnx_status find_data(data_run *out, const cnx_png_layout *layout, const cnx_picture *file,
                            cnx_error *err)
{
    *out = (data_run){0};
    bool palette = false, over = false;
    cnx_png_chunk chunk = {.at = CNX_PNG_BODY};
    for (size_t at = CNX_PNG_BODY;; at = cnx_png_next_chunk(&chunk)) {
        CNX_TRY(cnx_png_read_chunk(&chunk, file->bytes, file->size, at, err));
        if (cnx_png_chunk_is(&chunk, "IEND"))
            break;
        if (cnx_png_chunk_is(&chunk, "IDAT")) {
            CNX_FAIL_IF(over, CNX_ERR_FORMAT, "the PNG image data are not in one run of chunks");
            if (out->chunks++ == 0)
                *out = (data_run){.first = chunk.data, .chunks = 1, .at = at};
            out->bytes += chunk.length;
            continue;
        }
        over = out->chunks > 0;
        if (cnx_png_chunk_is(&chunk, "PLTE")) {
            CNX_FAIL_IF(palette || over, CNX_ERR_FORMAT,
                        "the PNG has a second palette, or one after its image data");
            CNX_TRY(cnx_png_check_palette(layout, &chunk, err));
            palette = true;
            continue;
        }
        CNX_TRY(cnx_png_check_unknown(&chunk, err));
    }
    CNX_FAIL_IF(out->chunks == 0, CNX_ERR_FORMAT, "the PNG has no image data");
    CNX_FAIL_IF(layout->colour == CNX_PNG_INDEXED && !palette, CNX_ERR_FORMAT,
                "the PNG refers to a palette but has none before its image data");
    return CNX_OK;
}

/* One piece of memory that holds the run: of the file, or a copy. */
static cnx_status gather(const uint8_t **out, cnx_label_reader *reader, const data_run *run,
                         const cnx_picture *file, cnx_error *err)
{
    *out = run->first;
    if (run->chunks == 1)
        return CNX_OK;
    CNX_TRY(reserve(&reader->stream, run->bytes, err));
    uint8_t *to = reader->stream.data;
    const uint8_t *chunk = file->bytes + run->at; /* all were checked on the way here */
    for (size_t i = 0; i < run->chunks; i++) {
        const uint32_t length = cnx_be32(chunk);
        memcpy(to, chunk + 8, length);
        to += length;
        chunk += CNX_PNG_FRAME + length;
    }
    *out = reader->stream.data;
    return CNX_OK;
}

/* Exactly `size` bytes into reader->rows. */
static cnx_status inflate_rows(cnx_label_reader *reader, const uint8_t *stream, size_t stream_bytes,
                               size_t size, cnx_error *err)
{
    CNX_TRY(reserve(&reader->rows, size, err));
    z_stream *z = &reader->inflater;
    CNX_FAIL_IF(inflateReset(z) != Z_OK, CNX_ERR_INTERNAL, "zlib cannot be reset");
    z->next_in = (uint8_t *)(uintptr_t)stream; /* zlib only reads it */
    z->avail_in = (uInt)stream_bytes;          /* a file has at most INT_MAX bytes */
    z->next_out = reader->rows.data;
    int result;
    size_t left = size;
    do { /* once, for all that fits into an unsigned int */
        const uInt step = left > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)left;
        z->avail_out = step;
        result = inflate(z, left == step ? Z_FINISH : Z_NO_FLUSH);
        left -= step - z->avail_out;
    } while (result == Z_OK && left > 0 && z->avail_in > 0);
    CNX_FAIL_IF(result == Z_MEM_ERROR, CNX_ERR_MEMORY, "not enough memory to inflate");
    CNX_FAIL_IF(result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR, CNX_ERR_FORMAT,
                "the PNG image data are damaged: %s", z->msg ? z->msg : "they do not inflate");
    CNX_FAIL_IF(left > 0 || (result != Z_STREAM_END && z->avail_in == 0), CNX_ERR_FORMAT,
                "the PNG image data end early: %zu of %zu bytes", size - left, size);
    CNX_FAIL_IF(result != Z_STREAM_END, CNX_ERR_FORMAT,
                "the PNG holds more image data than its header calls for");
    CNX_FAIL_IF(z->avail_in > 0, CNX_ERR_FORMAT,
                "the PNG holds %u bytes after the end of its compressed image data", z->avail_in);
    return CNX_OK;
}

/* ---- rows ---- */

/* Takes the filters off the rows of one pass and moves them together, over the filter bytes.
 * *stored: the pass's first row; then that of the next pass. */
static cnx_status unfilter_pass(uint8_t *to, const uint8_t **stored, const cnx_png_pass *pass,
                                size_t step, cnx_error *err)
{
    const uint8_t *from = *stored, *above = NULL;
    for (int y = 0; y < pass->height; y++) {
        const int filter = *from++;
        CNX_FAIL_IF(filter >= CNX_PNG_FILTERS, CNX_ERR_FORMAT,
                    "the PNG image data are damaged: row %d has filter %d; there are 0 to 4", y,
                    filter);
        cnx_png_unfilter(to, from, above, pass->row_bytes, step, filter);
        above = to;
        to += pass->row_bytes;
        from += pass->row_bytes;
    }
    *stored = from;
    return CNX_OK;
}

static void swap_bytes(void *samples, size_t count) /* 16-bit samples are big-endian */
{
    uint8_t *bytes = samples;
    for (size_t i = 0; i < count; i++) {
        const uint16_t value = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
        memcpy(bytes + 2 * i, &value, sizeof value);
    }
}

/* count samples of 1, 2 or 4 bits each, the first in the highest bits. */
static void expand(uint8_t *out, const uint8_t *packed, size_t count, int bits)
{
    const unsigned per_byte = 8 / (unsigned)bits, mask = (1u << bits) - 1;
    for (size_t i = 0; i < count; i++) {
        const unsigned shift = 8 - (unsigned)bits * (unsigned)(i % per_byte + 1);
        out[i] = (uint8_t)(packed[i / per_byte] >> shift & mask);
    }
}

/* Puts a pass's finished rows to their places among the picture's samples. */
static void scatter(uint8_t *samples, const uint8_t *rows, const cnx_png_pass *pass, int width,
                    const cnx_png_layout *layout)
{
    const size_t pixel = (size_t)layout->channels * (layout->depth == 16 ? 2 : 1);
    for (int y = 0; y < pass->height; y++, rows += pass->row_bytes) {
        const size_t line = (size_t)(pass->y0 + y * pass->dy) * (size_t)width;
        for (int x = 0; x < pass->width; x++) {
            uint8_t *to = samples + (line + (size_t)(pass->x0 + x * pass->dx)) * pixel;
            if (layout->depth < 8) {
                uint8_t value;
                const size_t bit = (size_t)x * (size_t)layout->depth;
                expand(&value, (const uint8_t[]){(uint8_t)(rows[bit / 8] << bit % 8)}, 1,
                       layout->depth);
                *to = value;
            } else {
                memcpy(to, rows + (size_t)x * pixel, pixel);
            }
        }
    }
}

/* Rows to samples; *out is where they ended. */
static cnx_status finish_rows(void **out, cnx_label_reader *reader, const cnx_png_layout *layout,
                              const cnx_picture *file, cnx_error *err)
{
    const size_t bits = (size_t)layout->channels * (size_t)layout->depth;
    const size_t step = bits < 8 ? 1 : bits / 8;
    const size_t width = (size_t)file->width, height = (size_t)file->height;
    const size_t samples = width * height * (size_t)layout->channels; /* < 2^33 */
    const bool moved = layout->passes > 1 || layout->depth < 8;
    if (moved)
        CNX_TRY(reserve(&reader->samples, samples * (layout->depth == 16 ? 2 : 1), err));
    uint8_t *rows = reader->rows.data;
    const uint8_t *stored = rows;
    for (int i = 0; i < layout->passes; i++) {
        const cnx_png_pass *pass = &layout->pass[i];
        CNX_TRY(unfilter_pass(rows, &stored, pass, step, err));
        if (layout->passes > 1)
            scatter(reader->samples.data, rows, pass, file->width, layout);
        else if (moved)
            for (size_t y = 0; y < height; y++)
                expand((uint8_t *)reader->samples.data + y * width, rows + y * pass->row_bytes,
                       width, layout->depth);
    }
    *out = moved ? reader->samples.data : reader->rows.data;
    if (layout->depth == 16)
        swap_bytes(*out, samples);
    return CNX_OK;
}

/* ---- files ---- */

/* The header of what must be a PNG. */
static cnx_status read_head(cnx_png_layout *layout, cnx_picture *file, cnx_label_map *out,
                            cnx_error *err)
{
    static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    if (file->size < sizeof signature || memcmp(file->bytes, signature, sizeof signature) != 0) {
        /* Any other picture format is told by name, anything else by what it looks like. */
        cnx_status status = cnx_check_picture(file, err);
        cnx_rewrite_free(&file->rewrite);
        if (status == CNX_OK)
            status =
                cnx_fail(err, CNX_ERR_UNSUPPORTED,
                         "is a picture, but not a PNG: label maps are read from PNG files only "
                         "(a JPEG would have changed the labels)");
        return status;
    }
    CNX_FAIL_IF(file->size > INT32_MAX, CNX_ERR_FORMAT,
                "has %zu bytes; a picture file may have at most %d", file->size, INT32_MAX);
    CNX_TRY(cnx_png_read_header(layout, file, err));
    *out = (cnx_label_map){.width = file->width,
                           .height = file->height,
                           .channels = layout->channels,
                           .bits = layout->depth,
                           .palette = layout->colour == CNX_PNG_INDEXED};
    return CNX_OK;
}

static cnx_status decode(cnx_label_map *out, cnx_label_reader *reader, cnx_picture *file,
                         cnx_error *err)
{
    cnx_png_layout layout;
    data_run run;
    const uint8_t *stream;
    void *samples;
    CNX_TRY(read_head(&layout, file, out, err));
    CNX_TRY(find_data(&run, &layout, file, err));
    CNX_TRY(gather(&stream, reader, &run, file, err));
    CNX_TRY(inflate_rows(reader, stream, run.bytes, (size_t)cnx_png_data_bytes(&layout), err));
    CNX_TRY(finish_rows(&samples, reader, &layout, file, err));
    if (layout.depth == 16)
        out->u16 = samples;
    else
        out->u8 = samples;
    return CNX_OK;
}

cnx_status cnx_label_map_decode(cnx_label_map *out, cnx_label_reader *reader, const void *bytes,
                                size_t size, const char *name, cnx_error *err)
{
    *out = (cnx_label_map){0};
    cnx_picture file = {.bytes = bytes, .size = size, .max_pixels = CNX_LABELS_MAX_PIXELS};
    const cnx_status status = decode(out, reader, &file, err);
    if (status != CNX_OK) {
        *out = (cnx_label_map){0};
        cnx_error_prefix(err, "%s", name);
    }
    return status;
}

cnx_status cnx_label_map_probe(cnx_label_map *out, const void *bytes, size_t size, const char *name,
                               cnx_error *err)
{
    *out = (cnx_label_map){0};
    cnx_picture file = {.bytes = bytes, .size = size, .max_pixels = CNX_LABELS_MAX_PIXELS};
    cnx_png_layout layout;
    const cnx_status status = read_head(&layout, &file, out, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", name);
    return status;
}

/* ---- labels ---- */

static cnx_status join_red_and_green(cnx_label_map *map, cnx_label_reader *reader, cnx_error *err)
{
    const size_t pixels = (size_t)map->width * (size_t)map->height;
    CNX_TRY(reserve(&reader->stream, pixels * sizeof(uint16_t), err));
    uint16_t *labels = reader->stream.data;
    const uint8_t *rgb = map->u8;
    unsigned blue = 0;
    for (size_t i = 0; i < pixels; i++) {
        labels[i] = (uint16_t)(rgb[3 * i] | rgb[3 * i + 1] << 8);
        blue |= rgb[3 * i + 2];
    }
    CNX_FAIL_IF(blue, CNX_ERR_UNSUPPORTED,
                "is an RGB picture with blue in it; labels coded as R + 256 G leave blue 0: this "
                "looks like a colour map");
    map->channels = 1;
    map->u8 = NULL;
    map->u16 = labels;
    return CNX_OK;
}

static cnx_status interpret(cnx_label_map *map, cnx_label_reader *reader, cnx_label_coding coding,
                            cnx_error *err)
{
    if (coding == CNX_LABELS_RGB16) {
        CNX_FAIL_IF(
            map->channels != 3 || !map->u8, CNX_ERR_UNSUPPORTED,
            "has %d sample%s of %d bits a pixel; masks coded as R + 256 G are RGB of 8 bits",
            map->channels, map->channels == 1 ? "" : "s", map->bits);
        return join_red_and_green(map, reader, err);
    }
    static const char *const kinds[] = {[2] = "grey with alpha", [3] = "RGB", [4] = "RGBA"};
    CNX_FAIL_IF(
        map->channels != 1, CNX_ERR_UNSUPPORTED,
        "is a picture in %s; a label map has one number a pixel (a grey or palette PNG). If "
        "its colours stand for classes, convert it to class numbers first",
        kinds[map->channels]);
    return CNX_OK;
}

cnx_status cnx_label_map_interpret(cnx_label_map *map, cnx_label_reader *reader, const char *name,
                                   cnx_label_coding coding, cnx_error *err)
{
    const cnx_status status = interpret(map, reader, coding, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", name);
    return status;
}

cnx_status cnx_labels_decode(cnx_label_map *out, cnx_label_reader *reader, const void *bytes,
                             size_t size, const char *name, cnx_label_coding coding, cnx_error *err)
{
    CNX_TRY(cnx_label_map_decode(out, reader, bytes, size, name, err));
    const cnx_status status = cnx_label_map_interpret(out, reader, name, coding, err);
    if (status != CNX_OK)
        *out = (cnx_label_map){0};
    return status;
}

cnx_status cnx_labels_read(cnx_label_map *out, cnx_label_reader *reader, const char *path,
                           cnx_label_coding coding, cnx_error *err)
{
    *out = (cnx_label_map){0};
    cnx_mapping file;
    CNX_TRY(cnx_mapping_open(&file, path, err));
    const cnx_status status =
        cnx_labels_decode(out, reader, file.data, file.size, path, coding, err);
    cnx_mapping_close(&file);
    return status;
}
