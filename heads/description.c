#include "heads/description.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads/config.h"
#include "heads/description_parts.h"

const char *cnx_task_name(cnx_task task)
{
    static const char *const names[] = {"segmentation", "detection", "classification"};
    return names[task];
}

int cnx_config_integers(const cJSON *list, int *out, int room)
{
    int n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (n < room)
            out[n] = item->valueint;
        n++;
    }
    return n;
}

void cnx_description_free(cnx_description *d)
{
    for (int i = 0; d->class_names && i < d->class_count; i++)
        free(d->class_names[i]);
    free(d->class_names);
    free(d->palette);
    free(d->category_ids);
    memset(d, 0, sizeof *d);
}

/* "upernet_convnext_tiny"; widths and depths without a name are spelled out. */
static void make_name(cnx_description *d)
{
    const char *head = d->task == CNX_TASK_SEGMENTATION     ? "upernet_"
                       : d->task == CNX_TASK_CLASSIFICATION ? ""
                       : d->detector.cascade                ? "cascade_mask_rcnn_"
                                                            : "mask_rcnn_";
    const char *version = d->backbone.version == 2 ? "v2" : "";
    const char *variant = cnx_convnext_variant(&d->backbone);
    const int *n = d->backbone.depths, *c = d->backbone.dims;
    if (variant)
        snprintf(d->name, sizeof d->name, "%sconvnext%s_%s", head, version, variant);
    else if (d->backbone.isotropic)
        snprintf(d->name, sizeof d->name, "%sconvnext%s_isotropic_%d_%d", head, version, n[0],
                 c[0]);
    else
        snprintf(d->name, sizeof d->name, "%sconvnext%s_%d-%d-%d-%d_%d-%d-%d-%d", head, version,
                 n[0], n[1], n[2], n[3], c[0], c[1], c[2], c[3]);
}

/* What shapes do not tell. */
static cnx_status complete(cnx_description *d, const cnx_checkpoint *checkpoint,
                           const cJSON *config, cnx_error *err)
{
    cnx_describe_relatives(&d->backbone, config);
    make_name(d);
    const cJSON *name = cnx_config_get(config, "name");
    if (name)
        snprintf(d->name, sizeof d->name, "%s", name->valuestring);
    if (d->task == CNX_TASK_SEGMENTATION) {
        const cnx_status status = cnx_describe_pools(d, config, err);
        if (status != CNX_OK && checkpoint)
            cnx_error_prefix(err, "%s", cnx_checkpoint_name(checkpoint));
        CNX_TRY(status);
    }
    if (d->task == CNX_TASK_CLASSIFICATION)
        d->linear = (cnx_linear_desc){.width = cnx_convnext_width(&d->backbone),
                                      .classes = d->class_count,
                                      .eps = cnx_convnext_eps(&d->backbone)};
    CNX_TRY(cnx_describe_classes(d, checkpoint, config, err));
    if (d->task == CNX_TASK_DETECTION) {
        CNX_TRY(cnx_describe_detector_rules(d, config, err));
        CNX_TRY(cnx_describe_category_ids(d, config, err));
    }
    return cnx_describe_pipeline(d, checkpoint, config, err);
}

cnx_status cnx_description_infer(cnx_description *out, const cnx_checkpoint *checkpoint,
                                 const cnx_weights *weights, const cJSON *config, cnx_error *err)
{
    cnx_status status = CNX_OK;
    memset(out, 0, sizeof *out);
    CNX_CHECK(cnx_config_validate(config, err));
    CNX_CHECK(cnx_describe_shapes(out, checkpoint, weights, err));
    CNX_CHECK(cnx_describe_compare(out, config, err));
    CNX_CHECK(complete(out, checkpoint, config, err));
    return CNX_OK;
cleanup:
    cnx_description_free(out);
    return status;
}

cnx_status cnx_description_from_config(cnx_description *out, const cJSON *config, cnx_error *err)
{
    cnx_status status = CNX_OK;
    memset(out, 0, sizeof *out);
    CNX_CHECK(cnx_config_validate(config, err));
    CNX_CHECK(cnx_describe_from_fields(out, config, err));
    CNX_CHECK(complete(out, NULL, config, err));
    return CNX_OK;
cleanup:
    cnx_description_free(out);
    return status;
}
