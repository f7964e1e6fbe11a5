/* What a feature pyramid does between its levels. */
#ifndef CNX_CORE_OPS_PYRAMID_H
#define CNX_CORE_OPS_PYRAMID_H

#include "core/ops/exec.h"

/* out += in, enlarged to its size by repeating pixels: pixel d takes floor(d * in / out). */
void cnx_nearest_add_run(const cnx_exec *exec, cnx_map in, cnx_map out);

/* Every second pixel of every second row, from the first on: out has (h + 1) / 2 x (w + 1) / 2. */
void cnx_subsample_run(const cnx_exec *exec, cnx_map in, cnx_map out);

#endif
