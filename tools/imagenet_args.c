#include "tools/imagenet_args.h"

#include "datasets/imagenet.h"

const char *const cnx_imagenet_variant_names[] = {"none", "a",     "r",     "sketch",
                                                  "c",    "val-a", "val-r", NULL};

const char *cnx_imagenet_title(int variant)
{
    static const char *const titles[] = {"ImageNet",
                                         "ImageNet-A",
                                         "ImageNet-R",
                                         "ImageNet-Sketch",
                                         "ImageNet-C",
                                         "ImageNet, the classes of ImageNet-A",
                                         "ImageNet, the classes of ImageNet-R"};
    return titles[variant];
}

#define AT(field) offsetof(cnx_imagenet_args, field)

const cnx_option cnx_imagenet_eval_options[] = {
    CNX_MODELS_OPTIONS(cnx_imagenet_args, NULL),

    {CNX_OPT_GROUP, .help = "Data set"},
    {CNX_OPT_TEXT, 0, "data", "DIR",
     "the pictures: folders by WordNet id or class number, or one folder and a list of labels "
     "(docs/datasets.md)",
     .offset = AT(data)},
    {CNX_OPT_CHOICE, 0, "variant", "a|r|sketch|c|val-a|val-r",
     "a relative of ImageNet: a, r (only the outputs of their 200 classes count), sketch, c (15 "
     "corruptions in five severities; mean corruption error), or the validation pictures of the "
     "classes of a or r",
     .fallback = "none", .choices = cnx_imagenet_variant_names, .offset = AT(variant)},
    {CNX_OPT_TEXT, 0, "split", "NAME", "which folder in DIR", .otherwise = "looked for",
     .offset = AT(split)},
    {CNX_OPT_TEXT, 0, "labels", "FILE",
     "of pictures in one folder: a line with name and class (WordNet id, or number from 0) each",
     .otherwise = "val.txt and the like, looked for", .offset = AT(labels)},
    {CNX_OPT_TEXT, 0, "classes", "FILE",
     "for other sets: a JSON list of folder names in the order of the model's outputs",
     .otherwise = "ImageNet's 1,000", .offset = AT(classes)},
    {CNX_OPT_INT, 0, "skip", "N", "leave out the first N pictures", .fallback = "0", .max = 1e9,
     .offset = AT(skip)},
    {CNX_OPT_INT, 0, "limit", "N", "at most N pictures", .otherwise = "all", .min = 1, .max = 1e9,
     .offset = AT(limit)},

    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object on standard output, instead of the table",
     .offset = AT(run.json)},
    {CNX_OPT_TEXT, 0, "csv", "FILE", "scores by class (of ImageNet-C by corruption), as CSV",
     .offset = AT(csv)},
    {CNX_OPT_TEXT, 0, "per-image", "FILE", "what each picture was taken for, as CSV",
     .offset = AT(per_image)},
    {CNX_OPT_TEXT, 0, "report", "FILE.html",
     "a page with the scores, a table by class and the worst mistakes; it needs no network",
     .offset = AT(report)},
    {CNX_OPT_REAL, 0, "clean-error", "E",
     "of ImageNet-C: the model's top-1 error on clean pictures (a fraction), for the relative "
     "corruption error",
     .otherwise = "not computed", .max = 1, .offset = AT(clean_error)},
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace results that are there already",
     .offset = AT(run.overwrite)},

    CNX_VIEW_OPTIONS(AT(view), AT(run.pipeline)),

    {CNX_OPT_GROUP, .help = "Running"},
    {CNX_OPT_TEXT, 0, "journal", "FILE",
     "what has been done, one line a picture, for --resume; removed when all is done",
     .otherwise = "cnx-eval-MODEL.journal in the working folder", .offset = AT(journal)},
    {CNX_OPT_FLAG, 0, "resume", .help = "go on with a run that was interrupted, if there is one",
     .offset = AT(resume)},
    {CNX_OPT_INT, 0, "threads", "N", "threads; the results do not depend on it",
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = AT(run.threads)},
    {CNX_OPT_INT_OR_AUTO, 0, "jobs", "N|auto",
     "pictures in the network at the same time, between which the threads are divided",
     .fallback = "auto", .min = 1, .max = 256, .offset = AT(run.jobs)},
    {CNX_OPT_BYTES, 0, "max-memory", "SIZE", "refuse pictures that would need more",
     .otherwise = "no limit", .offset = AT(run.max_memory)},
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",
     .fallback = "auto", .choices = cnx_kernel_names, .offset = AT(run.kernels)},
    CNX_SHARES_OPTION(cnx_imagenet_args),
    {CNX_OPT_FLAG, 0, "keep-going",
     .help = "leave out pictures that cannot be read, and tell which",
     .offset = AT(run.keep_going)},
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",
     .offset = AT(run.quiet)},
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines", .offset = AT(run.no_progress)},
    {.kind = CNX_OPT_END},
};

cnx_status cnx_imagenet_args_check(cnx_imagenet_args *args, cnx_error *err)
{
    CNX_TRY(cnx_session_args_models(&args->run, err));
    CNX_FAIL_IF(!args->run.model.given, CNX_ERR_ARGUMENT,
                "which model? Name a classifier with -m FILE, such as "
                "convnext_tiny_1k_224_ema.pth");
    CNX_FAIL_IF(!args->data.given, CNX_ERR_ARGUMENT,
                "where is the data set? Name its folder with --data DIR");
    CNX_FAIL_IF(args->clean_error.given && args->variant.value != CNX_IMAGENET_C, CNX_ERR_ARGUMENT,
                "--clean-error belongs to --variant c");
    CNX_FAIL_IF(args->labels.given && args->variant.value == CNX_IMAGENET_C, CNX_ERR_ARGUMENT,
                "--labels does not go with --variant c, whose classes are folders");
    return cnx_view_args_check(&args->view, err);
}
