/* Configs: fields, layers, errors, and the way there and back. */
#include "core/embedded/embedded.h"
#include "core/file.h"
#include "core/json.h"
#include "heads/config.h"
#include "heads/description.h"
#include "tests/unit/heads/synthetic.h"

#define SMALL "\"backbone\":{\"depths\":[1,1,2,1],\"dims\":[8,12,16,20]},\"head\":{\"classes\":3}"

static bool contains(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

static cJSON *parse(const char *text)
{
    cnx_error err;
    cJSON *json = NULL;
    CHECK(cnx_json_parse(&json, text, strlen(text), "test", &err) == CNX_OK, "%s", err.message);
    return json;
}

static cnx_status describe(cnx_description *d, const char *text, cnx_error *err)
{
    cJSON *json = parse(text);
    err->message[0] = '\0';
    const cnx_status status = cnx_description_from_config(d, json, err);
    cJSON_Delete(json);
    return status;
}

/* ---- fields ---- */

static void test_defaults(void)
{
    cnx_error err;
    cnx_description d;
    CHECK(describe(&d, "{" SMALL "}", &err) == CNX_OK, "%s", err.message);
    CHECK(d.task == CNX_TASK_SEGMENTATION && d.backbone.version == 1 && d.backbone.depths[2] == 2 &&
              d.backbone.dims[3] == 20 && d.class_count == 3 && d.upernet.channels == 512 &&
              d.upernet.pools == 4 && d.upernet.pool_scales[2] == 3,
          "architecture");
    CHECK(d.pipeline.scale_long == 2048 && d.pipeline.mean[0] == 123.675f &&
              d.pipeline.std[2] == 57.375f && d.pipeline.rule == CNX_TTA_MMSEG0,
          "pipeline");
    cnx_description_free(&d);
    cnx_description_free(&d); /* twice is fine */
}

static void test_all_fields(void)
{
    static const char text[] =
        "{\"name\":\"mine\",\"task\":\"segmentation\",\"backbone\":{\"type\":\"convnext\","
        "\"depths\":[1,1,2,1],\"dims\":[8,12,16,20],\"version\":2},\"head\":{\"type\":\"upernet\","
        "\"channels\":64,\"classes\":2,\"pool_scales\":[1,5]},\"classes\":[\"sky\",\"gr\u00fcn\"],"
        "\"palette\":[[1,2,3],[4,5,255]],\"category_ids\":[3,9],\"pipeline\":{\"scale\":[300,400],"
        "\"mode\":\"slide\",\"crop\":[96,64],\"stride\":[90,64],\"mean\":[1,2,3.5],"
        "\"std\":[0.5,1,2],\"pad_divisor\":32,\"tta\":{\"scales\":[0.5,1,1.75],\"flip\":true,"
        "\"rule\":\"mmseg1\"}},\"rpn\":{\"anchor_scale\":8,\"ratios\":[0.5,1,2],"
        "\"strides\":[4,8,16,32,64],\"nms_pre\":1000,\"max_per_img\":1000,\"nms_iou\":0.7,"
        "\"min_bbox_size\":0},\"rcnn\":{\"stds\":[[0.1,0.1,0.2,0.2],[0.05,0.05,0.1,0.1]],"
        "\"score_thr\":0.05,\"nms_iou\":0.5,\"max_per_img\":100,\"mask_thr\":0.5},"
        "\"published\":{\"params\":\"60M\",\"flops\":939e9,\"size\":[512,2048],\"mIoU_ss\":46.0,"
        "\"mIoU_ms\":46.7,\"box_AP\":1,\"mask_AP\":1,\"top1\":1}}";
    cnx_error err;
    cnx_description d;
    CHECK(describe(&d, text, &err) == CNX_OK, "%s", err.message);
    const cnx_pipeline *p = &d.pipeline;
    CHECK(strcmp(d.name, "mine") == 0 && d.backbone.version == 2 && d.upernet.channels == 64 &&
              d.upernet.pools == 2 && d.upernet.pool_scales[1] == 5,
          "architecture");
    CHECK(strcmp(d.class_names[1], "gr\u00fcn") == 0 && d.palette[5] == 255 &&
              strcmp(d.classes_from, "config") == 0,
          "classes");
    CHECK(p->resize && p->scale_long == 400 && p->scale_short == 300 && p->mode == CNX_MODE_SLIDE &&
              !d.mode_from_default && p->crop_h == 96 && p->crop_w == 64 && p->stride_h == 90 &&
              p->stride_w == 64 && p->mean[2] == 3.5f && p->std[0] == 0.5f && p->pad_divisor == 32,
          "pipeline");
    CHECK(p->scale_count == 3 && p->scales[2] == 1.75 && p->flip && p->rule == CNX_TTA_MMSEG1,
          "test-time augmentation");
    CHECK(d.published[0] == '\0', "%s", d.published);
    cnx_description_free(&d);
}

static void test_modes(void)
{
    static const struct {
        const char *pipeline;
        cnx_mode mode;
        bool from_default;
    } cases[] = {
        {"{}", CNX_MODE_SLIDE, true},
        {"{\"tta\":{\"scales\":[0.5,1]}}", CNX_MODE_WHOLE, true},
        {"{\"tta\":{\"scales\":[]}}", CNX_MODE_SLIDE, true},
        {"{\"tta\":{\"scales\":null}}", CNX_MODE_SLIDE, true},
        {"{\"tta\":{\"flip\":true}}", CNX_MODE_SLIDE, true},
        {"{\"tta\":{\"scales\":[0.5,1]},\"mode\":\"slide\"}", CNX_MODE_SLIDE, false},
        {"{\"mode\":\"whole\"}", CNX_MODE_WHOLE, false},
        {"{\"mode\":\"whole\",\"crop\":[1,1]}", CNX_MODE_WHOLE, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        cnx_error err;
        cnx_description d;
        snprintf(text, sizeof text, "{" SMALL ",\"pipeline\":%s}", cases[i].pipeline);
        CHECK(describe(&d, text, &err) == CNX_OK, "%s", err.message);
        CHECK(d.pipeline.mode == cases[i].mode && d.mode_from_default == cases[i].from_default,
              "%s", cases[i].pipeline);
        cnx_description_free(&d);
    }
}

static void test_windows(void)
{
    cnx_error err;
    cnx_description d;
    CHECK(describe(&d, "{" SMALL ",\"pipeline\":{\"scale\":null,\"crop\":[256,96]}}", &err) ==
              CNX_OK,
          "%s", err.message);
    CHECK(!d.pipeline.resize && d.pipeline.crop_h == 256 && d.pipeline.stride_h == 170 &&
              d.pipeline.stride_w == 64,
          "a crop brings its stride");
    CHECK(contains(d.published, "changed by the config"), "%s", d.published);
    cnx_description_free(&d);
}

/* ---- errors ---- */

static void test_errors(void)
{
    static const struct {
        const char *fields, *path, *found;
    } cases[] = {
        {"\"bogus\":1", "bogus", "known here: name"},
        {"\"pipeline\":{\"skale\":1}", "pipeline.skale", "scale, mode, crop"},
        {"\"pipeline\":{\"tta\":{\"x\":1}}", "pipeline.tta.x", "scales, flip, rule"},
        {"\"pipeline\":7", "pipeline: found 7", "an object"},
        {"\"name\":3", "name: found 3", "text"},
        {"\"name\":\"\"", "name: found", "text"},
        {"\"name\":\"a\\u001b[2J\"", "name: found", "text"},
        {"\"task\":\"sleep\"", "task: found \"sleep\"", "segmentation"},
        {"\"task\":\"detection|classification\"", "task: found", "segmentation"},
        {"\"task\":\"segmentation\",\"head\":{\"type\":\"mask_rcnn\"}", "task: found",
         "head.type is mask_rcnn"},
        {"\"task\":\"classification\",\"head\":{\"type\":\"upernet\"}", "task: found",
         "head.type is upernet"},
        {"\"backbone\":{\"depths\":[1,1,1]}", "backbone.depths: found 3 numbers", "has 4"},
        {"\"backbone\":{\"depths\":[1,1,1,1,1]}", "backbone.depths: found [1,1,1,1,1]", "four"},
        {"\"backbone\":{\"type\":\"convnext_isotropic\"}", "backbone.depths: found 4 numbers",
         "isotropic"},
        {"\"backbone\":{\"type\":\"convnext_isotropic\",\"depths\":[3],\"dims\":[8]}",
         "backbone.type", "pyramid"},
        {"\"backbone\":{\"dwconv\":[7,5,4,3]}", "backbone.dwconv: found 4", "3, 5 and 7"},
        {"\"backbone\":{\"act\":\"relu\"}", "backbone.act: found \"relu\"", "silu"},
        {"\"backbone\":{\"eps\":0}", "backbone.eps: found 0", "1e-12"},
        {"\"backbone\":{\"depths\":[1,1,1,1001]}", "backbone.depths", "1000"},
        {"\"backbone\":{\"dims\":[0,1,1,1]}", "backbone.dims", "65536"},
        {"\"backbone\":{\"dims\":[1.5,1,1,1]}", "backbone.dims", "whole"},
        {"\"backbone\":{\"version\":3}", "backbone.version: found 3", "GRN"},
        {"\"backbone\":{\"type\":\"resnet\"}", "backbone.type", "convnext"},
        {"\"head\":{\"classes\":65536}", "head.classes", "65535"},
        {"\"head\":{\"classes\":-1}", "head.classes: found -1", "65535"},
        {"\"head\":{\"channels\":1e99}", "head.channels", "65536"},
        {"\"head\":{\"classes\":3,\"pool_scales\":[]}", "head.pool_scales", "eight"},
        {"\"head\":{\"classes\":3,\"pool_scales\":[1,2,3,4,5,6,7,8,9]}", "head.pool_scales",
         "eight"},
        {"\"classes\":\"pascal\"", "classes: found \"pascal\"", "ade20k"},
        {"\"classes\":[\"a\",2,\"c\"]", "classes: found", "names"},
        {"\"classes\":[\"a\"]", "classes", "1 name"},
        {"\"classes\":\"imagenet1k\"", "classes: imagenet1k has 1000 names", "3 classes"},
        {"\"palette\":[[1,2,3],[1,2,3],[1,2,256]]", "palette: found", "255"},
        {"\"palette\":[[1,2,3],[1,2,3],[1,2]]", "palette: found", "green"},
        {"\"palette\":[[1,2,3]]", "palette", "1 colour"},
        {"\"pipeline\":{\"scale\":[512]}", "pipeline.scale", "[long, short]"},
        {"\"pipeline\":{\"scale\":\"none\"}", "pipeline.scale: found \"none\"", "null"},
        {"\"pipeline\":{\"mode\":null}", "pipeline.mode: found null", "whole|slide"},
        {"\"pipeline\":{\"crop\":[31,512]}", "pipeline.crop: found [31, 512]", "32 x 32"},
        {"\"pipeline\":{\"crop\":[64,64],\"stride\":[65,64]}", "pipeline.stride: found [65, 64]",
         "[64, 64]"},
        {"\"pipeline\":{\"stride\":[0,1]}", "pipeline.stride: found [0,1]", "1 to"},
        {"\"pipeline\":{\"std\":[0,1,1]}", "pipeline.std", "above 0"},
        {"\"pipeline\":{\"mean\":[1,1]}", "pipeline.mean", "units"},
        {"\"pipeline\":{\"pad_divisor\":0}", "pipeline.pad_divisor: found 0", "1024"},
        {"\"pipeline\":{\"tta\":{\"scales\":[0]}}", "pipeline.tta.scales: found [0]", "0.01"},
        {"\"pipeline\":{\"tta\":{\"flip\":1}}", "pipeline.tta.flip: found 1", "true"},
        {"\"pipeline\":{\"tta\":{\"rule\":\"x\"}}", "pipeline.tta.rule", "mmseg0"},
        {"\"rcnn\":{\"stds\":[1,2,3]}", "rcnn.stds", "stage"},
        {"\"rpn\":{\"nms_iou\":1.5}", "rpn.nms_iou: found 1.5", "0 to 1"},
        {"\"published\":{\"mIoU_ss\":true}", "published.mIoU_ss: found true", "figure"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        cnx_error err;
        cnx_description d;
        snprintf(text, sizeof text, "{%s}", cases[i].fields);
        cJSON *config = parse("{" SMALL "}");
        CHECK(cnx_config_merge(&config, parse(text), &err) == CNX_OK, "merge");
        const cnx_status status = cnx_description_from_config(&d, config, &err);
        CHECK(status != CNX_OK, "%s was accepted", text);
        CHECK(contains(err.message, cases[i].path) && contains(err.message, cases[i].found),
              "%s: %s", text, err.message);
        CHECK(!d.class_names && !d.palette, "left open");
        cJSON_Delete(config);
    }
    cnx_error err;
    cnx_description d;
    CHECK(cnx_description_from_config(&d, NULL, &err) == CNX_ERR_ARGUMENT &&
              contains(err.message, "backbone.depths"),
          "%s", err.message);
    CHECK(describe(&d, "[1]", &err) != CNX_OK && contains(err.message, "object"), "%s",
          err.message);
    CHECK(describe(&d, "{\"backbone\":{\"depths\":[1,1,1,1],\"dims\":[1,1,1,1]}}", &err) !=
                  CNX_OK &&
              contains(err.message, "head.classes"),
          "%s", err.message);
    char many[512] = "{" SMALL ",\"pipeline\":{\"tta\":{\"scales\":[1";
    for (int i = 0; i < 32; i++)
        strcat(many, ",1");
    strcat(many, "]}}}");
    CHECK(describe(&d, many, &err) != CNX_OK && contains(err.message, "at most 32"), "%s",
          err.message);
}

/* ---- layers ---- */

static void test_layers(void)
{
    cnx_error err = {.message = ""};
    cJSON *config = NULL;
    char derived[512];
    synthetic_text(synthetic_path("base.json"),
                   "{\"name\":\"base\",\"head\":{\"classes\":7,\"channels\":8},"
                   "\"classes\":[\"a\",\"b\"],\"pipeline\":{\"scale\":[9,9]}}");
    snprintf(derived, sizeof derived, "%s", synthetic_path("derived.json"));
    synthetic_text(derived, "{\"base\":\"base.json\",\"head\":{\"classes\":8},\"classes\":[\"c\"],"
                            "\"pipeline\":{\"scale\":null}}");
    const char *const sets[] = {"head.pool_scales=[1,2]", "pipeline.tta.flip=true", "name=\"set\"",
                                "head.classes=9"};
    CHECK(cnx_config_load(&config, derived, sets, 4, &err) == CNX_OK, "%s", err.message);
    char *text = cJSON_PrintUnformatted(config);
    const char want[] = "{\"name\":\"set\",\"head\":{\"classes\":9,\"channels\":8,\"pool_scales\":"
                        "[1,2]},\"classes\":[\"c\"],\"pipeline\":{\"scale\":null,\"tta\":{"
                        "\"flip\":true}}}";
    CHECK(text && strcmp(text, want) == 0, "%s", text);
    cJSON_free(text);
    cJSON_Delete(config);
    CHECK(cnx_config_load(&config, NULL, NULL, 0, &err) == CNX_OK && !config, "nothing at all");
}

static void load_fails(const char *path, const char *set, const char *word, const char *second)
{
    cnx_error err = {.message = ""};
    cJSON *config = NULL;
    const cnx_status status = cnx_config_load(&config, path, &set, set ? 1 : 0, &err);
    CHECK(status != CNX_OK && !config, "%s %s was accepted", path ? path : "", set ? set : "");
    CHECK(contains(err.message, word) && contains(err.message, second), "wanted \"%s\", \"%s\": %s",
          word, second, err.message);
}

static void test_load_errors(void)
{
    char path[256];
    snprintf(path, sizeof path, "%s", synthetic_path("circle.json"));
    synthetic_text(path, "{\"base\":\"circle2.json\"}");
    synthetic_text(synthetic_path("circle2.json"), "{\"base\":\"circle.json\"}");
    load_fails(path, NULL, "its own base", "circle");
    for (int i = 0; i < 12; i++) {
        char name[32], text[64];
        snprintf(name, sizeof name, "deep%d.json", i);
        snprintf(text, sizeof text, "{\"base\":\"deep%d.json\"}", i + 1);
        synthetic_text(synthetic_path(name), text);
    }
    load_fails(synthetic_path("deep0.json"), NULL, "more than 8", "base");
    snprintf(path, sizeof path, "%s", synthetic_path("bad.json"));
    synthetic_text(path, "{\"base\":3}");
    load_fails(path, NULL, "bad.json: base", "name of a file");
    synthetic_text(path, "{\"base\":\"nowhere.json\"}");
    load_fails(path, NULL, "nowhere.json", "built-in");
    synthetic_text(path, "{\"pipeline\":{\"crop\":3}}");
    load_fails(path, NULL, "bad.json: pipeline.crop", "found 3");
    synthetic_text(path, "{\"pipeline\":");
    load_fails(path, NULL, "bad.json", "line 1");
    synthetic_text(path, "");
    load_fails(path, NULL, "bad.json", "");
    synthetic_text(path, "[]");
    load_fails(path, NULL, "bad.json", "object");
    load_fails(synthetic_folder(), NULL, synthetic_folder(), "");
    load_fails("no-such-config", NULL, "no-such-config", "cnx list");
    load_fails(NULL, "pipeline.mode=whole", "whole is not JSON", "quotes");
    load_fails(NULL, "pipeline.mode=", "nothing", "JSON");
    load_fails(NULL, "pipeline.mode", "path.to.field=JSON", "");
    load_fails(NULL, "=3", "path.to.field=JSON", "");
    load_fails(NULL, "pipeline..mode=3", "unknown field pipeline.", "");
    load_fails(NULL, "pipeline.mode.x=3", "pipeline.mode: found {\"x\":3}", "whole|slide");
    load_fails(NULL, "base=\"x.json\"", "unknown field base", "");
    load_fails(NULL, "pipeline.scale=[1,2] x", "not JSON", "");
}

/* Each built-in config describes a model; the published ones say which. */
static void test_embedded(void)
{
    static const struct {
        const char *name, *variant;
        int size;
    } models[] = {{"upernet_convnext_tiny_512", "tiny", 512},
                  {"upernet_convnext_small_512.json", "small", 512},
                  {"upernet_convnext_base_512", "base", 512},
                  {"upernet_convnext_base_640", "base", 640},
                  {"upernet_convnext_large_640", "large", 640},
                  {"upernet_convnext_xlarge_640", "xlarge", 640}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        cnx_error err = {.message = ""};
        cJSON *config = NULL;
        cnx_description d = {.name = ""};
        CHECK(cnx_config_load(&config, models[i].name, NULL, 0, &err) == CNX_OK, "%s", err.message);
        CHECK(cnx_description_from_config(&d, config, &err) == CNX_OK, "%s", err.message);
        const char *variant = cnx_convnext_variant(&d.backbone);
        CHECK(variant && strcmp(variant, models[i].variant) == 0, "%s", models[i].name);
        CHECK(d.pipeline.scale_short == models[i].size && d.pipeline.crop_w == models[i].size &&
                  d.mode_from_default && d.class_count == 150 &&
                  strcmp(d.classes_from, "ade20k") == 0,
              "%s", models[i].name);
        CHECK(cnx_config_get(config, "published.mIoU_ms"), "%s: no figures", models[i].name);
        cnx_description_free(&d);
        cJSON_Delete(config);
    }
    cnx_embedded_file file;
    size_t count = 0;
    for (; cnx_embedded_at(count, &file); count++) {
        char path[512];
        cnx_mapping source = {.data = NULL};
        cnx_error err = {.message = ""};
        snprintf(path, sizeof path, "%s/%s", CNX_SOURCE_DIR, file.path);
        CHECK(cnx_mapping_open(&source, path, &err) == CNX_OK, "%s", err.message);
        CHECK(source.size == file.size && memcmp(source.data, file.data, file.size) == 0,
              "%s is not what is built in", path);
        cnx_mapping_close(&source);
    }
    CHECK(count >= 12 && !cnx_embedded_find("configs/none.json", &file), "%zu files", count);
}

/* ---- there and back ---- */

static bool same(const cnx_description *a, const cnx_description *b)
{
    bool names = a->class_count == b->class_count;
    for (int i = 0; names && i < a->class_count; i++)
        names = strcmp(a->class_names[i], b->class_names[i]) == 0;
    const cnx_pipeline *p = &a->pipeline, *q = &b->pipeline;
    return names && memcmp(a->palette, b->palette, 3 * (size_t)a->class_count) == 0 &&
           strcmp(a->name, b->name) == 0 && strcmp(a->published, b->published) == 0 &&
           a->task == b->task && memcmp(&a->backbone, &b->backbone, sizeof a->backbone) == 0 &&
           memcmp(&a->upernet, &b->upernet, sizeof a->upernet) == 0 &&
           a->mode_from_default == b->mode_from_default && p->resize == q->resize &&
           p->scale_long == q->scale_long && p->scale_short == q->scale_short &&
           p->mode == q->mode && p->crop_h == q->crop_h && p->crop_w == q->crop_w &&
           p->stride_h == q->stride_h && p->stride_w == q->stride_w &&
           memcmp(p->mean, q->mean, sizeof p->mean) == 0 &&
           memcmp(p->std, q->std, sizeof p->std) == 0 && p->pad_divisor == q->pad_divisor &&
           p->scale_count == q->scale_count &&
           memcmp(p->scales, q->scales, sizeof p->scales) == 0 && p->flip == q->flip &&
           p->rule == q->rule;
}

static void round_trip(const char *text)
{
    cnx_error err;
    cnx_description first = {.name = ""}, second = {.name = ""};
    CHECK(describe(&first, text, &err) == CNX_OK, "%s", err.message);
    cJSON *json = cnx_description_to_json(&first);
    char *printed = cJSON_PrintUnformatted(json);
    CHECK(describe(&second, printed, &err) == CNX_OK, "%s: %s", printed, err.message);
    CHECK(same(&first, &second), "%s became %s", text, printed);
    cJSON_free(printed);
    cJSON_Delete(json);
    cnx_description_free(&first);
    cnx_description_free(&second);
}

static void test_round_trips(void)
{
    round_trip("{" SMALL "}");
    round_trip("{" SMALL ",\"pipeline\":{\"scale\":null,\"mode\":\"whole\"}}");
    round_trip("{" SMALL ",\"pipeline\":{\"tta\":{\"scales\":[0.1,0.333333333333,1.75],"
               "\"rule\":\"mmseg1\",\"flip\":true}}}");
    round_trip("{" SMALL ",\"pipeline\":{\"mode\":\"slide\",\"crop\":[64,96],"
               "\"mean\":[0.1,123.4567,-1e-5],\"std\":[0.3333333,1,1e5]}}");
    round_trip("{" SMALL ",\"pipeline\":{\"crop\":[640,640],\"scale\":[2560,640]}}");
    round_trip("{\"backbone\":{\"depths\":[3,3,27,3],\"dims\":[128,256,512,1024]},"
               "\"classes\":\"ade20k\",\"head\":{\"pool_scales\":[2,7]}}");
    round_trip("{" SMALL ",\"classes\":[\"\\\"\",\"\\\\\",\"\u00e4\"],\"name\":\"x y\"}");
}

int main(void)
{
    test_defaults();
    test_all_fields();
    test_modes();
    test_windows();
    test_errors();
    test_layers();
    test_load_errors();
    test_embedded();
    test_round_trips();
    synthetic_cleanup();
    return CHECK_RESULT;
}
