/* cnx segment: pictures in, label maps out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/kernels/kernels.h"
#include "core/memory.h"
#include "core/threads.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/inputs.h"
#include "tools/interrupt.h"
#include "tools/leftovers.h"
#include "tools/meter.h"
#include "tools/outputs.h"
#include "tools/segment_args.h"
#include "tools/segment_report.h"
#include "tools/segment_writer.h"
#include "tools/words.h"

/* One run of the subcommand. */
typedef struct session {
    const cnx_segment_args *args;
    cnx_inputs inputs;
    cnx_segmentor *segmentor;
    cnx_pipeline pipeline;
    cnx_meter meter;
    bool announced;   /* the log lines about model and memory */
    bool output_lost; /* standard output cannot be written any more */
    size_t done, failed;
} session;

/* One picture of it. */
typedef struct job {
    session *session;
    cnx_segment_writer *writer;
    cnx_segment_times times;
    cnx_segment_stats stats;
} job;

/* ---- before any work ---- */

static cnx_status check_outputs(const session *s, cnx_error *err)
{
    const cnx_segment_args *args = s->args;
    if (!args->out.given)
        return CNX_OK;
    const char *suffixes[CNX_SAVE_KINDS];
    cnx_outputs outputs = {.folder = args->out.value, .suffixes = suffixes};
    for (int kind = 0; kind < CNX_SAVE_KINDS; kind++)
        if (cnx_saves(args->save.bits, kind))
            suffixes[outputs.suffix_count++] = cnx_segment_suffixes[kind];
    CNX_TRY(cnx_outputs_check_names(&outputs, &s->inputs, err));
    const char *const sources[] = {args->model.value, args->config.value};
    const bool may_replace = args->overwrite.given || args->dry_run.given;
    CNX_TRY(cnx_outputs_check_existing(&outputs, &s->inputs, sources, 2, may_replace, err));
    return args->dry_run.given ? CNX_OK : cnx_folder_check(args->out.value, err);
}

/* With --keep-going an input that is not there fails when its turn comes. */
static cnx_status check_inputs(const session *s, cnx_error *err)
{
    for (size_t i = 0; i < s->inputs.count && !s->args->keep_going.given; i++) {
        const cnx_input *input = &s->inputs.items[i];
        CNX_FAIL_IF(input->problem, CNX_ERR_IO, "%s: %s", input->name, input->problem);
    }
    return CNX_OK;
}

static cnx_status open_model(session *s, cnx_error *err)
{
    const cnx_segment_args *args = s->args;
    const cnx_segmentor_options options = {
        .threads = args->threads.given ? args->threads.value : 0,
        .max_memory = args->max_memory.given ? args->max_memory.value : 0,
        .kernels = cnx_segment_args_kernels(args),
        .weights = (cnx_weight_type)args->weights.value,
    };
    cnx_kernels kernels; /* a wrong --kernels should not wait for a large file */
    CNX_TRY(cnx_kernels_init(&kernels, options.kernels, err));
    CNX_TRY(cnx_kernels_set_weights(&kernels, options.weights, err));
    cnx_model_file file = {0};
    cnx_status status = cnx_model_file_open(&file, args->model.value, args->config.value,
                                            args->sets.items, args->sets.count, false, err);
    if (status == CNX_OK)
        cnx_leftovers_warn(&file);
    if (status == CNX_OK)
        status = cnx_segment_args_pipeline(&s->pipeline, args, &file.description, err);
    if (status == CNX_OK)
        status = cnx_segment_args_check_labels(args, file.description.class_count, err);
    if (status == CNX_OK)
        status = cnx_segmentor_open(&s->segmentor, &file, &options, err);
    if (status == CNX_ERR_MEMORY && args->max_memory.given)
        cnx_error_prefix(err, "--max-memory");
    cnx_model_file_close(&file);
    return status;
}

/* ---- one picture ---- */

/* Remembers that a report could not be written: there is no point in going on then. */
static cnx_status printed(session *s, cnx_status status)
{
    s->output_lost = s->output_lost || status != CNX_OK;
    return status;
}

static void announce(session *s, const cnx_segment_estimate *estimate)
{
    if (s->announced || s->args->quiet.given)
        return;
    s->announced = true;
    const cnx_segment_args *args = s->args;
    const cnx_description *d = cnx_segmentor_description(s->segmentor);
    char pipeline[1024];
    cnx_pipeline_describe(&s->pipeline, pipeline, sizeof pipeline);
    const int threads = args->threads.given ? args->threads.value : cnx_threads_available();
    cnx_meter_clear(&s->meter);
    cnx_console_note("model %s: %s, segmentation, %d classes (%s)",
                     args->model.given ? args->model.value : "(embedded demo: cell nuclei)",
                     d->name, d->class_count, d->classes_from);
    cnx_console_note("pipeline %s: %s", *d->published ? d->published : "from the description",
                     pipeline);
    const cnx_kernels *kernels = cnx_segmentor_kernels(s->segmentor);
    cnx_console_note("kernels %s, weights %s, %d thread%s, peak memory about %s", kernels->name,
                     cnx_weight_type_name(kernels->weights), threads, threads == 1 ? "" : "s",
                     cnx_words_bytes(estimate->total_bytes).text);
}

/* What the run would need, with the writer's share; refused when --max-memory is less. */
static cnx_status estimate_run(session *s, const char *name, int width, int height,
                               cnx_segment_estimate *estimate, cnx_error *err)
{
    const unsigned save = s->args->save.bits;
    const cnx_description *d = cnx_segmentor_description(s->segmentor);
    const cnx_status status = cnx_segmentor_estimate(s->segmentor, width, height, &s->pipeline,
                                                     cnx_segment_writer_wants(save), estimate, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s", name);
        return status;
    }
    const size_t own = cnx_segment_writer_bytes(save, d->class_count, width, height);
    if (!cnx_add(estimate->picture_bytes, own, &estimate->picture_bytes) ||
        !cnx_add(estimate->total_bytes, own, &estimate->total_bytes))
        estimate->total_bytes = SIZE_MAX;
    const cnx_bytes_arg limit = s->args->max_memory;
    CNX_FAIL_IF(limit.given && estimate->total_bytes > limit.value, CNX_ERR_MEMORY,
                "%s: %d x %d needs about %s, and --max-memory allows %s; a smaller --scale, or "
                "--mode slide with a smaller --crop, needs less",
                name, width, height, cnx_words_bytes(estimate->total_bytes).text,
                cnx_words_bytes(limit.value).text);
    return CNX_OK;
}

static cnx_status decode(session *s, const cnx_input *input, cnx_image *image, cnx_error *err)
{
    const cnx_decode_options options = {.ignore_exif = cnx_segment_args_ignore_exif(s->args)};
    cnx_input_bytes bytes = {0};
    cnx_segment_estimate estimate = {0};
    int width, height;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_input_open(&bytes, input, err));
    CNX_CHECK(cnx_image_probe(bytes.data, bytes.size, input->name, &options, &width, &height, err));
    CNX_CHECK(estimate_run(s, input->name, width, height, &estimate, err));
    announce(s, &estimate);
    if (s->args->dry_run.given)
        CNX_CHECK(printed(s, cnx_segment_report_plan(input->name, width, height, &estimate,
                                                     s->args->json.given, err)));
    else
        CNX_CHECK(cnx_image_decode(image, bytes.data, bytes.size, input->name, &options, err));
cleanup:
    cnx_input_close(&bytes);
    return status;
}

static cnx_status on_rows(void *user, const cnx_segment_rows *rows, cnx_error *err)
{
    job *j = user;
    CNX_FAIL_IF(cnx_interrupted(), CNX_ERR_INTERRUPTED, "interrupted");
    const double start = cnx_now();
    const cnx_status status = cnx_segment_writer_rows(j->writer, rows, err);
    j->times.write += cnx_now() - start;
    return status;
}

static bool on_progress(void *user, double done)
{
    job *j = user;
    cnx_meter_share(&j->session->meter, done);
    return !cnx_interrupted();
}

/* Runs the network over a decoded picture and writes what comes out. */
static cnx_status run_picture(job *j, const cnx_input *input, cnx_image *image, cnx_error *err)
{
    session *s = j->session;
    const cnx_segment_target target = {.description = cnx_segmentor_description(s->segmentor),
                                       .args = s->args,
                                       .stem = input->stem,
                                       .width = image->width,
                                       .height = image->height};
    const cnx_segment_request request = {.image = image,
                                         .pipeline = &s->pipeline,
                                         .want = cnx_segment_writer_wants(s->args->save.bits),
                                         .sink = on_rows,
                                         .progress = on_progress,
                                         .user = j};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_segment_writer_open(&j->writer, &target, err));
    CNX_CHECK(cnx_segmentor_run(s->segmentor, &request, &j->stats, err));
    const double start = cnx_now();
    CNX_CHECK(cnx_segment_writer_finish(j->writer, image, err));
    j->times.write += cnx_now() - start;
    if (s->args->json.given) {
        cnx_meter_clear(&s->meter);
        CNX_CHECK(printed(s, cnx_segment_report_done(input->name, &target, j->writer, &j->stats,
                                                     &j->times, err)));
    }
cleanup:
    cnx_segment_writer_close(&j->writer);
    return status;
}

static cnx_status do_input(session *s, const cnx_input *input, cnx_error *err)
{
    job j = {.session = s};
    cnx_image image = {0};
    const double start = cnx_now();
    cnx_status status = decode(s, input, &image, err);
    j.times.decode = cnx_now() - start;
    if (status == CNX_OK && !s->args->dry_run.given)
        status = run_picture(&j, input, &image, err);
    cnx_image_free(&image);
    return status;
}

/* ---- all pictures ---- */

/* Says why an input failed; true when the others go on. */
static bool tell_failure(session *s, const cnx_input *input, const cnx_error *error)
{
    cnx_meter_clear(&s->meter);
    s->failed++;
    if (error->message[0]) /* a reader of standard output that went away is no news */
        cnx_console_error("%s", error->message);
    if (s->output_lost || !s->args->keep_going.given)
        return false;
    cnx_error lost = {0};
    if (s->args->json.given &&
        printed(s, cnx_segment_report_failed(input->name, error->message, &lost)) != CNX_OK)
        cnx_console_error("%s", lost.message);
    return !s->output_lost;
}

static int do_all(session *s)
{
    for (size_t i = 0; i < s->inputs.count; i++) {
        const cnx_input *input = &s->inputs.items[i];
        cnx_error error = {0};
        cnx_meter_item(&s->meter, input->name);
        const cnx_status status =
            cnx_interrupted() ? CNX_ERR_INTERRUPTED : do_input(s, input, &error);
        if (status == CNX_ERR_INTERRUPTED || cnx_interrupted()) {
            cnx_meter_clear(&s->meter);
            cnx_console_note("interrupted after %zu of %zu", s->done + (status == CNX_OK),
                             s->inputs.count);
            return CNX_EXIT_INTERRUPTED;
        }
        s->done += status == CNX_OK;
        if (status != CNX_OK && !tell_failure(s, input, &error))
            return CNX_EXIT_FAILED;
        cnx_meter_item_done(&s->meter);
    }
    cnx_meter_clear(&s->meter);
    if (s->failed == 0)
        return CNX_EXIT_DONE;
    return s->done ? CNX_EXIT_SOME_FAILED : CNX_EXIT_FAILED;
}

static void tell_end(const session *s)
{
    if (s->args->quiet.given || s->args->dry_run.given || s->done == 0)
        return;
    const double seconds = cnx_now() - s->meter.started;
    char failed[48] = "";
    if (s->failed)
        snprintf(failed, sizeof failed, ", %zu failed", s->failed);
    cnx_console_note("%zu picture%s segmented in %.2f s%s, peak memory %s, results in %s", s->done,
                     s->done == 1 ? "" : "s", seconds, failed, cnx_words_bytes(cnx_peak_rss()).text,
                     s->args->out.value);
}

static int segment(const cnx_segment_args *args, const cnx_operands *operands)
{
    session s = {.args = args};
    cnx_error error = {0};
    int code = CNX_EXIT_FAILED;
    cnx_interrupt_catch();
    if (cnx_inputs_gather(&s.inputs, operands->items, operands->count, &error) != CNX_OK ||
        check_outputs(&s, &error) != CNX_OK || check_inputs(&s, &error) != CNX_OK ||
        open_model(&s, &error) != CNX_OK) {
        code = cnx_console_fail(&error);
    } else {
        const bool talk = !args->quiet.given && !args->no_progress.given && !args->dry_run.given;
        cnx_meter_begin(&s.meter, s.inputs.count, "pictures", talk);
        code = do_all(&s);
        if (code != CNX_EXIT_INTERRUPTED)
            tell_end(&s);
    }
    cnx_segmentor_close(&s.segmentor);
    cnx_inputs_free(&s.inputs);
    return cnx_console_finish(code);
}

static int run(int argc, char **argv)
{
    cnx_segment_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_segment, argc, argv, &args, &operands, &code)) {
        if (cnx_segment_args_check(&args, operands.count, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_segment, &error);
        else
            code = segment(&args, &operands);
    }
    cnx_texts_free(&args.sets);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_segment = {
    .name = "segment",
    .summary = "label every pixel of pictures",
    .usage = "[-m MODEL] INPUT... -o OUT [FLAGS]",
    .about =
        "INPUT is any number of picture files, folders (the pictures in them), patterns such as "
        "'*.jpg', @LIST (a text file with one path a line), or - for standard input. "
        "Each result is named after its picture: OUT/<stem>.png, OUT/<stem>_overlay.png ...",
    .notes = "Exit code: 0 all done, 1 failed, 2 usage, 3 some inputs failed (--keep-going), 130 "
             "interrupted.",
    .options = cnx_segment_options,
    .run = run,
};
