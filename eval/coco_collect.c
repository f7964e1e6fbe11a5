/* Results as they arrive: each is compared with the truth of its picture, and what it overlaps is kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "eval/coco_private.h"

void cnx_coco_detections_free(cnx_coco_detections *d)
{
    free(d->list);
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
        free(d->pairs[kind].list);
    cnx_segmentation_scratch_free(&d->scratch);
    cnx_rle_buffer_free(&d->runs);
    *d = (cnx_coco_detections){0};
}

static cnx_status reserve(void **list, size_t *room, size_t count, size_t more, size_t size,
                          cnx_error *err)
{
    size_t wanted, bytes;
    if (cnx_add(count, more, &wanted) && wanted <= *room)
        return CNX_OK;
    /* Half as much again: these are the largest arrays there are. */
    if (wanted < *room + *room / 2)
        wanted = *room + *room / 2;
    if (wanted < 256)
        wanted = 256;
    CNX_FAIL_IF(!cnx_mul(wanted, size, &bytes), CNX_ERR_MEMORY, "too many detections");
    void *memory = realloc(*list, bytes);
    CNX_FAIL_IF(!memory, CNX_ERR_MEMORY, "not enough memory for %zu detections", wanted);
    *list = memory;
    *room = wanted;
    return CNX_OK;
}

static void *part_new(void *user)
{
    (void)user;
    cnx_coco_detections *d = calloc(1, sizeof *d);
    if (d)
        d->last_image_index = -1;
    return d;
}

static void part_free(void *part)
{
    cnx_coco_detections_free(part);
    free(part);
}

static cnx_status put_pair(cnx_coco_pairs *pairs, double iou, size_t target, cnx_error *err)
{
    if (iou == 0)
        return CNX_OK;
    if (pairs->count == pairs->room)
        CNX_TRY(reserve((void **)&pairs->list, &pairs->room, pairs->count, 1, sizeof *pairs->list,
                        err));
    pairs->list[pairs->count++] = (cnx_coco_pair){iou, (uint32_t)target};
    return CNX_OK;
}

/* The overlap of masks, whose boxes are compared first. */
static double mask_iou(const cnx_rle *mask, const double box[4], uint32_t area,
                       const cnx_coco_target *t)
{
    uint32_t all;
    if (!(cnx_box_iou(box, t->box[CNX_COCO_SEGM], t->crowd) > 0))
        return 0;
    const uint32_t shared = cnx_rle_shared(&all, mask, &t->mask);
    return shared == 0 ? 0 : (double)shared / (double)(t->crowd ? area : all);
}

/* A result with what was made of it. */
typedef struct arrival {
    const cnx_coco_result *result;
    double box[4];
    cnx_rle mask; /* a view; zeroed: not needed */
    double mask_box[4];
    uint32_t mask_area;
} arrival;

static cnx_status draw(arrival *a, const cnx_coco_scorer *s, cnx_coco_detections *d,
                       const cnx_coco_image *image, cnx_error *err)
{
    const double *b = a->result->box;
    const size_t end = 8;
    const double corners[] = {b[0],        b[1],        b[0],        b[1] + b[3],
                              b[0] + b[2], b[1] + b[3], b[0] + b[2], b[1]};
    const cnx_segmentation of_box = {
        .kind = CNX_SEGMENTATION_POLYGONS, .count = 1, .xy = corners, .ends = &end};
    const cnx_segmentation *of = &a->result->segmentation;
    if (of->kind == CNX_SEGMENTATION_NONE) {
        CNX_FAIL_IF(!s->box_first, CNX_ERR_FORMAT,
                    "has no segmentation; each must have one, as the first entry has no bbox");
        of = &of_box;
    }
    CNX_FAIL_IF(image->h == 0 || image->w == 0, CNX_ERR_FORMAT,
                "image %lld has no height and width in %s, which masks need", (long long)image->id,
                s->truth->path);
    CNX_TRY(cnx_segmentation_to_runs(&d->runs, of, image->h, image->w, &d->scratch, err));
    a->mask = cnx_rle_view(&d->runs, image->h, image->w);
    a->mask_area = cnx_rle_area(&a->mask);
    cnx_rle_box(a->mask_box, &a->mask);
    return CNX_OK;
}

/* Boxes and areas by pycocotools' rule: of boxes if the first result has one, else of masks. */
static cnx_status prepare(arrival *a, const cnx_coco_scorer *s, cnx_coco_detections *d,
                          const cnx_coco_image *image, cnx_error *err)
{
    const cnx_coco_result *r = a->result;
    CNX_FAIL_IF(s->box_first && !r->has_box, CNX_ERR_FORMAT,
                "has no bbox; each must have one, as the first entry has");
    if (s->params.kinds[CNX_COCO_SEGM] || !s->box_first)
        CNX_TRY(draw(a, s, d, image, err));
    CNX_FAIL_IF(r->no_box && s->params.kinds[CNX_COCO_BBOX], CNX_ERR_FORMAT,
                "has an empty bbox, with which boxes cannot be scored");
    memcpy(a->box, r->has_box ? r->box : a->mask_box, sizeof a->box);
    return CNX_OK;
}

static cnx_status find_pairs(const arrival *a, const cnx_coco_scorer *s, cnx_coco_detections *d,
                             uint32_t image, uint32_t category, cnx_error *err)
{
    size_t begin = s->image_targets[image], end = s->image_targets[image + 1];
    if (!s->params.all_pairs)
        cnx_coco_targets_of(s, image, category, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const cnx_coco_target *t = &s->targets[i];
        if (s->params.kinds[CNX_COCO_BBOX])
            CNX_TRY(put_pair(&d->pairs[CNX_COCO_BBOX],
                             cnx_box_iou(a->box, t->box[CNX_COCO_BBOX], t->crowd), i, err));
        if (s->params.kinds[CNX_COCO_SEGM])
            CNX_TRY(put_pair(&d->pairs[CNX_COCO_SEGM],
                             mask_iou(&a->mask, a->mask_box, a->mask_area, t), i, err));
    }
    return CNX_OK;
}

static void note(cnx_coco_detections *d, const cnx_coco_result *r, int category)
{
    const bool nan_score = isnan(r->score);
    bool nan_box = false;
    for (int i = 0; i < 4; i++)
        nan_box |= r->has_box && isnan(r->box[i]);
    d->arrivals.results++;
    d->arrivals.unknown_categories += category < 0;
    d->arrivals.nan_scores += nan_score;
    d->arrivals.nan_boxes += nan_box;
    if ((nan_score || nan_box) && d->arrivals.first_nan == 0)
        d->arrivals.first_nan = d->arrivals.results;
}

static cnx_status add_result(void *user, void *part, const cnx_coco_result *r, cnx_error *err)
{
    const cnx_coco_scorer *s = user;
    cnx_coco_detections *d = part;
    if (d->last_image_index < 0 || d->last_image_id != r->image_id) {
        d->last_image_index = cnx_coco_find_image(s->truth, r->image_id);
        d->last_image_id = r->image_id;
    }
    CNX_FAIL_IF(d->last_image_index < 0, CNX_ERR_FORMAT,
                "image_id %lld is not among the images of %s", (long long)r->image_id,
                s->truth->path);
    const int known = cnx_coco_find_category(s->truth, r->category_id);
    const int image = s->image_rank[d->last_image_index];
    const int category = known >= 0 ? s->category_rank[known] : -1;
    if (image >= 0 && category >= 0) {
        arrival a = {.result = r};
        CNX_TRY(reserve((void **)&d->list, &d->room, d->count, 1, sizeof *d->list, err));
        CNX_TRY(prepare(&a, s, d, &s->truth->images[d->last_image_index], err));
        const size_t before[] = {d->pairs[0].count, d->pairs[1].count};
        const cnx_status status = find_pairs(&a, s, d, (uint32_t)image, (uint32_t)category, err);
        if (status != CNX_OK) {
            d->pairs[0].count = before[0];
            d->pairs[1].count = before[1];
            return status;
        }
        d->list[d->count++] = (cnx_coco_detection){
            .score = r->score,
            .area = s->box_first ? r->box[2] * r->box[3] : a.mask_area,
            .image = (uint32_t)image,
            .category = (uint32_t)category,
            .pairs = {d->pairs[0].count, d->pairs[1].count},
        };
    }
    note(d, r, known);
    return CNX_OK;
}

static cnx_status take_part(void *user, void *part, cnx_error *err)
{
    cnx_coco_detections *all = &((cnx_coco_scorer *)user)->all, *d = part;
    const size_t count = all->count + d->count;
    CNX_FAIL_IF(count >= UINT32_MAX, CNX_ERR_UNSUPPORTED, "too many detections: 2^32 or more");
    CNX_TRY(reserve((void **)&all->list, &all->room, all->count, d->count, sizeof *all->list, err));
    for (size_t i = 0; i < d->count; i++) {
        cnx_coco_detection *to = &all->list[all->count + i];
        *to = d->list[i];
        for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
            to->pairs[kind] += all->pairs[kind].count;
    }
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        cnx_coco_pairs *to = &all->pairs[kind];
        const cnx_coco_pairs *from = &d->pairs[kind];
        CNX_TRY(
            reserve((void **)&to->list, &to->room, to->count, from->count, sizeof *to->list, err));
        if (from->count > 0)
            memcpy(to->list + to->count, from->list, from->count * sizeof *to->list);
        to->count += from->count;
    }
    all->count = count;
    if (all->arrivals.first_nan == 0 && d->arrivals.first_nan > 0)
        all->arrivals.first_nan = all->arrivals.results + d->arrivals.first_nan;
    all->arrivals.results += d->arrivals.results;
    all->arrivals.unknown_categories += d->arrivals.unknown_categories;
    all->arrivals.nan_scores += d->arrivals.nan_scores;
    all->arrivals.nan_boxes += d->arrivals.nan_boxes;
    return CNX_OK;
}

static void see_first(cnx_coco_scorer *s, const cnx_coco_result *r)
{
    if (!s->any)
        s->box_first = r->has_box;
    s->any = true;
}

typedef struct file_user {
    cnx_coco_scorer *s;
    cnx_coco_results_sink *sink;
} file_user;

static void see_first_of_file(void *user, const cnx_coco_result *r)
{
    cnx_coco_results_sink *sink = ((file_user *)user)->sink;
    cnx_coco_scorer *s = ((file_user *)user)->s;
    see_first(s, r);
    sink->segmentations = s->params.kinds[CNX_COCO_SEGM] || !s->box_first;
}

static cnx_status add_from_file(void *user, void *part, const cnx_coco_result *r, cnx_error *err)
{
    return add_result(((file_user *)user)->s, part, r, err);
}

static cnx_status take_from_file(void *user, void *part, cnx_error *err)
{
    return take_part(((file_user *)user)->s, part, err);
}

cnx_status cnx_coco_scorer_read(cnx_coco_scorer *s, const char *path, cnx_error *err)
{
    cnx_coco_results_sink sink = {.threads = s->params.threads,
                                  .segmentations = true,
                                  .first = see_first_of_file,
                                  .part_new = part_new,
                                  .part_free = part_free,
                                  .add = add_from_file,
                                  .take = take_from_file};
    file_user user = {s, &sink};
    sink.user = &user;
    return cnx_coco_results_read(path, &sink, NULL, err);
}

cnx_status cnx_coco_scorer_add(cnx_coco_scorer *s, const cnx_coco_result *results, size_t count,
                               const char *where, cnx_error *err)
{
    cnx_status status = CNX_OK;
    if (count == 0)
        return CNX_OK;
    void *part = part_new(s);
    CNX_FAIL_IF(!part, CNX_ERR_MEMORY, "%s: not enough memory to score it", where);
    see_first(s, &results[0]);
    for (size_t i = 0; i < count && status == CNX_OK; i++) {
        status = add_result(s, part, &results[i], err);
        if (status != CNX_OK)
            cnx_error_prefix(err, "%s: detection %zu", where, i + 1);
    }
    if (status == CNX_OK)
        status = take_part(s, part, err);
    part_free(part);
    return status;
}
