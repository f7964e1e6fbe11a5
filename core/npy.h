/* NumPy .npy files, little-endian, C order: formats 1 to 3 are read, 1.0 is written. */
#ifndef CNX_CORE_NPY_H
#define CNX_CORE_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "core/file.h"
#include "core/status.h"

#define CNX_NPY_MAX_RANK 8

/* Element types that are read and written. */
typedef enum cnx_npy_type {
    CNX_NPY_F32,
    CNX_NPY_F16,
    CNX_NPY_F64,
    CNX_NPY_I64,
    CNX_NPY_I32,
    CNX_NPY_U16,
    CNX_NPY_U8,
    CNX_NPY_BOOL
} cnx_npy_type;

typedef struct cnx_npy {
    cnx_npy_type type;
    int rank;
    size_t shape[CNX_NPY_MAX_RANK];
    size_t elements;
    void *data; /* owned, elements of `type` */
} cnx_npy;

cnx_status cnx_npy_read(cnx_npy *out, const char *path, cnx_error *err);
void cnx_npy_free(cnx_npy *npy);

/* Writes the header of an array and tells where its first element belongs; the elements are then written
 * with cnx_output_write_at in any order. */
cnx_status cnx_npy_begin(cnx_output *file, cnx_npy_type type, int rank, const size_t *shape,
                         size_t *data_offset, cnx_error *err);
/* The same for float32. */
cnx_status cnx_npy_begin_f32(cnx_output *file, int rank, const size_t *shape, size_t *data_offset,
                             cnx_error *err);

#endif
