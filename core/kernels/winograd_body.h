/* The two transforms of winograd_points.h, channels last, written over vector_*.h. */
#include "core/kernels/winograd_points.h"

/* B^T d, one axis: six values `step` apart become six. */
static inline __attribute__((always_inline)) void winograd_in(const vector *d, vector *out,
                                                              int step)
{
    const vector a = v_set(WINOGRAD_A), b = v_set(WINOGRAD_B);
    const vector a2 = v_set(WINOGRAD_A2), b2 = v_set(WINOGRAD_B2);
    const vector product = v_set(WINOGRAD_A2 * WINOGRAD_B2);
    const vector sum = v_set(WINOGRAD_A2 + WINOGRAD_B2);
    const vector d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const vector even_a = v_fnma(b2, d2, d4), odd_a = v_fnma(b2, d1, d3);
    const vector even_b = v_fnma(a2, d2, d4), odd_b = v_fnma(a2, d1, d3);
    out[0] = v_fma(product, d[0], v_fnma(sum, d2, d4));
    out[step] = v_fma(a, odd_a, even_a);
    out[2 * step] = v_fnma(a, odd_a, even_a);
    out[3 * step] = v_fma(b, odd_b, even_b);
    out[4 * step] = v_fnma(b, odd_b, even_b);
    out[5 * step] = v_fma(product, d1, v_fnma(sum, d3, d[5 * step]));
}

/* A^T m, one axis: six values `step` apart become four, `out_step` apart. */
static inline __attribute__((always_inline)) void winograd_out(const vector *m, int step,
                                                               vector *out, int out_step)
{
    const vector sum_a = v_add(m[step], m[2 * step]), sum_b = v_add(m[3 * step], m[4 * step]);
    const vector odd_a = v_mul(v_set(WINOGRAD_A), v_sub(m[step], m[2 * step]));
    const vector odd_b = v_mul(v_set(WINOGRAD_B), v_sub(m[3 * step], m[4 * step]));
    const vector a2 = v_set(WINOGRAD_A2), b2 = v_set(WINOGRAD_B2);
    out[0] = v_add(m[0], v_add(sum_a, sum_b));
    out[out_step] = v_add(odd_a, odd_b);
    out[2 * out_step] = v_fma(b2, sum_b, v_mul(a2, sum_a));
    out[3 * out_step] = v_fma(b2, odd_b, v_fma(a2, odd_a, m[5 * step]));
}

static void winograd_input(int c, const float *const pixels[WINOGRAD_POINTS], float *out,
                           size_t step)
{
    for (int i = 0; i < c; i += LANES) {
        const lane_mask mask = v_first(c - i);
        vector d[WINOGRAD_POINTS], t[WINOGRAD_POINTS];
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            d[p] = pixels[p] ? v_load_part(pixels[p] + i, mask) : v_zero();
        UNROLLED
        for (int x = 0; x < WINOGRAD_IN; x++)
            winograd_in(d + x, t + x, WINOGRAD_IN);
        UNROLLED
        for (int y = 0; y < WINOGRAD_IN; y++)
            winograd_in(t + y * WINOGRAD_IN, d + y * WINOGRAD_IN, 1);
        UNROLLED
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            v_store_part(out + (size_t)p * step + i, mask, d[p]);
    }
}

static void winograd_output(int c, const float *in, size_t step, const float *bias, int relu,
                            int add, float *const pixels[WINOGRAD_OUT * WINOGRAD_OUT])
{
    for (int i = 0; i < c; i += LANES) {
        const lane_mask mask = v_first(c - i);
        vector m[WINOGRAD_POINTS], t[WINOGRAD_OUT * WINOGRAD_IN], y[WINOGRAD_OUT * WINOGRAD_OUT];
        UNROLLED
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            m[p] = v_load_part(in + (size_t)p * step + i, mask);
        UNROLLED
        for (int x = 0; x < WINOGRAD_IN; x++)
            winograd_out(m + x, WINOGRAD_IN, t + x, WINOGRAD_IN);
        UNROLLED
        for (int r = 0; r < WINOGRAD_OUT; r++)
            winograd_out(t + r * WINOGRAD_IN, 1, y + r * WINOGRAD_OUT, 1);
        const vector b = bias ? v_load_part(bias + i, mask) : v_zero();
        for (int p = 0; p < WINOGRAD_OUT * WINOGRAD_OUT; p++) {
            if (!pixels[p])
                continue;
            vector x = v_add(y[p], b);
            if (add)
                x = v_add(x, v_load_part(pixels[p] + i, mask));
            if (relu)
                x = v_max(v_zero(), x);
            v_store_part(pixels[p] + i, mask, x);
        }
    }
}
