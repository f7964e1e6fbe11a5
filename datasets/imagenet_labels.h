/*
 * Files that say the class of each picture of one folder.  A line is one of
 *   NAME CLASS     the picture's name, with or without folders and suffix; blanks, commas or
 *                  semicolons between; more fields (boxes) are not looked at
 *   CLASS          for the pictures in byte order of their names; as many lines as pictures
 * CLASS is a WordNet id or, counted from 0, a class number.  Blank lines, lines that begin with #, and a
 * first line whose second field begins with a capital (a header) are skipped.
 */
#ifndef CNX_DATASETS_IMAGENET_LABELS_H
#define CNX_DATASETS_IMAGENET_LABELS_H

#include "datasets/imagenet.h"

typedef struct cnx_imagenet_label {
    const char *stem; /* into the text; without folders and suffix; NULL where only classes stand */
    size_t length;
    int label;
    size_t line;
} cnx_imagenet_label;

typedef struct cnx_imagenet_labels {
    cnx_imagenet_label *items; /* owned; by stem, or in the order of the lines */
    size_t count;
    bool named;
} cnx_imagenet_labels;

/* text must outlive *out; name is for messages.  The caller frees *out, which is empty on failure. */
cnx_status cnx_imagenet_labels_parse(cnx_imagenet_labels *out, const cnx_imagenet *set,
                                     const char *text, size_t size, const char *name,
                                     cnx_error *err);
void cnx_imagenet_labels_free(cnx_imagenet_labels *labels);

/* The class of the picture with this file name, -1 when it has none. */
int cnx_imagenet_labels_find(const cnx_imagenet_labels *labels, const char *file_name);

#endif
