/* Whole detectors against what the reference made of pictures: the built-in one, and those of the full
 * set of fixtures. */
#include "tests/golden/detect.h"

static void check_picture(const char *what, cnx_detector *det, const char *path,
                          const cnx_pipeline *pipeline, const cnx_rcnn_rules *rules,
                          golden_boxes *want)
{
    cnx_error err = {0};
    cnx_image image = {0};
    cnx_detections got = {0};
    CHECK(cnx_image_read(&image, path, NULL, &err) == CNX_OK, "%s: %s", path, err.message);
    const cnx_detect_request request = {.image = &image, .pipeline = pipeline, .rules = rules};
    const bool ran = image.data && cnx_detector_run(det, &request, &got, NULL, &err) == CNX_OK;
    CHECK(ran, "%s: %s", what, err.message);
    if (ran)
        golden_match(what, &got, cnx_detector_description(det), want, rules);
    cnx_detections_free(&got);
    cnx_image_free(&image);
}

/* ---- the built-in detector ---- */

static const char *const pictures[] = {"76c44d1addac", "01d44a26f668", "4d09672bcf5a"};

/* The reference numbers pictures by their place in its list; their sizes tell them apart. */
static int image_id_of(const cJSON *masks, int width, int height)
{
    const cJSON *record;
    cJSON_ArrayForEach(record, masks)
    {
        int h = 0, w = 0;
        golden_pair(cJSON_GetObjectItemCaseSensitive(record, "segmentation"), "size", &h, &w);
        if (w == width && h == height)
            return golden_int(record, "image_id", -1);
    }
    return -1;
}

static void test_demo(const char *kernels, size_t count)
{
    char path[GOLDEN_PATH], what[GOLDEN_PATH];
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_detector *det = NULL;
    const cnx_model_options options = {.threads = 2, .kernels = kernels};
    cJSON *boxes = golden_json(
        golden_format(path, "%s/tests/data/detection/demo/detections_bbox.json", CNX_SOURCE_DIR));
    cJSON *masks = golden_json(
        golden_format(path, "%s/tests/data/detection/demo/detections_segm.json", CNX_SOURCE_DIR));
    CHECK(cnx_model_file_open(&file, cnx_demo_model(CNX_TASK_DETECTION), NULL, NULL, 0, false,
                              &err) == CNX_OK,
          "%s", err.message);
    CHECK(cnx_detector_open(&det, &file, &options, &err) == CNX_OK, "%s", err.message);
    for (size_t i = 0; det && i < count; i++) {
        cnx_image image = {0};
        golden_format(path, "%s/tests/data/nuclei/%s.png", CNX_SOURCE_DIR, pictures[i]);
        CHECK(cnx_image_read(&image, path, NULL, &err) == CNX_OK, "%s", err.message);
        golden_boxes want =
            golden_boxes_of(boxes, masks, image_id_of(masks, image.width, image.height));
        CHECK(want.count > 0, "no golden detections of %s", path);
        golden_format(what, "demo %s (%s)", pictures[i], cnx_detector_kernels(det)->name);
        check_picture(what, det, path, NULL, &cnx_detector_description(det)->detector.rcnn, &want);
        golden_boxes_free(&want);
        cnx_image_free(&image);
    }
    cnx_detector_close(&det);
    cnx_model_file_close(&file);
    cJSON_Delete(boxes);
    cJSON_Delete(masks);
}

/* ---- the full set ---- */

static void set_rules(cnx_description *d, const cJSON *config)
{
    d->detector.rpn.nms_pre = golden_int(config, "nms_pre", 1000);
    d->detector.rpn.max_per_img = golden_int(config, "rpn_max", 1000);
    d->detector.rcnn.max_per_img = golden_int(config, "max_per_img", 100);
    const cJSON *ids = cJSON_GetObjectItemCaseSensitive(config, "category_ids");
    for (int i = 0; i < d->class_count; i++)
        d->category_ids[i] = cJSON_GetArrayItem(ids, i)->valueint;
}

static void test_model(const char *root, const char *name)
{
    char path[GOLDEN_PATH], what[GOLDEN_PATH];
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_detector *det = NULL;
    cJSON *config = golden_json(golden_format(path, "%s/%s/config.json", root, name));
    cJSON *boxes = golden_json(golden_format(path, "%s/%s/results_bbox.json", root, name));
    cJSON *masks = golden_json(golden_format(path, "%s/%s/results_segm.json", root, name));
    golden_format(path, "%s/%s/model.pth", root, name);
    CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_OK, "%s",
          err.message);
    if (file.checkpoint)
        set_rules(&file.description, config);
    const bool open = file.checkpoint && cnx_detector_open(&det, &file, NULL, &err) == CNX_OK;
    CHECK(open, "%s: %s", name, err.message);
    for (int i = 0; open && i < 2; i++) {
        cJSON *meta = golden_json(golden_format(path, "%s/%s/img%d/meta.json", root, name, i));
        cnx_pipeline pipeline = cnx_detector_description(det)->pipeline;
        golden_pair(meta, "scale", &pipeline.scale_long, &pipeline.scale_short);
        golden_boxes want = golden_boxes_of(boxes, masks, golden_int(meta, "image_id", -1));
        golden_format(what, "%s, picture %d", name, i);
        check_picture(what, det, golden_format(path, "%s/%s/img%d/input.png", root, name, i),
                      &pipeline, &cnx_detector_description(det)->detector.rcnn, &want);
        golden_boxes_free(&want);
        cJSON_Delete(meta);
    }
    cnx_detector_close(&det);
    cnx_model_file_close(&file);
    cJSON_Delete(config);
    cJSON_Delete(boxes);
    cJSON_Delete(masks);
}

int main(void)
{
    char root[GOLDEN_PATH];
    test_demo(NULL, GOLDEN_SLOW_BUILD ? 1 : 3);
    if (!GOLDEN_SLOW_BUILD)
        test_demo("ref", 1);
    if (check_shared(root, sizeof root, "fixtures/det")) {
        if (!GOLDEN_SLOW_BUILD) {
            test_model(root, "cascade5_agnostic");
            test_model(root, "cascade80");
        }
        test_model(root, "mask_rcnn7");
    }
    return CHECK_RESULT;
}
