/* Looks at every file of a data set: which values the label files hold, and whether sizes agree. */
#ifndef CNX_DATASETS_INSPECT_H
#define CNX_DATASETS_INSPECT_H

#include <stdint.h>

#include "datasets/classes.h"
#include "datasets/dataset.h"

enum { CNX_LABEL_VALUES = 65536 };

/* How often a stored value occurs. */
typedef struct cnx_value_use {
    uint64_t pixels;
    uint32_t files;
    uint32_t first; /* the first item that has it; meaningless without files */
} cnx_value_use;

/* What a label file in colours might be. */
enum {
    CNX_COLOURS_GREY = 1,    /* red, green and blue are equal everywhere */
    CNX_COLOURS_CODED = 2,   /* blue is 0 everywhere, and it is not all black */
    CNX_COLOURS_PALETTE = 4, /* nearly all pixels have a colour of the palette */
    CNX_COLOURS_OPAQUE = 8   /* the alpha channel says nothing */
};

/* One item of the data set. */
typedef struct cnx_inspected {
    char *
        label_problem; /* owned; why the label file cannot be used; NULL: it can, or there is none */
    char *image_problem; /* owned; why the picture's size is not known */
    bool in_colours;     /* a sound PNG with more than one number a pixel; `colours` says more */
    unsigned colours;
    int channels, bits;
    bool palette;
    int width, height;             /* of the label file, 0 when unknown */
    int image_width, image_height; /* as shown (EXIF applied), 0 when unknown */
    int max;                       /* the largest value */
} cnx_inspected;

typedef struct cnx_inspection {
    cnx_inspected *files; /* [dataset count], owned */
    size_t count;
    cnx_value_use *values; /* [CNX_LABEL_VALUES], owned */
    uint64_t pixels;       /* of all label files that could be used */
    size_t used;           /* how many those are */
} cnx_inspection;

typedef struct cnx_inspect_options {
    cnx_label_coding coding;
    const uint8_t
        *palette; /* RGB triples to look for in label files that are in colours; or NULL */
    int palette_size;
    int threads; /* 0: all */
    /* Called between files, from the calling thread; false ends it with CNX_ERR_INTERRUPTED. */
    bool (*progress)(void *user, size_t done);
    void *user;
} cnx_inspect_options;

/* Files that cannot be used are no failure; only memory and an interruption are.  The caller frees
 * *out, which is empty on failure. */
cnx_status cnx_inspect(cnx_inspection *out, const cnx_dataset *dataset,
                       const cnx_inspect_options *options, cnx_error *err);
void cnx_inspection_free(cnx_inspection *inspection); /* accepts a zeroed one */

#endif
