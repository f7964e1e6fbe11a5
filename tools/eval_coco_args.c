#include "tools/eval_coco_args.h"

const char *const cnx_coco_o_domains[] = {"cartoon", "handmake", "painting", "sketch",
                                          "tattoo",  "weather",  NULL};

#define AT(field) offsetof(cnx_eval_coco_args, field)

/* clang-format off */
#define MODEL                                                                                      \
    CNX_MODEL_OPTIONS(cnx_eval_coco_args)
#define PART                                                                                       \
    {CNX_OPT_INT, 0, "skip", "N", "leave out the first N pictures (by ascending id)",              \
     .fallback = "0", .max = 1e9, .offset = AT(skip)},                                             \
    {CNX_OPT_INT, 0, "limit", "N", "at most N pictures", .otherwise = "all", .min = 1, .max = 1e9, \
     .offset = AT(limit)}
#define CATEGORIES                                                                                 \
    {CNX_OPT_TEXT, 0, "categories", "LIST|@FILE",                                                  \
     "score these categories of the data set alone, by name or id", .otherwise = "all",            \
     .offset = AT(coco.categories)}
#define RESULTS                                                                                    \
    {CNX_OPT_TEXT, 0, "iou-thrs", "A,B,...|A:B:STEP", "thresholds of IoU",                         \
     .otherwise = "0.5:0.95:0.05", .offset = AT(coco.iou_thrs)},                                   \
    {CNX_OPT_TEXT, 0, "max-dets", "A,B,C", "how many detections of a picture count, by score",     \
     .otherwise = "1,10,100", .offset = AT(coco.max_dets)},                                        \
    {CNX_OPT_TEXT, 0, "area-ranges", "NAME=LOW:HIGH,...", "areas in pixels, both ends included",   \
     .otherwise = "all=0:1e10,small=0:1024,medium=1024:9216,large=9216:1e10",                      \
     .offset = AT(coco.area_ranges)},                                                              \
    {CNX_OPT_FLAG, 0, "json",                                                                      \
     .help = "all scores as one JSON object on standard output, instead of the tables",            \
     .offset = AT(run.json)},                                                                      \
    {CNX_OPT_TEXT, 0, "csv", "FILE", "all scores by category, as CSV", .offset = AT(csv)},         \
    {CNX_OPT_TEXT, 0, "report", "FILE.html",                                                       \
     "a page with the scores, curves and the worst pictures; it needs no network",                 \
     .offset = AT(report)},                                                                        \
    {CNX_OPT_TEXT, 0, "save-pred", "PREFIX",                                                       \
     "keep the detections: PREFIX.bbox.json and PREFIX.segm.json, as cnx score and pycocotools "   \
     "read them",                                                                                  \
     .offset = AT(save_pred)},                                                                     \
    {CNX_OPT_FLAG, 0, "overwrite", .help = "replace results that are there already",               \
     .offset = AT(run.overwrite)}
#define RUNNING                                                                                    \
    {CNX_OPT_GROUP, .help = "Running"},                                                            \
    {CNX_OPT_TEXT, 0, "journal", "FILE",                                                           \
     "what has been done, for --resume, with FILE.results beside it; both are removed when all "   \
     "is done",                                                                                    \
     .otherwise = "cnx-eval-MODEL.journal in the working folder", .offset = AT(journal)},          \
    {CNX_OPT_FLAG, 0, "resume", .help = "go on with a run that was interrupted, if there is one",  \
     .offset = AT(resume)},                                                                        \
    {CNX_OPT_INT, 0, "threads", "N", "threads; the results do not depend on it",                   \
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = AT(run.threads)},             \
    {CNX_OPT_INT_OR_AUTO, 0, "jobs", "N|auto",                                                     \
     "pictures at the same time, between which the threads are divided",                           \
     .fallback = "auto", .min = 1, .max = 1024, .offset = AT(run.jobs)},                           \
    {CNX_OPT_BYTES, 0, "max-memory", "SIZE", "refuse pictures that would need more",               \
     .otherwise = "no limit", .offset = AT(run.max_memory)},                                       \
    {CNX_OPT_CHOICE, 0, "kernels", "NAME", "auto, ref, openblas, avx2, avx512 or neon",            \
     .fallback = "auto", .choices = cnx_kernel_names, .offset = AT(run.kernels)},                  \
    {CNX_OPT_CHOICE, 0, "weights", "f32|f16|bf16", "how weights are kept in memory",               \
     .fallback = "f32", .choices = cnx_weight_names, .offset = AT(run.weights)},                   \
    {CNX_OPT_FLAG, 0, "keep-going",                                                                \
     .help = "leave out pictures that cannot be read, and tell which",                             \
     .offset = AT(run.keep_going)},                                                                \
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",      \
     .offset = AT(run.quiet)},                                                                     \
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines", .offset = AT(run.no_progress)}
/* clang-format on */

const cnx_option cnx_eval_coco_options[] = {
    MODEL,
    {CNX_OPT_GROUP, .help = "Data set"},
    {CNX_OPT_TEXT, 0, "data", "DIR",
     "the data set's folder: annotations/instances_SPLIT.json and SPLIT in it, or another of the "
     "layouts in docs/datasets.md",
     .offset = AT(data)},
    {CNX_OPT_TEXT, 0, "split", "NAME", "which part of it", .fallback = "val2017",
     .offset = AT(split)},
    {CNX_OPT_TEXT, 0, "annotations", "FILE.json",
     "the annotations, where the layout is none of the known ones", .offset = AT(annotations)},
    {CNX_OPT_TEXT, 0, "images", "DIR", "the pictures that belong to --annotations",
     .offset = AT(images)},
    PART,
    CATEGORIES,
    {CNX_OPT_GROUP, .help = "Detections"},
    CNX_DETECTION_OPTIONS(AT(detection)),
    CNX_SCALE_OPTIONS(AT(run.pipeline)),
    {CNX_OPT_GROUP, .help = "Results"},
    {CNX_OPT_CHOICE, 0, "kind", "bbox|segm|both", "what is scored: boxes, masks",
     .otherwise = "both, where the data set has masks", .choices = cnx_coco_kind_choices,
     .offset = AT(coco.kind)},
    {CNX_OPT_FLAG, 0, "segm-boxes",
     .help = "records of masks keep their box, so that small, medium and large go by the box's "
             "area: as the official runs were scored (mmdetection before 2.12)",
     .offset = AT(segm_boxes)},
    RESULTS,
    RUNNING,
    {.kind = CNX_OPT_END},
};

const cnx_option cnx_eval_coco_o_options[] = {
    MODEL,
    {CNX_OPT_GROUP, .help = "Data set"},
    {CNX_OPT_TEXT, 0, "data", "DIR",
     "the folder of the domains: DIR/sketch/annotations/instances_val2017.json, "
     "DIR/sketch/val2017 ...",
     .offset = AT(data)},
    {CNX_OPT_TEXT, 0, "split", "NAME", "which part of each domain", .fallback = "val2017",
     .offset = AT(split)},
    {CNX_OPT_SET, 0, "domains", "LIST", "these domains alone", .otherwise = "all six",
     .choices = cnx_coco_o_domains, .offset = AT(of_domains)},
    {CNX_OPT_REAL, 0, "coco-ap", "AP",
     "the model's box AP on COCO's val2017, in per cent, for the effective robustness",
     .otherwise = "the published one", .max = 100, .offset = AT(coco_ap)},
    PART,
    CATEGORIES,
    {CNX_OPT_GROUP, .help = "Detections"},
    CNX_DETECTION_OPTIONS(AT(detection)),
    CNX_SCALE_OPTIONS(AT(run.pipeline)),
    {CNX_OPT_GROUP, .help = "Results"},
    RESULTS,
    RUNNING,
    {.kind = CNX_OPT_END},
};

cnx_status cnx_eval_coco_args_check(const cnx_eval_coco_args *args, cnx_error *err)
{
    CNX_FAIL_IF(args->annotations.given != args->images.given, CNX_ERR_ARGUMENT,
                "--annotations and --images belong together");
    CNX_FAIL_IF(args->data.given == args->annotations.given, CNX_ERR_ARGUMENT,
                args->data.given
                    ? "--data names the whole data set, --annotations and --images its parts: give "
                      "one"
                    : "where is the data set? Name its folder with --data DIR");
    CNX_FAIL_IF(args->annotations.given && args->split.given, CNX_ERR_ARGUMENT,
                "--split belongs to --data");
    CNX_FAIL_IF(args->coco.kind.given && args->coco.kind.value != CNX_COCO_KIND_BBOX &&
                    args->detection.no_masks.given,
                CNX_ERR_ARGUMENT, "--kind asks for masks, and --no-masks is given");
    return CNX_OK;
}
