/* cnx eval imagenet: classifiers over ImageNet or a relative, scored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/threads.h"
#include "datasets/folder.h"
#include "tools/console.h"
#include "tools/eval_frame.h"
#include "tools/eval_journal.h"
#include "tools/eval_kinds.h"
#include "tools/imagenet_page.h"
#include "tools/interrupt.h"
#include "tools/leftovers.h"
#include "tools/outputs.h"

/* One run of the subcommand. */
typedef struct session {
    cnx_imagenet_args *args;
    cnx_imagenet_run run;
    char *journal_path, *identity;
    size_t before; /* pictures that earlier runs have done */
} session;

/* ---- what is evaluated ---- */

static cnx_status open_dataset(session *s, cnx_error *err)
{
    const cnx_imagenet_args *args = s->args;
    cnx_imagenet_run *run = &s->run;
    const cnx_imagenet_options options = {.variant = (cnx_imagenet_variant)args->variant.value,
                                          .split = args->split.value,
                                          .labels = args->labels.value,
                                          .classes = args->classes.value};
    CNX_TRY(cnx_imagenet_open(&run->set, args->data.value, &options, err));
    return cnx_eval_part(&run->first, &run->count, run->set.count, run->set.folder, args->skip,
                         args->limit, err);
}

static cnx_status check_classes(const session *s, const cnx_description *d, const char *name,
                                cnx_error *err)
{
    const int wanted = s->run.set.class_count;
    CNX_FAIL_IF(
        d->class_count == 21841 && wanted == 1000, CNX_ERR_MODEL,
        "%s: has the 21841 classes of ImageNet-22k, the data set has 1000: its outputs cannot be "
        "scored on them; use a checkpoint that was tuned to the 1000, such as "
        "convnext_tiny_22k_1k_224.pth",
        name);
    CNX_FAIL_IF(d->class_count != wanted, CNX_ERR_MODEL,
                "%s: has %d classes, the data set has %d (--classes FILE names others)", name,
                d->class_count, wanted);
    return CNX_OK;
}

static cnx_status add_model(session *s, const char *path, cnx_error *err)
{
    const cnx_session_args *args = &s->args->run;
    const cnx_model_options options = cnx_session_args_model_options(args, s->run.threads);
    cnx_model_file file = {0};
    cnx_classifier *cls = NULL;
    cnx_pipeline view;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_model_file_open(&file, path, args->config.value, args->sets.items,
                                  args->sets.count, false, err));
    CNX_CHECK(cnx_model_file_expect(&file, CNX_TASK_CLASSIFICATION, err));
    CNX_CHECK(check_classes(s, &file.description, path, err));
    cnx_leftovers_warn(&file);
    cnx_view_args_apply(&view, &s->args->view, &file.description);
    if (s->args->variant.value == CNX_IMAGENET_C && !s->args->view.size.given)
        view.resize = false; /* its pictures are of the network's size already */
    cnx_view_warn(&view, &s->args->view, path);
    CNX_CHECK(cnx_classifier_open(&cls, &file, &options, err));
    CNX_CHECK(cnx_classifier_group_add(&s->run.group, cls, &view, path, err));
    cls = NULL;
cleanup:
    cnx_classifier_close(&cls);
    cnx_model_file_close(&file);
    return status;
}

static cnx_status open_models(session *s, cnx_error *err)
{
    const cnx_session_args *args = &s->args->run;
    const int count = cnx_session_args_model_count(args);
    for (int i = 0; i < count; i++)
        CNX_TRY(add_model(s, args->models.items[i], err));
    s->run.group.average = (cnx_average)args->average.value;
    return cnx_ensemble_shares(s->run.group.shares, cnx_session_args_shares(args), count, err);
}

/* Multiply-adds that are worth a thread of their own: see session_jobs.c. */
#define MACS_OF_A_THREAD 45e9

/* As many pictures at once as leave each the threads that it can use, as far as memory allows; an
 * ordinary photograph stands for all. */
static cnx_status decide_jobs(session *s, cnx_error *err)
{
    cnx_imagenet_run *run = &s->run;
    const cnx_session_args *args = &s->args->run;
    cnx_estimate e;
    const int asked = args->jobs.value;
    const bool own_size = !run->group.pipelines[0].resize;
    cnx_classifier_group_set_threads(&run->group, 1);
    CNX_TRY(cnx_classifier_group_estimate(&run->group, own_size ? 224 : 500, own_size ? 224 : 375,
                                          &e, err));
    const double usable = e.macs / run->group.count / MACS_OF_A_THREAD;
    const int each = usable < 1 ? 1 : usable > run->threads ? run->threads : (int)usable;
    run->jobs = asked > 0 ? asked : run->threads / each;
    run->jobs = run->jobs > run->threads ? run->threads : run->jobs;
    while (args->max_memory.given && run->jobs > 1 &&
           e.weights_bytes + (size_t)run->jobs * (e.arena_bytes + e.picture_bytes) >
               args->max_memory.value)
        run->jobs--;
    return CNX_OK;
}

/* ---- the journal ---- */

/* What decides the numbers, in one line. */
static cnx_status identify(session *s, cnx_error *err)
{
    const cnx_imagenet_run *run = &s->run;
    const cnx_kernels *kernels = cnx_classifier_kernels(run->group.members[0]);
    char *models = NULL;
    size_t size;
    unsigned items = 0;
    FILE *text = open_memstream(&models, &size);
    CNX_FAIL_IF(!text, CNX_ERR_MEMORY, "not enough memory");
    cnx_status status = CNX_OK;
    for (int i = 0; i < run->group.count; i++) {
        cnx_file_check check;
        char view[128];
        CNX_CHECK(cnx_file_check_of(&check, s->args->run.models.items[i], err));
        cnx_view_describe(&run->group.pipelines[i], view, sizeof view);
        fprintf(text, "model %s, %s, weight %.17g, ", check.text, view, run->group.shares[i]);
    }
    for (size_t i = 0; i < run->count; i++) {
        const cnx_imagenet_item *item = cnx_imagenet_item_of(run, i);
        items = (unsigned)crc32_z(items, (const unsigned char *)item->id, strlen(item->id) + 1);
        items = (unsigned)crc32_z(items, (const unsigned char *)&item->label, sizeof item->label);
    }
cleanup:
    fclose(text);
    const bool made =
        status == CNX_OK && models &&
        asprintf(&s->identity,
                 "cnx %s, %s%s averaged, %zu pictures %08x, variant %s, %d classes%s, kernels %s, "
                 "weights %s",
                 CNX_VERSION, models, cnx_average_names[run->group.average], run->count, items,
                 cnx_imagenet_variant_names[s->args->variant.value], run->set.class_count,
                 cnx_pipeline_args_ignore_exif(&s->args->run.pipeline) ? "" : ", EXIF applied",
                 kernels->name, cnx_weight_type_name(kernels->weights)) >= 0;
    free(models);
    CNX_TRY(status);
    CNX_FAIL_IF(!made, CNX_ERR_MEMORY, "not enough memory");
    return CNX_OK;
}

static cnx_status open_journal(session *s, cnx_error *err)
{
    CNX_TRY(identify(s, err));
    const cnx_eval_journal_request request = {.journal = s->args->journal,
                                              .model = s->args->run.model.value,
                                              .identity = s->identity,
                                              .count = s->run.count,
                                              .resume = s->args->resume.given,
                                              .quiet = s->args->run.quiet.given,
                                              .record = cnx_imagenet_run_restore,
                                              .user = &s->run};
    return cnx_eval_journal_open(&s->run.journal, &s->journal_path, &request, err);
}

/* ---- before any work ---- */

static cnx_status check_outputs(const session *s, cnx_error *err)
{
    const cnx_imagenet_args *args = s->args;
    const bool overwrite = args->run.overwrite.given;
    const char *sources[CNX_MAX_SHARES + 3] = {args->run.config.value, args->labels.value,
                                               args->classes.value};
    size_t count = 3;
    for (size_t i = 0; i < args->run.models.count; i++)
        sources[count++] = args->run.models.items[i];
    CNX_TRY(cnx_outputs_check_file("csv", args->csv.value, sources, count, overwrite, err));
    CNX_TRY(
        cnx_outputs_check_file("per-image", args->per_image.value, sources, count, overwrite, err));
    return cnx_outputs_check_file("report", args->report.value, sources, count, overwrite, err);
}

static cnx_status prepare(session *s, cnx_error *err)
{
    cnx_imagenet_run *run = &s->run;
    const cnx_int_arg threads = s->args->run.threads;
    run->args = s->args;
    run->threads = threads.given ? threads.value : cnx_threads_available();
    CNX_TRY(check_outputs(s, err));
    CNX_TRY(open_dataset(s, err));
    CNX_TRY(open_models(s, err));
    CNX_TRY(decide_jobs(s, err));
    CNX_TRY(cnx_imagenet_run_open(run, err));
    return open_journal(s, err);
}

static void announce(const session *s)
{
    const cnx_imagenet_run *run = &s->run;
    const cnx_kernels *kernels = cnx_classifier_kernels(run->group.members[0]);
    if (s->args->run.quiet.given)
        return;
    for (int i = 0; i < run->group.count; i++) {
        const cnx_description *d = cnx_classifier_description(run->group.members[i]);
        char view[128], share[48] = "";
        cnx_view_describe(&run->group.pipelines[i], view, sizeof view);
        if (run->group.count > 1)
            snprintf(share, sizeof share, ", weight %.4g in the average", run->group.shares[i]);
        cnx_console_note("model %s: %s, %d classes; pictures %s%s", s->args->run.models.items[i],
                         d->name, d->class_count, view, share);
    }
    cnx_console_note("data %s: %s, %s, %zu of %zu pictures, %d classes", run->set.folder,
                     cnx_imagenet_title(s->args->variant.value), run->set.layout, run->count,
                     run->set.count, run->set.subset_count);
    cnx_console_note("kernels %s, weights %s, %d thread%s, %d picture%s at once; journal %s",
                     kernels->name, cnx_weight_type_name(kernels->weights), run->threads,
                     run->threads == 1 ? "" : "s", run->jobs, run->jobs == 1 ? "" : "s",
                     s->journal_path);
}

/* ---- results ---- */

static cnx_status tell_results(const session *s, cnx_error *err)
{
    cnx_imagenet_results results;
    cnx_status status = cnx_imagenet_results_open(&results, &s->run, err);
    if (status == CNX_OK)
        status = cnx_imagenet_results_write(&results, err);
    if (status == CNX_OK && s->args->report.given)
        status = cnx_imagenet_page_write(&results, err);
    if (status == CNX_OK)
        status = cnx_imagenet_results_print(&results, err);
    cnx_imagenet_results_close(&results);
    return status;
}

/* ---- the run ---- */

static cnx_status tell(void *user, cnx_error *err)
{
    const session *s = user;
    const cnx_imagenet_run *run = &s->run;
    if (!s->args->run.quiet.given)
        cnx_eval_tell_end(run->done - s->before, run->failed, run->meter.started, true);
    return tell_results(s, err);
}

static int evaluate(session *s)
{
    cnx_imagenet_run *run = &s->run;
    cnx_error error = {0};
    cnx_interrupt_catch();
    if (prepare(s, &error) != CNX_OK)
        return cnx_console_fail(&error);
    announce(s);
    const bool talk = !s->args->run.quiet.given && !s->args->run.no_progress.given;
    s->before = run->done;
    cnx_meter_begin(&run->meter, run->count - run->done, "pictures", talk);
    const cnx_status status = cnx_imagenet_run_do(run, &error);
    const cnx_eval_end end = {.done = run->done,
                              .failed = run->failed,
                              .count = run->count,
                              .journal_path = s->journal_path,
                              .journal = run->journal,
                              .tell = tell,
                              .user = s};
    if (run->interrupted)
        return cnx_eval_interrupted(&end);
    if (status != CNX_OK)
        return cnx_eval_broken_off(&end, cnx_console_fail(&error));
    return cnx_eval_finish(&end);
}

static void close_session(session *s)
{
    cnx_journal_close(&s->run.journal);
    cnx_imagenet_run_close(&s->run);
    cnx_classifier_group_close(&s->run.group);
    cnx_imagenet_free(&s->run.set);
    free(s->journal_path);
    free(s->identity);
}

static int run(int argc, char **argv)
{
    cnx_imagenet_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_eval_imagenet, argc, argv, &args, &operands, &code)) {
        if (cnx_operands_refuse(&operands, "The data set is named with --data", &error) != CNX_OK ||
            cnx_imagenet_args_check(&args, &error) != CNX_OK) {
            code = cnx_command_misused(&cnx_eval_imagenet, &error);
        } else {
            session s = {.args = &args};
            code = cnx_console_finish(evaluate(&s));
            close_session(&s);
        }
    }
    cnx_session_args_free(&args.run);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_eval_imagenet = {
    .name = "eval imagenet",
    .summary = "top-1 and top-5 of classifiers; ImageNet-A, -R, -Sketch, -C",
    .usage = "-m MODEL [-m MODEL ...] --data DIR [--variant a|r|sketch|c] [FLAGS]",
    .about =
        "Top-1 and top-5 accuracy with the official preprocessing. A run that was cut off goes "
        "on with --resume and ends in the same numbers.",
    .notes = "Exit code: 0 all scored, 1 failed, 2 usage, 3 some pictures were skipped "
             "(--keep-going), 130 interrupted.",
    .options = cnx_imagenet_eval_options,
    .run = run,
};
