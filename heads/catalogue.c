#include "heads/catalogue.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/embedded/embedded.h"
#include "core/json.h"
#include "heads/config.h"

static const char folder[] = "configs/";

/* ---- published figures ---- */

static void copy_figure(char *out, size_t size, const cJSON *item)
{
    if (cJSON_IsString(item))
        snprintf(out, size, "%s", item->valuestring);
    else if (cJSON_IsNumber(item))
        snprintf(out, size, "%.15g", item->valuedouble);
}

static double number_at(const cJSON *config, const char *path)
{
    const cJSON *item = cnx_config_get(config, path);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

cnx_published cnx_published_from(const cJSON *config)
{
    cnx_published p = {.miou_ss = number_at(config, "published.mIoU_ss"),
                       .miou_ms = number_at(config, "published.mIoU_ms"),
                       .box_ap = number_at(config, "published.box_AP"),
                       .mask_ap = number_at(config, "published.mask_AP"),
                       .top1 = number_at(config, "published.top1")};
    const cJSON *size = cnx_config_get(config, "published.size");
    copy_figure(p.params, sizeof p.params, cnx_config_get(config, "published.params"));
    copy_figure(p.flops, sizeof p.flops, cnx_config_get(config, "published.flops"));
    copy_figure(p.file, sizeof p.file, cnx_config_get(config, "published.file"));
    if (cJSON_GetArraySize(size) == 2) {
        p.h = cJSON_GetArrayItem(size, 0)->valueint;
        p.w = cJSON_GetArrayItem(size, 1)->valueint;
    }
    return p;
}

double cnx_published_value(const char *figure, double *unit)
{
    char *end;
    const double value = strtod(figure, &end);
    const double scale = *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    const char *point = strchr(figure, '.');
    if (unit)
        *unit = point ? scale * pow(10, -(double)(end - point - 1)) : scale;
    return end == figure ? 0 : value * scale;
}

/* ---- the built-in configs ---- */

/* Models are told from lists of classes and from what configs have in common by what only they
 * have. */
static bool says(const cnx_embedded_file *file, const char *word)
{
    return memmem(file->data, file->size, word, strlen(word)) != NULL;
}

static bool is_model(const cnx_embedded_file *file)
{
    return strncmp(file->path, folder, sizeof folder - 1) == 0 && says(file, "\"name\"") &&
           says(file, "\"published\"");
}

/* The bare name of an embedded file. */
static void base_name(const cnx_embedded_file *file, char *out, size_t size)
{
    const char *name = file->path + sizeof folder - 1;
    snprintf(out, size, "%.*s", (int)strcspn(name, "."), name);
}

static cnx_status fill_entry(cnx_catalogue_entry *out, cnx_error *err)
{
    cJSON *config;
    CNX_TRY(cnx_config_load(&config, out->name, NULL, 0, err));
    const cJSON *task = cnx_config_get(config, "task");
    out->published = cnx_published_from(config);
    for (int t = CNX_TASK_SEGMENTATION; t <= CNX_TASK_CLASSIFICATION; t++)
        if (cJSON_IsString(task) && strcmp(task->valuestring, cnx_task_name((cnx_task)t)) == 0)
            out->task = (cnx_task)t;
    cJSON_Delete(config);
    return CNX_OK;
}

cnx_status cnx_catalogue_at(size_t index, cnx_catalogue_entry *out, cnx_error *err)
{
    cnx_embedded_file file;
    *out = (cnx_catalogue_entry){.name = ""};
    for (size_t i = 0; cnx_embedded_at(i, &file); i++)
        if (is_model(&file) && index-- == 0) {
            base_name(&file, out->name, sizeof out->name);
            return fill_entry(out, err);
        }
    return CNX_OK;
}

/* ---- names ---- */

static cJSON *parse(const cnx_embedded_file *file)
{
    cJSON *config = NULL;
    cnx_json_parse(&config, (const char *)file->data, file->size, file->path, NULL);
    return config;
}

/* "photo.pth" -> "photo" */
static void without_suffix(const char *name, char *out, size_t size)
{
    static const char *const suffixes[] = {".json", ".pth", ".pt", ".safetensors"};
    snprintf(out, size, "%s", name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        const size_t n = strlen(out), m = strlen(suffixes[i]);
        if (n > m && strcmp(out + n - m, suffixes[i]) == 0) {
            out[n - m] = '\0';
            return;
        }
    }
}

static bool has_alias(const cnx_embedded_file *file, const char *name)
{
    bool found = false;
    cJSON *config = says(file, "\"aliases\"") ? parse(file) : NULL;
    const cJSON *alias;
    cJSON_ArrayForEach(alias, cnx_config_get(config, "aliases"))
    {
        found |= cJSON_IsString(alias) && strcmp(alias->valuestring, name) == 0;
    }
    cJSON_Delete(config);
    return found;
}

bool cnx_catalogue_find(const char *name, char *out, size_t size)
{
    char wanted[256], own[128];
    cnx_embedded_file file;
    if (strlen(name) >= sizeof wanted || strchr(name, '/'))
        return false;
    without_suffix(name, wanted, sizeof wanted);
    for (size_t i = 0; cnx_embedded_at(i, &file); i++) {
        if (strncmp(file.path, folder, sizeof folder - 1) != 0)
            continue;
        base_name(&file, own, sizeof own);
        if (strcmp(own, wanted) == 0) {
            snprintf(out, size, "%s", own);
            return true;
        }
    }
    for (size_t i = 0; cnx_embedded_at(i, &file); i++)
        if (is_model(&file) && has_alias(&file, wanted)) {
            base_name(&file, out, size);
            return true;
        }
    return false;
}

void cnx_catalogue_names(void (*visit)(void *user, const char *name), void *user)
{
    char own[128];
    cnx_embedded_file file;
    for (size_t i = 0; cnx_embedded_at(i, &file); i++) {
        if (!is_model(&file))
            continue;
        base_name(&file, own, sizeof own);
        visit(user, own);
        cJSON *config = parse(&file);
        const cJSON *alias;
        cJSON_ArrayForEach(alias, cnx_config_get(config, "aliases"))
        {
            if (cJSON_IsString(alias))
                visit(user, alias->valuestring);
        }
        cJSON_Delete(config);
    }
}
