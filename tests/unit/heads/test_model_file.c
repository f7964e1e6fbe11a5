/* Opening model files: every dialect gives the same tensors, and bad files say what is wrong. */
#include "heads/model.h"
#include "tests/unit/checkpoint/probe.h"

static bool contains(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

/* Opens a segmentation model and holds all its tensors against a probe. */
static void test_segmentor(const char *path, const char *probe_path)
{
    cnx_error err = {.message = ""};
    cnx_model_file file;
    cJSON *probe = probe_read(probe_path);
    const cnx_status status = cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    if (status == CNX_OK) {
        CHECK(file.description.task == CNX_TASK_SEGMENTATION, "%s: task", path);
        for (size_t i = 0; i < cnx_weights_key_count(file.weights); i++) {
            const cnx_key *key = cnx_weights_key(file.weights, i);
            CHECK(key->state == CNX_KEY_MATCHED || key->state == CNX_KEY_IGNORED, "%s: %s", path,
                  key->canonical);
        }
        probe_weights(file.weights, path, probe);
    }
    cnx_model_file_close(&file);
    cJSON_Delete(probe);
}

static void test_committed(void)
{
    static const char *const names[] = {"mini_official.pth", "mini_mmengine.pth",
                                        "mini_hf.safetensors"};
    for (int i = 0; i < 3; i++) {
        char path[512];
        snprintf(path, sizeof path, CNX_SOURCE_DIR "/tests/data/checkpoints/%s", names[i]);
        test_segmentor(path, CNX_SOURCE_DIR "/tests/data/checkpoints/probe_mini.json");
    }
}

/* The architecture that is inferred is that of the file beside the model. */
static void test_architecture(const char *root, const char *model, const char *arch_name)
{
    char path[1024];
    cnx_error err = {.message = ""};
    cnx_model_file file;
    int want[CNX_STAGES];
    snprintf(path, sizeof path, "%s/models/%s", root, arch_name);
    cJSON *arch = probe_read(path);
    snprintf(path, sizeof path, "%s/%s", root, model);
    CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    const cnx_description *d = &file.description;
    static const char *const lists[] = {"depths", "dims"};
    for (int k = 0; k < 2; k++) {
        int i = 0;
        const cJSON *item;
        cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(arch, lists[k]))
        {
            want[i++ % CNX_STAGES] = item->valueint;
        }
        CHECK(memcmp(want, k ? d->backbone.dims : d->backbone.depths, sizeof want) == 0, "%s: %s",
              path, lists[k]);
    }
    CHECK(d->upernet.channels ==
                  cJSON_GetObjectItemCaseSensitive(arch, "head_channels")->valueint &&
              d->class_count == cJSON_GetObjectItemCaseSensitive(arch, "num_classes")->valueint,
          "%s: head", path);
    cnx_model_file_close(&file);
    cJSON_Delete(arch);
}

static void test_shared(void)
{
    static const char *const segmentors[] = {"main", "mini", "mini_fp16", "mini_bf16", "wide"};
    static const char *const archs[] = {"micro_arch.json", "mini_arch.json", "mini_arch.json",
                                        "mini_arch.json", "atto150_arch.json"};
    char root[512], path[1024], probe[1024];
    if (!check_shared(root, sizeof root, "fixtures/seg"))
        return;
    snprintf(path, sizeof path, "%s/manifest.json", root);
    cJSON *manifest = probe_read(path);
    int files = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, manifest)
    {
        const cJSON *model = cJSON_GetObjectItemCaseSensitive(item, "model");
        if (strncmp(item->string, "models/", 7) != 0 || !cJSON_IsString(model) ||
            strstr(item->string, ".json"))
            continue;
        for (int i = 0; i < 5; i++) {
            if (strcmp(model->valuestring, segmentors[i]) != 0)
                continue;
            snprintf(path, sizeof path, "%s/%s", root, item->string);
            snprintf(probe, sizeof probe, "%s/models/probe_%s.json", root, segmentors[i]);
            test_segmentor(path, probe);
            test_architecture(root, item->string, archs[i]);
            files++;
        }
    }
    CHECK(files >= 20, "only %d files", files);
    cJSON_Delete(manifest);
}

static void test_bad(void)
{
    static const struct {
        const char *file, *words[3];
    } cases[] = {
        {"missing_key.pth", {"backbone.stages.2.0.pwconv2.bias", "is missing", "[8]"}},
        {"wrong_shape.pth",
         {"backbone.downsample_layers.1.1.weight", "[4, 6, 2, 2]", "expected [6, 4, 2, 2]"}},
        {"wrong_dtype.pth", {"backbone.downsample_layers.1.1.weight", "int64", "float32"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[512];
        cnx_error err = {.message = ""};
        cnx_model_file file;
        snprintf(path, sizeof path, CNX_SOURCE_DIR "/tests/data/checkpoints/%s", cases[i].file);
        CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_ERR_MODEL, "%s",
              cases[i].file);
        CHECK(contains(err.message, cases[i].file), "%s", err.message);
        for (int k = 0; k < 3; k++)
            CHECK(contains(err.message, cases[i].words[k]), "%s: %s", cases[i].words[k],
                  err.message);
        CHECK(!file.checkpoint && !file.weights, "left open");
        CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, NULL) == CNX_ERR_MODEL,
              "without a place for the message");
        CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, true, &err) == CNX_OK, "%s",
              err.message);
        cnx_model_file_close(&file);
    }
}

static void test_demo(void)
{
    cnx_error err = {.message = ""};
    cnx_model_file file;
    size_t all, needed;
    CHECK(cnx_model_file_open(&file, NULL, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    const cnx_description *d = &file.description;
    const cnx_pipeline *p = &d->pipeline;
    CHECK(strcmp(d->name, "nuclei_upernet_convnext_atto") == 0 && d->class_count == 3 &&
              strcmp(d->class_names[1], "nucleus") == 0 && d->palette[3] == 60 &&
              d->palette[8] == 0,
          "%s", d->name);
    CHECK(p->scale_long == 2560 && p->scale_short == 640 && p->mode == CNX_MODE_SLIDE &&
              p->crop_h == 640 && p->crop_w == 640 && p->stride_h == 426 && p->stride_w == 426 &&
              !d->mode_from_default && !d->published[0],
          "pipeline");
    CHECK(strcmp(d->classes_from, "checkpoint") == 0, "%s", d->classes_from);
    cnx_model_file_parameters(&file, &all, &needed);
    CHECK(all == 4158958, "%zu parameters", all);
    cnx_model_file_close(&file);
    cnx_model_file_close(&file); /* twice is fine */

    const char *const sets[] = {"pipeline.scale=null", "classes=[\"a\",\"b\",\"c\"]"};
    CHECK(cnx_model_file_open(&file, NULL, NULL, sets, 2, false, &err) == CNX_OK, "%s",
          err.message);
    CHECK(!d->pipeline.resize && strcmp(d->classes_from, "config") == 0 &&
              d->pipeline.crop_h == 640,
          "overrides");
    cnx_model_file_close(&file);
    const char *const bad[] = {"classes=[\"a\"]"};
    CHECK(cnx_model_file_open(&file, NULL, NULL, bad, 1, false, &err) == CNX_ERR_MODEL &&
              contains(err.message, "classes"),
          "%s", err.message);
}

int main(void)
{
    test_committed();
    test_shared();
    test_bad();
    test_demo();
    return CHECK_RESULT;
}
