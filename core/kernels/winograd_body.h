/*
 * The two transforms of winograd_points.h, channels last, written over vector_*.h.  Each goes down
 * the six columns first and keeps what comes out on the stack, then along the rows.
 */
#include "core/kernels/winograd_points.h"

/* B^T d, one axis. */
static inline __attribute__((always_inline)) void winograd_in(const vector d[WINOGRAD_IN],
                                                              vector out[WINOGRAD_IN])
{
    const vector a = v_set(WINOGRAD_A), b = v_set(WINOGRAD_B);
    const vector a2 = v_set(WINOGRAD_A2), b2 = v_set(WINOGRAD_B2);
    const vector product = v_set(WINOGRAD_A2 * WINOGRAD_B2);
    const vector sum = v_set(WINOGRAD_A2 + WINOGRAD_B2);
    const vector even_a = v_fnma(b2, d[2], d[4]), odd_a = v_fnma(b2, d[1], d[3]);
    const vector even_b = v_fnma(a2, d[2], d[4]), odd_b = v_fnma(a2, d[1], d[3]);
    out[0] = v_fma(product, d[0], v_fnma(sum, d[2], d[4]));
    out[1] = v_fma(a, odd_a, even_a);
    out[2] = v_fnma(a, odd_a, even_a);
    out[3] = v_fma(b, odd_b, even_b);
    out[4] = v_fnma(b, odd_b, even_b);
    out[5] = v_fma(product, d[1], v_fnma(sum, d[3], d[5]));
}

/* A^T m, one axis. */
static inline __attribute__((always_inline)) void winograd_out(const vector m[WINOGRAD_IN],
                                                               vector out[WINOGRAD_OUT])
{
    const vector sum_a = v_add(m[1], m[2]), sum_b = v_add(m[3], m[4]);
    const vector odd_a = v_mul(v_set(WINOGRAD_A), v_sub(m[1], m[2]));
    const vector odd_b = v_mul(v_set(WINOGRAD_B), v_sub(m[3], m[4]));
    const vector a2 = v_set(WINOGRAD_A2), b2 = v_set(WINOGRAD_B2);
    out[0] = v_add(m[0], v_add(sum_a, sum_b));
    out[1] = v_add(odd_a, odd_b);
    out[2] = v_fma(b2, sum_b, v_mul(a2, sum_a));
    out[3] = v_fma(b2, odd_b, v_fma(a2, odd_a, m[5]));
}

/* Up to LANES channels: `whole`, a constant, spares the masks where there are LANES of them. */
static inline __attribute__((always_inline)) vector winograd_load(const float *p, const int whole,
                                                                  lane_mask mask)
{
    return whole ? v_load(p) : v_load_part(p, mask);
}

static inline __attribute__((always_inline)) void
winograd_input_part(const int whole, lane_mask mask, const float *const pixels[WINOGRAD_POINTS],
                    int i, float *out, size_t step)
{
    vector t[WINOGRAD_IN][WINOGRAD_IN];
    UNROLLED
    for (int x = 0; x < WINOGRAD_IN; x++) {
        vector d[WINOGRAD_IN], down[WINOGRAD_IN];
        UNROLLED
        for (int y = 0; y < WINOGRAD_IN; y++)
            d[y] = winograd_load(pixels[y * WINOGRAD_IN + x] + i, whole, mask);
        winograd_in(d, down);
        UNROLLED
        for (int y = 0; y < WINOGRAD_IN; y++)
            t[y][x] = down[y];
    }
    out += i;
    UNROLLED
    for (int y = 0; y < WINOGRAD_IN; y++) {
        vector along[WINOGRAD_IN];
        winograd_in(t[y], along);
        UNROLLED
        for (int x = 0; x < WINOGRAD_IN; x++, out += step) {
            if (whole)
                v_store(out, along[x]);
            else
                v_store_part(out, mask, along[x]);
        }
    }
}

static void winograd_input(int c, const float *const pixels[WINOGRAD_POINTS], float *out,
                           size_t step)
{
    int i = 0;
    for (; i + LANES <= c; i += LANES)
        winograd_input_part(1, v_first(LANES), pixels, i, out, step);
    if (i < c)
        winograd_input_part(0, v_first(c - i), pixels, i, out, step);
}

static inline __attribute__((always_inline)) void
winograd_output_part(const int whole, lane_mask mask, int c, const float *in, size_t step,
                     const cnx_winograd_patch *patch, const int stream, int i)
{
    vector t[WINOGRAD_OUT][WINOGRAD_IN];
    UNROLLED
    for (int x = 0; x < WINOGRAD_IN; x++) {
        vector m[WINOGRAD_IN], down[WINOGRAD_OUT];
        UNROLLED
        for (int y = 0; y < WINOGRAD_IN; y++)
            m[y] = winograd_load(in + (size_t)(y * WINOGRAD_IN + x) * step + i, whole, mask);
        winograd_out(m, down);
        UNROLLED
        for (int y = 0; y < WINOGRAD_OUT; y++)
            t[y][x] = down[y];
    }
    const vector bias = patch->bias ? winograd_load(patch->bias + i, whole, mask) : v_zero();
    UNROLLED
    for (int y = 0; y < WINOGRAD_OUT; y++) {
        vector along[WINOGRAD_OUT];
        winograd_out(t[y], along);
        UNROLLED
        for (int x = 0; x < WINOGRAD_OUT; x++) {
            if (y >= patch->rows || x >= patch->columns)
                continue;
            float *to = patch->out + (size_t)y * patch->row + (size_t)x * patch->ld + i;
            vector sum = v_add(along[x], bias);
            if (patch->add) {
                const float *add = patch->add + (size_t)y * patch->add_row + (size_t)x * (size_t)c;
                sum = v_add(sum, winograd_load(add + i, whole, mask));
            }
            if (patch->relu)
                sum = v_max(v_zero(), sum);
            if (!whole)
                v_store_part(to, mask, sum);
            else if (stream)
                v_stream(to, sum);
            else
                v_store(to, sum);
        }
    }
}

static void winograd_output(int c, const float *in, size_t step, const cnx_winograd_patch *patch)
{
    enum { LINE = 64 / sizeof(float) };
    const int stream = patch->stream && (uintptr_t)patch->out % 64 == 0 && patch->row % LINE == 0 &&
                       patch->ld % LINE == 0;
    int i = 0;
    for (; i + LANES <= c; i += LANES)
        winograd_output_part(1, v_first(LANES), c, in, step, patch, stream, i);
    if (i < c)
        winograd_output_part(0, v_first(c - i), c, in, step, patch, stream, i);
    if (stream)
        v_stream_end();
}
