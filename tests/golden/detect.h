/* Golden detections: running a detector, and the rule by which two lists of detections agree. */
#ifndef CNX_TESTS_GOLDEN_DETECT_H
#define CNX_TESTS_GOLDEN_DETECT_H

#include "core/image/image.h"
#include "heads/detector.h"
#include "tests/golden/golden.h"

/* A detection as results files have it: the mask's text in place of its runs. */
typedef struct golden_box {
    float box[4]; /* x1 y1 x2 y2 */
    float score;
    int category;
    char *counts; /* owned; NULL without a mask */
    bool used;
} golden_box;

typedef struct golden_boxes {
    golden_box *items; /* owned */
    size_t count;
} golden_boxes;

static inline void golden_boxes_free(golden_boxes *b)
{
    for (size_t i = 0; i < b->count; i++)
        free(b->items[i].counts);
    free(b->items);
    *b = (golden_boxes){0};
}

/* The records of one picture, from two lists of the same order: boxes, and masks. */
static inline golden_boxes golden_boxes_of(const cJSON *boxes, const cJSON *masks, int image_id)
{
    golden_boxes out = {0};
    const int n = cJSON_GetArraySize(boxes);
    out.items = calloc((size_t)n + 1, sizeof *out.items);
    const cJSON *mask = masks ? masks->child : NULL, *record;
    cJSON_ArrayForEach(record, boxes)
    {
        golden_box *b = &out.items[out.count];
        const cJSON *four = cJSON_GetObjectItemCaseSensitive(record, "bbox");
        double v[4];
        for (int i = 0; i < 4; i++)
            v[i] = cJSON_GetArrayItem(four, i)->valuedouble;
        if (golden_int(record, "image_id", -1) == image_id) {
            for (int i = 0; i < 4; i++)
                b->box[i] = (float)(i < 2 ? v[i] : v[i] + v[i - 2]);
            b->score = (float)cJSON_GetObjectItemCaseSensitive(record, "score")->valuedouble;
            b->category = golden_int(record, "category_id", -1);
            if (mask)
                b->counts = strdup(
                    golden_text(cJSON_GetObjectItemCaseSensitive(mask, "segmentation"), "counts"));
            out.count++;
        }
        mask = mask ? mask->next : NULL;
    }
    return out;
}

static inline double golden_iou(const float a[4], const float b[4])
{
    const double w = fmin(a[2], b[2]) - fmax(a[0], b[0]), h = fmin(a[3], b[3]) - fmax(a[1], b[1]);
    const double shared = fmax(w, 0) * fmax(h, 0);
    const double all = ((double)a[2] - a[0]) * ((double)a[3] - a[1]) +
                       ((double)b[2] - b[0]) * ((double)b[3] - b[1]) - shared;
    if (all <= 0) /* no area: the same place */
        return fabs((double)a[0] - b[0]) < 0.05 && fabs((double)a[1] - b[1]) < 0.05;
    return shared / all;
}

static inline char *golden_counts(const cnx_rle *mask)
{
    const size_t n = cnx_rle_to_text(NULL, 0, mask);
    char *text = malloc(n + 1);
    if (!text)
        abort();
    cnx_rle_to_text(text, n + 1, mask);
    return text;
}

/* The masks of a pair: nearly the same area; *same grows where the text is the same. */
static inline void golden_compare_masks(const char *what, const cnx_rle *got, const char *want,
                                        size_t *same)
{
    cnx_rle other = {0};
    cnx_error err = {0};
    char *text = golden_counts(got);
    *same += strcmp(text, want) == 0;
    CHECK(cnx_rle_from_text(&other, want, strlen(want), got->h, got->w, &err) == CNX_OK, "%s: %s",
          what, err.message);
    const double areas = (double)cnx_rle_area(got) + cnx_rle_area(&other);
    const double iou = cnx_rle_iou(got, &other, false), shared = areas * iou / (1 + iou);
    const double differ = areas - 2 * shared; /* of small masks, a pixel is more than 0.5 % */
    CHECK(areas == 0 || iou >= 0.995 || differ < 1.5, "%s: mask IoU %.5f, %.0f pixels differ", what,
          iou, differ);
    cnx_rle_free(&other);
    free(text);
}

/*
 * The rule of the specification: one to one, same class, IoU at least 0.99, scores within 1e-3; of the
 * golden ones that are not within 1e-3 of a limit, 98 of 100 must find their like, and no more than as
 * many of ours may be left over.
 */
static inline void golden_match(const char *what, const cnx_detections *got,
                                const cnx_description *d, golden_boxes *want,
                                const cnx_rcnn_rules *rules)
{
    const double thr = rules->score_thr, near = 1e-3;
    size_t matched = 0, counted = 0, masks = 0, same = 0, left = 0;
    const size_t most = (size_t)rules->max_per_img;
    const double last = want->count == most ? want->items[0].score : 0;
    double lowest = last;
    for (size_t i = 0; i < want->count && want->count == most; i++)
        lowest = want->items[i].score < lowest ? want->items[i].score : lowest;
    for (size_t i = 0; i < got->count; i++) {
        const cnx_detection *g = &got->items[i];
        golden_box *best = NULL;
        double best_iou = 0.99;
        for (size_t j = 0; j < want->count; j++) {
            golden_box *w = &want->items[j];
            const double iou = golden_iou(g->box, w->box);
            if (!w->used && w->category == d->category_ids[g->label] &&
                fabs((double)w->score - g->score) <= near && iou >= best_iou) {
                best = w;
                best_iou = iou;
            }
        }
        if (!best) {
            left += fabs(g->score - thr) > near && fabs(g->score - lowest) > near;
            continue;
        }
        best->used = true;
        if (best->counts && g->mask.count) {
            masks++;
            golden_compare_masks(what, &g->mask, best->counts, &same);
        }
    }
    for (size_t j = 0; j < want->count; j++) {
        const golden_box *w = &want->items[j];
        const bool open = fabs(w->score - thr) <= near || fabs(w->score - lowest) <= near;
        counted += w->used || !open;
        matched += w->used;
    }
    CHECK(matched * 100 >= counted * 98, "%s: %zu of %zu detections matched", what, matched,
          counted);
    CHECK(left * 100 <= counted * 2 + 99, "%s: %zu detections that the reference has not", what,
          left);
    CHECK(same * 100 >= masks * 95, "%s: %zu of %zu masks have the reference's text", what, same,
          masks);
    printf("%s: %zu detections, %zu of %zu matched, %zu of %zu masks of the same text\n", what,
           got->count, matched, counted, same, masks);
}

#endif
