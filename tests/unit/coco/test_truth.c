/* Annotation files: what is read of them, in any order of their lists, and what is refused by name. */
#include "core/coco/truth.h"

#include <math.h>
#include <unistd.h>

#include "tests/unit/check.h"

static char path[] = "/tmp/cnx_test_truth_XXXXXX";

static cnx_status read_text(cnx_coco_truth *truth, const char *text, cnx_error *err)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
    const cnx_coco_truth_options options = {.threads = 2, .segmentations = true};
    return cnx_coco_truth_open(truth, path, &options, err);
}

/* Lists in another order than COCO's, ids out of order and twice, keys that nobody knows. */
static void sound(void)
{
    cnx_coco_truth t;
    cnx_error err = {0};
    const bool read =
        read_text(
            &t,
            "{\"info\":{\"x\":[1,{}]},\"annotations\":["
            "{\"id\":7,\"image_id\":20,\"category_id\":3,\"bbox\":[1,2,3.5,4],\"area\":NaN,"
            "\"iscrowd\":true,\"segmentation\":{\"counts\":[3,2,30],\"size\":[5,7]}},"
            "{\"id\":5.0,\"image_id\":10,\"category_id\":99,\"bbox\":[],\"iscrowd\":0,"
            "\"segmentation\":[[0,0,3,0,3,3],[4,4,6,4,6,5,1]]},"
            "{\"id\":6,\"image_id\":11,\"category_id\":1,\"segmentation\":{\"size\":[5,7],"
            "\"counts\":\"01\\\\3\"}}],"
            "\"categories\":[{\"id\":3,\"name\":\"b\\u00e4r\"},{\"id\":1,\"name\":null},"
            "{\"id\":3,\"name\":\"bear\"}],"
            "\"images\":[{\"id\":20,\"height\":5,\"width\":7,\"file_name\":\"a.jpg\"},{\"id\":10,"
            "\"height\":1,\"width\":1},{\"id\":10,\"height\":5,\"width\":7}]}",
            &err) == CNX_OK;
    CHECK(read, "%s", err.message);
    if (!read)
        return;
    CHECK(t.image_count == 2 && t.images[0].id == 10 && t.images[0].h == 5 &&
          t.images[1].id == 20 && strcmp(t.images[1].file_name, "a.jpg") == 0 &&
          !t.images[0].file_name);
    CHECK(t.category_count == 2 && t.categories[0].id == 1 && !t.categories[0].name &&
          strcmp(t.categories[1].name, "bear") == 0);
    CHECK(cnx_coco_find_image(&t, 20) == 1 && cnx_coco_find_image(&t, 11) == -1 &&
          cnx_coco_find_category(&t, 3) == 1);
    CHECK(t.annotation_count == 3);
    const cnx_coco_annotation *a = t.annotations;
    CHECK(a[0].id == 7 && a[0].image == 1 && a[0].category == 1 && a[0].crowd && a[0].has_box &&
          a[0].box[2] == 3.5 && a[0].has_area && isnan(a[0].area));
    CHECK(a[1].id == 5 && a[1].category == -1 && !a[1].has_box && !a[1].has_area && !a[1].crowd);
    CHECK(a[2].image == -1 && a[2].segmentation.kind == CNX_SEGMENTATION_TEXT &&
          a[2].segmentation.count == 4 && memcmp(a[2].segmentation.text, "01\\3", 4) == 0);
    cnx_segmentation_scratch scratch = {0};
    cnx_rle_buffer runs = {0};
    CHECK(cnx_coco_truth_mask(&runs, &t, &a[0], &scratch, &err) == CNX_OK && runs.count == 3 &&
          runs.counts[1] == 2);
    CHECK(cnx_coco_truth_mask(&runs, &t, &a[1], &scratch, &err) == CNX_OK, "%s", err.message);
    const cnx_rle mask = cnx_rle_view(&runs, 5, 7);
    CHECK(cnx_rle_area(&mask) == 4, "%u", cnx_rle_area(&mask)); /* as pycocotools has it */
    CHECK(cnx_coco_truth_mask(&runs, &t, &a[2], &scratch, &err) == CNX_ERR_FORMAT &&
              strstr(err.message, "id 6") && strstr(err.message, path),
          "%s", err.message);
    cnx_rle_buffer_free(&runs);
    cnx_segmentation_scratch_free(&scratch);
    cnx_coco_truth_close(&t);
}

#define FILE_OF(annotation)                                                                        \
    "{\"images\":[{\"id\":1,\"height\":5,\"width\":7}],\"categories\":[{\"id\":1}],"               \
    "\"annotations\":[{\"id\":1,\"image_id\":1,\"category_id\":1}," annotation "]}"

static void refuse(const char *text, const char *say, const char *too)
{
    cnx_coco_truth t;
    cnx_error err = {0};
    CHECK(read_text(&t, text, &err) != CNX_OK && strstr(err.message, say) &&
              strstr(err.message, too) && strstr(err.message, path),
          "%s\n%s; expected %s, %s", text, err.message, say, too);
    CHECK(!t.images && !t.annotations && !t.blocks && !t.path);
}

/* Masks that cannot be made are told when they are asked for. */
static void refuse_mask(const char *segmentation, const char *say)
{
    char text[1024];
    cnx_coco_truth t;
    cnx_error err = {0};
    cnx_segmentation_scratch scratch = {0};
    cnx_rle_buffer runs = {0};
    snprintf(text, sizeof text,
             FILE_OF("{\"image_id\":1,\"category_id\":1,\"segmentation\":%s,\"id\":42}"),
             segmentation);
    cnx_status status = read_text(&t, text, &err);
    if (status == CNX_OK) {
        status = cnx_coco_truth_mask(&runs, &t, &t.annotations[1], &scratch, &err);
        cnx_coco_truth_close(&t);
    }
    CHECK(status != CNX_OK && strstr(err.message, say) && strstr(err.message, "annotation 2") &&
              strstr(err.message, "id 42"),
          "%s: %s; expected %s", segmentation, err.message, say);
    cnx_rle_buffer_free(&runs);
    cnx_segmentation_scratch_free(&scratch);
}

static void refused(void)
{
    refuse(FILE_OF("{\"id\":8,\"image_id\":1}"), "id 8: has no category_id", "annotation 2");
    refuse(FILE_OF("{\"bbox\":[1,2,3],\"image_id\":1,\"id\":8}"), "3 numbers", "id 8");
    refuse(FILE_OF("{\"id\":\"x\",\"image_id\":1,\"category_id\":1}"), "id is a string",
           "annotation 2");
    refuse(FILE_OF("{\"id\":1.5}"), "whole number", "annotation 2");
    refuse(FILE_OF("{\"id\":3,\"image_id\":1,\"category_id\":1,\"area\":\"5\"}"), "area", "id 3");
    refuse(FILE_OF("{\"id\":3,\"image_id\":1,\"category_id\":1,\"iscrowd\":null}"), "iscrowd",
           "id 3");
    refuse(FILE_OF("5"), "is a number", "annotation 2");
    refuse("{\"images\":[],\"categories\":[]}", "no \"annotations\"", "COCO");
    refuse("{\"images\":[],\"images\":[]}", "stands twice", "images");
    refuse("{\"images\":{}}", "not a list", "images");
    refuse("{\"images\":[{\"height\":5}]}", "has no id", "image 1");
    refuse("{\"images\":[{\"id\":1,\"height\":-5}]}", "height", "image 1");
    refuse("{\"images\":[{\"id\":1,\"width\":5e9}]}", "width", "image 1");
    refuse("[]", "holds a list", "object");
    refuse("", "is empty", "");
    refuse_mask("[]", "empty list");
    refuse_mask("[[1,2,3,4]]", "as a box has");
    refuse_mask("[[]]", "0 numbers");
    refuse_mask("[1,2,3,4,5,6]", "not of lists");
    refuse_mask("[[1,2,\"3\"]]", "string");
    refuse_mask("[[1,2,3,NaN,5,6]]", "drawn");
    refuse_mask("null", "no segmentation");
    refuse_mask("\"text\"", "is a string");
    refuse_mask("{\"counts\":[35]}", "no size");
    refuse_mask("{\"size\":[5,7]}", "no counts");
    refuse_mask("{\"size\":[5],\"counts\":[35]}", "1 numbers");
    refuse_mask("{\"size\":[5,7,1],\"counts\":[35]}", "more than 2");
    refuse_mask("{\"size\":[7,5],\"counts\":[35]}", "[7, 5]");
    refuse_mask("{\"size\":[5,7],\"counts\":[34]}", "sum to 34");
    refuse_mask("{\"size\":[5,7],\"counts\":[-1,36]}", "-1");
    refuse_mask("{\"size\":[5,7],\"counts\":[1.5]}", "whole");
    refuse_mask("{\"size\":[5,7],\"counts\":\"~\"}", "0x7e");
    refuse_mask("{\"size\":[5,7],\"counts\":5}", "number");
}

int main(void)
{
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    sound();
    refused();
    unlink(path);
    return CHECK_RESULT;
}
