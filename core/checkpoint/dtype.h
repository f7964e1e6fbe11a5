/* Element types: their names in every format, and the conversions between the float ones. */
#ifndef CNX_CHECKPOINT_DTYPE_H
#define CNX_CHECKPOINT_DTYPE_H

#include "core/checkpoint/checkpoint.h"

/* Exact. */
float cnx_f16_to_f32(uint16_t bits);
float cnx_bf16_to_f32(uint16_t bits);
/* To nearest even; beyond the range to infinity; a NaN stays a NaN. */
uint16_t cnx_f32_to_f16(float value);
uint16_t cnx_f32_to_bf16(float value);

/*
 * Converts `count` elements that lie `step` bytes apart to float32.  dtype: F32, F64, F16 or BF16.
 * The source needs no alignment.
 */
void cnx_convert_to_f32(float *out, const unsigned char *source, size_t count, size_t step,
                        cnx_dtype dtype);

#endif
