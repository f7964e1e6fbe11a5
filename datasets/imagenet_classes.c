#include "datasets/imagenet_classes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/embedded/embedded.h"
#include "core/file.h"
#include "core/json.h"
#include "datasets/known_sets.h"

enum { FILE_LIMIT = 16 << 20 };

/* ---- lists ---- */

static cnx_status copy_list(char ***out, int count, const cJSON *list, const char *file,
                            cnx_error *err)
{
    int i = 0;
    const cJSON *item;
    *out = calloc((size_t)count + 1, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for the names of the classes");
    cJSON_ArrayForEach(item, list)
    {
        CNX_FAIL_IF(!cJSON_IsString(item) || !item->valuestring[0] ||
                        strchr(item->valuestring, '/'),
                    CNX_ERR_FORMAT, "%s: class %d is no folder's name", file, i);
        (*out)[i] = strdup(item->valuestring);
        CNX_FAIL_IF(!(*out)[i], CNX_ERR_MEMORY, "not enough memory for the names of the classes");
        i++;
    }
    return CNX_OK;
}

static cnx_status read_built_in(cnx_imagenet *set, cnx_error *err)
{
    const cnx_known_set *known = cnx_known_set_named("imagenet1k");
    cJSON *file;
    CNX_TRY(cnx_known_set_load(&file, known, err));
    const cJSON *wnids = cJSON_GetObjectItemCaseSensitive(file, "wnids");
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(file, "classes"), *item;
    cnx_status status = CNX_OK;
    int i = 0;
    set->class_count = known->classes;
    set->names = calloc((size_t)known->classes + 1, sizeof *set->names);
    CNX_CHECK_IF(!set->names, CNX_ERR_MEMORY, "not enough memory for the names of the classes");
    cJSON_ArrayForEach(item, names)
    {
        set->names[i] = strdup(item->valuestring);
        CNX_CHECK_IF(!set->names[i++], CNX_ERR_MEMORY,
                     "not enough memory for the names of the classes");
    }
    CNX_CHECK(copy_list(&set->wnids, known->classes, wnids, known->file, err));
cleanup:
    cJSON_Delete(file);
    return status;
}

/* A list, or an object with "classes" and, where folders have other names, "wnids". */
static cnx_status read_json(cnx_imagenet *set, const cJSON *file, const char *path, cnx_error *err)
{
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(file, "classes");
    const cJSON *wnids = cJSON_GetObjectItemCaseSensitive(file, "wnids");
    const cJSON *names = cJSON_IsArray(file) ? file : classes ? classes : wnids;
    const cJSON *folders = wnids ? wnids : names;
    CNX_FAIL_IF(!cJSON_IsArray(names) || !cJSON_IsArray(folders), CNX_ERR_FORMAT,
                "%s: expected a list of names, or an object with \"classes\" (and \"wnids\", the "
                "names of the folders)",
                path);
    set->class_count = cJSON_GetArraySize(folders);
    CNX_FAIL_IF(set->class_count < 1 || set->class_count > 65535 ||
                    cJSON_GetArraySize(names) != set->class_count,
                CNX_ERR_FORMAT, "%s: %d names of classes and %d of folders", path,
                cJSON_GetArraySize(names), set->class_count);
    CNX_TRY(copy_list(&set->wnids, set->class_count, folders, path, err));
    int i = 0;
    const cJSON *item;
    set->names = calloc((size_t)set->class_count + 1, sizeof *set->names);
    CNX_FAIL_IF(!set->names, CNX_ERR_MEMORY, "not enough memory for the names of the classes");
    cJSON_ArrayForEach(item, names)
    {
        CNX_FAIL_IF(!cJSON_IsString(item), CNX_ERR_FORMAT, "%s: class %d has no name", path, i);
        set->names[i] = strdup(item->valuestring);
        CNX_FAIL_IF(!set->names[i++], CNX_ERR_MEMORY,
                    "not enough memory for the names of the classes");
    }
    return CNX_OK;
}

cnx_status cnx_imagenet_read_classes(cnx_imagenet *set, const char *classes, cnx_error *err)
{
    char *text = NULL;
    size_t size;
    cJSON *file = NULL;
    cnx_status status = CNX_OK;
    if (!classes || strcmp(classes, "imagenet1k") == 0)
        return read_built_in(set, err);
    CNX_CHECK(cnx_read_text(classes, FILE_LIMIT, &text, &size, err));
    CNX_CHECK(cnx_json_parse(&file, text, size, classes, err));
    CNX_CHECK(read_json(set, file, classes, err));
cleanup:
    cJSON_Delete(file);
    free(text);
    return status;
}

/* ---- asking ---- */

bool cnx_is_wnid(const char *text, size_t length)
{
    return length == 9 && text[0] == 'n' && strspn(text + 1, "0123456789") >= 8;
}

int cnx_imagenet_class(const cnx_imagenet *set, const char *wnid, size_t length)
{
    for (int i = 0; i < set->class_count; i++)
        if (strlen(set->wnids[i]) == length && memcmp(set->wnids[i], wnid, length) == 0)
            return i;
    return -1;
}

/* ---- relatives ---- */

static cnx_status read_subset(cnx_imagenet *set, const cJSON *wnids, cnx_error *err)
{
    const cJSON *item;
    set->subset = calloc((size_t)set->class_count, sizeof *set->subset);
    CNX_FAIL_IF(!set->subset, CNX_ERR_MEMORY, "not enough memory for the list of classes");
    cJSON_ArrayForEach(item, wnids)
    {
        const int index = cnx_imagenet_class(set, item->valuestring, strlen(item->valuestring));
        CNX_FAIL_IF(index < 0, CNX_ERR_INTERNAL, "%s is in no list", item->valuestring);
        set->subset_count += !set->subset[index];
        set->subset[index] = true;
    }
    return CNX_OK;
}

static void read_corruptions(cnx_imagenet *set, const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        cnx_corruption *c = &set->corruptions[set->corruption_count];
        snprintf(c->name, sizeof c->name, "%s",
                 cJSON_GetObjectItemCaseSensitive(item, "name")->valuestring);
        snprintf(c->group, sizeof c->group, "%s",
                 cJSON_GetObjectItemCaseSensitive(item, "group")->valuestring);
        c->alexnet_error = cJSON_GetObjectItemCaseSensitive(item, "alexnet_error")->valuedouble;
        if (++set->corruption_count == CNX_MAX_CORRUPTIONS)
            return;
    }
}

cnx_status cnx_imagenet_read_variant(cnx_imagenet *set, cnx_imagenet_variant variant,
                                     cnx_error *err)
{
    cnx_embedded_file embedded;
    cJSON *file;
    cnx_status status = CNX_OK;
    set->subset_count = set->class_count;
    if (variant == CNX_IMAGENET || variant == CNX_IMAGENET_SKETCH)
        return CNX_OK;
    CNX_FAIL_IF(!cnx_embedded_find("configs/imagenet_robust.json", &embedded), CNX_ERR_INTERNAL,
                "the lists of ImageNet's relatives are not built in");
    CNX_TRY(cnx_json_parse(&file, (const char *)embedded.data, embedded.size, embedded.path, err));
    if (variant == CNX_IMAGENET_C) {
        read_corruptions(set, cJSON_GetObjectItemCaseSensitive(file, "c"));
    } else {
        const bool a = variant == CNX_IMAGENET_A || variant == CNX_IMAGENET_VAL_A;
        set->subset_count = 0;
        status = read_subset(set, cJSON_GetObjectItemCaseSensitive(file, a ? "a" : "r"), err);
    }
    cJSON_Delete(file);
    return status;
}
