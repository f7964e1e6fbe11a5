/* The architecture as a config has it: alone, or held against what the shapes tell. */
#include <stdio.h>
#include <string.h>

#include "datasets/known_sets.h"
#include "heads/config.h"
#include "heads/description_parts.h"

static const char *const head_types[] = {"upernet", "a detector's", "linear"}; /* by task */
static const int published_pools[] = {1, 2, 3, 6};
enum { PUBLISHED_POOLS = 4, PUBLISHED_CHANNELS = 512, PUBLISHED_AUXILIARY = 256 };

static bool says(const cJSON *item, const char *text)
{
    return !item || strcmp(item->valuestring, text) == 0;
}

/* ---- a config alone ---- */

static cnx_status require_segmentation(const cJSON *config, cnx_error *err)
{
    const cJSON *task = cnx_config_get(config, "task"), *head = cnx_config_get(config, "head.type");
    CNX_FAIL_IF(!says(task, "segmentation"), CNX_ERR_UNSUPPORTED,
                "task: found %s; this version knows segmentation", task->valuestring);
    CNX_FAIL_IF(!says(head, "upernet"), CNX_ERR_UNSUPPORTED,
                "head.type: found %s; this version knows upernet", head->valuestring);
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

cnx_status cnx_describe_from_fields(cnx_description *d, const cJSON *config, cnx_error *err)
{
    const cJSON *depths = cnx_config_get(config, "backbone.depths");
    const cJSON *dims = cnx_config_get(config, "backbone.dims");
    const cJSON *version = cnx_config_get(config, "backbone.version");
    const cJSON *channels = cnx_config_get(config, "head.channels");
    const cJSON *pools = cnx_config_get(config, "head.pool_scales");
    const cJSON *auxiliary = cnx_config_get(config, "head.auxiliary");
    CNX_TRY(require_segmentation(config, err));
    CNX_FAIL_IF(!depths || !dims, CNX_ERR_ARGUMENT,
                "backbone.%s: not given; without a checkpoint it is needed",
                depths ? "dims" : "depths");
    d->task = CNX_TASK_SEGMENTATION;
    cnx_config_integers(depths, d->backbone.depths, CNX_STAGES);
    cnx_config_integers(dims, d->backbone.dims, CNX_STAGES);
    d->backbone.version = version ? version->valueint : 1;
    d->upernet.channels = channels ? channels->valueint : PUBLISHED_CHANNELS;
    d->upernet.pools = pools ? cJSON_GetArraySize(pools) : PUBLISHED_POOLS;
    d->upernet.auxiliary = auxiliary ? auxiliary->valueint : PUBLISHED_AUXILIARY;
    CNX_TRY(count_classes(&d->upernet.classes, config, err));
    d->class_count = d->upernet.classes;
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

static cnx_status compare_stages(const cJSON *config, const char *path, const int *fits,
                                 cnx_error *err)
{
    const cJSON *item = cnx_config_get(config, path);
    int said[CNX_STAGES];
    if (!item)
        return CNX_OK;
    cnx_config_integers(item, said, CNX_STAGES);
    CNX_FAIL_IF(memcmp(said, fits, sizeof said) != 0, CNX_ERR_MODEL,
                "%s: the config says [%d, %d, %d, %d], the checkpoint's shapes say "
                "[%d, %d, %d, %d]; what fits is the latter, or to leave the field out",
                path, said[0], said[1], said[2], said[3], fits[0], fits[1], fits[2], fits[3]);
    return CNX_OK;
}

cnx_status cnx_describe_compare(const cnx_description *d, const cJSON *config, cnx_error *err)
{
    CNX_TRY(compare_text(config, "task", cnx_task_name(d->task), err));
    CNX_TRY(compare_stages(config, "backbone.depths", d->backbone.depths, err));
    CNX_TRY(compare_stages(config, "backbone.dims", d->backbone.dims, err));
    CNX_TRY(compare_number(config, "backbone.version", d->backbone.version, err));
    CNX_TRY(compare_text(config, "head.type", head_types[d->task], err));
    if (d->task == CNX_TASK_SEGMENTATION)
        CNX_TRY(compare_number(config, "head.channels", d->upernet.channels, err));
    return compare_number(config, "head.classes", d->class_count, err);
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
