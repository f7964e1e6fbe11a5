#include "datasets/classes.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/image/draw.h"
#include "core/json.h"
#include "datasets/known_sets.h"

enum { FILE_LIMIT = 16 << 20 };

static const cnx_label_rules plain_rules = {.coding = CNX_LABELS_INDEX, .ignore = 255};

void cnx_classes_free(cnx_classes *classes)
{
    for (int i = 0; classes->names && i < classes->count; i++)
        free(classes->names[i]);
    free(classes->names);
    free(classes->palette);
    free(classes->name);
    *classes = (cnx_classes){0};
}

/* Names go to terminals and reports: control characters stay out. */
static cnx_status copy_text(char **out, const char *text, cnx_error *err)
{
    *out = strdup(text);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for the class names");
    for (char *p = *out; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    return CNX_OK;
}

static cnx_status alloc(cnx_classes *c, const char *name, int count, cnx_error *err)
{
    c->names = calloc((size_t)count, sizeof *c->names);
    c->palette = calloc((size_t)count, 3);
    CNX_FAIL_IF(!c->names || !c->palette, CNX_ERR_MEMORY, "not enough memory for %d classes",
                count);
    c->count = count;
    cnx_palette_generate(c->palette, count);
    return copy_text(&c->name, name, err);
}

/* ---- from JSON ---- */

/* A class is a name, or an object with "name" and, where wanted, "rgb". */
static cnx_status read_name(cnx_classes *c, int index, const cJSON *item, cnx_error *err)
{
    const cJSON *name =
        cJSON_IsObject(item) ? cJSON_GetObjectItemCaseSensitive(item, "name") : item;
    CNX_FAIL_IF(!cJSON_IsString(name), CNX_ERR_FORMAT,
                "classes: entry %d is %s; expected a name, or an object with \"name\"", index,
                cnx_json_kind(item));
    return copy_text(&c->names[index], name->valuestring, err);
}

static cnx_status read_colour(cnx_classes *c, int index, const cJSON *colour, cnx_error *err)
{
    bool sound = cJSON_GetArraySize(colour) == 3 && cJSON_IsArray(colour);
    for (int i = 0; sound && i < 3; i++) {
        const cJSON *channel = cJSON_GetArrayItem(colour, i);
        sound = cJSON_IsNumber(channel) && channel->valuedouble >= 0 &&
                channel->valuedouble <= 255 && channel->valuedouble == channel->valueint;
        if (sound)
            c->palette[3 * index + i] = (uint8_t)channel->valueint;
    }
    CNX_FAIL_IF(!sound, CNX_ERR_FORMAT,
                "the colour of class %d is not [red, green, blue], each 0 to 255", index);
    c->palette_given = true;
    return CNX_OK;
}

static cnx_status read_palette(cnx_classes *c, const cJSON *palette, cnx_error *err)
{
    CNX_FAIL_IF(!cJSON_IsArray(palette) || cJSON_GetArraySize(palette) != c->count, CNX_ERR_FORMAT,
                "palette: expected a list of %d colours, one for each class; found %d", c->count,
                cJSON_GetArraySize(palette));
    int index = 0;
    const cJSON *colour;
    cJSON_ArrayForEach(colour, palette)
    {
        CNX_TRY(read_colour(c, index++, colour, err));
    }
    return CNX_OK;
}

static cnx_status read_list(cnx_classes *c, const cJSON *list, const char *name, cnx_error *err)
{
    const int count = cJSON_GetArraySize(list);
    CNX_FAIL_IF(!cJSON_IsArray(list) || count < 1 || count > CNX_CLASSES_MAX, CNX_ERR_FORMAT,
                "classes: expected a list of 1 to %d names; found %s%s", CNX_CLASSES_MAX,
                list ? cnx_json_kind(list) : "none",
                cJSON_IsArray(list) ? " of another length" : "");
    CNX_TRY(alloc(c, name, count, err));
    int index = 0, coloured = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *rgb = cJSON_GetObjectItemCaseSensitive(item, "rgb");
        CNX_TRY(read_name(c, index, item, err));
        if (rgb)
            CNX_TRY(read_colour(c, index, rgb, err));
        coloured += rgb != NULL;
        index++;
    }
    CNX_FAIL_IF(coloured != 0 && coloured != count, CNX_ERR_FORMAT,
                "classes: %d of %d have a colour (\"rgb\"); all or none should", coloured, count);
    return CNX_OK;
}

static cnx_status read_rules(cnx_label_rules *rules, const cJSON *file, cnx_error *err)
{
    const cJSON *ignore = cJSON_GetObjectItemCaseSensitive(file, "ignore");
    const cJSON *reduce = cJSON_GetObjectItemCaseSensitive(file, "reduce_zero_label");
    const cJSON *coding = cJSON_GetObjectItemCaseSensitive(file, "coding");
    if (cJSON_IsNumber(ignore) && ignore->valuedouble >= 0 && ignore->valuedouble <= 65535 &&
        ignore->valuedouble == ignore->valueint)
        rules->ignore = ignore->valueint;
    else if (cJSON_IsNull(ignore))
        rules->ignore = -1;
    else
        CNX_FAIL_IF(ignore, CNX_ERR_FORMAT,
                    "ignore: expected a whole number from 0 to 65535, or null for none");
    CNX_FAIL_IF(reduce && !cJSON_IsBool(reduce), CNX_ERR_FORMAT,
                "reduce_zero_label: expected true or false; found %s", cnx_json_kind(reduce));
    rules->reduce_zero_label = cJSON_IsTrue(reduce);
    const char *name = cJSON_IsString(coding) ? coding->valuestring : "";
    if (strcmp(name, "rgb16") == 0)
        rules->coding = CNX_LABELS_RGB16;
    else
        CNX_FAIL_IF(coding && strcmp(name, "index") != 0, CNX_ERR_FORMAT,
                    "coding: expected \"index\" or \"rgb16\"; found %s", cnx_json_kind(coding));
    return CNX_OK;
}

/* file: an object with "classes", or the list alone. */
static cnx_status read_json(cnx_classes *c, const cJSON *file, const char *path, cnx_error *err)
{
    c->rules = plain_rules;
    if (!cJSON_IsObject(file))
        return read_list(c, file, path, err);
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(file, "name");
    const cJSON *palette = cJSON_GetObjectItemCaseSensitive(file, "palette");
    CNX_TRY(read_list(c, cJSON_GetObjectItemCaseSensitive(file, "classes"),
                      cJSON_IsString(name) ? name->valuestring : path, err));
    if (palette)
        CNX_TRY(read_palette(c, palette, err));
    return read_rules(&c->rules, file, err);
}

/* ---- the three ways to say it ---- */

static cnx_status open_set(cnx_classes *c, const cnx_known_set *set, cnx_error *err)
{
    cJSON *file;
    CNX_TRY(cnx_known_set_load(&file, set, err));
    const cnx_status status = read_json(c, file, set->name, err);
    cJSON_Delete(file);
    c->rules = set->rules;
    return status;
}

static cnx_status open_count(cnx_classes *c, const char *digits, cnx_error *err)
{
    const long count = strlen(digits) > 6 ? 0 : strtol(digits, NULL, 10);
    CNX_FAIL_IF(count < 1 || count > CNX_CLASSES_MAX, CNX_ERR_ARGUMENT,
                "%s classes: expected 1 to %d", digits, CNX_CLASSES_MAX);
    char text[32];
    snprintf(text, sizeof text, "%ld class%s", count, count == 1 ? "" : "es");
    CNX_TRY(alloc(c, text, (int)count, err));
    c->rules = plain_rules;
    for (int i = 0; i < c->count; i++) {
        snprintf(text, sizeof text, "class %d", i);
        CNX_TRY(copy_text(&c->names[i], text, err));
    }
    return CNX_OK;
}

static cnx_status open_file(cnx_classes *c, const char *path, cnx_error *err)
{
    char *text;
    size_t size;
    cJSON *file = NULL;
    cnx_status status = cnx_read_text(path, FILE_LIMIT, &text, &size, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "neither a known data set (ade20k, imagenet-s50, ...), nor a number "
                              "of classes, nor a file that can be read");
        return status;
    }
    CNX_CHECK(cnx_json_parse(&file, text, size, path, err));
    status = read_json(c, file, path, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", path);
cleanup:
    cJSON_Delete(file);
    free(text);
    return status;
}

cnx_status cnx_classes_open(cnx_classes *out, const char *what, cnx_error *err)
{
    *out = (cnx_classes){0};
    const cnx_known_set *set = cnx_known_set_named(what);
    cnx_status status;
    if (set)
        status = open_set(out, set, err);
    else if (*what && what[strspn(what, "0123456789")] == '\0')
        status = open_count(out, what, err);
    else
        status = open_file(out, what, err);
    if (status != CNX_OK)
        cnx_classes_free(out);
    return status;
}
