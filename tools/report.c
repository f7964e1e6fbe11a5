#include "tools/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "tools/console.h"

static cJSON *text_item(const char *text)
{
    char *valid = cnx_utf8_copy(text);
    cJSON *item = valid ? cJSON_CreateString(valid) : NULL;
    free(valid);
    return item;
}

bool cnx_report_text(cJSON *object, const char *key, const char *text)
{
    cJSON *item = text_item(text);
    if (item && cJSON_AddItemToObject(object, key, item))
        return true;
    cJSON_Delete(item);
    return false;
}

bool cnx_report_append(cJSON *array, const char *text)
{
    cJSON *item = text_item(text);
    if (item && cJSON_AddItemToArray(array, item))
        return true;
    cJSON_Delete(item);
    return false;
}

bool cnx_report_ms(cJSON *object, const char *key, double seconds)
{
    return cJSON_AddNumberToObject(object, key, round(seconds * 1e6) / 1e3) != NULL;
}

bool cnx_report_picture(cJSON *object, const char *name, int width, int height)
{
    return object && cnx_report_text(object, "file", name) &&
           cJSON_AddNumberToObject(object, "width", width) &&
           cJSON_AddNumberToObject(object, "height", height);
}

cnx_status cnx_report_line(cJSON *object, cnx_error *err)
{
    char *text = object ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    CNX_FAIL_IF(!text, CNX_ERR_MEMORY, "not enough memory for the report");
    printf("%s\n", text);
    cJSON_free(text);
    return cnx_console_flush(err);
}

cnx_status cnx_report_finish(cJSON *object, bool sound, cnx_error *err)
{
    if (!sound) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}
