#include "heads/classifier_group.h"

#include <math.h>
#include <stdlib.h>

#include "core/memory.h"

void cnx_classifier_group_close(cnx_classifier_group *group)
{
    for (int i = 0; i < group->count; i++)
        cnx_classifier_close(&group->members[i]);
    *group = (cnx_classifier_group){0};
}

cnx_status cnx_classifier_group_add(cnx_classifier_group *group, cnx_classifier *cls,
                                    const cnx_pipeline *pipeline, const char *name, cnx_error *err)
{
    CNX_FAIL_IF(group->count == CNX_MAX_MODELS, CNX_ERR_ARGUMENT,
                "more than %d models in an ensemble", CNX_MAX_MODELS);
    if (group->count > 0)
        CNX_TRY(cnx_ensemble_compare(cnx_classifier_group_description(group), "the first model",
                                     cnx_classifier_description(cls), name, err));
    group->members[group->count] = cls;
    group->pipelines[group->count++] = *pipeline;
    return cnx_ensemble_shares(group->shares, NULL, group->count, err);
}

cnx_status cnx_classifier_group_share(cnx_classifier_group *out, const cnx_classifier_group *of,
                                      int threads, cnx_error *err)
{
    *out = *of;
    for (out->count = 0; out->count < of->count; out->count++) {
        const cnx_status status =
            cnx_classifier_share(&out->members[out->count], of->members[out->count], threads, err);
        if (status != CNX_OK) {
            cnx_classifier_close(&out->members[out->count]);
            cnx_classifier_group_close(out);
            return status;
        }
    }
    return CNX_OK;
}

void cnx_classifier_group_trim(cnx_classifier_group *group)
{
    for (int i = 0; i < group->count; i++)
        cnx_classifier_trim(group->members[i]);
}

void cnx_classifier_group_set_threads(cnx_classifier_group *group, int threads)
{
    for (int i = 0; i < group->count; i++)
        cnx_classifier_set_threads(group->members[i], threads);
}

const cnx_description *cnx_classifier_group_description(const cnx_classifier_group *group)
{
    return cnx_classifier_description(group->members[0]);
}

size_t cnx_classifier_group_weights_bytes(const cnx_classifier_group *group)
{
    size_t bytes = 0;
    for (int i = 0; i < group->count; i++)
        bytes += cnx_classifier_weights_bytes(group->members[i]);
    return bytes;
}

/* Every member keeps its feature maps' memory from picture to picture. */
cnx_status cnx_classifier_group_estimate(cnx_classifier_group *group, int width, int height,
                                         cnx_estimate *out, cnx_error *err)
{
    *out = (cnx_estimate){0};
    for (int i = 0; i < group->count; i++) {
        cnx_estimate e;
        CNX_TRY(cnx_classifier_estimate(group->members[i], width, height, &group->pipelines[i], &e,
                                        err));
        if (i == 0) {
            out->net_h = e.net_h;
            out->net_w = e.net_w;
        }
        out->weights_bytes += e.weights_bytes;
        out->arena_bytes += e.arena_bytes;
        out->picture_bytes =
            e.picture_bytes > out->picture_bytes ? e.picture_bytes : out->picture_bytes;
        out->macs += e.macs;
        out->passes += e.passes;
        out->windows += e.windows;
    }
    out->total_bytes = out->weights_bytes + out->arena_bytes + out->picture_bytes;
    return CNX_OK;
}

/* ---- answers ---- */

void cnx_probabilities(double *x, int n)
{
    double top = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (int i = 0; i < n; i++) {
        x[i] = exp(x[i] - top);
        sum += x[i];
    }
    for (int i = 0; i < n; i++)
        x[i] /= sum;
}

/* Does score a come before score b, at a lower index? */
static bool not_less(double a, double b)
{
    return a >= b || (isnan(b) && !isnan(a)) || (isnan(a) && isnan(b));
}

void cnx_top_k(const double *scores, int n, int k, int *out)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        int at = count < k ? count : k;
        while (at > 0 && !not_less(scores[out[at - 1]], scores[i]))
            at--;
        if (at == k)
            continue;
        count += count < k;
        for (int j = count - 1; j > at; j--)
            out[j] = out[j - 1];
        out[at] = i;
    }
}

bool cnx_classifier_group_has_logits(const cnx_classifier_group *group)
{
    return group->count == 1 || group->average == CNX_AVERAGE_LOGITS;
}

/* The progress of one member as that of all. */
typedef struct progress {
    const cnx_classify_request *request;
    int done, count;
} progress;

static bool step(void *user, double done)
{
    const progress *p = user;
    return p->request->progress(p->request->user, (p->done + done) / p->count);
}

/* One after the other into `sum`. */
static cnx_status add_up(cnx_classifier_group *group, const cnx_classify_request *request,
                         float *logits, double *own, double *sum, cnx_classify_stats *stats,
                         cnx_error *err)
{
    const int classes = cnx_classifier_group_description(group)->class_count;
    const bool of_logits = cnx_classifier_group_has_logits(group);
    progress p = {.request = request, .count = group->count};
    for (int c = 0; c < classes; c++)
        sum[c] = 0;
    for (int i = 0; i < group->count; i++, p.done++) {
        cnx_classify_stats part;
        const cnx_classify_request one = {.image = request->image,
                                          .pipeline = &group->pipelines[i],
                                          .progress = request->progress ? step : NULL,
                                          .user = &p,
                                          .clock = request->clock};
        CNX_TRY(cnx_classifier_run(group->members[i], &one, logits, &part, err));
        for (int c = 0; c < classes; c++)
            own[c] = (double)logits[c];
        if (!of_logits)
            cnx_probabilities(own, classes);
        for (int c = 0; c < classes; c++)
            sum[c] += group->shares[i] * own[c];
        if (i == 0)
            *stats = part;
        else
            *stats =
                (cnx_classify_stats){stats->prepare + part.prepare, stats->network + part.network,
                                     stats->net_h, stats->net_w};
    }
    return CNX_OK;
}

cnx_status cnx_classifier_group_run(cnx_classifier_group *group,
                                    const cnx_classify_request *request, cnx_class_scores scores,
                                    cnx_classify_stats *stats, cnx_error *err)
{
    const size_t classes = (size_t)cnx_classifier_group_description(group)->class_count;
    cnx_classify_stats unasked;
    void *memory = NULL;
    CNX_TRY(cnx_alloc_or_fail(&memory, classes * (sizeof(float) + 2 * sizeof(double)),
                              "the scores of the classes", err));
    double *sum = memory, *own = sum + classes;
    float *logits = (float *)(void *)(own + classes);
    const cnx_status status =
        add_up(group, request, logits, own, sum, stats ? stats : &unasked, err);
    const bool has_logits = cnx_classifier_group_has_logits(group);
    for (size_t c = 0; c < classes && status == CNX_OK; c++) {
        if (scores.logits && has_logits)
            scores.logits[c] = sum[c];
        if (scores.probabilities)
            scores.probabilities[c] = sum[c];
    }
    if (status == CNX_OK && scores.probabilities && has_logits)
        cnx_probabilities(scores.probabilities, (int)classes);
    cnx_free(memory);
    return status;
}
