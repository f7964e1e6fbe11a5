/* A vector of 4 floats, with NEON as every 64-bit ARM has it: see vector_avx512.h. */
#ifndef CNX_CORE_KERNELS_VECTOR_NEON_H
#define CNX_CORE_KERNELS_VECTOR_NEON_H

#include <arm_neon.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/kernels/gelu_tables.h"

enum { LANES = 4 };
typedef float32x4_t vector;
typedef int lane_mask; /* how many lanes, from the first: no load or store takes a mask here */

static inline lane_mask v_first(int count)
{
    return count < LANES ? count : LANES;
}
static inline vector v_zero(void)
{
    return vdupq_n_f32(0.0f);
}
static inline vector v_set(float x)
{
    return vdupq_n_f32(x);
}
static inline vector v_load(const float *p)
{
    return vld1q_f32(p);
}
static inline vector v_load_part(const float *p, lane_mask mask)
{
    if (mask == LANES)
        return vld1q_f32(p);
    vector x = v_zero();
    if (mask > 0)
        x = vld1q_lane_f32(p, x, 0);
    if (mask > 1)
        x = vld1q_lane_f32(p + 1, x, 1);
    if (mask > 2)
        x = vld1q_lane_f32(p + 2, x, 2);
    return x;
}
static inline vector v_load_f16(const void *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}
static inline vector v_lower_bf16(vector pair)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(pair), 16));
}
static inline vector v_upper_bf16(vector pair)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(pair), vdupq_n_u32(0xFFFF0000u)));
}
static inline uint16_t v_narrow_f16(float x)
{
    const __fp16 half = (__fp16)x;
    uint16_t bits;
    memcpy(&bits, &half, sizeof bits);
    return bits;
}
static inline void v_store(float *p, vector x)
{
    vst1q_f32(p, x);
}
static inline void v_store_part(float *p, lane_mask mask, vector x)
{
    if (mask == LANES) {
        vst1q_f32(p, x);
        return;
    }
    if (mask > 0)
        vst1q_lane_f32(p, x, 0);
    if (mask > 1)
        vst1q_lane_f32(p + 1, x, 1);
    if (mask > 2)
        vst1q_lane_f32(p + 2, x, 2);
}
/* A store is a quarter of a line here: not past the caches, for the reason in vector_avx2.h. */
static inline void v_stream(float *p, vector x)
{
    v_store(p, x);
}
static inline void v_stream_end(void)
{
}
static inline vector v_add(vector a, vector b)
{
    return vaddq_f32(a, b);
}
static inline vector v_sub(vector a, vector b)
{
    return vsubq_f32(a, b);
}
static inline vector v_mul(vector a, vector b)
{
    return vmulq_f32(a, b);
}
static inline vector v_fma(vector a, vector b, vector c)
{
    return vfmaq_f32(c, a, b);
}
static inline vector v_fnma(vector a, vector b, vector c)
{
    return vfmsq_f32(c, a, b);
}
/* The instructions would pass on a NaN of either; the result must be b then. */
static inline vector v_max(vector a, vector b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}
static inline vector v_min(vector a, vector b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}
static inline vector v_abs(vector x)
{
    return vabsq_f32(x);
}
static inline vector v_select(lane_mask mask, vector x, vector other)
{
    static const int32_t lanes[LANES] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_s32(vld1q_s32(lanes), vdupq_n_s32(mask)), x, other);
}
static inline float v_sum(vector x)
{
    return vaddvq_f32(x);
}
static inline float v_largest(vector x)
{
    return vmaxvq_f32(x);
}
static inline unsigned v_equal(vector a, vector b)
{
    static const uint32_t bits[LANES] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vceqq_f32(a, b), vld1q_u32(bits)));
}
static inline vector v_div(vector a, vector b)
{
    return vdivq_f32(a, b);
}
static inline unsigned v_greater(vector a, vector b)
{
    static const uint32_t bits[LANES] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgtq_f32(a, b), vld1q_u32(bits)));
}
static inline unsigned v_at_least(vector a, vector b)
{
    static const uint32_t bits[LANES] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgeq_f32(a, b), vld1q_u32(bits)));
}

/* Rows become columns. */
static inline void v_transpose(vector r[LANES])
{
    vector t[LANES];
    for (int i = 0; i < LANES; i += 2) {
        t[i] = vtrn1q_f32(r[i], r[i + 1]);
        t[i + 1] = vtrn2q_f32(r[i], r[i + 1]);
    }
    for (int j = 0; j < 2; j++) {
        const float64x2_t a = vreinterpretq_f64_f32(t[j]), b = vreinterpretq_f64_f32(t[j + 2]);
        r[j] = vreinterpretq_f32_f64(vtrn1q_f64(a, b));
        r[j + 2] = vreinterpretq_f32_f64(vtrn2q_f64(a, b));
    }
}

static inline vector v_scale_by_power(vector p, vector n)
{
    const int32x4_t exponent = vshlq_n_s32(vcvtnq_s32_f32(n), 23);
    const int32x4_t scaled = vaddq_s32(vreinterpretq_s32_f32(p), exponent);
    /* Below 2^-125 the result could leave the normal numbers: 0 instead. */
    const uint32x4_t gone = vcltq_f32(n, v_set(-125.5f));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_s32(scaled), gone));
}
static inline vector v_round(vector x)
{
    return vrndnq_f32(x);
}

/* 8 floats, each lane of the result the one that its four bytes of `bytes` say. */
static inline vector v_look_up(const float *table, uint8x16_t bytes)
{
    const uint8x16x2_t rows = {
        {vreinterpretq_u8_f32(vld1q_f32(table)), vreinterpretq_u8_f32(vld1q_f32(table + LANES))}};
    return vreinterpretq_f32_u8(vqtbl2q_u8(rows, bytes));
}

static inline vector v_normal_tail(vector t)
{
    const vector scaled = v_mul(t, v_set((GELU_INTERVALS_8 - 1) / GELU_RANGE));
    const vector shifted = v_add(scaled, v_set(GELU_ROUND));
    const vector d = v_sub(scaled, v_sub(shifted, v_set(GELU_ROUND)));
    const uint32x4_t i = vandq_u32(vreinterpretq_u32_f32(shifted), vdupq_n_u32(7));
    /* 4 i, 4 i + 1, 4 i + 2, 4 i + 3 */
    const uint8x16_t bytes =
        vreinterpretq_u8_u32(vmlaq_u32(vdupq_n_u32(0x03020100u), i, vdupq_n_u32(0x04040404u)));
    vector sum = v_look_up(gelu_table_8[6], bytes);
    for (int j = 5; j >= 0; j--)
        sum = v_fma(sum, d, v_look_up(gelu_table_8[j], bytes));
    return sum;
}

#endif
