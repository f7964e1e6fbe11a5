#include "tools/classify_args.h"

const char *const cnx_classify_suffixes[CNX_CLASS_SAVES] = {"_logits.npy", "_prob.npy"};
static const char *const save_names[] = {"logits", "prob", NULL};

#define AT(field) offsetof(cnx_classify_args, field)

const cnx_option cnx_classify_options[] = {
    CNX_MODELS_OPTIONS(cnx_classify_args, NULL),

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_INT, 0, "top", "K", "how many classes to tell, the likeliest first", .fallback = "5",
     .min = 1, .max = 1000, .offset = AT(top)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object a picture on standard output",
     .offset = AT(run.json)},
    {CNX_OPT_FLAG, 0, "csv",
     .help = "one CSV line a class on standard output: file,rank,class,name,prob",
     .offset = AT(csv)},
    {CNX_OPT_SET, 0, "save", "LIST",
     "files to write into OUT, comma-separated: logits, prob (<stem>_logits.npy: float32 "
     "[classes])",
     .choices = save_names, .offset = AT(save)},
    {CNX_OPT_TEXT, 'o', "out", "OUT", "the folder for --save, made where it is missing",
     .offset = AT(run.out)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace results that are there already",
     .offset = AT(run.overwrite)},

    CNX_VIEW_OPTIONS(AT(view), AT(run.pipeline)),

    CNX_RUNNING_OPTIONS_WITH(cnx_classify_args,
                             "tell sizes, memory and multiply-adds; run and write nothing",
                             CNX_SHARES_OPTION(cnx_classify_args)),
    {.kind = CNX_OPT_END},
};

cnx_status cnx_classify_args_check(cnx_classify_args *args, size_t inputs, cnx_error *err)
{
    CNX_TRY(cnx_session_args_models(&args->run, err));
    CNX_FAIL_IF(!args->run.model.given, CNX_ERR_ARGUMENT,
                "which model? Name a classifier with -m FILE, such as "
                "convnext_tiny_1k_224_ema.pth");
    CNX_FAIL_IF(args->save.given && !args->run.out.given && !args->run.dry_run.given,
                CNX_ERR_ARGUMENT, "where should --save put its files? Name a folder with -o OUT");
    CNX_FAIL_IF(args->run.out.given && !args->save.given, CNX_ERR_ARGUMENT,
                "-o OUT: nothing is saved unless --save says what (such as --save logits)");
    CNX_FAIL_IF(args->csv.given && args->run.json.given, CNX_ERR_ARGUMENT,
                "--csv and --json exclude each other: both go to standard output");
    CNX_FAIL_IF(cnx_classify_saves(args, CNX_SAVE_CLASS_LOGITS) && args->run.models.count > 1 &&
                    args->run.average.value == 0,
                CNX_ERR_ARGUMENT,
                "--save logits: the average of several models is one of probabilities (--average "
                "logits changes that, or save prob instead)");
    CNX_TRY(cnx_view_args_check(&args->view, err));
    return cnx_session_args_check_inputs(&args->run, inputs, err);
}
