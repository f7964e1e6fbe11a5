/*
 * Class names and palette in the safetensors metadata: JSON texts under "classes" (["wall", ...])
 * and "palette" ([[120, 120, 120], ...]).  Whatever is not of that form is taken as absent.
 */
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"
#include "core/json.h"

/* The array in the text under that key, or NULL. */
static cJSON *parse_array(const cnx_checkpoint *c, const char *key)
{
    const char *text = cnx_checkpoint_text(c, key);
    cJSON *tree = NULL;
    if (text && *text == '[')
        cnx_json_parse(&tree, text, strlen(text), key, NULL);
    return tree;
}

static bool is_class(const cJSON *item)
{
    return cJSON_IsString(item) && cnx_text_is_name(item->valuestring, strlen(item->valuestring));
}

static bool is_colour(const cJSON *item)
{
    if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 3)
        return false;
    for (const cJSON *v = item->child; v; v = v->next)
        if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= 255))
            return false;
    return true;
}

/* The number of items if all are of one kind, else 0. */
static size_t count_if_all(const cJSON *array, bool (*fits)(const cJSON *))
{
    size_t n = 0;
    for (const cJSON *item = array ? array->child : NULL; item; item = item->next, n++)
        if (!fits(item))
            return 0;
    return n;
}

static cnx_status read_classes(cnx_checkpoint *c, const cJSON *array, cnx_error *err)
{
    const size_t count = count_if_all(array, is_class);
    if (count == 0)
        return CNX_OK;
    c->classes = calloc(count, sizeof *c->classes);
    CNX_FAIL_IF(!c->classes, CNX_ERR_MEMORY, "not enough memory for the class names");
    for (const cJSON *item = array->child; item; item = item->next) {
        c->classes[c->class_count] = strdup(item->valuestring);
        CNX_FAIL_IF(!c->classes[c->class_count], CNX_ERR_MEMORY,
                    "not enough memory for the class names");
        c->class_count++;
    }
    return CNX_OK;
}

static cnx_status read_palette(cnx_checkpoint *c, const cJSON *array, cnx_error *err)
{
    const size_t count = count_if_all(array, is_colour);
    if (count == 0)
        return CNX_OK;
    c->palette = malloc(3 * count);
    CNX_FAIL_IF(!c->palette, CNX_ERR_MEMORY, "not enough memory for the palette");
    c->palette_count = count;
    uint8_t *out = c->palette;
    for (const cJSON *item = array->child; item; item = item->next)
        for (const cJSON *v = item->child; v; v = v->next)
            *out++ = (uint8_t)v->valuedouble;
    return CNX_OK;
}

cnx_status cnx_safetensors_meta_read(cnx_checkpoint *c, cnx_error *err)
{
    cJSON *classes = parse_array(c, "classes"), *palette = parse_array(c, "palette");
    cnx_status status = read_classes(c, classes, err);
    if (status == CNX_OK)
        status = read_palette(c, palette, err);
    cJSON_Delete(classes);
    cJSON_Delete(palette);
    return status;
}
