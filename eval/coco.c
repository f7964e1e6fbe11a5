/* The scorer: opened on a truth, fed with results, asked for scores. */
#include "eval/coco.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/threads.h"
#include "eval/coco_private.h"

cnx_status cnx_coco_scorer_open(cnx_coco_scorer **out, const cnx_coco_truth *truth,
                                const cnx_coco_params *params, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_coco_scorer *s = calloc(1, sizeof *s);
    *out = NULL;
    CNX_FAIL_IF(!s, CNX_ERR_MEMORY, "not enough memory to score");
    s->truth = truth;
    CNX_CHECK(cnx_coco_params_copy(s, params, err));
    CNX_CHECK(cnx_coco_targets_make(s, err));
    *out = s;
    s = NULL;
cleanup:
    cnx_coco_scorer_close(&s);
    return status;
}

void cnx_coco_scorer_close(cnx_coco_scorer **scorer)
{
    cnx_coco_scorer *s = *scorer;
    if (!s)
        return;
    cnx_coco_targets_free(s);
    cnx_coco_detections_free(&s->all);
    cnx_coco_params_free(s);
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
        free(s->verdicts[kind]);
    free(s);
    *scorer = NULL;
}

const cnx_coco_params *cnx_coco_scorer_params(const cnx_coco_scorer *scorer)
{
    return &scorer->params;
}

const cnx_coco_truth *cnx_coco_scorer_truth(const cnx_coco_scorer *scorer)
{
    return scorer->truth;
}

cnx_coco_arrivals cnx_coco_scorer_arrivals(const cnx_coco_scorer *scorer)
{
    cnx_coco_arrivals a = scorer->all.arrivals;
    a.duplicate_ids = scorer->duplicate_ids;
    a.zero_ids = scorer->zero_ids;
    return a;
}

void cnx_coco_scores_free(cnx_coco_scores *scores)
{
    free(scores->precision);
    free(scores->confidence);
    free(scores->recall);
    free(scores->truths);
    free(scores->results);
    *scores = (cnx_coco_scores){0};
}

static cnx_status alloc_scores(cnx_coco_scores *out, const cnx_coco_scorer *s, cnx_error *err)
{
    const cnx_coco_params *p = &s->params;
    *out = (cnx_coco_scores){.thresholds = p->threshold_count,
                             .recalls = CNX_COCO_RECALLS,
                             .categories = p->agnostic ? 1 : (int)p->category_id_count,
                             .ranges = p->range_count,
                             .max_dets = p->max_det_count,
                             .scorer = s};
    size_t recall = (size_t)out->thresholds * (size_t)out->ranges, precision, bytes;
    const size_t cells = (size_t)out->categories * (size_t)out->ranges;
    CNX_FAIL_IF(!cnx_mul(recall, (size_t)out->categories, &recall) ||
                    !cnx_mul(recall, (size_t)out->max_dets, &recall) ||
                    !cnx_mul(recall, (size_t)out->recalls, &precision) ||
                    !cnx_mul(precision, sizeof(double), &bytes),
                CNX_ERR_MEMORY, "too many categories, thresholds and ranges");
    out->precision = malloc(bytes + 1);
    out->confidence = malloc(bytes + 1);
    out->recall = malloc(recall * sizeof *out->recall + 1);
    CNX_FAIL_IF(!out->precision || !out->confidence || !out->recall, CNX_ERR_MEMORY,
                "not enough memory for the scores of %d categories", out->categories);
    for (size_t i = 0; i < precision; i++)
        out->precision[i] = out->confidence[i] = -1;
    for (size_t i = 0; i < recall; i++)
        out->recall[i] = -1;
    out->truths = calloc(cells + 1, sizeof *out->truths);
    out->results = calloc((size_t)out->categories + 1, sizeof *out->results);
    CNX_FAIL_IF(!out->truths || !out->results, CNX_ERR_MEMORY, "not enough memory for the scores");
    return CNX_OK;
}

static void count_truths(cnx_coco_scores *out, const cnx_coco_scorer *s)
{
    for (size_t i = 0; i < s->target_count; i++) {
        const cnx_coco_target *t = &s->targets[i];
        const size_t category = s->params.agnostic ? 0 : t->category;
        for (int r = 0; r < out->ranges; r++)
            out->truths[category * (size_t)out->ranges + (size_t)r] +=
                !cnx_coco_ignored(t, &s->params.ranges[r]);
    }
}

/* Categories are scored by several threads, each with memory of its own. */
typedef struct run {
    cnx_coco_scorer *s;
    cnx_coco_kind kind;
    cnx_coco_scores *scores;
    const uint32_t *order;
    size_t *starts;            /* [categories + 1] of order */
    cnx_coco_matches *matches; /* one a thread */
    cnx_error *errors;         /* one a category */
} run;

static void keep_verdicts(const run *r, const cnx_coco_matches *m)
{
    uint8_t *verdicts = r->s->verdicts[r->kind];
    for (size_t i = 0; i < m->count; i++) {
        const bool right = m->right[i * (size_t)m->words] & 1;
        const bool excused = (m->excused[i * (size_t)m->words] & 1) || !(m->in_range[i] & 1);
        verdicts[m->detection[i]] = right     ? CNX_COCO_RIGHT
                                    : excused ? CNX_COCO_OUT
                                              : CNX_COCO_WRONG;
    }
}

static void score_category(void *context, int k, int thread)
{
    run *r = context;
    cnx_coco_matches *m = &r->matches[thread];
    const size_t begin = r->starts[k], count = r->starts[k + 1] - begin;
    if (cnx_coco_match(m, r->s, r->kind, r->order + begin, count, &r->errors[k]) != CNX_OK)
        return;
    keep_verdicts(r, m);
    cnx_coco_accumulate(r->scores, k, m, &r->errors[k]);
}

static void find_starts(run *r)
{
    const cnx_coco_scorer *s = r->s;
    for (size_t i = 0; i < s->all.count; i++)
        r->scores->results[s->params.agnostic ? 0 : s->all.list[i].category]++;
    for (int k = 0; k < r->scores->categories; k++)
        r->starts[k + 1] = r->starts[k] + (size_t)r->scores->results[k];
}

static cnx_status score_all(run *r, cnx_error *err)
{
    cnx_parallel_for(r->s->params.threads, r->scores->categories, score_category, r);
    for (int k = 0; k < r->scores->categories; k++)
        if (r->errors[k].status != CNX_OK) {
            if (err)
                *err = r->errors[k];
            return r->errors[k].status;
        }
    return CNX_OK;
}

cnx_status cnx_coco_scorer_run(cnx_coco_scores *out, cnx_coco_scorer *s, cnx_coco_kind kind,
                               cnx_error *err)
{
    cnx_status status = CNX_OK;
    const int threads = s->params.threads;
    uint32_t *order = NULL;
    run r = {.s = s, .kind = kind, .scores = out};
    *out = (cnx_coco_scores){0};
    CNX_FAIL_IF(!s->params.kinds[kind], CNX_ERR_ARGUMENT, "%s was not asked for",
                cnx_coco_kind_names[kind]);
    CNX_CHECK(alloc_scores(out, s, err));
    count_truths(out, s);
    CNX_CHECK(cnx_coco_order(&order, s, err));
    r.order = order;
    r.starts = calloc((size_t)out->categories + 1, sizeof *r.starts);
    r.matches = calloc((size_t)threads, sizeof *r.matches);
    r.errors = calloc((size_t)out->categories + 1, sizeof *r.errors);
    free(s->verdicts[kind]);
    s->verdicts[kind] = calloc(s->all.count + 1, 1);
    CNX_CHECK_IF(!r.starts || !r.matches || !r.errors || !s->verdicts[kind], CNX_ERR_MEMORY,
                 "not enough memory to score %d categories", out->categories);
    find_starts(&r);
    status = score_all(&r, err);
cleanup:
    for (int i = 0; r.matches && i < threads; i++)
        cnx_coco_matches_free(&r.matches[i]);
    free(r.matches);
    free(r.errors);
    free(r.starts);
    free(order);
    if (status != CNX_OK)
        cnx_coco_scores_free(out);
    return status;
}

cnx_status cnx_coco_image_scores(cnx_coco_image_score *out, const cnx_coco_scorer *s,
                                 cnx_coco_kind kind, double min_score, cnx_error *err)
{
    const uint8_t *verdicts = s->verdicts[kind];
    CNX_FAIL_IF(!verdicts, CNX_ERR_ARGUMENT, "%s was not scored yet", cnx_coco_kind_names[kind]);
    for (size_t i = 0; i < s->params.image_id_count; i++) {
        out[i] = (cnx_coco_image_score){.image_id = s->params.image_ids[i]};
        for (size_t k = s->image_targets[i]; k < s->image_targets[i + 1]; k++)
            out[i].truths += !cnx_coco_ignored(&s->targets[k], &s->params.ranges[0]);
    }
    for (size_t i = 0; i < s->all.count; i++) {
        const cnx_coco_detection *d = &s->all.list[i];
        if (d->score >= min_score) {
            out[d->image].found += verdicts[i] == CNX_COCO_RIGHT;
            out[d->image].false_alarms += verdicts[i] == CNX_COCO_WRONG;
        }
    }
    return CNX_OK;
}
