/* The steps in which a description comes about; each fills its own part of it. */
#ifndef CNX_HEADS_DESCRIPTION_PARTS_H
#define CNX_HEADS_DESCRIPTION_PARTS_H

#include "heads/description.h"

/* Task, backbone, head and class count, from names and shapes.  The number of pool scales is set,
 * the scales themselves are not. */
cnx_status cnx_describe_shapes(cnx_description *d, const cnx_checkpoint *checkpoint,
                               const cnx_weights *weights, cnx_error *err);
/* The same from a config; pool scales are left out too where the config has none. */
cnx_status cnx_describe_from_fields(cnx_description *d, const cJSON *config, cnx_error *err);
/* CNX_ERR_MODEL when a config says something else than the shapes do. */
cnx_status cnx_describe_compare(const cnx_description *d, const cJSON *config, cnx_error *err);
/* What shapes do not tell of a backbone, as far as the config says it. */
void cnx_describe_relatives(cnx_convnext_desc *d, const cJSON *config);
/* As configs name it. */
const char *cnx_mlp_act_name(cnx_mlp_act act);
/* The head as head.type names it. */
const char *cnx_head_type(const cnx_description *d);
/* The bins of the pyramid pooling: the config's, else the published ones. */
cnx_status cnx_describe_pools(cnx_description *d, const cJSON *config, cnx_error *err);

/* A classifier's part of the shapes, and of the fields: class count, and what relatives of ConvNeXt
 * do that their shapes only hint at. */
cnx_status cnx_describe_classifier(cnx_description *d, const char *file, const cnx_weights *weights,
                                   cnx_error *err);
/* A classifier's published pipeline, overridden by the config. */
cnx_status cnx_describe_classifier_pipeline(cnx_description *d, const cJSON *config,
                                            cnx_error *err);

/* Class names and palette: the config's, else the checkpoint's (NULL for none), else a known data
 * set's, else generated. */
cnx_status cnx_describe_classes(cnx_description *d, const cnx_checkpoint *checkpoint,
                                const cJSON *config, cnx_error *err);

/* A detector's shapes: from a checkpoint's names, or from a config alone. */
cnx_status cnx_describe_detector(cnx_detector_desc *d, const char *file, const cnx_weights *weights,
                                 cnx_error *err);
void cnx_describe_detector_fields(cnx_description *d, const cJSON *config);
/* A detector's anchors, deltas and thresholds: the published ones, overridden by the config. */
cnx_status cnx_describe_detector_rules(cnx_description *d, const cJSON *config, cnx_error *err);
/* The data set's ids of a detector's classes: the config's, COCO's for COCO's classes, else 1, 2 ...
 */
cnx_status cnx_describe_category_ids(cnx_description *d, const cJSON *config, cnx_error *err);
/* A detector's published pipeline; and, once the config is in it, whether it suits and its name. */
cnx_pipeline cnx_detector_pipeline(void);
cnx_status cnx_describe_detector_pipeline(cnx_description *d, const cJSON *config, cnx_error *err);

/* The test pipeline: the published one, overridden by the config. */
cnx_status cnx_describe_pipeline(cnx_description *d, const cnx_checkpoint *checkpoint,
                                 const cJSON *config, cnx_error *err);

/* Copies the whole numbers of a list to out[room]; how many there were. */
int cnx_config_integers(const cJSON *list, int *out, int room);

#endif
