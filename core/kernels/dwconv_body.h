/*
 * Depthwise 7x7 along one row, written over vector_*.h.  The including file defines DW_PIXELS.
 *
 * A tile is DW_PIXELS output pixels of one vector of channels: its sums stay in registers while
 * each of the 7 input rows is read once, every input pixel going to the up to 7 sums that it
 * reaches.  The sums are formed in the order of (ky, kx) everywhere; what lies outside the map is
 * left out.
 */
static inline __attribute__((always_inline)) void
dw_tile(const int inside, int x0, int width, int c, int channel, const float *const rows[7],
        size_t ld, const float *weights, const float *bias, float *out, size_t out_ld)
{
    const lane_mask mask = v_first(c - channel);
    const vector start = v_load_part(bias + channel, mask);
    vector sum[DW_PIXELS];
    UNROLLED
    for (int i = 0; i < DW_PIXELS; i++)
        sum[i] = start;
    for (int ky = 0; ky < 7; ky++) {
        if (!rows[ky])
            continue;
        vector w[7];
        UNROLLED
        for (int kx = 0; kx < 7; kx++)
            w[kx] = v_load_part(weights + (size_t)(ky * 7 + kx) * (size_t)c + channel, mask);
        UNROLLED
        for (int i = 0; i < DW_PIXELS + 6; i++) {
            const int x = x0 - 3 + i;
            if (!inside && (x < 0 || x >= width))
                continue;
            const vector in = v_load_part(rows[ky] + (size_t)x * ld + channel, mask);
            UNROLLED
            for (int kx = 0; kx < 7; kx++)
                if (i - kx >= 0 && i - kx < DW_PIXELS)
                    sum[i - kx] = v_fma(in, w[kx], sum[i - kx]);
        }
    }
    UNROLLED
    for (int i = 0; i < DW_PIXELS; i++)
        if (inside || x0 + i < width)
            v_store_part(out + (size_t)(x0 + i) * out_ld + channel, mask, sum[i]);
}

static void dwconv7_row(int width, int c, const float *const rows[7], size_t ld,
                        const float *weights, const float *bias, float *out, size_t out_ld)
{
    for (int x = 0; x < width; x += DW_PIXELS) {
        const int inside = x >= 3 && x + DW_PIXELS + 3 <= width;
        for (int channel = 0; channel < c; channel += LANES)
            if (inside)
                dw_tile(1, x, width, c, channel, rows, ld, weights, bias, out, out_ld);
            else
                dw_tile(0, x, width, c, channel, rows, ld, weights, bias, out, out_ld);
    }
}
