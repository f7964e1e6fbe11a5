/* cnx flops: parameters, operations and memory of a network, from the plan that runs. */
#include <stdio.h>

#include "core/cpu.h"
#include "core/file.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/flops_report.h"
#include "tools/outputs.h"
#include "tools/pipeline_args.h"
#include "tools/run_args.h"

typedef struct flops_args {
    cnx_model_args model;
    cnx_size_arg size;
    cnx_int_arg convention, threads, kernels, weights;
    cnx_flag_arg per_layer, csv, json, paper, overwrite;
    cnx_text_arg chart;
} flops_args;

#define AT(field) offsetof(flops_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Model"},
    CNX_MODEL_OPTIONS(AT(model)),
    {CNX_OPT_SIZE, 0, "size", "HxW", "height and width of the network's input",
     .otherwise = "what the model's test pipeline gives it", .min = 32, .max = 65535,
     .offset = AT(size)},

    {CNX_OPT_GROUP, .help = "Counting"},
    {CNX_OPT_CHOICE, 0, "convention", "NAME",
     "what a floating-point operation is: macs (multiply-adds of convolutions and linear layers), "
     "mmcv (those, biases of convolutions, BatchNorm, ReLU, pooling; published figures of "
     "segmentation and detection), fvcore (multiply-adds, norms, resizes, pooling), exact (every "
     "operation, a multiply-add as two)",
     .otherwise = "mmcv, of classifiers macs: as published", .choices = cnx_convention_names,
     .offset = AT(convention)},
    {CNX_OPT_FLAG, 0, "paper",
     .help = "all published figures beside computed ones, instead of one model",
     .offset = AT(paper)},

    {CNX_OPT_GROUP, .help = "Report"},
    {CNX_OPT_FLAG, 0, "per-layer", .help = "every layer, not the parts alone",
     .offset = AT(per_layer)},
    {CNX_OPT_FLAG, 0, "csv", .help = "a table for other programs", .offset = AT(csv)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object", .offset = AT(json)},
    {CNX_OPT_TEXT, 0, "chart", "FILE.svg", "where the work and the memory go, as a picture",
     .offset = AT(chart)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace FILE.svg where it is there already",
     .offset = AT(overwrite)},

    {CNX_OPT_GROUP, .help = "Running (peak memory depends on it)"},
    CNX_THREADS_OPTION(flops_args),
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",
     .fallback = "auto", .choices = cnx_kernel_names, .offset = AT(kernels)},
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16", "how weights are kept in memory",
     .fallback = "f32", .choices = cnx_weight_names, .offset = AT(weights)},
    {.kind = CNX_OPT_END},
};

/* ---- one model ---- */

static cnx_status write_chart(const flops_args *args, const cnx_flops_report *report,
                              cnx_error *err)
{
    cnx_output out = {0};
    CNX_TRY(cnx_output_open(&out, args->chart.value, err));
    cnx_flops_chart(out.stream, report);
    const cnx_status status = cnx_output_commit(&out, err); /* tells what could not be written */
    cnx_output_abort(&out);
    return status;
}

static cnx_status tell(const flops_args *args, const cnx_flops_report *report, cnx_error *err)
{
    if (args->chart.given)
        CNX_TRY(write_chart(args, report, err));
    if (args->json.given)
        return cnx_flops_json(report, err);
    if (args->csv.given)
        cnx_flops_csv(report);
    else
        cnx_flops_text(report);
    return cnx_console_flush(err);
}

static cnx_status count(const flops_args *args, cnx_model_choice *model, cnx_error *err)
{
    const cnx_description *d = &model->file.description;
    const char *kernels = cnx_kernel_names[args->kernels.value];
    if (!args->kernels.given && !cnx_cpu_flags()) /* auto would load OpenBLAS, for a count */
        kernels = "ref";
    const cnx_census_options running = {.threads = args->threads.value,
                                        .kernels = kernels,
                                        .weights = (cnx_weight_type)args->weights.value};
    int h = args->size.first, w = args->size.second;
    if (!args->size.given)
        cnx_census_input(d, &h, &w);
    cnx_census census;
    CNX_TRY(cnx_census_take(&census, &model->file, h, w, &running, err));
    const cnx_flops_report report = {.model = model,
                                     .census = &census,
                                     .per_layer = args->per_layer.given,
                                     .convention = args->convention.given
                                                       ? (cnx_convention)args->convention.value
                                                       : cnx_census_convention(d->task)};
    const cnx_status status = tell(args, &report, err);
    cnx_census_free(&census);
    return status;
}

static cnx_status flops(const flops_args *args, const cnx_operands *operands, cnx_error *err)
{
    if (args->paper.given)
        return cnx_flops_paper(args->json.given, err);
    cnx_model_choice model;
    CNX_TRY(cnx_model_choose(&model, &args->model, operands, err));
    const cnx_status status = count(args, &model, err);
    cnx_model_choice_free(&model);
    return status;
}

/* What flags exclude each other, and whether the picture may be written. */
static cnx_status check(const flops_args *args, const cnx_operands *operands, cnx_error *err)
{
    const bool model = operands->count || args->model.model.given;
    CNX_FAIL_IF(args->paper.given &&
                    (model || args->size.given || args->convention.given || args->chart.given ||
                     args->csv.given || args->per_layer.given),
                CNX_ERR_ARGUMENT,
                "--paper is about all published models, at their sizes and by their conventions: "
                "it goes with --json alone");
    CNX_FAIL_IF(args->csv.given && args->json.given, CNX_ERR_ARGUMENT,
                "--csv and --json are two forms of one report: choose one");
    const char *const sources[] = {operands->count ? operands->items[0] : args->model.model.value,
                                   args->model.config.value};
    return cnx_outputs_check_file("chart", args->chart.value, sources, 2, args->overwrite.given,
                                  err);
}

static int run(int argc, char **argv)
{
    flops_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_flops, argc, argv, &args, &operands, &code)) {
        if (check(&args, &operands, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_flops, &error);
        else if (flops(&args, &operands, &error) != CNX_OK)
            code = cnx_console_fail(&error);
        else
            code = CNX_EXIT_DONE;
        code = cnx_console_finish(code);
    }
    cnx_texts_free(&args.model.sets);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_flops = {
    .name = "flops",
    .summary = "count parameters, operations and memory of a network",
    .usage = "MODEL [--size HxW] [FLAGS]",
    .about =
        "MODEL is a checkpoint (.pth, .safetensors), a config (.json), or the name of a "
        "built-in model (cnx list). Figures come from the plan that a run follows; no weight is "
        "read.",
    .options = options,
    .run = run,
};
