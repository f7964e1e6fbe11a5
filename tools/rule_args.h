/* The flags that say how stored values become classes: the same in every subcommand that scores. */
#ifndef CNX_TOOLS_RULE_ARGS_H
#define CNX_TOOLS_RULE_ARGS_H

#include "datasets/classes.h"
#include "eval/semantic_scores.h"
#include "tools/options.h"

typedef struct cnx_rule_args {
    cnx_text_arg classes, pred_suffix, truth_suffix;
    cnx_int_arg ignore, pred_offset;
    cnx_flag_arg reduce_zero_label, no_reduce_zero_label, strict;
    cnx_real_arg beta, nan_to_num;
} cnx_rule_args;

/* Rows of an option table; `type` is the subcommand's struct, whose field `rule` is the above. */
/* clang-format off */
/* How the truth is read. */
#define CNX_TRUTH_OPTIONS(type)                                                                    \
    {CNX_OPT_INT, 0, "ignore", "N", "the truth's value whose pixels are left out",                 \
     .otherwise = "the data set's, else 255", .max = 65535, .offset = offsetof(type, rule.ignore)},\
    {CNX_OPT_FLAG, 0, "reduce-zero-label",                                                         \
     .help = "the truth's 0 means \"other\": 0 becomes 255, every other value one less "           \
             "(ade20k: by itself)",                                                                \
     .offset = offsetof(type, rule.reduce_zero_label)},                                            \
    {CNX_OPT_FLAG, 0, "no-reduce-zero-label",                                                      \
     .help = "not even where the data set says so: its truth was reduced before it was stored",    \
     .offset = offsetof(type, rule.no_reduce_zero_label)}
/* How scores are made of counts. */
#define CNX_MEAN_OPTIONS(type)                                                                     \
    {CNX_OPT_REAL, 0, "beta", "B", "of the F-score: how much recall weighs against precision",     \
     .fallback = "1", .min = 0.001, .max = 1000, .offset = offsetof(type, rule.beta)},             \
    {CNX_OPT_REAL, 0, "nan-to-num", "X", "what NaN scores become before the means are taken",      \
     .otherwise = "NaN scores are left out of the means", .min = -1e9, .max = 1e9,                 \
     .offset = offsetof(type, rule.nan_to_num)}
/* All of them, for label maps that are scored. */
#define CNX_RULE_OPTIONS(type)                                                                     \
    {CNX_OPT_TEXT, 0, "classes", "ade20k|FILE|N",                                                  \
     "a known data set (ade20k, imagenet-s50 ...), a JSON file with the class names, or a number", \
     .offset = offsetof(type, rule.classes)},                                                      \
    CNX_TRUTH_OPTIONS(type),                                                                       \
    {CNX_OPT_INT, 0, "pred-offset", "N",                                                           \
     "taken off each predicted value; 1: ADE20K submission form, where 1 is the first class",      \
     .fallback = "0", .max = 65535, .offset = offsetof(type, rule.pred_offset)},                   \
    CNX_MEAN_OPTIONS(type),                                                                        \
    {CNX_OPT_FLAG, 0, "strict",                                                                    \
     .help = "values that are no class are an error rather than a warning",                        \
     .offset = offsetof(type, rule.strict)},                                                       \
    {CNX_OPT_TEXT, 0, "pred-suffix", "TEXT",                                                       \
     "what follows the shared part of a prediction's name, such as _pred.png",                     \
     .offset = offsetof(type, rule.pred_suffix)},                                                  \
    {CNX_OPT_TEXT, 0, "truth-suffix", "TEXT",                                                      \
     "the same of the truth's, such as _gtFine_labelTrainIds.png",                                 \
     .offset = offsetof(type, rule.truth_suffix)}
/* clang-format on */

/* What contradicts itself is CNX_ERR_ARGUMENT. */
cnx_status cnx_rule_args_check(const cnx_rule_args *args, cnx_error *err);
cnx_status cnx_rule_args_apply(cnx_semantic_rules *rules, cnx_semantic_score_options *scores,
                               const cnx_rule_args *args, const cnx_classes *classes,
                               cnx_error *err);

#endif
