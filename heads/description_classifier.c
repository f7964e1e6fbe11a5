/* What a classifier is: its classes, the few relatives of ConvNeXt that only timm has, its pipeline. */
#include <stdio.h>
#include <string.h>

#include "heads/ballot.h"
#include "heads/config.h"
#include "heads/description_parts.h"

enum { PUBLISHED_SIZE = 224, SQUASHED_FROM = 384, RELATIVES_SIZE = 160 };
#define PUBLISHED_SHARE 0.875
#define RELATIVES_SHARE 0.95
#define RELATIVES_EPS   1e-5f

/* timm's test models: told by the dialect and these shapes.  Filters of 7, 5, 5 and 3 are those of
 * the one that has SiLU; the others have GELU in its tanh form. */
static const cnx_convnext_desc relatives[] = {
    {.depths = {1, 2, 4, 2}, .dims = {24, 32, 48, 64}},
    {.depths = {1, 1, 1, 1}, .dims = {32, 64, 96, 128}},
};

static bool is_relative(const cnx_convnext_desc *d)
{
    bool found = false;
    for (size_t i = 0; i < sizeof relatives / sizeof *relatives; i++)
        found |= memcmp(relatives[i].depths, d->depths, sizeof d->depths) == 0 &&
                 memcmp(relatives[i].dims, d->dims, sizeof d->dims) == 0;
    return found && d->version == 1 && !d->isotropic;
}

cnx_status cnx_describe_classifier(cnx_description *d, const char *file, const cnx_weights *w,
                                   cnx_error *err)
{
    cnx_ballot classes = {.weights = w};
    cnx_vote(&classes, 0, "head.weight");
    cnx_vote(&classes, -1, "head.bias");
    d->task = CNX_TASK_CLASSIFICATION;
    d->class_count = cnx_elect(&classes, CNX_MAX_CLASSES);
    CNX_FAIL_IF(d->class_count == 0, CNX_ERR_MODEL,
                "%s: head.weight tells no class count from 1 to %d", file, CNX_MAX_CLASSES);
    if (is_relative(&d->backbone) && cnx_weights_dialect(w) == CNX_DIALECT_TIMM) {
        d->backbone.act = d->backbone.dwconv[1] ? CNX_MLP_SILU : CNX_MLP_GELU_TANH;
        d->backbone.eps = RELATIVES_EPS;
    }
    return CNX_OK;
}

/* ---- pipeline ---- */

double cnx_crop_share(int size)
{
    return size < SQUASHED_FROM ? PUBLISHED_SHARE : CNX_CROP_SQUASHED;
}

/* timm publishes its test models with a pipeline of their own. */
static cnx_pipeline default_pipeline(const cnx_description *d)
{
    const bool relative = is_relative(&d->backbone) && d->backbone.act != CNX_MLP_GELU;
    const int size = relative ? RELATIVES_SIZE : PUBLISHED_SIZE;
    cnx_pipeline p = {
        .resize = true,
        .mode = CNX_MODE_WHOLE,
        .crop_h = size,
        .crop_w = size,
        .stride_h = size,
        .stride_w = size,
        .mean = {123.675f, 116.28f, 103.53f},
        .std = {58.395f, 57.12f, 57.375f},
        .pad_divisor = 1,
        .rule = CNX_TTA_MMSEG0,
        .crop_share = relative ? RELATIVES_SHARE : cnx_crop_share(size),
    };
    for (int c = 0; c < 3 && relative; c++)
        p.mean[c] = p.std[c] = 127.5f;
    return p;
}

static cnx_status apply_crop(cnx_pipeline *p, const cJSON *config, cnx_error *err)
{
    const cJSON *crop = cnx_config_get(config, "pipeline.crop");
    const cJSON *share = cnx_config_get(config, "pipeline.crop_share");
    int size[2];
    if (crop) {
        cnx_config_integers(crop, size, 2);
        CNX_FAIL_IF(size[0] != size[1], CNX_ERR_ARGUMENT,
                    "pipeline.crop: found [%d, %d]; the input of a classifier is a square", size[0],
                    size[1]);
        p->crop_h = p->crop_w = p->stride_h = p->stride_w = size[0];
        p->crop_share = cnx_crop_share(size[0]);
    }
    if (share)
        p->crop_share = cJSON_IsNull(share) ? CNX_CROP_SQUASHED : share->valuedouble;
    return CNX_OK;
}

static void apply_floats(float out[3], const cJSON *list)
{
    for (int c = 0; list && c < 3; c++)
        out[c] = (float)cJSON_GetArrayItem(list, c)->valuedouble;
}

/* What only the other tasks' pipelines have. */
static cnx_status refuse_foreign(const cJSON *config, cnx_error *err)
{
    const cJSON *scale = cnx_config_get(config, "pipeline.scale");
    const cJSON *mode = cnx_config_get(config, "pipeline.mode");
    const cJSON *tta = cnx_config_get(config, "pipeline.tta");
    CNX_FAIL_IF(scale && !cJSON_IsNull(scale), CNX_ERR_ARGUMENT,
                "pipeline.scale: found %s; of a classifier pipeline.crop is the size of the input "
                "(such as [224, 224]), and null here means the picture as it is",
                cnx_config_show(scale).text);
    CNX_FAIL_IF(mode && strcmp(mode->valuestring, "whole") != 0, CNX_ERR_ARGUMENT,
                "pipeline.mode: found %s; a classifier sees the picture as a whole",
                cnx_config_show(mode).text);
    CNX_FAIL_IF(cJSON_GetArraySize(cnx_config_get(tta, "scales")) > 0 ||
                    cJSON_IsTrue(cnx_config_get(tta, "flip")),
                CNX_ERR_ARGUMENT, "pipeline.tta: a classifier has no test-time augmentation");
    return CNX_OK;
}

cnx_status cnx_describe_classifier_pipeline(cnx_description *d, const cJSON *config, cnx_error *err)
{
    cnx_pipeline *p = &d->pipeline;
    const cJSON *scale = cnx_config_get(config, "pipeline.scale");
    *p = default_pipeline(d);
    d->mode_from_default = true;
    CNX_TRY(refuse_foreign(config, err));
    CNX_TRY(apply_crop(p, config, err));
    apply_floats(p->mean, cnx_config_get(config, "pipeline.mean"));
    apply_floats(p->std, cnx_config_get(config, "pipeline.std"));
    p->resize = !scale;
    if (!cnx_config_get(config, "pipeline"))
        snprintf(d->published, sizeof d->published, "%s",
                 p->crop_h == RELATIVES_SIZE ? "of timm's test models"
                                             : "of the official evaluation");
    return CNX_OK;
}
