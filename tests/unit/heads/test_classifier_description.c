/* Classifiers: what is inferred of them from names and shapes, in every dialect. */
#include "heads/config.h"
#include "heads/model.h"
#include "tests/unit/heads/synthetic.h"

static const synthetic small = {.depths = {1, 2, 1, 1},
                                .dims = {8, 12, 16, 20},
                                .version = 1,
                                .classifier = true,
                                .classes = 9};

static cnx_status open_synthetic(cnx_model_file *file, const synthetic *model, const char *set,
                                 cnx_error *err)
{
    const char *path = synthetic_path("model.safetensors");
    err->message[0] = '\0';
    synthetic_write(path, model);
    return cnx_model_file_open(file, path, NULL, &set, set ? 1 : 0, false, err);
}

static synthetic of_desc(const cnx_convnext_desc *d, int version, int classes)
{
    synthetic model = {.version = version,
                       .classifier = true,
                       .classes = classes,
                       .isotropic = d->isotropic,
                       .unscaled = d->unscaled};
    memcpy(model.depths, d->depths, sizeof model.depths);
    memcpy(model.dims, d->dims, sizeof model.dims);
    return model;
}

/* ---- published models ---- */

static void check_published(const char *variant, int version, int classes, size_t parameters)
{
    cnx_error err;
    cnx_model_file file;
    cnx_convnext_desc d;
    char name[64];
    size_t all, needed;
    CHECK(cnx_convnext_named(variant, &d), "%s", variant);
    const synthetic model = of_desc(&d, version, classes);
    CHECK(open_synthetic(&file, &model, NULL, &err) == CNX_OK, "%s: %s", variant, err.message);
    if (!file.weights)
        return;
    const cnx_description *got = &file.description;
    snprintf(name, sizeof name, "convnext%s_%s", version == 2 ? "v2" : "", variant);
    CHECK(strcmp(got->name, name) == 0, "%s", got->name);
    CHECK(got->task == CNX_TASK_CLASSIFICATION && got->class_count == classes &&
              got->backbone.version == version && got->backbone.isotropic == d.isotropic &&
              got->backbone.unscaled == d.unscaled && got->backbone.act == CNX_MLP_GELU,
          "%s", variant);
    CHECK(got->linear.width == cnx_convnext_width(&d) && got->linear.classes == classes, "%s: head",
          variant);
    cnx_model_file_parameters(&file, &all, &needed);
    CHECK(all == parameters && needed == parameters, "%s: %zu parameters, wanted %zu", variant, all,
          parameters);
    const cnx_pipeline *p = &got->pipeline;
    CHECK(p->resize && p->crop_h == 224 && p->crop_w == 224 && p->crop_share == 0.875, "%s: %d %g",
          variant, p->crop_h, p->crop_share);
    CHECK(strcmp(got->classes_from, classes == 1000 ? "imagenet1k" : "generated") == 0, "%s",
          got->classes_from);
    CHECK(strcmp(got->class_names[0], classes == 1000 ? "tench, Tinca tinca" : "class 0") == 0,
          "%s", got->class_names[0]);
    cnx_model_file_close(&file);
}

/* Parameters: ../shared/spec/flops.json for version 1, the sums of the shapes for the others. */
static void test_published(void)
{
    static const struct {
        const char *variant;
        size_t with_1k, with_22k;
    } models[] = {
        {"atto", 3695520, 10385481},      {"femto", 5217784, 13241569},
        {"pico", 9045672, 19737105},      {"nano", 15593560, 28952641},
        {"tiny", 28589128, 44615857},     {"small", 50223688, 66250417},
        {"base", 88591464, 109953489},    {"large", 197767336, 229799953},
        {"xlarge", 350196968, 392900177},
    };
    static const struct {
        const char *variant;
        size_t parameters;
    } second[] = {{"atto", 3708400},    {"femto", 5233240}, {"pico", 9066280},
                  {"nano", 15623800},   {"tiny", 28635496}, {"base", 88717800},
                  {"large", 197956840}, {"huge", 660289640}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        check_published(models[i].variant, 1, 1000, models[i].with_1k);
        check_published(models[i].variant, 1, 21841, models[i].with_22k);
    }
    for (size_t i = 0; i < sizeof second / sizeof *second; i++)
        check_published(second[i].variant, 2, 1000, second[i].parameters);
    check_published("isotropic_small", 1, 1000, 22308712);
    check_published("isotropic_base", 1, 1000, 87083752);
    check_published("isotropic_large", 1, 1000, 305942504);
}

/* ---- dialects ---- */

static void test_dialects(void)
{
    static const char *const files[] = {"mini_cls_timm.safetensors", "mini_cls_torchvision.pth"};
    static const char *const more[] = {
        "mini_cls_official.pth",        "mini_cls_train.pth",        "mini_cls_timm.pth",
        "mini_cls_timm_convmlp.pth",    "mini_cls_torchvision.pth",  "mini_cls_mmpretrain.pth",
        "mini_cls_timm.safetensors",    "mini_cls_hf.safetensors",   "mini_v2_cls_official.pth",
        "mini_v2_cls_timm.safetensors", "mini_v2_cls_hf.safetensors"};
    char shared[4096], path[8192];
    const bool all = check_shared(shared, sizeof shared, "fixtures/seg/models") != NULL;
    const size_t count = all ? sizeof more / sizeof *more : sizeof files / sizeof *files;
    for (size_t i = 0; i < count; i++) {
        cnx_error err = {0};
        cnx_model_file file;
        snprintf(path, sizeof path, "%s/%s",
                 all ? shared : CNX_SOURCE_DIR "/tests/data/checkpoints", all ? more[i] : files[i]);
        CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
              err.message);
        const cnx_description *d = &file.description;
        CHECK(d->task == CNX_TASK_CLASSIFICATION && d->class_count == 6 &&
                  d->backbone.version == (strstr(path, "_v2_") ? 2 : 1) && !d->backbone.unscaled &&
                  d->backbone.dims[3] == 20 && d->backbone.act == CNX_MLP_GELU,
              "%s", path);
        cnx_model_file_close(&file);
    }
}

/* ---- relatives ---- */

/* timm's test models: three sets of choices behind two sets of widths. */
static void test_relatives(void)
{
    static const struct {
        synthetic model;
        cnx_mlp_act act;
    } models[] = {
        {{.depths = {1, 2, 4, 2}, .dims = {24, 32, 48, 64}}, CNX_MLP_GELU_TANH},
        {{.depths = {1, 1, 1, 1}, .dims = {32, 64, 96, 128}}, CNX_MLP_GELU_TANH},
        {{.depths = {1, 1, 1, 1}, .dims = {32, 64, 96, 128}, .dwconv = {7, 5, 5, 3}}, CNX_MLP_SILU},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        cnx_error err;
        cnx_model_file file;
        synthetic model = models[i].model;
        model.classifier = true;
        model.version = 1;
        model.classes = 1000;
        model.dialect = CNX_DIALECT_TIMM;
        CHECK(open_synthetic(&file, &model, NULL, &err) == CNX_OK, "%s", err.message);
        const cnx_description *d = &file.description;
        CHECK(d->backbone.act == models[i].act && d->backbone.eps == 1e-5f &&
                  d->linear.eps == 1e-5f,
              "model %zu: activation %d, eps %g", i, (int)d->backbone.act, (double)d->backbone.eps);
        CHECK(d->backbone.dwconv[0] == 0 && d->backbone.dwconv[1] == model.dwconv[1] &&
                  d->backbone.dwconv[3] == model.dwconv[3],
              "model %zu: filters", i);
        CHECK(d->pipeline.crop_h == 160 && d->pipeline.crop_share == 0.95 &&
                  d->pipeline.mean[0] == 127.5f && d->pipeline.std[2] == 127.5f,
              "model %zu: pipeline", i);
        cnx_model_file_close(&file);
        model.dialect = CNX_DIALECT_OFFICIAL; /* some other network of these widths */
        CHECK(open_synthetic(&file, &model, NULL, &err) == CNX_OK, "%s", err.message);
        CHECK(file.description.backbone.act == CNX_MLP_GELU &&
                  file.description.pipeline.crop_h == 224,
              "model %zu in official names", i);
        cnx_model_file_close(&file);
        CHECK(open_synthetic(&file, &model, "backbone.act=\"silu\"", &err) == CNX_OK, "%s",
              err.message);
        CHECK(file.description.backbone.act == CNX_MLP_SILU, "--set backbone.act");
        cnx_model_file_close(&file);
    }
}

/* ---- configs ---- */

static cJSON *parse(const char *text)
{
    cJSON *json = cJSON_Parse(text);
    CHECK(json != NULL, "%s", text);
    return json;
}

/* A description says in JSON all that makes an equal one. */
static void test_there_and_back(void)
{
    static const char *const configs[] = {
        "{\"task\":\"classification\",\"classes\":\"imagenet1k\","
        "\"backbone\":{\"depths\":[3,3,9,3],\"dims\":[96,192,384,768]}}",
        "{\"head\":{\"type\":\"linear\",\"classes\":7},\"pipeline\":{\"crop\":[384,384]},"
        "\"backbone\":{\"depths\":[1,1,1,1],\"dims\":[8,8,8,8],\"version\":2}}",
        "{\"task\":\"classification\",\"head\":{\"classes\":3},\"pipeline\":{\"scale\":null},"
        "\"backbone\":{\"type\":\"convnext_isotropic\",\"depths\":[4],\"dims\":[32],"
        "\"layer_scale\":false}}",
        "{\"task\":\"classification\",\"head\":{\"classes\":3},"
        "\"pipeline\":{\"crop\":[288,288],\"crop_share\":1,\"mean\":[1,2,3],\"std\":[4,5,6.5]},"
        "\"backbone\":{\"depths\":[1,1,1,1],\"dims\":[32,64,96,128],\"dwconv\":[7,5,5,3],"
        "\"act\":\"silu\",\"eps\":1e-5}}",
    };
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        cnx_error err = {0};
        cnx_description first, second;
        cJSON *config = parse(configs[i]);
        CHECK(cnx_description_from_config(&first, config, &err) == CNX_OK, "%s", err.message);
        cJSON *back = cnx_description_to_json(&first);
        CHECK(cnx_description_from_config(&second, back, &err) == CNX_OK, "%s", err.message);
        cJSON *again = cnx_description_to_json(&second);
        CHECK(cJSON_Compare(back, again, true), "config %zu: not the same JSON", i);
        CHECK(memcmp(&first.backbone, &second.backbone, sizeof first.backbone) == 0 &&
                  first.linear.width == second.linear.width &&
                  first.linear.classes == second.linear.classes &&
                  first.linear.eps == second.linear.eps,
              "config %zu: network", i);
        const cnx_pipeline *p = &first.pipeline, *q = &second.pipeline;
        CHECK(p->resize == q->resize && p->crop_h == q->crop_h && p->crop_share == q->crop_share &&
                  memcmp(p->mean, q->mean, sizeof p->mean) == 0 &&
                  memcmp(p->std, q->std, sizeof p->std) == 0,
              "config %zu: pipeline", i);
        cJSON_Delete(config);
        cJSON_Delete(back);
        cJSON_Delete(again);
        cnx_description_free(&first);
        cnx_description_free(&second);
    }
}

static void test_pipelines(void)
{
    static const struct {
        const char *set, *says; /* says: what the refusal has in it; NULL: accepted */
        int size;
        double share;
    } cases[] = {
        {"pipeline.crop=[384,384]", NULL, 384, CNX_CROP_SQUASHED},
        {"pipeline.crop=[383,383]", NULL, 383, 0.875},
        {"pipeline={\"crop\":[384,384],\"crop_share\":1}", NULL, 384, 1},
        {"pipeline.crop_share=null", NULL, 224, CNX_CROP_SQUASHED},
        {"pipeline.crop=[224,256]", "square", 0, 0},
        {"pipeline.scale=[256,256]", "pipeline.crop", 0, 0},
        {"pipeline.mode=\"slide\"", "whole", 0, 0},
        {"pipeline.tta.flip=true", "test-time", 0, 0},
        {"pipeline.crop_share=1.5", "crop_share: found 1.5", 0, 0},
        {"backbone.depths=[1,2,1]", "says [1, 2, 1], the checkpoint's shapes say [1, 2, 1, 1]", 0,
         0},
        {"backbone.type=\"convnext_isotropic\"", "backbone.type", 0, 0},
        {"backbone.layer_scale=false", "gamma", 0, 0},
        {"backbone.dwconv=[7,5,5,3]", "backbone.dwconv", 0, 0},
        {"task=\"segmentation\"", "task", 0, 0},
        {"classes=\"imagenet1k\"", "1000", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_error err;
        cnx_model_file file;
        const cnx_status status = open_synthetic(&file, &small, cases[i].set, &err);
        CHECK((status == CNX_OK) == !cases[i].says, "%s: %s", cases[i].set, err.message);
        if (cases[i].says)
            CHECK(strstr(err.message, cases[i].says) != NULL, "%s: %s", cases[i].set, err.message);
        else
            CHECK(file.description.pipeline.crop_h == cases[i].size &&
                      file.description.pipeline.crop_share == cases[i].share,
                  "%s: %d, %g", cases[i].set, file.description.pipeline.crop_h,
                  file.description.pipeline.crop_share);
        cnx_model_file_close(&file);
    }
}

/* ---- damage ---- */

static void refused(const synthetic *model, const char *word)
{
    cnx_error err;
    cnx_model_file file;
    CHECK(open_synthetic(&file, model, NULL, &err) == CNX_ERR_MODEL, "%s: accepted", word);
    CHECK(strstr(err.message, word) != NULL, "wanted \"%s\": %s", word, err.message);
    cnx_model_file_close(&file);
}

static void test_damaged(void)
{
    synthetic model = small;
    model.without = "norm.weight";
    refused(&model, "norm.weight");
    model.without = "head.bias";
    refused(&model, "head.bias is missing");
    model.without = "head.";
    refused(&model, "bare ConvNeXt backbone");
    model.without = "stages.1.1.gamma";
    refused(&model, "stages.1.1.gamma");
    model = small;
    model.dwconv[2] = 9;
    refused(&model, "stages.2.0.dwconv.weight has shape [16, 1, 9, 9], expected [16, 1, 7, 7]");
    model = small;
    model.isotropic = true;
    model.without = "blocks.0.pwconv1.bias";
    refused(&model, "blocks.0.pwconv1.bias is missing");
    model.without = NULL;
    model.extra = "blocks.0.attn.weight";
    refused(&model, "blocks.0.attn.weight");
    model = small;
    model.classes = 70000;
    refused(&model, "head.weight tells no class count");
}

int main(void)
{
    test_published();
    test_dialects();
    test_relatives();
    test_there_and_back();
    test_pipelines();
    test_damaged();
    synthetic_cleanup();
    return CHECK_RESULT;
}
