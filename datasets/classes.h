/* The classes of a data set: names, colours, and how label files number them. */
#ifndef CNX_DATASETS_CLASSES_H
#define CNX_DATASETS_CLASSES_H

#include "datasets/label_rules.h"

/* As many as 16-bit labels can tell apart. */
#define CNX_CLASSES_MAX 65536

typedef struct cnx_classes {
    char *name; /* owned: "ade20k", "3 classes", or the file's "name", else its path */
    int count;
    char **names;       /* owned; [count], without control characters */
    uint8_t *palette;   /* owned; RGB, [count][3] */
    bool palette_given; /* false: the colours were made up */
    cnx_label_rules rules;
} cnx_classes;

/*
 * what: the name of a known data set (ade20k, coco, imagenet-s50, imagenet-s300, imagenet-s919), a
 * number of classes ("19"), or the path of a JSON file (docs/datasets.md): a list of names, or an
 * object with "classes" and, where they are wanted, "palette", "name", "ignore",
 * "reduce_zero_label", "coding".  The caller frees *out, which is empty on failure.
 */
cnx_status cnx_classes_open(cnx_classes *out, const char *what, cnx_error *err);
void cnx_classes_free(cnx_classes *classes); /* accepts a zeroed one */

#endif
