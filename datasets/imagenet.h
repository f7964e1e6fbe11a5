/*
 * ImageNet and the benchmarks that share its classes: pictures on disk and the class of each.
 * Nothing is decoded here.
 */
#ifndef CNX_DATASETS_IMAGENET_H
#define CNX_DATASETS_IMAGENET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef enum cnx_imagenet_variant {
    CNX_IMAGENET,        /* ILSVRC-2012's validation set, ImageNet-V2 */
    CNX_IMAGENET_A,      /* 200 classes: only their outputs count */
    CNX_IMAGENET_R,      /* likewise, others */
    CNX_IMAGENET_SKETCH, /* all classes */
    CNX_IMAGENET_C,      /* corruptions in five severities each */
    CNX_IMAGENET_VAL_A,  /* those pictures of ILSVRC-2012 whose class is in A ... */
    CNX_IMAGENET_VAL_R,  /* ... or in R ("ImageNet-200") */
    CNX_IMAGENET_VARIANTS
} cnx_imagenet_variant;

enum { CNX_SEVERITIES = 5, CNX_MAX_CORRUPTIONS = 32 };

typedef struct cnx_imagenet_item {
    char *id;  /* path below the data set's folder */
    int label; /* its class */
    int group; /* ImageNet-C: corruption x 5 + severity - 1; else 0 */
} cnx_imagenet_item;

typedef struct cnx_corruption {
    char name[32], group[32]; /* "gaussian_noise" of "noise" */
    double alexnet_error;     /* top-1, a fraction, mean over the severities */
} cnx_corruption;

typedef struct cnx_imagenet {
    cnx_imagenet_item *items; /* owned, as all else here; by id in byte order */
    size_t count;
    char *folder;
    const char *layout; /* "folders by WordNet id", ...: how labels were found */
    int class_count;
    char **wnids, **names; /* [class_count]; with a class list of the caller's both are its names */
    bool *subset;          /* [class_count]: whose outputs count; NULL for all */
    int subset_count;      /* class_count for all */
    cnx_corruption corruptions[CNX_MAX_CORRUPTIONS]; /* ImageNet-C's */
    int corruption_count;
} cnx_imagenet;

typedef struct cnx_imagenet_options {
    cnx_imagenet_variant variant;
    const char *split;  /* a folder in DIR; NULL: looked for */
    const char *labels; /* for pictures that lie in one folder; NULL: looked for */
    const char
        *classes; /* a JSON list of folder names in the order of a model's outputs, or NULL */
} cnx_imagenet_options;

/*
 * Finds the pictures below `dir` and their classes:
 *   n01440764/x.JPEG                   folders by WordNet id (or by the names of options->classes)
 *   0/x.jpeg ... 999/x.jpeg            folders by class number, as ImageNet-V2 has them
 *   x.JPEG ... and a file of labels    one folder (imagenet_labels.h)
 *   x_n01440764.JPEG, n01440764_x.JPEG one folder, the class in each name
 *   gaussian_noise/3/n01440764/x.JPEG  ImageNet-C, also within noise/, blur/, weather/, digital/
 * right there, or in a folder of a usual name (val, validation, imagenet-a, sketch ...).  A folder
 * that is no class of the set is CNX_ERR_FORMAT that names it.  The caller frees *out, which is empty
 * on failure.
 */
cnx_status cnx_imagenet_open(cnx_imagenet *out, const char *dir,
                             const cnx_imagenet_options *options, cnx_error *err);
void cnx_imagenet_free(cnx_imagenet *set); /* accepts a zeroed one */

#endif
