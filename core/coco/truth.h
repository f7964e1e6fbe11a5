/* COCO's annotation files (instances_*.json): images, categories and what is annotated. */
#ifndef CNX_CORE_COCO_TRUTH_H
#define CNX_CORE_COCO_TRUTH_H

#include "core/coco/segmentation.h"

typedef struct cnx_coco_image {
    int64_t id;
    uint32_t h, w;         /* 0 where the file does not tell */
    const char *file_name; /* NULL where the file does not tell */
} cnx_coco_image;

typedef struct cnx_coco_category {
    int64_t id;
    const char *name; /* NULL where the file does not tell */
} cnx_coco_category;

typedef struct cnx_coco_annotation {
    int64_t id, image_id, category_id;
    int image, category; /* index into the truth's lists; -1: not there */
    bool has_box, has_area, crowd;
    double box[4]; /* x, y, width, height */
    double area;
    cnx_segmentation segmentation; /* NONE also where it was not asked for */
} cnx_coco_annotation;

typedef struct cnx_coco_block cnx_coco_block;

/* Read-only once it is read, so that any number of threads may use it. */
typedef struct cnx_coco_truth {
    char *path;
    cnx_coco_image *images; /* by ascending id, each once */
    size_t image_count;
    cnx_coco_category *categories; /* by ascending id, each once */
    size_t category_count;
    cnx_coco_annotation *annotations; /* in the file's order */
    size_t annotation_count;
    cnx_coco_block *blocks; /* what names and segmentations point at */
} cnx_coco_truth;

typedef struct cnx_coco_truth_options {
    int threads;
    bool segmentations; /* read and keep them */
} cnx_coco_truth_options;

/*
 * Reads the file, which may be larger than memory would hold as a tree.  Errors name the annotation by
 * its place, and by its id where it has one.  Of entries with the same id in `images` or `categories`, the
 * last counts.  Unknown keys are passed over.  Release with cnx_coco_truth_close.
 */
cnx_status cnx_coco_truth_open(cnx_coco_truth *out, const char *path,
                               const cnx_coco_truth_options *options, cnx_error *err);
void cnx_coco_truth_close(cnx_coco_truth *truth); /* accepts a zeroed one, leaves it zeroed */

/* The index of an image or category, -1 when there is none with that id. */
int cnx_coco_find_image(const cnx_coco_truth *truth, int64_t id);
int cnx_coco_find_category(const cnx_coco_truth *truth, int64_t id);

/* The annotation's mask, at its image's size; the message names the annotation. */
cnx_status cnx_coco_truth_mask(cnx_rle_buffer *out, const cnx_coco_truth *truth,
                               const cnx_coco_annotation *annotation,
                               cnx_segmentation_scratch *scratch, cnx_error *err);

#endif
