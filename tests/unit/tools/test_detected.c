/* The formats of cnx detect, read back. */
#include "tools/detected.h"

#include <math.h>

#include "core/json.h"
#include "tests/unit/check.h"

enum { W = 40, H = 30, COUNT = 5 };

/* Two classes with ids of their own, one with a name that every format must escape. */
static char name_0[] = "cell", name_1[] = "odd, \"name\"\n";
static char *names[] = {name_0, name_1};
static int ids[] = {7, 3};
static uint8_t palette[] = {255, 0, 0, 0, 0, 255};
static const cnx_description description = {
    .class_count = 2, .class_names = names, .category_ids = ids, .palette = palette};

static cnx_rle encode(const uint8_t *bits)
{
    cnx_rle mask;
    CHECK(cnx_rle_encode(&mask, bits, H, W, W, NULL) == CNX_OK);
    return mask;
}

static void fill(uint8_t *bits, int x, int y, int w, int h)
{
    for (int j = 0; j < h; j++)
        memset(bits + (y + j) * W + x, 1, (size_t)w);
}

/* A rectangle; two parts; a ring with a hole; no pixel at all; one at the border, of class 0. */
static void make_found(cnx_detection items[COUNT], bool masks)
{
    static const cnx_detection plain[COUNT] = {
        {.box = {3.25f, 4.5f, 12.125f, 9.75f}, .score = 0.97f, .label = 1},
        {.box = {20, 2, 38, 12}, .score = 0.9f, .label = 0},
        {.box = {1, 15, 11, 27}, .score = 0.8f, .label = 1},
        {.box = {30.5f, 20.25f, 30.75f, 20.5f}, .score = 0.8f, .label = 1},
        {.box = {-0.001f, -0.5f, 40.25f, 30.5f}, .score = 0.1f, .label = 0},
    };
    uint8_t bits[W * H];
    memcpy(items, plain, sizeof plain);
    for (int i = 0; masks && i < COUNT; i++) {
        memset(bits, 0, sizeof bits);
        if (i == 0)
            fill(bits, 3, 5, 9, 5);
        if (i == 1) {
            fill(bits, 20, 2, 5, 5);
            fill(bits, 30, 5, 8, 7);
        }
        if (i == 2) {
            fill(bits, 1, 15, 10, 12);
            for (int y = 18; y < 22; y++)
                memset(bits + y * W + 4, 0, 4);
        }
        if (i == 4)
            memset(bits, 1, sizeof bits);
        items[i].mask = encode(bits);
    }
}

typedef struct sample {
    cnx_detection items[COUNT];
    cnx_detections found;
    size_t order[COUNT];
    cnx_detected detected;
} sample;

static void make_sample(sample *s, bool masks)
{
    make_found(s->items, masks);
    s->found = (cnx_detections){.items = s->items, .count = COUNT, .width = W, .height = H};
    const size_t count = cnx_detected_order(s->order, &s->found, &description);
    CHECK(count == COUNT);
    s->detected = (cnx_detected){.description = &description,
                                 .found = &s->found,
                                 .order = s->order,
                                 .count = count,
                                 .image_id = 42,
                                 .first_id = 101,
                                 .file_name = "caf\xc3\xa9 \"1\".png",
                                 .image_path = "../in/x.png"};
}

static void free_sample(sample *s)
{
    for (int i = 0; i < COUNT; i++)
        cnx_rle_free(&s->items[i].mask);
}

/* What a format writes; the caller frees it. */
static char *text_of(cnx_detected_text put, const cnx_detected *d)
{
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    CHECK(put(to, d, NULL) == CNX_OK);
    fclose(to);
    return text;
}

/* The same between a head and a tail, as JSON. */
static cJSON *json_of(const char *head, cnx_detected_text put, const cnx_detected *d,
                      const char *tail)
{
    char *text = text_of(put, d), *whole = NULL;
    cJSON *json = NULL;
    cnx_error error = {0};
    CHECK(asprintf(&whole, "%s%s%s", head, text, tail) >= 0);
    CHECK(cnx_json_parse(&json, whole, strlen(whole), "text", &error) == CNX_OK, "%s",
          error.message);
    free(text);
    free(whole);
    return json;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    CHECK(cJSON_IsNumber(item), "%s is no number", key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static const char *word(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    CHECK(cJSON_IsString(item), "%s is no text", key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void check_order(const sample *s)
{
    static const size_t wanted[COUNT] = {1, 4, 0, 2, 3};
    CHECK(memcmp(s->order, wanted, sizeof wanted) == 0, "%zu %zu %zu %zu %zu", s->order[0],
          s->order[1], s->order[2], s->order[3], s->order[4]);
}

static void check_box(const cJSON *record, const cnx_detection *detection)
{
    const cJSON *box = cJSON_GetObjectItemCaseSensitive(record, "bbox");
    CHECK(cJSON_GetArraySize(box) == 4);
    if (cJSON_GetArraySize(box) != 4)
        return;
    const double x = cJSON_GetArrayItem(box, 0)->valuedouble;
    const double w = cJSON_GetArrayItem(box, 2)->valuedouble;
    CHECK(x == (double)detection->box[0]);
    CHECK(w == (double)detection->box[2] - (double)detection->box[0], "%.17g", w);
    CHECK(cJSON_GetArrayItem(box, 1)->valuedouble == (double)detection->box[1]);
    CHECK(cJSON_GetArrayItem(box, 3)->valuedouble ==
          (double)detection->box[3] - (double)detection->box[1]);
}

static void check_runs(const cJSON *segmentation, const cnx_rle *wanted)
{
    cnx_rle mask;
    const cJSON *size = cJSON_GetObjectItemCaseSensitive(segmentation, "size");
    const char *counts = word(segmentation, "counts");
    CHECK(cJSON_GetArraySize(size) == 2 && cJSON_GetArrayItem(size, 0)->valuedouble == H &&
          cJSON_GetArrayItem(size, 1)->valuedouble == W);
    CHECK(cnx_rle_from_text(&mask, counts, strlen(counts), H, W, NULL) == CNX_OK);
    CHECK(mask.count == wanted->count &&
          memcmp(mask.counts, wanted->counts, mask.count * sizeof *mask.counts) == 0);
    cnx_rle_free(&mask);
}

static void test_coco(bool masks, bool boxes)
{
    sample s;
    make_sample(&s, masks);
    s.detected.no_boxes = !boxes;
    check_order(&s);
    cJSON *list = json_of("[", cnx_detected_coco, &s.detected, "]");
    CHECK(cJSON_GetArraySize(list) == COUNT);
    for (int i = 0; i < COUNT && list; i++) {
        const cJSON *record = cJSON_GetArrayItem(list, i);
        const cnx_detection *detection = cnx_detected_at(&s.detected, (size_t)i);
        const cJSON *runs = cJSON_GetObjectItemCaseSensitive(record, "segmentation");
        CHECK(number(record, "image_id") == 42);
        CHECK(strcmp(word(record, "file_name"), s.detected.file_name) == 0);
        CHECK(number(record, "category_id") == ids[detection->label]);
        CHECK(number(record, "score") == (double)detection->score);
        if (boxes || !masks)
            check_box(record, detection);
        else
            CHECK(!cJSON_GetObjectItemCaseSensitive(record, "bbox"));
        CHECK(!runs == !masks);
        if (runs)
            check_runs(runs, &detection->mask);
    }
    cJSON_Delete(list);
    free_sample(&s);
}

/* COCO's rasteriser makes the mask of the polygons again, but for its hole. */
static void check_polygons(const cJSON *polygons, const cnx_detection *detection, bool hole)
{
    cnx_rle parts[8], all;
    const int count = cJSON_GetArraySize(polygons);
    CHECK(cJSON_IsArray(polygons) && count > 0 && count < 8);
    for (int k = 0; k < count; k++) {
        const cJSON *polygon = cJSON_GetArrayItem(polygons, k);
        double xy[256];
        const int n = cJSON_GetArraySize(polygon);
        CHECK(n >= 6 && n % 2 == 0 && n < 256);
        for (int i = 0; i < n; i++)
            xy[i] = cJSON_GetArrayItem(polygon, i)->valuedouble;
        CHECK(cnx_rle_from_polygon(&parts[k], xy, (size_t)n / 2, H, W, NULL) == CNX_OK);
    }
    CHECK(cnx_rle_merge(&all, parts, (size_t)count, false, NULL) == CNX_OK);
    const unsigned wanted = cnx_rle_area(&detection->mask) + (hole ? 16 : 0);
    CHECK(cnx_rle_area(&all) == wanted, "%u instead of %u", cnx_rle_area(&all), wanted);
    CHECK(hole || cnx_rle_iou(&all, &detection->mask, false) == 1);
    for (int k = 0; k < count; k++)
        cnx_rle_free(&parts[k]);
    cnx_rle_free(&all);
}

static void test_polygons(void)
{
    sample s;
    make_sample(&s, true);
    cJSON *list = json_of("[", cnx_detected_coco_polygons, &s.detected, "]");
    CHECK(cJSON_GetArraySize(list) == COUNT);
    for (int i = 0; i < COUNT && list; i++) {
        const cnx_detection *detection = cnx_detected_at(&s.detected, (size_t)i);
        const cJSON *segmentation =
            cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, i), "segmentation");
        if (detection == &s.items[3])
            check_runs(segmentation, &detection->mask);
        else
            check_polygons(segmentation, detection, detection == &s.items[2]);
    }
    cJSON_Delete(list);
    free_sample(&s);
}

static void test_data_set(bool masks)
{
    sample s;
    make_sample(&s, masks);
    cJSON *list = json_of("[", cnx_detected_annotations, &s.detected, "]");
    cJSON *image = json_of("", cnx_detected_image, &s.detected, "");
    CHECK(cJSON_GetArraySize(list) == COUNT);
    for (int i = 0; i < COUNT && list; i++) {
        const cJSON *record = cJSON_GetArrayItem(list, i);
        const cnx_detection *detection = cnx_detected_at(&s.detected, (size_t)i);
        double box[4];
        cnx_detected_box(box, detection);
        CHECK(number(record, "id") == 101 + i && number(record, "iscrowd") == 0);
        CHECK(number(record, "area") == (masks ? cnx_rle_area(&detection->mask) : box[2] * box[3]));
        check_box(record, detection);
    }
    CHECK(number(image, "id") == 42 && number(image, "width") == W && number(image, "height") == H);
    cJSON_Delete(list);
    cJSON_Delete(image);
    char *text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    cnx_detected_categories(to, &description);
    fclose(to);
    cJSON *categories = NULL;
    CHECK(cnx_json_parse(&categories, text, size, "categories", NULL) == CNX_OK);
    CHECK(cJSON_GetArraySize(categories) == 2);
    CHECK(number(cJSON_GetArrayItem(categories, 1), "id") == 3);
    CHECK(strcmp(word(cJSON_GetArrayItem(categories, 1), "name"), names[1]) == 0);
    cJSON_Delete(categories);
    free(text);
    free_sample(&s);
}

static void test_csv(void)
{
    sample s;
    make_sample(&s, true);
    char *text = text_of(cnx_detected_csv, &s.detected);
    static const char first[] =
        "\"caf\xc3\xa9 \"\"1\"\".png\",42,1,7,cell,0.899999976,20,2,18,10,81\n";
    CHECK(strncmp(text, first, sizeof first - 1) == 0, "%.200s", text);
    CHECK(strstr(text, ",3,3,\"odd, \"\"name\"\"\n\",0.970000029,3.25,4.5,8.875,5.25,45\n"), "%s",
          text);
    CHECK(strstr(cnx_detected_csv_head, "\n")[1] == '\0');
    free(text);
    free_sample(&s);
}

static void test_labelme(bool masks)
{
    sample s;
    make_sample(&s, masks);
    cJSON *file = json_of("", cnx_detected_labelme, &s.detected, "");
    const cJSON *shapes = cJSON_GetObjectItemCaseSensitive(file, "shapes");
    CHECK(strcmp(word(file, "imagePath"), "../in/x.png") == 0);
    CHECK(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(file, "imageData")));
    CHECK(number(file, "imageWidth") == W && number(file, "imageHeight") == H);
    CHECK(cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(file, "flags")));
    CHECK(cJSON_GetArraySize(shapes) == (masks ? COUNT + 1 : COUNT), "%d shapes",
          cJSON_GetArraySize(shapes));
    int grouped = 0, rectangles = 0;
    const cJSON *shape;
    cJSON_ArrayForEach(shape, shapes)
    {
        const bool rectangle = strcmp(word(shape, "shape_type"), "rectangle") == 0;
        const cJSON *points = cJSON_GetObjectItemCaseSensitive(shape, "points"), *point;
        rectangles += rectangle;
        grouped += cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(shape, "group_id"));
        CHECK(rectangle ? cJSON_GetArraySize(points) == 2 : cJSON_GetArraySize(points) >= 3);
        cJSON_ArrayForEach(point, points)
        {
            const double x = cJSON_GetArrayItem(point, 0)->valuedouble;
            const double y = cJSON_GetArrayItem(point, 1)->valuedouble;
            CHECK(x >= 0 && x <= W && y >= 0 && y <= H, "%g %g", x, y);
        }
    }
    CHECK(grouped == (masks ? 2 : 0) && rectangles == (masks ? 1 : COUNT), "%d %d", grouped,
          rectangles);
    cJSON_Delete(file);
    free_sample(&s);
}

static void test_yolo(bool masks)
{
    sample s;
    make_sample(&s, masks);
    char *text = text_of(cnx_detected_yolo, &s.detected), *rest = text;
    int lines = 0;
    for (char *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n"), lines++) {
        const cnx_detection *detection = cnx_detected_at(&s.detected, (size_t)lines);
        char *at = line;
        int numbers = 0;
        CHECK(strtol(at, &at, 10) == detection->label);
        for (; *at; numbers++) {
            const double value = strtod(at, &at);
            CHECK(value >= 0 && value <= 1, "%s", line);
        }
        CHECK(masks ? numbers >= 8 && numbers % 2 == 0 : numbers == 4, "%s", line);
    }
    CHECK(lines == COUNT);
    free(text);
    if (!masks) {
        text = text_of(cnx_detected_yolo, &s.detected);
        static const char first[] = "0 0.725000 0.233333 0.450000 0.333333\n"
                                    "0 0.500000 0.500000 1.000000 1.000000\n";
        CHECK(strncmp(text, first, sizeof first - 1) == 0, "%s", text);
        free(text);
    }
    free_sample(&s);
}

static void test_nothing_found(void)
{
    static const cnx_detected_text empty[] = {cnx_detected_coco, cnx_detected_coco_polygons,
                                              cnx_detected_annotations, cnx_detected_csv,
                                              cnx_detected_yolo};
    sample s;
    make_sample(&s, false);
    s.found.count = s.detected.count = 0;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        char *text = text_of(empty[i], &s.detected);
        CHECK(*text == '\0', "%s", text);
        free(text);
    }
    cJSON *file = json_of("", cnx_detected_labelme, &s.detected, "");
    CHECK(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(file, "shapes")) == 0);
    cJSON_Delete(file);
}

int main(void)
{
    test_coco(true, true);
    test_coco(true, false);
    test_coco(false, true);
    test_coco(false, false);
    test_polygons();
    test_data_set(true);
    test_data_set(false);
    test_csv();
    test_labelme(true);
    test_labelme(false);
    test_yolo(true);
    test_yolo(false);
    test_nothing_found();
    return CHECK_RESULT;
}
