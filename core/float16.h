/* Floating point in 16 bits, from and to float32. */
#ifndef CNX_CORE_FLOAT16_H
#define CNX_CORE_FLOAT16_H

#include <stdint.h>

/* Exact. */
float cnx_f16_to_f32(uint16_t bits);
float cnx_bf16_to_f32(uint16_t bits);
/* To nearest even; beyond the range to infinity; a NaN stays a NaN. */
uint16_t cnx_f32_to_f16(float value);
uint16_t cnx_f32_to_bf16(float value);

#endif
