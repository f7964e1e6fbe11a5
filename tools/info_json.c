/* The report of cnx info for machines. */
#include <math.h>

#include "tools/info.h"
#include "tools/report.h"

static bool add_number(cJSON *object, const char *key, size_t value)
{
    return cJSON_AddNumberToObject(object, key, (double)value) != NULL;
}

/* Puts a made item into an object; NULL, or one that does not fit in, is a failure. */
static bool add_item(cJSON *object, const char *key, cJSON *item)
{
    if (item && cJSON_AddItemToObject(object, key, item))
        return true;
    cJSON_Delete(item);
    return false;
}

static cJSON *shape_array(int rank, const int64_t *shape)
{
    double values[CNX_MAX_RANK];
    for (int i = 0; i < rank; i++)
        values[i] = (double)shape[i];
    return cJSON_CreateDoubleArray(values, rank);
}

static bool add_file(cJSON *object, const cnx_info_report *info)
{
    const cnx_checkpoint *c = info->checkpoint;
    cJSON *dtypes;
    bool sound =
        cnx_report_text(object, "file", cnx_checkpoint_name(c)) &&
        add_number(object, "bytes", info->bytes) &&
        cnx_report_text(object, "sha256", info->sha256) &&
        cnx_report_text(object, "container", cnx_container_name(cnx_checkpoint_container(c))) &&
        cnx_report_text(object, "section", cnx_checkpoint_section(c)) &&
        cnx_report_text(object, "dialect", cnx_dialect_name(cnx_weights_dialect(info->weights))) &&
        (dtypes = cJSON_AddObjectToObject(object, "dtypes"));
    size_t counts[CNX_INFO_DTYPES];
    cnx_info_count_dtypes(info, counts);
    for (int i = 0; sound && i < CNX_INFO_DTYPES; i++)
        sound = !counts[i] || add_number(dtypes, cnx_dtype_name((cnx_dtype)i), counts[i]);
    return sound;
}

/* A description leaves a mode out that follows from the defaults; a report says what it is. */
static cJSON *described(const cnx_description *d)
{
    cJSON *description = cnx_description_to_json(d);
    cJSON *pipeline = cJSON_GetObjectItemCaseSensitive(description, "pipeline");
    const char *mode = d->pipeline.mode == CNX_MODE_WHOLE ? "whole" : "slide";
    if (d->task != CNX_TASK_CLASSIFICATION && pipeline &&
        !cJSON_GetObjectItemCaseSensitive(pipeline, "mode") &&
        !cJSON_AddStringToObject(pipeline, "mode", mode)) {
        cJSON_Delete(description);
        return NULL;
    }
    return description;
}

static bool add_model(cJSON *object, const cnx_info_report *info)
{
    const cnx_description *d = &info->file->description;
    const char *variant = cnx_convnext_variant(&d->backbone);
    cJSON *parameters = cJSON_AddObjectToObject(object, "parameters");
    size_t all, needed;
    cnx_model_file_parameters(info->file, &all, &needed);
    return parameters && cnx_report_text(object, "kind", cnx_task_name(d->task)) &&
           add_number(object, "classes", (size_t)d->class_count) &&
           add_number(parameters, "with_auxiliary", all) &&
           add_number(parameters, "needed", needed) &&
           add_item(object, "variant",
                    variant ? cJSON_CreateString(variant) : cJSON_CreateNull()) &&
           cnx_report_text(object, "published_pipeline", d->published) &&
           cnx_report_text(object, "classes_from", d->classes_from) &&
           add_item(object, "description", described(d));
}

/* The names of the keys in one state. */
static bool add_state(cJSON *object, const char *key, const cnx_weights *weights,
                      cnx_key_state state)
{
    cJSON *list = cJSON_AddArrayToObject(object, key);
    bool sound = list != NULL;
    for (size_t i = 0; sound && i < cnx_weights_key_count(weights); i++) {
        const cnx_key *k = cnx_weights_key(weights, i);
        if (k->state == state)
            sound = cnx_report_append(list, k->tensor ? k->tensor->name : k->canonical);
    }
    return sound;
}

static bool add_keys(cJSON *object, const cnx_info_report *info)
{
    size_t counts[CNX_INFO_STATES];
    cnx_info_count_states(info, counts);
    cJSON *keys = cJSON_AddObjectToObject(object, "keys");
    return keys && add_number(keys, "matched", counts[CNX_KEY_MATCHED]) &&
           add_number(keys, "ignored", counts[CNX_KEY_IGNORED]) &&
           add_state(keys, "missing", info->weights, CNX_KEY_MISSING) &&
           add_state(keys, "wrong_shape", info->weights, CNX_KEY_WRONG_SHAPE) &&
           add_state(keys, "wrong_dtype", info->weights, CNX_KEY_WRONG_DTYPE) &&
           add_state(keys, "unused", info->weights, CNX_KEY_UNUSED);
}

static bool add_tensor(cJSON *list, const cnx_key *key)
{
    const cnx_tensor_info *t = key->tensor;
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    const bool expected = key->state != CNX_KEY_UNUSED && key->state != CNX_KEY_IGNORED;
    return (!t || (cnx_report_text(item, "name", t->name) &&
                   cnx_report_text(item, "dtype", cnx_dtype_name(t->dtype)) &&
                   add_item(item, "shape", shape_array(t->rank, t->shape)))) &&
           (!key->canonical || cnx_report_text(item, "canonical", key->canonical)) &&
           (!expected || add_item(item, "expected", shape_array(key->rank, key->shape))) &&
           cnx_report_text(item, "state", cnx_key_state_name(key->state));
}

static bool add_tensors(cJSON *object, const cnx_info_report *info)
{
    cJSON *list = cJSON_AddArrayToObject(object, "tensors");
    bool sound = list != NULL;
    for (size_t i = 0; sound && i < cnx_weights_key_count(info->weights); i++)
        sound = add_tensor(list, cnx_weights_key(info->weights, i));
    return sound;
}

cnx_status cnx_info_json(const cnx_info_report *info, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = object && add_file(object, info) &&
                       (!info->file || (add_model(object, info) && add_keys(object, info))) &&
                       (!info->tensors || add_tensors(object, info)) &&
                       cJSON_AddBoolToObject(object, "ok", info->problem == NULL) &&
                       (!info->problem || cnx_report_text(object, "error", info->problem));
    if (!sound) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}
