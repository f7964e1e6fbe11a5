/* What every reader of a PNG (ISO/IEC 15948) starts with: its chunks, and how its rows lie. */
#ifndef CNX_CORE_PNG_LAYOUT_H
#define CNX_CORE_PNG_LAYOUT_H

#include "core/image/check.h"

enum {
    CNX_PNG_SIGNATURE = 8,                                /* bytes before the first chunk */
    CNX_PNG_FRAME = 12,                                   /* of a chunk, around its data */
    CNX_PNG_BODY = CNX_PNG_SIGNATURE + CNX_PNG_FRAME + 13 /* where the chunk behind IHDR begins */
};
enum {
    CNX_PNG_GREY = 0,
    CNX_PNG_RGB = 2,
    CNX_PNG_INDEXED = 3,
    CNX_PNG_GREY_ALPHA = 4,
    CNX_PNG_RGBA = 6
};

typedef struct cnx_png_chunk {
    size_t at;           /* of its length field */
    uint32_t length;     /* of its data */
    const uint8_t *data; /* lies wholly inside the file */
    char name[5];        /* four letters */
} cnx_png_chunk;

/* The chunk at byte `at` of the file, its checksum verified. */
cnx_status cnx_png_read_chunk(cnx_png_chunk *out, const uint8_t *bytes, size_t size, size_t at,
                              cnx_error *err);
static inline size_t cnx_png_next_chunk(const cnx_png_chunk *chunk)
{
    return chunk->at + CNX_PNG_FRAME + chunk->length;
}
bool cnx_png_chunk_is(const cnx_png_chunk *chunk, const char *name);
/* Fails on a chunk that a reader must understand; the caller has dealt with those that it does. */
cnx_status cnx_png_check_unknown(const cnx_png_chunk *chunk, cnx_error *err);

/* One of Adam7's passes, or all of the picture: pixel (x, y) of it is (x0 + x dx, y0 + y dy). */
typedef struct cnx_png_pass {
    int x0, y0, dx, dy;
    int width, height; /* 0 x 0 when the pass has no pixels: it has no rows then */
    size_t row_bytes;  /* without the filter byte */
} cnx_png_pass;

typedef struct cnx_png_layout {
    int colour;   /* CNX_PNG_GREY .. */
    int depth;    /* bits of a sample: 1, 2, 4, 8, 16 */
    int channels; /* samples of a pixel, 1 to 4; a palette's index is one */
    int passes;   /* 1, or 7 when interlaced */
    cnx_png_pass pass[7];
} cnx_png_layout;

/*
 * Reads IHDR, the first chunk, and leaves the size in picture (its bytes, size and max_pixels are
 * set): a kind of PNG that exists, a size within the limits, and not more rows than the file's bytes
 * could hold, so that the sizes can be allocated.
 */
cnx_status cnx_png_read_header(cnx_png_layout *out, cnx_picture *picture, cnx_error *err);
/* Bytes that the image data inflate to: rows with a filter byte each. */
uint64_t cnx_png_data_bytes(const cnx_png_layout *layout);
/* PLTE: triples, not more than the depth can name. */
cnx_status cnx_png_check_palette(const cnx_png_layout *layout, const cnx_png_chunk *chunk,
                                 cnx_error *err);

#endif
