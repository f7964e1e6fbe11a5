#include "eval/semantic_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"

/* Some hundred bytes a picture: room for more pictures than any data set has. */
#define RESULT_LIMIT ((size_t)1 << 30)

/* What is being read, for messages. */
typedef struct reading {
    const char *path;
    const char *where; /* "" or "classes: " ... */
} reading;

static cnx_status read_score(double *out, const cJSON *object, const char *prefix, const char *name,
                             const reading *r, cnx_error *err)
{
    char key[32];
    snprintf(key, sizeof key, "%s%s", prefix, name);
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    CNX_FAIL_IF(!item, CNX_ERR_FORMAT,
                "%s: %sfound no \"%s\"; expected a result that cnx score --json or cnx eval --json "
                "wrote",
                r->path, r->where, key);
    CNX_FAIL_IF(!cJSON_IsNumber(item) && !cJSON_IsNull(item), CNX_ERR_FORMAT,
                "%s: %s\"%s\" is %s; expected a number or null", r->path, r->where, key,
                cnx_json_kind(item));
    *out = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    return CNX_OK;
}

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for scores");
}

static cnx_status alloc_classes(cnx_semantic_result *out, int count, cnx_error *err)
{
    out->names = calloc((size_t)count, sizeof *out->names);
    out->scores = calloc((size_t)count, sizeof *out->scores);
    return out->names && out->scores ? CNX_OK : out_of_memory(err);
}

cnx_status cnx_semantic_result_add_pictures(cnx_semantic_result *result, size_t count,
                                            cnx_error *err)
{
    result->pictures = calloc(count + 1, sizeof *result->pictures);
    if (!result->pictures)
        return out_of_memory(err);
    result->picture_count = count;
    return CNX_OK;
}

/* A list at the key, *count its length; the elements are objects. */
static cnx_status find_list(const cJSON **out, const cJSON *object, const char *key,
                            const reading *r, cnx_error *err)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(object, key), *item;
    CNX_FAIL_IF(!cJSON_IsArray(list), CNX_ERR_FORMAT, "%s: \"%s\" is no list", r->path, key);
    cJSON_ArrayForEach(item, list)
    {
        CNX_FAIL_IF(!cJSON_IsObject(item) ||
                        !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(item, "name")),
                    CNX_ERR_FORMAT, "%s: \"%s\" has an entry without a name", r->path, key);
    }
    *out = list;
    return CNX_OK;
}

static char *copy_name(const cJSON *object)
{
    return strdup(cJSON_GetObjectItemCaseSensitive(object, "name")->valuestring);
}

static cnx_status read_classes(cnx_semantic_result *out, const cJSON *object, reading *r,
                               cnx_error *err)
{
    const cJSON *list = NULL, *item;
    CNX_TRY(find_list(&list, object, "classes", r, err));
    const int count = cJSON_GetArraySize(list);
    CNX_FAIL_IF(count == 0, CNX_ERR_FORMAT, "%s: \"classes\" is empty", r->path);
    CNX_TRY(alloc_classes(out, count, err));
    r->where = "classes: ";
    cJSON_ArrayForEach(item, list)
    {
        for (int s = 0; s < CNX_SCORE_COUNT; s++)
            CNX_TRY(read_score(&out->scores[out->classes][s], item, "", cnx_semantic_score_names[s],
                               r, err));
        out->names[out->classes] = copy_name(item);
        if (!out->names[out->classes])
            return out_of_memory(err);
        out->classes++;
    }
    return CNX_OK;
}

static cnx_status read_pictures(cnx_semantic_result *out, const cJSON *object, reading *r,
                                cnx_error *err)
{
    const cJSON *list = NULL, *item;
    if (!cJSON_HasObjectItem(object, "images"))
        return CNX_OK;
    CNX_TRY(find_list(&list, object, "images", r, err));
    CNX_TRY(cnx_semantic_result_add_pictures(out, (size_t)cJSON_GetArraySize(list), err));
    r->where = "images: ";
    cnx_semantic_picture *picture = out->pictures;
    cJSON_ArrayForEach(item, list)
    {
        CNX_TRY(read_score(&picture->accuracy, item, "a", "Acc", r, err));
        CNX_TRY(read_score(&picture->miou, item, "m", "IoU", r, err));
        picture->name = copy_name(item);
        if (!picture->name)
            return out_of_memory(err);
        picture++;
    }
    return CNX_OK;
}

static cnx_status read_result(cnx_semantic_result *out, const cJSON *object, const char *path,
                              cnx_error *err)
{
    reading r = {.path = path, .where = ""};
    CNX_FAIL_IF(!cJSON_IsObject(object), CNX_ERR_FORMAT,
                "%s: is %s; expected the object that cnx score --json or cnx eval --json wrote",
                path, cnx_json_kind(object));
    CNX_TRY(read_score(&out->summary.accuracy, object, "a", "Acc", &r, err));
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        CNX_TRY(
            read_score(&out->summary.mean[s], object, "m", cnx_semantic_score_names[s], &r, err));
    CNX_TRY(read_classes(out, object, &r, err));
    return read_pictures(out, object, &r, err);
}

cnx_status cnx_semantic_result_read(cnx_semantic_result *out, const char *path, cnx_error *err)
{
    *out = (cnx_semantic_result){0};
    char *text = NULL;
    size_t size = 0;
    cJSON *object = NULL;
    cnx_status status = cnx_read_text(path, RESULT_LIMIT, &text, &size, err);
    if (status == CNX_OK)
        status = cnx_json_parse(&object, text, size, path, err);
    if (status == CNX_OK)
        status = read_result(out, object, path, err);
    cJSON_Delete(object);
    free(text);
    return status;
}

cnx_status cnx_semantic_result_make(cnx_semantic_result *out, const cnx_semantic_report *report,
                                    cnx_error *err)
{
    const int classes = report->counts->classes;
    *out = (cnx_semantic_result){0};
    cnx_semantic_summarise(&out->summary, report->counts, &report->options);
    CNX_TRY(alloc_classes(out, classes, err));
    for (; out->classes < classes; out->classes++) {
        cnx_semantic_class_scores(out->scores[out->classes], report->counts, out->classes,
                                  &report->options);
        out->names[out->classes] = strdup(report->names[out->classes]);
        if (!out->names[out->classes])
            return out_of_memory(err);
    }
    return CNX_OK;
}

void cnx_semantic_result_free(cnx_semantic_result *result)
{
    for (int c = 0; result->names && c < result->classes; c++)
        free(result->names[c]);
    for (size_t i = 0; i < result->picture_count; i++)
        free(result->pictures[i].name);
    free(result->names);
    free(result->scores);
    free(result->pictures);
    *result = (cnx_semantic_result){0};
}
