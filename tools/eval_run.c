/*
 * Some workers take one picture after the other: one more than there may be in the network, so that
 * the next is decoded meanwhile.  Results are told in the order of the data set.
 */
#include "tools/eval_run.h"

#include <stdlib.h>
#include <string.h>

#include "core/image/png.h"
#include "core/memory.h"
#include "eval/semantic_record.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/outputs.h"
#include "tools/queue.h"

/* ---- what the workers share ---- */

typedef struct slot {
    cnx_segmentor *segmentor; /* owned; shares the weights */
    bool busy;
} slot;

typedef struct crew {
    cnx_eval_run *run;
    cnx_queue queue;
    size_t *pending; /* indexes of the pictures to do */
    pthread_mutex_t mutex;
    pthread_cond_t free_slot;
    slot *slots;
    int slot_count;
    cnx_error error; /* what ended the run */
} crew;

typedef struct worker {
    crew *crew;
    pthread_t thread;
    bool started;
    cnx_label_reader *reader;
    cnx_semantic_counter *counter;
    cnx_semantic_counts counts;
    int64_t *confusion;
} worker;

/* One picture on its way. */
typedef struct job {
    worker *worker;
    cnx_eval_picture *picture;
    cnx_image image;
    cnx_label_map truth;
    cnx_output output; /* --save-pred */
    cnx_png_writer *png;
    uint8_t *bytes; /* labels of 8 bits, rows of one call */
} job;

static size_t matrix_cells(const cnx_eval_run *run)
{
    const size_t n = (size_t)run->rules.classes;
    return run->rules.classes <= CNX_EVAL_MATRIX_CLASSES ? n * n : 0;
}

/* ---- the run's own memory ---- */

cnx_status cnx_eval_run_open(cnx_eval_run *run, const cnx_dataset_item *items, size_t count,
                             cnx_error *err)
{
    run->count = count;
    run->pictures = calloc(count ? count : 1, sizeof *run->pictures);
    CNX_FAIL_IF(!run->pictures, CNX_ERR_MEMORY, "not enough memory for %zu pictures", count);
    for (size_t i = 0; i < count; i++)
        run->pictures[i].item = &items[i];
    if (matrix_cells(run)) {
        run->confusion = calloc(matrix_cells(run), sizeof *run->confusion);
        CNX_FAIL_IF(!run->confusion, CNX_ERR_MEMORY, "not enough memory for the confusion matrix");
    }
    return cnx_semantic_counts_alloc(&run->counts, run->rules.classes, err);
}

void cnx_eval_run_close(cnx_eval_run *run)
{
    for (size_t i = 0; run->pictures && i < run->count; i++)
        free(run->pictures[i].problem);
    free(run->pictures);
    free(run->confusion);
    cnx_semantic_counts_free(&run->counts);
}

/* Adds a picture's counts to the run. */
static void take_over(cnx_eval_run *run, cnx_eval_picture *picture,
                      const cnx_semantic_counts *counts)
{
    cnx_semantic_counts_add(&run->counts, counts);
    cnx_semantic_summarise(&picture->summary, counts, &run->scores);
    picture->pixels = 0;
    for (int c = 0; c < counts->classes; c++)
        picture->pixels += counts->labelled[c];
    picture->done = true;
    run->done++;
}

cnx_status cnx_eval_run_restore(void *user, size_t index, const char *text, cnx_error *err)
{
    cnx_eval_run *run = user;
    cnx_semantic_counts counts = {0};
    CNX_TRY(cnx_semantic_counts_alloc(&counts, run->rules.classes, err));
    const cnx_status status = cnx_semantic_record_read(text, &counts, run->confusion, err);
    if (status == CNX_OK)
        take_over(run, &run->pictures[index], &counts);
    cnx_semantic_counts_free(&counts);
    return status;
}

/* ---- one picture ---- */

static cnx_status read_image(const cnx_eval_run *run, const cnx_dataset_item *item,
                             cnx_image *image, cnx_error *err)
{
    const cnx_decode_options options = {.ignore_exif =
                                            cnx_pipeline_args_ignore_exif(&run->args->pipeline)};
    CNX_FAIL_IF(!item->image, CNX_ERR_IO, "%s: there is no picture for this label file",
                item->labels);
    CNX_FAIL_IF(!item->labels, CNX_ERR_IO, "%s: there is no label file for this picture",
                item->image);
    return cnx_image_read(image, item->image, &options, err);
}

static cnx_status decode(job *j, cnx_error *err)
{
    const cnx_eval_run *run = j->worker->crew->run;
    const cnx_dataset_item *item = j->picture->item;
    CNX_TRY(read_image(run, item, &j->image, err));
    CNX_TRY(cnx_labels_read(&j->truth, j->worker->reader, item->labels, run->classes->rules.coding,
                            err));
    CNX_FAIL_IF(j->truth.width != j->image.width || j->truth.height != j->image.height,
                CNX_ERR_FORMAT, "%s: %d x %d labels for a picture of %d x %d (%s)", item->labels,
                j->truth.width, j->truth.height, j->image.width, j->image.height, item->image);
    return CNX_OK;
}

static bool to_be_stopped(const job *j)
{
    return cnx_interrupted() || cnx_queue_stopped(&j->worker->crew->queue);
}

/* The labels of these rows into the PNG of --save-pred. */
static cnx_status save_rows(job *j, const cnx_segment_rows *rows, cnx_error *err)
{
    const size_t n = (size_t)rows->count * (size_t)rows->width;
    if (j->worker->crew->run->rules.classes > 256)
        return cnx_png_write_rows(j->png, rows->labels, rows->count, err);
    uint8_t *bytes = realloc(j->bytes, n);
    CNX_FAIL_IF(!bytes, CNX_ERR_MEMORY, "not enough memory for labels");
    j->bytes = bytes;
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)rows->labels[i];
    return cnx_png_write_rows(j->png, bytes, rows->count, err);
}

static cnx_status on_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    job *j = user;
    worker *w = j->worker;
    CNX_FAIL_IF(to_be_stopped(j), CNX_ERR_INTERRUPTED, "interrupted");
    const size_t first = (size_t)rows->y * (size_t)rows->width;
    const bool wide = j->truth.u16 != NULL;
    const cnx_label_view truth = {
        wide ? (const void *)(j->truth.u16 + first) : (const void *)(j->truth.u8 + first), wide};
    cnx_semantic_count(w->counter, truth, (cnx_label_view){rows->labels, true},
                       (size_t)rows->count * (size_t)rows->width, &w->counts, w->confusion);
    return j->png ? save_rows(j, rows, err) : CNX_OK;
}

static bool on_progress(void *user, double done)
{
    (void)done;
    return !to_be_stopped(user);
}

cnx_status cnx_eval_saved_path(char **out, const cnx_eval_args *args, const char *id,
                               cnx_error *err)
{
    CNX_FAIL_IF(asprintf(out, "%s/%s.png", args->save_pred.value, id) < 0, CNX_ERR_MEMORY,
                "not enough memory for a path");
    return CNX_OK;
}

static cnx_status open_saved(job *j, cnx_error *err)
{
    const cnx_eval_run *run = j->worker->crew->run;
    const bool indexed = run->rules.classes <= 256;
    char *path;
    if (!run->args->save_pred.given)
        return CNX_OK;
    CNX_TRY(cnx_eval_saved_path(&path, run->args, j->picture->item->id, err));
    cnx_status status = CNX_OK;
    char *slash = strrchr(path, '/');
    *slash = '\0'; /* an id may have folders in it */
    CNX_CHECK(cnx_folder_make(path, err));
    *slash = '/';
    CNX_CHECK(cnx_output_open(&j->output, path, err));
    CNX_CHECK(cnx_png_open(&j->png, &j->output, indexed ? CNX_PNG_INDEXED8 : CNX_PNG_GREY16,
                           j->image.width, j->image.height, indexed ? run->classes->palette : NULL,
                           indexed ? run->rules.classes : 0, err));
cleanup:
    free(path);
    return status;
}

static slot *take_slot(crew *c)
{
    slot *found = NULL;
    pthread_mutex_lock(&c->mutex);
    while (!found) {
        for (int i = 0; i < c->slot_count && !found; i++)
            if (!c->slots[i].busy)
                found = &c->slots[i];
        if (!found)
            pthread_cond_wait(&c->free_slot, &c->mutex);
    }
    found->busy = true;
    pthread_mutex_unlock(&c->mutex);
    return found;
}

static void give_slot(crew *c, slot *s)
{
    pthread_mutex_lock(&c->mutex);
    s->busy = false;
    pthread_cond_signal(&c->free_slot);
    pthread_mutex_unlock(&c->mutex);
}

static cnx_status infer(job *j, cnx_error *err)
{
    worker *w = j->worker;
    const cnx_eval_run *run = w->crew->run;
    const cnx_segment_request request = {.image = &j->image,
                                         .pipeline = &run->pipeline,
                                         .sink = on_rows,
                                         .progress = on_progress,
                                         .user = j};
    cnx_segment_stats stats;
    slot *s = take_slot(w->crew);
    const cnx_status status = cnx_segmentor_run(s->segmentor, &request, &stats, err);
    give_slot(w->crew, s);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", j->picture->item->image);
    return status;
}

static cnx_status do_picture(job *j, cnx_error *err)
{
    worker *w = j->worker;
    cnx_semantic_counts_clear(&w->counts);
    if (w->confusion)
        memset(w->confusion, 0, matrix_cells(w->crew->run) * sizeof *w->confusion);
    CNX_TRY(decode(j, err));
    CNX_TRY(open_saved(j, err));
    CNX_TRY(infer(j, err));
    return j->png ? cnx_png_finish(j->png, err) : CNX_OK;
}

/* ---- in turn ---- */

static cnx_status deliver(job *j, size_t index, cnx_error *err)
{
    worker *w = j->worker;
    cnx_eval_run *run = w->crew->run;
    char *record = NULL;
    cnx_status status = CNX_OK;
    if (j->png)
        CNX_TRY(cnx_output_commit(&j->output, err));
    if (run->journal) {
        CNX_CHECK(cnx_semantic_record_write(&record, &w->counts, w->confusion, err));
        CNX_CHECK(cnx_journal_add(run->journal, index, record, err));
    }
    take_over(run, j->picture, &w->counts);
    for (size_t i = 0; w->confusion && i < matrix_cells(run); i++)
        run->confusion[i] += w->confusion[i];
cleanup:
    free(record);
    return status;
}

/* True when the others go on. */
static bool tell(job *j, size_t index, cnx_status status, cnx_error *error)
{
    crew *c = j->worker->crew;
    cnx_eval_run *run = c->run;
    if (status == CNX_OK && cnx_interrupted())
        status = CNX_ERR_INTERRUPTED;
    bool lost = false; /* what cannot be written will not be written the next time either */
    if (status == CNX_OK) {
        status = deliver(j, index, error);
        lost = status != CNX_OK;
    }
    run->interrupted = status == CNX_ERR_INTERRUPTED;
    if (run->interrupted)
        return false;
    if (status != CNX_OK) {
        run->failed++;
        j->picture->problem = strdup(error->message);
        if (lost || !run->args->keep_going.given || !j->picture->problem) {
            c->error = *error;
            return false;
        }
        cnx_meter_clear(&run->meter);
        cnx_console_error("%s", error->message);
    }
    cnx_meter_item_done(&run->meter);
    return true;
}

static void *work(void *argument)
{
    worker *w = argument;
    crew *c = w->crew;
    size_t turn;
    while (cnx_queue_take(&c->queue, &turn)) {
        const size_t index = c->pending[turn];
        job j = {.worker = w, .picture = &c->run->pictures[index]};
        cnx_error error = {0};
        cnx_queue_admit(&c->queue, 0);
        const cnx_status status = cnx_interrupted() ? CNX_ERR_INTERRUPTED : do_picture(&j, &error);
        if (cnx_queue_turn(&c->queue, turn)) {
            if (!tell(&j, index, status, &error))
                cnx_queue_stop(&c->queue);
            cnx_queue_told(&c->queue);
        }
        cnx_png_close(&j.png);
        cnx_output_abort(&j.output);
        cnx_image_free(&j.image);
        free(j.bytes);
    }
    return NULL;
}

/* ---- all of them ---- */

static cnx_status open_slots(crew *c, cnx_error *err)
{
    const int threads = c->run->threads / c->slot_count;
    c->slots = calloc((size_t)c->slot_count, sizeof *c->slots);
    CNX_FAIL_IF(!c->slots, CNX_ERR_MEMORY, "not enough memory for %d pictures at once",
                c->slot_count);
    for (int i = 0; i < c->slot_count; i++)
        CNX_TRY(cnx_segmentor_share(&c->slots[i].segmentor, c->run->segmentor,
                                    threads > 0 ? threads : 1, err));
    return CNX_OK;
}

static cnx_status open_worker(worker *w, crew *c, cnx_error *err)
{
    const cnx_eval_run *run = c->run;
    w->crew = c;
    CNX_TRY(cnx_label_reader_open(&w->reader, err));
    CNX_TRY(cnx_semantic_counter_open(&w->counter, &run->rules, err));
    CNX_TRY(cnx_semantic_counts_alloc(&w->counts, run->rules.classes, err));
    if (matrix_cells(run)) {
        w->confusion = calloc(matrix_cells(run), sizeof *w->confusion);
        CNX_FAIL_IF(!w->confusion, CNX_ERR_MEMORY, "not enough memory for a confusion matrix");
    }
    return CNX_OK;
}

static void close_worker(worker *w)
{
    cnx_label_reader_close(&w->reader);
    cnx_semantic_counter_close(&w->counter);
    cnx_semantic_counts_free(&w->counts);
    free(w->confusion);
}

/* The calling thread works as well; where the system gives fewer threads, fewer do the work. */
static void work_together(worker *workers, int count)
{
    for (int i = 1; i < count; i++)
        workers[i].started = pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
    work(&workers[0]);
    for (int i = 1; i < count; i++)
        if (workers[i].started)
            pthread_join(workers[i].thread, NULL);
}

cnx_status cnx_eval_run_do(cnx_eval_run *run, cnx_error *err)
{
    crew c = {.run = run, .slot_count = run->args->jobs.value};
    const int count = c.slot_count + 1;
    size_t pending = 0;
    cnx_status status = CNX_OK;
    pthread_mutex_init(&c.mutex, NULL);
    pthread_cond_init(&c.free_slot, NULL);
    c.pending = calloc(run->count ? run->count : 1, sizeof *c.pending);
    worker *workers = calloc((size_t)count, sizeof *workers);
    CNX_CHECK_IF(!c.pending || !workers, CNX_ERR_MEMORY, "not enough memory for the run");
    CNX_CHECK(open_slots(&c, err));
    for (int i = 0; i < count; i++)
        CNX_CHECK(open_worker(&workers[i], &c, err));
    for (size_t i = 0; i < run->count; i++)
        if (!run->pictures[i].done)
            c.pending[pending++] = i;
    cnx_queue_open(&c.queue, pending, 0);
    work_together(workers, count);
    cnx_queue_close(&c.queue);
    cnx_meter_clear(&run->meter);
    if (c.error.status != CNX_OK) {
        *err = c.error;
        status = c.error.status;
    }
cleanup:
    for (int i = 0; workers && i < count; i++)
        close_worker(&workers[i]);
    for (int i = 0; c.slots && i < c.slot_count; i++)
        cnx_segmentor_close(&c.slots[i].segmentor);
    free(workers);
    free(c.slots);
    free(c.pending);
    pthread_cond_destroy(&c.free_slot);
    pthread_mutex_destroy(&c.mutex);
    return status;
}

/* ---- one picture again ---- */

static cnx_status keep_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    (void)err;
    uint16_t *labels = user;
    memcpy(labels + (size_t)rows->y * (size_t)rows->width, rows->labels,
           (size_t)rows->count * (size_t)rows->width * sizeof *labels);
    return CNX_OK;
}

cnx_status cnx_eval_run_predict(const cnx_eval_run *run, const cnx_eval_picture *picture,
                                cnx_image *image, uint16_t **labels, cnx_error *err)
{
    CNX_TRY(read_image(run, picture->item, image, err));
    const size_t pixels = (size_t)image->width * (size_t)image->height;
    *labels = malloc(pixels * sizeof **labels);
    CNX_FAIL_IF(!*labels, CNX_ERR_MEMORY, "not enough memory for labels");
    const cnx_segment_request request = {
        .image = image, .pipeline = &run->pipeline, .sink = keep_rows, .user = *labels};
    cnx_segment_stats stats;
    return cnx_segmentor_run(run->segmentor, &request, &stats, err);
}
