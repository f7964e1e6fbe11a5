/* Configs from anywhere: parse, describe, print, and describe what was printed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "heads/description.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool describe(cnx_description *d, const char *text, size_t size)
{
    cnx_error err;
    cJSON *config;
    if (cnx_json_parse(&config, text, size, "fuzz", &err) != CNX_OK)
        return false;
    const bool ok = cnx_description_from_config(d, config, &err) == CNX_OK;
    cJSON_Delete(config);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cnx_description first, second;
    if (!describe(&first, (const char *)data, size))
        return 0;
    cJSON *json = cnx_description_to_json(&first);
    char *text = json ? cJSON_PrintUnformatted(json) : NULL;
    /* What was described can be described again, and is the same. */
    if (text) {
        if (!describe(&second, text, strlen(text)) || strcmp(first.name, second.name) != 0 ||
            first.class_count != second.class_count ||
            strcmp(first.published, second.published) != 0 ||
            first.pipeline.mode != second.pipeline.mode ||
            memcmp(first.palette, second.palette, 3 * (size_t)first.class_count) != 0)
            abort();
        cnx_description_free(&second);
    }
    cJSON_free(text);
    cJSON_Delete(json);
    cnx_description_free(&first);
    return 0;
}
