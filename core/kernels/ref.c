/*
 * The plain C kernels: what every faster version is compared with, and what runs where there is
 * none.  Written for reading; loops are ordered so that a compiler can vectorise them over channels
 * without changing the order of any sum.
 */
#include <math.h>
#include <string.h>

#include "core/float16.h"
#include "core/kernels/kernels.h"
#include "core/kernels/winograd_points.h"
#include "core/memory.h"

/* Weights are packed as panels of this many outputs, [panel][k][REF_PANEL], padded with zeros. */
enum { REF_PANEL = 32 };

static size_t gemm_packed_size(int k, int n)
{
    return cnx_round_up((size_t)n, REF_PANEL) * (size_t)k;
}

static void gemm_pack(int k, int n, const float *b, float *packed)
{
    for (int first = 0; first < n; first += REF_PANEL)
        for (int p = 0; p < k; p++)
            for (int j = 0; j < REF_PANEL; j++)
                *packed++ = first + j < n ? b[(size_t)(first + j) * (size_t)k + (size_t)p] : 0.0f;
}

static float gelu_value(float x)
{
    return 0.5f * x * (1.0f + erff(x * 0.70710678118654752440f));
}

static float activate(float x, cnx_activation act)
{
    if (act == CNX_ACT_RELU)
        return x < 0 ? 0.0f : x; /* NaN stays NaN, as in torch */
    return act == CNX_ACT_GELU ? gelu_value(x) : x;
}

/* sum += row * panel over `depth` of k. */
static void accumulate(int depth, const float *row, const float *panel, float *sum)
{
    for (int p = 0; p < depth; p++)
        for (int j = 0; j < REF_PANEL; j++)
            sum[j] += row[p] * panel[(size_t)p * REF_PANEL + (size_t)j];
}

/* c = act(sum + bias) + residual for row i of a panel. */
static void finish(int i, int n, int first, const float *sum, float *c, size_t ldc,
                   const cnx_epilogue *e)
{
    const int count = n - first < REF_PANEL ? n - first : REF_PANEL;
    for (int j = 0; j < count; j++) {
        float x = activate(sum[j] + (e->bias ? e->bias[first + j] : 0.0f), e->act);
        if (e->residual)
            x += e->residual[(size_t)i * e->residual_ld + (size_t)(first + j)];
        c[(size_t)i * ldc + (size_t)(first + j)] = x;
    }
}

static void gemm(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                 size_t ldc, const cnx_epilogue *e)
{
    for (int i = 0; i < m; i++)
        for (int first = 0; first < n; first += REF_PANEL) {
            float sum[REF_PANEL] = {0};
            accumulate(k, a + (size_t)i * lda, packed + (size_t)first * (size_t)k, sum);
            finish(i, n, first, sum, c, ldc, e);
        }
}

/* ---- the same with weights of 16 bits ---- */

static size_t gemm_packed_size_16(int k, int n)
{
    return gemm_packed_size(k, n) / 2;
}

static void pack_16(int k, int n, const float *b, float *packed, uint16_t (*narrow)(float))
{
    uint16_t *to = (uint16_t *)packed;
    for (int first = 0; first < n; first += REF_PANEL)
        for (int p = 0; p < k; p++)
            for (int j = 0; j < REF_PANEL; j++)
                *to++ = first + j < n ? narrow(b[(size_t)(first + j) * (size_t)k + (size_t)p]) : 0;
}

/* Part of a panel is widened at a time, and serves a few rows.  Each sum goes over k in the order
 * of the product above. */
static void gemm_16(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                    size_t ldc, const cnx_epilogue *e, float (*widen)(uint16_t))
{
    enum { ROWS = 16, DEPTH = 64 };
    float wide[DEPTH * REF_PANEL];
    for (int first = 0; first < n; first += REF_PANEL) {
        const uint16_t *panel = (const uint16_t *)packed + (size_t)first * (size_t)k;
        for (int i0 = 0; i0 < m; i0 += ROWS) {
            float sums[ROWS][REF_PANEL] = {{0}};
            const int rows = m - i0 < ROWS ? m - i0 : ROWS;
            for (int p = 0; p < k; p += DEPTH) {
                const int depth = k - p < DEPTH ? k - p : DEPTH;
                for (int j = 0; j < depth * REF_PANEL; j++)
                    wide[j] = widen(panel[(size_t)p * REF_PANEL + (size_t)j]);
                for (int r = 0; r < rows; r++)
                    accumulate(depth, a + (size_t)(i0 + r) * lda + (size_t)p, wide, sums[r]);
            }
            for (int r = 0; r < rows; r++)
                finish(i0 + r, n, first, sums[r], c, ldc, e);
        }
    }
}

static void gemm_pack_f16(int k, int n, const float *b, float *packed)
{
    pack_16(k, n, b, packed, cnx_f32_to_f16);
}

static void gemm_pack_bf16(int k, int n, const float *b, float *packed)
{
    pack_16(k, n, b, packed, cnx_f32_to_bf16);
}

static void gemm_f16(int m, int n, int k, const float *a, size_t lda, const float *packed, float *c,
                     size_t ldc, const cnx_epilogue *e)
{
    gemm_16(m, n, k, a, lda, packed, c, ldc, e, cnx_f16_to_f32);
}

static void gemm_bf16(int m, int n, int k, const float *a, size_t lda, const float *packed,
                      float *c, size_t ldc, const cnx_epilogue *e)
{
    gemm_16(m, n, k, a, lda, packed, c, ldc, e, cnx_bf16_to_f32);
}

static int gemm_rows(int k, int n)
{
    (void)n;
    return k > 2048 ? 32 : 64;
}

static void dwconv7_row(int width, int c, const float *const rows[7], size_t ld,
                        const float *weights, const float *bias, float *out, size_t out_ld)
{
    for (int x = 0; x < width; x++) {
        float *o = out + (size_t)x * out_ld;
        memcpy(o, bias, (size_t)c * sizeof *o);
        for (int ky = 0; ky < 7; ky++)
            for (int kx = 0; kx < 7; kx++) {
                int sx = x + kx - 3;
                if (!rows[ky] || sx < 0 || sx >= width)
                    continue;
                const float *in = rows[ky] + (size_t)sx * ld;
                const float *w = weights + (size_t)(ky * 7 + kx) * (size_t)c;
                for (int i = 0; i < c; i++)
                    o[i] += in[i] * w[i];
            }
    }
}

static void layernorm(int rows, int c, const float *x, size_t ldx, const float *weight,
                      const float *bias, float eps, float *y, size_t ldy)
{
    for (int r = 0; r < rows; r++, x += ldx, y += ldy) {
        double sum = 0, squares = 0;
        for (int i = 0; i < c; i++)
            sum += x[i];
        const double mean = sum / c;
        for (int i = 0; i < c; i++)
            squares += (x[i] - mean) * (x[i] - mean);
        const float scale = (float)(1.0 / sqrt(squares / c + eps));
        for (int i = 0; i < c; i++) {
            float normal = (float)(x[i] - mean) * scale;
            y[i] = weight ? normal * weight[i] + bias[i] : normal;
        }
    }
}

static void gelu(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] = gelu_value(x[i]);
}

static void combine(size_t n, int count, const float *const source[], const float *weight,
                    float *out)
{
    for (size_t i = 0; i < n; i++) {
        float sum = weight[0] * source[0][i];
        for (int t = 1; t < count; t++)
            sum += weight[t] * source[t][i];
        out[i] = sum;
    }
}

static void combine4(size_t n, int count, const float *const source[], const float *weight,
                     float *const out[4])
{
    for (int j = 0; j < 4; j++)
        for (size_t i = 0; out[j] && i < n; i++) {
            float sum = weight[j] * source[0][i];
            for (int t = 1; t < count; t++)
                sum += weight[4 * (size_t)t + (size_t)j] * source[t][i];
            out[j][i] = sum;
        }
}

static void resample_row(int width, int c, const float *source, size_t ld, const cnx_taps *taps,
                         float *out, size_t out_ld, int add)
{
    for (int x = 0; x < width; x++, out += out_ld) {
        const cnx_taps *tap = &taps[x];
        const float *s = source + (size_t)tap->first * ld;
        for (int i = 0; i < c; i++) {
            float sum = tap->weight[0] * s[i];
            for (int t = 1; t < tap->count; t++)
                sum += tap->weight[t] * s[(size_t)t * ld + (size_t)i];
            out[i] = add ? out[i] + sum : sum;
        }
    }
}

static void argmax(int rows, int c, const float *x, size_t ld, uint16_t *out)
{
    for (int r = 0; r < rows; r++, x += ld) {
        int best = -1;
        for (int i = 0; i < c; i++)
            if (best < 0 ? !isnan(x[i]) : x[i] > x[best])
                best = i;
        out[r] = (uint16_t)(best < 0 ? 0 : best);
    }
}

static void softmax(int rows, int c, float *x, size_t ld)
{
    for (int r = 0; r < rows; r++, x += ld) {
        float largest = x[0];
        for (int i = 1; i < c; i++)
            largest = x[i] > largest ? x[i] : largest;
        double sum = 0;
        for (int i = 0; i < c; i++) {
            x[i] = expf(x[i] - largest);
            sum += x[i];
        }
        const float scale = (float)(1.0 / sum);
        for (int i = 0; i < c; i++)
            x[i] *= scale;
    }
}

static void sum_squares(int rows, int c, const float *x, size_t ld, double *sum)
{
    for (int r = 0; r < rows; r++, x += ld)
        for (int i = 0; i < c; i++)
            sum[i] += (double)x[i] * (double)x[i];
}

/* B^T d along one axis: six values `step` apart, in place. */
static void winograd_in(float *d, int step)
{
    const float a = WINOGRAD_A, b = WINOGRAD_B, a2 = WINOGRAD_A2, b2 = WINOGRAD_B2;
    const float d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    d[0] = a2 * b2 * d0 - (a2 + b2) * d2 + d4;
    d[step] = (d4 - b2 * d2) + a * (d3 - b2 * d1);
    d[2 * step] = (d4 - b2 * d2) - a * (d3 - b2 * d1);
    d[3 * step] = (d4 - a2 * d2) + b * (d3 - a2 * d1);
    d[4 * step] = (d4 - a2 * d2) - b * (d3 - a2 * d1);
    d[5 * step] = a2 * b2 * d1 - (a2 + b2) * d3 + d[5 * step];
}

/* A^T m along one axis: six values `step` apart become the first four of them. */
static void winograd_out(float *m, int step)
{
    const float a = WINOGRAD_A, b = WINOGRAD_B, a2 = WINOGRAD_A2, b2 = WINOGRAD_B2;
    const float sum_a = m[step] + m[2 * step], sum_b = m[3 * step] + m[4 * step];
    const float odd_a = a * (m[step] - m[2 * step]), odd_b = b * (m[3 * step] - m[4 * step]);
    m[0] += sum_a + sum_b;
    m[step] = odd_a + odd_b;
    m[2 * step] = a2 * sum_a + b2 * sum_b;
    m[3 * step] = a2 * odd_a + b2 * odd_b + m[5 * step];
}

static void winograd_input(int c, const float *const pixels[WINOGRAD_POINTS], float *out,
                           size_t step)
{
    for (int i = 0; i < c; i++) {
        float d[WINOGRAD_POINTS];
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            d[p] = pixels[p][i];
        for (int x = 0; x < WINOGRAD_IN; x++)
            winograd_in(d + x, WINOGRAD_IN);
        for (int y = 0; y < WINOGRAD_IN; y++)
            winograd_in(d + y * WINOGRAD_IN, 1);
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            out[(size_t)p * step + (size_t)i] = d[p];
    }
}

static float smaller(float a, float b)
{
    return a < b ? a : b;
}

static float larger(float a, float b)
{
    return a > b ? a : b;
}

static void suppress(int n, const float box[5], const float *const side[5], float iou,
                     int32_t *suppressed)
{
    for (int i = 0; i < n; i++) {
        const float w = smaller(box[2], side[2][i]) - larger(box[0], side[0][i]);
        const float h = smaller(box[3], side[3][i]) - larger(box[1], side[1][i]);
        const float shared = larger(0, w) * larger(0, h);
        if (shared / (box[4] + side[4][i] - shared) > iou)
            suppressed[i] = 1;
    }
}

static uint64_t paste(int n, const float corner[4], float east, const float *part, float threshold)
{
    const float west = 1 - east;
    uint64_t set = 0;
    for (int i = 0; i < n; i++) {
        const float south = part[i], north = 1 - south;
        const float value = corner[0] * (north * west) + corner[1] * (north * east) +
                            corner[2] * (south * west) + corner[3] * (south * east);
        set |= (uint64_t)(value >= threshold) << i;
    }
    return set;
}

static void winograd_output(int c, const float *in, size_t step, const cnx_winograd_patch *patch)
{
    for (int i = 0; i < c; i++) {
        float m[WINOGRAD_POINTS];
        for (int p = 0; p < WINOGRAD_POINTS; p++)
            m[p] = in[(size_t)p * step + (size_t)i];
        for (int x = 0; x < WINOGRAD_IN; x++)
            winograd_out(m + x, WINOGRAD_IN);
        for (int y = 0; y < WINOGRAD_OUT; y++)
            winograd_out(m + y * WINOGRAD_IN, 1);
        for (int y = 0; y < patch->rows; y++)
            for (int x = 0; x < patch->columns; x++) {
                float *to = patch->out + (size_t)y * patch->row + (size_t)x * patch->ld + i;
                float sum = m[y * WINOGRAD_IN + x];
                sum += patch->bias ? patch->bias[i] : 0.0f;
                if (patch->add)
                    sum += patch->add[(size_t)y * patch->add_row + (size_t)(x * c + i)];
                *to = activate(sum, patch->relu ? CNX_ACT_RELU : CNX_ACT_NONE);
            }
    }
}

void cnx_kernels_ref(cnx_kernels *k)
{
    *k = (cnx_kernels){
        .name = "ref",
        .gemm_packed_size = gemm_packed_size,
        .gemm_pack = gemm_pack,
        .gemm = gemm,
        .gemm_rows = gemm_rows,
        .dwconv7_row = dwconv7_row,
        .layernorm = layernorm,
        .gelu = gelu,
        .combine = combine,
        .combine4 = combine4,
        .resample_row = resample_row,
        .argmax = argmax,
        .softmax = softmax,
        .sum_squares = sum_squares,
        .suppress = suppress,
        .paste = paste,
        .winograd_input = winograd_input,
        .winograd_output = winograd_output,
    };
}

void cnx_kernels_ref_weights(cnx_kernels *k, cnx_weight_type type)
{
    k->gemm_packed_size = type == CNX_WEIGHTS_F32 ? gemm_packed_size : gemm_packed_size_16;
    k->gemm_pack = type == CNX_WEIGHTS_F32   ? gemm_pack
                   : type == CNX_WEIGHTS_F16 ? gemm_pack_f16
                                             : gemm_pack_bf16;
    k->gemm = type == CNX_WEIGHTS_F32 ? gemm : type == CNX_WEIGHTS_F16 ? gemm_f16 : gemm_bf16;
}
