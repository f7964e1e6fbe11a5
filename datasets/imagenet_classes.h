/* The classes of ImageNet, and which of them its relatives have. */
#ifndef CNX_DATASETS_IMAGENET_CLASSES_H
#define CNX_DATASETS_IMAGENET_CLASSES_H

#include "datasets/imagenet.h"

/* Fills in class_count, wnids and names: the built-in ones, or those of options->classes. */
cnx_status cnx_imagenet_read_classes(cnx_imagenet *set, const char *classes, cnx_error *err);
/* Fills in subset and subset_count for the variant, and the corruptions. */
cnx_status cnx_imagenet_read_variant(cnx_imagenet *set, cnx_imagenet_variant variant,
                                     cnx_error *err);

/* The class of a WordNet id or folder name, -1 when there is none. */
int cnx_imagenet_class(const cnx_imagenet *set, const char *wnid, size_t length);
/* "n" and eight digits. */
bool cnx_is_wnid(const char *text, size_t length);

#endif
