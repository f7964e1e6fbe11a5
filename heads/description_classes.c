/* Class names and colours. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/draw.h"
#include "datasets/known_sets.h"
#include "heads/config.h"
#include "heads/description_parts.h"

/* Names go to terminals and legends: control characters stay out. */
static char *copy_name(const char *name)
{
    char *copy = strdup(name);
    for (char *p = copy; p && *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    return copy;
}

static cnx_status set_name(cnx_description *d, int index, const char *name, cnx_error *err)
{
    d->class_names[index] = copy_name(name);
    CNX_FAIL_IF(!d->class_names[index], CNX_ERR_MEMORY, "not enough memory for the class names");
    return CNX_OK;
}

/* `list` has class_count names. */
static cnx_status names_from_list(cnx_description *d, const cJSON *list, const char *from,
                                  cnx_error *err)
{
    int i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        CNX_TRY(set_name(d, i++, item->valuestring, err));
    }
    snprintf(d->classes_from, sizeof d->classes_from, "%s", from);
    return CNX_OK;
}

static cnx_status names_from_set(cnx_description *d, const cnx_known_set *set, cnx_error *err)
{
    cJSON *file;
    CNX_TRY(cnx_known_set_load(&file, set, err));
    const cnx_status status = names_from_list(d, cnx_config_get(file, "classes"), set->name, err);
    cJSON_Delete(file);
    return status;
}

static cnx_status names_from_config(cnx_description *d, const cJSON *classes, cnx_error *err)
{
    if (cJSON_IsString(classes)) {
        const cnx_known_set *set = cnx_known_set_named(classes->valuestring);
        CNX_FAIL_IF(!set, CNX_ERR_INTERNAL, "classes: %s is no known set", classes->valuestring);
        CNX_FAIL_IF(set->classes != d->class_count, CNX_ERR_MODEL,
                    "classes: %s has %d names, the model has %d classes", set->name, set->classes,
                    d->class_count);
        return names_from_set(d, set, err);
    }
    const int n = cJSON_GetArraySize(classes);
    CNX_FAIL_IF(n != d->class_count, CNX_ERR_MODEL,
                "classes: the config lists %d names, the model has %d classes", n, d->class_count);
    return names_from_list(d, classes, "config", err);
}

/* The data set that a model of so many classes is taken for; NULL for none. */
static const cnx_known_set *probable_set(const cnx_description *d)
{
    if (d->task == CNX_TASK_SEGMENTATION)
        return cnx_known_set_by_count(d->class_count);
    if (d->task == CNX_TASK_CLASSIFICATION)
        return cnx_known_set_of_pictures(d->class_count);
    const cnx_known_set *coco = cnx_known_set_named("coco");
    return coco && coco->classes == d->class_count ? coco : NULL;
}

static cnx_status describe_names(cnx_description *d, const cnx_checkpoint *c, const cJSON *config,
                                 cnx_error *err)
{
    const size_t count = (size_t)d->class_count;
    const cJSON *classes = cnx_config_get(config, "classes");
    const cnx_known_set *set = probable_set(d);
    if (classes)
        return names_from_config(d, classes, err);
    if (c && cnx_checkpoint_class_count(c) == count) {
        for (size_t i = 0; i < count; i++)
            CNX_TRY(set_name(d, (int)i, cnx_checkpoint_class(c, i), err));
        snprintf(d->classes_from, sizeof d->classes_from, "checkpoint");
        return CNX_OK;
    }
    if (set)
        return names_from_set(d, set, err);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "class %zu", i);
        CNX_TRY(set_name(d, (int)i, name, err));
    }
    snprintf(d->classes_from, sizeof d->classes_from, "generated");
    return CNX_OK;
}

/* ---- palette ---- */

static void colours_from_list(cnx_description *d, const cJSON *list)
{
    uint8_t *out = d->palette;
    const cJSON *colour, *channel;
    cJSON_ArrayForEach(colour, list)
    {
        cJSON_ArrayForEach(channel, colour)
        {
            *out++ = (uint8_t)channel->valueint;
        }
    }
}

static cnx_status colours_from_set(cnx_description *d, const cnx_known_set *set, cnx_error *err)
{
    cJSON *file;
    CNX_TRY(cnx_known_set_load(&file, set, err));
    colours_from_list(d, cnx_config_get(file, "palette"));
    cJSON_Delete(file);
    return CNX_OK;
}

static cnx_status colours_from_config(cnx_description *d, const cJSON *palette, cnx_error *err)
{
    const cnx_known_set *set =
        cJSON_IsString(palette) ? cnx_known_set_named(palette->valuestring) : NULL;
    const int n = set ? set->classes : cJSON_GetArraySize(palette);
    CNX_FAIL_IF(n != d->class_count, CNX_ERR_MODEL,
                "palette: found %d colours, the model has %d classes", n, d->class_count);
    if (set)
        return colours_from_set(d, set, err);
    colours_from_list(d, palette);
    return CNX_OK;
}

static cnx_status describe_palette(cnx_description *d, const cnx_checkpoint *c, const cJSON *config,
                                   cnx_error *err)
{
    const uint8_t *rgb = NULL;
    const size_t count = (size_t)d->class_count;
    const cJSON *palette = cnx_config_get(config, "palette");
    const cnx_known_set *set = probable_set(d);
    if (palette)
        return colours_from_config(d, palette, err);
    if (c && cnx_checkpoint_palette(c, &rgb) == count)
        memcpy(d->palette, rgb, 3 * count);
    else if (set && set->has_palette)
        return colours_from_set(d, set, err);
    else
        cnx_palette_generate(d->palette, d->class_count);
    return CNX_OK;
}

cnx_status cnx_describe_classes(cnx_description *d, const cnx_checkpoint *checkpoint,
                                const cJSON *config, cnx_error *err)
{
    const size_t count = (size_t)d->class_count;
    d->class_names = calloc(count, sizeof *d->class_names);
    d->palette = calloc(count, 3);
    CNX_FAIL_IF(!d->class_names || !d->palette, CNX_ERR_MEMORY,
                "not enough memory for the class names");
    CNX_TRY(describe_names(d, checkpoint, config, err));
    return describe_palette(d, checkpoint, config, err);
}
