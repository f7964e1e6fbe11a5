#include "core/threads.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#if defined(CNX_THREADS_PTHREAD)
#include <pthread.h>
#include <stdatomic.h>
#elif defined(_OPENMP)
#include <omp.h>
#endif

/* CPUs granted by the control group's quota (v2), or 0 when there is none. */
static int quota_cpus(void)
{
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f)
        return 0;
    long quota = 0, period = 0;
    int n = fscanf(f, "%ld %ld", &quota, &period);
    fclose(f);
    if (n != 2 || quota <= 0 || period <= 0)
        return 0;
    return (int)((quota + period - 1) / period);
}

int cnx_threads_available(void)
{
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        cpus = CPU_COUNT(&set);
    int quota = quota_cpus();
    if (quota > 0 && quota < cpus)
        cpus = quota;
    return cpus > 0 ? cpus : 1;
}

#if defined(CNX_THREADS_PTHREAD)
/* Plain threads: ThreadSanitizer understands these and not OpenMP's. */
struct job {
    cnx_work work;
    void *context;
    int count;
    atomic_int next;
};
struct worker {
    struct job *job;
    int thread;
};

static void *run_worker(void *arg)
{
    struct worker *w = arg;
    for (;;) {
        int i = atomic_fetch_add(&w->job->next, 1);
        if (i >= w->job->count)
            return NULL;
        w->job->work(w->job->context, i, w->thread);
    }
}

void cnx_parallel_for(int threads, int count, cnx_work work, void *context)
{
    enum { MAX_THREADS = 256 };
    struct job job = {.work = work, .context = context, .count = count};
    struct worker workers[MAX_THREADS];
    pthread_t ids[MAX_THREADS];
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    if (threads > count)
        threads = count;
    int started = 1; /* this thread is number 0 */
    for (; started < threads; started++) {
        workers[started] = (struct worker){&job, started};
        if (pthread_create(&ids[started], NULL, run_worker, &workers[started]) != 0)
            break;
    }
    workers[0] = (struct worker){&job, 0};
    run_worker(&workers[0]);
    for (int i = 1; i < started; i++)
        pthread_join(ids[i], NULL);
}
#else
void cnx_parallel_for(int threads, int count, cnx_work work, void *context)
{
    if (threads > count)
        threads = count;
    if (threads <= 1) {
        for (int i = 0; i < count; i++)
            work(context, i, 0);
        return;
    }
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int i = 0; i < count; i++)
        work(context, i, omp_get_thread_num());
#else
    for (int i = 0; i < count; i++)
        work(context, i, 0);
#endif
}
#endif
