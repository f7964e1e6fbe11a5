/* cnx compare: two results, or two folders of label maps. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/threads.h"
#include "tools/commands.h"
#include "tools/compare_masks.h"
#include "tools/compare_text.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/rule_args.h"
#include "tools/run_args.h"

typedef struct compare_args {
    cnx_text_arg truth;
    cnx_rule_args rule;
    cnx_int_arg metric, top, threads;
    cnx_flag_arg json, keep_going, quiet, no_progress;
} compare_args;

#define AT(field) offsetof(compare_args, field)

/* By cnx_semantic_score. */
static const char *const score_names[] = {"IoU",       "Acc",    "Dice", "Fscore",
                                          "Precision", "Recall", NULL};

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Label maps (where A and B are folders)"},
    {CNX_OPT_TEXT, 0, "truth", "DIR",
     "score both against this; without it the two are compared pixel by pixel",
     .offset = AT(truth)},
    CNX_RULE_OPTIONS(compare_args),

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_CHOICE, 0, "metric", "NAME",
     "by which classes are sorted: IoU, Acc, Dice, Fscore, Precision or Recall", .fallback = "IoU",
     .choices = score_names, .offset = AT(metric)},
    {CNX_OPT_INT, 0, "top", "N", "how many classes and pictures are shown; 0: all",
     .fallback = "20", .max = 1000000000, .offset = AT(top)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object on standard output", .offset = AT(json)},

    {CNX_OPT_GROUP, .help = "Running"},
    CNX_THREADS_OPTION(compare_args),
    {CNX_OPT_FLAG, 0, "keep-going",
     .help = "leave out label maps that cannot be compared, and tell how many they were",
     .offset = AT(keep_going)},
    CNX_QUIET_OPTIONS(compare_args),
    {.kind = CNX_OPT_END},
};

/* One run of the subcommand. */
typedef struct session {
    const compare_args *args;
    const char *paths[2]; /* A, B */
    cnx_classes classes;
    cnx_score_options options;
    cnx_meter meter;
    size_t failed; /* label maps that were left out */
} session;

/* ---- label maps ---- */

static cnx_status open_rules(session *s, cnx_error *err)
{
    const cnx_rule_args *rule = &s->args->rule;
    s->options.threads = s->args->threads.given ? s->args->threads.value : cnx_threads_available();
    s->options.strict = rule->strict.given;
    s->options.keep_going = s->args->keep_going.given;
    s->options.meter = &s->meter;
    if (!rule->classes.given)
        return CNX_OK;
    CNX_TRY(cnx_classes_open(&s->classes, rule->classes.value, err));
    s->options.coding = s->classes.rules.coding;
    return cnx_rule_args_apply(&s->options.rules, &s->options.scores, rule, &s->classes, err);
}

/* Counts one pair of folders; with keep_going tells what was left out. */
static cnx_status count(cnx_score_run *run, cnx_mask_pairs *pairs, const cnx_mask_folder folders[2],
                        session *s, cnx_error *err)
{
    const bool talk = !s->args->quiet.given && !s->args->no_progress.given;
    cnx_meter_begin(&s->meter, pairs->count, "pairs", talk);
    CNX_TRY(cnx_score_run_do(run, pairs, folders, &s->options, err));
    CNX_FAIL_IF(run->interrupted, CNX_ERR_INTERRUPTED, "interrupted after %zu of %zu", run->done,
                pairs->count);
    for (size_t i = 0; i < pairs->count; i++)
        if (run->pairs[i].problem)
            cnx_console_error("%s", run->pairs[i].problem);
    CNX_FAIL_IF(run->done == 0, CNX_ERR_FORMAT, "none of %zu pairs of label maps could be compared",
                pairs->count);
    if (run->failed)
        cnx_console_warning("%zu of %zu pairs of %s and %s were skipped", run->failed, pairs->count,
                            folders[0].path, folders[1].path);
    s->failed += run->failed;
    return CNX_OK;
}

static cnx_status find_pairs(cnx_mask_pairs *out, const cnx_mask_folder folders[2],
                             const session *s, cnx_error *err)
{
    CNX_TRY(cnx_mask_pairs_find(out, folders, err));
    return s->args->keep_going.given ? CNX_OK : cnx_mask_pairs_check(out, folders, err);
}

/* ---- against each other ---- */

/* First for labels of 8 bits; once more for all of 16 when there are any. */
static cnx_status count_changes(cnx_score_run *run, cnx_mask_pairs *pairs,
                                const cnx_mask_folder folders[2], session *s, cnx_error *err)
{
    s->options.strict = false;
    s->options.rules = (cnx_semantic_rules){.classes = 256, .ignore = -1};
    CNX_TRY(count(run, pairs, folders, s, err));
    const int64_t *totals = run->counts.totals;
    if (!totals[CNX_SEMANTIC_TRUTH_BEYOND] && !totals[CNX_SEMANTIC_PRED_BEYOND])
        return CNX_OK;
    cnx_score_run_free(run, pairs);
    s->failed = 0;
    s->options.rules.classes = CNX_SEMANTIC_MAX_CLASSES;
    return count(run, pairs, folders, s, err);
}

static cnx_status compare_masks(session *s, cnx_error *err)
{
    const cnx_rule_args *rule = &s->args->rule;
    const cnx_mask_folder folders[2] = {{s->paths[0], rule->pred_suffix.value, "label maps", true},
                                        {s->paths[1], rule->pred_suffix.value, "label maps", true}};
    cnx_mask_pairs pairs = {0};
    cnx_score_run run = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(find_pairs(&pairs, folders, s, err));
    CNX_CHECK(count_changes(&run, &pairs, folders, s, err));
    const cnx_mask_comparison comparison = {.names = {s->paths[0], s->paths[1]},
                                            .pairs = &pairs,
                                            .run = &run,
                                            .classes = rule->classes.given ? &s->classes : NULL,
                                            .top = (size_t)s->args->top.value};
    CNX_CHECK(cnx_mask_comparison_print(stdout, &comparison, s->args->json.given, err));
cleanup:
    cnx_score_run_free(&run, &pairs);
    cnx_mask_pairs_free(&pairs);
    return status;
}

/* ---- results ---- */

static cnx_status take_pictures(cnx_semantic_result *out, const cnx_mask_pairs *pairs,
                                const cnx_score_run *run, cnx_error *err)
{
    CNX_TRY(cnx_semantic_result_add_pictures(out, run->done, err));
    cnx_semantic_picture *picture = out->pictures;
    for (size_t i = 0; i < pairs->count; i++) {
        if (!run->pairs[i].done)
            continue;
        const cnx_semantic_summary *summary = &run->pairs[i].summary;
        *picture = (cnx_semantic_picture){.name = strdup(pairs->items[i].name),
                                          .accuracy = summary->accuracy,
                                          .miou = summary->mean[CNX_SCORE_IOU]};
        CNX_FAIL_IF(!picture->name, CNX_ERR_MEMORY, "not enough memory for the scores");
        picture++;
    }
    return CNX_OK;
}

/* Scores one folder against the truth. */
static cnx_status score_folder(cnx_semantic_result *out, const char *path, session *s,
                               cnx_error *err)
{
    const cnx_rule_args *rule = &s->args->rule;
    const cnx_mask_folder folders[2] = {
        {path, rule->pred_suffix.value, "predictions", true},
        {s->args->truth.value, rule->truth_suffix.value, "truth", false}};
    cnx_mask_pairs pairs = {0};
    cnx_score_run run = {0};
    cnx_status status = CNX_OK;
    s->options.summaries = true;
    CNX_CHECK(find_pairs(&pairs, folders, s, err));
    CNX_CHECK(count(&run, &pairs, folders, s, err));
    cnx_score_run_warn(&run, &pairs, &s->options);
    const cnx_semantic_report report = {.counts = &run.counts,
                                        .names = (const char *const *)s->classes.names,
                                        .options = s->options.scores};
    CNX_CHECK(cnx_semantic_result_make(out, &report, err));
    CNX_CHECK(take_pictures(out, &pairs, &run, err));
cleanup:
    cnx_score_run_free(&run, &pairs);
    cnx_mask_pairs_free(&pairs);
    return status;
}

static void warn_differences(const cnx_comparison *c)
{
    const cnx_semantic_result *a = c->runs[0], *b = c->runs[1];
    for (int i = 0; i < a->classes; i++) {
        if (strcmp(a->names[i], b->names[i]) == 0)
            continue;
        cnx_console_warning(
            "class %d is \"%s\" in %s and \"%s\" in %s: are these the same classes?", i,
            a->names[i], c->names[0], b->names[i], c->names[1]);
        break;
    }
    if (c->alone[0] || c->alone[1])
        cnx_console_warning("%zu pictures are in %s only, %zu in %s only: the scores are those of "
                            "different pictures",
                            c->alone[0], c->names[0], c->alone[1], c->names[1]);
}

static cnx_status compare_results(session *s, bool folders, cnx_error *err)
{
    cnx_semantic_result runs[2] = {0};
    cnx_comparison comparison = {.names = {s->paths[0], s->paths[1]},
                                 .runs = {&runs[0], &runs[1]},
                                 .score = (cnx_semantic_score)s->args->metric.value,
                                 .top = (size_t)s->args->top.value};
    cnx_status status = CNX_OK;
    for (int i = 0; i < 2; i++)
        CNX_CHECK(folders ? score_folder(&runs[i], s->paths[i], s, err)
                          : cnx_semantic_result_read(&runs[i], s->paths[i], err));
    CNX_CHECK(cnx_comparison_make(&comparison, err));
    warn_differences(&comparison);
    if (s->args->json.given)
        cnx_comparison_print_json(stdout, &comparison);
    else
        cnx_comparison_print(stdout, &comparison);
cleanup:
    cnx_comparison_free(&comparison);
    cnx_semantic_result_free(&runs[0]);
    cnx_semantic_result_free(&runs[1]);
    return status;
}

/* ---- the run ---- */

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static cnx_status compare_all(session *s, cnx_error *err)
{
    const bool folders = is_folder(s->paths[0]);
    const cnx_rule_args *rule = &s->args->rule;
    CNX_FAIL_IF(folders != is_folder(s->paths[1]), CNX_ERR_ARGUMENT,
                "%s is a folder and %s is not: compare two results (JSON) or two folders of label "
                "maps",
                s->paths[!folders], s->paths[folders]);
    CNX_FAIL_IF(!folders && (s->args->truth.given || rule->classes.given), CNX_ERR_ARGUMENT,
                "--%s belongs to folders of label maps; %s is a file",
                s->args->truth.given ? "truth" : "classes", s->paths[0]);
    if (folders && s->args->truth.given)
        CNX_TRY(cnx_rule_args_check(rule, err));
    CNX_TRY(open_rules(s, err));
    CNX_TRY(folders && !s->args->truth.given ? compare_masks(s, err)
                                             : compare_results(s, folders, err));
    return cnx_console_flush(err);
}

static int compare(const compare_args *args, const cnx_operands *operands)
{
    session s = {.args = args, .paths = {operands->items[0], operands->items[1]}};
    cnx_error error = {0};
    cnx_interrupt_catch();
    const cnx_status status = compare_all(&s, &error);
    cnx_classes_free(&s.classes);
    if (status == CNX_ERR_INTERRUPTED) {
        cnx_console_note("%s", error.message);
        return CNX_EXIT_INTERRUPTED;
    }
    if (status != CNX_OK)
        return error.message[0] ? cnx_console_fail(&error) : CNX_EXIT_FAILED;
    return s.failed ? CNX_EXIT_SOME_FAILED : CNX_EXIT_DONE;
}

static int run(int argc, char **argv)
{
    compare_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_compare, argc, argv, &args, &operands, &code)) {
        if (operands.count != 2) {
            cnx_fail(&error, CNX_ERR_ARGUMENT,
                     "%zu names; expected two results (JSON) or two folders of label maps",
                     operands.count);
            code = cnx_command_misused(&cnx_command_compare, &error);
        } else {
            code = cnx_console_finish(compare(&args, &operands));
        }
    }
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_compare = {
    .name = "compare",
    .summary = "tell what differs between two results or two folders of label maps",
    .usage = "A B [FLAGS]",
    .about =
        "A and B are results that cnx score --json (or cnx eval --json) wrote, or folders of label "
        "maps. Scores by class and picture, the largest difference first; for folders without "
        "--truth, how many pixels changed in each label and picture.",
    .notes = "Exit code: 0 compared, 1 failed, 2 usage, 3 some label maps were skipped "
             "(--keep-going), 130 interrupted.",
    .options = options,
    .run = run,
};
