/*
 * PNG files of any kind, made independently of the library: every colour type and depth, plain or
 * interlaced, with a chosen filter or another one for each row, in one chunk or many.
 */
#ifndef CNX_TESTS_PNG_BUILD_H
#define CNX_TESTS_PNG_BUILD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct png_build {
    int width, height;
    int colour, depth; /* as in IHDR */
    bool interlaced;
    int filter;              /* 0 to 4; -1: the five in turn */
    size_t chunk;            /* most bytes of an IDAT chunk; 0: one chunk */
    const uint16_t *samples; /* [height][width][channels] */
} png_build;

typedef struct png_bytes {
    uint8_t *data; /* from malloc */
    size_t size;
} png_bytes;

static inline int png_build_channels(int colour)
{
    return colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
}

static inline void png_append(png_bytes *b, const void *data, size_t size)
{
    b->data = realloc(b->data, b->size + size + 1);
    if (!b->data)
        abort();
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void png_append_be32(png_bytes *b, uint32_t v)
{
    png_append(
        b, (uint8_t[]){(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v}, 4);
}

static inline void png_append_chunk(png_bytes *b, const char *name, const void *data, size_t size)
{
    png_append_be32(b, (uint32_t)size);
    const size_t from = b->size;
    png_append(b, name, 4);
    png_append(b, data, size);
    png_append_be32(b, (uint32_t)crc32(0, b->data + from, (uInt)(b->size - from)));
}

/* The definition of the standard, one byte at a time. */
static inline uint8_t png_guess(int filter, int a, int b, int c)
{
    const int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
    switch (filter) {
    case 1:
        return (uint8_t)a;
    case 2:
        return (uint8_t)b;
    case 3:
        return (uint8_t)((a + b) / 2);
    case 4:
        return (uint8_t)(pa <= pb && pa <= pc ? a : pb <= pc ? b : c);
    default:
        return 0;
    }
}

/* Every dx-th pixel of every dy-th row from (x0, y0): one pass. */
static inline void png_append_pass(png_bytes *out, const png_build *p, int x0, int y0, int dx,
                                   int dy)
{
    const int channels = png_build_channels(p->colour);
    const int bits = channels * p->depth;
    const size_t step = bits < 8 ? 1 : (size_t)bits / 8;
    const int pixels = p->width > x0 ? (p->width - x0 + dx - 1) / dx : 0;
    const size_t row_bytes = ((size_t)pixels * (size_t)bits + 7) / 8;
    if (pixels == 0)
        return;
    uint8_t *row = calloc(row_bytes + 1, 1), *above = calloc(row_bytes + 1, 1);
    for (int y = y0, n = 0; y < p->height; y += dy, n++) {
        memset(row, 0, row_bytes);
        for (int i = 0; i < pixels * channels; i++) {
            const size_t pixel = (size_t)y * (size_t)p->width + (size_t)(x0 + i / channels * dx);
            const unsigned v = p->samples[pixel * (size_t)channels + (size_t)(i % channels)];
            if (p->depth == 16) {
                row[2 * i] = (uint8_t)(v >> 8);
                row[2 * i + 1] = (uint8_t)v;
            } else {
                const int bit = i * p->depth;
                row[bit / 8] = (uint8_t)(row[bit / 8] | v << (8 - p->depth - bit % 8));
            }
        }
        const int filter = p->filter < 0 ? n % 5 : p->filter;
        png_append(out, (uint8_t[]){(uint8_t)filter}, 1);
        for (size_t i = 0; i < row_bytes; i++) {
            const int a = i < step ? 0 : row[i - step], c = i < step ? 0 : above[i - step];
            png_append(out, (uint8_t[]){(uint8_t)(row[i] - png_guess(filter, a, above[i], c))}, 1);
        }
        memcpy(above, row, row_bytes);
    }
    free(row);
    free(above);
}

/* The image data before compression. */
static inline png_bytes png_build_rows(const png_build *p)
{
    static const int adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    png_bytes rows = {0};
    for (int i = 0; i < 7 && p->interlaced; i++)
        png_append_pass(&rows, p, adam7[i][0], adam7[i][1], adam7[i][2], adam7[i][3]);
    if (!p->interlaced)
        png_append_pass(&rows, p, 0, 0, 1, 1);
    return rows;
}

/* A file around image data as they are given, whether they fit the header or not. */
static inline png_bytes png_build_around(const png_build *p, const uint8_t *rows, size_t size)
{
    png_bytes out = {0};
    png_append(&out, "\x89PNG\r\n\x1A\n", 8);
    png_bytes head = {0};
    png_append_be32(&head, (uint32_t)p->width);
    png_append_be32(&head, (uint32_t)p->height);
    png_append(&head, (uint8_t[]){(uint8_t)p->depth, (uint8_t)p->colour, 0, 0, p->interlaced}, 5);
    png_append_chunk(&out, "IHDR", head.data, head.size);
    uint8_t palette[768];
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)(7 * i + i / 256); /* neither grey nor the index */
    if (p->colour == 3)
        png_append_chunk(&out, "PLTE", palette,
                         p->depth < 8 ? (size_t)3 << p->depth : sizeof palette);
    uLongf length = compressBound((uLong)size);
    uint8_t *stream = malloc(length);
    if (!stream || compress2(stream, &length, rows, (uLong)size, 6) != Z_OK)
        abort();
    for (size_t at = 0; at < length;) {
        const size_t step = p->chunk && p->chunk < length - at ? p->chunk : length - at;
        png_append_chunk(&out, "IDAT", stream + at, step);
        at += step;
    }
    png_append_chunk(&out, "IEND", NULL, 0);
    free(stream);
    free(head.data);
    return out;
}

static inline png_bytes png_build_file(const png_build *p)
{
    png_bytes rows = png_build_rows(p);
    const png_bytes file = png_build_around(p, rows.data, rows.size);
    free(rows.data);
    return file;
}

#endif
