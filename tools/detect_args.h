/* The command line of cnx detect, and the rules that it asks for. */
#ifndef CNX_TOOLS_DETECT_ARGS_H
#define CNX_TOOLS_DETECT_ARGS_H

#include "heads/description.h"
#include "tools/outputs.h"
#include "tools/session_args.h"

/* In the order of --format's names; bit i of the set. */
enum {
    CNX_FORMAT_COCO,
    CNX_FORMAT_COCO_POLYGONS,
    CNX_FORMAT_COCO_DATASET,
    CNX_FORMAT_LABELME,
    CNX_FORMAT_YOLO,
    CNX_FORMAT_CSV,
    CNX_FORMATS
};

/* In the order of --save's names. */
enum { CNX_PAINT_OVERLAY, CNX_PAINT_INSTANCES, CNX_PAINTS };

/* Whose colour a detection has: its class's, or its own. */
typedef enum cnx_colouring { CNX_COLOUR_AUTO, CNX_COLOUR_CLASS, CNX_COLOUR_INSTANCE } cnx_colouring;

/* What makes detections of what the network says: shared with cnx eval coco. */
typedef struct cnx_detection_args {
    cnx_real_arg score_thr, nms_iou, mask_thr;
    cnx_int_arg max_det;
    cnx_flag_arg agnostic_nms, no_masks;
    cnx_text_arg only;
} cnx_detection_args;

typedef struct cnx_detect_args {
    cnx_session_args run;
    cnx_detection_args detection;
    cnx_set_arg format, save;
    cnx_flag_arg no_boxes;
    cnx_real_arg tolerance, opacity, show_thr;
    cnx_int_arg colouring; /* a cnx_colouring */
} cnx_detect_args;

extern const cnx_option cnx_detect_options[];

/* Rows of an option table; base: where the cnx_detection_args lies in the subcommand's struct. */
/* clang-format off */
#define CNX_DETECTION_AT(base, field) ((base) + offsetof(cnx_detection_args, field))
#define CNX_DETECTION_OPTIONS(base)                                                                \
    {CNX_OPT_REAL, 0, "score-thr", "P", "only detections of a higher score",                       \
     .otherwise = "the model's, else 0.05", .max = 1, .offset = CNX_DETECTION_AT(base, score_thr)},\
    {CNX_OPT_REAL, 0, "nms-iou", "IOU",                                                            \
     "of two boxes of one class that overlap more than this, only the better one",                 \
     .otherwise = "the model's, else 0.5", .max = 1, .offset = CNX_DETECTION_AT(base, nms_iou)},   \
    {CNX_OPT_FLAG, 0, "agnostic-nms", .help = "the same of two boxes of any classes",              \
     .offset = CNX_DETECTION_AT(base, agnostic_nms)},                                              \
    {CNX_OPT_INT, 0, "max-det", "N", "the N best of a picture at most",                            \
     .otherwise = "the model's, else 100", .min = 1, .max = 65535,                                 \
     .offset = CNX_DETECTION_AT(base, max_det)},                                                   \
    {CNX_OPT_TEXT, 0, "only", "LIST",                                                              \
     "these classes alone, comma-separated, such as person,car; the others take no part in "       \
     "anything",                                                                                   \
     .offset = CNX_DETECTION_AT(base, only)},                                                      \
    {CNX_OPT_REAL, 0, "mask-thr", "P", "pixels of a mask: those of at least this probability",     \
     .otherwise = "the model's, else 0.5", .max = 1, .offset = CNX_DETECTION_AT(base, mask_thr)},  \
    {CNX_OPT_FLAG, 0, "no-masks", .help = "boxes only; the mask heads are not run",                \
     .offset = CNX_DETECTION_AT(base, no_masks)}
/* clang-format on */

static inline bool cnx_detect_has(cnx_set_arg set, int bit)
{
    return (set.bits >> bit & 1u) != 0;
}

/* What can be told without the model. */
cnx_status cnx_detect_args_check(const cnx_detect_args *args, size_t inputs, cnx_error *err);

/* The files of the run: for each picture (suffixes) and for all of them (files).  Room for
 * CNX_FORMATS + CNX_PAINTS entries each. */
void cnx_detect_args_outputs(const cnx_detect_args *args, cnx_outputs *outputs,
                             const char **suffixes, const char **files);
/* "detections.json" ..., NULL for formats of a file for each picture. */
const char *cnx_detect_run_file(int format);
const char *cnx_detect_suffix(int format);
const char *cnx_detect_paint_suffix(int paint);

/* The model's rules with the flags laid over them. */
void cnx_detection_args_rules(cnx_rcnn_rules *out, const cnx_detection_args *args,
                              const cnx_description *description);
/* --only as flags, [class_count], for the caller to free; *out is NULL when it is not given. */
cnx_status cnx_detection_args_only(bool **out, const cnx_detection_args *args,
                                   const cnx_description *description, cnx_error *err);
/* "scale 1333x800, padded to 32, score above 0.05, NMS 0.5, at most 100" */
void cnx_detection_describe(const cnx_pipeline *pipeline, const cnx_rcnn_rules *rules, char *text,
                            size_t size);

#endif
