#include "tools/score_results.h"

#include "core/file.h"
#include "core/json.h"
#include "tools/console.h"
#include "tools/outputs.h"

cnx_status cnx_score_results_check(const cnx_result_args *args, const char *const *sources,
                                   size_t source_count, cnx_error *err)
{
    const bool overwrite = args->overwrite.given;
    CNX_TRY(cnx_outputs_check_file("csv", args->csv.value, sources, source_count, overwrite, err));
    return cnx_outputs_check_file("per-image", args->per_image.value, sources, source_count,
                                  overwrite, err);
}

/* ---- files ---- */

static void write_classes(FILE *to, const cnx_score_results *results)
{
    cnx_semantic_write_csv(to, &results->report);
}

static void write_pictures(FILE *to, const cnx_score_results *results)
{
    cnx_semantic_write_pictures_csv_header(to);
    for (size_t i = 0; i < results->count; i++) {
        const cnx_scored picture = results->at(results->run, i);
        if (picture.done)
            cnx_semantic_write_picture_csv(to, picture.name, picture.pixels, picture.summary);
    }
}

static cnx_status write_file(const cnx_text_arg *file,
                             void (*write)(FILE *, const cnx_score_results *),
                             const cnx_score_results *results, cnx_error *err)
{
    if (!file->given)
        return CNX_OK;
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, file->value, err));
    write(out.stream, results);
    const cnx_status status = cnx_output_commit(&out, err); /* tells what could not be written */
    cnx_output_abort(&out);
    return status;
}

cnx_status cnx_score_results_write(const cnx_score_results *results, const cnx_result_args *args,
                                   cnx_error *err)
{
    CNX_TRY(write_file(&args->csv, write_classes, results, err));
    return write_file(&args->per_image, write_pictures, results, err);
}

/* ---- standard output ---- */

/* Piece by piece: a tree of all pictures would need more memory than the run. */
static void print_json(const cnx_score_results *results)
{
    const char *comma = "";
    putchar('{');
    cnx_semantic_write_members(stdout, &results->report);
    results->members(stdout, results->run);
    printf(",\"skipped\":[");
    for (size_t i = 0; i < results->count; i++) {
        const cnx_scored picture = results->at(results->run, i);
        if (!picture.problem)
            continue;
        printf("%s{\"name\":", comma);
        cnx_json_put_string(stdout, picture.name);
        printf(",\"error\":");
        cnx_json_put_string(stdout, picture.problem);
        putchar('}');
        comma = ",";
    }
    printf("],\"images\":[");
    comma = "";
    for (size_t i = 0; i < results->count; i++) {
        const cnx_scored picture = results->at(results->run, i);
        if (!picture.done)
            continue;
        printf("%s", comma);
        cnx_semantic_write_picture(stdout, picture.name, picture.pixels, picture.summary);
        comma = ",";
    }
    printf("]}\n");
}

cnx_status cnx_score_results_print(const cnx_score_results *results, const cnx_result_args *args,
                                   cnx_error *err)
{
    if (args->json.given)
        print_json(results);
    else
        cnx_semantic_write_tables(stdout, &results->report, args->metrics.bits);
    return cnx_console_flush(err);
}

/* ---- what looks wrong ---- */

void cnx_score_results_warn(const cnx_semantic_counts *counts, const cnx_semantic_rules *rules)
{
    const int64_t *totals = counts->totals;
    const int64_t counted = totals[CNX_SEMANTIC_PIXELS] - totals[CNX_SEMANTIC_IGNORED] -
                            totals[CNX_SEMANTIC_TRUTH_BEYOND];
    if (counted == 0)
        cnx_console_warning("no pixel of the truth is a class: there is nothing to score");
    if (totals[CNX_SEMANTIC_ONE_BELOW] > counted / 2 &&
        totals[CNX_SEMANTIC_ONE_BELOW] > 2 * totals[CNX_SEMANTIC_HITS])
        cnx_console_warning("most predictions are one below their truth: if 0 means \"other\" in "
                            "the truth, give --reduce-zero-label");
    if (!rules->reduce_zero_label && rules->classes > 1 && totals[CNX_SEMANTIC_IGNORED] &&
        counts->labelled[0] == counted && counted)
        cnx_console_warning("every pixel of the truth is class 0 or %d, which is ignored: if these "
                            "are masks of 0 and %d, the second class must be written as 1",
                            rules->ignore, rules->ignore);
}
