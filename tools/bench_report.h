/* What cnx bench measured, as text or as JSON. */
#ifndef CNX_TOOLS_BENCH_REPORT_H
#define CNX_TOOLS_BENCH_REPORT_H

#include "tools/bench_run.h"
#include "tools/model_arg.h"

/* All borrowed. */
typedef struct cnx_bench_report {
    const cnx_model_choice *model;
    const cnx_bench *bench;
    const cnx_bench_settings *settings;
    const cnx_census *census;
    double load;                     /* seconds to read and pack the weights */
    const cnx_bench_result *results; /* [count], a number of threads each */
    int count;
    bool per_layer; /* of the fastest result */
} cnx_bench_report;

/* The result with the least median of the network. */
const cnx_bench_result *cnx_bench_fastest(const cnx_bench_report *report);

/* Both print on standard output. */
void cnx_bench_text(const cnx_bench_report *report);
cnx_status cnx_bench_json(const cnx_bench_report *report, cnx_error *err);

#endif
