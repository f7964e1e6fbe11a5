/* Where results go: OUT/<stem><suffix>, checked before any work begins. */
#ifndef CNX_TOOLS_OUTPUTS_H
#define CNX_TOOLS_OUTPUTS_H

#include "tools/inputs.h"

/* The files of a run: for each input one for each suffix ("_color.png").  All borrowed. */
typedef struct cnx_outputs {
    const char *folder;
    const char *const *suffixes;
    size_t suffix_count;
    const char *const *files; /* beside these: one each for the whole run */
    size_t file_count;
} cnx_outputs;

/* The path of one file; the caller frees it. */
cnx_status cnx_outputs_path(char **out, const cnx_outputs *outputs, const char *stem,
                            const char *suffix, cnx_error *err);

/* Two inputs whose results would have the same name are CNX_ERR_ARGUMENT that names both; so is one
 * whose result would be called as a file of the whole run. */
cnx_status cnx_outputs_check_names(const cnx_outputs *outputs, const cnx_inputs *inputs,
                                   cnx_error *err);

/*
 * What is there already.  A result that would replace an input or one of `sources` (model, config;
 * NULLs are skipped) is CNX_ERR_ARGUMENT; one that would replace anything else is CNX_ERR_IO unless
 * `overwrite`, with the first path and the number of them.
 */
cnx_status cnx_outputs_check_existing(const cnx_outputs *outputs, const cnx_inputs *inputs,
                                      const char *const *sources, size_t source_count,
                                      bool overwrite, cnx_error *err);

/* The same for one file that --flag names (path NULL: it was not given). */
cnx_status cnx_outputs_check_file(const char *flag, const char *path, const char *const *sources,
                                  size_t source_count, bool overwrite, cnx_error *err);

/* Can the folder be written, or be made?  Nothing is made yet. */
cnx_status cnx_folder_check(const char *folder, cnx_error *err);
/* Makes the folder and those above it, where they are missing. */
cnx_status cnx_folder_make(const char *folder, cnx_error *err);

/* Do both paths lead to the same existing file? */
bool cnx_same_file(const char *a, const char *b);

#endif
