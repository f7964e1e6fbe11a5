/* The flags that say how COCO's scores are made: the same in every subcommand that scores detections. */
#ifndef CNX_TOOLS_COCO_ARGS_H
#define CNX_TOOLS_COCO_ARGS_H

#include "eval/coco.h"
#include "tools/options.h"

typedef struct cnx_coco_args {
    cnx_int_arg kind;
    cnx_text_arg iou_thrs, max_dets, area_ranges, categories, images, arrays;
    cnx_flag_arg agnostic, errors;
} cnx_coco_args;

/* Values of --kind. */
enum { CNX_COCO_KIND_BBOX, CNX_COCO_KIND_SEGM, CNX_COCO_KIND_BOTH };
extern const char *const cnx_coco_kind_choices[];

/* Rows of an option table; `type` is the subcommand's struct, whose field `coco` is the above. */
/* clang-format off */
#define CNX_COCO_OPTIONS(type)                                                                     \
    {CNX_OPT_CHOICE, 0, "kind", "bbox|segm|both", "what is scored: boxes, masks",                  \
     .otherwise = "what the first result has", .choices = cnx_coco_kind_choices,                   \
     .offset = offsetof(type, coco.kind)},                                                         \
    {CNX_OPT_TEXT, 0, "iou-thrs", "A,B,...|A:B:STEP", "thresholds of IoU",                         \
     .otherwise = "0.5:0.95:0.05", .offset = offsetof(type, coco.iou_thrs)},                       \
    {CNX_OPT_TEXT, 0, "max-dets", "A,B,C", "how many detections of a picture count, by score",     \
     .otherwise = "1,10,100", .offset = offsetof(type, coco.max_dets)},                            \
    {CNX_OPT_TEXT, 0, "area-ranges", "NAME=LOW:HIGH,...", "areas in pixels, both ends included",   \
     .otherwise = "all=0:1e10,small=0:1024,medium=1024:9216,large=9216:1e10",                      \
     .offset = offsetof(type, coco.area_ranges)},                                                  \
    {CNX_OPT_FLAG, 0, "agnostic", .help = "every category counts as the same one",                 \
     .offset = offsetof(type, coco.agnostic)},                                                     \
    {CNX_OPT_TEXT, 0, "categories", "LIST|@FILE", "these alone, by name or id",                    \
     .otherwise = "all", .offset = offsetof(type, coco.categories)},                               \
    {CNX_OPT_TEXT, 0, "images", "LIST|@FILE", "these alone, by id or file name",                   \
     .otherwise = "all", .offset = offsetof(type, coco.images)},                                   \
    {CNX_OPT_FLAG, 0, "errors",                                                                    \
     .help = "what kinds of errors cost how much AP (as TIDE has them)",                           \
     .offset = offsetof(type, coco.errors)},                                                       \
    {CNX_OPT_TEXT, 0, "arrays", "DIR",                                                             \
     "precision, recall and scores as pycocotools' arrays: DIR/bbox_precision.npy ...",            \
     .offset = offsetof(type, coco.arrays)}
/* clang-format on */

/* What the flags come to.  Zeroed: nothing; release with cnx_coco_setup_free. */
enum { CNX_COCO_MOST = 64 };
typedef struct cnx_coco_setup {
    cnx_coco_params params; /* points into the rest */
    double thresholds[CNX_COCO_MOST];
    int max_dets[CNX_COCO_MOST];
    cnx_coco_range ranges[CNX_COCO_MOST];
    int64_t *image_ids, *category_ids; /* owned */
} cnx_coco_setup;

/* Everything but kinds, threads, images and categories; what cannot be is CNX_ERR_ARGUMENT. */
cnx_status cnx_coco_args_apply(cnx_coco_setup *out, const cnx_coco_args *args, cnx_error *err);
/* --images and --categories, which need the truth. */
cnx_status cnx_coco_args_choose(cnx_coco_setup *out, const cnx_coco_args *args,
                                const cnx_coco_truth *truth, cnx_error *err);
void cnx_coco_setup_free(cnx_coco_setup *setup);

/* The first flag of these that was given ("kind"), or NULL. */
const char *cnx_coco_args_given(const cnx_coco_args *args);

#endif
