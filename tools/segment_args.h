/* The command line of cnx segment, and the test pipeline that it asks for. */
#ifndef CNX_TOOLS_SEGMENT_ARGS_H
#define CNX_TOOLS_SEGMENT_ARGS_H

#include "heads/segmentor.h"
#include "tools/session_args.h"

/* What can be saved, in the order of --save's names; bit i of the set. */
enum {
    CNX_SAVE_LABEL,
    CNX_SAVE_COLOR,
    CNX_SAVE_OVERLAY,
    CNX_SAVE_CONFIDENCE,
    CNX_SAVE_PROB,
    CNX_SAVE_LOGITS,
    CNX_SAVE_KINDS
};

/* What follows the stem in the file names, by kind. */
extern const char *const cnx_segment_suffixes[CNX_SAVE_KINDS];

static inline bool cnx_saves(unsigned save, int kind)
{
    return (save >> kind & 1u) != 0;
}

typedef struct cnx_segment_args {
    cnx_session_args run;
    cnx_set_arg save;
    cnx_int_arg label_offset;
    cnx_real_arg opacity;
} cnx_segment_args;

extern const cnx_option cnx_segment_options[];

/* What can be told without the model: flags that need or exclude each other. */
cnx_status cnx_segment_args_check(cnx_segment_args *args, size_t inputs, cnx_error *err);

/* Do the labels of so many classes, with --label-offset, fit into a PNG? */
cnx_status cnx_segment_args_check_labels(const cnx_segment_args *args, int classes, cnx_error *err);

/* The model's pipeline with the flags laid over it, checked as a whole. */
cnx_status cnx_segment_args_pipeline(cnx_pipeline *out, const cnx_segment_args *args,
                                     const cnx_description *description, cnx_error *err);

#endif
