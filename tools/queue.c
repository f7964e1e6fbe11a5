#include "tools/queue.h"

void cnx_queue_open(cnx_queue *q, size_t count, size_t memory_limit)
{
    *q = (cnx_queue){.count = count, .memory_limit = memory_limit};
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->changed, NULL);
}

void cnx_queue_close(cnx_queue *q)
{
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->mutex);
}

static void lock(cnx_queue *q)
{
    pthread_mutex_lock(&q->mutex);
}

static void unlock(cnx_queue *q)
{
    pthread_mutex_unlock(&q->mutex);
}

static void wait(cnx_queue *q)
{
    pthread_cond_wait(&q->changed, &q->mutex);
}

/* There are a few workers at most: all of them look again. */
static void wake(cnx_queue *q)
{
    pthread_cond_broadcast(&q->changed);
}

bool cnx_queue_take(cnx_queue *q, size_t *index)
{
    lock(q);
    while (q->entrance_closed && !q->stopped)
        wait(q);
    const bool taken = !q->stopped && q->taken < q->count;
    if (taken) {
        *index = q->taken++;
        q->entrance_closed = true;
    }
    unlock(q);
    return taken;
}

static bool fits(const cnx_queue *q, size_t bytes)
{
    return q->memory_limit == 0 || q->memory_used == 0 ||
           (q->memory_used <= q->memory_limit && bytes <= q->memory_limit - q->memory_used);
}

bool cnx_queue_admit(cnx_queue *q, size_t bytes)
{
    lock(q);
    while (!q->stopped && !fits(q, bytes))
        wait(q);
    q->memory_used += bytes;
    q->entrance_closed = false;
    const bool admitted = !q->stopped;
    wake(q);
    unlock(q);
    return admitted;
}

void cnx_queue_free(cnx_queue *q, size_t bytes)
{
    lock(q);
    q->memory_used -= bytes;
    wake(q);
    unlock(q);
}

bool cnx_queue_turn(cnx_queue *q, size_t index)
{
    lock(q);
    while (q->told != index && !q->stopped)
        wait(q);
    const bool due = !q->stopped;
    unlock(q);
    return due;
}

void cnx_queue_told(cnx_queue *q)
{
    lock(q);
    q->told++;
    wake(q);
    unlock(q);
}

void cnx_queue_stop(cnx_queue *q)
{
    lock(q);
    q->stopped = true;
    wake(q);
    unlock(q);
}

bool cnx_queue_stopped(cnx_queue *q)
{
    lock(q);
    const bool stopped = q->stopped;
    unlock(q);
    return stopped;
}
