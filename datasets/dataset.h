/*
 * Pictures and their label files on disk: which belong together, in a fixed order.  Nothing is
 * decoded here.
 */
#ifndef CNX_DATASETS_DATASET_H
#define CNX_DATASETS_DATASET_H

#include <stddef.h>

#include "core/status.h"

typedef struct cnx_dataset_item {
    char *id;     /* what both names share: the path below their folders, without the suffixes */
    char *image;  /* path; NULL: there is no picture of this id */
    char *labels; /* path; NULL: there is no label file of this id */
} cnx_dataset_item;

typedef struct cnx_dataset {
    /* By picture name in byte order, as mmseg sorts them; those without a picture come last. */
    cnx_dataset_item *items; /* owned, as all else here */
    size_t count;
    size_t pairs, images_alone, labels_alone; /* sum: count */
    char *images, *labels;                    /* the folders */
    const char *layout;                       /* "ADE20K", "ImageNet-S", ...: how they were found */
} cnx_dataset;

/* What the file names end in; the rest is the id.  NULL: any known picture suffix, and ".png". */
typedef struct cnx_dataset_suffixes {
    const char *images; /* "_leftImg8bit.png" */
    const char *labels; /* "_gtFine_labelTrainIds.png" */
} cnx_dataset_suffixes;

/*
 * Two folders of any names, searched at any depth.  images NULL: label files alone.  Fails where a folder cannot be read or holds no
 * such file, and where two pictures (or label files) have one id.  Items without a partner are no
 * error here: whoever scores them decides.  The caller frees *out, which is empty on failure.
 */
cnx_status cnx_dataset_open_folders(cnx_dataset *out, const char *images, const char *labels,
                                    const cnx_dataset_suffixes *suffixes, cnx_error *err);

/*
 * A data set in one of the known layouts, told by the folders in DIR:
 *   images/SPLIT + annotations/SPLIT          ADE20K's scene parsing benchmark; DIR may also be the
 *                                             folder that holds ADEChallengeData2016
 *   SPLIT + SPLIT-segmentation                ImageNet-S
 *   img_dir/SPLIT + ann_dir/SPLIT             mmseg's own
 *   images + labels, annotations or masks     without splits: pictures right there
 * The full ADE20K data set (*_seg.png) is recognised and refused.  Other calls as above.
 */
cnx_status cnx_dataset_open(cnx_dataset *out, const char *dir, const char *split,
                            const cnx_dataset_suffixes *suffixes, cnx_error *err);
/* ADE20K's layout alone; split NULL: "validation". */
cnx_status cnx_dataset_open_ade20k(cnx_dataset *out, const char *dir, const char *split,
                                   cnx_error *err);
void cnx_dataset_free(cnx_dataset *dataset); /* accepts a zeroed one */

#endif
