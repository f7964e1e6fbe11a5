/* What cnx info found out about a model file, as text or as JSON. */
#ifndef CNX_TOOLS_INFO_H
#define CNX_TOOLS_INFO_H

#include "heads/model.h"

/* All borrowed. */
typedef struct cnx_info_report {
    const cnx_checkpoint *checkpoint;
    const cnx_weights *weights;
    const cnx_model_file *file; /* NULL: a checkpoint that is no model we know */
    const char *problem;        /* why it cannot be used, NULL when it can */
    char sha256[65];
    size_t bytes;
    bool tensors, classes; /* list them all */
} cnx_info_report;

/* Prints on standard output. */
cnx_status cnx_info_text(const cnx_info_report *info, cnx_error *err);
cnx_status cnx_info_json(const cnx_info_report *info, cnx_error *err);

/* "torch zip", ...; "matched", ... */
const char *cnx_container_name(cnx_container container);
const char *cnx_key_state_name(cnx_key_state state);

/* How many tensors of the file have each dtype, and how many keys are in each state. */
enum { CNX_INFO_DTYPES = CNX_DTYPE_OTHER + 1, CNX_INFO_STATES = CNX_KEY_WRONG_DTYPE + 1 };
void cnx_info_count_dtypes(const cnx_info_report *info, size_t counts[CNX_INFO_DTYPES]);
void cnx_info_count_states(const cnx_info_report *info, size_t counts[CNX_INFO_STATES]);

/* "64x3x4x4", "scalar" */
typedef struct cnx_shape_text {
    char text[8 * 22];
} cnx_shape_text;
cnx_shape_text cnx_shape_words(int rank, const int64_t *shape);

#endif
