/* Timing a network from a decoded picture to its result, phase by phase and layer by layer. */
#ifndef CNX_TOOLS_BENCH_RUN_H
#define CNX_TOOLS_BENCH_RUN_H

#include "heads/census.h"
#include "heads/model.h"

/* The parts of a run, as the task has them. */
enum { CNX_BENCH_PHASES = 6, CNX_BENCH_PLANS = 3 };

typedef struct cnx_bench_settings {
    int h, w; /* of the picture and of the network's input */
    int repeats, warmup;
    const char *kernels; /* for cnx_kernels_init */
    cnx_weight_type weights;
} cnx_bench_settings;

/* Seconds of the timed runs, sorted. */
typedef struct cnx_bench_times {
    double least, lower, median, upper, most; /* lower and upper: the quartiles */
} cnx_bench_times;

/* What was measured with one number of threads. */
typedef struct cnx_bench_result {
    int threads;
    cnx_bench_times total, network;
    cnx_bench_times phases[CNX_BENCH_PHASES];
    /* Items that went through each plan of the census in the last run: 1; of a detector the proposals
     * and the detections. */
    double items[CNX_BENCH_PLANS];
    double peak_gflops; /* median of what was measured before and after each run */
    size_t peak_rss;    /* of the process so far */
    double *layers;     /* owned: seconds of each row of the dense plan, mean of the runs */
    int layer_count;
} cnx_bench_result;

/* An opened model that is ready to run. */
typedef struct cnx_bench cnx_bench;

/* Packs the weights on `threads` threads, and makes a picture of noise. */
cnx_status cnx_bench_open(cnx_bench **out, cnx_model_file *file, const cnx_bench_settings *settings,
                          int threads, cnx_error *err);
void cnx_bench_close(cnx_bench **bench);

const cnx_kernels *cnx_bench_kernels(const cnx_bench *bench);
/* The names of the task's phases; NULL past the last. */
const char *cnx_bench_phase(const cnx_bench *bench, int index);
/* Is it a part of the network?  All that are add up to its time. */
bool cnx_bench_phase_of_network(const cnx_bench *bench, int index);

cnx_status cnx_bench_measure(cnx_bench *bench, int threads, cnx_bench_result *out, cnx_error *err);
void cnx_bench_result_free(cnx_bench_result *result); /* accepts a zeroed one */

/* Sorts `values` in place. */
cnx_bench_times cnx_bench_times_of(double *values, int count);

#endif
