#include "core/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"

/* Deeper than any config or results file; cJSON's own limit is 1000. */
enum { MAX_DEPTH = 64 };

static void locate(const char *text, size_t at, size_t *line, size_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            (*line)++;
            *column = 1;
        } else {
            (*column)++;
        }
    }
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorted, because a hostile file may hold a million keys. */
static cnx_status check_keys(const cJSON *object, const char *name, cnx_error *err)
{
    size_t count = 0;
    for (const cJSON *child = object->child; child; child = child->next)
        count++;
    if (count < 2)
        return CNX_OK;
    const char **keys = malloc(count * sizeof *keys);
    CNX_FAIL_IF(!keys, CNX_ERR_MEMORY, "%s: not enough memory to check its keys", name);
    size_t n = 0;
    for (const cJSON *child = object->child; child; child = child->next)
        keys[n++] = child->string;
    qsort(keys, count, sizeof *keys, compare_keys);
    cnx_status status = CNX_OK;
    for (size_t i = 1; i < count && status == CNX_OK; i++)
        if (strcmp(keys[i - 1], keys[i]) == 0)
            status = cnx_fail(err, CNX_ERR_FORMAT,
                              "%s: the key \"%.100s\" stands twice in one object", name, keys[i]);
    free(keys);
    return status;
}

static cnx_status check_tree(const cJSON *item, int depth, const char *name, cnx_error *err)
{
    CNX_FAIL_IF(depth > MAX_DEPTH, CNX_ERR_FORMAT, "%s: nested more than %d deep", name,
                (int)MAX_DEPTH);
    if (cJSON_IsObject(item))
        CNX_TRY(check_keys(item, name, err));
    for (const cJSON *child = item->child; child; child = child->next)
        if (child->child)
            CNX_TRY(check_tree(child, depth + 1, name, err));
    return CNX_OK;
}

cnx_status cnx_json_parse(cJSON **out, const char *text, size_t size, const char *name,
                          cnx_error *err)
{
    *out = NULL;
    const char *end = text;
    cJSON *tree = size ? cJSON_ParseWithLengthOpts(text, size, &end, 0) : NULL;
    size_t at = (size_t)(end - text), line, column;
    if (!tree) {
        locate(text, at < size ? at : size, &line, &column);
        return cnx_fail(err, CNX_ERR_FORMAT, "%s: not valid JSON at line %zu, column %zu", name,
                        line, column);
    }
    while (at < size && strchr(" \t\r\n", text[at]))
        at++; /* strchr also passes a NUL that ends the text */
    cnx_status status = CNX_OK;
    if (at < size) {
        locate(text, at, &line, &column);
        status = cnx_fail(err, CNX_ERR_FORMAT,
                          "%s: something follows the JSON value at line %zu, column %zu", name,
                          line, column);
    }
    if (status == CNX_OK)
        status = check_tree(tree, 0, name, err);
    if (status != CNX_OK) {
        cJSON_Delete(tree);
        return status;
    }
    *out = tree;
    return CNX_OK;
}

const char *cnx_json_kind(const cJSON *item)
{
    if (!item)
        return "nothing";
    if (cJSON_IsNumber(item))
        return "a number";
    if (cJSON_IsString(item))
        return "a string";
    if (cJSON_IsBool(item))
        return "true or false";
    if (cJSON_IsNull(item))
        return "null";
    return cJSON_IsArray(item) ? "a list" : "an object";
}

void cnx_json_put_string(FILE *to, const char *text)
{
    putc('"', to);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        const size_t length = cnx_utf8_length(p);
        if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(to, "\\u%04x", *p);
        else if (length)
            fwrite(p, 1, length, to);
        else
            fputs(CNX_UTF8_REPLACEMENT, to);
        p += length ? length : 1;
    }
    putc('"', to);
}

void cnx_json_put_number(FILE *to, double value)
{
    if (isfinite(value))
        fprintf(to, "%.17g", value);
    else
        fputs("null", to);
}

double cnx_json_decimal(float value)
{
    char text[32];
    for (int digits = 6; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    return strtod(text, NULL);
}
