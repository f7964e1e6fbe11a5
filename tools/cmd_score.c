/* cnx score: label maps against their truth; detections are handed over to score_coco.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "core/memory.h"
#include "core/threads.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/rule_args.h"
#include "tools/run_args.h"
#include "tools/score_coco.h"
#include "tools/score_results.h"
#include "tools/score_run.h"
#include "tools/words.h"

typedef struct score_args {
    cnx_text_arg pred, truth;
    cnx_rule_args rule;
    cnx_coco_args coco;
    cnx_result_args result;
    cnx_int_arg threads;
    cnx_flag_arg keep_going, quiet, no_progress;
} score_args;

#define AT(field) offsetof(score_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "What is scored"},
    {CNX_OPT_TEXT, 0, "pred", "DIR|FILE",
     "the predictions: label maps (PNG files, at any depth; or one file), or COCO's results.json",
     .offset = AT(pred)},
    {CNX_OPT_TEXT, 0, "truth", "DIR|FILE",
     "the truth: files of the same names, or COCO's instances.json", .offset = AT(truth)},

    {CNX_OPT_GROUP, .help = "Label maps"},
    CNX_RULE_OPTIONS(score_args),

    {CNX_OPT_GROUP, .help = "Detections (COCO)"},
    CNX_COCO_OPTIONS(score_args),

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_SET, 0, "metrics", "LIST",
     "the columns of the tables: mIoU (IoU, Acc), mDice (Dice, Acc), mFscore (Fscore, Precision, "
     "Recall), mPrecision, mRecall",
     .fallback = "mIoU", .choices = cnx_semantic_metric_names, .offset = AT(result.metrics)},
    CNX_RESULT_OPTIONS(score_args),
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace result files that are there already",
     .offset = AT(result.overwrite)},

    {CNX_OPT_GROUP, .help = "Running"},
    CNX_THREADS_OPTION(score_args),
    {CNX_OPT_FLAG, 0, "keep-going",
     .help = "leave out pairs that cannot be scored, and tell how many they were",
     .offset = AT(keep_going)},
    CNX_QUIET_OPTIONS(score_args),
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

static cnx_status check_outputs(const session *s, cnx_error *err)
{
    const char **sources = calloc(2 * s->pairs.count + 1, sizeof *sources);
    size_t count = 0;
    CNX_FAIL_IF(!sources, CNX_ERR_MEMORY, "not enough memory for the list of label maps");
    sources[count++] = s->args->rule.classes.value;
    for (size_t i = 0; i < s->pairs.count; i++)
        for (int side = 0; side < 2; side++)
            sources[count++] = s->pairs.items[i].paths[side];
    const cnx_status status = cnx_score_results_check(&s->args->result, sources, count, err);
    free(sources);
    return status;
}

static cnx_status prepare(session *s, cnx_error *err)
{
    const score_args *args = s->args;
    CNX_TRY(cnx_classes_open(&s->classes, args->rule.classes.value, err));
    CNX_TRY(
        cnx_rule_args_apply(&s->options.rules, &s->options.scores, &args->rule, &s->classes, err));
    CNX_TRY(cnx_mask_pairs_find(&s->pairs, s->folders, err));
    CNX_TRY(check_outputs(s, err));
    const bool talk = !args->quiet.given && !args->no_progress.given;
    cnx_meter_begin(&s->meter, s->pairs.count, "pairs", talk);
    s->options.threads = args->threads.given ? args->threads.value : cnx_threads_available();
    s->options.coding = s->classes.rules.coding;
    s->options.strict = args->rule.strict.given;
    s->options.keep_going = args->keep_going.given;
    s->options.summaries = args->result.json.given || args->result.per_image.given;
    s->options.meter = &s->meter;
    if (!args->keep_going.given)
        CNX_TRY(cnx_mask_pairs_check(&s->pairs, s->folders, err));
    return CNX_OK;
}

/* ---- results ---- */

static cnx_scored picture_at(const void *run, size_t index)
{
    const session *s = run;
    const cnx_score_pair *pair = &s->run.pairs[index];
    return (cnx_scored){.name = s->pairs.items[index].name,
                        .problem = pair->problem,
                        .done = pair->done,
                        .pixels = pair->counted,
                        .summary = &pair->summary};
}

static void print_members(FILE *to, const void *run)
{
    const session *s = run;
    const cnx_semantic_rules *rules = &s->options.rules;
    fprintf(to, ",\"rules\":{\"classes\":%d,\"ignore\":", rules->classes);
    if (rules->ignore < 0)
        fprintf(to, "null");
    else
        fprintf(to, "%d", rules->ignore);
    fprintf(to, ",\"reduce_zero_label\":%s,\"pred_offset\":%d,\"beta\":",
            rules->reduce_zero_label ? "true" : "false", rules->pred_offset);
    cnx_json_put_number(to, s->options.scores.beta);
    fprintf(to, ",\"nan_to_num\":");
    if (s->options.scores.replace_nan)
        cnx_json_put_number(to, s->options.scores.replacement);
    else
        fprintf(to, "null");
    fprintf(to, "},\"pairs\":%zu", s->run.done);
}

static cnx_status tell_results(const session *s, cnx_error *err)
{
    const cnx_score_results results = {
        .report = {.counts = &s->run.counts,
                   .names = (const char *const *)s->classes.names,
                   .options = s->options.scores},
        .count = s->pairs.count,
        .at = picture_at,
        .members = print_members,
        .run = s,
    };
    CNX_TRY(cnx_score_results_write(&results, &s->args->result, err));
    return cnx_score_results_print(&results, &s->args->result, err);
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

/* ---- detections ---- */

static bool is_coco(const score_args *args)
{
    return args->pred.given && args->truth.given &&
           (cnx_is_coco_file(args->pred.value) || cnx_is_coco_file(args->truth.value));
}

/* The first flag that says something about label maps alone, or NULL. */
static const char *given_for_maps(const score_args *args)
{
    const cnx_rule_args *r = &args->rule;
    return r->classes.given                ? "classes"
           : r->pred_suffix.given          ? "pred-suffix"
           : r->truth_suffix.given         ? "truth-suffix"
           : r->ignore.given               ? "ignore"
           : r->pred_offset.given          ? "pred-offset"
           : r->reduce_zero_label.given    ? "reduce-zero-label"
           : r->no_reduce_zero_label.given ? "no-reduce-zero-label"
           : r->strict.given               ? "strict"
           : r->beta.given                 ? "beta"
           : r->nan_to_num.given           ? "nan-to-num"
           : args->result.metrics.given    ? "metrics"
           : args->keep_going.given        ? "keep-going"
                                           : NULL;
}

static int score_coco(const score_args *args)
{
    const cnx_score_coco run = {
        .pred = args->pred.value,
        .truth = args->truth.value,
        .args = &args->coco,
        .csv = args->result.csv.value,
        .per_image = args->result.per_image.value,
        .json = args->result.json.given,
        .overwrite = args->result.overwrite.given,
        .quiet = args->quiet.given,
        .threads = args->threads.given ? args->threads.value : cnx_threads_available(),
    };
    return cnx_score_coco_run(&run);
}

/* ---- the command line ---- */

static cnx_status check_args(const score_args *args, const cnx_operands *operands, cnx_error *err)
{
    CNX_TRY(cnx_operands_refuse(
        operands, "Predictions are named with --pred, their truth with --truth", err));
    CNX_FAIL_IF(!args->pred.given || !args->truth.given, CNX_ERR_ARGUMENT,
                "where %s? Name a folder with --%s DIR",
                args->pred.given ? "is the truth" : "are the predictions",
                args->pred.given ? "truth" : "pred");
    const char *other = is_coco(args) ? given_for_maps(args) : cnx_coco_args_given(&args->coco);
    CNX_FAIL_IF(other, CNX_ERR_ARGUMENT, "--%s is for %s; --pred and --truth name %s", other,
                is_coco(args) ? "label maps" : "detections (COCO's JSON files)",
                is_coco(args) ? "COCO's JSON files" : "label maps");
    return is_coco(args) ? CNX_OK : cnx_rule_args_check(&args->rule, err);
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
            code = cnx_console_finish(is_coco(&args) ? score_coco(&args) : score(&args));
    }
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_score = {
    .name = "score",
    .summary = "score label maps (mIoU) or detections (COCO's AP) against their truth",
    .usage = "--pred DIR --truth DIR --classes ade20k|FILE|N [FLAGS]\n"
             "       cnx score --pred results.json --truth instances.json [FLAGS]",
    .about =
        "Counts as mmsegmentation does: sums over all pictures, divided once. Label maps are PNG "
        "files of one number a pixel, grey (8 or 16 bits) or palette; a prediction and its truth "
        "have the same path below their folders, or where one folder has no subfolders the same "
        "name.\n\n"
        "Detections in COCO's results form are scored as pycocotools does, to the last digit.",
    .notes = "Exit code: 0 all scored, 1 failed, 2 usage, 3 some pairs were skipped "
             "(--keep-going), 130 interrupted.",
    .options = options,
    .run = run,
};
