/* The command line of cnx eval for semantic segmentation. */
#ifndef CNX_TOOLS_EVAL_ARGS_H
#define CNX_TOOLS_EVAL_ARGS_H

#include "tools/pipeline_args.h"
#include "tools/rule_args.h"
#include "tools/score_results.h"

/* Which data set, by the word that follows "cnx eval". */
typedef enum cnx_eval_kind { CNX_EVAL_ADE20K, CNX_EVAL_FOLDER, CNX_EVAL_IMAGENET_S } cnx_eval_kind;

typedef struct cnx_eval_args {
    cnx_eval_kind kind;
    cnx_text_arg model, config;
    cnx_texts_arg sets;
    cnx_text_arg data, split, images, labels, image_suffix, label_suffix;
    cnx_int_arg skip, limit;
    cnx_rule_args rule;
    cnx_result_args result;
    cnx_text_arg report, save_pred, journal;
    cnx_pipeline_args pipeline;
    cnx_int_arg threads, jobs, kernels, weights;
    cnx_bytes_arg max_memory;
    cnx_flag_arg resume, keep_going, quiet, no_progress;
} cnx_eval_args;

extern const cnx_option cnx_eval_options[];

cnx_status cnx_eval_args_check(const cnx_eval_args *args, cnx_error *err);

#endif
