#include "tools/rule_args.h"

cnx_status cnx_rule_args_check(const cnx_rule_args *args, cnx_error *err)
{
    CNX_FAIL_IF(!args->classes.given, CNX_ERR_ARGUMENT,
                "what are the classes? Give --classes ade20k, a file with their names, or their "
                "number");
    CNX_FAIL_IF(args->reduce_zero_label.given && args->no_reduce_zero_label.given, CNX_ERR_ARGUMENT,
                "--reduce-zero-label and --no-reduce-zero-label contradict each other");
    return CNX_OK;
}

cnx_status cnx_rule_args_apply(cnx_semantic_rules *rules, cnx_semantic_score_options *scores,
                               const cnx_rule_args *args, const cnx_classes *classes,
                               cnx_error *err)
{
    *rules = (cnx_semantic_rules){
        .classes = classes->count,
        .ignore = args->ignore.given ? args->ignore.value : classes->rules.ignore,
        .reduce_zero_label = args->reduce_zero_label.given || (classes->rules.reduce_zero_label &&
                                                               !args->no_reduce_zero_label.given),
        .pred_offset = args->pred_offset.value,
    };
    /* A class that is left out on purpose is named. */
    CNX_FAIL_IF(!args->ignore.given && rules->ignore == 255 && classes->count > 255,
                CNX_ERR_ARGUMENT,
                "255 is one of %d classes and cannot be taken for the ignored value unasked: say "
                "which it is with --ignore (65535 if none)",
                classes->count);
    *scores = (cnx_semantic_score_options){.beta = args->beta.value,
                                           .replace_nan = args->nan_to_num.given,
                                           .replacement = args->nan_to_num.value};
    return cnx_semantic_check_rules(rules, err);
}
