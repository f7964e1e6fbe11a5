/*
 * What a model is: architecture, classes, test pipeline.  Inferred from the checkpoint, overridden
 * by a config (see docs/config.md), written into converted files, shown by `cnx info`.
 */
#ifndef CNX_HEADS_DESCRIPTION_H
#define CNX_HEADS_DESCRIPTION_H

#include <cjson/cJSON.h>

#include "heads/detector_desc.h"
#include "heads/linear.h"
#include "heads/upernet.h"

typedef enum cnx_task {
    CNX_TASK_SEGMENTATION,
    CNX_TASK_DETECTION,
    CNX_TASK_CLASSIFICATION
} cnx_task;

/* "segmentation", "detection", "classification": as configs name them. */
const char *cnx_task_name(cnx_task task);

typedef enum cnx_mode { CNX_MODE_WHOLE, CNX_MODE_SLIDE } cnx_mode;
typedef enum cnx_tta_rule { CNX_TTA_MMSEG0, CNX_TTA_MMSEG1 } cnx_tta_rule;

#define CNX_MAX_SCALES 32

/* The test pipeline: from a decoded picture to the network's input, and back.  Of a classifier's,
 * resize, crop (its input, a square), crop_share, mean and std count. */
typedef struct cnx_pipeline {
    bool resize; /* false: the picture's own size ("scale": null) */
    int scale_long, scale_short;
    cnx_mode mode;
    int crop_h, crop_w; /* slide mode */
    int stride_h, stride_w;
    float mean[3], std[3]; /* RGB, in units of 0..255 */
    int pad_divisor;       /* zero padding right and bottom after normalising; 1: none */
    int scale_count;       /* test-time augmentation: 0 for none */
    double scales[CNX_MAX_SCALES];
    bool flip;
    cnx_tta_rule rule;
    /* Of the resized picture's short side, what the crop keeps; CNX_CROP_SQUASHED: the picture is
     * squashed to the input's size and nothing is cut off. */
    double crop_share;
} cnx_pipeline;

#define CNX_CROP_SQUASHED 0.0
/* The published share of a classifier whose input has this edge: 0.875, from 384 on squashed. */
double cnx_crop_share(int size);

typedef struct cnx_description {
    char name[128];      /* "upernet_convnext_tiny", or made up from the parts */
    char published[128]; /* the published pipeline the defaults came from; "" when a config says the
                            mode */
    cnx_task task;
    cnx_convnext_desc backbone;
    cnx_upernet_desc upernet;   /* CNX_TASK_SEGMENTATION */
    cnx_detector_desc detector; /* CNX_TASK_DETECTION */
    cnx_linear_desc linear;     /* CNX_TASK_CLASSIFICATION */
    int class_count;
    char **class_names;    /* owned; [class_count] */
    uint8_t *palette;      /* owned; RGB, [class_count][3] */
    char classes_from[64]; /* "checkpoint", "config", "ade20k", "generated" */
    int *category_ids; /* owned; [class_count]: the data set's id of each class, of a detector's;
                              NULL for other tasks */
    cnx_pipeline pipeline;
    /* pipeline.mode is the published default, said by no config: slide for one scale, whole as soon
     * as scales are given.  Who adds scales later switches to whole where this is set. */
    bool mode_from_default;
} cnx_description;

void cnx_description_free(cnx_description *d); /* accepts a zeroed one */
/* An independent copy; on failure *out is empty. */
cnx_status cnx_description_copy(cnx_description *out, const cnx_description *d, cnx_error *err);

/*
 * Infers everything from the names and shapes of `weights` and the metadata of `checkpoint`, then
 * applies `config` (NULL for none) field by field.  An unknown field, a wrong type, or a value that
 * contradicts the checkpoint is an error that names the field, what was found, and what fits.
 */
cnx_status cnx_description_infer(cnx_description *out, const cnx_checkpoint *checkpoint,
                                 const cnx_weights *weights, const cJSON *config, cnx_error *err);
/* From a config alone (no checkpoint), for planning. */
cnx_status cnx_description_from_config(cnx_description *out, const cJSON *config, cnx_error *err);

/* The whole description as a config object, from which an equal one comes; the caller deletes it.
 * NULL without memory.  A mode that is the default is left out, so that the default's rule (see
 * mode_from_default) goes on. */
cJSON *cnx_description_to_json(const cnx_description *d);

/*
 * Gathers a config: the file (NULL for none; its "base" is looked up beside it, then among the
 * embedded ones; a name without a file is looked up there too), then each `path=JSON` of sets.
 * *out may be NULL when there is nothing.
 */
cnx_status cnx_config_load(cJSON **out, const char *path, const char *const *sets, size_t set_count,
                           cnx_error *err);

#endif
