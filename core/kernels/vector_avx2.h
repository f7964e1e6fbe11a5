/* A vector of 8 floats, with AVX2 and FMA: see vector_avx512.h. */
#ifndef CNX_CORE_KERNELS_VECTOR_AVX2_H
#define CNX_CORE_KERNELS_VECTOR_AVX2_H

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/kernels/gelu_tables.h"

enum { LANES = 8 };
typedef __m256 vector;
typedef __m256i lane_mask;

static inline lane_mask v_first(int count)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane);
}
static inline vector v_zero(void)
{
    return _mm256_setzero_ps();
}
static inline vector v_set(float x)
{
    return _mm256_set1_ps(x);
}
static inline vector v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline vector v_load_part(const float *p, lane_mask mask)
{
    return _mm256_maskload_ps(p, mask);
}
static inline vector v_load_f16(const void *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}
static inline uint16_t v_narrow_f16(float x)
{
    return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
}
static inline vector v_lower_bf16(vector pair)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(pair), 16));
}
static inline vector v_upper_bf16(vector pair)
{
    return _mm256_and_ps(pair, _mm256_castsi256_ps(_mm256_set1_epi32((int)0xFFFF0000u)));
}
static inline void v_store(float *p, vector x)
{
    _mm256_storeu_ps(p, x);
}
static inline void v_store_part(float *p, lane_mask mask, vector x)
{
    /* AMD's masked stores take a dozen times as long as whole ones. */
    if (_mm256_movemask_ps(_mm256_castsi256_ps(mask)) == 0xFF)
        _mm256_storeu_ps(p, x);
    else
        _mm256_maskstore_ps(p, mask, x);
}
/* A store is half a line here, and lines that wait for their other half are few in a processor:
 * going past the caches would cost more than it saves. */
static inline void v_stream(float *p, vector x)
{
    v_store(p, x);
}
static inline void v_stream_end(void)
{
}
static inline vector v_add(vector a, vector b)
{
    return _mm256_add_ps(a, b);
}
static inline vector v_sub(vector a, vector b)
{
    return _mm256_sub_ps(a, b);
}
static inline vector v_mul(vector a, vector b)
{
    return _mm256_mul_ps(a, b);
}
static inline vector v_fma(vector a, vector b, vector c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vector v_fms(vector a, vector b, vector c) /* a b - c */
{
    return _mm256_fmsub_ps(a, b, c);
}
static inline vector v_fnma(vector a, vector b, vector c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
static inline vector v_max(vector a, vector b)
{
    return _mm256_max_ps(a, b);
}
static inline vector v_min(vector a, vector b)
{
    return _mm256_min_ps(a, b);
}
static inline vector v_abs(vector x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}
static inline vector v_select(lane_mask mask, vector x, vector other)
{
    return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(mask));
}
static inline float v_sum(vector x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    s = _mm_add_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}
static inline float v_largest(vector x)
{
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    s = _mm_max_ss(s, _mm_shuffle_ps(s, s, 1));
    return _mm_cvtss_f32(s);
}
static inline unsigned v_equal(vector a, vector b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ));
}

/* Rows become columns. */
static inline void v_transpose(vector r[LANES])
{
    vector t[LANES];
    for (int i = 0; i < LANES; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4) /* four rows of a column in each half */
        for (int j = 0; j < 2; j++) {
            const __m256d a = _mm256_castps_pd(t[i + j]), b = _mm256_castps_pd(t[i + j + 2]);
            r[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
            r[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
        }
    for (int j = 0; j < 4; j++) {
        const vector low = r[j], high = r[4 + j];
        r[j] = _mm256_permute2f128_ps(low, high, 0x20);
        r[4 + j] = _mm256_permute2f128_ps(low, high, 0x31);
    }
}

static inline vector v_div(vector a, vector b)
{
    return _mm256_div_ps(a, b);
}
static inline unsigned v_greater(vector a, vector b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}
static inline unsigned v_at_least(vector a, vector b)
{
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ));
}

static inline vector v_scale_by_power(vector p, vector n)
{
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    const vector scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
    /* Below 2^-125 the result could leave the normal numbers: 0 instead. */
    return _mm256_andnot_ps(_mm256_cmp_ps(n, v_set(-125.5f), _CMP_LT_OQ), scaled);
}
static inline vector v_round(vector x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline vector v_normal_tail(vector t)
{
    const vector scale = v_set((GELU_INTERVALS_8 - 1) / GELU_RANGE);
    const vector shifted = v_fma(t, scale, v_set(GELU_ROUND));
    const __m256i i = _mm256_castps_si256(shifted);
    const vector d = v_fms(t, scale, v_sub(shifted, v_set(GELU_ROUND)));
    vector sum = _mm256_permutevar8x32_ps(v_load(gelu_table_8[6]), i);
    for (int j = 5; j >= 0; j--)
        sum = v_fma(sum, d, _mm256_permutevar8x32_ps(v_load(gelu_table_8[j]), i));
    return sum;
}

#endif
