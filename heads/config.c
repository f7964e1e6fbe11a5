/* Reading configs: files, their bases, --set overrides, and how the layers merge. */
#include "heads/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/embedded/embedded.h"
#include "core/file.h"
#include "core/json.h"
#include "heads/catalogue.h"
#include "heads/description.h"

enum { MAX_CHAIN = 8, MAX_CONFIG = 16 << 20, MAX_PATH = 4096 };

/* ---- merging ---- */

static cnx_status merge_object(cJSON *into, cJSON *layer, cnx_error *err)
{
    while (layer->child) {
        cJSON *item = cJSON_DetachItemViaPointer(layer, layer->child);
        cJSON *old = cJSON_GetObjectItemCaseSensitive(into, item->string);
        if (cJSON_IsObject(old) && cJSON_IsObject(item)) {
            const cnx_status status = merge_object(old, item, err);
            cJSON_Delete(item);
            CNX_TRY(status);
            continue;
        }
        const bool done = old ? cJSON_ReplaceItemViaPointer(into, old, item)
                              : cJSON_AddItemToObject(into, item->string, item);
        if (!done) {
            cJSON_Delete(item);
            return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the config");
        }
    }
    return CNX_OK;
}

cnx_status cnx_config_merge(cJSON **config, cJSON *layer, cnx_error *err)
{
    if (!*config) {
        *config = layer;
        return CNX_OK;
    }
    const cnx_status status = merge_object(*config, layer, err);
    cJSON_Delete(layer);
    return status;
}

/* ---- files and their bases ---- */

/* The files that led to the one being read, to find circles. */
typedef struct chain {
    const char *names[MAX_CHAIN];
    int length;
} chain;

static bool find_embedded(const char *name, cnx_embedded_file *file)
{
    char path[256];
    if (strchr(name, '/'))
        return false;
    snprintf(path, sizeof path, "configs/%.200s", name);
    if (cnx_embedded_find(path, file))
        return true;
    snprintf(path, sizeof path, "configs/%.200s.json", name);
    return cnx_embedded_find(path, file);
}

/* The same, or one whose alias that is. */
static bool find_alias(const char *name, cnx_embedded_file *file)
{
    char own[128];
    return find_embedded(name, file) ||
           (cnx_catalogue_find(name, own, sizeof own) && find_embedded(own, file));
}

static cnx_status load_chain(cJSON **out, const char *path, chain *from, cnx_error *err);

/* `base` beside `path`, or among the embedded ones when there is no such file. */
static cnx_status load_base(cJSON **out, const char *path, const char *base, chain *from,
                            cnx_error *err)
{
    char beside[MAX_PATH];
    const char *slash = strrchr(path, '/');
    const int folder = base[0] == '/' || !slash ? 0 : (int)(slash - path) + 1;
    const int n = snprintf(beside, sizeof beside, "%.*s%s", folder, path, base);
    CNX_FAIL_IF(n >= (int)sizeof beside, CNX_ERR_ARGUMENT, "%.200s: base: the path is too long",
                path);
    cnx_embedded_file file;
    const bool built_in = access(beside, F_OK) != 0 && find_embedded(base, &file);
    return load_chain(out, built_in ? base : beside, from, err);
}

static cnx_status read_config(cJSON **out, const char *path, cnx_error *err)
{
    cnx_embedded_file file;
    if (access(path, F_OK) != 0) {
        CNX_FAIL_IF(!find_alias(path, &file), CNX_ERR_IO,
                    "%.200s: there is no such file, and no built-in config of that name (\"cnx "
                    "list\" shows those there are)",
                    path);
        return cnx_json_parse(out, (const char *)file.data, file.size, file.path, err);
    }
    char *text;
    size_t size;
    CNX_TRY(cnx_read_text(path, MAX_CONFIG, &text, &size, err));
    const cnx_status status = cnx_json_parse(out, text, size, path, err);
    free(text);
    return status;
}

static cnx_status enter(chain *from, const char *path, cnx_error *err)
{
    for (int i = 0; i < from->length; i++)
        CNX_FAIL_IF(strcmp(from->names[i], path) == 0, CNX_ERR_ARGUMENT,
                    "%s: base: the file is, in the end, its own base", path);
    CNX_FAIL_IF(from->length == MAX_CHAIN, CNX_ERR_ARGUMENT,
                "%s: base: more than %d files stand on each other", path, (int)MAX_CHAIN);
    from->names[from->length++] = path;
    return CNX_OK;
}

/* One file on top of its base. */
static cnx_status load_chain(cJSON **out, const char *path, chain *from, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cJSON *config = NULL, *base = NULL;
    *out = NULL;
    CNX_CHECK(enter(from, path, err));
    CNX_CHECK(read_config(&config, path, err));
    base = cJSON_DetachItemFromObjectCaseSensitive(config, "base");
    status = cnx_config_validate(config, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", path);
    CNX_CHECK(status);
    CNX_CHECK_IF(base && !cJSON_IsString(base), CNX_ERR_ARGUMENT,
                 "%s: base: found %s; what fits is the name of a file", path, cnx_json_kind(base));
    if (base)
        CNX_CHECK(load_base(out, path, base->valuestring, from, err));
    status = cnx_config_merge(out, config, err);
    config = NULL;
cleanup:
    cJSON_Delete(config);
    cJSON_Delete(base);
    if (status != CNX_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return status;
}

/* ---- --set path.to.field=JSON ---- */

/* The value, wrapped into one object for each part of the path.  Takes the value over. */
static cJSON *wrap(const char *path, size_t length, cJSON *value)
{
    size_t start = length;
    while (start > 0 && path[start - 1] != '.')
        start--;
    char *name = strndup(path + start, length - start);
    cJSON *object = cJSON_CreateObject();
    if (!name || !object || !cJSON_AddItemToObject(object, name, value)) {
        cJSON_Delete(value);
        cJSON_Delete(object);
        object = NULL;
    }
    free(name);
    return start == 0 || !object ? object : wrap(path, start - 1, object);
}

static cnx_status parse_set(cJSON **out, const char *set, cnx_error *err)
{
    enum { MAX_FIELD = 64 }; /* bounds wrap's recursion too */
    const char *equals = strchr(set, '=');
    CNX_FAIL_IF(!equals || equals == set || equals - set > MAX_FIELD, CNX_ERR_ARGUMENT,
                "--set %.200s: expected path.to.field=JSON, such as pipeline.scale=[2048,512]",
                set);
    cJSON *value;
    const char *json = equals + 1;
    if (cnx_json_parse(&value, json, strlen(json), "value", NULL) != CNX_OK)
        return cnx_fail(err, CNX_ERR_ARGUMENT,
                        "--set %.200s: %.200s is not JSON; a text needs quotes, as in "
                        "'pipeline.mode=\"whole\"'",
                        set, *json ? json : "nothing");
    *out = wrap(set, (size_t)(equals - set), value);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for the config");
    const cnx_status status = cnx_config_validate(*out, err);
    if (status != CNX_OK) {
        cJSON_Delete(*out);
        *out = NULL;
        cnx_error_prefix(err, "--set");
    }
    return status;
}

cnx_status cnx_config_load(cJSON **out, const char *path, const char *const *sets, size_t set_count,
                           cnx_error *err)
{
    cnx_status status = CNX_OK;
    chain from = {.length = 0};
    *out = NULL;
    if (path)
        CNX_TRY(load_chain(out, path, &from, err));
    for (size_t i = 0; i < set_count; i++) {
        cJSON *layer;
        CNX_CHECK(parse_set(&layer, sets[i], err));
        CNX_CHECK(cnx_config_merge(out, layer, err));
    }
    return CNX_OK;
cleanup:
    cJSON_Delete(*out);
    *out = NULL;
    return status;
}
