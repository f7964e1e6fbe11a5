/*
 * Tensors under the project's canonical names, whatever dialect the file speaks.
 *
 * Canonical are the names of the official ConvNeXt release: backbone.stages.0.1.dwconv.weight,
 * decode_head.fpn_convs.0.bn.running_var, norm.weight, head.weight ...  A file that is a bare
 * backbone or a classifier has no "backbone." in its names, and neither has its canonical form.
 */
#ifndef CNX_CORE_WEIGHTS_H
#define CNX_CORE_WEIGHTS_H

#include "core/checkpoint/checkpoint.h"

typedef enum cnx_dialect {
    CNX_DIALECT_OFFICIAL,
    CNX_DIALECT_OPENMMLAB1, /* mmseg, mmpretrain 1.x */
    CNX_DIALECT_HUGGINGFACE,
    CNX_DIALECT_TIMM,
    CNX_DIALECT_TORCHVISION
} cnx_dialect;

const char *cnx_dialect_name(cnx_dialect dialect);

/* What became of one tensor of the file, or of one that the model needs. */
typedef enum cnx_key_state {
    CNX_KEY_UNUSED,  /* in the file, nobody asked for it */
    CNX_KEY_IGNORED, /* known and not needed: auxiliary_head.*, num_batches_tracked */
    CNX_KEY_MATCHED,
    CNX_KEY_MISSING, /* needed, not in the file */
    CNX_KEY_WRONG_SHAPE,
    CNX_KEY_WRONG_DTYPE
} cnx_key_state;

typedef struct cnx_key {
    const char *canonical;         /* NULL when the name means nothing to us */
    const cnx_tensor_info *tensor; /* NULL when missing, or without a file */
    cnx_key_state state;
    int rank; /* what was expected, once somebody asked */
    int64_t shape[CNX_MAX_RANK];
} cnx_key;

typedef struct cnx_weights cnx_weights;

/* Translates all names of a checkpoint (borrowed until close).  Two names of a file that mean the
 * same tensor are CNX_ERR_MODEL. */
cnx_status cnx_weights_open(cnx_weights **out, cnx_checkpoint *checkpoint, cnx_error *err);
/*
 * Without a file: whatever is expected is there, with random values (random.h).  A key's tensor is
 * NULL then; its shape is the expected one.
 */
cnx_status cnx_weights_open_random(cnx_weights **out, uint64_t seed, cnx_error *err);
void cnx_weights_close(cnx_weights **weights);

cnx_dialect cnx_weights_dialect(const cnx_weights *w);
/* The tensor of that canonical name, or NULL; does not count as asking for it. */
const cnx_tensor_info *cnx_weights_find(const cnx_weights *w, const char *canonical);

/*
 * Declares that the model needs this tensor with this shape and marks it in the key report.
 * Shapes that differ only by trailing or leading axes of size 1 with the same elements in the same
 * order agree: (C,1,1) for (C), (4C,C,1,1) for (4C,C), (4C) for (1,1,1,4C).
 * Returns whether it will do; what is wrong stands in the report.
 */
bool cnx_weights_expect(cnx_weights *w, const char *canonical, int rank, const int64_t *shape);
/* CNX_OK when all that was expected is there; else one message that names the first few offenders
 * with found and expected shapes and counts the rest. */
cnx_status cnx_weights_check(const cnx_weights *w, cnx_error *err);

/* How many values a tensor has; 0 when it is not there. */
size_t cnx_weights_elements(const cnx_weights *w, const char *canonical);
/* Reads an expected tensor as float32.  A NaN or infinity among the values is CNX_ERR_MODEL.  Several
 * threads may do so at the same time. */
cnx_status cnx_weights_read(cnx_weights *w, const char *canonical, float *out, cnx_error *err);

/* The same values where they lie in the file: NULL in *out when they can only be read.  What came out
 * is given back with cnx_weights_unview, before the checkpoint is closed. */
cnx_status cnx_weights_view(cnx_weights *w, const char *canonical, const float **out,
                            cnx_error *err);
void cnx_weights_unview(const cnx_weights *w, const float *values, size_t count);

/* The key report: all tensors of the file, then those that are missing. */
size_t cnx_weights_key_count(const cnx_weights *w);
const cnx_key *cnx_weights_key(const cnx_weights *w, size_t index);
/* Values of the tensor: the file's, or without one as many as are expected; SIZE_MAX when they cannot
 * be counted. */
size_t cnx_key_elements(const cnx_key *key);

#endif
