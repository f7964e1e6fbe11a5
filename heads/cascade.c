#include "heads/cascade.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"
#include "core/ops/boxes.h"

/* One batch of regions. */
typedef struct batch {
    const cnx_cascade *cascade;
    int count;
    float (*rois)[4];
    float *logits, *deltas; /* of the stage at hand */
    float *sum;             /* of the stages' logits: the batch's part of the scores */
    float *boxes;
} batch;

static int delta_rows(const cnx_detector_desc *d)
{
    return d->class_specific ? d->classes : 1;
}

static void add_logits(const batch *b, const cnx_detector_desc *d, int stage)
{
    const size_t n = (size_t)b->count * ((size_t)d->classes + 1);
    for (size_t i = 0; i < n; i++)
        b->sum[i] = stage == 0 ? b->logits[i] : b->sum[i] + b->logits[i];
}

/* The class whose deltas move the box: the likeliest of the foreground, even behind the background. */
static int moving_class(const float *logits, const cnx_detector_desc *d)
{
    int best = 0;
    for (int c = 1; c < d->classes && d->class_specific; c++)
        best = logits[c] > logits[best] ? c : best;
    return best;
}

static void decode(const batch *b, int stage, int region, int row, float out[4])
{
    const cnx_cascade *cascade = b->cascade;
    const cnx_detector_desc *d = &cascade->run->net->desc;
    const size_t at = (size_t)region * (size_t)delta_rows(d) + (size_t)row;
    cnx_box_decode(b->rois[region], b->deltas + 4 * at, d->stds[stage], out);
    cnx_box_clip(out, cascade->width, cascade->height);
}

static void move_boxes(const batch *b, int stage)
{
    const cnx_detector_desc *d = &b->cascade->run->net->desc;
    for (int i = 0; i < b->count; i++) {
        const float *logits = b->logits + (size_t)i * ((size_t)d->classes + 1);
        decode(b, stage, i, moving_class(logits, d), b->rois[i]);
    }
}

static void finish_boxes(const batch *b, int stage)
{
    const int rows = delta_rows(&b->cascade->run->net->desc);
    for (int i = 0; i < b->count; i++)
        for (int r = 0; r < rows; r++)
            decode(b, stage, i, r, b->boxes + 4 * ((size_t)i * (size_t)rows + (size_t)r));
}

static cnx_status finish_scores(const batch *b, cnx_error *err)
{
    const cnx_roi_run *run = b->cascade->run;
    const int c = run->net->desc.classes + 1;
    const size_t n = (size_t)b->count * (size_t)c;
    for (size_t i = 0; i < n; i++) {
        b->sum[i] /= (float)run->net->desc.stages;
        CNX_FAIL_IF(isnan(b->sum[i]), CNX_ERR_MODEL,
                    "the network's scores are not numbers (roi_head.bbox_head): its weights are "
                    "damaged, or too large for float32");
    }
    run->k->softmax(b->count, c, b->sum, (size_t)c);
    return CNX_OK;
}

static cnx_status run_batch(const batch *b, cnx_error *err)
{
    const cnx_detector_desc *d = &b->cascade->run->net->desc;
    for (int s = 0; s < d->stages; s++) {
        cnx_box_head_run(b->cascade->run, s, (const float(*)[4])b->rois, b->count, b->logits,
                         b->deltas);
        add_logits(b, d, s);
        if (s + 1 < d->stages)
            move_boxes(b, s);
        else
            finish_boxes(b, s);
    }
    return finish_scores(b, err);
}

cnx_status cnx_cascade_run(const cnx_cascade *cascade, const float (*rois)[4], int count,
                           cnx_error *err)
{
    const cnx_detector_desc *d = &cascade->run->net->desc;
    const size_t c = (size_t)d->classes + 1, row = 4 * (size_t)delta_rows(d);
    const int size = cnx_box_batch(count);
    const size_t n = (size_t)size;
    batch b = {.cascade = cascade};
    cnx_status status = CNX_OK;
    static const char what[] = "a batch of regions";
    if (count == 0)
        return CNX_OK;
    CNX_CHECK(cnx_alloc_or_fail((void **)&b.rois, n * sizeof *b.rois, what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&b.logits, n * c * sizeof(float), what, err));
    CNX_CHECK(cnx_alloc_or_fail((void **)&b.deltas, n * row * sizeof(float), what, err));
    for (int first = 0; first < count; first += size) {
        b.count = count - first < size ? count - first : size;
        b.sum = cascade->scores + (size_t)first * c;
        b.boxes = cascade->boxes + (size_t)first * row;
        memcpy(b.rois, rois + first, (size_t)b.count * sizeof *b.rois);
        CNX_CHECK(run_batch(&b, err));
        CNX_CHECK_IF(cascade->step && !cascade->step(cascade->user, b.count), CNX_ERR_INTERRUPTED,
                     "interrupted");
    }
cleanup:
    cnx_free(b.rois);
    cnx_free(b.logits);
    cnx_free(b.deltas);
    return status;
}
