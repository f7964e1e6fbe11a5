#include "heads/detections.h"

#include <limits.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/nms.h"

static const char what[] = "detections";

/* Pairs above the threshold, region by region, class by class. */
typedef struct pairs {
    float (*boxes)[4];
    float *scores;
    int *labels, *regions;
    int count;
} pairs;

static void free_pairs(pairs *p)
{
    cnx_free(p->boxes);
    cnx_free(p->scores);
    cnx_free(p->labels);
    cnx_free(p->regions);
}

static bool wanted(const cnx_scored_boxes *from, const cnx_rcnn_rules *rules, const bool *only,
                   int region, int label)
{
    const size_t row = (size_t)region * ((size_t)from->classes + 1);
    return (!only || only[label]) && from->scores[row + (size_t)label] > rules->score_thr;
}

static size_t count_pairs(const cnx_scored_boxes *from, const cnx_rcnn_rules *rules,
                          const bool *only)
{
    size_t n = 0;
    for (int r = 0; r < from->regions; r++)
        for (int c = 0; c < from->classes; c++)
            n += wanted(from, rules, only, r, c);
    return n;
}

static cnx_status alloc_pairs(pairs *p, size_t n, cnx_error *err)
{
    CNX_TRY(cnx_alloc_or_fail((void **)&p->boxes, n * sizeof *p->boxes, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&p->scores, n * sizeof *p->scores, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&p->labels, n * sizeof *p->labels, what, err));
    return cnx_alloc_or_fail((void **)&p->regions, n * sizeof *p->regions, what, err);
}

static void fill_pairs(pairs *p, const cnx_scored_boxes *from, const cnx_rcnn_rules *rules,
                       const bool *only)
{
    const size_t classes = (size_t)from->classes;
    for (int r = 0; r < from->regions; r++)
        for (int c = 0; c < from->classes; c++) {
            if (!wanted(from, rules, only, r, c))
                continue;
            const size_t pair = (size_t)r * classes + (size_t)c;
            const float *box = from->boxes + 4 * (from->class_specific ? pair : (size_t)r);
            memcpy(p->boxes[p->count], box, sizeof *p->boxes);
            p->scores[p->count] = from->scores[(size_t)r * (classes + 1) + (size_t)c];
            p->labels[p->count] = c;
            p->regions[p->count++] = r;
        }
}

static cnx_status suppress(cnx_chosen **out, size_t *count, const cnx_kernels *k, const pairs *p,
                           const cnx_rcnn_rules *rules, cnx_error *err)
{
    int *keep, kept = 0;
    const int most = p->count < rules->max_per_img ? p->count : rules->max_per_img;
    const cnx_nms_request nms = {.boxes = (const float(*)[4])p->boxes,
                                 .scores = p->scores,
                                 .groups = rules->agnostic_nms ? NULL : p->labels,
                                 .count = p->count,
                                 .iou = rules->nms_iou,
                                 .max_kept = most};
    CNX_TRY(cnx_alloc_or_fail((void **)&keep, (size_t)most * sizeof *keep, what, err));
    cnx_status status = cnx_nms(k, &nms, keep, &kept, err);
    if (status == CNX_OK)
        status = cnx_alloc_or_fail((void **)out, (size_t)kept * sizeof **out, what, err);
    for (int i = 0; status == CNX_OK && i < kept; i++) {
        const int from = keep[i];
        cnx_chosen *to = *out + i;
        memcpy(to->box, p->boxes[from], sizeof to->box);
        to->score = p->scores[from];
        to->label = p->labels[from];
        to->region = p->regions[from];
        *count = (size_t)i + 1;
    }
    cnx_free(keep);
    return status;
}

cnx_status cnx_choose_detections(cnx_chosen **out, size_t *count, size_t *candidates,
                                 const cnx_kernels *k, const cnx_scored_boxes *from,
                                 const cnx_rcnn_rules *rules, const bool *only, cnx_error *err)
{
    pairs p = {0};
    *out = NULL;
    *count = 0;
    const size_t n = *candidates = count_pairs(from, rules, only);
    if (n == 0)
        return CNX_OK;
    CNX_FAIL_IF(n > INT_MAX / 8, CNX_ERR_MEMORY,
                "%zu boxes are above the score threshold, more than can be compared; a higher "
                "rcnn.score_thr leaves fewer",
                n);
    cnx_status status = alloc_pairs(&p, n, err);
    if (status == CNX_OK) {
        fill_pairs(&p, from, rules, only);
        status = suppress(out, count, k, &p, rules, err);
    }
    free_pairs(&p);
    return status;
}
