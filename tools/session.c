/*
 * The pictures of a run, one or several in flight, each on its way
 *
 *   probe and estimate (in order) -> decode -> network, complete files
 *   -> put into place and report (in order)
 *
 * What is written and told is that of one after the other: files come into place in the order of
 * the inputs, and none after a failure that ends the run.
 */
#include "tools/session.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/report.h"
#include "tools/words.h"

/* Takes one picture after the other. */
typedef struct cnx_session_worker {
    cnx_session *session;
    void *network;    /* owned; shares the weights */
    pthread_t thread; /* of all but the first */
} worker;

static void lock(cnx_session *s)
{
    pthread_mutex_lock(&s->talk);
}

static void unlock(cnx_session *s)
{
    pthread_mutex_unlock(&s->talk);
}

/* ---- workers ---- */

static void *work(void *argument);

/* Those beside this thread; where the system gives fewer, fewer do the work. */
static void start_workers(cnx_session *s)
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

static void close_workers(cnx_session *s)
{
    for (int i = 1; i <= s->started; i++)
        pthread_join(s->workers[i].thread, NULL);
    for (int i = 0; s->workers && i < s->jobs; i++)
        s->errand->close_worker(&s->workers[i].network);
    free(s->workers);
    s->workers = NULL;
}

static cnx_status open_workers(cnx_session *s, cnx_error *err)
{
    cnx_status status = CNX_OK;
    s->workers = calloc((size_t)s->jobs, sizeof *s->workers);
    CNX_CHECK_IF(!s->workers, CNX_ERR_MEMORY, "not enough memory for %d pictures at once", s->jobs);
    for (int i = 0; i < s->jobs; i++) {
        s->workers[i].session = s;
        CNX_CHECK(s->errand->open_worker(&s->workers[i].network, s, err));
    }
    start_workers(s);
cleanup:
    if (status != CNX_OK)
        close_workers(s);
    return status;
}

/* ---- at the entrance ---- */

static void announce(const cnx_picture *p)
{
    cnx_session *s = p->session;
    if (s->announced || s->args->quiet.given)
        return;
    s->announced = true;
    char at_once[64] = "";
    if (s->jobs > 1)
        snprintf(at_once, sizeof at_once, ", %d pictures at once", s->jobs);
    s->errand->announce(p, at_once);
}

void cnx_picture_announce(const cnx_picture *first, const cnx_kernels *kernels, const char *at_once)
{
    const int threads = first->session->threads;
    cnx_console_note("kernels %s, weights %s, %d thread%s%s, peak memory about %s", kernels->name,
                     cnx_weight_type_name(kernels->weights), threads, threads == 1 ? "" : "s",
                     at_once, cnx_words_bytes(cnx_picture_total(first)).text);
}

/* What the run would need; refused when --max-memory is less. */
static cnx_status estimate(cnx_picture *p, cnx_error *err)
{
    cnx_session *s = p->session;
    const cnx_status status = s->jobs
                                  ? s->errand->estimate(p, cnx_session_threads(s, p->index), err)
                                  : cnx_session_decide_jobs(s, p, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s", p->input->name);
        return status;
    }
    const cnx_bytes_arg limit = s->args->max_memory;
    CNX_FAIL_IF(limit.given && p->need.total_bytes > limit.value, CNX_ERR_MEMORY,
                "%s: %d x %d needs about %s, and --max-memory allows %s; %s", p->input->name,
                p->width, p->height, cnx_words_bytes(p->need.total_bytes).text,
                cnx_words_bytes(limit.value).text, s->errand->smaller);
    p->memory = p->need.arena_bytes + p->need.picture_bytes;
    return CNX_OK;
}

/* Finds out what the picture needs; the file stays open. */
static cnx_status enter(cnx_picture *p, cnx_error *err)
{
    cnx_session *s = p->session;
    const cnx_decode_options options = {.ignore_exif =
                                            cnx_pipeline_args_ignore_exif(&s->args->pipeline)};
    const double start = cnx_now();
    CNX_TRY(cnx_input_open(&p->bytes, p->input, err));
    CNX_TRY(cnx_image_probe(p->bytes.data, p->bytes.size, p->input->name, &options, &p->width,
                            &p->height, err));
    CNX_TRY(estimate(p, err));
    lock(s);
    announce(p);
    unlock(s);
    if (!s->workers && !s->args->dry_run.given)
        CNX_TRY(open_workers(s, err));
    p->decode_seconds = cnx_now() - start;
    return CNX_OK;
}

/* ---- on its own ---- */

static cnx_status decode(cnx_picture *p, cnx_error *err)
{
    const cnx_decode_options options = {
        .ignore_exif = cnx_pipeline_args_ignore_exif(&p->session->args->pipeline)};
    const double start = cnx_now();
    CNX_TRY(
        cnx_image_decode(&p->image, p->bytes.data, p->bytes.size, p->input->name, &options, err));
    cnx_input_close(&p->bytes);
    p->decode_seconds += cnx_now() - start;
    return CNX_OK;
}

bool cnx_picture_stopped(const cnx_picture *p)
{
    return cnx_interrupted() || cnx_queue_stopped(&p->session->queue);
}

bool cnx_picture_go_on(void *picture, double share)
{
    cnx_picture *p = picture;
    cnx_session *s = p->session;
    lock(s);
    s->share += share - p->share;
    p->share = share;
    cnx_meter_share(&s->meter, s->share > 0 ? s->share : 0);
    unlock(s);
    return !cnx_picture_stopped(p);
}

/* ---- in turn ---- */

/* Remembers that a report could not be written: there is no point in going on then. */
static cnx_status printed(cnx_session *s, cnx_status status)
{
    s->output_lost = s->output_lost || status != CNX_OK;
    return status;
}

/* A line of JSON for each picture. */
static bool tells_each(const cnx_session *s)
{
    return s->args->json.given && s->errand->report;
}

static cnx_status deliver(cnx_picture *p, cnx_error *err)
{
    cnx_session *s = p->session;
    if (s->args->dry_run.given)
        return printed(s, s->errand->plan(p, err));
    const double start = cnx_now();
    CNX_TRY(s->errand->commit(p, err));
    p->write_seconds += cnx_now() - start;
    if (!tells_each(s) && !s->errand->talks)
        return CNX_OK;
    cnx_meter_clear(&s->meter);
    return printed(s, s->errand->report(p, err));
}

static cnx_status report_failed(const char *name, const char *reason, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound =
        object && cnx_report_text(object, "file", name) && cnx_report_text(object, "error", reason);
    return cnx_report_finish(object, sound, err);
}

/* Says why an input failed; true when the others go on. */
static bool tell_failure(cnx_picture *p, const cnx_error *error)
{
    cnx_session *s = p->session;
    cnx_meter_clear(&s->meter);
    s->failed++;
    if (s->errand->failed)
        s->errand->failed(p, error->message);
    if (error->message[0]) /* a reader of standard output that went away is no news */
        cnx_console_error("%s", error->message);
    if (s->output_lost || !s->args->keep_going.given)
        return false;
    cnx_error lost = {0};
    if (tells_each(s) && printed(s, report_failed(p->input->name, error->message, &lost)) != CNX_OK)
        cnx_console_error("%s", lost.message);
    return !s->output_lost;
}

/* The line names the picture whose turn it is. */
static void name_current(cnx_session *s, size_t index)
{
    if (index < s->queue.count)
        cnx_meter_item(&s->meter, s->inputs.items[index].name);
}

/* True when the others go on. */
static bool tell(cnx_picture *p, cnx_status status, cnx_error *error)
{
    cnx_session *s = p->session;
    if (status == CNX_OK)
        status = deliver(p, error);
    s->interrupted = status == CNX_ERR_INTERRUPTED || cnx_interrupted();
    s->done += status == CNX_OK;
    if (s->interrupted)
        return false;
    if (status != CNX_OK && !tell_failure(p, error))
        return false;
    cnx_meter_item_done(&s->meter);
    s->share -= p->share;
    name_current(s, p->index + 1);
    return true;
}

/* ---- all together ---- */

static cnx_status process(cnx_picture *p, int number, cnx_error *err)
{
    cnx_session *s = p->session;
    CNX_TRY(decode(p, err));
    return s->errand->process(p, s->workers[number].network, cnx_session_threads(s, p->index), err);
}

/* p: zeroed, of the errand's size. */
static void do_picture(cnx_picture *p, cnx_session *s, size_t index, int number)
{
    cnx_error error = {0};
    p->session = s;
    p->index = index;
    p->input = &s->inputs.items[index];
    cnx_status status = cnx_interrupted() ? CNX_ERR_INTERRUPTED : enter(p, &error);
    const bool admitted = cnx_queue_admit(&s->queue, p->memory);
    if (status == CNX_OK && admitted && !s->args->dry_run.given)
        status = process(p, number, &error);
    if (cnx_queue_turn(&s->queue, index)) {
        lock(s);
        const bool go_on = tell(p, status, &error);
        unlock(s);
        if (!go_on)
            cnx_queue_stop(&s->queue);
        cnx_queue_told(&s->queue);
    }
    s->errand->close(p);
    cnx_image_free(&p->image);
    cnx_input_close(&p->bytes);
    cnx_queue_free(&s->queue, p->memory);
}

/* The worker with this number; there is only number 0 until the others have been made. */
static void do_pictures(cnx_session *s, int number)
{
    size_t index;
    while (cnx_queue_take(&s->queue, &index)) {
        void *picture = calloc(1, s->errand->picture_size);
        if (picture) {
            do_picture(picture, s, index, number);
            free(picture);
            continue;
        }
        lock(s);
        s->failed++;
        cnx_console_error("not enough memory for a picture");
        unlock(s);
        cnx_queue_admit(&s->queue, 0);
        cnx_queue_stop(&s->queue);
    }
}

static void *work(void *argument)
{
    const worker *w = argument;
    do_pictures(w->session, (int)(w - w->session->workers));
    return NULL;
}

void cnx_session_run(cnx_session *s)
{
    const bool limited = s->args->max_memory.given;
    pthread_mutex_init(&s->talk, NULL);
    cnx_queue_open(&s->queue, s->inputs.count,
                   limited ? s->args->max_memory.value - s->weights_bytes : 0);
    name_current(s, 0);
    do_pictures(s, 0);
    close_workers(s);
    cnx_meter_clear(&s->meter);
    cnx_queue_close(&s->queue);
    pthread_mutex_destroy(&s->talk);
}

int cnx_session_exit_code(const cnx_session *s)
{
    if (s->interrupted) {
        cnx_console_note("interrupted after %zu of %zu", s->done, s->inputs.count);
        return CNX_EXIT_INTERRUPTED;
    }
    if (s->failed == 0)
        return CNX_EXIT_DONE;
    return s->done && s->args->keep_going.given && !s->output_lost ? CNX_EXIT_SOME_FAILED
                                                                   : CNX_EXIT_FAILED;
}

void cnx_session_tell_end(const cnx_session *s)
{
    if (s->args->quiet.given || s->args->dry_run.given || s->done == 0)
        return;
    const double seconds = cnx_now() - s->meter.started;
    char failed[48] = "";
    if (s->failed)
        snprintf(failed, sizeof failed, ", %zu failed", s->failed);
    cnx_console_note(
        "%zu picture%s %s in %.2f s%s, peak memory %s%s%s", s->done, s->done == 1 ? "" : "s",
        s->errand->done, seconds, failed, cnx_words_bytes(cnx_peak_rss()).text,
        s->args->out.given ? ", results in " : "", s->args->out.given ? s->args->out.value : "");
}
