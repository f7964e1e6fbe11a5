/*
 * Command lines: one table a subcommand says its flags, their types, ranges and defaults; the
 * parser, the help text and the suggestions all read that table.
 */
#ifndef CNX_TOOLS_OPTIONS_H
#define CNX_TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

#define CNX_MAX_REALS  32
#define CNX_MAX_SHARES 16

/* What a flag leaves behind.  Each kind has its own; `given` tells a value from a default. */
typedef struct cnx_flag_arg {
    bool given;
} cnx_flag_arg;
typedef struct cnx_text_arg {
    bool given;
    const char *value; /* borrowed from argv or the table */
} cnx_text_arg;
typedef struct cnx_texts_arg {
    const char **items; /* owned: cnx_texts_free */
    size_t count;
} cnx_texts_arg;
typedef struct cnx_int_arg {
    bool given;
    int value;
} cnx_int_arg;
typedef struct cnx_real_arg {
    bool given;
    double value;
} cnx_real_arg;
typedef struct cnx_reals_arg {
    bool given;
    int count;
    double values[CNX_MAX_REALS];
} cnx_reals_arg;
/* Begins as a cnx_int_arg does. */
typedef struct cnx_weights_arg {
    bool given;
    int value; /* the choice */
    int count; /* of the numbers */
    double shares[CNX_MAX_SHARES];
} cnx_weights_arg;
typedef struct cnx_bytes_arg {
    bool given;
    size_t value;
} cnx_bytes_arg;
typedef struct cnx_size_arg {
    bool given;
    bool none;         /* CNX_OPT_SIZE_OR_NONE: the word "none" */
    int first, second; /* as typed: HxW gives h, w */
} cnx_size_arg;
typedef struct cnx_set_arg {
    bool given;
    unsigned bits; /* bit i: choice i */
} cnx_set_arg;

void cnx_texts_free(cnx_texts_arg *texts);

typedef enum cnx_option_kind {
    CNX_OPT_END,   /* ends a table */
    CNX_OPT_GROUP, /* a heading of the help text; `help` is its title */
    CNX_OPT_FLAG,
    CNX_OPT_TEXT,
    CNX_OPT_TEXTS,       /* may be repeated; all are kept */
    CNX_OPT_INT,         /* min..max */
    CNX_OPT_INT_OR_AUTO, /* the same, or the word "auto": 0 */
    CNX_OPT_REAL,        /* min..max */
    CNX_OPT_REALS,       /* comma-separated, each min..max */
    CNX_OPT_BYTES,       /* 512M, 1.5G, plain bytes */
    CNX_OPT_SIZE,        /* two whole numbers, AxB, each min..max */
    CNX_OPT_SIZE_OR_NONE,
    CNX_OPT_CHOICE,  /* one of choices; a cnx_int_arg with its index */
    CNX_OPT_WEIGHTS, /* comma-separated: one of choices, numbers from min to max, or both */
    CNX_OPT_SET      /* comma-separated choices; repeated flags add up */
} cnx_option_kind;

typedef struct cnx_option {
    cnx_option_kind kind;
    char letter;                /* 'm' for -m; 0 for none */
    const char *name;           /* "model" for --model */
    const char *value;          /* how the help text calls the value: "FILE", "HxW" */
    const char *help;           /* what it does */
    const char *fallback;       /* default, parsed like a given value; NULL for none */
    const char *otherwise;      /* a default in words, for the help text alone */
    const char *const *choices; /* NULL-terminated */
    double min, max;
    size_t offset; /* of its cnx_*_arg in the subcommand's struct */
} cnx_option;

typedef struct cnx_command {
    const char *name;                  /* "segment" */
    const char *summary;               /* one line */
    const char *usage;                 /* what follows "cnx segment" */
    const char *about;                 /* paragraphs below the usage line */
    const char *notes;                 /* paragraphs below the flags; may be NULL */
    const cnx_option *options;         /* up to CNX_OPT_END */
    int (*run)(int argc, char **argv); /* argv: what follows the name; returns the exit code */
} cnx_command;

/* What is left of a command line when the flags are taken out. */
typedef struct cnx_operands {
    const char **items; /* owned */
    size_t count;
} cnx_operands;

/*
 * Parses --flag VALUE, --flag=VALUE, -m VALUE; `--` ends the flags; a single "-" is an operand.
 * values: the subcommand's zeroed struct.  *help: --help or -h stood there (parsing then stops).
 * Anything wrong is CNX_ERR_ARGUMENT with a message that says what would fit.
 */
cnx_status cnx_options_parse(const cnx_command *command, int argc, char **argv, void *values,
                             cnx_operands *operands, bool *help, cnx_error *err);
void cnx_operands_free(cnx_operands *operands);
/* For subcommands that take none; `instead` says how things are named there: a sentence. */
cnx_status cnx_operands_refuse(const cnx_operands *operands, const char *instead, cnx_error *err);

/*
 * The opening of every subcommand: parses, and shows help or the reason for a usage error.  False:
 * there is nothing to do but to return *code.
 */
bool cnx_command_begin(const cnx_command *command, int argc, char **argv, void *values,
                       cnx_operands *operands, int *code);

/* Reports a usage error that the parser could not see; returns the exit code. */
int cnx_command_misused(const cnx_command *command, const cnx_error *error);

/* The help text, made from the table, on standard output. */
void cnx_command_help(const cnx_command *command);

#endif
