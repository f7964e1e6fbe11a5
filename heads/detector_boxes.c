/* A run's boxes: proposals of all passes merged, looked at in each pass, averaged, chosen. */
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/ops/nms.h"
#include "heads/cascade.h"
#include "heads/detector_run.h"

static const char what[] = "boxes";

/* What comes of the regions. */
typedef struct region_table {
    int count;
    float (*rois)[4]; /* in the first pass for a single one, else in the picture */
    float *scores, *boxes;
    float *pass_scores, *pass_boxes; /* of the pass at hand; the same two for a single pass */
    size_t score_floats, box_floats;
} region_table;

/* ---- proposals ---- */

/* All passes' proposals in the picture; those that overlap suppress each other. */
static cnx_status merge_proposals(cnx_detect_run *run, region_table *t, cnx_error *err)
{
    const cnx_rpn_rules *rules = &run->det->base.network->description.detector.rpn;
    size_t all = 0;
    float(*boxes)[4] = NULL, *scores = NULL;
    int *keep = NULL, kept = 0, n = 0;
    cnx_status status = CNX_OK;
    for (int i = 0; i < run->layout.pass_count; i++)
        all += (size_t)run->passes[i].proposals.count;
    if (all == 0)
        return CNX_OK;
    const size_t most = all < (size_t)rules->max_per_img ? all : (size_t)rules->max_per_img;
    CNX_CHECK(cnx_alloc_or_fail((void **)&boxes, all * sizeof *boxes, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&scores, all * sizeof *scores, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&keep, most * sizeof *keep, what, err));
    for (int i = 0; i < run->layout.pass_count; i++) {
        const cnx_proposals *p = &run->passes[i].proposals;
        for (int j = 0; j < p->count; j++, n++) {
            cnx_box_from_pass(&run->layout.passes[i], p->boxes[j], boxes[n]);
            scores[n] = p->scores[j];
        }
    }
    const cnx_nms_request nms = {.boxes = (const float(*)[4])boxes,
                                 .scores = scores,
                                 .count = n,
                                 .iou = rules->nms_iou,
                                 .max_kept = (int)most};
    CNX_CHECK(cnx_nms(&run->det->base.network->kernels, &nms, keep, &kept, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&t->rois, (size_t)kept * sizeof *t->rois, what, err));
    for (int i = 0; i < kept; i++)
        memcpy(t->rois[i], boxes[keep[i]], sizeof *t->rois);
    t->count = kept;
cleanup:
    cnx_free(boxes);
    cnx_free(scores);
    cnx_free(keep);
    return status;
}

static cnx_status gather_proposals(cnx_detect_run *run, region_table *t, cnx_error *err)
{
    cnx_proposals *p = &run->passes[0].proposals;
    if (run->layout.pass_count > 1)
        return merge_proposals(run, t, err);
    t->rois = p->boxes;
    t->count = p->count;
    p->boxes = NULL;
    return CNX_OK;
}

/* ---- box heads ---- */

static cnx_status alloc_table(cnx_detect_run *run, region_table *t, cnx_error *err)
{
    const cnx_detector_desc *d = &run->det->base.network->description.detector;
    const size_t n = (size_t)t->count, classes = (size_t)d->classes;
    size_t bytes;
    CNX_FAIL_IF(!cnx_mul(n * sizeof(float), 4 * (classes + 1), &bytes), CNX_ERR_MEMORY,
                "the scores of this picture cannot be addressed");
    t->score_floats = n * (classes + 1);
    t->box_floats = 4 * n * (d->class_specific ? classes : 1);
    const size_t score_bytes = t->score_floats * sizeof(float);
    const size_t box_bytes = t->box_floats * sizeof(float);
    CNX_TRY(cnx_alloc_or_fail((void **)&t->scores, score_bytes, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&t->boxes, box_bytes, what, err));
    t->pass_scores = t->scores;
    t->pass_boxes = t->boxes;
    if (run->layout.pass_count == 1)
        return CNX_OK;
    t->pass_scores = t->pass_boxes = NULL;
    CNX_TRY(cnx_alloc_or_fail((void **)&t->pass_scores, score_bytes, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&t->pass_boxes, box_bytes, what, err));
    memset(t->scores, 0, score_bytes);
    memset(t->boxes, 0, box_bytes);
    return CNX_OK;
}

static void free_table(region_table *t)
{
    if (t->pass_scores != t->scores) {
        cnx_free(t->pass_scores);
        cnx_free(t->pass_boxes);
    }
    cnx_free(t->scores);
    cnx_free(t->boxes);
    cnx_free(t->rois);
}

static bool step(void *user, int regions)
{
    cnx_detect_run *run = user;
    run->macs_done += regions * cnx_plan_macs(run->det->boxes);
    return cnx_detect_report(run, run->macs_done);
}

/* Boxes go back to the picture; those of several passes are added up, as scores are. */
static void gather_pass(const cnx_detect_run *run, region_table *t, int pass)
{
    const bool several = run->layout.pass_count > 1;
    for (size_t i = 0; i < t->box_floats; i += 4) {
        float *box = t->pass_boxes + i;
        cnx_box_from_pass(&run->layout.passes[pass], box, box);
        for (size_t j = 0; several && j < 4; j++)
            t->boxes[i + j] += box[j];
    }
    for (size_t i = 0; several && i < t->score_floats; i++)
        t->scores[i] += t->pass_scores[i];
}

static cnx_status run_boxes(cnx_detect_run *run, region_table *t, int index, cnx_error *err)
{
    const cnx_detect_pass *pass = &run->layout.passes[index];
    const cnx_roi_run roi_run = cnx_detect_roi_run(run, index);
    const cnx_cascade cascade = {.run = &roi_run,
                                 .width = (float)pass->w,
                                 .height = (float)pass->h,
                                 .scores = t->pass_scores,
                                 .boxes = t->pass_boxes,
                                 .step = step,
                                 .user = run};
    float(*rois)[4] = t->rois;
    if (run->layout.pass_count > 1) {
        CNX_TRY(cnx_alloc_or_fail((void **)&rois, (size_t)t->count * sizeof *rois, what, err));
        for (int i = 0; i < t->count; i++)
            cnx_box_to_pass(pass, t->rois[i], rois[i]);
    }
    const cnx_status status = cnx_cascade_run(&cascade, (const float(*)[4])rois, t->count, err);
    if (rois != t->rois)
        cnx_free(rois);
    if (status == CNX_OK)
        gather_pass(run, t, index);
    return status;
}

static void average(const cnx_detect_run *run, region_table *t)
{
    const float n = (float)run->layout.pass_count;
    if (run->layout.pass_count == 1)
        return;
    for (size_t i = 0; i < t->score_floats; i++)
        t->scores[i] /= n;
    for (size_t i = 0; i < t->box_floats; i++)
        t->boxes[i] /= n;
}

cnx_status cnx_detect_boxes(cnx_detect_run *run, cnx_chosen **out, size_t *count, cnx_error *err)
{
    const cnx_detector_desc *d = &run->det->base.network->description.detector;
    const double start = cnx_now();
    region_table t = {0};
    cnx_status status = CNX_OK;
    *out = NULL;
    *count = 0;
    CNX_CHECK(gather_proposals(run, &t, err));
    run->stats->proposals = (size_t)t.count;
    if (t.count == 0)
        goto cleanup;
    CNX_CHECK(alloc_table(run, &t, err));
    for (int i = 0; i < run->layout.pass_count; i++)
        CNX_CHECK(run_boxes(run, &t, i, err));
    average(run, &t);
    const cnx_scored_boxes scored = {.scores = t.scores,
                                     .boxes = t.boxes,
                                     .regions = t.count,
                                     .classes = d->classes,
                                     .class_specific = d->class_specific};
    CNX_CHECK(cnx_choose_detections(out, count, &run->stats->candidates,
                                    &run->det->base.network->kernels, &scored, run->rules,
                                    run->request->only, err));
cleanup:
    free_table(&t);
    run->stats->boxes += cnx_now() - start;
    return status;
}
