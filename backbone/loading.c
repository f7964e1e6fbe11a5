#include "backbone/loading.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/threads.h"

/* Bytes of values in work beside their packed form. */
#define ENOUGH ((size_t)128 << 20)

typedef struct ranked {
    size_t weights;
    int index;
} ranked;

typedef struct loading {
    const ranked *order;
    cnx_load_layer load;
    void *context;
    pthread_mutex_t lock; /* of what follows */
    int failed;           /* the first of the layers that failed, or their number */
    cnx_error error;      /* its error */
} loading;

static int largest_first(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->weights != y->weights)
        return x->weights < y->weights ? 1 : -1;
    return x->index - y->index;
}

static int first_failed(loading *l)
{
    pthread_mutex_lock(&l->lock);
    const int failed = l->failed;
    pthread_mutex_unlock(&l->lock);
    return failed;
}

static void remember_failure(loading *l, int index, cnx_status status, const cnx_error *error)
{
    pthread_mutex_lock(&l->lock);
    if (index < l->failed) {
        l->failed = index;
        l->error = *error;
        l->error.status = status;
    }
    pthread_mutex_unlock(&l->lock);
}

static void load_one(void *context, int item, int thread)
{
    (void)thread;
    loading *l = context;
    const int index = l->order[item].index;
    if (index > first_failed(l))
        return; /* its own outcome could not be told any more */
    cnx_error error = {0};
    const cnx_status status = l->load(l->context, index, &error);
    if (status != CNX_OK)
        remember_failure(l, index, status, &error);
}

/* How many layers may be in work: as many of the largest as stay within ENOUGH, but two. */
static int at_a_time(const ranked *order, int count)
{
    size_t bytes = 0;
    int n = 0;
    while (n < count && (n < 2 || bytes + order[n].weights * sizeof(float) <= ENOUGH))
        bytes += order[n++].weights * sizeof(float);
    return n;
}

cnx_status cnx_load_layers(int count, const size_t weights[], cnx_load_layer load, void *context,
                           int threads, cnx_error *err)
{
    ranked *order = malloc(((size_t)count + 1) * sizeof *order);
    CNX_FAIL_IF(!order, CNX_ERR_MEMORY, "not enough memory to load %d layers", count);
    for (int i = 0; i < count; i++)
        order[i] = (ranked){.weights = weights[i], .index = i};
    qsort(order, (size_t)count, sizeof *order, largest_first);
    loading l = {.order = order,
                 .load = load,
                 .context = context,
                 .lock = PTHREAD_MUTEX_INITIALIZER,
                 .failed = count};
    const int most = at_a_time(order, count);
    cnx_parallel_for(threads < most ? threads : most, count, load_one, &l);
    free(order);
    if (l.failed < count)
        return cnx_fail(err, l.error.status, "%s", l.error.message);
    return CNX_OK;
}
