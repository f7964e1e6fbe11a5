/* What is inferred from names and shapes: the published models, odd ones, and refusals. */
#include "heads/model.h"
#include "tests/unit/heads/synthetic.h"

static const synthetic small = {.depths = {1, 2, 1, 1},
                                .dims = {8, 12, 16, 20},
                                .version = 1,
                                .channels = 8,
                                .classes = 5,
                                .pools = 4,
                                .auxiliary = 4};

static bool contains(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

static cnx_status open_synthetic(cnx_model_file *file, const synthetic *model, const char *set,
                                 bool report_only, cnx_error *err)
{
    const char *path = synthetic_path("model.safetensors");
    err->message[0] = '\0';
    synthetic_write(path, model);
    return cnx_model_file_open(file, path, NULL, &set, set ? 1 : 0, report_only, err);
}

/* Opens, expects failure with a message that has all the words. */
static void refused(const synthetic *model, const char *set, cnx_status want, const char *word,
                    const char *second)
{
    cnx_error err;
    cnx_model_file file;
    const cnx_status status = open_synthetic(&file, model, set, false, &err);
    CHECK(status == want, "%s: status %d: %s", word, (int)status, err.message);
    CHECK(contains(err.message, word) && contains(err.message, second), "wanted \"%s\", \"%s\": %s",
          word, second, err.message);
    CHECK(!file.checkpoint && !file.weights && !file.description.class_names, "left open");
    cnx_model_file_close(&file);
}

/* ---- published models ---- */

static void test_published(void)
{
    static const struct {
        const char *variant, *metadata, *published;
        int size;
        size_t parameters;
    } models[] = {
        {"tiny", NULL, "UPerNet ConvNeXt-T, ADE20K 512", 512, 60242636},
        {"small", NULL, "UPerNet ConvNeXt-S, ADE20K 512", 512, 81877196},
        {"base", NULL, "UPerNet ConvNeXt-B, ADE20K 512", 512, 122102956},
        {"base", "{\"config\":\"crop_size = (640, 640)\"}", "UPerNet ConvNeXt-B, ADE20K 640", 640,
         122102956},
        {"base", "{\"config\":\"img_scale=(2560, 640)\"}", "UPerNet ConvNeXt-B, ADE20K 640", 640,
         122102956},
        {"base", "{\"config\":\"crop_size = (512, 512)\"}", "UPerNet ConvNeXt-B, ADE20K 512", 512,
         122102956},
        {"large", NULL, "UPerNet ConvNeXt-L, ADE20K 640", 640, 234994796},
        {"xlarge", NULL, "UPerNet ConvNeXt-XL, ADE20K 640", 640, 391140396},
    };
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        cnx_error err;
        cnx_model_file file;
        cnx_convnext_desc backbone;
        char name[64];
        size_t all, needed;
        CHECK(cnx_convnext_named(models[i].variant, &backbone), "%s", models[i].variant);
        synthetic model = {.version = 1,
                           .channels = 512,
                           .classes = 150,
                           .pools = 4,
                           .auxiliary = 256,
                           .metadata = models[i].metadata};
        memcpy(model.depths, backbone.depths, sizeof model.depths);
        memcpy(model.dims, backbone.dims, sizeof model.dims);
        CHECK(open_synthetic(&file, &model, NULL, false, &err) == CNX_OK, "%s", err.message);
        if (!file.weights)
            continue;
        const cnx_description *d = &file.description;
        const cnx_pipeline *p = &d->pipeline;
        snprintf(name, sizeof name, "upernet_convnext_%s", models[i].variant);
        CHECK(strcmp(d->name, name) == 0, "%s", d->name);
        CHECK(contains(d->published, models[i].published), "%s", d->published);
        CHECK(p->resize && p->scale_short == models[i].size && p->scale_long == 4 * p->scale_short,
              "%s: scale %d %d", name, p->scale_long, p->scale_short);
        CHECK(p->mode == CNX_MODE_SLIDE && d->mode_from_default && p->crop_h == models[i].size &&
                  p->crop_w == p->crop_h && p->stride_h == (p->crop_h == 512 ? 341 : 426) &&
                  p->stride_w == p->stride_h && p->pad_divisor == 1 && !p->flip &&
                  p->scale_count == 0,
              "%s: windows", name);
        CHECK(strcmp(d->classes_from, "ade20k") == 0 && d->class_count == 150 &&
                  strcmp(d->class_names[0], "wall") == 0 && strcmp(d->class_names[7], "bed") == 0 &&
                  strcmp(d->class_names[149], "flag") == 0 && d->palette[3 * 149] == 92 &&
                  d->palette[3 * 149 + 2] == 255,
              "%s: classes", name);
        cnx_model_file_parameters(&file, &all, &needed);
        CHECK(all == models[i].parameters, "%s: %zu parameters", name, all);
        CHECK(all - needed == (size_t)model.dims[2] * 256 * 9 + 2 * 256 + 256 * 150 + 150,
              "%s: the auxiliary head has %zu", name, all - needed);
        cnx_model_file_close(&file);
    }
}

/* ---- any other ---- */

static void test_custom(void)
{
    cnx_error err;
    cnx_model_file file;
    CHECK(open_synthetic(&file, &small, NULL, false, &err) == CNX_OK, "%s", err.message);
    const cnx_description *d = &file.description;
    CHECK(memcmp(d->backbone.depths, small.depths, sizeof small.depths) == 0, "depths");
    CHECK(memcmp(d->backbone.dims, small.dims, sizeof small.dims) == 0, "dims");
    CHECK(d->backbone.version == 1 && d->upernet.channels == 8 && d->upernet.classes == 5 &&
              d->upernet.pools == 4 && d->upernet.pool_scales[3] == 6,
          "head");
    CHECK(strcmp(d->name, "upernet_convnext_1-2-1-1_8-12-16-20") == 0, "%s", d->name);
    CHECK(strcmp(d->classes_from, "generated") == 0 && strcmp(d->class_names[4], "class 4") == 0,
          "%s", d->classes_from);
    CHECK(memcmp(d->palette, d->palette + 3, 3) != 0, "two classes of one colour");
    CHECK(contains(d->published, "ADE20K 512") && !contains(d->published, "ConvNeXt"), "%s",
          d->published);
    cnx_model_file_close(&file);

    synthetic model = small;
    model.version = 2;
    model.auxiliary = 0;
    model.classes = 1;
    model.channels = 1;
    CHECK(open_synthetic(&file, &model, NULL, false, &err) == CNX_OK, "%s", err.message);
    CHECK(d->backbone.version == 2 && d->upernet.classes == 1 && contains(d->name, "convnextv2"),
          "%s", d->name);
    cnx_model_file_close(&file);

    model = small;
    model.extra = "ema_decode_head.conv_seg.weight";
    CHECK(open_synthetic(&file, &model, NULL, false, &err) == CNX_OK, "%s", err.message);
    cnx_model_file_close(&file);
}

static void test_pools(void)
{
    cnx_error err;
    cnx_model_file file;
    synthetic model = small;
    model.pools = 3;
    refused(&model, NULL, CNX_ERR_MODEL, "has 3 branches", "head.pool_scales");
    refused(&model, "head.pool_scales=[1,2,3,6]", CNX_ERR_MODEL, "head.pool_scales", "lists 4");
    CHECK(open_synthetic(&file, &model, "head.pool_scales=[1,4,8]", false, &err) == CNX_OK, "%s",
          err.message);
    CHECK(file.description.upernet.pools == 3 && file.description.upernet.pool_scales[2] == 8,
          "pool scales");
    cnx_model_file_close(&file);
    model.pools = 8;
    CHECK(open_synthetic(&file, &model, "head.pool_scales=[1,2,3,4,5,6,7,8]", false, &err) ==
              CNX_OK,
          "%s", err.message);
    cnx_model_file_close(&file);
    model.pools = 9;
    refused(&model, NULL, CNX_ERR_UNSUPPORTED, "psp_modules", "more than 8");
    model.pools = 0;
    refused(&model, NULL, CNX_ERR_UNSUPPORTED, "psp_modules", "not UPerHead");
}

static void test_contradictions(void)
{
    static const char *const sets[][2] = {
        {"head.classes=20", "head.classes"},
        {"head.channels=512", "head.channels"},
        {"backbone.depths=[3,3,9,3]", "backbone.depths"},
        {"backbone.dims=[96,192,384,768]", "backbone.dims"},
        {"backbone.version=2", "backbone.version"},
        {"head.type=\"linear\"", "head.type"},
        {"task=\"detection\"", "task"},
        {"classes=[\"a\",\"b\"]", "classes"},
        {"classes=\"ade20k\"", "classes"},
        {"palette=[[1,2,3]]", "palette"},
        {"palette=\"ade20k\"", "palette"},
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        refused(&small, sets[i][0], CNX_ERR_MODEL, sets[i][1], "");
    refused(&small, "head.classes=20", CNX_ERR_MODEL, "20", "5");
    refused(&small, "backbone.dims=[96,192,384,768]", CNX_ERR_MODEL, "[96, 192, 384, 768]",
            "[8, 12, 16, 20]");
}

/* ---- damaged and foreign ones ---- */

static void test_damaged(void)
{
    static const char *const names[] = {"backbone.downsample_layers.0.0.weight",
                                        "backbone.stages.1.1.dwconv.weight",
                                        "backbone.stages.1.0.gamma",
                                        "backbone.norm3.bias",
                                        "decode_head.conv_seg.weight",
                                        "decode_head.fpn_bottleneck.conv.weight",
                                        "decode_head.psp_modules.3.1.bn.running_var"};
    synthetic model = small;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        model.without = names[i];
        refused(&model, NULL, CNX_ERR_MODEL, names[i], "is missing");
    }
    model.without = "backbone.stages.2.";
    refused(&model, NULL, CNX_ERR_MODEL, "backbone.stages.2.", "four stages");
    model = small;
    model.extra = "backbone.stages.0.0.attention.weight";
    refused(&model, NULL, CNX_ERR_MODEL, model.extra, "another architecture");
    model.extra = "backbone.stages.4.0.gamma";
    refused(&model, NULL, CNX_ERR_MODEL, model.extra, "another architecture");
    model.extra = "decode_head.mask_embed.weight";
    refused(&model, NULL, CNX_ERR_MODEL, model.extra, "another architecture");
    model.extra = "backbone.stages.0.1000.gamma";
    refused(&model, NULL, CNX_ERR_MODEL, "stages.0.", "1000 blocks");
    model = small;
    model.dims[3] = 70000;
    refused(&model, NULL, CNX_ERR_MODEL, "stages.3.", "65536");
    model = small;
    model.channels = 1;
    model.classes = 65536;
    refused(&model, NULL, CNX_ERR_MODEL, "conv_seg", "65535");
}

static void test_other_kinds(void)
{
    cnx_error err;
    cnx_model_file file;
    synthetic model = small;
    model.without = "_head.";
    refused(&model, NULL, CNX_ERR_MODEL, "bare ConvNeXt backbone", "UPerNet");
    model.extra = "roi_head.bbox_head.0.fc_cls.weight";
    model.without = "decode_head.";
    refused(&model, NULL, CNX_ERR_UNSUPPORTED, "without mask heads", "roi_head");
    model = small;
    model.without = "backbone.";
    refused(&model, NULL, CNX_ERR_MODEL, "no ConvNeXt", "decode_head.");
    const char *path = CNX_SOURCE_DIR "/tests/data/checkpoints/mini_cls_timm.safetensors";
    CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    CHECK(file.description.task == CNX_TASK_CLASSIFICATION && file.description.class_count == 6,
          "a classifier");
    CHECK(cnx_model_file_expect(&file, CNX_TASK_CLASSIFICATION, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_model_file_expect(&file, CNX_TASK_SEGMENTATION, &err) == CNX_ERR_MODEL &&
              contains(err.message, "ImageNet classification") &&
              contains(err.message, "norm0..norm3") && contains(err.message, "decode_head"),
          "%s", err.message);
    CHECK(cnx_model_file_expect(&file, CNX_TASK_DETECTION, &err) == CNX_ERR_MODEL &&
              contains(err.message, "Cascade Mask R-CNN"),
          "%s", err.message);
    cnx_model_file_close(&file);
}

/* A report may be had of what cannot be run. */
static void test_report_only(void)
{
    cnx_error err;
    cnx_model_file file;
    synthetic model = small;
    model.without = "backbone.norm2.weight";
    CHECK(open_synthetic(&file, &model, NULL, true, &err) == CNX_OK, "%s", err.message);
    const size_t last = cnx_weights_key_count(file.weights) - 1;
    const cnx_key *key = cnx_weights_key(file.weights, last);
    CHECK(key->state == CNX_KEY_MISSING && strcmp(key->canonical, model.without) == 0, "%s",
          key->canonical);
    cnx_model_file_close(&file);
    CHECK(cnx_model_file_open(&file, "/nonexistent/model.pth", NULL, NULL, 0, true, &err) ==
                  CNX_ERR_IO &&
              contains(err.message, "/nonexistent/model.pth"),
          "%s", err.message);
    cnx_model_file_close(&file);
}

int main(void)
{
    test_published();
    test_custom();
    test_pools();
    test_contradictions();
    test_damaged();
    test_other_kinds();
    test_report_only();
    synthetic_cleanup();
    return CHECK_RESULT;
}
