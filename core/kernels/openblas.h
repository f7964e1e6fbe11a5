/* OpenBLAS, loaded when it is first asked for. */
#ifndef CNX_CORE_KERNELS_OPENBLAS_H
#define CNX_CORE_KERNELS_OPENBLAS_H

#include <cblas.h>
#include <stdbool.h>

#include "core/status.h"

typedef struct cnx_openblas {
    /* cblas.h says what these do. */
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(openblas_get_num_threads) *get_num_threads;
    __typeof__(openblas_set_num_threads) *set_num_threads;
    __typeof__(openblas_get_corename) *get_corename;
    const char *told; /* the core type that we asked for, or NULL */
    bool shared;      /* it was in this process before us: its core type is not ours to choose */
} cnx_openblas;

/*
 * Loads libopenblas.so.0, once for all threads.  CNX_ERR_UNSUPPORTED says why it cannot be had.
 *
 * Releases of OpenBLAS know the CPUs of their day and take their oldest kernels for any other, five
 * times slower than what the CPU could run.  The one way to tell them is the environment variable
 * OPENBLAS_CORETYPE at the moment of loading.  So, unless the user has set it or the library is in
 * the process already, it is there for that moment, with the family that the CPU's instruction sets
 * allow; and OPENBLAS_NUM_THREADS, so that no threads are started that nobody will use.
 */
cnx_status cnx_openblas_get(const cnx_openblas **out, cnx_error *err);

/* What cnx_openblas_get has given before. */
const cnx_openblas *cnx_openblas_loaded(void);

#endif
