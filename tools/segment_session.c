/*
 * The pictures of a run, one or several in flight, each on its way
 *
 *   probe and estimate (in order) -> decode -> network and rows -> complete files
 *   -> put into place and report (in order)
 *
 * What is written and told is that of one after the other: files come into place in the order of
 * the inputs, and none after a failure that ends the run.
 */
#include "tools/segment_session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/segment_report.h"
#include "tools/segment_writer.h"
#include "tools/words.h"

typedef cnx_segment_session session;

/* Takes one picture after the other. */
typedef struct cnx_segment_worker {
    session *session;
    cnx_segmentor *segmentor; /* owned; shares the weights */
    pthread_t thread;         /* of all but the first */
} worker;

/* One picture in flight. */
typedef struct job {
    session *session;
    size_t index;
    const cnx_input *input;
    cnx_input_bytes bytes;
    int width, height;
    cnx_segment_estimate estimate;
    size_t memory; /* admitted */
    cnx_image image;
    cnx_segment_writer *writer;
    cnx_segment_times times;
    cnx_segment_stats stats;
    double share;
} job;

static void lock(session *s)
{
    pthread_mutex_lock(&s->talk);
}

static void unlock(session *s)
{
    pthread_mutex_unlock(&s->talk);
}

/* ---- workers ---- */

static void *work(void *argument);

/* Those beside this thread; where the system gives fewer, fewer do the work. */
static void start_workers(session *s)
{
    sigset_t all, before; /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (s->started < s->jobs - 1) {
        worker *w = &s->workers[s->started + 1];
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            break;
        s->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void close_workers(session *s)
{
    for (int i = 1; i <= s->started; i++)
        pthread_join(s->workers[i].thread, NULL);
    for (int i = 0; s->workers && i < s->jobs; i++)
        cnx_segmentor_close(&s->workers[i].segmentor);
    free(s->workers);
    s->workers = NULL;
}

static cnx_status open_workers(session *s, cnx_error *err)
{
    cnx_status status = CNX_OK;
    s->workers = calloc((size_t)s->jobs, sizeof *s->workers);
    CNX_CHECK_IF(!s->workers, CNX_ERR_MEMORY, "not enough memory for %d pictures at once", s->jobs);
    for (int i = 0; i < s->jobs; i++) {
        s->workers[i].session = s;
        CNX_CHECK(cnx_segmentor_share(&s->workers[i].segmentor, s->segmentor, 1, err));
    }
    start_workers(s);
cleanup:
    if (status != CNX_OK)
        close_workers(s);
    return status;
}

/* ---- at the entrance ---- */

static void announce(session *s, const cnx_segment_estimate *estimate)
{
    if (s->announced || s->args->quiet.given)
        return;
    s->announced = true;
    const cnx_segment_args *args = s->args;
    const cnx_description *d = cnx_segmentor_description(s->segmentor);
    char pipeline[1024], at_once[64] = "";
    cnx_pipeline_describe(&s->pipeline, pipeline, sizeof pipeline);
    if (s->jobs > 1)
        snprintf(at_once, sizeof at_once, ", %d pictures at once", s->jobs);
    cnx_console_note("model %s: %s, segmentation, %d classes (%s)",
                     args->model.given ? args->model.value : "(embedded demo: cell nuclei)",
                     d->name, d->class_count, d->classes_from);
    cnx_console_note("pipeline %s: %s", *d->published ? d->published : "from the description",
                     pipeline);
    const cnx_kernels *kernels = cnx_segmentor_kernels(s->segmentor);
    cnx_console_note("kernels %s, weights %s, %d thread%s%s, peak memory about %s", kernels->name,
                     cnx_weight_type_name(kernels->weights), s->threads, s->threads == 1 ? "" : "s",
                     at_once, cnx_words_bytes(cnx_segment_jobs_total(s, estimate)).text);
}

/* What the run would need; refused when --max-memory is less. */
static cnx_status estimate(job *j, cnx_error *err)
{
    session *s = j->session;
    cnx_status status =
        s->jobs
            ? cnx_segment_jobs_estimate(s, j->width, j->height,
                                        cnx_segment_jobs_threads(s, j->index), &j->estimate, err)
            : cnx_segment_jobs_decide(s, j->width, j->height, &j->estimate, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s", j->input->name);
        return status;
    }
    const cnx_bytes_arg limit = s->args->max_memory;
    CNX_FAIL_IF(limit.given && j->estimate.total_bytes > limit.value, CNX_ERR_MEMORY,
                "%s: %d x %d needs about %s, and --max-memory allows %s; a smaller --scale, or "
                "--mode slide with a smaller --crop, needs less",
                j->input->name, j->width, j->height, cnx_words_bytes(j->estimate.total_bytes).text,
                cnx_words_bytes(limit.value).text);
    j->memory = j->estimate.arena_bytes + j->estimate.picture_bytes;
    return CNX_OK;
}

/* Finds out what the picture needs; the file stays open. */
static cnx_status enter(job *j, cnx_error *err)
{
    session *s = j->session;
    const cnx_decode_options options = {.ignore_exif =
                                            cnx_pipeline_args_ignore_exif(&s->args->pipeline)};
    const double start = cnx_now();
    CNX_TRY(cnx_input_open(&j->bytes, j->input, err));
    CNX_TRY(cnx_image_probe(j->bytes.data, j->bytes.size, j->input->name, &options, &j->width,
                            &j->height, err));
    CNX_TRY(estimate(j, err));
    lock(s);
    announce(s, &j->estimate);
    unlock(s);
    if (!s->workers && !s->args->dry_run.given)
        CNX_TRY(open_workers(s, err));
    j->times.decode = cnx_now() - start;
    return CNX_OK;
}

/* ---- on its own ---- */

static cnx_status decode(job *j, cnx_error *err)
{
    const cnx_decode_options options = {
        .ignore_exif = cnx_pipeline_args_ignore_exif(&j->session->args->pipeline)};
    const double start = cnx_now();
    CNX_TRY(
        cnx_image_decode(&j->image, j->bytes.data, j->bytes.size, j->input->name, &options, err));
    cnx_input_close(&j->bytes);
    j->times.decode += cnx_now() - start;
    return CNX_OK;
}

static bool to_be_stopped(const job *j)
{
    return cnx_interrupted() || cnx_queue_stopped(&j->session->queue);
}

static cnx_status on_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    job *j = user;
    CNX_FAIL_IF(to_be_stopped(j), CNX_ERR_INTERRUPTED, "interrupted");
    const double start = cnx_now();
    const cnx_status status = cnx_segment_writer_rows(j->writer, rows, err);
    j->times.write += cnx_now() - start;
    return status;
}

/* Counts this picture as done up to `share`. */
static void advance(job *j, double share)
{
    session *s = j->session;
    s->share += share - j->share;
    j->share = share;
    cnx_meter_share(&s->meter, s->share > 0 ? s->share : 0);
}

static bool on_progress(void *user, double done)
{
    job *j = user;
    lock(j->session);
    advance(j, done);
    unlock(j->session);
    return !to_be_stopped(j);
}

static cnx_segment_target target_of(const job *j)
{
    return (cnx_segment_target){.description = cnx_segmentor_description(j->session->segmentor),
                                .args = j->session->args,
                                .stem = j->input->stem,
                                .width = j->image.width,
                                .height = j->image.height};
}

static cnx_status run_network(job *j, cnx_segmentor *segmentor, cnx_error *err)
{
    session *s = j->session;
    const cnx_segment_request request = {.image = &j->image,
                                         .pipeline = &s->pipeline,
                                         .want = cnx_segment_writer_wants(s->args->save.bits),
                                         .sink = on_rows,
                                         .progress = on_progress,
                                         .user = j};
    cnx_segmentor_set_threads(segmentor, cnx_segment_jobs_threads(s, j->index));
    const cnx_status status = cnx_segmentor_run(segmentor, &request, &j->stats, err);
    if (s->jobs > 1 && s->args->max_memory.given)
        cnx_segmentor_trim(segmentor); /* others may be waiting for it */
    return status;
}

/* Runs the network over a decoded picture and completes what comes out. */
static cnx_status run_picture(job *j, cnx_segmentor *segmentor, cnx_error *err)
{
    const cnx_segment_target target = target_of(j);
    CNX_TRY(cnx_segment_writer_open(&j->writer, &target, err));
    CNX_TRY(run_network(j, segmentor, err));
    const double start = cnx_now();
    CNX_TRY(cnx_segment_writer_complete(j->writer, &j->image, err));
    j->times.write += cnx_now() - start;
    return CNX_OK;
}

/* ---- in turn ---- */

/* Remembers that a report could not be written: there is no point in going on then. */
static cnx_status printed(session *s, cnx_status status)
{
    s->output_lost = s->output_lost || status != CNX_OK;
    return status;
}

static cnx_status deliver(job *j, cnx_error *err)
{
    session *s = j->session;
    const bool json = s->args->json.given;
    if (s->args->dry_run.given)
        return printed(s, cnx_segment_report_plan(j->input->name, j->width, j->height, &j->estimate,
                                                  s->jobs, cnx_segment_jobs_total(s, &j->estimate),
                                                  json, err));
    const double start = cnx_now();
    CNX_TRY(cnx_segment_writer_commit(j->writer, err));
    j->times.write += cnx_now() - start;
    if (!json)
        return CNX_OK;
    const cnx_segment_target target = target_of(j);
    cnx_meter_clear(&s->meter);
    return printed(
        s, cnx_segment_report_done(j->input->name, &target, j->writer, &j->stats, &j->times, err));
}

/* Says why an input failed; true when the others go on. */
static bool tell_failure(session *s, const cnx_input *input, const cnx_error *error)
{
    cnx_meter_clear(&s->meter);
    s->failed++;
    if (error->message[0]) /* a reader of standard output that went away is no news */
        cnx_console_error("%s", error->message);
    if (s->output_lost || !s->args->keep_going.given)
        return false;
    cnx_error lost = {0};
    if (s->args->json.given &&
        printed(s, cnx_segment_report_failed(input->name, error->message, &lost)) != CNX_OK)
        cnx_console_error("%s", lost.message);
    return !s->output_lost;
}

/* The line names the picture whose turn it is. */
static void name_current(session *s, size_t index)
{
    if (index < s->queue.count)
        cnx_meter_item(&s->meter, s->inputs.items[index].name);
}

/* True when the others go on. */
static bool tell(job *j, cnx_status status, cnx_error *error)
{
    session *s = j->session;
    if (status == CNX_OK)
        status = deliver(j, error);
    s->interrupted = status == CNX_ERR_INTERRUPTED || cnx_interrupted();
    s->done += status == CNX_OK;
    if (s->interrupted)
        return false;
    if (status != CNX_OK && !tell_failure(s, j->input, error))
        return false;
    cnx_meter_item_done(&s->meter);
    s->share -= j->share;
    name_current(s, j->index + 1);
    return true;
}

/* ---- all together ---- */

static cnx_status process(job *j, int number, cnx_error *err)
{
    CNX_TRY(decode(j, err));
    return run_picture(j, j->session->workers[number].segmentor, err);
}

static void do_picture(session *s, size_t index, int number)
{
    job j = {.session = s, .index = index, .input = &s->inputs.items[index]};
    cnx_error error = {0};
    cnx_status status = cnx_interrupted() ? CNX_ERR_INTERRUPTED : enter(&j, &error);
    const bool admitted = cnx_queue_admit(&s->queue, j.memory);
    if (status == CNX_OK && admitted && !s->args->dry_run.given)
        status = process(&j, number, &error);
    if (cnx_queue_turn(&s->queue, index)) {
        lock(s);
        const bool go_on = tell(&j, status, &error);
        unlock(s);
        if (!go_on)
            cnx_queue_stop(&s->queue);
        cnx_queue_told(&s->queue);
    }
    cnx_segment_writer_close(&j.writer);
    cnx_image_free(&j.image);
    cnx_input_close(&j.bytes);
    cnx_queue_free(&s->queue, j.memory);
}

/* The worker with this number; there is only number 0 until the others have been made. */
static void do_pictures(session *s, int number)
{
    size_t index;
    while (cnx_queue_take(&s->queue, &index))
        do_picture(s, index, number);
}

static void *work(void *argument)
{
    const worker *w = argument;
    do_pictures(w->session, (int)(w - w->session->workers));
    return NULL;
}

void cnx_segment_session_run(cnx_segment_session *s)
{
    const size_t weights = cnx_segmentor_weights_bytes(s->segmentor);
    const bool limited = s->args->max_memory.given;
    pthread_mutex_init(&s->talk, NULL);
    cnx_queue_open(&s->queue, s->inputs.count, limited ? s->args->max_memory.value - weights : 0);
    name_current(s, 0);
    do_pictures(s, 0);
    close_workers(s);
    cnx_meter_clear(&s->meter);
    cnx_queue_close(&s->queue);
    pthread_mutex_destroy(&s->talk);
}
