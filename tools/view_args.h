/* How a classifier sees a picture: flags that cnx classify and cnx eval imagenet have in common. */
#ifndef CNX_TOOLS_VIEW_ARGS_H
#define CNX_TOOLS_VIEW_ARGS_H

#include "heads/description.h"
#include "tools/pipeline_args.h"

typedef struct cnx_view_args {
    cnx_int_arg size;
    cnx_flag_arg no_resize;
} cnx_view_args;

/* Rows of an option table; view, pipeline: where the cnx_view_args and the cnx_pipeline_args, of which
 * only exif is used, lie in the subcommand's struct. */
/* clang-format off */
#define CNX_VIEW_OPTIONS(view, pipeline)                                                           \
    {CNX_OPT_GROUP, .help = "View (each overrides what the model or its description says)"},       \
    {CNX_OPT_INT, 0, "size", "N",                                                                  \
     "edge of the square that the network sees: below 384 the short side is resized to N / 0.875 " \
     "and the middle cut out, from 384 on the picture is squashed; as published",                  \
     .otherwise = "the model's, else 224", .min = 16, .max = 16384,                                \
     .offset = (view) + offsetof(cnx_view_args, size)},                                            \
    {CNX_OPT_FLAG, 0, "no-resize", .help = "the picture as it is, neither resized nor cut",        \
     .offset = (view) + offsetof(cnx_view_args, no_resize)},                                       \
    {CNX_OPT_CHOICE, 0, "exif", "apply|ignore",                                                    \
     "the orientation that a camera stored; the official evaluation ignores it",                   \
     .fallback = "ignore", .choices = cnx_exif_names,                                              \
     .offset = CNX_PIPELINE_AT(pipeline, exif)}
/* clang-format on */

cnx_status cnx_view_args_check(const cnx_view_args *args, cnx_error *err);

/* The model's pipeline with the flags laid over it. */
void cnx_view_args_apply(cnx_pipeline *out, const cnx_view_args *args,
                         const cnx_description *description);

/* "short side to 256, middle 224x224", "squashed to 384x384", "as it is" */
void cnx_view_describe(const cnx_pipeline *pipeline, char *text, size_t size);

/* Warns when the file's name tells of another input size than the one that is used. */
void cnx_view_warn(const cnx_pipeline *pipeline, const cnx_view_args *args, const char *path);

#endif
