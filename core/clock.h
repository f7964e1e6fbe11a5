/* Elapsed time. */
#ifndef CNX_CORE_CLOCK_H
#define CNX_CORE_CLOCK_H

#include <time.h>

/* Seconds on a clock that only runs forward. */
static inline double cnx_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
