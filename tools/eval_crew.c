#include "tools/eval_crew.h"

#include <stdlib.h>

#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/queue.h"

typedef struct slot {
    void *network; /* owned; shares the weights */
    bool busy;
} slot;

struct cnx_crew {
    const cnx_crew_order *order;
    cnx_queue queue;
    pthread_mutex_t mutex; /* of the slots */
    pthread_cond_t free_slot;
    slot *slots; /* owned, [jobs] */
    bool interrupted;
    cnx_error error; /* what ended the run */
};

bool cnx_crew_stopped(const cnx_crew_job *job)
{
    return cnx_interrupted() || cnx_queue_stopped(&job->crew->queue);
}

/* ---- networks ---- */

static slot *take_slot(cnx_crew *c)
{
    slot *found = NULL;
    pthread_mutex_lock(&c->mutex);
    while (!found) {
        for (int i = 0; i < c->order->jobs && !found; i++)
            if (!c->slots[i].busy)
                found = &c->slots[i];
        if (!found)
            pthread_cond_wait(&c->free_slot, &c->mutex);
    }
    found->busy = true;
    pthread_mutex_unlock(&c->mutex);
    return found;
}

static void give_slot(cnx_crew *c, slot *s)
{
    pthread_mutex_lock(&c->mutex);
    s->busy = false;
    pthread_cond_signal(&c->free_slot);
    pthread_mutex_unlock(&c->mutex);
}

/* The first ones get the threads that are left over. */
static cnx_status open_slots(cnx_crew *c, cnx_error *err)
{
    const cnx_crew_order *o = c->order;
    c->slots = calloc((size_t)o->jobs, sizeof *c->slots);
    CNX_FAIL_IF(!c->slots, CNX_ERR_MEMORY, "not enough memory for %d pictures at once", o->jobs);
    for (int i = 0; i < o->jobs; i++) {
        const int threads = o->threads / o->jobs + (i < o->threads % o->jobs);
        CNX_TRY(
            o->task->open_network(&c->slots[i].network, o->run, threads > 0 ? threads : 1, err));
    }
    return CNX_OK;
}

static void close_slots(cnx_crew *c)
{
    for (int i = 0; c->slots && i < c->order->jobs; i++)
        c->order->task->close_network(&c->slots[i].network);
    free(c->slots);
}

/* ---- pictures ---- */

static cnx_status do_picture(cnx_crew_job *job, cnx_error *err)
{
    const cnx_crew_task *task = job->crew->order->task;
    CNX_FAIL_IF(cnx_interrupted(), CNX_ERR_INTERRUPTED, "interrupted");
    CNX_TRY(task->prepare(job, err));
    slot *s = take_slot(job->crew);
    const cnx_status status = task->infer(job, s->network, err);
    give_slot(job->crew, s);
    return status;
}

/* True when the others go on. */
static bool tell(cnx_crew_job *job, cnx_status status, cnx_error *error)
{
    cnx_crew *c = job->crew;
    const cnx_crew_order *o = c->order;
    bool lost = false; /* what cannot be written will not be written the next time either */
    if (status == CNX_OK && cnx_interrupted())
        status = CNX_ERR_INTERRUPTED;
    if (status == CNX_OK) {
        status = o->task->deliver(job, error);
        lost = status != CNX_OK;
    }
    c->interrupted = status == CNX_ERR_INTERRUPTED;
    if (c->interrupted)
        return false;
    if (status != CNX_OK) {
        const bool kept = o->task->failed(o->run, job->index, error->message);
        if (lost || !o->keep_going || !kept) {
            c->error = *error;
            return false;
        }
        cnx_meter_clear(o->meter);
        cnx_console_error("%s", error->message);
    }
    cnx_meter_item_done(o->meter);
    return true;
}

/* job: zeroed, of the task's size; NULL without memory. */
static void take_turn(cnx_crew *c, cnx_crew_job *job, size_t turn)
{
    cnx_error error = {0};
    cnx_status status;
    if (job) {
        *job = (cnx_crew_job){.crew = c, .run = c->order->run, .index = c->order->pending[turn]};
        status = do_picture(job, &error);
    } else {
        status = cnx_fail(&error, CNX_ERR_MEMORY, "not enough memory for a picture");
    }
    if (!cnx_queue_turn(&c->queue, turn))
        return;
    bool go_on = false;
    if (job)
        go_on = tell(job, status, &error);
    else
        c->error = error;
    if (!go_on)
        cnx_queue_stop(&c->queue);
    cnx_queue_told(&c->queue);
}

static void *work(void *argument)
{
    cnx_crew *c = argument;
    size_t turn;
    while (cnx_queue_take(&c->queue, &turn)) {
        cnx_crew_job *job = calloc(1, c->order->task->job_size);
        cnx_queue_admit(&c->queue, 0);
        take_turn(c, job, turn);
        if (job)
            c->order->task->close(job);
        free(job);
    }
    return NULL;
}

/* The calling thread works as well; where the system gives fewer threads, fewer do the work. */
static void work_together(cnx_crew *c, pthread_t *threads, int count)
{
    int started = 0;
    while (started < count && pthread_create(&threads[started], NULL, work, c) == 0)
        started++;
    work(c);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

cnx_status cnx_crew_work(const cnx_crew_order *order, bool *interrupted, cnx_error *err)
{
    cnx_crew c = {.order = order};
    cnx_status status = CNX_OK;
    pthread_mutex_init(&c.mutex, NULL);
    pthread_cond_init(&c.free_slot, NULL);
    pthread_t *threads = calloc((size_t)order->jobs, sizeof *threads);
    CNX_CHECK_IF(!threads, CNX_ERR_MEMORY, "not enough memory for the run");
    CNX_CHECK(open_slots(&c, err));
    cnx_queue_open(&c.queue, order->count, 0);
    work_together(&c, threads, order->jobs);
    cnx_queue_close(&c.queue);
    cnx_meter_clear(order->meter);
    *interrupted = c.interrupted;
    if (c.error.status != CNX_OK) {
        *err = c.error;
        status = c.error.status;
    }
cleanup:
    close_slots(&c);
    free(threads);
    pthread_cond_destroy(&c.free_slot);
    pthread_mutex_destroy(&c.mutex);
    return status;
}
