/* An opened model file: checkpoint, names, description; weights not yet packed. */
#ifndef CNX_HEADS_MODEL_H
#define CNX_HEADS_MODEL_H

#include "heads/description.h"

typedef struct cnx_model_file {
    cnx_checkpoint *checkpoint; /* NULL: a description alone, with random weights */
    cnx_weights *weights;
    cnx_description description;
} cnx_model_file;

/* How a task opens a model; all zero for the usual way. */
typedef struct cnx_model_options {
    int threads;             /* 0: cnx_threads_available() */
    size_t max_memory;       /* bytes for weights, plan and pictures together; 0: no limit */
    const char *kernels;     /* "auto", "ref", ...; NULL: auto */
    cnx_weight_type weights; /* how packed weights are kept */
    bool planning;           /* no weights are read or packed: for plans and estimates, never run */
} cnx_model_options;

/* The built-in demo model of a task, by the name that cnx_model_file_open takes for a path; NULL for
 * a task that has none. */
const char *cnx_demo_model(cnx_task task);

/*
 * path: a file; or, where there is no such file, the name of a built-in model; NULL: the one that
 * segments.  config_path, sets: as cnx_config_load; a converted file's
 * own "cnx" metadata comes first and is overridden by these.  On success all tensors that the task
 * needs are declared and checked; with `report_only` a failed check is left to the key report (cnx
 * info).
 */
cnx_status cnx_model_file_open(cnx_model_file *out, const char *path, const char *config_path,
                               const char *const *sets, size_t set_count, bool report_only,
                               cnx_error *err);
/* The model that a config describes, without a file: its weights are random. */
cnx_status cnx_model_file_random(cnx_model_file *out, const char *config_path,
                                 const char *const *sets, size_t set_count, uint64_t seed,
                                 cnx_error *err);
void cnx_model_file_close(cnx_model_file *file); /* accepts a zeroed one */

/* Is it a model for this task?  CNX_ERR_MODEL says what it is and what would do. */
cnx_status cnx_model_file_expect(const cnx_model_file *file, cnx_task task, cnx_error *err);

/* Is it a learnable parameter that the model needs?  BatchNorm's statistics are none. */
bool cnx_key_is_parameter(const cnx_key *key);
/* Learnable parameters: all tensors but BatchNorm's buffers; the auxiliary head, which the file has
 * or the description tells of, counts in `with_auxiliary` only. */
void cnx_model_file_parameters(const cnx_model_file *file, size_t *with_auxiliary, size_t *needed);

/* Writes the needed tensors under canonical names with the description in the metadata ("cnx").
 * dtype F32: exact values.  F16, BF16: tensors of two and more dimensions are narrowed, norms,
 * biases and statistics stay float32. */
cnx_status cnx_model_file_convert(cnx_model_file *file, const char *out_path, cnx_dtype dtype,
                                  cnx_error *err);

#endif
