/*
 * Rates of several ways to do one thing, measured turn by turn beside what the processor can do.
 *
 * A shared processor's clock drifts by a quarter within minutes.  So the peak is measured before and
 * after every slice of work, and a share of it is formed from neighbours.
 */
#ifndef CNX_BENCH_SAMPLE_H
#define CNX_BENCH_SAMPLE_H

#include "core/kernels/peak.h"

/* What is measured: run(context) does `amount` operations. */
typedef struct bench_contender {
    void (*run)(void *context);
    void *context;
    double amount;
    /* Results, medians over the rounds. */
    double rate; /* amount per nanosecond */
    double peak; /* beside it, GFLOP/s */
} bench_contender;

void bench_sample(bench_contender *contenders, int count, cnx_peak peak);

#endif
