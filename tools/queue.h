/*
 * Several pieces of work in flight: taken in order, done in any order, told in order.
 *
 * A worker goes through these steps with each piece, and the queue makes it wait where it must:
 *
 *     cnx_queue_take    it is the next one; the entrance is closed behind it
 *     cnx_queue_admit   there is memory for it; the entrance opens for the next
 *     cnx_queue_turn    all before it have been told; cnx_queue_told lets the next one speak
 *     cnx_queue_free    its memory is there for others
 *
 * Memory is given out in the order of the pieces: who waits for it waits for earlier ones alone,
 * and the first one always gets through.
 */
#ifndef CNX_TOOLS_QUEUE_H
#define CNX_TOOLS_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct cnx_queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    size_t count, taken, told; /* pieces in all, of these taken, of these told */
    bool entrance_closed, stopped;
    size_t memory_limit, memory_used; /* bytes; limit 0: none */
} cnx_queue;

void cnx_queue_open(cnx_queue *q, size_t count, size_t memory_limit);
void cnx_queue_close(cnx_queue *q);

/* The next piece's index; false when there is none or the work has been stopped.  Every success is
 * followed by cnx_queue_admit. */
bool cnx_queue_take(cnx_queue *q, size_t *index);
/* Waits for `bytes` of memory; alone, a piece gets whatever it wants.  False when stopped. */
bool cnx_queue_admit(cnx_queue *q, size_t bytes);
/* What was admitted, whether in vain or not. */
void cnx_queue_free(cnx_queue *q, size_t bytes);

/* Waits until the pieces before `index` have been told.  False when stopped. */
bool cnx_queue_turn(cnx_queue *q, size_t index);
void cnx_queue_told(cnx_queue *q);

/* Nobody takes, waits or tells any more. */
void cnx_queue_stop(cnx_queue *q);
bool cnx_queue_stopped(cnx_queue *q);

#endif
