/*
 * One axis of a 3-tap convolution over a bilinearly upsampled signal, as products at the low
 * resolution: the algebra that upsampled_conv.h does in two dimensions, one axis at a time.
 *
 * A low signal x[0..n), upsampled to u[0..m) (align_corners False), is convolved with the taps
 * (a, w, b): out[o] = a u[o-1] + w u[o] + b u[o+1], where u is zero outside.  Mixing channels (the
 * taps are matrices) and upsampling commute, so that every output is a sum of a few products of a
 * matrix with a low sample, times fixed weights.  There are two ways:
 *
 * Plain, for any n and m: a x[i], w x[i] and b x[i], three products a sample.
 *
 * Doubled, for m = 2n: upsampling is the filter s = [1 3 3 1] / 4 over x with zeros between its
 * samples, and commutes with the convolution.  The convolution of x with zeros between is
 *
 *   v[2i] = w x[i]          v[2i+1] = y[i] = a x[i] + b x[i+1]
 *
 * of which y is a 2-tap filter, and two neighbours of it take three products (Karatsuba's, the
 * minimal filtering F(2, 2)):
 *
 *   back = a (x[2t-1] - x[2t])    both = (a + b) x[2t]    on = b (x[2t+1] - x[2t])
 *   y[2t-1] = back + both         y[2t] = both + on
 *
 * which makes two and a half products a sample.  Then out = s * v:
 *
 *   out[2i]   = (3 v[2i]   + v[2i-2] + 3 v[2i-1] + v[2i+1]) / 4
 *   out[2i+1] = (3 v[2i+1] + v[2i+2] ... mirrored)
 *
 * Borders.  Upsampling repeats the border samples, so v[-2] = w x[0] and v[2n] = w x[n-1].  y is
 * taken with zeros for x[-1] and x[n], hence y[-1] = b x[0]; the true outputs, with u zero outside,
 * differ from that by
 *
 *   out[0] -= a x[0] / 4       out[1] += a x[0] / 4
 *   out[2n-1] -= b x[n-1] / 4  out[2n-2] += b x[n-1] / 4
 *
 * and these products are there already: back at t = 0 is -a x[0], and on at the last t is
 * -b x[n-1] when n is odd.  When n is even the last t has x[2t] past the end, both is not needed,
 * and on is given x[n-1], so that it is b x[n-1].
 *
 * Names: a `kind` is a family of products with one filter, over one kind of `data` (samples, every
 * second sample, or differences); `line` numbers the products of a kind and the data they take.
 */
#ifndef CNX_CORE_OPS_UPSAMPLE_AXIS_H
#define CNX_CORE_OPS_UPSAMPLE_AXIS_H

#include <stdbool.h>

enum {
    CNX_AXIS_KINDS = 5,   /* at most */
    CNX_AXIS_DATA = 4,    /* at most */
    CNX_AXIS_GROUP = 4,   /* outputs that are made together */
    CNX_AXIS_SOURCES = 24 /* products that one group can need: 3 taps x 4 outputs x 2 neighbours */
};

/* a, w, b and a + b. */
typedef enum cnx_axis_filter {
    CNX_FILTER_BEFORE,
    CNX_FILTER_CENTRE,
    CNX_FILTER_AFTER,
    CNX_FILTER_BOTH,
    CNX_AXIS_FILTERS
} cnx_axis_filter;

typedef struct cnx_axis {
    int in, out; /* lengths, at least 1 */
    bool doubled;
    int kinds, data;
    int groups; /* of outputs: group g has 4g - 2 .. 4g + 1, as far as they exist */
    int lines;  /* of the longest kind */
} cnx_axis;

/* may_double: whether the filter a + b is at hand. */
cnx_axis cnx_axis_make(int in, int out, bool may_double);

/* Of one kind: its filter, and which data it takes. */
cnx_axis_filter cnx_axis_kind_filter(const cnx_axis *axis, int kind);
int cnx_axis_kind_data(const cnx_axis *axis, int kind);

/* Lines of one kind of data, and a line of it: x[*plus] - x[*minus], where -1 stands for zero. */
int cnx_axis_data_lines(const cnx_axis *axis, int data);
void cnx_axis_data_line(const cnx_axis *axis, int data, int line, int *plus, int *minus);

/* What the outputs of a group are made of: out[4g - 2 + j] = sum of weight[j] * product. */
typedef struct cnx_axis_source {
    int kind, line;
    float weight[CNX_AXIS_GROUP];
} cnx_axis_source;

typedef struct cnx_axis_group {
    int count;
    int first, last; /* lines */
    cnx_axis_source source[CNX_AXIS_SOURCES];
} cnx_axis_group;

void cnx_axis_group_at(const cnx_axis *axis, int g, cnx_axis_group *group);

/* The most lines that one group reaches, from its first to its last. */
int cnx_axis_reach(const cnx_axis *axis);

/* Multiplications by a matrix that the whole axis takes. */
int cnx_axis_products(const cnx_axis *axis);

#endif
