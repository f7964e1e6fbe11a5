/* cnx segment: pictures in, label maps out. */
#include <pthread.h>
#include <stdio.h>
#ifdef __GLIBC__ /* known from here on */
#include <malloc.h>
#endif

#include "core/clock.h"
#include "core/memory.h"
#include "core/threads.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/leftovers.h"
#include "tools/outputs.h"
#include "tools/segment_session.h"
#include "tools/words.h"

typedef cnx_segment_session session;

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

/* One heap for all threads, before there are any: what one of them has freed while weights were
 * packed, the next can use, and what is left can be handed back. */
static void share_heap(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
#endif
}

static void *prepare_images(void *unused)
{
    (void)unused;
    cnx_image_prepare();
    return NULL;
}

/* Packs the weights, and meanwhile loads the decoder. */
static cnx_status open_segmentor(session *s, cnx_model_file *file,
                                 const cnx_segmentor_options *options, cnx_error *err)
{
    pthread_t preparing;
    const bool beside = s->threads > 1 && !s->args->dry_run.given &&
                        pthread_create(&preparing, NULL, prepare_images, NULL) == 0;
    const cnx_status status = cnx_segmentor_open(&s->segmentor, file, options, err);
    if (beside)
        pthread_join(preparing, NULL);
    return status;
}

static cnx_status open_model(session *s, cnx_error *err)
{
    const cnx_segment_args *args = s->args;
    const cnx_segmentor_options options = {
        .threads = s->threads,
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
        status = open_segmentor(s, &file, &options, err);
    if (status == CNX_ERR_MEMORY && args->max_memory.given)
        cnx_error_prefix(err, "--max-memory");
    cnx_model_file_close(&file);
    return status;
}

/* ---- all pictures ---- */

static int exit_code(const session *s)
{
    if (s->interrupted) {
        cnx_console_note("interrupted after %zu of %zu", s->done, s->inputs.count);
        return CNX_EXIT_INTERRUPTED;
    }
    if (s->failed == 0)
        return CNX_EXIT_DONE;
    return s->done && s->args->keep_going.given && !s->output_lost ? CNX_EXIT_SOME_FAILED
                                                                   : CNX_EXIT_FAILED;
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
    session s = {.args = args,
                 .threads = args->threads.given ? args->threads.value : cnx_threads_available()};
    cnx_error error = {0};
    int code = CNX_EXIT_FAILED;
    share_heap();
    cnx_interrupt_catch();
    if (cnx_inputs_gather(&s.inputs, operands->items, operands->count, &error) != CNX_OK ||
        check_outputs(&s, &error) != CNX_OK || check_inputs(&s, &error) != CNX_OK ||
        open_model(&s, &error) != CNX_OK) {
        code = cnx_console_fail(&error);
    } else {
        const bool talk = !args->quiet.given && !args->no_progress.given && !args->dry_run.given;
        cnx_meter_begin(&s.meter, s.inputs.count, "pictures", talk);
        cnx_segment_session_run(&s);
        code = exit_code(&s);
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
