#include "heads/known_sets.h"

#include <string.h>

#include "core/json.h"
#include "heads/embedded.h"

static const cnx_known_set sets[] = {
    {"ade20k", 150, true, true, "configs/ade20k.json"},
    {"coco", 80, false, false, "configs/coco.json"},
};

const cnx_known_set *cnx_known_set_named(const char *name)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

const cnx_known_set *cnx_known_set_by_count(int classes)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].by_count && sets[i].classes == classes)
            return &sets[i];
    return NULL;
}

cnx_status cnx_known_set_load(cJSON **out, const cnx_known_set *set, cnx_error *err)
{
    cnx_embedded_file file;
    CNX_FAIL_IF(!cnx_embedded_find(set->file, &file), CNX_ERR_INTERNAL, "%s is not built in",
                set->file);
    return cnx_json_parse(out, (const char *)file.data, file.size, file.path, err);
}
