/*
 * A vector of 16 floats: what gemm_body.h, pixel_body.h and dwconv_body.h are written over.
 * vector_avx2.h says the same with 8, vector_neon.h with 4.
 */
#ifndef CNX_CORE_KERNELS_VECTOR_AVX512_H
#define CNX_CORE_KERNELS_VECTOR_AVX512_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/kernels/gelu_tables.h"

enum { LANES = 16 };
typedef __m512 vector;
typedef __mmask16 lane_mask;

/* The first count lanes; all of them when count >= LANES. */
static inline lane_mask v_first(int count)
{
    return (lane_mask)(count >= LANES ? 0xFFFFu : (1u << count) - 1u);
}
static inline vector v_zero(void)
{
    return _mm512_setzero_ps();
}
static inline vector v_set(float x)
{
    return _mm512_set1_ps(x);
}
static inline vector v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
/* Touches only the masked lanes; the others are 0. */
static inline vector v_load_part(const float *p, lane_mask mask)
{
    return _mm512_maskz_loadu_ps(mask, p);
}
/* LANES floats of 16 bits, widened. */
static inline vector v_load_f16(const void *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}
/* To nearest even, as cnx_f32_to_f16 in one instruction. */
static inline uint16_t v_narrow_f16(float x)
{
    return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
}
/* The bfloat16 in the lower and in the upper half of each lane, widened. */
static inline vector v_lower_bf16(vector pair)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(pair), 16));
}
static inline vector v_upper_bf16(vector pair)
{
    return _mm512_castsi512_ps(
        _mm512_and_si512(_mm512_castps_si512(pair), _mm512_set1_epi32((int)0xFFFF0000u)));
}
static inline void v_store(float *p, vector x)
{
    _mm512_storeu_ps(p, x);
}
static inline void v_store_part(float *p, lane_mask mask, vector x)
{
    _mm512_mask_storeu_ps(p, mask, x);
}
/* Past the caches: a whole line, p on a boundary of 64 bytes.  After the last one v_stream_end,
 * before another thread may read. */
static inline void v_stream(float *p, vector x)
{
    _mm512_stream_ps(p, x);
}
static inline void v_stream_end(void)
{
    _mm_sfence();
}
static inline vector v_add(vector a, vector b)
{
    return _mm512_add_ps(a, b);
}
static inline vector v_sub(vector a, vector b)
{
    return _mm512_sub_ps(a, b);
}
static inline vector v_mul(vector a, vector b)
{
    return _mm512_mul_ps(a, b);
}
static inline vector v_fma(vector a, vector b, vector c) /* a b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vector v_fms(vector a, vector b, vector c) /* a b - c */
{
    return _mm512_fmsub_ps(a, b, c);
}
static inline vector v_fnma(vector a, vector b, vector c) /* c - a b */
{
    return _mm512_fnmadd_ps(a, b, c);
}
/* Where either is NaN, the result is b, here and in v_min. */
static inline vector v_max(vector a, vector b)
{
    return _mm512_max_ps(a, b);
}
static inline vector v_min(vector a, vector b)
{
    return _mm512_min_ps(a, b);
}
static inline vector v_abs(vector x)
{
    return _mm512_abs_ps(x);
}
/* x where the mask is set, else other. */
static inline vector v_select(lane_mask mask, vector x, vector other)
{
    return _mm512_mask_blend_ps(mask, other, x);
}
static inline float v_sum(vector x)
{
    return _mm512_reduce_add_ps(x);
}
static inline float v_largest(vector x) /* x without NaN */
{
    return _mm512_reduce_max_ps(x);
}
/* A bit for each lane where a equals b. */
static inline unsigned v_equal(vector a, vector b)
{
    return (unsigned)_mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ);
}
static inline vector v_div(vector a, vector b)
{
    return _mm512_div_ps(a, b);
}
/* A bit for each lane where a is greater than b. */
static inline unsigned v_greater(vector a, vector b)
{
    return (unsigned)_mm512_cmp_ps_mask(a, b, _CMP_GT_OQ);
}
/* Or equal; NaN is neither. */
static inline unsigned v_at_least(vector a, vector b)
{
    return (unsigned)_mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

/* Rows become columns. */
static inline void v_transpose(vector r[LANES])
{
    vector t[LANES];
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4) /* four rows of a column in each quarter */
        for (int j = 0; j < 2; j++) {
            const __m512d a = _mm512_castps_pd(t[i + j]), b = _mm512_castps_pd(t[i + j + 2]);
            r[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            r[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    for (int j = 0; j < 4; j++) {
        const vector low = _mm512_shuffle_f32x4(r[j], r[4 + j], 0x44);
        const vector high = _mm512_shuffle_f32x4(r[j], r[4 + j], 0xEE);
        const vector low2 = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0x44);
        const vector high2 = _mm512_shuffle_f32x4(r[8 + j], r[12 + j], 0xEE);
        r[j] = _mm512_shuffle_f32x4(low, low2, 0x88);
        r[4 + j] = _mm512_shuffle_f32x4(low, low2, 0xDD);
        r[8 + j] = _mm512_shuffle_f32x4(high, high2, 0x88);
        r[12 + j] = _mm512_shuffle_f32x4(high, high2, 0xDD);
    }
}

/* 2^n p, n whole and not above 0; too small becomes 0. */
static inline vector v_scale_by_power(vector p, vector n)
{
    return _mm512_scalef_ps(p, n);
}
static inline vector v_round(vector x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 1 - Phi(t), t >= 0: see gelu_tables.h. */
static inline vector v_normal_tail(vector t)
{
    const vector scale = v_set((GELU_INTERVALS_16 - 1) / GELU_RANGE);
    const vector shifted = v_fma(t, scale, v_set(GELU_ROUND));
    const __m512i i = _mm512_castps_si512(shifted);
    const vector d = v_fms(t, scale, v_sub(shifted, v_set(GELU_ROUND)));
    vector sum = _mm512_permutexvar_ps(i, v_load(gelu_table_16[5]));
    for (int j = 4; j >= 0; j--)
        sum = v_fma(sum, d, _mm512_permutexvar_ps(i, v_load(gelu_table_16[j])));
    return sum;
}

#endif
