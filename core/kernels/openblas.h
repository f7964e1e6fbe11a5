/* What OpenBLAS thinks of this CPU. */
#ifndef CNX_CORE_KERNELS_OPENBLAS_H
#define CNX_CORE_KERNELS_OPENBLAS_H

#include <stdbool.h>

/* The name of the kernel family that OpenBLAS chose; *modern tells whether that family uses AVX2 or
 * AVX-512. */
const char *cnx_openblas_core(bool *modern);

#endif
