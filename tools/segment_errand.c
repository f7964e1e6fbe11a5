#include "tools/segment_errand.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "tools/console.h"
#include "tools/dry_run.h"
#include "tools/segment_report.h"
#include "tools/segment_writer.h"

/* One picture in flight. */
typedef struct job {
    cnx_picture picture; /* first: what the session sees */
    cnx_segment_writer *writer;
    cnx_segment_stats stats;
} job;

static cnx_segment_model *model_of(const cnx_session *s)
{
    return s->model;
}

/* ---- at the entrance ---- */

/* What a picture needs: the segmentor's part and the writer's. */
static cnx_status estimate(cnx_picture *p, int threads, cnx_error *err)
{
    cnx_segment_model *m = model_of(p->session);
    const unsigned save = m->args->save.bits;
    const int classes = cnx_segmentor_group_description(&m->group)->class_count;
    cnx_segmentor_group_set_threads(&m->group, threads);
    cnx_segmentor_group_set_beside(&m->group,
                                   cnx_segment_writer_bytes(save, classes, p->width, p->height));
    return cnx_segmentor_group_estimate(&m->group, p->width, p->height,
                                        cnx_segment_writer_wants(save), &p->need, err);
}

static void announce_model(const cnx_session *s, const cnx_segmentor_group *group, int index)
{
    const cnx_description *d = cnx_segmentor_description(group->members[index]);
    char pipeline[1024], share[48] = "";
    cnx_pipeline_describe(&group->pipelines[index], pipeline, sizeof pipeline);
    if (group->count > 1)
        snprintf(share, sizeof share, ", weight %.4g in the average", group->shares[index]);
    cnx_console_note("model %s: %s, segmentation, %d classes (%s)%s",
                     s->args->model.given ? s->args->models.items[index]
                                          : "(embedded demo: cell nuclei)",
                     d->name, d->class_count, d->classes_from, share);
    cnx_console_note("pipeline %s: %s", *d->published ? d->published : "from the description",
                     pipeline);
}

static void announce(const cnx_picture *first, const char *at_once)
{
    const cnx_session *s = first->session;
    const cnx_segment_model *m = model_of(s);
    for (int i = 0; i < m->group.count; i++)
        announce_model(s, &m->group, i);
    cnx_picture_announce(first, cnx_segmentor_kernels(m->group.members[0]), at_once);
}

/* ---- on its own ---- */

static cnx_status open_worker(void **out, cnx_session *s, cnx_error *err)
{
    cnx_segmentor_group *shared = calloc(1, sizeof *shared);
    *out = shared;
    CNX_FAIL_IF(!shared, CNX_ERR_MEMORY, "not enough memory for a segmentor");
    return cnx_segmentor_group_share(shared, &model_of(s)->group, 1, err);
}

static void close_worker(void **worker)
{
    if (*worker)
        cnx_segmentor_group_close(*worker);
    free(*worker);
    *worker = NULL;
}

static cnx_status on_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    job *j = user;
    CNX_FAIL_IF(cnx_picture_stopped(&j->picture), CNX_ERR_INTERRUPTED, "interrupted");
    const double start = cnx_now();
    const cnx_status status = cnx_segment_writer_rows(j->writer, rows, err);
    j->picture.write_seconds += cnx_now() - start;
    return status;
}

static cnx_segment_target target_of(const job *j)
{
    const cnx_picture *p = &j->picture;
    const cnx_segment_model *m = model_of(p->session);
    return (cnx_segment_target){.description = cnx_segmentor_group_description(&m->group),
                                .args = m->args,
                                .stem = p->input->stem,
                                .width = p->image.width,
                                .height = p->image.height};
}

static cnx_status run_network(job *j, cnx_segmentor_group *group, int threads, cnx_error *err)
{
    const cnx_session *s = j->picture.session;
    const cnx_segment_model *m = model_of(s);
    const cnx_segment_request request = {.image = &j->picture.image,
                                         .want = cnx_segment_writer_wants(m->args->save.bits),
                                         .sink = on_rows,
                                         .progress = cnx_picture_go_on,
                                         .user = j};
    const int classes = cnx_segmentor_group_description(group)->class_count;
    cnx_segmentor_group_set_threads(group, threads);
    cnx_segmentor_group_set_beside(
        group,
        cnx_segment_writer_bytes(m->args->save.bits, classes, j->picture.width, j->picture.height));
    const cnx_status status = cnx_segmentor_group_run(group, &request, &j->stats, err);
    if (s->jobs > 1 && s->args->max_memory.given)
        cnx_segmentor_group_trim(group); /* others may be waiting for it */
    return status;
}

/* Runs the network over a decoded picture and completes what comes out. */
static cnx_status process(cnx_picture *p, void *worker, int threads, cnx_error *err)
{
    job *j = (job *)p;
    const cnx_segment_target target = target_of(j);
    CNX_TRY(cnx_segment_writer_open(&j->writer, &target, err));
    CNX_TRY(run_network(j, worker, threads, err));
    const double start = cnx_now();
    CNX_TRY(cnx_segment_writer_complete(j->writer, &p->image, err));
    p->write_seconds += cnx_now() - start;
    return CNX_OK;
}

/* ---- in turn ---- */

static cnx_status commit(cnx_picture *p, cnx_error *err)
{
    return cnx_segment_writer_commit(((job *)p)->writer, err);
}

static cnx_status report(cnx_picture *p, cnx_error *err)
{
    const job *j = (job *)p;
    const cnx_segment_target target = target_of(j);
    const cnx_segment_times times = {.decode = p->decode_seconds, .write = p->write_seconds};
    return cnx_segment_report_done(p->input->name, &target, j->writer, &j->stats, &times, err);
}

static cnx_status plan(cnx_picture *p, cnx_error *err)
{
    return cnx_dry_run_tell(p, CNX_TELL_PASSES | CNX_TELL_WINDOWS | CNX_TELL_SAVINGS, err);
}

static void close(cnx_picture *p)
{
    cnx_segment_writer_close(&((job *)p)->writer);
}

const cnx_errand cnx_segment_errand = {
    .done = "segmented",
    .smaller = "a smaller --scale, or --mode slide with a smaller --crop, needs less",
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
