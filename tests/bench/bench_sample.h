/*
 * Rates of several ways to do one thing, measured turn by turn beside what the processor can do.
 *
 * A shared processor's clock drifts by a quarter within minutes.  So the peak is measured before and
 * after every slice of work, and a share of it is formed from neighbours.
 */
#ifndef CNX_BENCH_SAMPLE_H
#define CNX_BENCH_SAMPLE_H

/* GFLOP/s of a loop of multiply-adds that touches no memory, by the instruction set of a table of
 * kernels ("avx512", "avx2", "neon"; else the best that this CPU has).  NAN where there is none. */
typedef double (*bench_peak)(void);
bench_peak bench_peak_of(const char *table);

/* What is measured: run(context) does `amount` operations. */
typedef struct bench_contender {
    void (*run)(void *context);
    void *context;
    double amount;
    /* Results, medians over the rounds. */
    double rate; /* amount per nanosecond */
    double peak; /* beside it, GFLOP/s */
} bench_contender;

void bench_sample(bench_contender *contenders, int count, bench_peak peak);

#endif
