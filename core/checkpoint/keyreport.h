/* What is wrong with a file's tensors, in words. */
#ifndef CNX_CORE_KEYREPORT_H
#define CNX_CORE_KEYREPORT_H

#include "core/checkpoint/weights.h"

/* A name from a file, fit for a message: cut to a sensible length, control characters as '?'. */
typedef struct cnx_shown_name {
    char text[160];
} cnx_shown_name;

cnx_shown_name cnx_show_name(const char *name);

/* "[8, 3, 4, 4]" */
void cnx_format_shape(char *out, size_t size, int rank, const int64_t *shape);

/* CNX_ERR_MODEL when an expected key is missing or wrong, or when a tensor of the model's own parts
 * was asked for by nobody; the message names the first few and counts the rest. */
cnx_status cnx_check_keys(const cnx_weights *w, cnx_error *err);

/* Networks that share ConvNeXt's names but not its computation, told by a name or a shape. */
cnx_status cnx_refuse_other_networks(const cnx_weights *w, cnx_error *err);

/* The file's name, and the spelling of a canonical name in the file's dialect
 * (cnx_keymap_room bytes); false when there is none. */
const char *cnx_weights_file(const cnx_weights *w);
bool cnx_weights_spelling(const cnx_weights *w, const char *canonical, char *name);

#endif
