/* The table of all fields of a config, and the check against it.  docs/config.md explains them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/json.h"
#include "heads/config.h"

typedef enum kind {
    TEXT,
    CHOICE,
    WHOLE, /* a whole number */
    NUMBER,
    FLAG,
    WHOLES, /* a list of whole numbers */
    NUMBERS,
    CLASSES,
    PALETTE,
    TEXTS,  /* a list of texts */
    STAGES, /* four numbers, or a list of such fours */
    FIGURE  /* a number, a text or a list of numbers: shown, never used */
} kind;

typedef struct field {
    const char *path;
    kind kind;
    bool nullable;
    double min, max;          /* of a number, or of each in a list */
    int min_count, max_count; /* of a list */
    const char *fits;         /* what fits, in words; of a choice: the choices */
} field;

#define DIMENSIONS 1, 65536
#define SIZES      1, 65535

static const field fields[] = {
    {"name", TEXT, false, 0, 0, 0, 0, "a text of 1 to 127 bytes"},
    {"aliases", TEXTS, false, 0, 0, 0, 32, "a list of other names of a built-in config"},
    {"task", CHOICE, false, 0, 0, 0, 0, "segmentation|detection|classification"},
    {"backbone.type", CHOICE, false, 0, 0, 0, 0, "convnext|convnext_isotropic"},
    {"backbone.depths", WHOLES, false, 1, 1000, 1, 4,
     "four whole numbers from 1 to 1000, of an isotropic network one"},
    {"backbone.dims", WHOLES, false, DIMENSIONS, 1, 4,
     "four whole numbers from 1 to 65536, of an isotropic network one"},
    {"backbone.version", WHOLE, false, 1, 2, 0, 0, "1 (layer scale) or 2 (GRN)"},
    {"backbone.layer_scale", FLAG, false, 0, 0, 0, 0, "true or false"},
    {"backbone.dwconv", WHOLES, false, 3, 7, 4, 4, "four of 3, 5 and 7"},
    {"backbone.act", CHOICE, false, 0, 0, 0, 0, "gelu|gelu_tanh|silu"},
    {"backbone.eps", NUMBER, false, 1e-12, 1, 0, 0, "a number from 1e-12 to 1"},
    {"head.type", CHOICE, false, 0, 0, 0, 0, "upernet|cascade_mask_rcnn|mask_rcnn|linear"},
    {"head.channels", WHOLE, false, DIMENSIONS, 0, 0, "a whole number from 1 to 65536"},
    {"head.classes", WHOLE, false, SIZES, 0, 0, "a whole number from 1 to 65535"},
    {"head.auxiliary", WHOLE, false, 0, 65536, 0, 0,
     "a whole number from 0 (no auxiliary head) to 65536"},
    {"head.pool_scales", WHOLES, false, 1, 256, 1, 8, "one to eight whole numbers from 1 to 256"},
    {"classes", CLASSES, false, 0, 0, 1, 65535,
     "a list of names, or ade20k, coco, imagenet1k, imagenet-s50, imagenet-s300, imagenet-s919"},
    {"palette", PALETTE, false, 0, 255, 1, 65535,
     "a list of [red, green, blue], each 0 to 255, or ade20k"},
    {"category_ids", WHOLES, false, 0, 1000000, 1, 65535, "a list of whole numbers"},
    {"pipeline.scale", WHOLES, true, SIZES, 2, 2,
     "[long, short], whole numbers from 1 to 65535, or null for the picture's own size"},
    {"pipeline.mode", CHOICE, false, 0, 0, 0, 0, "whole|slide"},
    {"pipeline.crop", WHOLES, false, SIZES, 2, 2, "[height, width], whole numbers from 1 to 65535"},
    {"pipeline.stride", WHOLES, false, SIZES, 2, 2,
     "[height, width], whole numbers from 1 to 65535"},
    {"pipeline.crop_share", NUMBER, true, 0.01, 1, 0, 0,
     "what a classifier's crop keeps of the short side, from 0.01 to 1; null: the picture is "
     "squashed"},
    {"pipeline.mean", NUMBERS, false, -1e6, 1e6, 3, 3, "[red, green, blue] in units of 0 to 255"},
    {"pipeline.std", NUMBERS, false, 1e-6, 1e6, 3, 3,
     "[red, green, blue] in units of 0 to 255, above 0"},
    {"pipeline.pad_divisor", WHOLE, false, 1, 1024, 0, 0, "a whole number from 1 to 1024"},
    {"pipeline.tta.scales", NUMBERS, true, 0.01, 100, 0, 32,
     "at most 32 numbers from 0.01 to 100; null or [] for none"},
    {"pipeline.tta.flip", FLAG, false, 0, 0, 0, 0, "true or false"},
    {"pipeline.tta.rule", CHOICE, false, 0, 0, 0, 0, "mmseg0|mmseg1"},
    {"rpn.anchor_scale", NUMBER, false, 0.01, 1000, 0, 0, "a number from 0.01 to 1000"},
    {"rpn.ratios", NUMBERS, false, 0.001, 1000, 1, 32, "a list of numbers from 0.001 to 1000"},
    {"rpn.strides", WHOLES, false, 1, 1024, 1, 8, "a list of whole numbers from 1 to 1024"},
    {"rpn.nms_pre", WHOLE, false, 1, 1000000, 0, 0, "a whole number from 1 to 1000000"},
    {"rpn.max_per_img", WHOLE, false, 1, 1000000, 0, 0, "a whole number from 1 to 1000000"},
    {"rpn.nms_iou", NUMBER, false, 0, 1, 0, 0, "a number from 0 to 1"},
    {"rpn.min_bbox_size", NUMBER, false, 0, 65535, 0, 0, "a number from 0 to 65535"},
    {"rcnn.stds", STAGES, false, 1e-6, 1000, 4, 4, "[x, y, w, h], or such a list for each stage"},
    {"rcnn.score_thr", NUMBER, false, 0, 1, 0, 0, "a number from 0 to 1"},
    {"rcnn.nms_iou", NUMBER, false, 0, 1, 0, 0, "a number from 0 to 1"},
    {"rcnn.max_per_img", WHOLE, false, 1, 1000000, 0, 0, "a whole number from 1 to 1000000"},
    {"rcnn.mask_thr", NUMBER, false, 0, 1, 0, 0, "a number from 0 to 1"},
    {"published.params", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.flops", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.size", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.mIoU_ss", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.mIoU_ms", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.box_AP", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.mask_AP", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.top1", FIGURE, false, 0, 0, 0, 0, "a figure"},
    {"published.file", TEXT, false, 0, 0, 0, 0, "the name of a file, of 1 to 127 bytes"},
};

#define FIELD_COUNT (sizeof fields / sizeof *fields)

/* ---- values ---- */

static bool is_number(const cJSON *item, const field *f, bool whole)
{
    const double v = item->valuedouble;
    return cJSON_IsNumber(item) && isfinite(v) && v >= f->min && v <= f->max &&
           (!whole || v == floor(v));
}

static bool is_list(const cJSON *item, const field *f, bool (*fits)(const cJSON *, const field *))
{
    if (!cJSON_IsArray(item))
        return false;
    int count = 0;
    const cJSON *child;
    cJSON_ArrayForEach(child, item)
    {
        if (++count > f->max_count || !fits(child, f))
            return false;
    }
    return count >= f->min_count;
}

static bool fits_whole(const cJSON *item, const field *f)
{
    return is_number(item, f, true);
}

static bool fits_number(const cJSON *item, const field *f)
{
    return is_number(item, f, false);
}

static bool fits_four(const cJSON *item, const field *f)
{
    return is_list(item, f, fits_number);
}

/* Texts go to terminals and legends: no control characters. */
static bool fits_text(const cJSON *item, const field *f)
{
    (void)f;
    if (!cJSON_IsString(item) || !item->valuestring[0] || strlen(item->valuestring) > 127)
        return false;
    for (const char *p = item->valuestring; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            return false;
    return true;
}

static bool fits_colour(const cJSON *item, const field *f)
{
    const field channel = {.min = f->min, .max = f->max, .min_count = 3, .max_count = 3};
    return is_list(item, &channel, fits_whole);
}

/* One of the words between the bars. */
static bool is_choice(const char *text, const char *choices)
{
    const size_t n = strlen(text);
    for (const char *p = choices; n > 0; p++) {
        const size_t length = strcspn(p, "|");
        if (length == n && memcmp(p, text, n) == 0)
            return true;
        p += length;
        if (!*p)
            break;
    }
    return false;
}

static bool fits_choice(const cJSON *item, const char *choices)
{
    return cJSON_IsString(item) && is_choice(item->valuestring, choices);
}

static bool fits_known_set(const cJSON *item)
{
    return fits_choice(item, "ade20k|coco|imagenet1k|imagenet-s50|imagenet-s300|imagenet-s919");
}

static bool fits_figure(const cJSON *item)
{
    const field any = {.min = -1e300, .max = 1e300, .min_count = 1, .max_count = 8};
    return cJSON_IsNumber(item) || fits_text(item, &any) || is_list(item, &any, fits_number);
}

static bool fits_stages(const cJSON *item, const field *f)
{
    const field stages = {.min = f->min, .max = f->max, .min_count = 4, .max_count = 4};
    int count = 0;
    const cJSON *child;
    if (!cJSON_IsArray(item) || fits_four(item, &stages))
        return cJSON_IsArray(item);
    cJSON_ArrayForEach(child, item)
    {
        if (++count > 8 || !fits_four(child, &stages))
            return false;
    }
    return count > 0;
}

static bool fits(const cJSON *item, const field *f)
{
    if (cJSON_IsNull(item))
        return f->nullable;
    switch (f->kind) {
    case TEXT:
        return fits_text(item, f);
    case CHOICE:
        return fits_choice(item, f->fits);
    case WHOLE:
        return fits_whole(item, f);
    case NUMBER:
        return fits_number(item, f);
    case FLAG:
        return cJSON_IsBool(item);
    case WHOLES:
        return is_list(item, f, fits_whole);
    case NUMBERS:
        return is_list(item, f, fits_number);
    case CLASSES:
        return fits_known_set(item) || is_list(item, f, fits_text);
    case TEXTS:
        return is_list(item, f, fits_text);
    case PALETTE:
        return fits_choice(item, "ade20k") || is_list(item, f, fits_colour);
    case STAGES:
        return fits_stages(item, f);
    case FIGURE:
        return fits_figure(item);
    }
    return false;
}

/* ---- the tree ---- */

cnx_config_text cnx_config_show(const cJSON *item)
{
    cnx_config_text shown;
    char *text = cJSON_PrintUnformatted(item);
    const int n = snprintf(shown.text, sizeof shown.text, "%s", text ? text : "a value");
    if (n >= (int)sizeof shown.text)
        memcpy(shown.text + sizeof shown.text - 4, "...", 4);
    cJSON_free(text);
    return shown;
}

/* The names that may stand at this place, for a message: "scale, mode, crop". */
static void list_siblings(char *out, size_t size, const char *parent)
{
    const size_t skip = strlen(parent);
    const char *last = "";
    size_t last_length = 0, n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strncmp(fields[i].path, parent, skip) != 0)
            continue;
        const char *name = fields[i].path + skip;
        const size_t length = strcspn(name, ".");
        if (length == last_length && memcmp(name, last, length) == 0)
            continue;
        if (n < size)
            n += (size_t)snprintf(out + n, size - n, "%s%.*s", n ? ", " : "", (int)length, name);
        last = name;
        last_length = length;
    }
}

static const field *find_field(const char *path)
{
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strcmp(fields[i].path, path) == 0)
            return &fields[i];
    return NULL;
}

/* Whether fields lie below this path. */
static bool is_group(const char *path)
{
    const size_t n = strlen(path);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (strncmp(fields[i].path, path, n) == 0 && fields[i].path[n] == '.')
            return true;
    return false;
}

static cnx_status check_group(const cJSON *group, const char *parent, cnx_error *err);

static cnx_status check_item(const cJSON *item, const char *parent, cnx_error *err)
{
    char path[64]; /* longer than any field's; what is cut off is unknown in any case */
    snprintf(path, sizeof path, "%s%s", parent, item->string);
    const field *f = find_field(path);
    if (f) {
        CNX_FAIL_IF(!fits(item, f), CNX_ERR_ARGUMENT, "%s: found %s; what fits is %s", path,
                    cnx_config_show(item).text, f->fits);
        return CNX_OK;
    }
    if (is_group(path)) {
        CNX_FAIL_IF(!cJSON_IsObject(item), CNX_ERR_ARGUMENT, "%s: found %s, expected an object",
                    path, cnx_config_show(item).text);
        snprintf(path, sizeof path, "%s%s.", parent, item->string);
        return check_group(item, path, err);
    }
    char known[256];
    list_siblings(known, sizeof known, parent);
    return cnx_fail(err, CNX_ERR_ARGUMENT, "unknown field %s%.100s; known here: %s", parent,
                    item->string, known);
}

static cnx_status check_group(const cJSON *group, const char *parent, cnx_error *err)
{
    for (const cJSON *item = group->child; item; item = item->next)
        CNX_TRY(check_item(item, parent, err));
    return CNX_OK;
}

cnx_status cnx_config_validate(const cJSON *config, cnx_error *err)
{
    if (!config)
        return CNX_OK;
    CNX_FAIL_IF(!cJSON_IsObject(config), CNX_ERR_ARGUMENT, "found %s, expected an object of fields",
                cnx_json_kind(config));
    return check_group(config, "", err);
}

const cJSON *cnx_config_get(const cJSON *config, const char *path)
{
    while (config) {
        char name[32];
        const size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        config = cJSON_GetObjectItemCaseSensitive(config, name);
        if (!path[n])
            return config;
        path += n + 1;
    }
    return NULL;
}
