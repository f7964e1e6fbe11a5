/* What an operation runs with: kernels, threads and scratch. */
#ifndef CNX_CORE_OPS_EXEC_H
#define CNX_CORE_OPS_EXEC_H

#include "core/kernels/kernels.h"
#include "core/tensor.h"

/*
 * Operations on the forward path cannot fail and do not allocate.  Each says with a
 * `..._scratch` function how many bytes it needs; the planner sizes `scratch` for the largest.
 * `scratch` is 64-byte aligned and is the operation's own for the length of the call.
 */
typedef struct cnx_exec {
    const cnx_kernels *k;
    int threads;
    char *scratch;
    size_t scratch_size;
} cnx_exec;

#endif
