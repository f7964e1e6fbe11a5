/* cnx bench: how fast a model runs on this machine. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/threads.h"
#include "tools/bench_report.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/pipeline_args.h"
#include "tools/words.h"

typedef struct bench_args {
    cnx_model_args model;
    cnx_size_arg size;
    cnx_reals_arg threads;
    cnx_int_arg repeats, warmup, kernels, weights;
    cnx_flag_arg per_layer, json;
} bench_args;

#define AT(field) offsetof(bench_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Model"},
    CNX_MODEL_OPTIONS(AT(model)),
    {CNX_OPT_SIZE, 0, "size", "HxW", "height and width of the picture, which is of noise",
     .otherwise = "what the model's test pipeline gives the network", .min = 32, .max = 65535,
     .offset = AT(size)},

    {CNX_OPT_GROUP, .help = "Measuring"},
    {CNX_OPT_INT, 0, "repeats", "N", "timed runs", .fallback = "5", .min = 1, .max = 10000,
     .offset = AT(repeats)},
    {CNX_OPT_INT, 0, "warmup", "N", "runs before those", .fallback = "1", .min = 0, .max = 10000,
     .offset = AT(warmup)},
    {CNX_OPT_REALS, 0, "threads", "LIST", "numbers of threads, one after the other, such as 1,2,4",
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = AT(threads)},
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",
     .fallback = "auto", .choices = cnx_kernel_names, .offset = AT(kernels)},
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16", "how weights are kept in memory",
     .fallback = "f32", .choices = cnx_weight_names, .offset = AT(weights)},

    {CNX_OPT_GROUP, .help = "Report"},
    {CNX_OPT_FLAG, 0, "per-layer",
     .help = "what each layer takes, with the fastest number of threads", .offset = AT(per_layer)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object", .offset = AT(json)},
    {.kind = CNX_OPT_END},
};

/* One benchmark and what it found. */
typedef struct session {
    const bench_args *args;
    cnx_bench_settings settings;
    int threads[CNX_MAX_REALS], count;
    cnx_model_choice model;
    cnx_census census;
    cnx_bench *bench;
    cnx_bench_result results[CNX_MAX_REALS];
    double load;
} session;

static cnx_status take_threads(session *s, cnx_error *err)
{
    const cnx_reals_arg *given = &s->args->threads;
    s->count = given->given ? given->count : 1;
    s->threads[0] = cnx_threads_available();
    for (int i = 0; i < given->count; i++) {
        CNX_FAIL_IF(given->values[i] != floor(given->values[i]), CNX_ERR_ARGUMENT,
                    "--threads: %g is not a whole number", given->values[i]);
        s->threads[i] = (int)given->values[i];
    }
    return CNX_OK;
}

static int most_threads(const session *s)
{
    int most = 1;
    for (int i = 0; i < s->count; i++)
        most = s->threads[i] > most ? s->threads[i] : most;
    return most;
}

/* A size that this machine has no memory for is refused before the system has to. */
static cnx_status check_memory(const session *s, cnx_error *err)
{
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    const double memory = pages > 0 && page > 0 ? (double)pages * (double)page : INFINITY;
    CNX_FAIL_IF((double)s->census.peak_bytes > memory, CNX_ERR_MEMORY,
                "--size %dx%d needs about %s, and this machine has %s", s->settings.h,
                s->settings.w, cnx_words_bytes(s->census.peak_bytes).text,
                cnx_words_bytes((size_t)memory).text);
    return CNX_OK;
}

static cnx_status open_all(session *s, const cnx_operands *operands, cnx_error *err)
{
    const bench_args *args = s->args;
    const int threads = most_threads(s);
    const double start = cnx_now();
    CNX_TRY(cnx_model_choose(&s->model, &args->model, operands, err));
    s->settings = (cnx_bench_settings){.h = args->size.first,
                                       .w = args->size.second,
                                       .repeats = args->repeats.value,
                                       .warmup = args->warmup.value,
                                       .kernels = cnx_kernel_names[args->kernels.value],
                                       .weights = (cnx_weight_type)args->weights.value};
    if (!args->size.given)
        cnx_census_input(&s->model.file.description, &s->settings.h, &s->settings.w);
    const double opened = cnx_now() - start;
    const cnx_census_options counting = {
        .threads = threads, .kernels = s->settings.kernels, .weights = s->settings.weights};
    CNX_TRY(
        cnx_census_take(&s->census, &s->model.file, s->settings.h, s->settings.w, &counting, err));
    CNX_TRY(check_memory(s, err));
    const double packing = cnx_now();
    CNX_TRY(cnx_bench_open(&s->bench, &s->model.file, &s->settings, threads, err));
    s->load = opened + cnx_now() - packing;
    return CNX_OK;
}

static cnx_status tell(const session *s, cnx_error *err)
{
    const cnx_bench_report report = {.model = &s->model,
                                     .bench = s->bench,
                                     .settings = &s->settings,
                                     .census = &s->census,
                                     .load = s->load,
                                     .results = s->results,
                                     .count = s->count,
                                     .per_layer = s->args->per_layer.given};
    if (s->args->json.given)
        return cnx_bench_json(&report, err);
    cnx_bench_text(&report);
    return cnx_console_flush(err);
}

static cnx_status bench(session *s, const cnx_operands *operands, cnx_error *err)
{
    CNX_TRY(take_threads(s, err));
    CNX_TRY(open_all(s, operands, err));
    for (int i = 0; i < s->count; i++)
        CNX_TRY(cnx_bench_measure(s->bench, s->threads[i], &s->results[i], err));
    return tell(s, err);
}

static void close_all(session *s)
{
    for (int i = 0; i < s->count; i++)
        cnx_bench_result_free(&s->results[i]);
    cnx_bench_close(&s->bench);
    cnx_census_free(&s->census);
    cnx_model_choice_free(&s->model);
}

static int run(int argc, char **argv)
{
    bench_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_bench, argc, argv, &args, &operands, &code)) {
        session s = {.args = &args};
        code = bench(&s, &operands, &error) == CNX_OK ? CNX_EXIT_DONE : cnx_console_fail(&error);
        code = cnx_console_finish(code);
        close_all(&s);
    }
    cnx_texts_free(&args.model.sets);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_bench = {
    .name = "bench",
    .summary = "time a network on this machine, phase by phase and layer by layer",
    .usage = "MODEL [--size HxW] [FLAGS]",
    .about =
        "MODEL is a checkpoint (.pth, .safetensors), a config (.json), or the name of a "
        "built-in model (cnx list); without a checkpoint weights are random. A run is "
        "everything from a decoded picture to its labels. Beside it stands what this machine's "
        "processors reach in a loop of multiply-adds, measured around each run.",
    .options = options,
    .run = run,
};
