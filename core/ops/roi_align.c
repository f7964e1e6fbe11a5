#include "core/ops/roi_align.h"

#include <math.h>
#include <string.h>

#include "core/memory.h"

/* One axis: what each bin takes from the map's lines, [bin] of `first`, `count` and its weights. */
typedef struct axis {
    int *first, *count;
    int *at;        /* where a bin's weights begin */
    float *weights; /* not yet divided by the number of samples */
    int samples;    /* of each bin; 0 for a region without size */
    int low, high;  /* lines that any bin takes: [low, high) */
} axis;

/* Bins share a line with their neighbours at most twice. */
static size_t axis_weights(int size, int n)
{
    return (size_t)n + 4 * (size_t)size;
}

static size_t axis_bytes(int size, int n)
{
    return 3 * cnx_round_up((size_t)size * sizeof(int), CNX_ALIGNMENT) +
           cnx_round_up(axis_weights(size, n) * sizeof(float), CNX_ALIGNMENT);
}

size_t cnx_roi_align_scratch(int size, int h, int w, int c)
{
    const size_t longest = (size_t)(h > w ? h : w);
    return axis_bytes(size, h) + axis_bytes(size, w) +
           cnx_round_up((size_t)w * (size_t)c * sizeof(float), CNX_ALIGNMENT) +
           cnx_round_up(longest * sizeof(float *), CNX_ALIGNMENT) +
           cnx_round_up(longest * sizeof(float), CNX_ALIGNMENT);
}

static void *take(char **memory, size_t bytes)
{
    void *at = *memory;
    *memory += cnx_round_up(bytes, CNX_ALIGNMENT);
    return at;
}

static axis axis_place(char **memory, int size, int n)
{
    axis a = {0};
    a.first = take(memory, (size_t)size * sizeof(int));
    a.count = take(memory, (size_t)size * sizeof(int));
    a.at = take(memory, (size_t)size * sizeof(int));
    a.weights = take(memory, axis_weights(size, n) * sizeof(float));
    return a;
}

/* Adds a sample at position c of a line of n to the bin's weights, which begin at line `first`. */
static void add_sample(float c, int n, int first, float *weights, int *count)
{
    if (!(c >= -1) || !(c <= (float)n))
        return;
    c = c <= 0 ? 0 : c;
    int low = (int)c;
    float part = 0;
    if (low >= n - 1)
        low = n - 1;
    else
        part = c - (float)low;
    const int end = low + (low < n - 1 ? 2 : 1) - first;
    for (; *count < end; (*count)++)
        weights[*count] = 0;
    weights[low - first] += 1 - part;
    if (part > 0)
        weights[low - first + 1] += part;
}

static float sample_at(float start, float bin, int i, int samples)
{
    return start + ((float)i + 0.5f) * bin / (float)samples;
}

/* The line that the first sample inside the map begins with; n when there is none. */
static int first_line(float start, float bin, int samples, int n)
{
    for (int i = 0; i < samples; i++) {
        const float c = sample_at(start, bin, i, samples);
        if (c >= -1 && c <= (float)n) {
            const int low = c <= 0 ? 0 : (int)c;
            return low >= n - 1 ? n - 1 : low;
        }
    }
    return n;
}

/* Samples of a bin; none for a region that is turned inside out, or no region at all. */
static int count_samples(const cnx_roi_align *align, float size)
{
    enum { MOST = 65536 }; /* of a region far larger than any picture */
    if (!(size >= 0))
        return 0;
    if (align->sampling > 0)
        return align->sampling;
    const float n = ceilf(size / (float)align->size);
    return n >= MOST ? MOST : (int)n;
}

static void axis_fill(axis *a, const cnx_roi_align *align, float from, float to, int n)
{
    const float start = from * align->scale - 0.5f, end = to * align->scale - 0.5f;
    const float bin = (end - start) / (float)align->size;
    int used = 0;
    a->samples = count_samples(align, end - start);
    a->low = n;
    a->high = 0;
    for (int p = 0; p < align->size; p++) {
        const float bin_start = start + (float)p * bin;
        float *weights = a->weights + used;
        const int first = first_line(bin_start, bin, a->samples, n);
        int count = 0;
        for (int i = 0; i < a->samples && first < n; i++)
            add_sample(sample_at(bin_start, bin, i, a->samples), n, first, weights, &count);
        a->first[p] = first;
        a->count[p] = count;
        a->at[p] = used;
        used += count;
        if (count > 0) {
            a->low = first < a->low ? first : a->low;
            a->high = first + count > a->high ? first + count : a->high;
        }
    }
}

/* One row of bins: the map's rows mixed where any bin looks, then along that row. */
static void row_of_bins(const cnx_kernels *k, cnx_map map, const axis *y, const axis *x, int p,
                        int size, float scale, float *row, const float **source, float *weights,
                        float *out)
{
    const size_t c = (size_t)map.c;
    for (int i = 0; i < y->count[p]; i++)
        source[i] = cnx_map_pixel(map, y->first[p] + i, x->low);
    k->combine((size_t)(x->high - x->low) * c, y->count[p], source, y->weights + y->at[p], row);
    for (int q = 0; q < size; q++, out += c) {
        if (x->count[q] == 0) {
            memset(out, 0, c * sizeof *out);
            continue;
        }
        for (int i = 0; i < x->count[q]; i++) {
            source[i] = row + (size_t)(x->first[q] + i - x->low) * c;
            weights[i] = x->weights[x->at[q] + i] * scale;
        }
        k->combine(c, x->count[q], source, weights, out);
    }
}

void cnx_roi_align_run(const cnx_kernels *k, const cnx_roi_align *align, cnx_map map,
                       const float box[4], float *out, void *scratch)
{
    char *memory = scratch;
    const int size = align->size, longest = map.h > map.w ? map.h : map.w;
    const size_t row_floats = (size_t)size * (size_t)map.c;
    axis y = axis_place(&memory, size, map.h), x = axis_place(&memory, size, map.w);
    float *row = take(&memory, (size_t)map.w * (size_t)map.c * sizeof *row);
    const float **source = take(&memory, (size_t)longest * sizeof *source);
    float *weights = take(&memory, (size_t)longest * sizeof *weights);
    axis_fill(&y, align, box[1], box[3], map.h);
    axis_fill(&x, align, box[0], box[2], map.w);
    const float samples = (float)y.samples * (float)x.samples;
    for (int p = 0; p < size; p++, out += row_floats) {
        if (y.count[p] == 0 || x.high <= x.low)
            memset(out, 0, row_floats * sizeof *out);
        else
            row_of_bins(k, map, &y, &x, p, size, 1 / (samples > 1 ? samples : 1), row, source,
                        weights, out);
    }
}
