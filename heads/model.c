#include "heads/model.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/embedded/embedded.h"
#include "core/json.h"
#include "heads/config.h"
#include "heads/detector_net.h"

/* ---- layers of config ---- */

/* What a converted file says about itself: the "cnx" entry of its metadata. */
static cnx_status load_metadata(cJSON **out, const cnx_checkpoint *checkpoint, cnx_error *err)
{
    cnx_error local;
    const char *text = cnx_checkpoint_text(checkpoint, "cnx");
    *out = NULL;
    if (!text || cnx_checkpoint_container(checkpoint) != CNX_SAFETENSORS)
        return CNX_OK;
    cnx_status status = cnx_json_parse(out, text, strlen(text), "metadata \"cnx\"", &local);
    if (status == CNX_OK)
        status = cnx_config_validate(*out, &local);
    if (status == CNX_OK)
        return CNX_OK;
    cJSON_Delete(*out);
    *out = NULL;
    /* Whatever is wrong with it, it is the file that is wrong, not the caller. */
    return cnx_fail(err, status == CNX_ERR_MEMORY ? status : CNX_ERR_FORMAT,
                    "%s: metadata \"cnx\": %s", cnx_checkpoint_name(checkpoint), local.message);
}

/* The model's own layer (metadata, or the built-in model's config), then the caller's. */
static cnx_status gather_config(cJSON **out, const cnx_checkpoint *checkpoint, const char *built_in,
                                const char *config_path, const char *const *sets, size_t set_count,
                                bool *own_classes, cnx_error *err)
{
    cJSON *layer;
    if (built_in)
        CNX_TRY(cnx_config_load(out, built_in, NULL, 0, err));
    else
        CNX_TRY(load_metadata(out, checkpoint, err));
    cnx_status status = cnx_config_load(&layer, config_path, sets, set_count, err);
    *own_classes =
        cnx_config_get(*out, "classes") && status == CNX_OK && !cnx_config_get(layer, "classes");
    if (status == CNX_OK && layer)
        status = cnx_config_merge(out, layer, err);
    if (status != CNX_OK) {
        cJSON_Delete(*out);
        *out = NULL;
    }
    return status;
}

/* ---- opening ---- */

const char *cnx_demo_model(cnx_task task)
{
    static const char *const names[] = {
        [CNX_TASK_SEGMENTATION] = "nuclei_upernet_convnext_atto",
        [CNX_TASK_DETECTION] = "nuclei_cascade_mask_rcnn_convnext_atto",
        [CNX_TASK_CLASSIFICATION] = NULL,
    };
    return names[task];
}

/* The built-in model that `path` means; NULL when it means a file. */
static const char *find_built_in(const char *path, cnx_embedded_file *file)
{
    const char *name = path ? path : cnx_demo_model(CNX_TASK_SEGMENTATION);
    char inside[160];
    if (path && (strchr(path, '/') || strlen(path) > 100 || access(path, F_OK) == 0))
        return NULL;
    snprintf(inside, sizeof inside, "models/%s.pth", name);
    return cnx_embedded_find(inside, file) ? name : NULL;
}

static cnx_status open_checkpoint(cnx_checkpoint **out, const char *path, const char **built_in,
                                  cnx_error *err)
{
    cnx_embedded_file file;
    char name[160];
    *built_in = find_built_in(path, &file);
    if (!*built_in) {
        CNX_FAIL_IF(!path, CNX_ERR_INTERNAL, "the demo model is not built in");
        return cnx_checkpoint_open(out, path, err);
    }
    snprintf(name, sizeof name, "%s%s", path ? "built-in model " : "built-in demo model",
             path ? path : "");
    return cnx_checkpoint_open_memory(out, file.data, file.size, name, err);
}

static cnx_status expect_all(cnx_model_file *f, cnx_error *err)
{
    const cnx_description *d = &f->description;
    if (d->task == CNX_TASK_CLASSIFICATION) {
        cnx_convnext_expect(&d->backbone, "", false, f->weights);
        cnx_linear_expect(&d->linear, f->weights);
        return CNX_OK;
    }
    cnx_convnext_expect(&d->backbone, "backbone.", true, f->weights);
    if (d->task == CNX_TASK_DETECTION)
        return cnx_detector_expect(&d->detector, d->backbone.dims, f->weights, err);
    cnx_upernet_expect(&d->upernet, d->backbone.dims, f->weights);
    return CNX_OK;
}

cnx_status cnx_model_file_open(cnx_model_file *out, const char *path, const char *config_path,
                               const char *const *sets, size_t set_count, bool report_only,
                               cnx_error *err)
{
    cnx_status status = CNX_OK;
    cJSON *config = NULL;
    bool own_classes = false;
    const char *built_in = NULL;
    memset(out, 0, sizeof *out);
    CNX_CHECK(open_checkpoint(&out->checkpoint, path, &built_in, err));
    CNX_CHECK(cnx_weights_open(&out->weights, out->checkpoint, err));
    CNX_CHECK(gather_config(&config, out->checkpoint, built_in, config_path, sets, set_count,
                            &own_classes, err));
    CNX_CHECK(cnx_description_infer(&out->description, out->checkpoint, out->weights, config, err));
    if (own_classes)
        snprintf(out->description.classes_from, sizeof out->description.classes_from, "checkpoint");
    CNX_CHECK(expect_all(out, err));
    if (!report_only)
        CNX_CHECK(cnx_weights_check(out->weights, err));
cleanup:
    cJSON_Delete(config);
    if (status != CNX_OK)
        cnx_model_file_close(out);
    return status;
}

cnx_status cnx_model_file_random(cnx_model_file *out, const char *config_path,
                                 const char *const *sets, size_t set_count, uint64_t seed,
                                 cnx_error *err)
{
    cnx_status status = CNX_OK;
    cJSON *config = NULL;
    memset(out, 0, sizeof *out);
    CNX_CHECK(cnx_config_load(&config, config_path, sets, set_count, err));
    status = cnx_description_from_config(&out->description, config, err);
    if (status != CNX_OK && config_path)
        cnx_error_prefix(err, "%s", config_path);
    CNX_CHECK(status);
    CNX_CHECK(cnx_weights_open_random(&out->weights, seed, err));
    CNX_CHECK(expect_all(out, err));
    CNX_CHECK(cnx_weights_check(out->weights, err));
cleanup:
    cJSON_Delete(config);
    if (status != CNX_OK)
        cnx_model_file_close(out);
    return status;
}

cnx_status cnx_model_file_expect(const cnx_model_file *file, cnx_task task, cnx_error *err)
{
    const cnx_description *d = &file->description;
    const char *name = file->checkpoint ? cnx_checkpoint_name(file->checkpoint) : d->name;
    CNX_FAIL_IF(task == CNX_TASK_SEGMENTATION && d->task == CNX_TASK_CLASSIFICATION, CNX_ERR_MODEL,
                "%s: an ImageNet classification checkpoint (norm.*, head.* with %d classes): it "
                "has a ConvNeXt backbone, but neither the output norms norm0..norm3 nor a "
                "segmentation head (decode_head.*); to segment, use a UPerNet checkpoint such as "
                "upernet_convnext_tiny_1k_512x512.pth, or the built-in demo model; \"cnx "
                "classify\" runs this one",
                name, d->class_count);
    CNX_FAIL_IF(task == CNX_TASK_CLASSIFICATION && d->task == CNX_TASK_SEGMENTATION, CNX_ERR_MODEL,
                "%s: a segmentation checkpoint (decode_head.*, %d classes); to classify whole "
                "pictures, use a classifier such as convnext_tiny_1k_224_ema.pth; \"cnx segment\" "
                "runs this one",
                name, d->class_count);
    CNX_FAIL_IF(d->task == CNX_TASK_DETECTION && task != CNX_TASK_DETECTION, CNX_ERR_MODEL,
                "%s: a detection checkpoint (rpn_head.*, roi_head.*, %d classes); for %s, use a "
                "model made for it; \"cnx detect\" runs this one",
                name, d->class_count, cnx_task_name(task));
    CNX_FAIL_IF(
        task == CNX_TASK_DETECTION && d->task != CNX_TASK_DETECTION, CNX_ERR_MODEL,
        "%s: a model for %s; to detect, use a checkpoint of Mask R-CNN or Cascade Mask R-CNN "
        "(rpn_head.*, roi_head.*), or the built-in detector; \"cnx %s\" runs this one",
        name, cnx_task_name(d->task), d->task == CNX_TASK_SEGMENTATION ? "segment" : "classify");
    return CNX_OK;
}

void cnx_model_file_close(cnx_model_file *file)
{
    cnx_description_free(&file->description);
    cnx_weights_close(&file->weights);
    cnx_checkpoint_close(&file->checkpoint);
}

/* ---- parameters ---- */

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* BatchNorm's statistics are stored beside the parameters and learnt by none. */
static bool is_buffer(const char *canonical)
{
    return ends_with(canonical, ".running_mean") || ends_with(canonical, ".running_var") ||
           ends_with(canonical, ".num_batches_tracked");
}

bool cnx_key_is_parameter(const cnx_key *key)
{
    return key->state == CNX_KEY_MATCHED && !is_buffer(key->canonical);
}

void cnx_model_file_parameters(const cnx_model_file *file, size_t *with_auxiliary, size_t *needed)
{
    static const char auxiliary[] = "auxiliary_head.";
    *with_auxiliary = *needed = 0;
    for (size_t i = 0; i < cnx_weights_key_count(file->weights); i++) {
        const cnx_key *key = cnx_weights_key(file->weights, i);
        if (!key->canonical || is_buffer(key->canonical))
            continue;
        if (key->state == CNX_KEY_MATCHED)
            *needed += cnx_key_elements(key);
        else if (key->tensor && strncmp(key->canonical, auxiliary, sizeof auxiliary - 1) == 0)
            *with_auxiliary += key->tensor->elements;
    }
    *with_auxiliary += *needed;
    const cnx_description *d = &file->description;
    if (!file->checkpoint && d->task == CNX_TASK_SEGMENTATION)
        *with_auxiliary += cnx_upernet_auxiliary_parameters(&d->upernet, d->backbone.dims);
}
