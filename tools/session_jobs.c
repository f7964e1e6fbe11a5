/*
 * How many pictures at the same time.
 *
 * A picture that is small for its threads leaves them waiting for each other.  Measured with two
 * threads (tiny, 150 classes, pictures of 3 : 4), two at once take 0.65 of the time of one after
 * the other at 128 x 171 pixels, 0.9 to 1.0 at 224 x 298 and 256 x 341, and 1.1 from 320 x 426 on,
 * where they come into each other's way in the caches.
 */
#include "core/memory.h"
#include "tools/session.h"

/* What feature maps and pictures may take together unless a number is asked for. */
#define AUTO_BYTES ((size_t)512 << 20)
/* Multiply-adds of a network run that are worth a thread of their own. */
#define MACS_OF_A_THREAD 45e9

/* So many pictures like this one fit beside the weights. */
static bool fit(const cnx_session *s, int jobs, const cnx_estimate *need)
{
    const cnx_bytes_arg limit = s->args->max_memory;
    size_t all, total;
    if (need->total_bytes == SIZE_MAX ||
        !cnx_mul(need->arena_bytes + need->picture_bytes, (size_t)jobs, &all) ||
        !cnx_add(all, need->weights_bytes, &total))
        return false;
    return (s->args->jobs.value > 0 || all <= AUTO_BYTES) && (!limit.given || total <= limit.value);
}

/* Standard input is waited for: a signal must find the thread that does. */
static bool reads_stdin(const cnx_session *s)
{
    for (size_t i = 0; i < s->inputs.count; i++)
        if (s->inputs.items[i].is_stdin)
            return true;
    return false;
}

static int most_jobs(const cnx_session *s)
{
    const int asked = s->args->jobs.value;
    int most = asked > 0 && asked < s->threads ? asked : s->threads;
    if ((size_t)most > s->inputs.count)
        most = (int)s->inputs.count;
    return reads_stdin(s) ? 1 : most;
}

/* Unless a number is asked for: as many as leave each network run the threads that it can use. */
static int useful_jobs(const cnx_session *s, const cnx_estimate *need)
{
    const double usable = need->macs / need->windows / MACS_OF_A_THREAD;
    const int threads = usable < 1 ? 1 : usable > s->threads ? s->threads : (int)usable;
    return s->args->jobs.value > 0 ? s->jobs : s->threads / threads;
}

cnx_status cnx_session_decide_jobs(cnx_session *s, cnx_picture *p, cnx_error *err)
{
    s->jobs = most_jobs(s);
    for (;;) {
        const int threads = (s->threads + s->jobs - 1) / s->jobs;
        CNX_TRY(s->errand->estimate(p, threads, err));
        const int useful = useful_jobs(s, &p->need);
        if (s->jobs > useful)
            s->jobs = useful;
        else if (s->jobs == 1 || fit(s, s->jobs, &p->need))
            return CNX_OK;
        else
            s->jobs--;
    }
}

int cnx_session_threads(const cnx_session *s, size_t index)
{
    const size_t first = index / (size_t)s->jobs * (size_t)s->jobs;
    const size_t left = s->inputs.count - first;
    const int together = left < (size_t)s->jobs ? (int)left : s->jobs;
    const int extra = (int)(index - first) < s->threads % together;
    return s->threads / together + extra;
}

size_t cnx_picture_total(const cnx_picture *p)
{
    const cnx_session *s = p->session;
    const cnx_estimate *need = &p->need;
    const size_t limit = s->args->max_memory.given ? s->args->max_memory.value : SIZE_MAX;
    size_t own, total;
    const bool sound = need->total_bytes < SIZE_MAX &&
                       cnx_mul(need->arena_bytes + need->picture_bytes, (size_t)s->jobs, &own) &&
                       cnx_add(own, need->weights_bytes, &total);
    return sound && total < limit ? total : limit;
}
