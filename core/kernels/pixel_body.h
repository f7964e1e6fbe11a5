/* Kernels that work pixel by pixel over the channels, written over vector_*.h. The including file defines
 * COMBINE4_VECTORS, as many as its registers hold four times. */

static void layernorm_row(int c, const float *x, const float *weight, const float *bias, float eps,
                          float *y)
{
    vector sum = v_zero();
    int i = 0;
    for (; i + LANES <= c; i += LANES)
        sum = v_add(sum, v_load(x + i));
    const lane_mask tail = v_first(c - i);
    if (i < c)
        sum = v_add(sum, v_load_part(x + i, tail));
    const vector mean = v_set(v_sum(sum) / (float)c);

    vector squares = v_zero();
    for (i = 0; i + LANES <= c; i += LANES) {
        const vector d = v_sub(v_load(x + i), mean);
        squares = v_fma(d, d, squares);
    }
    if (i < c) {
        const vector d = v_select(tail, v_sub(v_load_part(x + i, tail), mean), v_zero());
        squares = v_fma(d, d, squares);
    }
    const vector scale = v_set(1.0f / sqrtf(v_sum(squares) / (float)c + eps));

    for (i = 0; i < c; i += LANES) {
        const lane_mask mask = v_first(c - i);
        vector n = v_mul(v_sub(v_load_part(x + i, mask), mean), scale);
        if (weight)
            n = v_fma(n, v_load_part(weight + i, mask), v_load_part(bias + i, mask));
        v_store_part(y + i, mask, n);
    }
}

static void layernorm(int rows, int c, const float *x, size_t ldx, const float *weight,
                      const float *bias, float eps, float *y, size_t ldy)
{
    for (int r = 0; r < rows; r++)
        layernorm_row(c, x + (size_t)r * ldx, weight, bias, eps, y + (size_t)r * ldy);
}

static void gelu(size_t n, float *x)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        v_store(x + i, v_gelu(v_load(x + i)));
    if (i < n) {
        const lane_mask mask = v_first((int)(n - i));
        v_store_part(x + i, mask, v_gelu(v_load_part(x + i, mask)));
    }
}

static inline vector combine_part(int count, const float *const source[], const float *weight,
                                  size_t at, lane_mask mask)
{
    vector sum = v_mul(v_set(weight[0]), v_load_part(source[0] + at, mask));
    for (int t = 1; t < count; t++)
        sum = v_fma(v_set(weight[t]), v_load_part(source[t] + at, mask), sum);
    return sum;
}

static void combine(size_t n, int count, const float *const source[], const float *weight,
                    float *out)
{
    const lane_mask all = v_first(LANES);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        v_store(out + i, combine_part(count, source, weight, i, all));
    if (i < n) {
        const lane_mask mask = v_first((int)(n - i));
        v_store_part(out + i, mask, combine_part(count, source, weight, i, mask));
    }
}

/* `vectors` vectors of each of the four, from `at` on; of a single one, what the mask has. */
static inline __attribute__((always_inline)) void
combine4_part(const int vectors, int count, const float *const source[], const float *weight,
              float *const out[4], size_t at, lane_mask mask)
{
    vector sum[4][COMBINE4_VECTORS];
    UNROLLED
    for (int j = 0; j < 4; j++) {
        UNROLLED
        for (int v = 0; v < vectors; v++)
            sum[j][v] = v_zero();
    }
    for (int t = 0; t < count; t++) {
        vector x[COMBINE4_VECTORS];
        UNROLLED
        for (int v = 0; v < vectors; v++)
            x[v] = vectors > 1 ? v_load(source[t] + at + v * LANES)
                               : v_load_part(source[t] + at, mask);
        UNROLLED
        for (int j = 0; j < 4; j++) {
            const vector w = v_set(weight[4 * t + j]);
            UNROLLED
            for (int v = 0; v < vectors; v++)
                sum[j][v] = v_fma(w, x[v], sum[j][v]);
        }
    }
    for (int j = 0; j < 4; j++) {
        if (!out[j])
            continue;
        UNROLLED
        for (int v = 0; v < vectors; v++) {
            if (vectors > 1)
                v_store(out[j] + at + v * LANES, sum[j][v]);
            else
                v_store_part(out[j] + at, mask, sum[j][v]);
        }
    }
}

static void combine4(size_t n, int count, const float *const source[], const float *weight,
                     float *const out[4])
{
    const lane_mask all = v_first(LANES);
    size_t i = 0;
    for (; i + COMBINE4_VECTORS * LANES <= n; i += COMBINE4_VECTORS * LANES)
        combine4_part(COMBINE4_VECTORS, count, source, weight, out, i, all);
    for (; i < n; i += LANES) {
        const int left = n - i < LANES ? (int)(n - i) : LANES;
        combine4_part(1, count, source, weight, out, i, v_first(left));
    }
}

static void resample_row(int width, int c, const float *source, size_t ld, const cnx_taps *taps,
                         float *out, size_t out_ld, int add)
{
    for (int x = 0; x < width; x++, out += out_ld) {
        const cnx_taps *tap = &taps[x];
        const float *from[CNX_MAX_TAPS];
        for (int t = 0; t < tap->count; t++)
            from[t] = source + (size_t)(tap->first + t) * ld;
        for (int i = 0; i < c; i += LANES) {
            const lane_mask mask = v_first(c - i);
            vector sum = combine_part(tap->count, from, tap->weight, (size_t)i, mask);
            if (add)
                sum = v_add(v_load_part(out + i, mask), sum);
            v_store_part(out + i, mask, sum);
        }
    }
}

/* The largest value that is not NaN; minus infinity when there is none. */
static float largest_value(int c, const float *x)
{
    vector best = v_set(-INFINITY);
    int i = 0;
    for (; i + LANES <= c; i += LANES)
        best = v_max(v_load(x + i), best);
    if (i < c) {
        const lane_mask tail = v_first(c - i);
        best = v_max(v_select(tail, v_load_part(x + i, tail), best), best);
    }
    return v_largest(best);
}

/* The first index where x equals the value; 0 when none does. */
static int first_equal(int c, const float *x, float value)
{
    for (int i = 0; i < c; i += LANES) {
        const int left = c - i < LANES ? c - i : LANES;
        const unsigned equal = v_equal(v_load_part(x + i, v_first(left)), v_set(value)) &
                               (unsigned)((1u << left) - 1u);
        if (equal)
            return i + __builtin_ctz(equal);
    }
    return 0;
}

static void argmax(int rows, int c, const float *x, size_t ld, uint16_t *out)
{
    for (int r = 0; r < rows; r++, x += ld)
        out[r] = (uint16_t)first_equal(c, x, largest_value(c, x));
}

static void softmax_row(int c, float *x)
{
    const vector largest = v_set(largest_value(c, x));
    vector sum = v_zero();
    for (int i = 0; i < c; i += LANES) {
        const lane_mask mask = v_first(c - i);
        const vector e = v_exp(v_sub(v_load_part(x + i, mask), largest));
        v_store_part(x + i, mask, e);
        sum = v_add(sum, v_select(mask, e, v_zero()));
    }
    const vector scale = v_set(1.0f / v_sum(sum));
    for (int i = 0; i < c; i += LANES) {
        const lane_mask mask = v_first(c - i);
        v_store_part(x + i, mask, v_mul(v_load_part(x + i, mask), scale));
    }
}

static void softmax(int rows, int c, float *x, size_t ld)
{
    for (int r = 0; r < rows; r++)
        softmax_row(c, x + (size_t)r * ld);
}

/* As ref.c has it: the compiler widens and vectorises this as well as anyone. */
static void sum_squares(int rows, int c, const float *x, size_t ld, double *sum)
{
    for (int r = 0; r < rows; r++, x += ld)
        for (int i = 0; i < c; i++)
            sum[i] += (double)x[i] * (double)x[i];
}
