/*
 * The entropy-coded half of a JPEG (ITU-T T.81), walked without computing a pixel: every Huffman
 * code must exist, every coefficient must fit its block, and the data must last to the last block.
 * libjpeg goes on with zeros when they do not, and the picture ends in grey.
 */
#ifndef CNX_CORE_JPEG_SCAN_H
#define CNX_CORE_JPEG_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

enum { CNX_JPEG_COMPONENTS = 4, CNX_JPEG_TABLES = 4, CNX_HUFFMAN_LOOK = 9 };

typedef struct cnx_huffman {
    bool defined;
    uint16_t look[1 << CNX_HUFFMAN_LOOK]; /* length << 8 | symbol of codes that short; 0: longer */
    int32_t last[17];                     /* the last code of each length, -1: there is none */
    int32_t shift[17];                    /* symbol index minus code */
    uint8_t symbols[256];
} cnx_huffman;

/* counts[16]: codes of length 1 to 16; False when they are more than such lengths allow. */
bool cnx_huffman_build(cnx_huffman *table, const uint8_t *counts, const uint8_t *symbols);

typedef struct cnx_jpeg_component {
    int id, across, down;         /* sampling factors */
    int blocks_wide, blocks_high; /* that hold pixels */
    int padded_wide;              /* blocks in a row of whole MCUs */
    size_t padded_blocks;
    bool coded;           /* a scan has begun it */
    int8_t precision[64]; /* progressive: the lowest bit known of each coefficient; -1: none */
    uint64_t *nonzero;    /* progressive: a bit for each coefficient of each padded block */
} cnx_jpeg_component;

typedef struct cnx_jpeg_frame {
    bool progressive;
    int width, height;
    int mcus_wide, mcus_high; /* of a scan of several components */
    int count;
    cnx_jpeg_component components[CNX_JPEG_COMPONENTS];
} cnx_jpeg_frame;

typedef struct cnx_jpeg_scan {
    int count;
    int component[CNX_JPEG_COMPONENTS]; /* index into the frame's */
    const cnx_huffman *dc[CNX_JPEG_COMPONENTS], *ac[CNX_JPEG_COMPONENTS];
    int first, last;           /* coefficients, in zigzag order */
    int high, low;             /* successive approximation: bit known before, bit known after */
    unsigned restart_interval; /* in MCUs; 0: none */
} cnx_jpeg_scan;

/*
 * Walks the scan whose data begin at bytes[at]; *end is the first byte that no block needed.
 * The tables that the scan uses must be defined.
 */
cnx_status cnx_jpeg_walk_scan(cnx_jpeg_frame *frame, const cnx_jpeg_scan *scan,
                              const uint8_t *bytes, size_t size, size_t at, size_t *end,
                              cnx_error *err);

#endif
