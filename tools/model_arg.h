/* MODEL of cnx flops and cnx bench: a checkpoint, a config, or the name of a built-in one. */
#ifndef CNX_TOOLS_MODEL_ARG_H
#define CNX_TOOLS_MODEL_ARG_H

#include "heads/catalogue.h"
#include "heads/model.h"
#include "tools/options.h"

typedef struct cnx_model_args {
    cnx_text_arg model, config;
    cnx_texts_arg sets; /* owned: cnx_texts_free */
} cnx_model_args;

/* Rows of an option table; base: where the cnx_model_args lies in the subcommand's struct. */
/* clang-format off */
#define CNX_MODEL_OPTIONS(base)                                                                    \
    {CNX_OPT_TEXT, 'm', "model", "MODEL", "the same as MODEL",                                     \
     .offset = (base) + offsetof(cnx_model_args, model)},                                          \
    {CNX_OPT_TEXT, 0, "config", "FILE",                                                            \
     "model description (JSON) over what a checkpoint says: a file, or the name of a built-in one",\
     .offset = (base) + offsetof(cnx_model_args, config)},                                         \
    {CNX_OPT_TEXTS, 0, "set", "PATH=JSON",                                                         \
     "one field of the description, such as head.classes=19",                                      \
     .offset = (base) + offsetof(cnx_model_args, sets)}
/* clang-format on */

/* An opened MODEL. */
typedef struct cnx_model_choice {
    cnx_model_file file;
    char name[256];          /* for people: the file, or the built-in config's name */
    bool from_checkpoint;    /* else random weights */
    bool built_in;           /* a built-in config */
    cnx_published published; /* of a config */
} cnx_model_choice;

/* The one MODEL of a command line, from the operands or -m. */
cnx_status cnx_model_choose(cnx_model_choice *out, const cnx_model_args *args,
                            const cnx_operands *operands, cnx_error *err);
void cnx_model_choice_free(cnx_model_choice *choice); /* accepts a zeroed one */

#endif
