/* Keep-ratio sizes and the number of sliding windows, against the golden tables. */
#include "tests/golden/segment.h"

static void check_keep_ratio(const golden_tree *tree)
{
    char path[GOLDEN_PATH];
    cJSON *table =
        golden_json(golden_format(path, "%s/ops/size_rules/keep_ratio.json", tree->path));
    const cJSON *row;
    cJSON_ArrayForEach(row, table)
    {
        int h = 0, w = 0, a = 0, b = 0, want_h = 0, want_w = 0, got_h = 0, got_w = 0;
        CHECK(golden_pair(row, "hw", &h, &w) && golden_pair(row, "scale", &a, &b) &&
                  golden_pair(row, "resized_hw", &want_h, &want_w),
              "a row of another form");
        cnx_keep_ratio(h, w, a, b, &got_h, &got_w);
        CHECK(got_h == want_h && got_w == want_w, "%d x %d to (%d, %d): got %d x %d, want %d x %d",
              h, w, a, b, got_h, got_w, want_h, want_w);
        cnx_keep_ratio(h, w, b, a, &got_h, &got_w);
        CHECK(got_h == want_h && got_w == want_w, "%d x %d to (%d, %d): the order matters", h, w, b,
              a);
    }
    CHECK(cJSON_GetArraySize(table) >= 10, "%s: table is gone", tree->path);
    cJSON_Delete(table);
}

/* An estimate plans without running, so that large pictures cost nothing. */
static void check_windows(const golden_tree *tree, cnx_segmentor *seg)
{
    char path[GOLDEN_PATH];
    cJSON *table =
        golden_json(golden_format(path, "%s/ops/size_rules/slide_windows.json", tree->path));
    const cJSON *row;
    cJSON_ArrayForEach(row, table)
    {
        int h = 0, w = 0;
        cnx_error err = {0};
        cnx_estimate estimate = {0};
        cnx_pipeline p = segment_plain_pipeline(seg);
        p.mode = CNX_MODE_SLIDE;
        CHECK(golden_pair(row, "hw", &h, &w) && golden_pair(row, "crop", &p.crop_h, &p.crop_w) &&
                  golden_pair(row, "stride", &p.stride_h, &p.stride_w),
              "a row of another form");
        const int want =
            cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "windows_y1_y2_x1_x2"));
        if (h < 32 || w < 32 || p.crop_h < 32 || p.crop_w < 32)
            continue;
        CHECK(cnx_segmentor_estimate(seg, w, h, &p, 0, &estimate, &err) == CNX_OK, "%s",
              err.message);
        CHECK(estimate.windows == want, "%d x %d, crop %d x %d, stride %d x %d: %d windows, not %d",
              h, w, p.crop_h, p.crop_w, p.stride_h, p.stride_w, estimate.windows, want);
        CHECK(estimate.net_h == (p.crop_h < h ? p.crop_h : h) &&
                  estimate.net_w == (p.crop_w < w ? p.crop_w : w),
              "window of %d x %d", estimate.net_h, estimate.net_w);
    }
    CHECK(cJSON_GetArraySize(table) >= 5, "%s: table is gone", tree->path);
    cJSON_Delete(table);
}

int main(void)
{
    golden_tree trees[GOLDEN_ROOTS];
    const int count = golden_open(trees);
    char path[GOLDEN_PATH];
    cnx_segmentor *seg =
        segment_open(golden_format(path, "%s/models/mini_official.pth", trees[0].path), "auto", 1);
    for (int i = 0; i < count; i++) {
        check_keep_ratio(&trees[i]);
        if (seg)
            check_windows(&trees[i], seg);
    }
    cnx_segmentor_close(&seg);
    golden_close(trees, count);
    return CHECK_RESULT;
}
