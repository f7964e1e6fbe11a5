#include "tools/coco_worst.h"

#include <stdlib.h>
#include <string.h>

#include "core/image/draw.h"
#include "tools/page.h"
#include "tools/paint.h"

enum { WORST = 8, VIEW_WIDTH = 420, TAG = 64 };

/* How well one picture did: found and false alarms by detections that are likely. */
typedef struct judged {
    size_t picture;
    cnx_coco_image_score score;
    double f1; /* 2 found / (truths + found + false alarms) */
} judged;

/* ---- which ---- */

static int worse_first(const void *a, const void *b)
{
    const judged *const x = a, *const y = b;
    if (x->f1 != y->f1)
        return (x->f1 > y->f1) - (x->f1 < y->f1);
    const long long wrong_x = (long long)x->score.truths - x->score.found + x->score.false_alarms;
    const long long wrong_y = (long long)y->score.truths - y->score.found + y->score.false_alarms;
    if (wrong_x != wrong_y)
        return wrong_x < wrong_y ? 1 : -1;
    return (x->picture > y->picture) - (x->picture < y->picture);
}

static cnx_coco_kind kind_of(const cnx_coco_run *run)
{
    return run->masks ? CNX_COCO_SEGM : CNX_COCO_BBOX;
}

/* Adds the pictures of a part in which there was anything to find or anything found. */
static cnx_status judge_part(judged *list, size_t *count, const cnx_coco_run *run, int part,
                             const cnx_coco_scorer *scorer, cnx_error *err)
{
    const cnx_coco_part *p = &run->parts[part];
    cnx_coco_image_score *scores = calloc(p->count + 1, sizeof *scores);
    CNX_FAIL_IF(!scores, CNX_ERR_MEMORY, "not enough memory for the report");
    const cnx_status status =
        cnx_coco_image_scores(scores, scorer, kind_of(run), CNX_COCO_LIKELY, err);
    size_t scored = 0; /* the scorer has those that are done, in the same order */
    for (size_t i = p->first; status == CNX_OK && i < p->first + p->count; i++) {
        if (!run->spool.places[i].done)
            continue;
        const cnx_coco_image_score *s = &scores[scored++];
        const double all = (double)s->truths + s->found + s->false_alarms;
        if (all > 0)
            list[(*count)++] = (judged){i, *s, 2.0 * s->found / all};
    }
    free(scores);
    return status;
}

/* ---- drawing ---- */

static int category_index(const cnx_coco_part *part, int64_t id)
{
    const int index = cnx_coco_find_category(&part->set.truth, id);
    return index < 0 ? 0 : index;
}

static void write_name(char tag[TAG], const cnx_coco_part *part, int category, double score)
{
    const cnx_coco_truth *truth = &part->set.truth;
    const char *name = truth->category_count > 1 ? truth->categories[category].name : NULL;
    if (name && score >= 0)
        snprintf(tag, TAG, "%.40s %.2f", name, score);
    else if (name)
        snprintf(tag, TAG, "%.40s", name);
    else if (score >= 0)
        snprintf(tag, TAG, "%.2f", score);
    else
        *tag = '\0';
}

/* Things to be drawn, with what they point at. */
typedef struct scene {
    cnx_painted *things;
    cnx_rle *masks; /* owned, where a thing has one of its own */
    char (*tags)[TAG];
    uint8_t *palette; /* by category */
    size_t count;
} scene;

static void free_scene(scene *s)
{
    for (size_t i = 0; s->masks && i < s->count; i++)
        cnx_rle_free(&s->masks[i]);
    free(s->things);
    free(s->masks);
    free(s->tags);
    free(s->palette);
}

static cnx_status make_scene(scene *s, size_t room, const cnx_coco_part *part, cnx_error *err)
{
    const size_t categories = part->set.truth.category_count + 1;
    s->things = calloc(room + 1, sizeof *s->things);
    s->masks = calloc(room + 1, sizeof *s->masks);
    s->tags = calloc(room + 1, sizeof *s->tags);
    s->palette = calloc(categories, 3);
    CNX_FAIL_IF(!s->things || !s->masks || !s->tags || !s->palette, CNX_ERR_MEMORY,
                "not enough memory for the report");
    cnx_palette_generate(s->palette, (int)categories);
    return CNX_OK;
}

static void add_thing(scene *s, const cnx_coco_part *part, int category, double score,
                      const double corners[4], const cnx_rle *mask)
{
    const size_t i = s->count++;
    cnx_painted *thing = &s->things[i];
    memcpy(thing->corners, corners, sizeof thing->corners);
    memcpy(thing->rgb, s->palette + 3 * (size_t)category, 3);
    thing->mask = mask;
    write_name(s->tags[i], part, category, score);
    thing->tag = s->tags[i][0] ? s->tags[i] : NULL;
}

/* An annotation's own mask, where masks are scored and it fits the picture. */
static cnx_status truth_mask(cnx_rle *out, const cnx_coco_run *run, const cnx_coco_part *part,
                             const cnx_coco_annotation *a, cnx_segmentation_scratch *scratch,
                             cnx_error *err)
{
    const cnx_coco_image *image = &part->set.truth.images[a->image];
    cnx_rle_buffer runs = {0};
    *out = (cnx_rle){0};
    if (!run->masks || a->segmentation.kind == CNX_SEGMENTATION_NONE || !image->w || !image->h)
        return CNX_OK;
    cnx_status status = cnx_coco_truth_mask(&runs, &part->set.truth, a, scratch, err);
    if (status == CNX_OK)
        status = cnx_rle_take(out, &runs, image->h, image->w, err);
    cnx_rle_buffer_free(&runs);
    return status;
}

static cnx_status draw_truth(cnx_image *image, const cnx_coco_run *run, size_t picture,
                             cnx_error *err)
{
    const cnx_coco_part *part = &run->parts[run->pictures[picture].part];
    const cnx_coco_truth *truth = &part->set.truth;
    cnx_segmentation_scratch scratch = {0};
    scene s = {0};
    size_t room = 0;
    cnx_status status = CNX_OK;
    for (size_t i = 0; i < truth->annotation_count; i++)
        room += truth->annotations[i].image == (int)run->pictures[picture].image;
    CNX_CHECK(make_scene(&s, room, part, err));
    for (size_t i = 0; i < truth->annotation_count; i++) {
        const cnx_coco_annotation *a = &truth->annotations[i];
        if (a->image != (int)run->pictures[picture].image || a->category < 0)
            continue;
        const double corners[4] = {a->box[0], a->box[1], a->box[0] + a->box[2],
                                   a->box[1] + a->box[3]};
        cnx_rle *mask = &s.masks[s.count];
        CNX_CHECK(truth_mask(mask, run, part, a, &scratch, err));
        add_thing(&s, part, a->category, -1, corners, mask->counts ? mask : NULL);
    }
    CNX_CHECK(cnx_paint(image, s.things, s.count, 0.4, err));
cleanup:
    cnx_segmentation_scratch_free(&scratch);
    free_scene(&s);
    return status;
}

static cnx_status draw_found(cnx_image *image, const cnx_coco_run *run, size_t picture,
                             const cnx_detections *found, cnx_error *err)
{
    const cnx_coco_part *part = &run->parts[run->pictures[picture].part];
    scene s = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(make_scene(&s, found->count, part, err));
    for (size_t i = 0; i < found->count; i++) {
        const cnx_detection *d = &found->items[i];
        const int id = part->category_ids[d->label];
        if (id < 0 || (double)d->score < CNX_COCO_LIKELY)
            continue;
        const double corners[4] = {(double)d->box[0], (double)d->box[1], (double)d->box[2],
                                   (double)d->box[3]};
        add_thing(&s, part, category_index(part, id), (double)d->score, corners,
                  d->mask.counts ? &d->mask : NULL);
    }
    CNX_CHECK(cnx_paint(image, s.things, s.count, 0.4, err));
cleanup:
    free_scene(&s);
    return status;
}

/* ---- the page ---- */

static cnx_status copy_image(cnx_image *out, const cnx_image *image, cnx_error *err)
{
    CNX_TRY(cnx_image_alloc(out, image->width, image->height, err));
    memcpy(out->data, image->data, 3 * (size_t)image->width * (size_t)image->height);
    return CNX_OK;
}

static cnx_status shrink(cnx_image *image, cnx_error *err)
{
    const int width = image->width < VIEW_WIDTH ? image->width : VIEW_WIDTH;
    const int scaled = (int)((long long)image->height * width / image->width);
    cnx_image small = {0};
    CNX_TRY(cnx_image_resize(&small, image, width, scaled > 0 ? scaled : 1, err));
    cnx_image_free(image);
    *image = small;
    return CNX_OK;
}

static cnx_status put_picture(FILE *to, cnx_coco_run *run, const judged *j, cnx_error *err)
{
    static const char *const captions[] = {"picture", "truth", "prediction"};
    cnx_image images[3] = {{0}};
    cnx_page_view views[3];
    cnx_detections found = {0};
    char caption[320];
    const char *domain = run->parts[run->pictures[j->picture].part].name;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_coco_run_detect(run, j->picture, &images[0], &found, err));
    CNX_CHECK(copy_image(&images[1], &images[0], err));
    CNX_CHECK(copy_image(&images[2], &images[0], err));
    CNX_CHECK(draw_truth(&images[1], run, j->picture, err));
    CNX_CHECK(draw_found(&images[2], run, j->picture, &found, err));
    for (int i = 0; i < 3; i++) {
        CNX_CHECK(shrink(&images[i], err));
        views[i] = (cnx_page_view){captions[i], &images[i]};
    }
    snprintf(caption, sizeof caption, "%s%s%.200s: %u of %u found, %u false alarms",
             domain ? domain : "", domain ? "/" : "",
             cnx_coco_run_image(run, j->picture)->file_name, j->score.found, j->score.truths,
             j->score.false_alarms);
    CNX_CHECK(cnx_page_picture(to, caption, views, 3, err));
cleanup:
    cnx_detections_free(&found);
    for (int i = 0; i < 3; i++)
        cnx_image_free(&images[i]);
    return status;
}

cnx_status cnx_coco_page_worst(FILE *to, cnx_coco_run *run, const cnx_coco_part_scores *scores,
                               cnx_error *err)
{
    judged *list = calloc(run->count + 1, sizeof *list);
    size_t count = 0;
    cnx_status status = CNX_OK;
    CNX_FAIL_IF(!list, CNX_ERR_MEMORY, "not enough memory for the report");
    for (int i = 0; i < run->part_count; i++)
        CNX_CHECK(judge_part(list, &count, run, i, scores[i].scorers[kind_of(run)], err));
    qsort(list, count, sizeof *list, worse_first);
    cnx_page_section(to, "The worst pictures",
                     "Those of the lowest F1 at the first threshold of IoU, by detections of a "
                     "score of 0.5 or more.");
    cnx_page_pictures_begin(to);
    for (size_t i = 0; i < count && i < WORST; i++)
        CNX_CHECK(put_picture(to, run, &list[i], err));
    cnx_page_pictures_end(to);
cleanup:
    free(list);
    return status;
}
