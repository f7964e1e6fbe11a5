/* Element types: their names in every format, and what turns them into float32. */
#ifndef CNX_CHECKPOINT_DTYPE_H
#define CNX_CHECKPOINT_DTYPE_H

#include "core/checkpoint/checkpoint.h"
#include "core/float16.h"

/*
 * Converts `count` elements that lie `step` bytes apart to float32.  dtype: F32, F64, F16 or BF16.
 * The source needs no alignment.
 */
void cnx_convert_to_f32(float *out, const unsigned char *source, size_t count, size_t step,
                        cnx_dtype dtype);

#endif
