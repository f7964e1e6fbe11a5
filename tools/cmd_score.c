/* cnx score: label maps against their truth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/json.h"
#include "core/memory.h"
#include "core/threads.h"
#include "eval/semantic_report.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/outputs.h"
#include "tools/rule_args.h"
#include "tools/score_run.h"
#include "tools/words.h"

typedef struct score_args {
    cnx_text_arg pred, truth, csv, per_image;
    cnx_rule_args rule;
    cnx_set_arg metrics;
    cnx_int_arg threads;
    cnx_flag_arg json, overwrite, keep_going, quiet, no_progress;
} score_args;

#define AT(field) offsetof(score_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Label maps"},
    {CNX_OPT_TEXT, 0, "pred", "DIR", "the predictions: PNG files, at any depth; or one file",
     .offset = AT(pred)},
    {CNX_OPT_TEXT, 0, "truth", "DIR", "the truth: files of the same names", .offset = AT(truth)},
    CNX_RULE_OPTIONS(score_args),

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_SET, 0, "metrics", "LIST",
     "the columns of the tables: mIoU (IoU, Acc), mDice (Dice, Acc), mFscore (Fscore, Precision, "
     "Recall), mPrecision, mRecall",
     .fallback = "mIoU", .choices = cnx_semantic_metric_names, .offset = AT(metrics)},
    {CNX_OPT_FLAG, 0, "json",
     .help = "all scores as one JSON object on standard output, instead of the tables",
     .offset = AT(json)},
    {CNX_OPT_TEXT, 0, "csv", "FILE", "all scores by class, as CSV", .offset = AT(csv)},
    {CNX_OPT_TEXT, 0, "per-image", "FILE", "the scores of each picture, as CSV",
     .offset = AT(per_image)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace result files that are there already",
     .offset = AT(overwrite)},

    {CNX_OPT_GROUP, .help = "Running"},
    {CNX_OPT_INT, 0, "threads", "N", "threads; the results do not depend on it",
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = AT(threads)},
    {CNX_OPT_FLAG, 0, "keep-going",
     .help = "leave out pairs that cannot be scored, and tell how many they were",
     .offset = AT(keep_going)},
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",
     .offset = AT(quiet)},
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines", .offset = AT(no_progress)},
    {.kind = CNX_OPT_END},
};

/* One run of the subcommand. */
typedef struct session {
    const score_args *args;
    cnx_classes classes;
    cnx_mask_folder folders[2];
    cnx_mask_pairs pairs;
    cnx_score_options options;
    cnx_score_run run;
    cnx_meter meter;
} session;

/* ---- before any work ---- */

static cnx_status check_output(const session *s, const char *flag, const cnx_text_arg *file,
                               cnx_error *err)
{
    if (!file->given)
        return CNX_OK;
    FILE *there = fopen(file->value, "re");
    if (!there)
        return CNX_OK;
    fclose(there);
    CNX_FAIL_IF(!s->args->overwrite.given, CNX_ERR_IO,
                "--%s %s: there is such a file already; --overwrite replaces it", flag,
                file->value);
    bool input = cnx_same_file(file->value, s->args->rule.classes.value);
    for (size_t i = 0; i < s->pairs.count && !input; i++)
        for (int side = 0; side < 2; side++)
            input |= s->pairs.items[i].paths[side] &&
                     cnx_same_file(file->value, s->pairs.items[i].paths[side]);
    CNX_FAIL_IF(input, CNX_ERR_ARGUMENT, "--%s %s: this is an input of the run", flag, file->value);
    return CNX_OK;
}

static cnx_status prepare(session *s, cnx_error *err)
{
    const score_args *args = s->args;
    CNX_TRY(cnx_classes_open(&s->classes, args->rule.classes.value, err));
    CNX_TRY(
        cnx_rule_args_apply(&s->options.rules, &s->options.scores, &args->rule, &s->classes, err));
    CNX_TRY(cnx_mask_pairs_find(&s->pairs, s->folders, err));
    CNX_TRY(check_output(s, "csv", &args->csv, err));
    CNX_TRY(check_output(s, "per-image", &args->per_image, err));
    const bool talk = !args->quiet.given && !args->no_progress.given;
    cnx_meter_begin(&s->meter, s->pairs.count, "pairs", talk);
    s->options.threads = args->threads.given ? args->threads.value : cnx_threads_available();
    s->options.coding = s->classes.rules.coding;
    s->options.strict = args->rule.strict.given;
    s->options.keep_going = args->keep_going.given;
    s->options.summaries = args->json.given || args->per_image.given;
    s->options.meter = &s->meter;
    if (!args->keep_going.given)
        CNX_TRY(cnx_mask_pairs_check(&s->pairs, s->folders, err));
    return CNX_OK;
}

/* ---- results ---- */

static cnx_semantic_report report_of(const session *s)
{
    return (cnx_semantic_report){.counts = &s->run.counts,
                                 .names = (const char *const *)s->classes.names,
                                 .options = s->options.scores};
}

static void write_class_csv(FILE *to, const session *s)
{
    const cnx_semantic_report report = report_of(s);
    cnx_semantic_write_csv(to, &report);
}

static void write_picture_csv(FILE *to, const session *s)
{
    cnx_semantic_write_pictures_csv_header(to);
    for (size_t i = 0; i < s->pairs.count; i++) {
        const cnx_score_pair *pair = &s->run.pairs[i];
        if (pair->done)
            cnx_semantic_write_picture_csv(to, s->pairs.items[i].name, pair->counted,
                                           &pair->summary);
    }
}

static cnx_status write_file(const cnx_text_arg *file, void (*write)(FILE *, const session *),
                             const session *s, cnx_error *err)
{
    if (!file->given)
        return CNX_OK;
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, file->value, err));
    write(out.stream, s);
    const cnx_status status = cnx_output_commit(&out, err); /* tells what could not be written */
    cnx_output_abort(&out);
    return status;
}

static void print_rules(const session *s)
{
    const cnx_semantic_rules *rules = &s->options.rules;
    printf(",\"rules\":{\"classes\":%d,\"ignore\":", rules->classes);
    if (rules->ignore < 0)
        printf("null");
    else
        printf("%d", rules->ignore);
    printf(",\"reduce_zero_label\":%s,\"pred_offset\":%d,\"beta\":",
           rules->reduce_zero_label ? "true" : "false", rules->pred_offset);
    cnx_json_put_number(stdout, s->options.scores.beta);
    printf(",\"nan_to_num\":");
    if (s->options.scores.replace_nan)
        cnx_json_put_number(stdout, s->options.scores.replacement);
    else
        printf("null");
    printf("}");
}

/* Piece by piece: a tree of all pictures would need more memory than the run. */
static void print_json(const session *s)
{
    const cnx_semantic_report report = report_of(s);
    const char *comma = "";
    putchar('{');
    cnx_semantic_write_members(stdout, &report);
    print_rules(s);
    printf(",\"pairs\":%zu,\"skipped\":[", s->run.done);
    for (size_t i = 0; i < s->pairs.count; i++) {
        if (!s->run.pairs[i].problem)
            continue;
        printf("%s{\"name\":", comma);
        cnx_json_put_string(stdout, s->pairs.items[i].name);
        printf(",\"error\":");
        cnx_json_put_string(stdout, s->run.pairs[i].problem);
        putchar('}');
        comma = ",";
    }
    printf("],\"images\":[");
    comma = "";
    for (size_t i = 0; i < s->pairs.count; i++) {
        const cnx_score_pair *pair = &s->run.pairs[i];
        if (!pair->done)
            continue;
        printf("%s", comma);
        cnx_semantic_write_picture(stdout, s->pairs.items[i].name, pair->counted, &pair->summary);
        comma = ",";
    }
    printf("]}\n");
}

static cnx_status tell_results(const session *s, cnx_error *err)
{
    const cnx_semantic_report report = report_of(s);
    CNX_TRY(write_file(&s->args->csv, write_class_csv, s, err));
    CNX_TRY(write_file(&s->args->per_image, write_picture_csv, s, err));
    if (s->args->json.given)
        print_json(s);
    else
        cnx_semantic_write_tables(stdout, &report, s->args->metrics.bits);
    return cnx_console_flush(err);
}

static void tell_end(const session *s)
{
    if (s->args->quiet.given)
        return;
    if (s->pairs.passed_over)
        cnx_console_note("%zu pictures beside the label maps (colours, overlays, confidence) were "
                         "passed over",
                         s->pairs.passed_over);
    char skipped[64] = "";
    if (s->run.failed)
        snprintf(skipped, sizeof skipped, ", %zu skipped", s->run.failed);
    cnx_console_note("%zu pair%s scored in %.2f s%s, %d threads, peak memory %s", s->run.done,
                     s->run.done == 1 ? "" : "s", cnx_now() - s->meter.started, skipped,
                     s->options.threads, cnx_words_bytes(cnx_peak_rss()).text);
}

/* ---- the run ---- */

static int finish(const session *s)
{
    cnx_error error = {0};
    for (size_t i = 0; i < s->pairs.count; i++)
        if (s->run.pairs[i].problem)
            cnx_console_error("%s", s->run.pairs[i].problem);
    if (s->run.done == 0) {
        cnx_console_error("none of %zu pairs could be scored", s->pairs.count);
        return CNX_EXIT_FAILED;
    }
    if (s->run.failed)
        cnx_console_warning("%zu of %zu pairs were skipped: the scores are those of the others",
                            s->run.failed, s->pairs.count);
    cnx_score_run_warn(&s->run, &s->pairs, &s->options);
    if (tell_results(s, &error) != CNX_OK)
        return error.message[0] ? cnx_console_fail(&error) : CNX_EXIT_FAILED;
    tell_end(s);
    return s->run.failed ? CNX_EXIT_SOME_FAILED : CNX_EXIT_DONE;
}

static int score(const score_args *args)
{
    const cnx_rule_args *rule = &args->rule;
    session s = {.args = args,
                 .folders = {{args->pred.value, rule->pred_suffix.value, "predictions", true},
                             {args->truth.value, rule->truth_suffix.value, "truth", false}}};
    cnx_error error = {0};
    int code;
    cnx_interrupt_catch();
    if (prepare(&s, &error) != CNX_OK) {
        code = cnx_console_fail(&error);
    } else {
        const cnx_status status = cnx_score_run_do(&s.run, &s.pairs, s.folders, &s.options, &error);
        if (s.run.interrupted) {
            cnx_console_note("interrupted after %zu of %zu", s.run.done, s.pairs.count);
            code = CNX_EXIT_INTERRUPTED;
        } else {
            code = status == CNX_OK ? finish(&s) : cnx_console_fail(&error);
        }
    }
    cnx_score_run_free(&s.run, &s.pairs);
    cnx_mask_pairs_free(&s.pairs);
    cnx_classes_free(&s.classes);
    return code;
}

static cnx_status check_args(const score_args *args, const cnx_operands *operands, cnx_error *err)
{
    CNX_FAIL_IF(operands->count, CNX_ERR_ARGUMENT,
                "what is \"%s\"? Predictions are named with --pred, their truth with --truth",
                operands->items[0]);
    CNX_FAIL_IF(!args->pred.given || !args->truth.given, CNX_ERR_ARGUMENT,
                "where %s? Name a folder with --%s DIR",
                args->pred.given ? "is the truth" : "are the predictions",
                args->pred.given ? "truth" : "pred");
    return cnx_rule_args_check(&args->rule, err);
}

static int run(int argc, char **argv)
{
    score_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_score, argc, argv, &args, &operands, &code)) {
        if (check_args(&args, &operands, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_score, &error);
        else
            code = cnx_console_finish(score(&args));
    }
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_score = {
    .name = "score",
    .summary = "score label maps against their truth: mIoU and its relatives",
    .usage = "--pred DIR --truth DIR --classes ade20k|FILE|N [FLAGS]",
    .about =
        "Counts as mmsegmentation does: sums over all pictures, divided once. Label maps are PNG "
        "files of one number a pixel, grey (8 or 16 bits) or palette; a prediction and its truth "
        "have the same path below their folders, or where one folder has no subfolders the same "
        "name.",
    .notes = "Exit code: 0 all scored, 1 failed, 2 usage, 3 some pairs were skipped "
             "(--keep-going), 130 interrupted.",
    .options = options,
    .run = run,
};
