#include "tools/classify_errand.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/npy.h"
#include "tools/classify_report.h"
#include "tools/console.h"
#include "tools/dry_run.h"
#include "tools/outputs.h"

/* One picture in flight. */
typedef struct job {
    cnx_picture picture; /* first: what the session sees */
    cnx_classify_stats stats;
    double *logits, *probabilities; /* owned, [classes] */
    int *top;                       /* owned, [top_count] */
    int top_count;
    char *paths[CNX_CLASS_SAVES]; /* owned; NULL for what is not saved */
    cnx_output files[CNX_CLASS_SAVES];
} job;

static cnx_classify_model *model_of(const cnx_session *s)
{
    return s->model;
}

static const cnx_description *description_of(const cnx_session *s)
{
    return cnx_classifier_group_description(&model_of(s)->group);
}

/* ---- at the entrance ---- */

static cnx_status estimate(cnx_picture *p, int threads, cnx_error *err)
{
    cnx_classify_model *m = model_of(p->session);
    cnx_estimate *e = &p->need;
    const size_t scores = 4 * sizeof(double) * (size_t)description_of(p->session)->class_count;
    cnx_classifier_group_set_threads(&m->group, threads);
    CNX_TRY(cnx_classifier_group_estimate(&m->group, p->width, p->height, e, err));
    e->picture_bytes += scores;
    e->total_bytes += scores;
    return CNX_OK;
}

static void announce(const cnx_picture *first, const char *at_once)
{
    const cnx_session *s = first->session;
    const cnx_classifier_group *group = &model_of(s)->group;
    for (int i = 0; i < group->count; i++) {
        const cnx_description *d = cnx_classifier_description(group->members[i]);
        char view[128], share[48] = "";
        cnx_view_describe(&group->pipelines[i], view, sizeof view);
        if (group->count > 1)
            snprintf(share, sizeof share, ", weight %.4g in the average", group->shares[i]);
        cnx_console_note("model %s: %s, classification, %d classes (%s)%s",
                         s->args->models.items[i], d->name, d->class_count, d->classes_from, share);
        cnx_console_note("pipeline %s: %s", *d->published ? d->published : "from the description",
                         view);
    }
    cnx_picture_announce(first, cnx_classifier_kernels(group->members[0]), at_once);
}

/* ---- on its own ---- */

static cnx_status open_worker(void **out, cnx_session *s, cnx_error *err)
{
    cnx_classifier_group *shared = calloc(1, sizeof *shared);
    *out = shared;
    CNX_FAIL_IF(!shared, CNX_ERR_MEMORY, "not enough memory for a classifier");
    return cnx_classifier_group_share(shared, &model_of(s)->group, 1, err);
}

static void close_worker(void **worker)
{
    if (*worker)
        cnx_classifier_group_close(*worker);
    free(*worker);
    *worker = NULL;
}

static cnx_status take_room(job *j, cnx_error *err)
{
    const cnx_session *s = j->picture.session;
    const int classes = description_of(s)->class_count, top = model_of(s)->args->top.value;
    j->top_count = top < classes ? top : classes;
    j->logits = malloc((size_t)classes * sizeof *j->logits);
    j->probabilities = malloc((size_t)classes * sizeof *j->probabilities);
    j->top = malloc((size_t)j->top_count * sizeof *j->top);
    CNX_FAIL_IF(!j->logits || !j->probabilities || !j->top, CNX_ERR_MEMORY,
                "not enough memory for the scores of %d classes", classes);
    return CNX_OK;
}

/* Beside its place, until the picture's turn comes. */
static cnx_status write_scores(job *j, int kind, const double *scores, cnx_error *err)
{
    const cnx_session *s = j->picture.session;
    const size_t classes = (size_t)description_of(s)->class_count;
    const cnx_outputs outputs = {.folder = s->args->out.value};
    size_t offset;
    cnx_status status = CNX_OK;
    float *values = malloc(classes * sizeof *values);
    CNX_CHECK_IF(!values, CNX_ERR_MEMORY, "not enough memory for the scores of %zu classes",
                 classes);
    for (size_t c = 0; c < classes; c++)
        values[c] = (float)scores[c];
    CNX_CHECK(cnx_folder_make(outputs.folder, err));
    CNX_CHECK(cnx_outputs_path(&j->paths[kind], &outputs, j->picture.input->stem,
                               cnx_classify_suffixes[kind], err));
    CNX_CHECK(cnx_output_open(&j->files[kind], j->paths[kind], err));
    CNX_CHECK(cnx_npy_begin_f32(&j->files[kind], 1, &classes, &offset, err));
    CNX_CHECK(cnx_output_write_at(&j->files[kind], values, classes * sizeof *values, offset, err));
cleanup:
    free(values);
    return status;
}

static cnx_status save(job *j, cnx_error *err)
{
    const cnx_classify_args *args = model_of(j->picture.session)->args;
    const double start = cnx_now();
    if (cnx_classify_saves(args, CNX_SAVE_CLASS_LOGITS))
        CNX_TRY(write_scores(j, CNX_SAVE_CLASS_LOGITS, j->logits, err));
    if (cnx_classify_saves(args, CNX_SAVE_CLASS_PROB))
        CNX_TRY(write_scores(j, CNX_SAVE_CLASS_PROB, j->probabilities, err));
    j->picture.write_seconds += cnx_now() - start;
    return CNX_OK;
}

static cnx_status process(cnx_picture *p, void *worker, int threads, cnx_error *err)
{
    job *j = (job *)p;
    cnx_classifier_group *group = worker;
    const cnx_classify_request request = {
        .image = &p->image, .progress = cnx_picture_go_on, .user = j};
    CNX_TRY(take_room(j, err));
    cnx_classifier_group_set_threads(group, threads);
    const cnx_class_scores scores = {.logits = j->logits, .probabilities = j->probabilities};
    const cnx_status status = cnx_classifier_group_run(group, &request, scores, &j->stats, err);
    if (p->session->jobs > 1 && p->session->args->max_memory.given)
        cnx_classifier_group_trim(group); /* others may be waiting for it */
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s", p->input->name);
        return status;
    }
    const bool of_logits = cnx_classifier_group_has_logits(group);
    cnx_top_k(of_logits ? j->logits : j->probabilities, description_of(p->session)->class_count,
              j->top_count, j->top);
    return save(j, err);
}

/* ---- in turn ---- */

static cnx_status commit(cnx_picture *p, cnx_error *err)
{
    job *j = (job *)p;
    for (int kind = 0; kind < CNX_CLASS_SAVES; kind++)
        if (j->paths[kind])
            CNX_TRY(cnx_output_commit(&j->files[kind], err));
    return CNX_OK;
}

static cnx_status report(cnx_picture *p, cnx_error *err)
{
    job *j = (job *)p;
    cnx_classify_model *m = model_of(p->session);
    const cnx_classified c = {.description = description_of(p->session),
                              .probabilities = j->probabilities,
                              .top = j->top,
                              .count = j->top_count,
                              .stats = &j->stats,
                              .outputs = j->paths};
    if (p->session->args->json.given)
        return cnx_classify_report_json(p, &c, err);
    if (!m->args->csv.given)
        return cnx_classify_report_text(p, &c, err);
    const bool head = !m->csv_begun;
    m->csv_begun = true;
    return cnx_classify_report_csv(p, &c, head, err);
}

static cnx_status plan(cnx_picture *p, cnx_error *err)
{
    return cnx_dry_run_tell(p, 0, err);
}

static void close(cnx_picture *p)
{
    job *j = (job *)p;
    for (int kind = 0; kind < CNX_CLASS_SAVES; kind++) {
        cnx_output_abort(&j->files[kind]);
        free(j->paths[kind]);
    }
    free(j->logits);
    free(j->probabilities);
    free(j->top);
}

const cnx_errand cnx_classify_errand = {
    .done = "classified",
    .smaller = "a smaller --size or fewer --threads needs less",
    .talks = true,
    .picture_size = sizeof(job),
    .estimate = estimate,
    .announce = announce,
    .open_worker = open_worker,
    .close_worker = close_worker,
    .process = process,
    .commit = commit,
    .report = report,
    .plan = plan,
    .close = close,
};
