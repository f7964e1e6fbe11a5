#include "datasets/known_sets.h"

#include <string.h>

#include "core/embedded/embedded.h"
#include "core/json.h"

#define INDEX_RULES                                                                                \
    {                                                                                              \
        .coding = CNX_LABELS_INDEX, .ignore = 255                                                  \
    }
/* 0 is the class "other"; 1000 lies beyond all of the classes. */
#define IMAGENET_S_RULES                                                                           \
    {                                                                                              \
        .coding = CNX_LABELS_RGB16, .ignore = 1000                                                 \
    }

static const cnx_known_set sets[] = {
    {"ade20k",
     150,
     true,
     true,
     "configs/ade20k.json",
     {.coding = CNX_LABELS_INDEX, .ignore = 255, .reduce_zero_label = true},
     false},
    {"coco", 80, false, false, "configs/coco.json", INDEX_RULES, false},
    {"imagenet-s50", 51, false, false, "configs/imagenet_s50.json", IMAGENET_S_RULES, false},
    {"imagenet-s300", 301, false, false, "configs/imagenet_s300.json", IMAGENET_S_RULES, false},
    {"imagenet-s919", 920, false, false, "configs/imagenet_s919.json", IMAGENET_S_RULES, false},
    {"imagenet1k", 1000, false, false, "configs/imagenet1k.json", INDEX_RULES, true},
};

const cnx_known_set *cnx_known_set_at(size_t index)
{
    return index < sizeof sets / sizeof *sets ? &sets[index] : NULL;
}

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

const cnx_known_set *cnx_known_set_of_pictures(int classes)
{
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (sets[i].pictures && sets[i].classes == classes)
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
