/* cnx_detect and its neighbours, as another program uses them. */
#include "core/image/image.h"
#include "tests/unit/check.h"

static cnx_model *open_model(const char *path)
{
    cnx_model *model = NULL;
    cnx_error err = {0};
    const cnx_options options = {.threads = 2};
    CHECK(cnx_open(&model, path, &options, &err) == CNX_OK, "%s", err.message);
    if (!model)
        exit(CHECK_RESULT);
    return model;
}

static void expect_refused(cnx_model *model, const cnx_detection_options *options, const char *word)
{
    const uint8_t rgb[48] = {0};
    cnx_error err = {0};
    cnx_detections found = {.count = 9};
    CHECK(cnx_detect(model, rgb, 4, 4, 12, options, &found, &err) == CNX_ERR_ARGUMENT &&
              strstr(err.message, word) && !found.items && found.count == 0,
          "wanted \"%s\": %s", word, err.message);
}

static bool never(void *user, double done)
{
    (void)done;
    ++*(int *)user;
    return false;
}

int main(void)
{
    cnx_model *model = open_model("nuclei_cascade_mask_rcnn_convnext_atto"), *second = NULL;
    cnx_image image = {0};
    cnx_error err = {0};
    cnx_info info;
    cnx_detections all, few;
    CHECK(cnx_image_read(&image, CNX_SOURCE_DIR "/tests/data/nuclei/76c44d1addac.png", NULL,
                         &err) == CNX_OK,
          "%s", err.message);
    const size_t stride = 3 * (size_t)image.width;
    cnx_describe(model, &info);
    CHECK(strcmp(info.task, "detection") == 0 && info.classes == 1 && info.category_ids[0] == 1 &&
              strcmp(info.class_names[0], "nucleus") == 0 && info.scale_long == 1333 &&
              info.scale_short == 640,
          "%s, %d classes", info.task, info.classes);
    CHECK(cnx_detect(model, image.data, image.width, image.height, stride, NULL, &all, &err) ==
              CNX_OK,
          "%s", err.message);
    CHECK(all.count == 43 && all.items[0].mask.w == (uint32_t)image.width &&
              cnx_rle_area(&all.items[0].mask) > 50,
          "%zu nuclei", all.count);

    /* a window of the picture, given by its stride, through another handle */
    CHECK(cnx_share(&second, model, 1, &err) == CNX_OK, "%s", err.message);
    cnx_close(&model);
    const cnx_detection_options options = {.score_thr = 0.5f,
                                           .max_detections = 5,
                                           .no_masks = true,
                                           .only = (const int[]){0},
                                           .only_count = 1};
    CHECK(cnx_detect(second, image.data, image.width, image.height, stride, &options, &few, &err) ==
                  CNX_OK &&
              few.count == 5 && !few.items[0].mask.counts &&
              memcmp(few.items[4].box, all.items[4].box, sizeof all.items[4].box) == 0,
          "%zu with options", few.count);
    cnx_detections_free(&few);
    CHECK(!few.items && few.count == 0, "freed");
    CHECK(cnx_detect(second, image.data, 100, 80, stride, NULL, &few, &err) == CNX_OK &&
              few.width == 100 && few.height == 80,
          "%s", err.message);
    cnx_detections_free(&few);
    cnx_detections_free(&all);

    int calls = 0;
    const cnx_detection_options stop = {.progress = never, .user = &calls};
    CHECK(cnx_detect(second, image.data, 64, 64, stride, &stop, &few, &err) ==
                  CNX_ERR_INTERRUPTED &&
              calls == 1 && !few.items,
          "%d reports", calls);

    expect_refused(second, &(cnx_detection_options){.score_thr = 2}, "not between");
    expect_refused(second, &(cnx_detection_options){.max_detections = -1}, "-1 detections");
    expect_refused(second, &(cnx_detection_options){.only = (const int[]){1}, .only_count = 1},
                   "no class 1");
    expect_refused(NULL, NULL, "a model and a picture");
    CHECK(cnx_detect(second, image.data, 4, 4, 11, NULL, &few, &err) == CNX_ERR_ARGUMENT &&
              strstr(err.message, "11 bytes"),
          "%s", err.message);
    uint16_t labels[16];
    CHECK(cnx_segment(second, image.data, 4, 4, 12, NULL, labels, &err) == CNX_ERR_ARGUMENT &&
              strstr(err.message, "cnx_detect"),
          "%s", err.message);
    cnx_close(&second);

    model = open_model(NULL); /* the one that segments */
    cnx_describe(model, &info);
    CHECK(strcmp(info.task, "segmentation") == 0 && !info.category_ids, "%s", info.task);
    expect_refused(model, NULL, "cnx_segment");
    cnx_close(&model);
    cnx_image_free(&image);
    return CHECK_RESULT;
}
