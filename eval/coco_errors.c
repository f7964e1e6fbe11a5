#include "eval/coco_errors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "eval/coco_error_ap.h"

const char *const cnx_coco_error_names[CNX_COCO_ERROR_TYPES] = {
    "class", "location", "both", "duplicate", "background", "missed"};

static const double found_at = .5, background_at = .1;
enum { MOST_DETECTIONS = 100, NO_TARGET = -1 };

/* An error, and what stands in its place when it is put right. */
typedef struct finding {
    cnx_coco_error_type type;
    bool counted; /* the detection is in the list; those on crowds are not */
    cnx_coco_point point;
    bool repaired;      /* it becomes a hit of `category`; otherwise it goes */
    uint32_t category;  /* MISSED: whose truths become one fewer */
    uint32_t detection; /* place in the image */
    int target;         /* place in the image of what it would have found */
} finding;

typedef struct search {
    const cnx_coco_scorer *s;
    cnx_coco_kind kind;
    size_t categories;
    finding *findings; /* owned */
    size_t count, room;
    cnx_coco_point *hits; /* owned */
    size_t hit_count, hit_room;
    cnx_coco_point *points; /* owned: all that count, as they came */
    size_t point_count, point_room;
    int64_t *truths, *missed; /* owned; [categories]: missed by the matching */
} search;

/* One picture. */
typedef struct picture {
    const uint32_t *detections; /* by score */
    size_t count;
    uint32_t *targets; /* [target_count], owned: those that are no crowds, in the file's order */
    size_t target_count, target_room;
    size_t begin, end; /* all targets */
    double *iou;       /* owned; [count][end - begin], by target */
    size_t iou_room;
    int *found;         /* owned; [MOST_DETECTIONS]: place in targets, or NO_TARGET */
    bool *used;         /* owned; [target_count] */
    bool *usable;       /* owned: an error that can be put right has it */
    int *best;          /* owned: the detection that would be put right */
    double *best_score; /* owned */
} picture;

static cnx_status reserve(void **list, size_t *room, size_t count, size_t size, cnx_error *err)
{
    if (count < *room)
        return CNX_OK;
    const size_t wanted = *room > 0 ? 2 * *room : 1024;
    void *memory = realloc(*list, wanted * size);
    CNX_FAIL_IF(!memory, CNX_ERR_MEMORY, "not enough memory for the errors of %zu detections",
                wanted);
    *list = memory;
    *room = wanted;
    return CNX_OK;
}

static uint32_t category_of(const search *x, uint32_t category)
{
    return x->s->params.agnostic ? 0 : category;
}

static void picture_free(picture *p)
{
    free(p->targets);
    free(p->iou);
    free(p->found);
    free(p->used);
    free(p->usable);
    free(p->best);
    free(p->best_score);
}

static cnx_status picture_reserve(picture *p, cnx_error *err)
{
    const size_t n = p->end - p->begin;
    if (n + 1 > p->target_room || !p->found) {
        picture_free(p);
        p->target_room = n + 1;
        p->iou_room = 0;
        p->iou = NULL;
        p->targets = malloc((n + 1) * sizeof *p->targets);
        p->found = malloc(MOST_DETECTIONS * sizeof *p->found);
        p->used = malloc((n + 1) * sizeof *p->used);
        p->usable = malloc((n + 1) * sizeof *p->usable);
        p->best = malloc((n + 1) * sizeof *p->best);
        p->best_score = malloc((n + 1) * sizeof *p->best_score);
    }
    if (!p->iou || p->count * n > p->iou_room) {
        free(p->iou);
        p->iou_room = (p->count > 0 ? p->count : 1) * (n + 1);
        p->iou = malloc(p->iou_room * sizeof *p->iou);
    }
    CNX_FAIL_IF(!p->targets || !p->found || !p->used || !p->usable || !p->best || !p->best_score ||
                    !p->iou,
                CNX_ERR_MEMORY, "not enough memory for the errors of %zu annotations", n);
    return CNX_OK;
}

static void fill_picture(picture *p, const search *x)
{
    const cnx_coco_detections *all = &x->s->all;
    const size_t n = p->end - p->begin;
    p->target_count = 0;
    for (size_t i = p->begin; i < p->end; i++) {
        if (x->s->targets[i].crowd)
            continue;
        size_t place = p->target_count++;
        for (; place > 0 &&
               x->s->targets[p->targets[place - 1]].annotation > x->s->targets[i].annotation;
             place--)
            p->targets[place] = p->targets[place - 1];
        p->targets[place] = (uint32_t)i;
    }
    memset(p->used, 0, n * sizeof *p->used);
    memset(p->usable, 0, n * sizeof *p->usable);
    for (size_t i = 0; i < n; i++) {
        p->best[i] = -1;
        p->best_score[i] = -1;
    }
    memset(p->iou, 0, p->count * n * sizeof *p->iou);
    for (size_t d = 0; d < p->count; d++) {
        const uint32_t at = p->detections[d];
        size_t i = at > 0 ? all->list[at - 1].pairs[x->kind] : 0;
        for (; i < all->list[at].pairs[x->kind]; i++) {
            const cnx_coco_pair *pair = &all->pairs[x->kind].list[i];
            if (!isnan(pair->iou))
                p->iou[d * n + (pair->target - p->begin)] = pair->iou;
        }
    }
}

/* The first of the targets with the largest overlap, among those wanted; *iou is 0 when there is none. */
typedef enum wanted { ALL, SAME, OTHER, SAME_FREE, SAME_USED } wanted;
static size_t largest(double *iou, const picture *p, const search *x, size_t d, wanted what)
{
    const size_t n = p->end - p->begin;
    const uint32_t own = category_of(x, x->s->all.list[p->detections[d]].category);
    size_t at = 0;
    *iou = 0;
    for (size_t g = 0; g < p->target_count; g++) {
        const double here = p->iou[d * n + (p->targets[g] - p->begin)];
        const bool same = category_of(x, x->s->targets[p->targets[g]].category) == own;
        if (here <= *iou || (what == OTHER && same) || (what > ALL && what != OTHER && !same) ||
            (what == SAME_FREE && p->used[g]) || (what == SAME_USED && !p->used[g]))
            continue;
        *iou = here;
        at = g;
    }
    return at;
}

static bool on_crowd(const picture *p, const search *x, size_t d)
{
    const size_t n = p->end - p->begin;
    const uint32_t own = category_of(x, x->s->all.list[p->detections[d]].category);
    for (size_t i = p->begin; i < p->end; i++)
        if (x->s->targets[i].crowd && category_of(x, x->s->targets[i].category) == own &&
            p->iou[d * n + (i - p->begin)] > found_at)
            return true;
    return false;
}

static cnx_status put_finding(search *x, const finding *f, cnx_error *err)
{
    CNX_TRY(reserve((void **)&x->findings, &x->room, x->count, sizeof *x->findings, err));
    x->findings[x->count++] = *f;
    return CNX_OK;
}

/* Why the detection found nothing; the order of the questions is TIDE's. */
static cnx_status explain(search *x, picture *p, size_t d, bool counted,
                          const cnx_coco_point *point, cnx_error *err)
{
    finding f = {.type = CNX_COCO_ERROR_BOTH,
                 .counted = counted,
                 .point = *point,
                 .detection = (uint32_t)d,
                 .target = NO_TARGET};
    double same, other, taken, any;
    const size_t of_same = largest(&same, p, x, d, SAME);
    const size_t of_other = largest(&other, p, x, d, OTHER);
    largest(&taken, p, x, d, SAME_USED);
    largest(&any, p, x, d, ALL);
    if (p->target_count == 0) {
        f.type = CNX_COCO_ERROR_BACKGROUND;
    } else if (background_at <= same && same <= found_at) {
        f.type = CNX_COCO_ERROR_LOCATION;
        f.target = (int)of_same;
    } else if (other >= found_at) {
        f.type = CNX_COCO_ERROR_CLASS;
        f.target = (int)of_other;
    } else if (taken >= found_at) {
        f.type = CNX_COCO_ERROR_DUPLICATE;
    } else if (any <= background_at) {
        f.type = CNX_COCO_ERROR_BACKGROUND;
    }
    if (f.target != NO_TARGET && !p->used[f.target]) {
        f.category = category_of(x, x->s->targets[p->targets[f.target]].category);
        p->usable[f.target] = true;
        if (p->best_score[f.target] < point->score) {
            p->best_score[f.target] = point->score;
            p->best[f.target] = (int)d;
        }
    }
    return put_finding(x, &f, err);
}

static void match_picture(picture *p, const search *x)
{
    for (size_t d = 0; d < p->count; d++) {
        double iou;
        const size_t g = largest(&iou, p, x, d, SAME_FREE);
        p->found[d] = iou >= found_at ? (int)g : NO_TARGET;
        if (iou >= found_at)
            p->used[g] = true;
    }
}

static cnx_status explain_detections(search *x, picture *p, cnx_error *err)
{
    match_picture(p, x);
    for (size_t d = 0; d < p->count; d++) {
        const cnx_coco_detection *own = &x->s->all.list[p->detections[d]];
        const cnx_coco_point point = {own->score, category_of(x, own->category),
                                      p->found[d] != NO_TARGET};
        const bool counted = point.right || !on_crowd(p, x, d);
        if (counted) {
            CNX_TRY(
                reserve((void **)&x->points, &x->point_room, x->point_count, sizeof point, err));
            x->points[x->point_count++] = point;
        }
        if (point.right) {
            CNX_TRY(reserve((void **)&x->hits, &x->hit_room, x->hit_count, sizeof point, err));
            x->hits[x->hit_count++] = point;
        } else {
            CNX_TRY(explain(x, p, d, counted, &point, err));
        }
    }
    return CNX_OK;
}

static cnx_status explain_picture(search *x, picture *p, cnx_error *err)
{
    const size_t first = x->count;
    CNX_TRY(picture_reserve(p, err));
    fill_picture(p, x);
    CNX_TRY(explain_detections(x, p, err));
    for (size_t i = first; i < x->count; i++) {
        finding *f = &x->findings[i];
        f->repaired = f->target != NO_TARGET && !p->used[f->target] &&
                      p->best[f->target] == (int)f->detection;
    }
    for (size_t g = 0; g < p->target_count; g++) {
        const uint32_t k = category_of(x, x->s->targets[p->targets[g]].category);
        x->truths[k]++;
        x->missed[k] += !p->used[g];
        const finding f = {.type = CNX_COCO_ERROR_MISSED, .category = k};
        if (!p->used[g] && !p->usable[g])
            CNX_TRY(put_finding(x, &f, err));
    }
    return CNX_OK;
}

/* Each picture's detections by score, at most MOST_DETECTIONS. */
static cnx_status explain_all(search *x, cnx_error *err)
{
    const cnx_coco_scorer *s = x->s;
    const size_t n = s->all.count, images = s->params.image_id_count;
    cnx_coco_keyed *keyed = malloc((n + 1) * sizeof *keyed),
                   *scratch = malloc((n + 1) * sizeof *keyed);
    size_t *starts = calloc(images + 2, sizeof *starts);
    uint32_t detections[MOST_DETECTIONS];
    picture p = {.detections = detections};
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!keyed || !scratch || !starts, CNX_ERR_MEMORY,
                 "not enough memory for the errors of %zu detections", n);
    for (size_t i = 0; i < n; i++)
        starts[s->all.list[i].image + 2]++;
    for (size_t i = 0; i <= images; i++)
        starts[i + 1] += starts[i];
    for (size_t i = 0; i < n; i++)
        keyed[starts[s->all.list[i].image + 1]++] =
            (cnx_coco_keyed){cnx_coco_score_key(s->all.list[i].score), (uint32_t)i};
    for (size_t i = 0; i < images; i++) {
        const size_t begin = starts[i], count = starts[i + 1] - begin;
        cnx_coco_sort(keyed + begin, scratch, count);
        p.count = count < MOST_DETECTIONS ? count : MOST_DETECTIONS;
        for (size_t d = 0; d < p.count; d++)
            detections[d] = keyed[begin + d].index;
        p.begin = s->image_targets[i];
        p.end = s->image_targets[i + 1];
        CNX_CHECK(explain_picture(x, &p, err));
    }
cleanup:
    picture_free(&p);
    free(keyed);
    free(scratch);
    free(starts);
    return status;
}

/* ---- what AP would be ---- */

typedef enum repair { TYPE, ALL_SCORES, ALL_MISSED } repair;

/* The list with errors of one type put right: errors first, then hits, as TIDE has them. */
static cnx_status repaired_ap(double *out, const search *x, repair what, cnx_coco_error_type type,
                              cnx_coco_point *points, int64_t *truths, cnx_error *err)
{
    size_t n = 0;
    memcpy(truths, x->truths, x->categories * sizeof *truths);
    for (size_t i = 0; i < x->count; i++) {
        const finding *f = &x->findings[i];
        const bool put_right = what == TYPE && f->type == type;
        if (f->type == CNX_COCO_ERROR_MISSED)
            truths[f->category] -= put_right;
        else if (put_right && f->repaired)
            points[n++] = (cnx_coco_point){f->point.score, f->category, true};
        else if (!put_right && f->counted)
            points[n++] = f->point;
    }
    const size_t errors = n;
    if (x->hit_count > 0)
        memcpy(points + n, x->hits, x->hit_count * sizeof *points);
    n += x->hit_count;
    for (size_t i = 0; what == ALL_SCORES && i < n; i++)
        points[i].score = i < errors ? 0 : 1;
    for (size_t k = 0; what == ALL_MISSED && k < x->categories; k++)
        truths[k] -= x->missed[k];
    return cnx_coco_error_ap(out, points, n, truths, x->categories, err);
}

static cnx_status measure(cnx_coco_errors *out, const search *x, cnx_error *err)
{
    cnx_coco_point *points = malloc((x->count + x->hit_count + 1) * sizeof *points);
    int64_t *truths = malloc((x->categories + 1) * sizeof *truths);
    cnx_status status = CNX_OK;
    double ap;
    CNX_CHECK_IF(!points || !truths, CNX_ERR_MEMORY, "not enough memory for the errors");
    CNX_CHECK(
        cnx_coco_error_ap(&out->ap, x->points, x->point_count, x->truths, x->categories, err));
    for (int type = 0; type < CNX_COCO_ERROR_TYPES; type++) {
        CNX_CHECK(repaired_ap(&ap, x, TYPE, (cnx_coco_error_type)type, points, truths, err));
        out->gain[type] = ap > out->ap ? ap - out->ap : 0;
    }
    CNX_CHECK(repaired_ap(&ap, x, ALL_SCORES, 0, points, truths, err));
    out->false_positives = ap - out->ap;
    CNX_CHECK(repaired_ap(&ap, x, ALL_MISSED, 0, points, truths, err));
    out->false_negatives = ap - out->ap;
    for (size_t i = 0; i < x->count; i++)
        out->count[x->findings[i].type]++;
cleanup:
    free(points);
    free(truths);
    return status;
}

cnx_status cnx_coco_errors_find(cnx_coco_errors *out, const cnx_coco_scorer *scorer,
                                cnx_coco_kind kind, cnx_error *err)
{
    *out = (cnx_coco_errors){0};
    CNX_FAIL_IF(!scorer->params.all_pairs || !scorer->params.kinds[kind], CNX_ERR_ARGUMENT,
                "the errors of %s were not asked for", cnx_coco_kind_names[kind]);
    search x = {.s = scorer,
                .kind = kind,
                .categories = scorer->params.agnostic ? 1 : scorer->params.category_id_count};
    cnx_status status = CNX_OK;
    x.truths = calloc(x.categories + 1, sizeof *x.truths);
    x.missed = calloc(x.categories + 1, sizeof *x.missed);
    CNX_CHECK_IF(!x.truths || !x.missed, CNX_ERR_MEMORY, "not enough memory for the errors");
    CNX_CHECK(explain_all(&x, err));
    status = measure(out, &x, err);
cleanup:
    free(x.findings);
    free(x.hits);
    free(x.points);
    free(x.truths);
    free(x.missed);
    return status;
}

/* ---- as text and JSON ---- */

void cnx_coco_errors_write_text(FILE *to, const cnx_coco_errors *errors)
{
    fprintf(to, "%-16s  %6s  %8s\n", "errors", "dAP", "count");
    for (int type = 0; type < CNX_COCO_ERROR_TYPES; type++)
        fprintf(to, "%-16s  %6.3f  %8lld\n", cnx_coco_error_names[type], errors->gain[type],
                (long long)errors->count[type]);
    fprintf(to, "%-16s  %6.3f\n", "false positives", errors->false_positives);
    fprintf(to, "%-16s  %6.3f\n", "false negatives", errors->false_negatives);
}

void cnx_coco_errors_write_member(FILE *to, const cnx_coco_errors *errors)
{
    fprintf(to, "\"errors\":{\"AP50\":%.17g", errors->ap);
    for (int type = 0; type < CNX_COCO_ERROR_TYPES; type++)
        fprintf(to, ",\"%s\":{\"dAP\":%.17g,\"count\":%lld}", cnx_coco_error_names[type],
                errors->gain[type], (long long)errors->count[type]);
    fprintf(to, ",\"false_positives\":{\"dAP\":%.17g},\"false_negatives\":{\"dAP\":%.17g}}",
            errors->false_positives, errors->false_negatives);
}
