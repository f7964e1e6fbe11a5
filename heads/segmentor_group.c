#include "heads/segmentor_group.h"

#include <string.h>

#include "core/memory.h"
#include "heads/segmentor_private.h"

/* Scores of one batch of rows. */
#define BATCH_BYTES ((size_t)4 << 20)

void cnx_segmentor_group_close(cnx_segmentor_group *group)
{
    for (int i = 0; i < group->count; i++)
        cnx_segmentor_close(&group->members[i]);
    *group = (cnx_segmentor_group){0};
}

cnx_status cnx_segmentor_group_add(cnx_segmentor_group *group, cnx_segmentor *seg,
                                   const cnx_pipeline *pipeline, const char *name, cnx_error *err)
{
    CNX_FAIL_IF(group->count == CNX_MAX_MODELS, CNX_ERR_ARGUMENT,
                "more than %d models in an ensemble", CNX_MAX_MODELS);
    if (group->count > 0)
        CNX_TRY(cnx_ensemble_compare(cnx_segmentor_group_description(group), "the first model",
                                     cnx_segmentor_description(seg), name, err));
    group->members[group->count] = seg;
    group->pipelines[group->count++] = *pipeline;
    return cnx_ensemble_shares(group->shares, NULL, group->count, err);
}

cnx_status cnx_segmentor_group_share(cnx_segmentor_group *out, const cnx_segmentor_group *of,
                                     int threads, cnx_error *err)
{
    *out = *of;
    for (out->count = 0; out->count < of->count; out->count++) {
        const cnx_status status =
            cnx_segmentor_share(&out->members[out->count], of->members[out->count], threads, err);
        if (status != CNX_OK) {
            cnx_segmentor_close(&out->members[out->count]);
            cnx_segmentor_group_close(out);
            return status;
        }
    }
    return CNX_OK;
}

void cnx_segmentor_group_trim(cnx_segmentor_group *group)
{
    for (int i = 0; i < group->count; i++)
        cnx_segmentor_trim(group->members[i]);
}

void cnx_segmentor_group_set_threads(cnx_segmentor_group *group, int threads)
{
    for (int i = 0; i < group->count; i++)
        cnx_segmentor_set_threads(group->members[i], threads);
}

void cnx_segmentor_group_set_beside(cnx_segmentor_group *group, size_t bytes)
{
    cnx_segmentor_set_beside(group->members[0], bytes); /* it is there once */
}

const cnx_description *cnx_segmentor_group_description(const cnx_segmentor_group *group)
{
    return cnx_segmentor_description(group->members[0]);
}

size_t cnx_segmentor_group_weights_bytes(const cnx_segmentor_group *group)
{
    size_t bytes = 0;
    for (int i = 0; i < group->count; i++)
        bytes += cnx_segmentor_weights_bytes(group->members[i]);
    return bytes;
}

/* ---- what a picture needs ---- */

static bool of_logits(const cnx_segmentor_group *group)
{
    return group->average == CNX_AVERAGE_LOGITS;
}

/* What each of several members is asked for. */
static unsigned wanted_of_member(const cnx_segmentor_group *group)
{
    return of_logits(group) ? CNX_WANT_LOGITS : CNX_WANT_PROB;
}

static int batch_rows(const cnx_segmentor_group *group, int width, int height)
{
    const size_t classes = (size_t)cnx_segmentor_group_description(group)->class_count;
    const size_t row = (size_t)width * classes * sizeof(float);
    const size_t rows = BATCH_BYTES / (row ? row : 1);
    return rows < 1 ? 1 : rows > (size_t)height ? height : (int)rows;
}

/* Of the averaged scores, and of what is made of them. */
static size_t batch_bytes(const cnx_segmentor_group *group, int width, int height)
{
    const size_t classes = (size_t)cnx_segmentor_group_description(group)->class_count;
    const size_t pixels = (size_t)batch_rows(group, width, height) * (size_t)width;
    return pixels * (2 * classes * sizeof(float) + sizeof(float) + sizeof(uint16_t));
}

cnx_status cnx_segmentor_group_estimate(cnx_segmentor_group *group, int width, int height,
                                        unsigned want, cnx_estimate *out, cnx_error *err)
{
    if (group->count == 1)
        return cnx_segmentor_estimate(group->members[0], width, height, &group->pipelines[0], want,
                                      out, err);
    for (int i = 0; i < group->count; i++) {
        cnx_estimate e;
        CNX_TRY(cnx_segmentor_estimate(group->members[i], width, height, &group->pipelines[i],
                                       wanted_of_member(group) | CNX_KEEP_LOGITS, &e, err));
        if (i == 0) {
            *out = e;
            out->picture_bytes += batch_bytes(group, width, height);
            continue;
        }
        out->weights_bytes += e.weights_bytes;
        out->arena_bytes += e.arena_bytes;
        out->picture_bytes += e.picture_bytes;
        out->macs += e.macs;
        out->passes += e.passes;
        out->windows += e.windows;
    }
    out->total_bytes = out->weights_bytes + out->arena_bytes + out->picture_bytes;
    return CNX_OK;
}

/* ---- the run of several ---- */

typedef struct joined {
    cnx_segmentor_group *group;
    const cnx_segment_request *request;
    cnx_segment_layout layouts[CNX_MAX_MODELS]; /* of the members, with their logits */
    int width, height, classes, rows;           /* rows of a batch at most */
    float *sum, *prob, *confidence;             /* [rows][width][classes] twice, [rows][width] */
    uint16_t *labels;                           /* [rows][width] */
    int member, begin;                          /* whose rows are coming, from which one on */
} joined;

static bool step(void *user, double done)
{
    const joined *j = user;
    return j->request->progress(j->request->user, (j->member + done) / j->group->count);
}

static cnx_status run_members(joined *j, cnx_segment_stats *stats, cnx_error *err)
{
    for (j->member = 0; j->member < j->group->count; j->member++) {
        cnx_segment_stats part;
        const cnx_segment_request request = {.image = j->request->image,
                                             .pipeline = &j->group->pipelines[j->member],
                                             .want = wanted_of_member(j->group),
                                             .progress = j->request->progress ? step : NULL,
                                             .user = j,
                                             .clock = j->request->clock};
        CNX_TRY(cnx_segmentor_hold(j->group->members[j->member], &request, &j->layouts[j->member],
                                   &part, err));
        if (j->member == 0)
            *stats = (cnx_segment_stats){.net_h = part.net_h, .net_w = part.net_w};
        stats->prepare += part.prepare;
        stats->network += part.network;
        stats->passes += part.passes;
        stats->windows += part.windows;
    }
    return CNX_OK;
}

/* A member's rows onto the sum. */
static cnx_status add_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    joined *j = user;
    (void)err;
    const size_t row = (size_t)j->width * (size_t)j->classes;
    const size_t n = (size_t)rows->count * row;
    const float share = (float)j->group->shares[j->member];
    const float *from = of_logits(j->group) ? rows->logits : rows->prob;
    float *to = j->sum + (size_t)(rows->y - j->begin) * row;
    for (size_t i = 0; i < n; i++)
        to[i] += share * from[i];
    return CNX_OK;
}

/* Labels, and what else is wanted, of the summed rows; then they leave. */
static cnx_status send_rows(joined *j, int count, cnx_error *err)
{
    const cnx_kernels *k = &j->group->members[0]->base.network->kernels;
    const unsigned want = j->request->want;
    const size_t classes = (size_t)j->classes;
    const size_t pixels = (size_t)count * (size_t)j->width;
    k->argmax((int)pixels, j->classes, j->sum, classes, j->labels);
    const float *prob = j->sum;
    if (of_logits(j->group) && want & (CNX_WANT_PROB | CNX_WANT_CONFIDENCE)) {
        memcpy(j->prob, j->sum, pixels * classes * sizeof *j->prob);
        k->softmax((int)pixels, j->classes, j->prob, classes);
        prob = j->prob;
    }
    for (size_t i = 0; want & CNX_WANT_CONFIDENCE && i < pixels; i++)
        j->confidence[i] = prob[i * classes + j->labels[i]];
    const cnx_segment_rows rows = {.y = j->begin,
                                   .count = count,
                                   .width = j->width,
                                   .classes = j->classes,
                                   .labels = j->labels,
                                   .confidence = want & CNX_WANT_CONFIDENCE ? j->confidence : NULL,
                                   .prob = want & CNX_WANT_PROB ? prob : NULL,
                                   .logits = want & CNX_WANT_LOGITS ? j->sum : NULL};
    return j->request->sink(j->request->user, &rows, err);
}

static cnx_status make_rows(joined *j, cnx_segment_stats *stats, cnx_error *err)
{
    for (j->begin = 0; j->begin < j->height; j->begin += j->rows) {
        const int left = j->height - j->begin, count = left < j->rows ? left : j->rows;
        memset(j->sum, 0, (size_t)count * (size_t)j->width * (size_t)j->classes * sizeof *j->sum);
        for (j->member = 0; j->member < j->group->count; j->member++) {
            const cnx_segmentor *seg = j->group->members[j->member];
            CNX_TRY(cnx_segment_rows_run(&j->layouts[j->member], &seg->base.network->kernels,
                                         seg->base.threads, j->begin, j->begin + count, add_rows, j,
                                         &stats->post, err));
        }
        CNX_TRY(send_rows(j, count, err));
    }
    return CNX_OK;
}

static cnx_status check_wanted(const cnx_segmentor_group *group, unsigned want, cnx_error *err)
{
    CNX_FAIL_IF(want & CNX_WANT_LOGITS && !of_logits(group), CNX_ERR_ARGUMENT,
                "an average of probabilities has no logits");
    for (int i = 0; i < group->count && of_logits(group); i++)
        CNX_FAIL_IF(group->pipelines[i].scale_count > 1 || group->pipelines[i].flip,
                    CNX_ERR_ARGUMENT,
                    "logits are averaged over models with one scale and no flip only");
    return CNX_OK;
}

static cnx_status take_batch(joined *j, void **memory, cnx_error *err)
{
    const size_t pixels = (size_t)j->rows * (size_t)j->width, classes = (size_t)j->classes;
    CNX_TRY(cnx_alloc_or_fail(memory, batch_bytes(j->group, j->width, j->height),
                              "the scores of some rows", err));
    j->sum = *memory;
    j->prob = j->sum + pixels * classes;
    j->confidence = j->prob + pixels * classes;
    j->labels = (uint16_t *)(void *)(j->confidence + pixels);
    return CNX_OK;
}

cnx_status cnx_segmentor_group_run(cnx_segmentor_group *group, const cnx_segment_request *request,
                                   cnx_segment_stats *stats, cnx_error *err)
{
    cnx_segment_stats unasked = {0};
    stats = stats ? stats : &unasked;
    if (group->count == 1) {
        cnx_segment_request one = *request;
        one.pipeline = &group->pipelines[0];
        return cnx_segmentor_run(group->members[0], &one, stats, err);
    }
    CNX_TRY(check_wanted(group, request->want, err));
    joined j = {.group = group,
                .request = request,
                .width = request->image->width,
                .height = request->image->height,
                .classes = cnx_segmentor_group_description(group)->class_count};
    j.rows = batch_rows(group, j.width, j.height);
    void *memory = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(run_members(&j, stats, err));
    CNX_CHECK(take_batch(&j, &memory, err));
    CNX_CHECK(make_rows(&j, stats, err));
cleanup:
    for (int i = 0; i < group->count; i++)
        cnx_segment_layout_close(&j.layouts[i]);
    cnx_free(memory);
    return status;
}
