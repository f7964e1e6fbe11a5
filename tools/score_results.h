/* What cnx score and cnx eval do once pictures have been scored: files, tables, JSON. */
#ifndef CNX_TOOLS_SCORE_RESULTS_H
#define CNX_TOOLS_SCORE_RESULTS_H

#include "eval/semantic_report.h"
#include "tools/options.h"

typedef struct cnx_result_args {
    cnx_set_arg metrics;
    cnx_flag_arg json, overwrite;
    cnx_text_arg csv, per_image;
} cnx_result_args;

/* Rows of an option table; `type` is the subcommand's struct, whose field `result` is the above. */
/* clang-format off */
#define CNX_RESULT_OPTIONS(type)                                                                   \
    {CNX_OPT_FLAG, 0, "json",                                                                      \
     .help = "all scores as one JSON object on standard output, instead of the tables",            \
     .offset = offsetof(type, result.json)},                                                       \
    {CNX_OPT_TEXT, 0, "csv", "FILE", "all scores by class, as CSV",                                \
     .offset = offsetof(type, result.csv)},                                                        \
    {CNX_OPT_TEXT, 0, "per-image", "FILE", "the scores of each picture, as CSV",                   \
     .offset = offsetof(type, result.per_image)}
/* clang-format on */

/* One picture of a run; all borrowed. */
typedef struct cnx_scored {
    const char *name;
    const char *problem; /* why it was left out, or NULL */
    bool done;
    int64_t pixels; /* whose truth is a class */
    const cnx_semantic_summary *summary;
} cnx_scored;

typedef struct cnx_score_results {
    cnx_semantic_report report;
    size_t count; /* of the pictures */
    cnx_scored (*at)(const void *run, size_t index);
    /* The run's own members of the JSON object, each behind a comma. */
    void (*members)(FILE *to, const void *run);
    const void *run; /* for the two */
} cnx_score_results;

/* Would --csv or --per-image replace what may not be replaced?  See cnx_outputs_check_file. */
cnx_status cnx_score_results_check(const cnx_result_args *args, const char *const *sources,
                                   size_t source_count, cnx_error *err);
/* --csv and --per-image */
cnx_status cnx_score_results_write(const cnx_score_results *results, const cnx_result_args *args,
                                   cnx_error *err);
/* Tables or JSON on standard output. */
cnx_status cnx_score_results_print(const cnx_score_results *results, const cnx_result_args *args,
                                   cnx_error *err);

/* Warnings about labels that were counted but look wrongly numbered. */
void cnx_score_results_warn(const cnx_semantic_counts *counts, const cnx_semantic_rules *rules);

#endif
