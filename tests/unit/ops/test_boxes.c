/* NMS, RoIAlign and pasting against their plain definitions: random, tied, many, and without size. */
#include "core/ops/boxes.h"
#include "core/ops/nms.h"
#include "core/ops/paste.h"
#include "core/ops/roi_align.h"
#include "tests/unit/ops/op_test.h"

/* ---- NMS ---- */

static float overlap(const float a[4], const float b[4])
{
    const float w = fmaxf(0, fminf(a[2], b[2]) - fmaxf(a[0], b[0]));
    const float h = fmaxf(0, fminf(a[3], b[3]) - fmaxf(a[1], b[1]));
    const float shared = w * h;
    const float areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]);
    return shared / (areas - shared);
}

/* As the specification says it, box by box. */
static int plain_nms(const cnx_nms_request *r, int *keep)
{
    const size_t n = (size_t)r->count;
    float(*shifted)[4] = cnx_alloc(n * sizeof *shifted), largest = r->boxes[0][0];
    int *order = cnx_alloc(n * sizeof *order), kept = 0;
    for (size_t i = 0; i < 4 * n; i++)
        largest = fmaxf(largest, r->boxes[i / 4][i % 4]);
    for (int i = 0; i < r->count; i++) {
        const float shift = r->groups ? (float)r->groups[i] * (largest + 1) : 0;
        for (int j = 0; j < 4; j++)
            shifted[i][j] = r->boxes[i][j] + shift;
        int at = i; /* stable */
        for (; at > 0 && r->scores[order[at - 1]] < r->scores[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < r->count && kept < r->max_kept; i++) {
        bool good = true;
        for (int j = 0; j < kept && good; j++)
            good = !(overlap(shifted[keep[j]], shifted[order[i]]) > r->iou);
        if (good)
            keep[kept++] = order[i];
    }
    cnx_free(shifted);
    cnx_free(order);
    return kept;
}

typedef struct nms_problem {
    float (*boxes)[4];
    float *scores;
    int *groups;
} nms_problem;

static nms_problem make_problem(int n, int levels, int groups, unsigned long long *state)
{
    nms_problem p = {cnx_alloc((size_t)n * 4 * sizeof(float)), cnx_alloc((size_t)n * sizeof(float)),
                     cnx_alloc((size_t)n * sizeof(int))};
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < 2; j++) {
            p.boxes[i][j] = (float)random_int(state, 0, 60) + check_uniform(state);
            p.boxes[i][j + 2] = p.boxes[i][j] + (float)random_int(state, 0, 25);
        }
        p.scores[i] = (float)random_int(state, 1, levels) / (float)levels;
        p.groups[i] = random_int(state, 0, groups - 1);
    }
    return p;
}

static void test_nms(const cnx_kernels *k, int n, int levels, int groups, int most)
{
    unsigned long long state = (unsigned long long)n + 7;
    nms_problem p = make_problem(n, levels, groups, &state);
    int *want = cnx_alloc((size_t)n * sizeof *want), *got = cnx_alloc((size_t)n * sizeof *got);
    int kept = -1;
    cnx_error err = {0};
    const cnx_nms_request r = {.boxes = (const float(*)[4])p.boxes,
                               .scores = p.scores,
                               .groups = groups > 1 ? p.groups : NULL,
                               .count = n,
                               .iou = 0.5f,
                               .max_kept = most};
    const int wanted = plain_nms(&r, want);
    CHECK(cnx_nms(k, &r, got, &kept, &err) == CNX_OK, "%s", err.message);
    CHECK(kept == wanted && memcmp(got, want, (size_t)wanted * sizeof *want) == 0,
          "%s: %d boxes, %d scores, %d groups, at most %d: kept %d, want %d", k->name, n, levels,
          groups, most, kept, wanted);
    cnx_free(p.boxes);
    cnx_free(p.scores);
    cnx_free(p.groups);
    cnx_free(want);
    cnx_free(got);
}

static void test_order(void)
{
    const float scores[] = {0.5f, NAN, 1, -1, 0.5f, 0, -0.0f, INFINITY, 0.5f};
    const int want[] = {7, 2, 0, 4, 8, 5, 6, 3, 1};
    uint64_t keys[9];
    for (int top = 0; top <= 9; top++) {
        int order[9] = {-1, -1, -1, -1, -1, -1, -1, -1, -1};
        cnx_top_scores(scores, 9, top, order, keys);
        for (int i = 0; i < 9; i++)
            CHECK(order[i] == (i < top ? want[i] : -1), "top %d: number %d is %d", top, i,
                  order[i]);
    }
}

/* ---- RoIAlign ---- */

static double sample(cnx_map map, int c, float y, float x)
{
    if (!(y >= -1 && y <= (float)map.h && x >= -1 && x <= (float)map.w))
        return 0;
    y = y < 0 ? 0 : y;
    x = x < 0 ? 0 : x;
    int y0 = (int)y, x0 = (int)x;
    double fy = (double)(y - (float)y0), fx = (double)(x - (float)x0);
    if (y0 >= map.h - 1) {
        y0 = map.h - 1;
        fy = 0;
    }
    if (x0 >= map.w - 1) {
        x0 = map.w - 1;
        fx = 0;
    }
    const int y1 = fy > 0 ? y0 + 1 : y0, x1 = fx > 0 ? x0 + 1 : x0;
    return (1 - fy) *
               ((1 - fx) * cnx_map_pixel(map, y0, x0)[c] + fx * cnx_map_pixel(map, y0, x1)[c]) +
           fy * ((1 - fx) * cnx_map_pixel(map, y1, x0)[c] + fx * cnx_map_pixel(map, y1, x1)[c]);
}

static void plain_roi_align(const cnx_roi_align *a, cnx_map map, const float box[4], double *out)
{
    const float x0 = box[0] * a->scale - 0.5f, y0 = box[1] * a->scale - 0.5f;
    const float w = box[2] * a->scale - 0.5f - x0, h = box[3] * a->scale - 0.5f - y0;
    const int gx = a->sampling ? a->sampling : (int)ceilf(w / (float)a->size);
    const int gy = a->sampling ? a->sampling : (int)ceilf(h / (float)a->size);
    const float bw = w / (float)a->size, bh = h / (float)a->size;
    for (int p = 0; p < a->size; p++)
        for (int q = 0; q < a->size; q++)
            for (int c = 0; c < map.c; c++, out++) {
                *out = 0;
                for (int i = 0; i < gy; i++)
                    for (int j = 0; j < gx; j++)
                        *out +=
                            sample(map, c, y0 + (float)p * bh + ((float)i + 0.5f) * bh / (float)gy,
                                   x0 + (float)q * bw + ((float)j + 0.5f) * bw / (float)gx);
                *out /= gx * gy > 1 ? gx * gy : 1;
            }
}

static void test_roi(const cnx_kernels *k, const cnx_roi_align *a, int h, int w, int c,
                     const float box[4])
{
    const size_t floats = (size_t)(a->size * a->size * c);
    test_map in = map_alloc(h, w, c, 0);
    map_fill(in.map, 3);
    guarded out = guarded_alloc(floats, 1);
    double *want = doubles(floats);
    const size_t bytes = cnx_roi_align_scratch(a->size, h, w, c);
    test_exec scratch = exec_make(k, 1, bytes);
    plain_roi_align(a, in.map, box, want);
    cnx_roi_align_run(k, a, in.map, box, out.x, scratch.exec.scratch);
    double worst = 0;
    for (size_t i = 0; i < floats; i++)
        worst = fmax(worst, fabs(out.x[i] - want[i]));
    const double limit = box[2] - box[0] > 1e5f ? 1e-4 : 1e-5; /* thousands of samples a bin */
    CHECK(worst < limit, "%s: %d bins of %d x %d x %d, box %g %g %g %g: %g", k->name, a->size, h, w,
          c, (double)box[0], (double)box[1], (double)box[2], (double)box[3], worst);
    CHECK(guarded_whole(&out) && map_whole(&in) && exec_free(&scratch), "%s: wrote outside",
          k->name);
    guarded_free(&in.memory);
    guarded_free(&out);
    free(want);
}

static void test_roi_align(const cnx_kernels *k)
{
    static const float boxes[][4] = {
        {3, 5, 70, 41},          {-30, -20, 25, 30},  {0, 0, 1e6f, 9},
        {60, 40, 200, 300},      {-90, -80, -20, -5}, {10, 10, 10, 30},
        {10.3f, 7, 10.4f, 7.2f}, {0, 0, 0, 0},        {-1e7f, 2, 1e7f, 30}};
    unsigned long long state = 2;
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        for (int size = 7; size <= 14; size += 7) {
            if (boxes[i][2] - boxes[i][0] > 1e5f && strcmp(k->name, "ref") == 0)
                continue; /* the plain sum takes long */
            const cnx_roi_align a = {.size = size, .scale = 0.25f};
            const bool huge = boxes[i][2] - boxes[i][0] > 1e5f;
            test_roi(k, &a, 11, 19, huge ? 2 : 37, boxes[i]);
        }
    for (int i = 0; i < 60; i++) {
        const cnx_roi_align a = {.size = random_int(&state, 1, 15),
                                 .sampling = i % 3 == 0 ? 2 : 0,
                                 .scale = 1 / (float)(4 << random_int(&state, 0, 3))};
        const int h = random_int(&state, 1, 23), w = random_int(&state, 1, 23);
        float box[4];
        for (int j = 0; j < 2; j++) {
            box[j] = (float)random_int(&state, -40, 150) + check_uniform(&state);
            box[j + 2] = box[j] + (float)random_int(&state, 0, 200);
        }
        test_roi(k, &a, h, w, random_int(&state, 1, 40), box);
    }
}

/* What is no box gives zeros, not a crash. */
static void test_no_roi(const cnx_kernels *k)
{
    static const float boxes[][4] = {
        {NAN, 0, 5, 5}, {30, 30, 2, 2}, {-INFINITY, 0, INFINITY, 9}, {0, 0, NAN, NAN}};
    test_map in = map_alloc(6, 5, 3, 0);
    map_fill(in.map, 3);
    float out[7 * 7 * 3];
    test_exec scratch = exec_make(k, 1, cnx_roi_align_scratch(7, 6, 5, 3));
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++)
        for (int sampling = 0; sampling <= 2; sampling += 2) {
            const cnx_roi_align a = {.size = 7, .sampling = sampling, .scale = 0.5f};
            cnx_roi_align_run(k, &a, in.map, boxes[i], out, scratch.exec.scratch);
            for (int j = 0; j < 7 * 7 * 3; j++)
                CHECK(out[j] == 0, "box %zu: %g", i, (double)out[j]);
        }
    CHECK(exec_free(&scratch), "wrote outside");
    guarded_free(&in.memory);
}

/* ---- pasting ---- */

static float plain_pixel(const float *prob, int n, const float box[4], int px, int py)
{
    const float p[2] = {(float)px, (float)py};
    float at[2], part[2];
    int low[2];
    for (int i = 0; i < 2; i++) {
        float g = (p[i] + 0.5f - box[i]) / (box[i + 2] - box[i]) * 2 - 1;
        g = isinf(g) ? 0 : g;
        at[i] = ((g + 1) * (float)n - 1) / 2;
        if (!(at[i] > -2 && at[i] < (float)n + 1))
            return 0;
        low[i] = (int)floorf(at[i]);
        part[i] = at[i] - (float)low[i];
    }
    float value = 0;
    for (int dy = 0; dy < 2; dy++)
        for (int dx = 0; dx < 2; dx++) {
            const int y = low[1] + dy, x = low[0] + dx;
            if (y >= 0 && y < n && x >= 0 && x < n)
                value +=
                    prob[y * n + x] * ((dy ? part[1] : 1 - part[1]) * (dx ? part[0] : 1 - part[0]));
        }
    return value;
}

static void test_paste_box(const cnx_kernels *k, int w, int h, const float box[4], float threshold,
                           unsigned long long *state)
{
    enum { SIZE = 28 };
    float prob[SIZE * SIZE];
    uint8_t mask[120 * 120];
    cnx_error err = {0};
    cnx_rle rle = {0};
    cnx_rle_builder builder = {0};
    for (int i = 0; i < SIZE * SIZE; i++) /* patches, so that there are runs */
        prob[i] = i > 0 && check_random(state) % 4 ? prob[i - 1] : check_uniform(state) / 2 + 0.5f;
    const cnx_paste paste = {.width = w, .height = h, .threshold = threshold};
    test_exec scratch = exec_make(NULL, 1, cnx_paste_scratch(&paste, SIZE));
    CHECK(cnx_paste_run(k, &paste, prob, SIZE, box, &builder, scratch.exec.scratch, &rle, &err) ==
              CNX_OK,
          "%s", err.message);
    cnx_rle_decode(mask, (size_t)w, &rle);
    int wrong = 0, close = 0;
    const float low[] = {floorf(box[0]) - 1, floorf(box[1]) - 1};
    const float high[] = {ceilf(box[2]) + 1, ceilf(box[3]) + 1};
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const bool region = (float)x >= low[0] && (float)x < high[0] && (float)y >= low[1] &&
                                (float)y < high[1];
            const float value = region ? plain_pixel(prob, SIZE, box, x, y) : -1;
            const bool differs = (value >= threshold) != mask[y * w + x];
            close += differs && fabsf(value - threshold) < 1e-5f;
            wrong += differs && !(fabsf(value - threshold) < 1e-5f);
        }
    CHECK(wrong == 0 && close < 3, "%d x %d, box %g %g %g %g: %d pixels wrong, %d close", w, h,
          (double)box[0], (double)box[1], (double)box[2], (double)box[3], wrong, close);
    CHECK(exec_free(&scratch), "wrote outside");
    cnx_rle_buffer_free(&builder.runs);
    cnx_rle_free(&rle);
}

static void test_paste(const cnx_kernels *k)
{
    static const float boxes[][4] = {{3, 4, 90, 80},
                                     {-20, -30, 40, 50},
                                     {50, 50, 400, 300},
                                     {10, 10, 10, 40},
                                     {12.5f, 3, 12.5f, 3},
                                     {0, 0, 1, 1},
                                     {0, 0, 119.9f, 0.2f},
                                     {-50, -50, -10, -10},
                                     {500, 3, 600, 40},
                                     {7.2f, 9, 8, 100},
                                     {-1e9f, 0, 1e9f, 100},
                                     {5, 5, 5.01f, 5.01f},
                                     /* more than CNX_PASTE_PIXELS between two lines of the map */
                                     {-40, -2000, 160, 1500},
                                     {-9, -1800, 130, 5000}};
    unsigned long long state = 21;
    for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
        test_paste_box(k, 120, 97, boxes[i], 0.5f, &state);
        test_paste_box(k, 1, 1, boxes[i], 0.5f, &state);
        test_paste_box(k, 33, 120, boxes[i], 0.7f, &state);
    }
    for (int i = 0; i < 150; i++) {
        float box[4];
        for (int j = 0; j < 2; j++) {
            box[j] = (float)random_int(&state, -20, 100) + check_uniform(&state);
            box[j + 2] = box[j] + (float)random_int(&state, 1, 120) + check_uniform(&state);
        }
        test_paste_box(k, random_int(&state, 1, 120), random_int(&state, 1, 120), box, 0.5f,
                       &state);
    }
}

/* A threshold of 0 sets the whole region, and NaN in a box is no crash. */
static void test_paste_limits(const cnx_kernels *k)
{
    static const float box[4] = {2, 3, 5, 6}, none[4] = {NAN, 0, NAN, 9};
    float prob[4] = {0};
    cnx_rle rle;
    cnx_rle_builder builder = {0};
    cnx_paste paste = {.width = 10, .height = 12, .threshold = 0};
    void *scratch = cnx_alloc(cnx_paste_scratch(&paste, 2));
    CHECK(cnx_paste_run(k, &paste, prob, 2, box, &builder, scratch, &rle, NULL) == CNX_OK &&
              cnx_rle_area(&rle) == 25,
          "area %u", cnx_rle_area(&rle));
    cnx_rle_free(&rle);
    paste.threshold = 0.5f;
    CHECK(cnx_paste_run(k, &paste, prob, 2, none, &builder, scratch, &rle, NULL) == CNX_OK &&
              rle.count == 1 && rle.counts[0] == 120,
          "%zu runs", rle.count);
    cnx_rle_free(&rle);
    cnx_rle_buffer_free(&builder.runs);
    cnx_free(scratch);
}

/* ---- boxes ---- */

static void test_box_rules(void)
{
    static const float ones[4] = {1, 1, 1, 1}, box[4] = {10, 20, 30, 60};
    float out[4];
    cnx_box_decode(box, (const float[]){0, 0, 100, -100}, ones, out);
    CHECK(fabsf(out[2] - out[0] - 20 * 62.5f) < 1e-2f && fabsf(out[3] - out[1] - 0.64f) < 1e-4f,
          "growth is bounded: %g x %g", (double)(out[2] - out[0]), (double)(out[3] - out[1]));
    cnx_box_clip(out, 50, 40);
    CHECK(out[0] == 0 && out[2] == 50, "clipped to the picture");
    cnx_box_flip(box, 100, out);
    CHECK(out[0] == 70 && out[2] == 90 && out[1] == 20 && out[3] == 60, "mirrored");
    CHECK(cnx_roi_level((const float[]){0, 0, 112, 112}, 4) == 1 &&
              cnx_roi_level((const float[]){0, 0, 111.99f, 111.99f}, 4) == 0 &&
              cnx_roi_level((const float[]){5, 5, 5, 9}, 4) == 0 &&
              cnx_roi_level((const float[]){0, 0, 1e6f, 1e6f}, 4) == 3 &&
              cnx_roi_level((const float[]){9, 0, 1, 5}, 4) == 0,
          "levels");
}

int main(void)
{
    cnx_kernels tables[KERNEL_TABLES];
    const int count = kernel_tables(tables);
    for (int t = 0; t < count; t++) {
        const cnx_kernels *k = &tables[t];
        test_paste(k);
        test_paste_limits(k);
        test_nms(k, 1, 10, 1, 1);
        test_nms(k, 300, 1000, 1, 300);
        test_nms(k, 700, 5, 6, 700);
        test_nms(k, 700, 5, 6, 9);
        test_nms(k, 2000, 1, 3, 50); /* all scores equal */
        test_nms(k, CNX_NMS_SPLIT - 1, 50, 4, 60);
        test_nms(k, CNX_NMS_SPLIT, 50, 4, 60);
        test_nms(k, CNX_NMS_SPLIT + 500, 3, 80, 400);
        test_roi_align(k);
        test_no_roi(k);
    }
    test_order();
    test_box_rules();
    return CHECK_RESULT;
}
