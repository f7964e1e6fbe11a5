#include "tools/eval_args.h"

#include "tools/run_args.h"

#define AT(field) offsetof(cnx_eval_args, field)

const cnx_option cnx_eval_options[] = {
    {CNX_OPT_GROUP, .help = "Model"},
    {CNX_OPT_TEXT, 'm', "model", "FILE", "checkpoint: .pth or .safetensors",
     .otherwise = "the demo model inside the program", .offset = AT(model)},
    {CNX_OPT_TEXT, 0, "config", "FILE", "model description (JSON) over what the checkpoint says",
     .offset = AT(config)},
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON", "one field of the description", .offset = AT(sets)},

    {CNX_OPT_GROUP, .help = "Data set"},
    {CNX_OPT_TEXT, 0, "data", "DIR", "the data set's folder (docs/datasets.md has the layouts)",
     .offset = AT(data)},
    {CNX_OPT_TEXT, 0, "split", "NAME", "which part of it", .otherwise = "validation",
     .offset = AT(split)},
    {CNX_OPT_TEXT, 0, "images", "DIR", "the pictures, where the layout is none of the known ones",
     .offset = AT(images)},
    {CNX_OPT_TEXT, 0, "labels", "DIR", "the label files that belong to --images",
     .offset = AT(labels)},
    {CNX_OPT_TEXT, 0, "image-suffix", "TEXT",
     "what follows the shared part of a picture's name, such as _leftImg8bit.png",
     .offset = AT(image_suffix)},
    {CNX_OPT_TEXT, 0, "label-suffix", "TEXT", "the same of a label file's name",
     .offset = AT(label_suffix)},
    {CNX_OPT_INT, 0, "skip", "N", "leave out the first N pictures", .fallback = "0", .max = 1e9,
     .offset = AT(skip)},
    {CNX_OPT_INT, 0, "limit", "N", "at most N pictures", .otherwise = "all", .min = 1, .max = 1e9,
     .offset = AT(limit)},
    {CNX_OPT_TEXT, 0, "classes", "ade20k|FILE|N",
     "a known data set, a JSON file with the class names, or a number",
     .otherwise = "those of the data set, for folders those of the model",
     .offset = AT(rule.classes)},
    CNX_TRUTH_OPTIONS(cnx_eval_args),

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_SET, 0, "metrics", "LIST",
     "the columns of the tables: mIoU, mDice, mFscore, mPrecision, mRecall", .fallback = "mIoU",
     .choices = cnx_semantic_metric_names, .offset = AT(result.metrics)},
    CNX_MEAN_OPTIONS(cnx_eval_args),
    CNX_RESULT_OPTIONS(cnx_eval_args),
    {CNX_OPT_TEXT, 0, "report", "FILE.html",
     "a page with the scores, the confusion matrix and the worst pictures; it needs no network",
     .offset = AT(report)},
    {CNX_OPT_TEXT, 0, "save-pred", "DIR",
     "the predicted label maps as PNG files, written as they are made", .offset = AT(save_pred)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace results that are there already",
     .offset = AT(result.overwrite)},

    CNX_PIPELINE_OPTIONS(AT(pipeline)),

    {CNX_OPT_GROUP, .help = "Running"},
    {CNX_OPT_TEXT, 0, "journal", "FILE",
     "what has been done, one line a picture, for --resume; removed when all is done",
     .otherwise = "cnx-eval-MODEL.journal in the working folder", .offset = AT(journal)},
    {CNX_OPT_FLAG, 0, "resume", .help = "go on with a run that was interrupted, if there is one",
     .offset = AT(resume)},
    CNX_THREADS_OPTION(cnx_eval_args),
    {CNX_OPT_INT, 0, "jobs", "N",
     "pictures in the network at the same time, between which the threads are divided; more than "
     "one pays for small pictures",
     .fallback = "1", .min = 1, .max = 256, .offset = AT(jobs)},
    {CNX_OPT_BYTES, 0, "max-memory", "SIZE", "refuse pictures that would need more",
     .otherwise = "no limit", .offset = AT(max_memory)},
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",
     .fallback = "auto", .choices = cnx_kernel_names, .offset = AT(kernels)},
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16", "how weights are kept in memory",
     .fallback = "f32", .choices = cnx_weight_names, .offset = AT(weights)},
    {CNX_OPT_FLAG, 0, "keep-going",
     .help = "leave out pictures that cannot be scored, and tell which", .offset = AT(keep_going)},
    CNX_QUIET_OPTIONS(cnx_eval_args),
    {.kind = CNX_OPT_END},
};

cnx_status cnx_eval_args_check(const cnx_eval_args *args, cnx_error *err)
{
    CNX_FAIL_IF(args->images.given != args->labels.given, CNX_ERR_ARGUMENT,
                "--images and --labels belong together");
    CNX_FAIL_IF(args->data.given == args->images.given, CNX_ERR_ARGUMENT,
                args->data.given
                    ? "--data names the whole data set, --images and --labels its folders: give one"
                    : "where is the data set? Name its folder with --data DIR");
    CNX_FAIL_IF(args->images.given && args->split.given, CNX_ERR_ARGUMENT,
                "--split belongs to --data");
    CNX_TRY(cnx_pipeline_args_check(&args->pipeline, err));
    cnx_rule_args rule = args->rule;
    rule.classes.given = true; /* the data set or the model has them */
    return cnx_rule_args_check(&rule, err);
}
