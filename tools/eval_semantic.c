/* cnx eval ade20k, folder, imagenet-s: a segmentation model over a data set, scored. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/json.h"
#include "core/threads.h"
#include "tools/console.h"
#include "tools/eval_frame.h"
#include "tools/eval_journal.h"
#include "tools/eval_kinds.h"
#include "tools/eval_page.h"
#include "tools/interrupt.h"
#include "tools/leftovers.h"
#include "tools/outputs.h"
#include "tools/words.h"

/* One run of the subcommand. */
typedef struct session {
    cnx_eval_args *args;
    cnx_dataset dataset;
    size_t first, count; /* the part of it that is evaluated */
    cnx_classes classes;
    cnx_eval_run run;
    char *journal_path, *identity;
} session;

/* ---- what is evaluated ---- */

static cnx_status open_dataset(session *s, cnx_error *err)
{
    const cnx_eval_args *args = s->args;
    const cnx_dataset_suffixes suffixes = {args->image_suffix.value, args->label_suffix.value};
    if (args->images.given)
        CNX_TRY(cnx_dataset_open_folders(&s->dataset, args->images.value, args->labels.value,
                                         &suffixes, err));
    else if (args->kind == CNX_EVAL_ADE20K)
        CNX_TRY(cnx_dataset_open_ade20k(&s->dataset, args->data.value, args->split.value, err));
    else
        CNX_TRY(cnx_dataset_open(&s->dataset, args->data.value, args->split.value, &suffixes, err));
    return cnx_eval_part(&s->first, &s->count, s->dataset.count, s->dataset.images, args->skip,
                         args->limit, err);
}

/* Without --keep-going nothing is begun that could not be finished. */
static cnx_status check_pairs(const session *s, cnx_error *err)
{
    for (size_t i = s->first; i < s->first + s->count && !s->args->keep_going.given; i++) {
        const cnx_dataset_item *item = &s->dataset.items[i];
        CNX_FAIL_IF(!item->image || !item->labels, CNX_ERR_IO,
                    "%s: there is no %s of this name; %zu pictures and %zu label files have no "
                    "partner (--keep-going leaves them out, cnx check tells more)",
                    item->image ? item->image : item->labels,
                    item->image ? "label file" : "picture", s->dataset.images_alone,
                    s->dataset.labels_alone);
    }
    return CNX_OK;
}

/* The model's own names and colours for so many classes. */
static cnx_status name_classes(cnx_classes *classes, const cnx_description *d, cnx_error *err)
{
    for (int c = 0; c < classes->count; c++) {
        char *name = strdup(d->class_names[c]);
        CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for the names of the classes");
        cnx_words_printable(name);
        free(classes->names[c]);
        classes->names[c] = name;
    }
    memcpy(classes->palette, d->palette, 3 * (size_t)classes->count);
    return CNX_OK;
}

static cnx_status open_classes(session *s, const cnx_description *d, cnx_error *err)
{
    const cnx_eval_args *args = s->args;
    const bool own = !args->rule.classes.given && args->kind == CNX_EVAL_FOLDER;
    char number[16];
    snprintf(number, sizeof number, "%d", d->class_count);
    const char *what = args->rule.classes.given        ? args->rule.classes.value
                       : args->kind == CNX_EVAL_ADE20K ? "ade20k"
                                                       : number;
    CNX_FAIL_IF(!args->rule.classes.given && args->kind == CNX_EVAL_IMAGENET_S, CNX_ERR_ARGUMENT,
                "which ImageNet-S? Give --classes imagenet-s50, imagenet-s300 or imagenet-s919");
    CNX_TRY(cnx_classes_open(&s->classes, what, err));
    CNX_FAIL_IF(s->classes.count != d->class_count, CNX_ERR_ARGUMENT,
                "the model has %d classes and %s has %d", d->class_count, s->classes.name,
                s->classes.count);
    return own ? name_classes(&s->classes, d, err) : CNX_OK;
}

static cnx_status open_model(session *s, cnx_error *err)
{
    const cnx_eval_args *args = s->args;
    const cnx_model_options options = {
        .threads = s->run.threads,
        .max_memory = args->max_memory.given ? args->max_memory.value : 0,
        .kernels = cnx_kernel_names[args->kernels.value],
        .weights = (cnx_weight_type)args->weights.value,
    };
    cnx_model_file file = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_model_file_open(&file, args->model.value, args->config.value, args->sets.items,
                                  args->sets.count, false, err));
    CNX_CHECK(cnx_model_file_expect(&file, CNX_TASK_SEGMENTATION, err));
    cnx_leftovers_warn(&file);
    CNX_CHECK(cnx_pipeline_args_apply(&s->run.pipeline, &args->pipeline, &file.description, err));
    CNX_CHECK(open_classes(s, &file.description, err));
    CNX_CHECK(cnx_rule_args_apply(&s->run.rules, &s->run.scores, &args->rule, &s->classes, err));
    CNX_CHECK(cnx_segmentor_open(&s->run.segmentor, &file, &options, err));
cleanup:
    cnx_model_file_close(&file);
    return status;
}

/* ---- the journal ---- */

/* What decides the numbers, in one line. */
static cnx_status identify(session *s, cnx_error *err)
{
    const cnx_eval_run *run = &s->run;
    const cnx_kernels *kernels = cnx_segmentor_kernels(run->segmentor);
    char pipeline[1024];
    cnx_file_check model = {"embedded"};
    unsigned ids = 0;
    if (s->args->model.given)
        CNX_TRY(cnx_file_check_of(&model, s->args->model.value, err));
    for (size_t i = 0; i < s->count; i++) {
        const char *id = s->dataset.items[s->first + i].id;
        ids = (unsigned)crc32_z(ids, (const unsigned char *)id, strlen(id) + 1);
    }
    cnx_pipeline_describe(&run->pipeline, pipeline, sizeof pipeline);
    CNX_FAIL_IF(asprintf(&s->identity,
                         "cnx %s, model %s, %zu pictures %08x, %d classes, ignore %d, reduce %d, "
                         "%s%s, kernels %s, weights %s",
                         CNX_VERSION, model.text, s->count, ids, run->rules.classes,
                         run->rules.ignore, run->rules.reduce_zero_label, pipeline,
                         cnx_pipeline_args_ignore_exif(&s->args->pipeline) ? ", EXIF ignored" : "",
                         kernels->name, cnx_weight_type_name(kernels->weights)) < 0,
                CNX_ERR_MEMORY, "not enough memory");
    return CNX_OK;
}

static cnx_status open_journal(session *s, cnx_error *err)
{
    CNX_TRY(identify(s, err));
    const cnx_eval_journal_request request = {.journal = s->args->journal,
                                              .model = s->args->model.value,
                                              .identity = s->identity,
                                              .count = s->count,
                                              .resume = s->args->resume.given,
                                              .quiet = s->args->quiet.given,
                                              .record = cnx_eval_run_restore,
                                              .user = &s->run};
    return cnx_eval_journal_open(&s->run.journal, &s->journal_path, &request, err);
}

/* ---- before any work ---- */

static cnx_status check_outputs(const session *s, cnx_error *err)
{
    const cnx_eval_args *args = s->args;
    const char **sources = calloc(2 * s->dataset.count + 3, sizeof *sources);
    size_t count = 0;
    CNX_FAIL_IF(!sources, CNX_ERR_MEMORY, "not enough memory for the list of the data set");
    sources[count++] = args->model.value;
    sources[count++] = args->config.value;
    sources[count++] = args->rule.classes.value;
    for (size_t i = 0; i < s->dataset.count; i++) {
        sources[count++] = s->dataset.items[i].image;
        sources[count++] = s->dataset.items[i].labels;
    }
    cnx_status status = cnx_score_results_check(&args->result, sources, count, err);
    if (status == CNX_OK)
        status = cnx_outputs_check_file("report", args->report.value, sources, count,
                                        args->result.overwrite.given, err);
    free(sources);
    return status;
}

/* Predictions of an earlier run are not replaced unasked; those of this run's journal are its own.
 */
static cnx_status check_saved(const session *s, cnx_error *err)
{
    const cnx_eval_args *args = s->args;
    if (!args->save_pred.given)
        return CNX_OK;
    CNX_TRY(cnx_folder_check(args->save_pred.value, err));
    CNX_FAIL_IF(cnx_same_file(args->save_pred.value, s->dataset.labels) ||
                    cnx_same_file(args->save_pred.value, s->dataset.images),
                CNX_ERR_ARGUMENT, "--save-pred %s: this is a folder of the data set",
                args->save_pred.value);
    for (size_t i = 0; i < s->count && !args->result.overwrite.given && !args->resume.given; i++) {
        char *path;
        CNX_TRY(cnx_eval_saved_path(&path, args, s->dataset.items[s->first + i].id, err));
        const cnx_status status =
            access(path, F_OK) == 0
                ? cnx_fail(err, CNX_ERR_IO, "%s: is there already; --overwrite replaces it", path)
                : CNX_OK;
        free(path);
        CNX_TRY(status);
    }
    return CNX_OK;
}

static cnx_status prepare(session *s, cnx_error *err)
{
    cnx_eval_run *run = &s->run;
    run->args = s->args;
    run->classes = &s->classes;
    run->threads = s->args->threads.given ? s->args->threads.value : cnx_threads_available();
    CNX_TRY(open_dataset(s, err));
    CNX_TRY(check_pairs(s, err));
    CNX_TRY(check_outputs(s, err));
    CNX_TRY(check_saved(s, err));
    CNX_TRY(open_model(s, err));
    CNX_TRY(cnx_eval_run_open(run, s->dataset.items + s->first, s->count, err));
    return open_journal(s, err);
}

static void announce(const session *s)
{
    const cnx_eval_run *run = &s->run;
    const cnx_description *d = cnx_segmentor_description(run->segmentor);
    const cnx_kernels *kernels = cnx_segmentor_kernels(run->segmentor);
    char pipeline[1024];
    if (s->args->quiet.given)
        return;
    cnx_pipeline_describe(&run->pipeline, pipeline, sizeof pipeline);
    cnx_console_note("model %s: %s, %d classes",
                     s->args->model.given ? s->args->model.value : "(embedded demo: cell nuclei)",
                     d->name, d->class_count);
    cnx_console_note("pipeline: %s", pipeline);
    cnx_console_note("data %s: %s, %zu of %zu pictures, classes of %s%s", s->dataset.images,
                     s->dataset.layout, s->count, s->dataset.count, s->classes.name,
                     run->rules.reduce_zero_label ? ", label 0 is none" : "");
    cnx_console_note("kernels %s, weights %s, %d thread%s; journal %s", kernels->name,
                     cnx_weight_type_name(kernels->weights), run->threads,
                     run->threads == 1 ? "" : "s", s->journal_path);
}

/* ---- results ---- */

static cnx_scored picture_at(const void *run, size_t index)
{
    const cnx_eval_picture *picture = &((const cnx_eval_run *)run)->pictures[index];
    return (cnx_scored){.name = picture->item->id,
                        .problem = picture->problem,
                        .done = picture->done,
                        .pixels = picture->pixels,
                        .summary = &picture->summary};
}

/* No times: an interrupted run that went on must print the same bytes. */
static void print_members(FILE *to, const void *of)
{
    const cnx_eval_run *run = of;
    char pipeline[1024];
    cnx_pipeline_describe(&run->pipeline, pipeline, sizeof pipeline);
    fprintf(to, ",\"model\":");
    cnx_json_put_string(to, cnx_segmentor_description(run->segmentor)->name);
    fprintf(to, ",\"pipeline\":");
    cnx_json_put_string(to, pipeline);
    fprintf(to, ",\"pictures\":%zu", run->done);
}

static cnx_status tell_results(const session *s, cnx_error *err)
{
    const cnx_eval_run *run = &s->run;
    const cnx_score_results results = {
        .report = {.counts = &run->counts,
                   .names = (const char *const *)s->classes.names,
                   .options = run->scores},
        .count = run->count,
        .at = picture_at,
        .members = print_members,
        .run = run,
    };
    cnx_score_results_warn(&run->counts, &run->rules);
    CNX_TRY(cnx_score_results_write(&results, &s->args->result, err));
    if (s->args->report.given)
        CNX_TRY(cnx_eval_page_write(run, &s->dataset, err));
    return cnx_score_results_print(&results, &s->args->result, err);
}

static void tell_end(const session *s)
{
    const cnx_eval_run *run = &s->run;
    if (s->args->quiet.given)
        return;
    const double published =
        cnx_eval_published(cnx_segmentor_description(run->segmentor), &run->pipeline);
    if (s->args->kind == CNX_EVAL_ADE20K && published > 0)
        cnx_console_note("published mIoU of this model with this pipeline: %.1f", published);
    cnx_eval_tell_end(run->done, run->failed, run->meter.started, false);
}

/* ---- the run ---- */

static cnx_status tell(void *user, cnx_error *err)
{
    const session *s = user;
    CNX_TRY(tell_results(s, err));
    tell_end(s);
    return CNX_OK;
}

static int evaluate(session *s)
{
    cnx_error error = {0};
    cnx_interrupt_catch();
    if (prepare(s, &error) != CNX_OK)
        return cnx_console_fail(&error);
    announce(s);
    const bool talk = !s->args->quiet.given && !s->args->no_progress.given;
    cnx_meter_begin(&s->run.meter, s->count - s->run.done, "pictures", talk);
    const cnx_status status = cnx_eval_run_do(&s->run, &error);
    const cnx_eval_end end = {.done = s->run.done,
                              .failed = s->run.failed,
                              .count = s->count,
                              .journal_path = s->journal_path,
                              .journal = s->run.journal,
                              .tell = tell,
                              .user = s};
    if (s->run.interrupted)
        return cnx_eval_interrupted(&end);
    if (status != CNX_OK)
        return cnx_eval_broken_off(&end, cnx_console_fail(&error));
    return cnx_eval_finish(&end);
}

static void close_session(session *s)
{
    cnx_journal_close(&s->run.journal);
    cnx_eval_run_close(&s->run);
    cnx_segmentor_close(&s->run.segmentor);
    cnx_classes_free(&s->classes);
    cnx_dataset_free(&s->dataset);
    free(s->journal_path);
    free(s->identity);
}

/* ---- command lines ---- */

#define ABOUT_ALL                                                                                  \
    "Counts as mmsegmentation does. Memory does not grow with the number of pictures, and a run "  \
    "that was cut off goes on with --resume and ends in the same numbers. "
#define NOTES_ALL                                                                                  \
    "Exit code: 0 all scored, 1 failed, 2 usage, 3 some pictures were skipped (--keep-going), "    \
    "130 interrupted."

static int run_kind(const cnx_command *command, cnx_eval_kind kind, int argc, char **argv)
{
    cnx_eval_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(command, argc, argv, &args, &operands, &code)) {
        args.kind = kind;
        if (cnx_operands_refuse(&operands,
                                "The data set is named with --data, or --images and --labels",
                                &error) != CNX_OK ||
            cnx_eval_args_check(&args, &error) != CNX_OK) {
            code = cnx_command_misused(command, &error);
        } else {
            session s = {.args = &args};
            code = cnx_console_finish(evaluate(&s));
            close_session(&s);
        }
    }
    cnx_texts_free(&args.sets);
    cnx_operands_free(&operands);
    return code;
}

static int run_ade20k(int argc, char **argv)
{
    return run_kind(&cnx_eval_ade20k, CNX_EVAL_ADE20K, argc, argv);
}

static int run_folder(int argc, char **argv)
{
    return run_kind(&cnx_eval_folder, CNX_EVAL_FOLDER, argc, argv);
}

static int run_imagenet_s(int argc, char **argv)
{
    return run_kind(&cnx_eval_imagenet_s, CNX_EVAL_IMAGENET_S, argc, argv);
}

const cnx_command cnx_eval_ade20k = {
    .name = "eval ade20k",
    .summary = "ADE20K's scene parsing benchmark (150 classes)",
    .usage = "-m MODEL --data DIR [FLAGS]",
    .about =
        ABOUT_ALL "DIR holds images/validation and annotations/validation (ADEChallengeData2016).",
    .notes = NOTES_ALL,
    .options = cnx_eval_options,
    .run = run_ade20k,
};

const cnx_command cnx_eval_folder = {
    .name = "eval folder",
    .summary = "pictures and label files of your own",
    .usage = "-m MODEL --images DIR --labels DIR [FLAGS]",
    .about =
        ABOUT_ALL "A picture and its label file have the same path below their folders, but for "
                  "the suffix.",
    .notes = NOTES_ALL,
    .options = cnx_eval_options,
    .run = run_folder,
};

const cnx_command cnx_eval_imagenet_s = {
    .name = "eval imagenet-s",
    .summary = "ImageNet-S (semantic masks in RGB-coded PNG files)",
    .usage = "-m MODEL --data DIR --classes imagenet-s50 [FLAGS]",
    .about = ABOUT_ALL "DIR holds validation and validation-segmentation.",
    .notes = NOTES_ALL,
    .options = cnx_eval_options,
    .run = run_imagenet_s,
};
