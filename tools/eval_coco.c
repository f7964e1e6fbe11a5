/* cnx eval coco, coco-o: a detector over data sets in COCO's form, scored. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/clock.h"
#include "core/file.h"
#include "core/memory.h"
#include "tools/coco_args.h"
#include "tools/coco_page.h"
#include "tools/coco_tell.h"
#include "tools/console.h"
#include "tools/eval_kinds.h"
#include "tools/outputs.h"
#include "tools/session_begin.h"
#include "tools/words.h"

/* ---- the data ---- */

/* DIR/sketch, or where the archive has put it. */
static char *domain_folder(const char *dir, const char *domain)
{
    static const char *const between[] = {"", "ood_coco/", "COCO-O/", "COCO-O/ood_coco/"};
    char *path = NULL;
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        free(path);
        if (asprintf(&path, "%s/%s%s", dir, between[i], domain) < 0)
            return NULL;
        if (access(path, F_OK) == 0)
            return path;
    }
    return path;
}

static cnx_status open_domain(cnx_coco_run *run, const char *domain,
                              const cnx_coco_truth_options *options, cnx_error *err)
{
    cnx_coco_part *part = &run->parts[run->part_count++];
    char *dir = domain_folder(run->args->data.value, domain);
    CNX_FAIL_IF(!dir, CNX_ERR_MEMORY, "not enough memory for a path");
    const cnx_coco_place place = {.dir = dir, .split = run->args->split.value};
    part->name = domain;
    const cnx_status status = cnx_coco_set_open(&part->set, &place, options, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "domain %s", domain);
    free(dir);
    return status;
}

static cnx_status open_sets(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const cnx_coco_truth_options options = {.threads = run->session.threads,
                                            .segmentations = run->masks};
    if (!args->domains) {
        const cnx_coco_place place = {.annotations = args->annotations.value,
                                      .images = args->images.value,
                                      .dir = args->data.value,
                                      .split = args->split.value};
        run->part_count = 1;
        return cnx_coco_set_open(&run->parts[0].set, &place, &options, err);
    }
    for (int i = 0; i < CNX_COCO_O_DOMAINS; i++)
        if (!args->of_domains.given || (args->of_domains.bits >> i & 1u))
            CNX_TRY(open_domain(run, cnx_coco_o_domains[i], &options, err));
    return CNX_OK;
}

/* The pictures of a part that --skip and --limit leave. */
static cnx_status take_part(cnx_coco_run *run, cnx_coco_part *part, cnx_error *err)
{
    const size_t all = part->set.truth.image_count, skip = (size_t)run->args->skip.value;
    CNX_FAIL_IF(skip >= all, CNX_ERR_ARGUMENT,
                "--skip %zu leaves nothing of the %zu pictures in %s", skip, all,
                part->set.annotations);
    part->skipped = skip;
    part->first = run->count;
    part->count = all - skip;
    if (run->args->limit.given && (size_t)run->args->limit.value < part->count)
        part->count = (size_t)run->args->limit.value;
    run->count += part->count;
    return CNX_OK;
}

static cnx_status list_pictures(cnx_coco_run *run, cnx_error *err)
{
    for (int i = 0; i < run->part_count; i++)
        CNX_TRY(take_part(run, &run->parts[i], err));
    run->pictures = calloc(run->count + 1, sizeof *run->pictures);
    CNX_FAIL_IF(!run->pictures, CNX_ERR_MEMORY, "not enough memory for %zu pictures", run->count);
    for (int i = 0; i < run->part_count; i++)
        for (size_t k = 0; k < run->parts[i].count; k++)
            run->pictures[run->parts[i].first + k] =
                (cnx_coco_picture){.part = i, .image = run->parts[i].skipped + k};
    return CNX_OK;
}

/* Without --keep-going nothing is begun that could not be finished. */
static cnx_status check_pictures(const cnx_coco_run *run, cnx_error *err)
{
    for (size_t i = 0; i < run->count && !run->args->run.keep_going.given; i++) {
        const cnx_coco_picture *p = &run->pictures[i];
        const cnx_coco_set *set = &run->parts[p->part].set;
        if (set->missing == 0)
            continue;
        char *path = cnx_coco_set_path(set, p->image);
        CNX_FAIL_IF(!path, CNX_ERR_MEMORY, "not enough memory for a path");
        const bool there = access(path, F_OK) == 0;
        if (!there)
            cnx_fail(err, CNX_ERR_IO,
                     "%s: is not there (image %lld of %s; %zu of %zu are missing). --keep-going "
                     "leaves them out",
                     path, (long long)cnx_coco_run_image(run, i)->id, set->annotations,
                     set->missing, set->truth.image_count);
        free(path);
        if (!there)
            return CNX_ERR_IO;
    }
    return CNX_OK;
}

/* Masks are scored where there are some, unless --kind says otherwise. */
static cnx_status choose_kinds(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const cnx_coco_truth *truth = &run->parts[0].set.truth;
    const bool asked = args->coco.kind.given;
    run->boxes = !asked || args->coco.kind.value != CNX_COCO_KIND_SEGM;
    if (!run->masks)
        return CNX_OK;
    bool found = false;
    for (size_t i = 0; i < truth->annotation_count && !found; i++)
        found = truth->annotations[i].segmentation.kind != CNX_SEGMENTATION_NONE;
    CNX_FAIL_IF(asked && !found, CNX_ERR_ARGUMENT,
                "--kind %s: %s has no masks, only boxes; --kind bbox scores these",
                cnx_coco_kind_choices[args->coco.kind.value], run->parts[0].set.annotations);
    run->masks = found;
    return CNX_OK;
}

/* ---- classes ---- */

static cnx_status match_part(cnx_coco_part *part, const cnx_description *d, cnx_error *err)
{
    cnx_status status = CNX_OK;
    int64_t *ids = calloc((size_t)d->class_count, sizeof *ids);
    part->category_ids = calloc((size_t)d->class_count, sizeof *part->category_ids);
    CNX_CHECK_IF(!ids || !part->category_ids, CNX_ERR_MEMORY, "not enough memory for %d classes",
                 d->class_count);
    CNX_CHECK(cnx_coco_set_match(ids, &part->set, (const char *const *)d->class_names,
                                 d->class_count, err));
    for (int c = 0; c < d->class_count; c++) {
        CNX_CHECK_IF(ids[c] > INT_MAX, CNX_ERR_UNSUPPORTED, "%s: category id %lld is too large",
                     part->set.annotations, (long long)ids[c]);
        part->category_ids[c] = (int)ids[c];
        part->matched += ids[c] >= 0;
    }
    CNX_CHECK_IF(part->matched == 0, CNX_ERR_ARGUMENT,
                 "%s: none of its categories (%s, ...) has the name of one of the model's classes "
                 "(%s, ...); --set 'classes=[...]' gives the model's classes other names",
                 part->set.annotations,
                 part->set.truth.category_count && part->set.truth.categories[0].name
                     ? part->set.truth.categories[0].name
                     : "without names",
                 d->class_names[0]);
cleanup:
    free(ids);
    return status;
}

static void tell_unmatched(const cnx_coco_run *run, const cnx_coco_part *part)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const size_t categories = part->set.truth.category_count;
    if ((size_t)part->matched < categories)
        cnx_console_warning("%s: %zu of its %zu categories are no classes of the model; nothing is "
                            "found of them (--categories scores the others alone)",
                            part->set.annotations, categories - (size_t)part->matched, categories);
    if (part->matched < d->class_count && !run->args->run.quiet.given)
        cnx_console_note("%d of the model's %d classes are no categories of %s and are left out",
                         d->class_count - part->matched, d->class_count, part->set.annotations);
}

/* ---- the model ---- */

static cnx_status open_detector(cnx_session *s, cnx_model_file *file, cnx_error *err)
{
    cnx_coco_run *run = s->model;
    const cnx_detector_options options = {
        .threads = s->threads,
        .max_memory = s->args->max_memory.given ? s->args->max_memory.value : 0,
        .kernels = cnx_session_args_kernels(s->args),
        .weights = (cnx_weight_type)s->args->weights.value,
    };
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
    for (int i = 0; i < run->part_count; i++)
        CNX_CHECK(match_part(&run->parts[i], &file.description, err));
    CNX_CHECK(cnx_session_open_network(s, &file, open_detector, err));
cleanup:
    cnx_model_file_close(&file);
    return status;
}

/* ---- the journal ---- */

static unsigned check_bytes(unsigned check, const void *data, size_t size)
{
    return (unsigned)crc32_z(check, data, size);
}

static cnx_status check_model(const cnx_coco_run *run, char *text, size_t size, cnx_error *err)
{
    cnx_mapping mapping;
    snprintf(text, size, "embedded");
    if (!run->args->run.model.given || access(run->args->run.model.value, F_OK) != 0)
        return CNX_OK;
    CNX_TRY(cnx_mapping_open(&mapping, run->args->run.model.value, err));
    snprintf(text, size, "%zu bytes %08x", mapping.size,
             check_bytes(0, mapping.data, mapping.size));
    cnx_mapping_close(&mapping);
    return CNX_OK;
}

/* What decides the numbers, in one line. */
static cnx_status identify(cnx_coco_run *run, cnx_error *err)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const cnx_kernels *kernels = cnx_detector_kernels(run->detector);
    const size_t classes = (size_t)d->class_count;
    char pipeline[1024], model[64];
    unsigned pictures = 0, ids = 0;
    CNX_TRY(check_model(run, model, sizeof model, err));
    for (size_t i = 0; i < run->count; i++) {
        const cnx_coco_image *image = cnx_coco_run_image(run, i);
        pictures = check_bytes(pictures, &image->id, sizeof image->id);
        pictures = check_bytes(pictures, image->file_name, strlen(image->file_name) + 1);
    }
    for (int i = 0; i < run->part_count; i++)
        ids = check_bytes(ids, run->parts[i].category_ids, classes * sizeof(int));
    if (run->only)
        ids = check_bytes(ids, run->only, classes * sizeof *run->only);
    ids = check_bytes(ids, &d->detector.rpn, sizeof d->detector.rpn);
    cnx_detection_describe(&run->pipeline, &run->rules, pipeline, sizeof pipeline);
    CNX_FAIL_IF(asprintf(&run->identity,
                         "cnx %s, model %s, %zu pictures %08x, classes %08x, %s%s%s%s, masks from "
                         "%.9g%s, kernels %s, weights %s",
                         CNX_VERSION, model, run->count, pictures, ids, run->boxes ? "boxes" : "",
                         run->boxes && run->masks ? " and " : "", run->masks ? "masks, " : ", ",
                         pipeline, (double)run->rules.mask_thr,
                         run->args->segm_boxes.given ? " with boxes" : "", kernels->name,
                         cnx_weight_type_name(kernels->weights)) < 0,
                CNX_ERR_MEMORY, "not enough memory");
    return CNX_OK;
}

static cnx_status journal_path(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const char *model = args->run.model.given ? args->run.model.value : "demo-detector";
    const char *slash = strrchr(model, '/'), *name = slash ? slash + 1 : model;
    const char *dot = strrchr(name, '.');
    const int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    const bool made =
        args->journal.given
            ? (run->journal_path = strdup(args->journal.value)) != NULL
            : asprintf(&run->journal_path, "cnx-eval-%.*s.journal", length, name) >= 0;
    CNX_FAIL_IF(!made, CNX_ERR_MEMORY, "not enough memory for a path");
    return CNX_OK;
}

static cnx_status restore(void *user, size_t index, const char *record, cnx_error *err)
{
    return cnx_coco_spool_restore(&((cnx_coco_run *)user)->spool, index, record, err);
}

static cnx_status open_spool(cnx_coco_run *run, cnx_error *err)
{
    char *path = NULL;
    const bool resume = run->args->resume.given && access(run->journal_path, F_OK) == 0;
    CNX_FAIL_IF(asprintf(&path, "%s.results", run->journal_path) < 0, CNX_ERR_MEMORY,
                "not enough memory for a path");
    const cnx_status status = cnx_coco_spool_open(&run->spool, path, run->count, resume,
                                                  run->args->run.overwrite.given, err);
    free(path);
    return status;
}

static cnx_status open_journal(cnx_coco_run *run, cnx_error *err)
{
    cnx_journal_found found;
    CNX_TRY(identify(run, err));
    CNX_TRY(journal_path(run, err));
    CNX_FAIL_IF(!run->args->resume.given && access(run->journal_path, F_OK) == 0, CNX_ERR_IO,
                "%s: is there already; --resume goes on with it, or remove it", run->journal_path);
    CNX_TRY(open_spool(run, err));
    const cnx_status status =
        cnx_journal_open(&run->journal, run->journal_path, run->identity, run->count,
                         run->args->resume.given, restore, run, &found, err);
    if (status == CNX_ERR_IO && !run->args->journal.given)
        cnx_error_prefix(err, "journal (--journal FILE puts it elsewhere)");
    if (status == CNX_OK && found.dropped)
        cnx_console_warning("%s: %zu bytes at its end were unfinished; their pictures are done "
                            "again",
                            run->journal_path, found.dropped);
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
    const cnx_eval_coco_args *args = run->args;
    run->masks = !args->domains && !args->detection.no_masks.given &&
                 !(args->coco.kind.given && args->coco.kind.value == CNX_COCO_KIND_BBOX);
    CNX_TRY(cnx_session_begin(&run->session, &none, err));
    CNX_TRY(open_sets(run, err));
    CNX_TRY(choose_kinds(run, err));
    CNX_TRY(list_pictures(run, err));
    CNX_TRY(check_pictures(run, err));
    CNX_TRY(check_outputs(run, err));
    CNX_TRY(check_scoring(run, err));
    CNX_TRY(open_model(run, err));
    CNX_TRY(open_journal(run, err));
    return cnx_coco_run_queue(run, err);
}

static void announce(const cnx_coco_run *run)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const cnx_kernels *kernels = cnx_detector_kernels(run->detector);
    char pipeline[1024];
    for (int i = 0; i < run->part_count; i++)
        tell_unmatched(run, &run->parts[i]);
    if (run->args->run.quiet.given)
        return;
    cnx_detection_describe(&run->pipeline, &run->rules, pipeline, sizeof pipeline);
    cnx_console_note("model %s: %s, %d class%s",
                     run->args->run.model.given ? run->args->run.model.value
                                                : "(embedded demo: cell nuclei)",
                     d->name, d->class_count, d->class_count == 1 ? "" : "es");
    cnx_console_note("pipeline: %s", pipeline);
    for (int i = 0; i < run->part_count; i++) {
        const cnx_coco_part *part = &run->parts[i];
        cnx_console_note("data %s: %zu of %zu pictures in %s, %zu annotations",
                         part->set.annotations, part->count, part->set.truth.image_count,
                         part->set.images, part->set.truth.annotation_count);
    }
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

static void tell_end(const cnx_coco_run *run)
{
    char skipped[64] = "";
    if (run->args->run.quiet.given)
        return;
    if (run->failed)
        snprintf(skipped, sizeof skipped, ", %zu skipped", run->failed);
    cnx_console_note("%zu picture%s scored in %s%s, peak memory %s", run->done,
                     run->done == 1 ? "" : "s",
                     cnx_words_clock(cnx_now() - run->session.meter.started).text, skipped,
                     cnx_words_bytes(cnx_peak_rss()).text);
}

static int finish(cnx_coco_run *run)
{
    cnx_error error = {0};
    if (run->done == 0) {
        cnx_console_error("none of %zu pictures could be scored", run->count);
        return CNX_EXIT_FAILED;
    }
    if (run->failed)
        cnx_console_warning("%zu of %zu pictures were skipped: the scores are those of the others; "
                            "--resume tries them again",
                            run->failed, run->count);
    if (tell_results(run, &error) != CNX_OK)
        return error.message[0] ? cnx_console_fail(&error) : CNX_EXIT_FAILED;
    tell_end(run);
    if (run->failed)
        return CNX_EXIT_SOME_FAILED;
    if (cnx_journal_remove(run->journal, &error) != CNX_OK ||
        cnx_coco_spool_remove(&run->spool, &error) != CNX_OK)
        cnx_console_warning("%s", error.message);
    return CNX_EXIT_DONE;
}

static int evaluate(cnx_coco_run *run)
{
    cnx_error error = {0};
    if (prepare(run, &error) != CNX_OK)
        return cnx_console_fail(&error);
    announce(run);
    cnx_session_do(&run->session);
    if (run->session.interrupted) {
        cnx_console_note("interrupted after %zu of %zu; --resume goes on from %s", run->done,
                         run->count, run->journal_path);
        return CNX_EXIT_INTERRUPTED;
    }
    if (run->session.failed && (!run->args->run.keep_going.given || run->session.output_lost)) {
        if (run->done)
            cnx_console_note("%zu of %zu are done; --resume goes on from %s", run->done, run->count,
                             run->journal_path);
        return CNX_EXIT_FAILED;
    }
    return finish(run);
}

/* ---- command lines ---- */

static int run_kind(const cnx_command *command, bool domains, int argc, char **argv)
{
    cnx_eval_coco_args args = {.domains = domains};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(command, argc, argv, &args, &operands, &code)) {
        if (operands.count)
            cnx_fail(&error, CNX_ERR_ARGUMENT, "what is \"%s\"? The data set is named with --data",
                     operands.items[0]);
        else
            cnx_eval_coco_args_check(&args, &error);
        if (error.status != CNX_OK) {
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
    cnx_texts_free(&args.run.sets);
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
