/* What is scored and how: pycocotools' defaults, and what a user put in their place. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "eval/coco_private.h"

enum { MAX_THRESHOLDS = 1000, MAX_RANGES = 64 };

const char *const cnx_coco_kind_names[CNX_COCO_KINDS] = {"bbox", "segm"};

static const cnx_coco_range default_ranges[] = {
    {"all", 0, 1e10}, {"small", 0, 1024}, {"medium", 1024, 9216}, {"large", 9216, 1e10}};
static const int default_max_dets[] = {1, 10, 100};
enum { DEFAULT_THRESHOLDS = 10, DEFAULT_RANGES = 4, DEFAULT_MAX_DETS = 3 };

void cnx_coco_linspace(double *out, double first, double last, int count)
{
    const double step = count > 1 ? (last - first) / (count - 1) : 0;
    for (int i = 0; i < count; i++)
        out[i] = i * step + first;
    if (count > 1)
        out[count - 1] = last;
}

void cnx_coco_recalls(double out[CNX_COCO_RECALLS])
{
    cnx_coco_linspace(out, 0, 1, CNX_COCO_RECALLS);
}

static void *copy_of(const void *list, size_t count, size_t size)
{
    void *copy = malloc(count > 0 ? count * size : 1);
    if (copy && count > 0)
        memcpy(copy, list, count * size);
    return copy;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t sort_unique(int64_t *ids, size_t count)
{
    size_t kept = 0;
    qsort(ids, count, sizeof *ids, compare_ids);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

/* The ids that take part, sorted, and each one's rank in the truth's list (-1: none). */
static cnx_status choose(int64_t **ids, size_t *count, int **rank, const int64_t *wanted,
                         size_t wanted_count, const cnx_coco_truth *truth, bool images,
                         cnx_error *err)
{
    const size_t known = images ? truth->image_count : truth->category_count;
    *rank = malloc((known + 1) * sizeof **rank);
    *ids = malloc(((wanted ? wanted_count : known) + 1) * sizeof **ids);
    CNX_FAIL_IF(!*rank || !*ids, CNX_ERR_MEMORY, "not enough memory to score");
    *count = wanted ? wanted_count : known;
    for (size_t i = 0; i < *count; i++)
        (*ids)[i] = wanted ? wanted[i] : images ? truth->images[i].id : truth->categories[i].id;
    *count = sort_unique(*ids, *count);
    for (size_t i = 0; i < known; i++)
        (*rank)[i] = -1;
    for (size_t i = 0; i < *count; i++) {
        const int64_t id = (*ids)[i];
        const int at = images ? cnx_coco_find_image(truth, id) : cnx_coco_find_category(truth, id);
        CNX_FAIL_IF(at < 0, CNX_ERR_ARGUMENT, "%s: has no %s with id %lld", truth->path,
                    images ? "image" : "category", (long long)id);
        (*rank)[at] = (int)i;
    }
    return CNX_OK;
}

static cnx_status check(const cnx_coco_params *p, cnx_error *err)
{
    CNX_FAIL_IF(p->threshold_count < 1 || p->threshold_count > MAX_THRESHOLDS, CNX_ERR_ARGUMENT,
                "%d thresholds of IoU are impossible; 1 to %d are used", p->threshold_count,
                (int)MAX_THRESHOLDS);
    for (int i = 0; i < p->threshold_count; i++)
        CNX_FAIL_IF(!(p->thresholds[i] >= 0 && p->thresholds[i] <= 1), CNX_ERR_ARGUMENT,
                    "a threshold of IoU of %g is impossible; it lies between 0 and 1",
                    p->thresholds[i]);
    CNX_FAIL_IF(
        p->max_det_count < 3, CNX_ERR_ARGUMENT,
        "three numbers of detections are needed for the twelve numbers, as 1, 10, 100; there "
        "are %d",
        p->max_det_count);
    for (int i = 0; i < p->max_det_count; i++)
        CNX_FAIL_IF(p->max_dets[i] < 1 || (i > 0 && p->max_dets[i] <= p->max_dets[i - 1]),
                    CNX_ERR_ARGUMENT,
                    "the numbers of detections must be 1 or more and ascend; %d stands at place %d",
                    p->max_dets[i], i + 1);
    CNX_FAIL_IF(p->range_count < 1 || p->range_count > MAX_RANGES, CNX_ERR_ARGUMENT,
                "%d ranges of area are impossible; 1 to %d are used", p->range_count,
                (int)MAX_RANGES);
    for (int i = 0; i < p->range_count; i++)
        CNX_FAIL_IF(!(p->ranges[i].low <= p->ranges[i].high), CNX_ERR_ARGUMENT,
                    "the range of area \"%s\" is empty: %g to %g", p->ranges[i].name,
                    p->ranges[i].low, p->ranges[i].high);
    return CNX_OK;
}

cnx_status cnx_coco_params_copy(cnx_coco_scorer *s, const cnx_coco_params *params, cnx_error *err)
{
    double thresholds[DEFAULT_THRESHOLDS];
    cnx_coco_linspace(thresholds, .5, .95, DEFAULT_THRESHOLDS);
    cnx_coco_params p = *params;
    if (!p.thresholds) {
        p.thresholds = thresholds;
        p.threshold_count = DEFAULT_THRESHOLDS;
    }
    if (!p.max_dets) {
        p.max_dets = default_max_dets;
        p.max_det_count = DEFAULT_MAX_DETS;
    }
    if (!p.ranges) {
        p.ranges = default_ranges;
        p.range_count = DEFAULT_RANGES;
    }
    if (p.threads < 1)
        p.threads = 1;
    CNX_TRY(check(&p, err));
    p.thresholds = copy_of(p.thresholds, (size_t)p.threshold_count, sizeof *p.thresholds);
    p.max_dets = copy_of(p.max_dets, (size_t)p.max_det_count, sizeof *p.max_dets);
    p.ranges = copy_of(p.ranges, (size_t)p.range_count, sizeof *p.ranges);
    p.image_ids = p.category_ids = NULL;
    s->params = p;
    CNX_FAIL_IF(!p.thresholds || !p.max_dets || !p.ranges, CNX_ERR_MEMORY,
                "not enough memory to score");
    CNX_TRY(choose((int64_t **)&s->params.image_ids, &s->params.image_id_count, &s->image_rank,
                   params->image_ids, params->image_id_count, s->truth, true, err));
    return choose((int64_t **)&s->params.category_ids, &s->params.category_id_count,
                  &s->category_rank, params->category_ids, params->category_id_count, s->truth,
                  false, err);
}

void cnx_coco_params_free(cnx_coco_scorer *s)
{
    free((void *)s->params.thresholds);
    free((void *)s->params.max_dets);
    free((void *)s->params.ranges);
    free((void *)s->params.image_ids);
    free((void *)s->params.category_ids);
    free(s->image_rank);
    free(s->category_rank);
}
