/* The flags of a run over pictures, which cnx segment and cnx detect have in common. */
#ifndef CNX_TOOLS_SESSION_ARGS_H
#define CNX_TOOLS_SESSION_ARGS_H

#include "heads/model.h"
#include "tools/pipeline_args.h"
#include "tools/run_args.h"

typedef struct cnx_session_args {
    cnx_text_arg model, config, out; /* model: the first of several */
    cnx_texts_arg models;            /* CNX_MODELS_OPTIONS */
    cnx_int_arg average;             /* a cnx_average; likewise */
    cnx_texts_arg sets;
    cnx_flag_arg overwrite;
    cnx_pipeline_args pipeline;
    cnx_int_arg threads, kernels;
    cnx_weights_arg weights; /* a cnx_weight_type, and the shares of several models */
    cnx_int_arg jobs;        /* 0: auto */
    cnx_bytes_arg max_memory;
    cnx_flag_arg dry_run, keep_going, json, quiet, no_progress;
} cnx_session_args;

/* Rows of an option table; `type` is the subcommand's struct, whose field `run` is the above. */
/* clang-format off */
#define CNX_MODEL_OPTIONS(type)                                                                    \
    {CNX_OPT_GROUP, .help = "Model"},                                                              \
    {CNX_OPT_TEXT, 'm', "model", "FILE", "checkpoint: .pth or .safetensors",                       \
     .otherwise = "the demo model inside the program", .offset = offsetof(type, run.model)},       \
    {CNX_OPT_TEXT, 0, "config", "FILE",                                                            \
     "model description (JSON) over what the checkpoint says: a file, or the name of a built-in "  \
     "one",                                                                                        \
     .offset = offsetof(type, run.config)},                                                        \
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON",                                                         \
     "one field of the description, such as pipeline.scale=[1024,512]",                            \
     .offset = offsetof(type, run.sets)}

/* Several models; none: what is taken without -m, or NULL. */
#define CNX_MODELS_OPTIONS(type, none)                                                             \
    {CNX_OPT_GROUP, .help = "Models"},                                                             \
    {CNX_OPT_TEXTS, 'm', "model", "FILE",                                                          \
     "checkpoint: .pth or .safetensors; the answers of several of the same classes are averaged",  \
     .otherwise = none, .offset = offsetof(type, run.models)},                                                        \
    {CNX_OPT_CHOICE, 0, "average", "prob|logits", "of several models: what is averaged",           \
     .fallback = "prob", .choices = cnx_average_names, .offset = offsetof(type, run.average)},     \
    {CNX_OPT_TEXT, 0, "config", "FILE",                                                            \
     "model description (JSON) over what each checkpoint says: a file, or the name of a built-in " \
     "one",                                                                                        \
     .offset = offsetof(type, run.config)},                                                        \
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON", "one field of each model's description",                \
     .offset = offsetof(type, run.sets)}

#define CNX_OUT_OPTION(type)                                                                       \
    {CNX_OPT_TEXT, 'o', "out", "OUT",                                                              \
     "the folder for the results, made where it is missing; "                                      \
     "needed except with --dry-run",                                                               \
     .offset = offsetof(type, run.out)}

#define CNX_REPORT_OPTIONS(type)                                                                   \
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace results that are there already",               \
     .offset = offsetof(type, run.overwrite)},                                                     \
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object a picture on standard output",              \
     .offset = offsetof(type, run.json)}

/* dry_run_help: what --dry-run tells. */
#define CNX_RUNNING_OPTIONS(type, dry_run_help)                                                    \
    CNX_RUNNING_OPTIONS_WITH(type, dry_run_help, CNX_WEIGHTS_OPTION(type))

#define CNX_WEIGHTS_OPTION(type)                                                                   \
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16",                                                 \
     "how weights are kept in memory: those of 16 bits need half of it and round the weights; "    \
     "arithmetic is float32 in any case",                                                          \
     .fallback = "f32", .choices = cnx_weight_names, .offset = offsetof(type, run.weights)}

/* With CNX_MODELS_OPTIONS. */
#define CNX_SHARES_OPTION(type)                                                                    \
    {CNX_OPT_WEIGHTS, 0, "weights", "f32|f16|bf16|W1,W2,...",                                      \
     "how weights are kept in memory: those of 16 bits need half of it and round the weights; "    \
     "arithmetic is float32 in any case. Numbers, one for each -m in order, are the models' "      \
     "weights in the average (equal unless given); f16,2,1 says both",                             \
     .fallback = "f32", .choices = cnx_weight_names, .max = 1e6,                                   \
     .offset = offsetof(type, run.weights)}

#define CNX_RUNNING_OPTIONS_WITH(type, dry_run_help, ...)                                          \
    {CNX_OPT_GROUP, .help = "Running"},                                                            \
    {CNX_OPT_INT, 0, "threads", "N", "threads; the results do not depend on it",                   \
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = offsetof(type, run.threads)}, \
    {CNX_OPT_INT_OR_AUTO, 0, "jobs", "N|auto",                                                     \
     "pictures at the same time, between which the threads are divided; the results do not "       \
     "depend on it. auto: several where one is too small for all threads, as far as memory "       \
     "allows",                                                                                     \
     .fallback = "auto", .min = 1, .max = 1024, .offset = offsetof(type, run.jobs)},               \
    {CNX_OPT_BYTES, 0, "max-memory", "SIZE",                                                       \
     "refuse pictures that would need more, such as 512M or 2G", .otherwise = "no limit",          \
     .offset = offsetof(type, run.max_memory)},                                                    \
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",            \
     .fallback = "auto", .choices = cnx_kernel_names, .offset = offsetof(type, run.kernels)},      \
    __VA_ARGS__,                                                                                   \
    {CNX_OPT_FLAG, 0, "dry-run", .help = dry_run_help, .offset = offsetof(type, run.dry_run)},     \
    {CNX_OPT_FLAG, 0, "keep-going", .help = "go on with the other inputs when one fails",          \
     .offset = offsetof(type, run.keep_going)},                                                    \
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",      \
     .offset = offsetof(type, run.quiet)},                                                         \
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines",                                  \
     .offset = offsetof(type, run.no_progress)}
/* clang-format on */

extern const char *const cnx_average_names[]; /* by cnx_average */

/*
 * With CNX_MODELS_OPTIONS, before all else: `model` becomes the first of `models`.  Numbers without
 * as many models, and what only makes sense of several, are CNX_ERR_ARGUMENT.
 */
cnx_status cnx_session_args_models(cnx_session_args *args, cnx_error *err);
/* How many there are: 1 where no -m is given. */
int cnx_session_args_model_count(const cnx_session_args *args);
/* The weights in the average, or NULL for equal ones. */
const double *cnx_session_args_shares(const cnx_session_args *args);

/* The name for cnx_kernels_init. */
const char *cnx_session_args_kernels(const cnx_session_args *args);

/* How the flags have a model opened. */
cnx_model_options cnx_session_args_model_options(const cnx_session_args *args, int threads);

/* What can be told without the model: inputs and a folder are named. */
cnx_status cnx_session_args_check(const cnx_session_args *args, size_t inputs, cnx_error *err);
/* The same where results need no folder. */
cnx_status cnx_session_args_check_inputs(const cnx_session_args *args, size_t inputs,
                                         cnx_error *err);

/* Frees the lists of a command line. */
void cnx_session_args_free(cnx_session_args *args);

#endif
