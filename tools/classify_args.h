/* The command line of cnx classify. */
#ifndef CNX_TOOLS_CLASSIFY_ARGS_H
#define CNX_TOOLS_CLASSIFY_ARGS_H

#include "tools/session_args.h"
#include "tools/view_args.h"

/* What can be saved, in the order of --save's names; bit i of the set. */
enum { CNX_SAVE_CLASS_LOGITS, CNX_SAVE_CLASS_PROB, CNX_CLASS_SAVES };

/* What follows the stem in the file names, by kind. */
extern const char *const cnx_classify_suffixes[CNX_CLASS_SAVES];

typedef struct cnx_classify_args {
    cnx_session_args run;
    cnx_view_args view;
    cnx_int_arg top;
    cnx_set_arg save;
    cnx_flag_arg csv;
} cnx_classify_args;

extern const cnx_option cnx_classify_options[];

static inline bool cnx_classify_saves(const cnx_classify_args *args, int kind)
{
    return (args->save.bits >> kind & 1u) != 0;
}

/* What can be told without the models. */
cnx_status cnx_classify_args_check(cnx_classify_args *args, size_t inputs, cnx_error *err);

#endif
