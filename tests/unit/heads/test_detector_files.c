/* Files of detectors: what their shapes tell, what is refused, and weights that are all alike, missing or
 * no numbers. */
#include "core/file.h"
#include "heads/detector.h"
#include "tests/unit/heads/synthetic_detector.h"

static const synthetic backbone = {.depths = {1, 1, 2, 1}, .dims = {8, 12, 16, 20}, .version = 1};

static const cnx_detector_desc odd = {.cascade = true,
                                      .stages = 2,
                                      .classes = 6,
                                      .channels = 12,
                                      .rpn_channels = 10,
                                      .anchors = 3,
                                      .box_convs = 2,
                                      .box_conv_channels = 14,
                                      .box_fcs = 2,
                                      .box_fc_channels = 16,
                                      .class_specific = true,
                                      .mask_convs = 3,
                                      .mask_channels = 9,
                                      .mask_classes = 6};

static cnx_status open_file(cnx_model_file *file, const synthetic *base, const cnx_detector_desc *d,
                            const char *set, cnx_error *err)
{
    const char *path = synthetic_path("detector.safetensors");
    err->message[0] = '\0';
    synthetic_detector_write(path, base, d);
    return cnx_model_file_open(file, path, NULL, &set, set ? 1 : 0, false, err);
}

static void check_shapes(const cnx_detector_desc *got, const cnx_detector_desc *want)
{
    CHECK(got->cascade == want->cascade && got->stages == want->stages &&
              got->classes == want->classes && got->channels == want->channels &&
              got->rpn_channels == want->rpn_channels && got->anchors == want->anchors,
          "cascade %d, %d stages, %d classes, %d, %d channels, %d anchors", got->cascade,
          got->stages, got->classes, got->channels, got->rpn_channels, got->anchors);
    CHECK(got->box_convs == want->box_convs && got->box_fcs == want->box_fcs &&
              (got->box_convs == 0 || got->box_conv_channels == want->box_conv_channels) &&
              got->box_fc_channels == want->box_fc_channels &&
              got->class_specific == want->class_specific,
          "boxes: %d of %d, %d of %d, specific %d", got->box_convs, got->box_conv_channels,
          got->box_fcs, got->box_fc_channels, got->class_specific);
    CHECK(got->mask_convs == want->mask_convs && got->mask_channels == want->mask_channels &&
              got->mask_classes == want->mask_classes,
          "masks: %d of %d, %d classes", got->mask_convs, got->mask_channels, got->mask_classes);
}

static void test_shapes(const synthetic *base, cnx_detector_desc d)
{
    cnx_error err;
    cnx_model_file file;
    CHECK(open_file(&file, base, &d, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(file.description.task == CNX_TASK_DETECTION && file.description.class_count == d.classes,
          "%d classes", file.description.class_count);
    check_shapes(&file.description.detector, &d);
    cnx_model_file_close(&file);
}

static void test_odd_shapes(void)
{
    cnx_detector_desc d = odd;
    test_shapes(&backbone, d);
    d.class_specific = false;
    d.mask_classes = 1;
    test_shapes(&backbone, d);
    d.cascade = false;
    d.stages = 1;
    d.box_convs = 0;
    d.box_conv_channels = d.channels;
    test_shapes(&backbone, d);
    d.classes = d.mask_classes = 1;
    test_shapes(&backbone, d);
    d.mask_convs = 0;
    d.mask_channels = 5;
    test_shapes(&backbone, d);
    d = odd;
    d.stages = 3;
    d.classes = d.mask_classes = 1;
    d.class_specific = false; /* four deltas, as either way */
    test_shapes(&backbone, d);
    synthetic second = backbone;
    second.version = 2;
    test_shapes(&second, odd);
}

/* ---- the published models ---- */

static void test_published(void)
{
    static const struct {
        const char *variant;
        bool cascade;
        size_t parameters;
    } models[] = {{"tiny", true, 85930578},    {"small", true, 107565138},
                  {"base", true, 145800242},   {"large", true, 254710770},
                  {"xlarge", true, 406875058}, {"tiny", false, 48095376}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        const bool cascade = models[i].cascade;
        synthetic base = {.version = 1};
        cnx_convnext_desc net;
        cnx_error err;
        cnx_model_file file;
        size_t all, needed;
        const cnx_detector_desc d = {.cascade = cascade,
                                     .stages = cascade ? 3 : 1,
                                     .classes = 80,
                                     .channels = 256,
                                     .rpn_channels = 256,
                                     .anchors = 3,
                                     .box_convs = cascade ? 4 : 0,
                                     .box_conv_channels = 256,
                                     .box_fcs = cascade ? 1 : 2,
                                     .box_fc_channels = 1024,
                                     .class_specific = true,
                                     .mask_convs = 4,
                                     .mask_channels = 256,
                                     .mask_classes = 80};
        CHECK(cnx_convnext_named(models[i].variant, &net), "variant");
        memcpy(base.depths, net.depths, sizeof base.depths);
        memcpy(base.dims, net.dims, sizeof base.dims);
        CHECK(open_file(&file, &base, &d, NULL, &err) == CNX_OK, "%s", err.message);
        const cnx_description *t = &file.description;
        cnx_model_file_parameters(&file, &all, &needed);
        CHECK(needed == models[i].parameters && all == needed, "%s: %zu parameters", t->name,
              needed);
        CHECK(strncmp(t->name, cascade ? "cascade_mask_rcnn_convnext_" : "mask_rcnn_convnext_",
                      cascade ? 27 : 19) == 0 &&
                  strstr(t->published, "COCO 1333 x 800"),
              "%s: %s", t->name, t->published);
        CHECK(strcmp(t->class_names[0], "person") == 0 && t->category_ids[79] == 90 &&
                  t->category_ids[11] == 13,
              "COCO's classes and ids");
        CHECK(t->pipeline.scale_long == 1333 && t->pipeline.scale_short == 800 &&
                  t->pipeline.pad_divisor == 32 && t->detector.rcnn.max_per_img == 100 &&
                  t->detector.rpn.nms_pre == 1000 && t->detector.stds[0][2] == 0.2f &&
                  (!cascade || t->detector.stds[2][0] == 0.033f),
              "rules");
        cnx_model_file_close(&file);
    }
}

/* ---- configs ---- */

/* A description written out and read again says the same. */
static void test_round_trip(void)
{
    cnx_error err;
    cnx_model_file file;
    const char *const sets[] = {
        "category_ids=[7,9,11,13,15,17]",  "rpn.ratios=[0.3,1,4]",  "rpn.nms_iou=0.65",
        "rcnn.stds=[[1,2,3,4],[5,6,7,8]]", "rcnn.score_thr=0.25",   "pipeline.scale=[500,300]",
        "pipeline.tta.scales=[0.5,1]",     "pipeline.tta.flip=true"};
    const char *path = synthetic_path("detector.safetensors");
    const char *copy = synthetic_path("converted.safetensors");
    synthetic_detector_write(path, &backbone, &odd);
    CHECK(cnx_model_file_open(&file, path, NULL, sets, sizeof sets / sizeof *sets, false, &err) ==
              CNX_OK,
          "%s", err.message);
    CHECK(file.description.detector.stds[1][3] == 8 && file.description.category_ids[5] == 17 &&
              file.description.detector.rpn.ratios[2] == 4,
          "what was set");
    CHECK(cnx_model_file_convert(&file, copy, CNX_F16, &err) == CNX_OK, "%s", err.message);
    cJSON *want = cnx_description_to_json(&file.description);
    cnx_model_file_close(&file);
    CHECK(cnx_model_file_open(&file, copy, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    cJSON *got = cnx_description_to_json(&file.description);
    CHECK(want && got && cJSON_Compare(want, got, true), "the converted file's description");
    cJSON_Delete(want);
    cJSON_Delete(got);
    cnx_model_file_close(&file);
}

static void refused(const synthetic *base, const cnx_detector_desc *d, const char *set,
                    const char *word, const char *second)
{
    cnx_error err;
    cnx_model_file file;
    const cnx_status status = open_file(&file, base, d, set, &err);
    CHECK(status != CNX_OK && strstr(err.message, word) && strstr(err.message, second),
          "wanted \"%s\", \"%s\": %s", word, second, err.message);
    cnx_model_file_close(&file);
}

static void test_refusals(void)
{
    static const struct {
        const char *set, *word, *second;
    } sets[] = {{"rpn.ratios=[1]", "rpn.ratios", "3 anchors"},
                {"rpn.strides=[4,8]", "rpn.strides", "5 levels"},
                {"rcnn.stds=[[1,1,1,1],[1,1,1,1],[1,1,1,1]]", "rcnn.stds", "the model has 2"},
                {"category_ids=[1,2]", "category_ids", "6 classes"},
                {"head.type=\"mask_rcnn\"", "head.type", "cascade_mask_rcnn"},
                {"head.channels=256", "head.channels", "12"},
                {"head.classes=80", "head.classes", "6"},
                {"task=\"segmentation\"", "task", "detection"},
                {"pipeline.mode=\"slide\"", "pipeline.mode", "whole"},
                {"pipeline.crop=[64,64]", "pipeline.crop", "whole picture"},
                {"rpn.nms_pre=0", "rpn.nms_pre", "1 to"}};
    static const char *const names[] = {"neck.fpn_convs.2.conv.bias",
                                        "rpn_head.rpn_reg.weight",
                                        "roi_head.bbox_head.1.shared_convs.1.bn.running_var",
                                        "roi_head.bbox_head.0.shared_fcs.1.bias",
                                        "roi_head.bbox_head.1.fc_reg.weight",
                                        "roi_head.mask_head.0.convs.0.conv.weight",
                                        "roi_head.mask_head.1.upsample.bias",
                                        "roi_head.mask_head.1.conv_logits.bias"};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        refused(&backbone, &odd, sets[i].set, sets[i].word, sets[i].second);
    synthetic base = backbone;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        base.without = names[i];
        refused(&base, &odd, NULL, names[i], "is missing");
    }
    base.without = "mask_head";
    refused(&base, &odd, NULL, "without mask heads", "Cascade Mask R-CNN");
    base.without = "mask_head.1";
    refused(&base, &odd, NULL, "2 box heads", "1 mask head");
    base.without = "rpn_cls";
    refused(&base, &odd, NULL, "rpn_head.rpn_cls", "anchors");
    base.without = NULL;
    base.extra = "roi_head.mask_iou_head.fc.weight";
    refused(&base, &odd, NULL, base.extra, "another architecture");
    cnx_detector_desc d = odd;
    d.stages = 4;
    refused(&backbone, &d, NULL, "4 stages", "rcnn.stds");
    d = odd;
    d.anchors = 5;
    refused(&backbone, &d, NULL, "rpn.ratios", "5 anchors");
}

/* ---- weights ---- */

/* All weights 0: every anchor and every class scores alike, thousands of ties. */
static void test_equal_scores(void)
{
    cnx_error err;
    cnx_model_file file;
    cnx_detector *det = NULL;
    cnx_detections first = {0}, second = {0};
    cnx_detect_stats stats;
    cnx_image image = {0};
    CHECK(cnx_image_alloc(&image, 300, 200, &err) == CNX_OK, "%s", err.message);
    memset(image.data, 90, 3 * 300 * 200);
    CHECK(open_file(&file, &backbone, &odd, "pipeline.scale=null", &err) == CNX_OK, "%s",
          err.message);
    CHECK(cnx_detector_open(&det, &file, NULL, &err) == CNX_OK, "%s", err.message);
    const cnx_detect_request request = {.image = &image};
    CHECK(cnx_detector_run(det, &request, &first, &stats, &err) == CNX_OK, "%s", err.message);
    CHECK(stats.candidates == 6 * stats.proposals && first.count == 100, "%zu of %zu, %zu",
          stats.candidates, stats.proposals, first.count);
    for (size_t i = 0; i < first.count; i++)
        CHECK(first.items[i].score > 0.14f && first.items[i].score < 0.15f, "score %g",
              (double)first.items[i].score);
    cnx_detector_set_threads(det, 3);
    CHECK(cnx_detector_run(det, &request, &second, &stats, &err) == CNX_OK, "%s", err.message);
    for (size_t i = 0; i < first.count && i < second.count; i++)
        CHECK(memcmp(first.items[i].box, second.items[i].box, sizeof first.items[i].box) == 0,
              "ties go by place");
    cnx_detections_free(&first);
    cnx_detections_free(&second);
    cnx_detector_close(&det);
    cnx_model_file_close(&file);
    cnx_image_free(&image);
}

/* The two bytes of every value of a tensor, in a file of float16. */
static void poison(const char *path, const char *name, uint16_t value)
{
    cnx_error err;
    cnx_checkpoint *c;
    char *bytes = NULL;
    size_t size = 0;
    CHECK(cnx_read_text(path, (size_t)64 << 20, &bytes, &size, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
    uint64_t header;
    memcpy(&header, bytes, 8);
    char key[160];
    snprintf(key, sizeof key, "\"%s\"", name);
    const char *at = strstr(bytes + 8, key), *offsets = at ? strstr(at, "data_offsets\":[") : NULL;
    size_t begin = 0, end = 0;
    CHECK(offsets && sscanf(offsets, "data_offsets\":[%zu,%zu]", &begin, &end) == 2, "%s", name);
    for (size_t i = begin; i < end; i += 2)
        memcpy(bytes + 8 + header + i, &value, 2);
    cnx_checkpoint_close(&c);
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, size, 1, file) == 1 && fclose(file) == 0, "%s", path);
    free(bytes);
}

static void test_no_numbers(void)
{
    static const char *const names[] = {"rpn_head.rpn_conv.weight",
                                        "roi_head.bbox_head.1.fc_reg.weight",
                                        "roi_head.mask_head.0.conv_logits.bias"};
    const char *path = synthetic_path("detector.safetensors");
    cnx_error err;
    cnx_model_file file;
    cnx_detector *det = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        synthetic_detector_write(path, &backbone, &odd);
        poison(path, names[i], 0x7E00); /* NaN */
        CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
              err.message);
        CHECK(cnx_detector_open(&det, &file, NULL, &err) == CNX_ERR_MODEL && !det &&
                  strstr(err.message, names[i]),
              "%s: %s", names[i], err.message);
        cnx_model_file_close(&file);
    }
}

int main(void)
{
    test_odd_shapes();
    test_published();
    test_round_trip();
    test_refusals();
    test_equal_scores();
    test_no_numbers();
    synthetic_cleanup();
    return CHECK_RESULT;
}
