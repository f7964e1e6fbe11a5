#include "tools/detect_errand.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/console.h"
#include "tools/detect_report.h"
#include "tools/detect_worker.h"
#include "tools/detect_writer.h"
#include "tools/dry_run.h"
#include "tools/relative_path.h"

/* One picture in flight. */
typedef struct job {
    cnx_picture picture; /* first: what the session sees */
    cnx_detections found;
    size_t *order;
    char *image_path;
    cnx_detected detected;
    cnx_detect_writer *writer;
    cnx_detect_stats stats;
} job;

static cnx_detect_model *model_of(const cnx_session *s)
{
    return s->model;
}

static cnx_detect_request request_of(const cnx_detect_model *m, const cnx_image *image)
{
    return (cnx_detect_request){.image = image,
                                .pipeline = &m->pipeline,
                                .rules = &m->rules,
                                .only = m->only,
                                .no_masks = m->args->detection.no_masks.given};
}

/* ---- at the entrance ---- */

/* What a picture needs: the detector's part and the writer's. */
static cnx_status estimate(cnx_picture *p, int threads, cnx_error *err)
{
    const cnx_detect_model *m = model_of(p->session);
    cnx_estimate *e = &p->need;
    const cnx_detect_request request = request_of(m, NULL);
    cnx_detector_set_threads(m->detector, threads);
    CNX_TRY(cnx_detector_estimate(m->detector, p->width, p->height, &request, e, err));
    const size_t own = cnx_detect_writer_bytes(m->args, p->width, p->height);
    if (!cnx_add(e->picture_bytes, own, &e->picture_bytes) ||
        !cnx_add(e->total_bytes, own, &e->total_bytes))
        e->total_bytes = SIZE_MAX;
    return CNX_OK;
}

static void announce(const cnx_picture *first, const char *at_once)
{
    const cnx_session *s = first->session;
    const cnx_detect_model *m = model_of(s);
    const cnx_description *d = cnx_detector_description(m->detector);
    char pipeline[1024];
    cnx_detection_describe(&m->pipeline, &m->rules, pipeline, sizeof pipeline);
    cnx_console_note("model %s: %s, detection, %d class%s (%s)",
                     s->args->model.given ? s->args->model.value : "(embedded demo: cell nuclei)",
                     d->name, d->class_count, d->class_count == 1 ? "" : "es", d->classes_from);
    cnx_console_note("pipeline %s: %s", *d->published ? d->published : "from the description",
                     pipeline);
    cnx_picture_announce(first, cnx_detector_kernels(m->detector), at_once);
}

/* ---- on its own ---- */

static cnx_status open_worker(void **out, cnx_session *s, cnx_error *err)
{
    return cnx_detect_worker_open(out, model_of(s)->detector, err);
}

/* What the writers are told. */
static cnx_status describe(job *j, cnx_error *err)
{
    const cnx_picture *p = &j->picture;
    const cnx_detect_model *m = model_of(p->session);
    const cnx_description *d = cnx_detector_description(m->detector);
    const char *name = p->input->name, *slash = strrchr(name, '/');
    j->order = calloc(j->found.count + 1, sizeof *j->order);
    CNX_FAIL_IF(!j->order, CNX_ERR_MEMORY, "not enough memory for the results");
    const size_t count = cnx_detected_order(j->order, &j->found, d);
    if (p->input->is_stdin)
        name = p->input->stem;
    else if (slash)
        name = slash + 1;
    if (p->input->is_stdin)
        j->image_path = strdup(name);
    else
        CNX_TRY(cnx_relative_path(&j->image_path, m->args->run.out.value, p->input->name, err));
    CNX_FAIL_IF(!j->image_path, CNX_ERR_MEMORY, "not enough memory for a path");
    j->detected = (cnx_detected){
        .description = d,
        .found = &j->found,
        .order = j->order,
        .count = count,
        .image_id = m->ids[p->index],
        .first_id = (long long)p->index * m->rules.max_per_img + 1,
        .file_name = name,
        .image_path = j->image_path,
        .tolerance = m->args->tolerance.value,
        .no_boxes = m->args->no_boxes.given,
    };
    return CNX_OK;
}

static cnx_status process(cnx_picture *p, void *worker, int threads, cnx_error *err)
{
    job *j = (job *)p;
    const cnx_detect_model *m = model_of(p->session);
    const cnx_detect_request request = request_of(m, &p->image);
    CNX_TRY(cnx_detect_worker_run(worker, p, &request, threads, &j->found, &j->stats, err));
    const double start = cnx_now();
    CNX_TRY(describe(j, err));
    CNX_TRY(
        cnx_detect_writer_make(&j->writer, m->args, p->input->stem, &j->detected, &p->image, err));
    p->write_seconds += cnx_now() - start;
    return CNX_OK;
}

/* ---- in turn ---- */

static cnx_status commit(cnx_picture *p, cnx_error *err)
{
    return cnx_detect_writer_commit(((job *)p)->writer, model_of(p->session)->results, err);
}

static cnx_status report(cnx_picture *p, cnx_error *err)
{
    const job *j = (job *)p;
    return cnx_detect_report_done(p, &j->detected, j->writer, &j->stats, err);
}

static cnx_status plan(cnx_picture *p, cnx_error *err)
{
    return cnx_dry_run_tell(p, CNX_TELL_PASSES | CNX_TELL_AT_MOST, err);
}

static void close(cnx_picture *p)
{
    job *j = (job *)p;
    cnx_detect_writer_close(&j->writer);
    cnx_detections_free(&j->found);
    free(j->order);
    free(j->image_path);
}

const cnx_errand cnx_detect_errand = {
    .done = "searched",
    .smaller = "a smaller --scale needs less",
    .picture_size = sizeof(job),
    .estimate = estimate,
    .announce = announce,
    .open_worker = open_worker,
    .close_worker = cnx_detect_worker_close,
    .process = process,
    .commit = commit,
    .report = report,
    .plan = plan,
    .close = close,
};
