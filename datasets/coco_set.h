/*
 * Data sets in COCO's form: an annotation file (instances_*.json) and the pictures that it names, in their
 * folder on disk.  No picture is opened here.
 */
#ifndef CNX_DATASETS_COCO_SET_H
#define CNX_DATASETS_COCO_SET_H

#include "core/coco/truth.h"

typedef struct cnx_coco_set {
    cnx_coco_truth truth; /* its images, by ascending id, are the data set's pictures */
    char *annotations;    /* owned: the file */
    char *images;         /* owned: the folder */
    size_t missing;       /* pictures that are not there */
    int first_missing;    /* index of the first of them, -1: none */
} cnx_coco_set;

/* Where it is: two paths, or a folder and a split. */
typedef struct cnx_coco_place {
    const char *annotations, *images; /* or NULL, both */
    const char *dir, *split;          /* split NULL: "val2017" */
} cnx_coco_place;

/*
 * With a folder, what is there is taken, the first of
 *   DIR/annotations/instances_SPLIT.json, DIR/instances_SPLIT.json, DIR/SPLIT/_annotations.coco.json,
 *   DIR/annotations/SPLIT.json, DIR/annotations.json, DIR/instances.json
 * and of DIR/SPLIT, DIR/images/SPLIT, DIR/images, DIR the first folder that holds one of the pictures; for
 * folders, "val", "validation" and "train", "training" are as good as each other.  DIR may also hold a
 * folder "coco".
 *
 * Reads the annotations, and looks for every picture.  Errors name the annotation by its id, the picture by
 * its id and the places that were looked at.  Pictures that are missing are counted, and no error as long as
 * there is one.  Segmentations are kept when asked for.  Release with cnx_coco_set_close.
 */
cnx_status cnx_coco_set_open(cnx_coco_set *out, const cnx_coco_place *place,
                             const cnx_coco_truth_options *options, cnx_error *err);
void cnx_coco_set_close(cnx_coco_set *set); /* accepts a zeroed one, leaves it zeroed */

/* The file of the picture with this index, for the caller to free; NULL when memory is short. */
char *cnx_coco_set_path(const cnx_coco_set *set, size_t image);

/*
 * The data set's id for each class, found by name; -1 where it has no such category.  Capitals, and
 * whether words are parted by blanks, lines or not at all, do not matter.  Two classes that come to one
 * category, or two categories of one name that both fit a class, are CNX_ERR_FORMAT.
 */
cnx_status cnx_coco_set_match(int64_t *ids, const cnx_coco_set *set, const char *const *names,
                              int count, cnx_error *err);

#endif
