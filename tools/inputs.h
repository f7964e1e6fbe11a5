/* Which pictures a command line names: files, folders, patterns, lists, standard input. */
#ifndef CNX_TOOLS_INPUTS_H
#define CNX_TOOLS_INPUTS_H

#include "core/file.h"

typedef struct cnx_input {
    char *name;    /* owned; the path as given or found, for messages and reports */
    char *stem;    /* owned; the file name without folder and last suffix; NULL: no file at all */
    char *problem; /* owned; why there is nothing to read, NULL when there may be */
    bool is_stdin;
} cnx_input;

typedef struct cnx_inputs {
    cnx_input *items;
    size_t count, capacity;
} cnx_inputs;

/*
 * Resolves the operands in order:
 *   FILE         that file;
 *   FOLDER       the pictures in it (by suffix, not in its subfolders, no dot files), in byte
 * order; a pattern    with * ? or [, when no file has that very name: its matches, in byte order;
 *   @LIST        one file or folder a line; blank lines and lines that begin with # are skipped;
 *   -            standard input, with the stem "stdin".
 * What cannot be found becomes an input with a problem, so that the caller can decide whether the
 * others go on.  Fails only when memory runs out.
 */
cnx_status cnx_inputs_gather(cnx_inputs *out, const char *const *operands, size_t count,
                             cnx_error *err);
void cnx_inputs_free(cnx_inputs *inputs);

/* The bytes of an input: mapped, or read from standard input.  Zero-initialise; close always. */
typedef struct cnx_input_bytes {
    const void *data;
    size_t size;
    cnx_mapping mapping;
    unsigned char *owned;
} cnx_input_bytes;

cnx_status cnx_input_open(cnx_input_bytes *out, const cnx_input *input, cnx_error *err);
void cnx_input_close(cnx_input_bytes *bytes);

#endif
