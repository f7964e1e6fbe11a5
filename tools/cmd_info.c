/* cnx info: what a model file is, and whether all of it is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cpu.h"
#include "core/kernels/kernels.h"
#include "core/sha256.h"
#include "core/threads.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/info.h"
#include "tools/report.h"

typedef struct info_args {
    cnx_text_arg model, config;
    cnx_texts_arg sets;
    cnx_flag_arg tensors, classes, json, cpu;
} info_args;

#define AT(field) offsetof(info_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Model"},
    {CNX_OPT_TEXT, 'm', "model", "FILE", "the same as MODEL", .offset = AT(model)},
    {CNX_OPT_TEXT, 0, "config", "FILE",
     "model description (JSON) over what the checkpoint says: a file, or the name of a built-in "
     "one",
     .offset = AT(config)},
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON", "one field of the description", .offset = AT(sets)},
    {CNX_OPT_GROUP, .help = "Report"},
    {CNX_OPT_FLAG, 0, "tensors",
     .help = "list all tensors: state, dtype, shape, name, and the "
             "official name where that is another",
     .offset = AT(tensors)},
    {CNX_OPT_FLAG, 0, "classes", .help = "list all classes and their colours",
     .offset = AT(classes)},
    {CNX_OPT_FLAG, 0, "cpu",
     .help = "tell about this processor instead: instruction sets, "
             "kernels, OpenBLAS, threads",
     .offset = AT(cpu)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object", .offset = AT(json)},
    {.kind = CNX_OPT_END},
};

/* ---- the processor ---- */

static cnx_status tell_cpu(bool json, cnx_error *err)
{
    static const struct {
        unsigned flag;
        const char *name;
    } features[] = {{CNX_CPU_AVX2, "avx2"}, {CNX_CPU_AVX512, "avx512"}, {CNX_CPU_NEON, "neon"}};
    cnx_kernels kernels;
    char text[512];
    CNX_TRY(cnx_kernels_init(&kernels, "auto", err));
    cnx_kernels_describe(&kernels, text, sizeof text);
    if (!json) {
        printf("%s\nthreads: %d\n", text, cnx_threads_available());
        return cnx_console_flush(err);
    }
    cJSON *object = cJSON_CreateObject();
    cJSON *list = object ? cJSON_AddArrayToObject(object, "features") : NULL;
    bool sound = list && cnx_report_text(object, "kernels", kernels.name) &&
                 cnx_report_text(object, "text", text) &&
                 cJSON_AddNumberToObject(object, "threads", cnx_threads_available());
    for (size_t i = 0; sound && i < sizeof features / sizeof *features; i++)
        if (cnx_cpu_flags() & features[i].flag)
            sound = cnx_report_append(list, features[i].name);
    if (!sound) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}

/* ---- a model ---- */

/* The file's own facts and, when it is a model, the model's. */
static cnx_status tell(const info_args *args, cnx_info_report *info, cnx_error *err)
{
    const void *bytes = cnx_checkpoint_bytes(info->checkpoint, &info->bytes);
    cnx_sha256_hex(bytes, info->bytes, info->sha256);
    info->tensors = args->tensors.given;
    info->classes = args->classes.given;
    return args->json.given ? cnx_info_json(info, err) : cnx_info_text(info, err);
}

/* A sound checkpoint that is no model we know: tells about its tensors, and why. */
static cnx_status tell_unknown(const info_args *args, const char *path, const cnx_error *reason,
                               cnx_error *err)
{
    cnx_checkpoint *checkpoint = NULL;
    cnx_weights *weights = NULL;
    cnx_error ignored = {0};
    cnx_status status = reason->status;
    if (path && cnx_checkpoint_open(&checkpoint, path, &ignored) == CNX_OK &&
        cnx_weights_open(&weights, checkpoint, &ignored) == CNX_OK) {
        cnx_info_report info = {
            .checkpoint = checkpoint, .weights = weights, .problem = reason->message};
        status = tell(args, &info, err);
    }
    cnx_weights_close(&weights);
    cnx_checkpoint_close(&checkpoint);
    return status;
}

static bool is_read(const cnx_key *key)
{
    return key->state == CNX_KEY_MATCHED;
}

/* Reads what the model needs, one tensor at a time: damage inside a tensor, or values that are no
 * numbers, are found here as they would be found by a run. */
static cnx_status verify_values(cnx_weights *weights, cnx_error *err)
{
    size_t most = 1;
    for (size_t i = 0; i < cnx_weights_key_count(weights); i++) {
        const cnx_key *key = cnx_weights_key(weights, i);
        if (is_read(key) && key->tensor->elements > most)
            most = key->tensor->elements;
    }
    float *values = calloc(most, sizeof *values); /* for one after the other */
    cnx_status status = CNX_OK;
    CNX_FAIL_IF(!values, CNX_ERR_MEMORY, "not enough memory for the largest tensor");
    for (size_t i = 0; i < cnx_weights_key_count(weights) && status == CNX_OK; i++)
        if (is_read(cnx_weights_key(weights, i)))
            status = cnx_weights_read(weights, cnx_weights_key(weights, i)->canonical, values, err);
    free(values);
    return status;
}

static int tell_model(const info_args *args, const char *path)
{
    cnx_model_file file = {0};
    cnx_error reason = {0}, error = {0};
    cnx_status status = cnx_model_file_open(&file, path, args->config.value, args->sets.items,
                                            args->sets.count, true, &reason);
    if (status == CNX_OK) {
        cnx_info_report info = {
            .checkpoint = file.checkpoint, .weights = file.weights, .file = &file};
        if (cnx_weights_check(file.weights, &reason) != CNX_OK ||
            verify_values(file.weights, &reason) != CNX_OK)
            info.problem = reason.message;
        status = tell(args, &info, &error);
    } else if (reason.status == CNX_ERR_MODEL || reason.status == CNX_ERR_UNSUPPORTED) {
        status = tell_unknown(args, path, &reason, &error);
    }
    cnx_model_file_close(&file);
    if (reason.status != CNX_OK) {
        fflush(stdout);
        return cnx_console_fail(&reason);
    }
    if (status != CNX_OK && error.message[0])
        cnx_console_error("%s", error.message);
    return status == CNX_OK ? CNX_EXIT_DONE : CNX_EXIT_FAILED;
}

static int info(const info_args *args, const cnx_operands *operands)
{
    cnx_error error = {0};
    const size_t models = operands->count + args->model.given;
    if (models > 1 || (models && args->cpu.given)) {
        cnx_fail(&error, CNX_ERR_ARGUMENT,
                 models > 1 ? "one model at a time" : "--cpu is about this machine: no model");
        return cnx_command_misused(&cnx_command_info, &error);
    }
    if (args->cpu.given)
        return tell_cpu(args->json.given, &error) == CNX_OK ? CNX_EXIT_DONE
                                                            : cnx_console_fail(&error);
    return tell_model(args, operands->count ? operands->items[0] : args->model.value);
}

static int run(int argc, char **argv)
{
    info_args args = {0};
    cnx_operands operands = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_info, argc, argv, &args, &operands, &code))
        code = cnx_console_finish(info(&args, &operands));
    cnx_texts_free(&args.sets);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_info = {
    .name = "info",
    .summary = "tell what a model is and whether all of it is there",
    .usage = "[MODEL] [FLAGS]",
    .about = "MODEL is a checkpoint (.pth, .safetensors); without one, the demo model inside the "
             "program. Reports kind, variant, parameters, classes, test pipeline, dtypes, SHA-256, "
             "and which tensors matched, are missing, unused, or of the wrong shape.",
    .notes = "Exit code: 0 the model can be used, 1 it cannot (the report is printed as far as it "
             "goes), 2 usage.",
    .options = options,
    .run = run,
};
