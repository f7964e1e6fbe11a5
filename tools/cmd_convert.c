/* cnx convert: a checkpoint in, the needed tensors and all that is known about them out. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "heads/model.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/leftovers.h"
#include "tools/outputs.h"
#include "tools/words.h"

typedef struct convert_args {
    cnx_text_arg config;
    cnx_texts_arg sets;
    cnx_int_arg dtype;
    cnx_flag_arg overwrite, quiet;
} convert_args;

static const char *const dtype_names[] = {"f32", "f16", "bf16", NULL};
static const cnx_dtype dtypes[] = {CNX_F32, CNX_F16, CNX_BF16};

#define AT(field) offsetof(convert_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Model"},
    {CNX_OPT_TEXT, 0, "config", "FILE",
     "model description (JSON) over what the checkpoint says: a file, or the name of a built-in "
     "one",
     .offset = AT(config)},
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON", "one field of the description", .offset = AT(sets)},
    {CNX_OPT_GROUP, .help = "Result"},
    {CNX_OPT_CHOICE, 0, "dtype", "f32|f16|bf16",
     "type of the stored weights; f32 keeps every value, f16 and bf16 narrow convolutions and "
     "linear layers and leave norms, biases and statistics at f32",
     .fallback = "f32", .choices = dtype_names, .offset = AT(dtype)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace OUT if it is there already",
     .offset = AT(overwrite)},
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",
     .offset = AT(quiet)},
    {.kind = CNX_OPT_END},
};

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static cnx_status check(const convert_args *args, const cnx_operands *operands, cnx_error *err)
{
    CNX_FAIL_IF(operands->count != 2, CNX_ERR_ARGUMENT,
                "two names are needed, IN and OUT.safetensors; %zu given", operands->count);
    const char *in = operands->items[0], *out = operands->items[1];
    CNX_FAIL_IF(!ends_with(out, ".safetensors"), CNX_ERR_ARGUMENT,
                "%s: the result is a safetensors file; give it a name that ends in .safetensors",
                out);
    CNX_FAIL_IF(cnx_same_file(in, out), CNX_ERR_ARGUMENT, "%s: the result would replace its source",
                out);
    CNX_FAIL_IF(args->config.given && cnx_same_file(args->config.value, out), CNX_ERR_ARGUMENT,
                "%s: the result would replace the config", out);
    struct stat info;
    CNX_FAIL_IF(lstat(out, &info) == 0 && !args->overwrite.given, CNX_ERR_IO,
                "%s is there already; --overwrite replaces it", out);
    return CNX_OK;
}

static cnx_status convert(const convert_args *args, const char *in, const char *out, cnx_error *err)
{
    cnx_model_file file = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_model_file_open(&file, in, args->config.value, args->sets.items, args->sets.count,
                                  false, err));
    cnx_leftovers_warn(&file);
    CNX_CHECK_IF(cnx_interrupted(), CNX_ERR_INTERRUPTED, "interrupted");
    CNX_CHECK(cnx_model_file_convert(&file, out, dtypes[args->dtype.value], err));
    struct stat info;
    if (!args->quiet.given && stat(out, &info) == 0)
        cnx_console_note("%s: %s, weights as %s, %s", out, file.description.name,
                         dtype_names[args->dtype.value],
                         cnx_words_bytes((size_t)info.st_size).text);
cleanup:
    cnx_model_file_close(&file);
    return status;
}

static int run(int argc, char **argv)
{
    convert_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_convert, argc, argv, &args, &operands, &code)) {
        /* A signal must not leave a half-written file beside OUT: what was begun is completed. */
        cnx_interrupt_catch();
        if (check(&args, &operands, &error) != CNX_OK)
            code = error.status == CNX_ERR_ARGUMENT
                       ? cnx_command_misused(&cnx_command_convert, &error)
                       : cnx_console_fail(&error);
        else if (convert(&args, operands.items[0], operands.items[1], &error) != CNX_OK)
            code = cnx_console_fail(&error);
        else
            code = cnx_interrupted() ? CNX_EXIT_INTERRUPTED : CNX_EXIT_DONE;
    }
    cnx_texts_free(&args.sets);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_convert = {
    .name = "convert",
    .summary = "write a checkpoint as safetensors with its description inside",
    .usage = "IN OUT.safetensors [FLAGS]",
    .about = "Keeps the tensors that the model needs, under the official names, and puts "
             "architecture, classes, palette and test pipeline into the metadata, so that the "
             "result needs no config. With f32 it gives bit for bit the results of its source.",
    .notes = "Exit code: 0 done, 1 failed, 2 usage, 130 interrupted.",
    .options = options,
    .run = run,
};
