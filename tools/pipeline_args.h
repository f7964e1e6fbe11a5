/* The flags of the test pipeline, which cnx segment and cnx eval have in common. */
#ifndef CNX_TOOLS_PIPELINE_ARGS_H
#define CNX_TOOLS_PIPELINE_ARGS_H

#include "heads/description.h"
#include "tools/options.h"

typedef struct cnx_pipeline_args {
    cnx_size_arg scale, crop, stride;
    cnx_int_arg mode, rule, exif;
    cnx_reals_arg scales;
    cnx_flag_arg flip;
} cnx_pipeline_args;

extern const char *const cnx_mode_names[];     /* by cnx_mode */
extern const char *const cnx_tta_rule_names[]; /* by cnx_tta_rule */
extern const char *const cnx_exif_names[];     /* apply, ignore */

/* Choices beside the pipeline that the same subcommands offer. */
extern const char *const cnx_kernel_names[]; /* auto first */
extern const char *const cnx_weight_names[]; /* by cnx_weight_type */

/* Rows of an option table; base: where the cnx_pipeline_args lies in the subcommand's struct. */
/* clang-format off */
#define CNX_PIPELINE_AT(base, field) ((base) + offsetof(cnx_pipeline_args, field))
#define CNX_PIPELINE_GROUP                                                                         \
    {CNX_OPT_GROUP,                                                                                \
     .help = "Test pipeline (each overrides what the model or its description says)"}
#define CNX_SCALE_OPTION(base)                                                                     \
    {CNX_OPT_SIZE_OR_NONE, 0, "scale", "LONGxSHORT|none",                                          \
     "resize to fit this bound, keeping the ratio, up as well as down; none: the picture's own "   \
     "size",                                                                                       \
     .otherwise = "the model's", .min = 1, .max = 65535, .offset = CNX_PIPELINE_AT(base, scale)}
#define CNX_SCALES_OPTION(base)                                                                    \
    {CNX_OPT_REALS, 0, "scales", "LIST",                                                           \
     "test-time augmentation: average over these ratios of the scale, such as "                    \
     "0.5,0.75,1,1.25,1.5,1.75",                                                                   \
     .otherwise = "the model's, else none", .min = 0.01, .max = 16,                                \
     .offset = CNX_PIPELINE_AT(base, scales)}
#define CNX_FLIP_OPTION(base)                                                                      \
    {CNX_OPT_FLAG, 0, "flip", .help = "average over the mirrored picture as well",                 \
     .offset = CNX_PIPELINE_AT(base, flip)}
#define CNX_EXIF_OPTION(base)                                                                      \
    {CNX_OPT_CHOICE, 0, "exif", "apply|ignore", "the orientation that a camera stored",            \
     .fallback = "apply", .choices = cnx_exif_names, .offset = CNX_PIPELINE_AT(base, exif)}
/* For a detector, which knows no windows. */
#define CNX_SCALE_OPTIONS(base)                                                                    \
    CNX_PIPELINE_GROUP, CNX_SCALE_OPTION(base), CNX_SCALES_OPTION(base), CNX_FLIP_OPTION(base),    \
        CNX_EXIF_OPTION(base)
#define CNX_PIPELINE_OPTIONS(base)                                                                 \
    CNX_PIPELINE_GROUP, CNX_SCALE_OPTION(base),                                                    \
    {CNX_OPT_CHOICE, 0, "mode", "whole|slide",                                                     \
     "the picture at once, or in overlapping windows whose logits are averaged",                   \
     .otherwise =                                                                                  \
         "the model's; where nothing but the published pipeline tells, slide for one scale "       \
         "and whole with --scales",                                                                \
     .choices = cnx_mode_names, .offset = CNX_PIPELINE_AT(base, mode)},                            \
    {CNX_OPT_SIZE, 0, "crop", "HxW", "size of a window; implies --mode slide",                     \
     .otherwise = "the model's", .min = 32, .max = 65535, .offset = CNX_PIPELINE_AT(base, crop)},  \
    {CNX_OPT_SIZE, 0, "stride", "HxW", "step from window to window; implies --mode slide",         \
     .otherwise = "the model's; two thirds of --crop, rounded down, when that is given",           \
     .min = 1, .max = 65535, .offset = CNX_PIPELINE_AT(base, stride)},                             \
    CNX_SCALES_OPTION(base), CNX_FLIP_OPTION(base),                                                \
    {CNX_OPT_CHOICE, 0, "tta-rule", "mmseg0|mmseg1",                                               \
     "what --scales are ratios of: the scale bound (as published) or the picture's own size",      \
     .otherwise = "the model's, else mmseg0", .choices = cnx_tta_rule_names,                       \
     .offset = CNX_PIPELINE_AT(base, rule)},                                                       \
    CNX_EXIF_OPTION(base)
/* clang-format on */

/* --exif ignore */
bool cnx_pipeline_args_ignore_exif(const cnx_pipeline_args *args);

/* What can be told without the model: flags that exclude each other. */
cnx_status cnx_pipeline_args_check(const cnx_pipeline_args *args, cnx_error *err);

/* The model's pipeline with the flags laid over it, checked as a whole. */
cnx_status cnx_pipeline_args_apply(cnx_pipeline *out, const cnx_pipeline_args *args,
                                   const cnx_description *description, cnx_error *err);

/* "scale 2048x512, slide 512x512 by 341x341, scales 0.5,1 and flip (mmseg0)" */
void cnx_pipeline_describe(const cnx_pipeline *pipeline, char *text, size_t size);

#endif
