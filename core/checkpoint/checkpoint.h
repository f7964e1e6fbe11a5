/*
 * Checkpoints as they are published: torch zip .pth, legacy (before 1.6) .pth, .safetensors.
 *
 * The file is mapped, not read: opening parses names, shapes and the metadata, and a tensor's bytes
 * are touched only when cnx_checkpoint_read_f32 asks for them.  The unpickler builds data and
 * nothing else: a global outside a fixed list refuses the file by name; nothing in a file is ever
 * executed.
 */
#ifndef CNX_CORE_CHECKPOINT_H
#define CNX_CORE_CHECKPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef enum cnx_dtype {
    CNX_F32,
    CNX_F64,
    CNX_F16,
    CNX_BF16,
    CNX_I64,
    CNX_I32,
    CNX_I16,
    CNX_I8,
    CNX_U8,
    CNX_BOOL,
    CNX_DTYPE_OTHER /* a kind that no network of ours uses (complex, quantised): cannot be read */
} cnx_dtype;

const char *cnx_dtype_name(cnx_dtype dtype); /* "float32", ... */
size_t cnx_dtype_size(cnx_dtype dtype);      /* bytes an element; 0 for CNX_DTYPE_OTHER */

typedef enum cnx_container { CNX_TORCH_ZIP, CNX_TORCH_LEGACY, CNX_SAFETENSORS } cnx_container;

#define CNX_MAX_RANK 8

/* One named tensor of the state dictionary.  Owned by the checkpoint. */
typedef struct cnx_tensor_info {
    const char *name; /* as in the file, one leading "module." removed if all have it */
    cnx_dtype dtype;
    int rank; /* 0..CNX_MAX_RANK */
    int64_t shape[CNX_MAX_RANK];
    size_t elements; /* product of shape, checked */
} cnx_tensor_info;

typedef struct cnx_checkpoint cnx_checkpoint;

/* Opens a file (mapped until close) or bytes in memory (borrowed until close; `name` is for
 * messages).  The container is told by its first bytes, not by the file's suffix. */
cnx_status cnx_checkpoint_open(cnx_checkpoint **out, const char *path, cnx_error *err);
cnx_status cnx_checkpoint_open_memory(cnx_checkpoint **out, const void *data, size_t size,
                                      const char *name, cnx_error *err);
void cnx_checkpoint_close(cnx_checkpoint **checkpoint);

/* Path or name, for messages; NULL stands for weights without a file. */
const char *cnx_checkpoint_name(const cnx_checkpoint *c);
cnx_container cnx_checkpoint_container(const cnx_checkpoint *c);
/* Where the tensors were: "state_dict", "model", "state_dict_ema", ... or "" for the top level. */
const char *cnx_checkpoint_section(const cnx_checkpoint *c);
/* The file's bytes (mapped or borrowed), for hashing. */
const void *cnx_checkpoint_bytes(const cnx_checkpoint *c, size_t *size);

size_t cnx_checkpoint_count(const cnx_checkpoint *c);
const cnx_tensor_info *cnx_checkpoint_tensor(const cnx_checkpoint *c, size_t index);
const cnx_tensor_info *cnx_checkpoint_find(const cnx_checkpoint *c, const char *name); /* or NULL */

/*
 * Gathers a tensor through its strides into out[elements], C order, converted to float32: F16 and
 * BF16 exactly, F64 to nearest even; other dtypes are CNX_ERR_MODEL naming tensor and dtype.
 * Verifies the zip member's CRC-32 the first time it is touched, and lets go of the mapped pages
 * afterwards.  Several threads may read tensors of one checkpoint at the same time.
 */
cnx_status cnx_checkpoint_read_f32(cnx_checkpoint *c, const cnx_tensor_info *tensor, float *out,
                                   cnx_error *err);

/*
 * The tensor's values where they lie in the file, or NULL when they have to be read: only float32 in C
 * order on a boundary of a float can be seen so, and only if the zip member is sound.  Lives as long
 * as the checkpoint; cnx_checkpoint_unview lets go of the mapped pages, which can be seen again.
 */
const float *cnx_checkpoint_view_f32(cnx_checkpoint *c, const cnx_tensor_info *tensor);
void cnx_checkpoint_unview(const cnx_checkpoint *c, const float *values, size_t count);

/*
 * Text lists that travel beside the tensors.  Each looks in the places where the published systems
 * put it (meta.CLASSES, meta.dataset_meta.classes, the safetensors metadata ...).
 */
/* Class names: the count, and for each index a UTF-8 string owned by the checkpoint.  0 if absent.
 */
size_t cnx_checkpoint_class_count(const cnx_checkpoint *c);
const char *cnx_checkpoint_class(const cnx_checkpoint *c, size_t index);
/* Palette, RGB: the count of colours (0 if absent) and a pointer to 3 bytes each. */
size_t cnx_checkpoint_palette(const cnx_checkpoint *c, const uint8_t **rgb);
/* A text by key: meta.config / meta.cfg ("config"), or any key of the safetensors metadata.  NULL
 * if absent. */
const char *cnx_checkpoint_text(const cnx_checkpoint *c, const char *key);

/* ---- writing safetensors ---- */

/* One tensor to write: float32 values that `dtype` (F32, F16 or BF16) narrows, to nearest even. */
typedef struct cnx_tensor_source {
    const char *name;
    cnx_dtype dtype;
    int rank;
    int64_t shape[CNX_MAX_RANK];
} cnx_tensor_source;

/* Fills values[elements] of tensor `index` when it is that tensor's turn to be written. */
typedef cnx_status (*cnx_tensor_fill)(void *user, size_t index, float *values, cnx_error *err);

/* Key and value of __metadata__, both UTF-8. */
typedef struct cnx_text_pair {
    const char *key, *value;
} cnx_text_pair;

/* Writes beside `path` and renames at the end: on failure nothing is left and an old file stays. */
cnx_status cnx_safetensors_write(const char *path, const cnx_tensor_source *tensors, size_t count,
                                 cnx_tensor_fill fill, void *user, const cnx_text_pair *metadata,
                                 size_t metadata_count, cnx_error *err);

#endif
