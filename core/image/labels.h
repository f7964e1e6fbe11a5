/*
 * Label maps from PNG files, as numbers: nothing is converted to colours or narrowed.  A palette's
 * indices are the labels, grey of 1, 2 or 4 bits is not scaled, 16 bits stay 16 bits, and neither
 * gamma, transparency nor orientation chunks have a say (as Pillow reads them for mmseg).
 */
#ifndef CNX_CORE_LABELS_H
#define CNX_CORE_LABELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

/* A label file holds at most this many pixels; a header that claims more is refused. */
#define CNX_LABELS_MAX_PIXELS ((size_t)1 << 30)

/* Samples as stored, [height][width][channels], rows without gaps.  Exactly one of u8 and u16 is set
 * (none after a probe); it belongs to the reader and stays until the reader's next picture. */
typedef struct cnx_label_map {
    int width, height;
    int channels; /* 1: grey or palette; 2: grey and alpha; 3: RGB; 4: RGB and alpha */
    int bits;     /* of a sample in the file: 1, 2, 4, 8, 16 */
    bool palette;
    const uint8_t *u8;   /* bits up to 8 */
    const uint16_t *u16; /* bits 16, and labels coded in RGB; host byte order */
} cnx_label_map;

/* How labels stand in a file. */
typedef enum cnx_label_coding {
    CNX_LABELS_INDEX, /* one sample a pixel is the label: grey or palette */
    CNX_LABELS_RGB16  /* 8-bit RGB, label = R + 256 G, B = 0: the semantic masks of ImageNet-S */
} cnx_label_coding;

/* What decoding needs and keeps from one picture to the next: as much memory as the largest picture
 * took.  One for each thread. */
typedef struct cnx_label_reader cnx_label_reader;

cnx_status cnx_label_reader_open(cnx_label_reader **out, cnx_error *err);
void cnx_label_reader_close(cnx_label_reader **reader); /* accepts NULL, leaves NULL */

/*
 * The labels of a file: out has one channel.  Any file that does not hold labels in this coding is
 * refused with what it holds instead (CNX_ERR_UNSUPPORTED for a sound PNG of another kind and for
 * other picture formats, CNX_ERR_FORMAT for damage).  `name` is for messages.
 */
cnx_status cnx_labels_read(cnx_label_map *out, cnx_label_reader *reader, const char *path,
                           cnx_label_coding coding, cnx_error *err);
cnx_status cnx_labels_decode(cnx_label_map *out, cnx_label_reader *reader, const void *bytes,
                             size_t size, const char *name, cnx_label_coding coding,
                             cnx_error *err);

/* Any PNG, as it is stored: for who wants to know what is wrong with it. */
cnx_status cnx_label_map_decode(cnx_label_map *out, cnx_label_reader *reader, const void *bytes,
                                size_t size, const char *name, cnx_error *err);
/* Makes labels of what cnx_label_map_decode gave, or refuses it, as above. */
cnx_status cnx_label_map_interpret(cnx_label_map *map, cnx_label_reader *reader, const char *name,
                                   cnx_label_coding coding, cnx_error *err);

/* Size and kind from the header; nothing is decoded. */
cnx_status cnx_label_map_probe(cnx_label_map *out, const void *bytes, size_t size, const char *name,
                               cnx_error *err);

#endif
