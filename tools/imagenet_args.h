/* The command line of cnx eval imagenet. */
#ifndef CNX_TOOLS_IMAGENET_ARGS_H
#define CNX_TOOLS_IMAGENET_ARGS_H

#include "tools/session_args.h"
#include "tools/view_args.h"

typedef struct cnx_imagenet_args {
    cnx_session_args run; /* models, threads and the like */
    cnx_view_args view;
    cnx_text_arg data, split, labels, classes;
    cnx_int_arg variant; /* a cnx_imagenet_variant */
    cnx_int_arg skip, limit;
    cnx_real_arg clean_error;
    cnx_text_arg csv, per_image, report, journal;
    cnx_flag_arg resume;
} cnx_imagenet_args;

extern const cnx_option cnx_imagenet_eval_options[];
extern const char *const cnx_imagenet_variant_names[]; /* by cnx_imagenet_variant, as typed */
/* "ImageNet", "ImageNet-A" ...: by cnx_imagenet_variant, for reports. */
const char *cnx_imagenet_title(int variant);

cnx_status cnx_imagenet_args_check(cnx_imagenet_args *args, cnx_error *err);

#endif
