/* Masks, boxes and polygons with what COCO's own mask API makes of them: equal to the last bit. */
#include "core/mask/rle.h"
#include "tests/golden/golden.h"

enum { MAX_RUNS = 1 << 16 };

static cJSON *open_cases(const char *folder, const char *name)
{
    char path[GOLDEN_PATH];
    return golden_json(golden_format(path, "%s/%s", folder, name));
}

static const cJSON *field(const cJSON *item, const char *key)
{
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(item, key);
    CHECK(found, "no field %s", key);
    return found;
}

static uint32_t side(const cJSON *item, int i)
{
    return (uint32_t)cJSON_GetNumberValue(cJSON_GetArrayItem(field(item, "size"), i));
}

static size_t numbers(double *out, const cJSON *list)
{
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (n < MAX_RUNS)
            out[n++] = item->valuedouble;
    }
    return n;
}

/* The mask beside its text, area and box, as far as the case states them. */
static void check_mask(const cnx_rle *rle, const cJSON *want, const char *what)
{
    static char text[MAX_RUNS];
    double box[4], expected[4];
    const cJSON *boxes = cJSON_GetObjectItemCaseSensitive(want, "bbox");
    const cJSON *area = cJSON_GetObjectItemCaseSensitive(want, "area");
    cnx_rle_to_text(text, sizeof text, rle);
    const char *string = cJSON_GetStringValue(field(want, "string"));
    CHECK(string && strcmp(text, string) == 0, "%s: %s", what, text);
    if (area)
        CHECK(cnx_rle_area(rle) == area->valuedouble, "%s: area %u", what, cnx_rle_area(rle));
    cnx_rle_box(box, rle);
    if (boxes && numbers(expected, boxes) == 4)
        CHECK(memcmp(box, expected, sizeof box) == 0, "%s: box %g %g %g %g", what, box[0], box[1],
              box[2], box[3]);
}

static void check_rows(const cJSON *rows, const cnx_rle *rle)
{
    uint8_t *mask = calloc((size_t)rle->h * rle->w, 1);
    cnx_rle_decode(mask, rle->w, rle);
    const cJSON *row;
    size_t y = 0;
    cJSON_ArrayForEach(row, rows)
    {
        for (size_t x = 0; x < rle->w; x++)
            CHECK(mask[y * rle->w + x] == row->valuestring[x] - '0');
        y++;
    }
    cnx_rle back = {0};
    CHECK(cnx_rle_encode(&back, mask, rle->h, rle->w, rle->w, NULL) == CNX_OK);
    CHECK(back.count == rle->count &&
          memcmp(back.counts, rle->counts, back.count * sizeof *back.counts) == 0);
    cnx_rle_free(&back);
    free(mask);
}

/* Masks stated by their runs. */
static void runs(const char *folder, const char *name)
{
    static double values[MAX_RUNS];
    static uint32_t counts[MAX_RUNS];
    cJSON *cases = open_cases(folder, name);
    const cJSON *item;
    int n = 0;
    cJSON_ArrayForEach(item, cases)
    {
        cnx_rle rle = {0}, read = {0};
        cnx_error err = {0};
        const size_t count = numbers(values, field(item, "counts"));
        for (size_t i = 0; i < count; i++)
            counts[i] = (uint32_t)values[i];
        CHECK(cnx_rle_from_counts(&rle, counts, count, side(item, 0), side(item, 1), &err) ==
                  CNX_OK,
              "%s", err.message);
        check_mask(&rle, item, name);
        const char *text = cJSON_GetStringValue(field(item, "string"));
        CHECK(cnx_rle_from_text(&read, text, strlen(text), rle.h, rle.w, &err) == CNX_OK, "%s",
              err.message);
        check_mask(&read, item, name);
        const cJSON *rows = cJSON_GetObjectItemCaseSensitive(item, "mask_rows");
        if (rows)
            check_rows(rows, &rle);
        cnx_rle_free(&rle);
        cnx_rle_free(&read);
        n++;
    }
    CHECK(n >= 4, "%s: %d cases", name, n);
    cJSON_Delete(cases);
}

static void polygons(const char *folder)
{
    static double xy[MAX_RUNS];
    cJSON *cases = open_cases(folder, "polygons.json");
    const cJSON *item;
    int n = 0;
    cJSON_ArrayForEach(item, cases)
    {
        /* Those of fewer than five numbers are refused, or taken for boxes, by who reads annotations. */
        const size_t count = numbers(xy, field(item, "polygon"));
        if (cJSON_GetObjectItemCaseSensitive(item, "error"))
            continue;
        cnx_rle rle = {0};
        cnx_error err = {0};
        CHECK(cnx_rle_from_polygon(&rle, xy, count / 2, side(item, 0), side(item, 1), &err) ==
                  CNX_OK,
              "%s", err.message);
        check_mask(&rle, item, cJSON_GetStringValue(field(item, "name")));
        cnx_rle_free(&rle);
        n++;
    }
    CHECK(n >= 80, "%d polygons", n);
    cJSON_Delete(cases);
}

static void several_polygons(const char *folder)
{
    enum { MAX_PARTS = 8 };
    static double xy[MAX_RUNS];
    cJSON *cases = open_cases(folder, "multi_polygons.json");
    const cJSON *item, *part;
    cJSON_ArrayForEach(item, cases)
    {
        cnx_rle parts[MAX_PARTS] = {0}, all = {0};
        size_t n = 0;
        cJSON_ArrayForEach(part, field(item, "polygons"))
        {
            const size_t count = numbers(xy, part);
            CHECK(n < MAX_PARTS && cnx_rle_from_polygon(&parts[n++], xy, count / 2, side(item, 0),
                                                        side(item, 1), NULL) == CNX_OK);
        }
        CHECK(n > 1 && cnx_rle_merge(&all, parts, n, false, NULL) == CNX_OK);
        check_mask(&all, item, "parts");
        cnx_rle_free(&all);
        while (n > 0)
            cnx_rle_free(&parts[--n]);
    }
    cJSON_Delete(cases);
}

static void boxes(const char *folder)
{
    cJSON *cases = open_cases(folder, "boxes_to_rle.json");
    const cJSON *item;
    cJSON_ArrayForEach(item, cases)
    {
        double box[4];
        cnx_rle rle = {0};
        numbers(box, field(item, "bbox"));
        CHECK(cnx_rle_from_box(&rle, box, side(item, 0), side(item, 1), NULL) == CNX_OK);
        char *text = malloc(cnx_rle_to_text(NULL, 0, &rle) + 1);
        cnx_rle_to_text(text, cnx_rle_to_text(NULL, 0, &rle) + 1, &rle);
        CHECK(strcmp(text, cJSON_GetStringValue(field(item, "string"))) == 0, "%s", text);
        CHECK(cnx_rle_area(&rle) == field(item, "area")->valuedouble);
        free(text);
        cnx_rle_free(&rle);
    }
    CHECK(cJSON_GetArraySize(cases) > 0);
    cJSON_Delete(cases);
}

static double cell(const cJSON *matrix, int row, int column)
{
    return cJSON_GetNumberValue(cJSON_GetArrayItem(cJSON_GetArrayItem(matrix, row), column));
}

static void box_overlap(const char *folder)
{
    cJSON *cases = open_cases(folder, "box_iou.json");
    const cJSON *dt = field(cases, "dt"), *gt = field(cases, "gt"), *iou = field(cases, "iou");
    for (int d = 0; d < cJSON_GetArraySize(dt); d++) {
        for (int g = 0; g < cJSON_GetArraySize(gt); g++) {
            double a[4], b[4];
            numbers(a, cJSON_GetArrayItem(dt, d));
            numbers(b, cJSON_GetArrayItem(gt, g));
            const bool crowd =
                cJSON_GetNumberValue(cJSON_GetArrayItem(field(cases, "iscrowd"), g)) != 0;
            CHECK(cnx_box_iou(a, b, crowd) == cell(iou, d, g), "%d %d: %.17g", d, g,
                  cnx_box_iou(a, b, crowd));
        }
    }
    cJSON_Delete(cases);
}

static void pairs(const char *folder)
{
    enum { MAX_MASKS = 16 };
    cJSON *cases = open_cases(folder, "pairs.json");
    cnx_rle masks[MAX_MASKS] = {0};
    const cJSON *item, *iou = field(cases, "iou_dt_by_gt");
    const uint32_t h = side(cases, 0), w = side(cases, 1);
    int n = 0;
    cJSON_ArrayForEach(item, field(cases, "strings"))
    {
        CHECK(n < MAX_MASKS && cnx_rle_from_text(&masks[n++], item->valuestring,
                                                 strlen(item->valuestring), h, w, NULL) == CNX_OK);
    }
    for (int d = 0; d < n; d++) {
        for (int g = 0; g < n; g++) {
            const bool crowd =
                cJSON_GetNumberValue(cJSON_GetArrayItem(field(cases, "iscrowd_of_gt"), g)) != 0;
            CHECK(cnx_rle_iou(&masks[d], &masks[g], crowd) == cell(iou, d, g), "%d %d", d, g);
        }
    }
    cJSON_ArrayForEach(item, field(cases, "merges"))
    {
        double index[MAX_MASKS];
        cnx_rle inputs[MAX_MASKS], merged = {0};
        const size_t count = numbers(index, field(item, "inputs"));
        for (size_t i = 0; i < count; i++)
            inputs[i] = masks[(int)index[i]];
        const bool intersect = cJSON_GetNumberValue(field(item, "intersect")) != 0;
        CHECK(cnx_rle_merge(&merged, inputs, count, intersect, NULL) == CNX_OK);
        check_mask(&merged, item, "merged");
        cnx_rle_free(&merged);
    }
    while (n > 0)
        cnx_rle_free(&masks[--n]);
    cJSON_Delete(cases);
}

int main(void)
{
    char folders[2][GOLDEN_PATH];
    int count = 0;
    golden_format(folders[count++], "%s/tests/data/rle", CNX_SOURCE_DIR);
    if (check_shared(folders[count], GOLDEN_PATH, "fixtures/det/rle"))
        count++;
    for (int i = 0; i < count; i++) {
        runs(folders[i], "encode.json");
        runs(folders[i], "uncompressed.json");
        polygons(folders[i]);
        several_polygons(folders[i]);
        boxes(folders[i]);
        box_overlap(folders[i]);
        pairs(folders[i]);
    }
    return CHECK_RESULT;
}
