/* cnx eval coco, coco-o: a detector over data sets in COCO's form, scored. */
#include <stdlib.h>

#include "tools/coco_args.h"
#include "tools/coco_data.h"
#include "tools/coco_journal.h"
#include "tools/coco_page.h"
#include "tools/coco_tell.h"
#include "tools/console.h"
#include "tools/eval_frame.h"
#include "tools/eval_kinds.h"
#include "tools/outputs.h"
#include "tools/session_begin.h"

/* ---- the model ---- */

static cnx_status open_detector(cnx_session *s, cnx_model_file *file, cnx_error *err)
{
    cnx_coco_run *run = s->model;
    const cnx_model_options options = cnx_session_args_model_options(s->args, s->threads);
    CNX_TRY(cnx_detector_open(&run->detector, file, &options, err));
    s->weights_bytes = cnx_detector_weights_bytes(run->detector);
    return CNX_OK;
}

static cnx_status open_model(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    cnx_session *s = &run->session;
    cnx_model_file file = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_session_open_file(s, &file, CNX_TASK_DETECTION, err));
    CNX_CHECK(cnx_pipeline_args_apply(&run->pipeline, &args->run.pipeline, &file.description, err));
    cnx_detection_args_rules(&run->rules, &args->detection, &file.description);
    CNX_CHECK(cnx_detection_args_only(&run->only, &args->detection, &file.description, err));
    CNX_CHECK(cnx_coco_data_match(run, &file.description, err));
    CNX_CHECK(cnx_session_open_network(s, &file, open_detector, err));
cleanup:
    cnx_model_file_close(&file);
    return status;
}

/* ---- before any work ---- */

static cnx_status check_outputs(const cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const char *sources[CNX_COCO_O_DOMAINS + 2];
    size_t count = 0;
    sources[count++] = args->run.model.value;
    sources[count++] = args->run.config.value;
    for (int i = 0; i < run->part_count; i++)
        sources[count++] = run->parts[i].set.annotations;
    const bool overwrite = args->run.overwrite.given;
    CNX_TRY(cnx_outputs_check_file("csv", args->csv.value, sources, count, overwrite, err));
    CNX_TRY(cnx_outputs_check_file("report", args->report.value, sources, count, overwrite, err));
    for (int i = 0; i < run->part_count && args->save_pred.given; i++)
        for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
            char *path = cnx_coco_saved_path(run, i, kind);
            CNX_FAIL_IF(!path, CNX_ERR_MEMORY, "not enough memory for a path");
            const cnx_status status =
                cnx_outputs_check_file("save-pred", path, sources, count, overwrite, err);
            free(path);
            CNX_TRY(status);
        }
    return CNX_OK;
}

/* Flags of the scorer that cannot be, before hours of work. */
static cnx_status check_scoring(const cnx_coco_run *run, cnx_error *err)
{
    for (int i = 0; i < run->part_count; i++) {
        cnx_coco_setup setup = {0};
        cnx_status status = cnx_coco_args_apply(&setup, &run->args->coco, err);
        if (status == CNX_OK)
            status = cnx_coco_args_choose(&setup, &run->args->coco, &run->parts[i].set.truth, err);
        cnx_coco_setup_free(&setup);
        CNX_TRY(status);
    }
    return CNX_OK;
}

static cnx_status prepare(cnx_coco_run *run, cnx_error *err)
{
    const cnx_operands none = {0};
    CNX_TRY(cnx_session_begin(&run->session, &none, err));
    CNX_TRY(cnx_coco_data_open(run, err));
    CNX_TRY(check_outputs(run, err));
    CNX_TRY(check_scoring(run, err));
    CNX_TRY(open_model(run, err));
    CNX_TRY(cnx_coco_journal_open(run, err));
    return cnx_coco_run_queue(run, err);
}

static void announce(const cnx_coco_run *run)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const cnx_kernels *kernels = cnx_detector_kernels(run->detector);
    char pipeline[1024];
    cnx_coco_data_tell(run);
    if (run->args->run.quiet.given)
        return;
    cnx_detection_describe(&run->pipeline, &run->rules, pipeline, sizeof pipeline);
    cnx_console_note("model %s: %s, %d class%s",
                     run->args->run.model.given ? run->args->run.model.value
                                                : "(embedded demo: cell nuclei)",
                     d->name, d->class_count, d->class_count == 1 ? "" : "es");
    cnx_console_note("pipeline: %s", pipeline);
    cnx_console_note("kernels %s, weights %s; journal %s", kernels->name,
                     cnx_weight_type_name(kernels->weights), run->journal_path);
    if (run->done)
        cnx_console_note("%zu of %zu pictures are done already", run->done, run->count);
}

/* ---- the end ---- */

static cnx_status tell_results(cnx_coco_run *run, cnx_error *err)
{
    cnx_coco_part_scores scores[CNX_COCO_O_DOMAINS] = {0};
    cnx_status status = CNX_OK;
    for (int i = 0; i < run->part_count; i++)
        CNX_CHECK(cnx_coco_part_score(&scores[i], run, i, err));
    if (run->args->csv.given)
        CNX_CHECK(cnx_coco_tell_csv(run, scores, err));
    if (run->args->report.given)
        CNX_CHECK(cnx_coco_page_write(run, scores, err));
    CNX_CHECK(cnx_coco_tell(run, scores, err));
cleanup:
    for (int i = 0; i < run->part_count; i++)
        cnx_coco_part_scores_free(&scores[i]);
    return status;
}

static cnx_status tell(void *user, cnx_error *err)
{
    cnx_coco_run *run = user;
    CNX_TRY(tell_results(run, err));
    if (!run->args->run.quiet.given)
        cnx_eval_tell_end(run->done, run->failed, run->session.meter.started, false);
    return CNX_OK;
}

static cnx_status remove_spool(void *user, cnx_error *err)
{
    return cnx_coco_spool_remove(&((cnx_coco_run *)user)->spool, err);
}

static int evaluate(cnx_coco_run *run)
{
    cnx_error error = {0};
    if (prepare(run, &error) != CNX_OK)
        return cnx_console_fail(&error);
    announce(run);
    cnx_session_do(&run->session);
    const cnx_eval_end end = {.done = run->done,
                              .failed = run->failed,
                              .count = run->count,
                              .journal_path = run->journal_path,
                              .journal = run->journal,
                              .tell = tell,
                              .remove = remove_spool,
                              .user = run};
    if (run->session.interrupted)
        return cnx_eval_interrupted(&end);
    if (run->session.failed && (!run->args->run.keep_going.given || run->session.output_lost))
        return cnx_eval_broken_off(&end, CNX_EXIT_FAILED);
    return cnx_eval_finish(&end);
}

/* ---- command lines ---- */

static int run_kind(const cnx_command *command, bool domains, int argc, char **argv)
{
    cnx_eval_coco_args args = {.domains = domains};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(command, argc, argv, &args, &operands, &code)) {
        if (cnx_operands_refuse(&operands, "The data set is named with --data", &error) != CNX_OK ||
            cnx_eval_coco_args_check(&args, &error) != CNX_OK) {
            code = cnx_command_misused(command, &error);
        } else {
            cnx_coco_run run = {.args = &args,
                                .spool = {.file = -1},
                                .session = {.errand = &cnx_coco_errand, .args = &args.run}};
            run.session.model = &run;
            code = cnx_console_finish(evaluate(&run));
            cnx_coco_run_close(&run);
        }
    }
    cnx_session_args_free(&args.run);
    cnx_operands_free(&operands);
    return code;
}

static int run_coco(int argc, char **argv)
{
    return run_kind(&cnx_eval_coco, false, argc, argv);
}

static int run_coco_o(int argc, char **argv)
{
    return run_kind(&cnx_eval_coco_o, true, argc, argv);
}

#define ABOUT_ALL                                                                                  \
    "Scores as pycocotools does, to the last digit. Memory does not grow with the number of "      \
    "detections, and a run that was cut off goes on with --resume and ends in the same numbers. "
#define NOTES_ALL                                                                                  \
    "Exit code: 0 all scored, 1 failed, 2 usage, 3 some pictures were skipped (--keep-going), "    \
    "130 interrupted."

const cnx_command cnx_eval_coco = {
    .name = "eval coco",
    .summary = "COCO and data sets in its form: box AP and mask AP",
    .usage = "-m MODEL --data DIR [FLAGS]",
    .about = ABOUT_ALL "DIR holds annotations/instances_val2017.json and val2017.",
    .notes = NOTES_ALL,
    .options = cnx_eval_coco_options,
    .run = run_coco,
};

const cnx_command cnx_eval_coco_o = {
    .name = "eval coco-o",
    .summary = "COCO-O: box AP in six domains, and effective robustness",
    .usage = "-m MODEL --data DIR [FLAGS]",
    .about =
        ABOUT_ALL "DIR holds sketch, weather, cartoon, painting, tattoo and handmake, each with "
                  "annotations/instances_val2017.json and val2017.",
    .notes = NOTES_ALL,
    .options = cnx_eval_coco_o_options,
    .run = run_coco_o,
};
