/* The architecture as a config has it: alone, or held against what the shapes tell. */
#include <stdio.h>
#include <string.h>

#include "datasets/known_sets.h"
#include "heads/config.h"
#include "heads/description_parts.h"

static const int published_pools[] = {1, 2, 3, 6};
enum { PUBLISHED_POOLS = 4, PUBLISHED_CHANNELS = 512, PUBLISHED_AUXILIARY = 256 };

static bool says(const cJSON *item, const char *text)
{
    return !item || strcmp(item->valuestring, text) == 0;
}

const char *cnx_head_type(const cnx_description *d)
{
    switch (d->task) {
    case CNX_TASK_SEGMENTATION:
        return "upernet";
    case CNX_TASK_DETECTION:
        return d->detector.cascade ? "cascade_mask_rcnn" : "mask_rcnn";
    case CNX_TASK_CLASSIFICATION:
        break;
    }
    return "linear";
}

/* ---- a config alone ---- */

/* What `task` and head.type say together: head.type decides; segmentation when they say nothing. */
static cnx_status task_of_config(cnx_task *out, const cJSON *config, cnx_error *err)
{
    const cJSON *task = cnx_config_get(config, "task"), *head = cnx_config_get(config, "head.type");
    const bool linear = head ? says(head, "linear") : task && says(task, "classification");
    const bool detector = head ? says(head, "cascade_mask_rcnn") || says(head, "mask_rcnn")
                               : task && says(task, "detection");
    *out = linear ? CNX_TASK_CLASSIFICATION : detector ? CNX_TASK_DETECTION : CNX_TASK_SEGMENTATION;
    CNX_FAIL_IF(!says(task, cnx_task_name(*out)), CNX_ERR_ARGUMENT,
                "task: found %s, but head.type is %s", task->valuestring, head->valuestring);
    return CNX_OK;
}

/* head.classes, else what `classes` lists or names. */
static cnx_status count_classes(int *out, const cJSON *config, cnx_error *err)
{
    const cJSON *count = cnx_config_get(config, "head.classes");
    const cJSON *classes = cnx_config_get(config, "classes");
    const cnx_known_set *set =
        cJSON_IsString(classes) ? cnx_known_set_named(classes->valuestring) : NULL;
    *out = count                    ? count->valueint
           : set                    ? set->classes
           : cJSON_IsArray(classes) ? cJSON_GetArraySize(classes)
                                    : 0;
    CNX_FAIL_IF(*out == 0, CNX_ERR_ARGUMENT,
                "head.classes: not given; without a checkpoint it is needed (or classes)");
    return CNX_OK;
}

static cnx_status check_stages(const char *path, const cJSON *list, int stages, cnx_error *err)
{
    const int n = cJSON_GetArraySize(list);
    CNX_FAIL_IF(n != stages, CNX_ERR_ARGUMENT, "%s: found %d numbers, %s has %d", path, n,
                stages == 1 ? "an isotropic network" : "a ConvNeXt", stages);
    return CNX_OK;
}

/* The published 7 is kept as 0. */
static cnx_status filters_from_field(int out[CNX_STAGES], const cJSON *list, cnx_error *err)
{
    cnx_config_integers(list, out, CNX_STAGES);
    for (int i = 0; i < CNX_STAGES; i++) {
        CNX_FAIL_IF(list && out[i] % 2 == 0, CNX_ERR_ARGUMENT,
                    "backbone.dwconv: found %d; what fits is four of 3, 5 and 7", out[i]);
        out[i] = out[i] == 7 ? 0 : out[i];
    }
    return CNX_OK;
}

static cnx_status backbone_from_fields(cnx_convnext_desc *d, const cJSON *config, cnx_error *err)
{
    const cJSON *type = cnx_config_get(config, "backbone.type");
    const cJSON *depths = cnx_config_get(config, "backbone.depths");
    const cJSON *dims = cnx_config_get(config, "backbone.dims");
    const cJSON *version = cnx_config_get(config, "backbone.version");
    const cJSON *scale = cnx_config_get(config, "backbone.layer_scale");
    CNX_FAIL_IF(!depths || !dims, CNX_ERR_ARGUMENT,
                "backbone.%s: not given; without a checkpoint it is needed",
                depths ? "dims" : "depths");
    d->isotropic = type && says(type, "convnext_isotropic");
    CNX_TRY(check_stages("backbone.depths", depths, cnx_convnext_stages(d), err));
    CNX_TRY(check_stages("backbone.dims", dims, cnx_convnext_stages(d), err));
    cnx_config_integers(depths, d->depths, CNX_STAGES);
    cnx_config_integers(dims, d->dims, CNX_STAGES);
    d->version = version ? version->valueint : 1;
    d->unscaled = d->version == 1 && cJSON_IsFalse(scale);
    return filters_from_field(d->dwconv, cnx_config_get(config, "backbone.dwconv"), err);
}

cnx_status cnx_describe_from_fields(cnx_description *d, const cJSON *config, cnx_error *err)
{
    const cJSON *channels = cnx_config_get(config, "head.channels");
    const cJSON *pools = cnx_config_get(config, "head.pool_scales");
    const cJSON *auxiliary = cnx_config_get(config, "head.auxiliary");
    CNX_TRY(task_of_config(&d->task, config, err));
    CNX_TRY(backbone_from_fields(&d->backbone, config, err));
    CNX_TRY(count_classes(&d->class_count, config, err));
    if (d->task == CNX_TASK_CLASSIFICATION)
        return CNX_OK;
    CNX_FAIL_IF(d->backbone.isotropic, CNX_ERR_ARGUMENT,
                "backbone.type: an isotropic network has no pyramid of maps for such a head");
    if (d->task == CNX_TASK_DETECTION) {
        cnx_describe_detector_fields(d, config);
        return CNX_OK;
    }
    d->upernet.channels = channels ? channels->valueint : PUBLISHED_CHANNELS;
    d->upernet.pools = pools ? cJSON_GetArraySize(pools) : PUBLISHED_POOLS;
    d->upernet.auxiliary = auxiliary ? auxiliary->valueint : PUBLISHED_AUXILIARY;
    d->upernet.classes = d->class_count;
    return CNX_OK;
}

/* ---- a config against a checkpoint ---- */

static cnx_status compare_text(const cJSON *config, const char *path, const char *fits,
                               cnx_error *err)
{
    const cJSON *item = cnx_config_get(config, path);
    CNX_FAIL_IF(!says(item, fits), CNX_ERR_MODEL,
                "%s: the config says %s, the checkpoint is %s; what fits is %s, or to leave the "
                "field out",
                path, item->valuestring, fits, fits);
    return CNX_OK;
}

static cnx_status compare_number(const cJSON *config, const char *path, int fits, cnx_error *err)
{
    const cJSON *item = cnx_config_get(config, path);
    CNX_FAIL_IF(item && item->valueint != fits, CNX_ERR_MODEL,
                "%s: the config says %d, the checkpoint's shapes say %d; what fits is %d, or to "
                "leave the field out",
                path, item->valueint, fits, fits);
    return CNX_OK;
}

/* "[3, 3, 9, 3]" */
typedef struct stages_text {
    char text[80];
} stages_text;

static stages_text show_stages(const int *values, int count)
{
    stages_text shown = {"["};
    size_t n = 1;
    for (int i = 0; i < count; i++)
        n += (size_t)snprintf(shown.text + n, sizeof shown.text - n, i ? ", %d" : "%d", values[i]);
    snprintf(shown.text + n, sizeof shown.text - n, "]");
    return shown;
}

static cnx_status compare_stages(const cJSON *config, const char *path, const int *fits, int stages,
                                 cnx_error *err)
{
    const cJSON *item = cnx_config_get(config, path);
    int said[CNX_STAGES];
    if (!item)
        return CNX_OK;
    const int n = cnx_config_integers(item, said, CNX_STAGES);
    CNX_FAIL_IF(n != stages || memcmp(said, fits, (size_t)n * sizeof *said) != 0, CNX_ERR_MODEL,
                "%s: the config says %s, the checkpoint's shapes say %s; what fits is the latter, "
                "or to leave the field out",
                path, show_stages(said, n).text, show_stages(fits, stages).text);
    return CNX_OK;
}

static cnx_status compare_backbone(const cnx_convnext_desc *d, const cJSON *config, cnx_error *err)
{
    const cJSON *filters = cnx_config_get(config, "backbone.dwconv");
    const cJSON *scale = cnx_config_get(config, "backbone.layer_scale");
    int said[CNX_STAGES] = {0};
    CNX_TRY(compare_text(config, "backbone.type", d->isotropic ? "convnext_isotropic" : "convnext",
                         err));
    CNX_TRY(compare_stages(config, "backbone.depths", d->depths, cnx_convnext_stages(d), err));
    CNX_TRY(compare_stages(config, "backbone.dims", d->dims, cnx_convnext_stages(d), err));
    CNX_TRY(compare_number(config, "backbone.version", d->version, err));
    CNX_FAIL_IF(scale && d->version == 1 && cJSON_IsTrue(scale) == d->unscaled, CNX_ERR_MODEL,
                "backbone.layer_scale: the config says %s, the checkpoint has %s gamma",
                cJSON_IsTrue(scale) ? "true" : "false", d->unscaled ? "no" : "such");
    CNX_TRY(filters_from_field(said, filters, err));
    CNX_FAIL_IF(filters && memcmp(said, d->dwconv, sizeof said) != 0, CNX_ERR_MODEL,
                "backbone.dwconv: the config says %s, the checkpoint's filters are others",
                cnx_config_show(filters).text);
    return CNX_OK;
}

cnx_status cnx_describe_compare(const cnx_description *d, const cJSON *config, cnx_error *err)
{
    CNX_TRY(compare_text(config, "task", cnx_task_name(d->task), err));
    CNX_TRY(compare_backbone(&d->backbone, config, err));
    CNX_TRY(compare_text(config, "head.type", cnx_head_type(d), err));
    if (d->task == CNX_TASK_DETECTION)
        CNX_TRY(compare_number(config, "head.channels", d->detector.channels, err));
    if (d->task == CNX_TASK_SEGMENTATION)
        CNX_TRY(compare_number(config, "head.channels", d->upernet.channels, err));
    return compare_number(config, "head.classes", d->class_count, err);
}

/* ---- what shapes do not tell ---- */

/* In the order of cnx_mlp_act. */
static const char *const act_names[] = {"gelu", "gelu_tanh", "silu"};

const char *cnx_mlp_act_name(cnx_mlp_act act)
{
    return act_names[act];
}

void cnx_describe_relatives(cnx_convnext_desc *d, const cJSON *config)
{
    const cJSON *act = cnx_config_get(config, "backbone.act");
    const cJSON *eps = cnx_config_get(config, "backbone.eps");
    for (size_t i = 0; act && i < sizeof act_names / sizeof *act_names; i++)
        if (says(act, act_names[i]))
            d->act = (cnx_mlp_act)i;
    if (eps)
        d->eps = (float)eps->valuedouble;
}

cnx_status cnx_describe_pools(cnx_description *d, const cJSON *config, cnx_error *err)
{
    const cJSON *pools = cnx_config_get(config, "head.pool_scales");
    if (pools) {
        const int n = cnx_config_integers(pools, d->upernet.pool_scales, CNX_MAX_POOLS);
        CNX_FAIL_IF(n != d->upernet.pools, CNX_ERR_MODEL,
                    "head.pool_scales: the config lists %d, the checkpoint has %d branches "
                    "(decode_head.psp_modules)",
                    n, d->upernet.pools);
        return CNX_OK;
    }
    CNX_FAIL_IF(d->upernet.pools != PUBLISHED_POOLS, CNX_ERR_MODEL,
                "decode_head.psp_modules has %d branches; only of the published four are the pool "
                "scales known (1, 2, 3, 6): name yours in a config or by "
                "--set head.pool_scales=[...]",
                d->upernet.pools);
    memcpy(d->upernet.pool_scales, published_pools, sizeof published_pools);
    return CNX_OK;
}
