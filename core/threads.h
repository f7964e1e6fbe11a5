/* Work spread over threads: the one place that knows OpenMP. */
#ifndef CNX_CORE_THREADS_H
#define CNX_CORE_THREADS_H

/* The processors this process may run on (affinity and cgroup quota respected), at least 1. */
int cnx_threads_available(void);

/* One piece of work.  `thread` is in [0, threads) and lets the callee pick its own scratch. */
typedef void (*cnx_work)(void *context, int index, int thread);

/*
 * Calls work(context, i, t) once for each i in [0, count), on up to `threads` threads, in no
 * particular order, and returns when all are done.  The cut into pieces is the caller's and must
 * depend on the problem's size alone: that is what makes results the same for any thread count.
 */
void cnx_parallel_for(int threads, int count, cnx_work work, void *context);

#endif
