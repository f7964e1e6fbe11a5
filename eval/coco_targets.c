/* Which annotations take part, in pycocotools' order, with boxes and masks ready to be compared. */
#include <stdlib.h>
#include <string.h>

#include "core/threads.h"
#include "eval/coco_private.h"

typedef struct id_place {
    int64_t id;
    uint32_t place;
} id_place;

static int compare_places(const void *a, const void *b)
{
    const id_place *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

/* For each annotation, the one that stands for it: the last with its id. */
static cnx_status resolve_ids(uint32_t *stands_for, cnx_coco_scorer *s, cnx_error *err)
{
    const cnx_coco_truth *t = s->truth;
    id_place *places = malloc((t->annotation_count + 1) * sizeof *places);
    CNX_FAIL_IF(!places, CNX_ERR_MEMORY, "not enough memory for %zu annotations",
                t->annotation_count);
    bool ascending = true;
    for (size_t i = 0; i < t->annotation_count; i++) {
        places[i] = (id_place){t->annotations[i].id, (uint32_t)i};
        ascending &= i == 0 || places[i - 1].id < places[i].id;
    }
    if (!ascending)
        qsort(places, t->annotation_count, sizeof *places, compare_places);
    for (size_t end = t->annotation_count; end > 0;) {
        size_t begin = end;
        while (begin > 0 && places[begin - 1].id == places[end - 1].id)
            stands_for[places[--begin].place] = places[end - 1].place;
        s->duplicate_ids += end - begin - 1;
        end = begin;
    }
    free(places);
    return CNX_OK;
}

static bool takes_part(const cnx_coco_scorer *s, const cnx_coco_annotation *a)
{
    return a->image >= 0 && a->category >= 0 && s->image_rank[a->image] >= 0 &&
           s->category_rank[a->category] >= 0;
}

/* pycocotools gathers by the record's own image and category, then files what stands for it under the
 * image and category of that. */
static bool is_gathered(const cnx_coco_scorer *s, const cnx_coco_annotation *a)
{
    return a->image >= 0 && s->image_rank[a->image] >= 0 &&
           (s->params.agnostic || (a->category >= 0 && s->category_rank[a->category] >= 0));
}

static cnx_status fill_target(cnx_coco_target *target, const cnx_coco_scorer *s, uint32_t index,
                              cnx_error *err)
{
    const cnx_coco_annotation *a = &s->truth->annotations[index];
    CNX_FAIL_IF(!a->has_area, CNX_ERR_FORMAT, "%s: annotation %u (id %lld): has no area",
                s->truth->path, index + 1, (long long)a->id);
    CNX_FAIL_IF(s->params.kinds[CNX_COCO_BBOX] && !a->has_box, CNX_ERR_FORMAT,
                "%s: annotation %u (id %lld): has no bbox of 4 numbers", s->truth->path, index + 1,
                (long long)a->id);
    *target = (cnx_coco_target){.annotation = index,
                                .category = (uint32_t)s->category_rank[a->category],
                                .crowd = a->crowd,
                                .id_zero = a->id == 0,
                                .area = a->area};
    memcpy(target->box[CNX_COCO_BBOX], a->box, sizeof a->box);
    return CNX_OK;
}

/* Stable counting sort of annotation indices: to[k] = from[..] by key, whose `keys` values begin at
 * starts[key]. */
static void sort_by(uint32_t *to, const uint32_t *from, size_t count, size_t *starts, size_t keys,
                    const cnx_coco_scorer *s, const uint32_t *stands_for, int what)
{
    enum { OWN_IMAGE, CATEGORY, IMAGE };
    memset(starts, 0, (keys + 1) * sizeof *starts);
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            const cnx_coco_annotation *own = &s->truth->annotations[from[i]];
            const cnx_coco_annotation *a = &s->truth->annotations[stands_for[from[i]]];
            const size_t key = (size_t)(what == OWN_IMAGE  ? s->image_rank[own->image]
                                        : what == CATEGORY ? s->category_rank[a->category]
                                                           : s->image_rank[a->image]);
            if (pass == 0)
                starts[key + 1]++;
            else
                to[starts[key]++] = from[i];
        }
        if (pass == 0)
            for (size_t k = 0; k < keys; k++)
                starts[k + 1] += starts[k];
    }
    memmove(starts + 1, starts, keys * sizeof *starts);
    starts[0] = 0;
}

/* The gathered annotations in order: by their own image, then by the category and image under which they
 * are filed. */
static cnx_status order_targets(uint32_t *list, uint32_t *scratch, size_t count,
                                const cnx_coco_scorer *s, const uint32_t *stands_for,
                                cnx_error *err)
{
    enum { OWN_IMAGE, CATEGORY, IMAGE };
    const size_t images = s->params.image_id_count, categories = s->params.category_id_count;
    size_t *starts = malloc(((images > categories ? images : categories) + 1) * sizeof *starts);
    CNX_FAIL_IF(!starts, CNX_ERR_MEMORY, "not enough memory for %zu images", images);
    sort_by(scratch, list, count, starts, images, s, stands_for, OWN_IMAGE);
    sort_by(list, scratch, count, starts, categories, s, stands_for, CATEGORY);
    sort_by(scratch, list, count, s->image_targets, images, s, stands_for, IMAGE);
    memcpy(list, scratch, count * sizeof *list);
    free(starts);
    return CNX_OK;
}

/* Masks are drawn by several threads; of errors, the one that stands first in the file is told. */
typedef struct drawing {
    cnx_coco_scorer *s;
    cnx_segmentation_scratch *scratch; /* one a thread */
    cnx_rle_buffer *runs;
    cnx_error *errors; /* one a piece */
    uint32_t *error_at;
    size_t per_piece;
} drawing;

static void draw_piece(void *context, int index, int thread)
{
    drawing *d = context;
    const size_t begin = (size_t)index * d->per_piece;
    const size_t left = d->s->target_count - begin;
    const size_t end = begin + (left < d->per_piece ? left : d->per_piece);
    for (size_t i = begin; i < end; i++) {
        cnx_coco_target *t = &d->s->targets[i];
        const cnx_coco_annotation *a = &d->s->truth->annotations[t->annotation];
        cnx_rle_buffer *runs = &d->runs[thread];
        cnx_error *err = &d->errors[index];
        cnx_error failed = {0};
        if (cnx_coco_truth_mask(runs, d->s->truth, a, &d->scratch[thread], &failed) != CNX_OK ||
            cnx_rle_take(&t->mask, runs, d->s->truth->images[a->image].h,
                         d->s->truth->images[a->image].w, &failed) != CNX_OK) {
            if (err->status == CNX_OK || t->annotation < d->error_at[index]) {
                *err = failed;
                d->error_at[index] = t->annotation;
            }
            continue;
        }
        cnx_rle_box(t->box[CNX_COCO_SEGM], &t->mask);
    }
}

static cnx_status draw_masks(cnx_coco_scorer *s, cnx_error *err)
{
    enum { PIECES = 256 };
    cnx_status status = CNX_OK;
    const int threads = s->params.threads;
    const int pieces = s->target_count < PIECES ? (int)s->target_count : PIECES;
    if (pieces == 0)
        return CNX_OK;
    drawing d = {.s = s, .per_piece = (s->target_count + (size_t)pieces - 1) / (size_t)pieces};
    const int used = (int)((s->target_count + d.per_piece - 1) / d.per_piece);
    d.scratch = calloc((size_t)threads, sizeof *d.scratch);
    d.runs = calloc((size_t)threads, sizeof *d.runs);
    d.errors = calloc((size_t)pieces, sizeof *d.errors);
    d.error_at = calloc((size_t)pieces, sizeof *d.error_at);
    CNX_CHECK_IF(!d.scratch || !d.runs || !d.errors || !d.error_at, CNX_ERR_MEMORY,
                 "not enough memory to draw masks");
    cnx_parallel_for(threads, used, draw_piece, &d);
    const cnx_error *worst = NULL;
    uint32_t at = 0;
    for (int i = 0; i < used; i++)
        if (d.errors[i].status != CNX_OK && (!worst || d.error_at[i] < at)) {
            worst = &d.errors[i];
            at = d.error_at[i];
        }
    if (worst) {
        status = worst->status;
        if (err)
            *err = *worst;
    }
cleanup:
    for (int i = 0; i < threads; i++) {
        if (d.scratch)
            cnx_segmentation_scratch_free(&d.scratch[i]);
        if (d.runs)
            cnx_rle_buffer_free(&d.runs[i]);
    }
    free(d.scratch);
    free(d.runs);
    free(d.errors);
    free(d.error_at);
    return status;
}

cnx_status cnx_coco_targets_make(cnx_coco_scorer *s, cnx_error *err)
{
    const cnx_coco_truth *t = s->truth;
    cnx_status status = CNX_OK;
    size_t count = 0;
    CNX_FAIL_IF(t->annotation_count >= UINT32_MAX, CNX_ERR_UNSUPPORTED,
                "%s: has too many annotations", t->path);
    const size_t room = t->annotation_count + 1;
    uint32_t *stands_for = malloc(room * sizeof *stands_for);
    uint32_t *list = malloc(room * sizeof *list), *scratch = malloc(room * sizeof *scratch);
    s->image_targets = calloc(s->params.image_id_count + 1, sizeof *s->image_targets);
    CNX_CHECK_IF(!stands_for || !list || !scratch || !s->image_targets, CNX_ERR_MEMORY,
                 "not enough memory for %zu annotations", t->annotation_count);
    CNX_CHECK(resolve_ids(stands_for, s, err));
    for (size_t i = 0; i < t->annotation_count; i++)
        if (is_gathered(s, &t->annotations[i]) && takes_part(s, &t->annotations[stands_for[i]]))
            list[count++] = (uint32_t)i;
    CNX_CHECK(order_targets(list, scratch, count, s, stands_for, err));
    s->targets = calloc(count + 1, sizeof *s->targets);
    CNX_CHECK_IF(!s->targets, CNX_ERR_MEMORY, "not enough memory for %zu annotations", count);
    for (size_t i = 0; i < count; i++) {
        CNX_CHECK(fill_target(&s->targets[i], s, stands_for[list[i]], err));
        s->zero_ids += s->targets[i].id_zero;
    }
    s->target_count = count;
    if (s->params.kinds[CNX_COCO_SEGM])
        status = draw_masks(s, err);
cleanup:
    free(stands_for);
    free(list);
    free(scratch);
    return status;
}

void cnx_coco_targets_free(cnx_coco_scorer *s)
{
    for (size_t i = 0; i < s->target_count; i++)
        cnx_rle_free(&s->targets[i].mask);
    free(s->targets);
    free(s->image_targets);
}

void cnx_coco_targets_of(const cnx_coco_scorer *s, uint32_t image, uint32_t category, size_t *begin,
                         size_t *end)
{
    size_t b = s->image_targets[image], e = s->image_targets[image + 1];
    if (!s->params.agnostic) {
        while (b < e && s->targets[b].category < category)
            b++;
        size_t last = b;
        while (last < e && s->targets[last].category == category)
            last++;
        e = last;
    }
    *begin = b;
    *end = e;
}
