/* Functions of a vector, written over vector_*.h. */

/* Loops of a fixed count whose vectors must stay in registers. */
#if defined(__clang__)
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

/* Into L2; never faults. */
static inline void v_prefetch(const void *p)
{
    __builtin_prefetch(p, 0, 2);
}

/* 0.5 x (1 + erf(x / sqrt 2)), to 1.5e-8 and rounding: see gelu_tables.h.  NaN stays NaN. */
static inline vector v_gelu(vector x)
{
    const vector t = v_min(v_set(GELU_RANGE), v_abs(x));
    return v_fnma(t, v_normal_tail(t), v_max(v_zero(), x));
}

/* e^x for x <= 0 (NaN stays NaN), to 1e-7 of the result; what is below the normal numbers may
 * become 0.  x = n ln 2 + r, and e^r by interpolation in the Chebyshev nodes of |r| <= ln(2) / 2,
 * error 1e-8. */
static inline vector v_exp(vector x)
{
    x = v_max(v_set(-104.0f), x); /* e^-104 rounds to 0; minus infinity would give NaN below */
    const vector n = v_round(v_mul(x, v_set(1.44269504f)));
    vector r = v_fnma(n, v_set(0.693359375f), x); /* ln 2 in two parts */
    r = v_fnma(n, v_set(-2.12194440e-4f), r);
    vector sum = v_set(0.00139336498f);
    sum = v_fma(sum, r, v_set(0.00836915523f));
    sum = v_fma(sum, r, v_set(0.0416664667f));
    sum = v_fma(sum, r, v_set(0.166665047f));
    sum = v_fma(sum, r, v_set(0.5f));
    sum = v_fma(sum, r, v_set(1.0f));
    sum = v_fma(sum, r, v_set(1.0f));
    return v_scale_by_power(sum, n);
}
