/*
 * What one upsampled map contributes to a 3x3 convolution at the high resolution, its channels
 * mixed at its own low resolution: upsample_axis.h along both axes.
 *
 * Along each axis a product has a kind (its filter and its data) and a line; in two dimensions it
 * has one of each for either axis.  An axis that is doubled exactly takes 2.5 products a sample
 * instead of 3, so that a map of half the size takes 6.25 a pixel instead of 9.
 *
 * A run is a sweep down the map: the products of some lines are made, the rows of the output that
 * need no others are put together from them, and only the lines that later rows need again are
 * kept.  Products are made for all output channels, and stored by chunks of them.
 */
#ifndef CNX_CORE_OPS_UPSAMPLED_CONV_H
#define CNX_CORE_OPS_UPSAMPLED_CONV_H

#include "core/ops/exec.h"
#include "core/ops/upsample_axis.h"

/* Zero-initialise before init. */
typedef struct cnx_upsampled_conv {
    int in_c, out_c;
    bool doubling; /* whether there are weights for axes that are doubled exactly */
    int chunk;     /* output channels that lie together */
    float *packed; /* owned: by filter of y, filter of x, chunk: matrices in_c -> chunk */
    size_t bytes;
} cnx_upsampled_conv;

/* Shape only, for planning. */
cnx_upsampled_conv cnx_upsampled_conv_shape(int in_c, int out_c, bool doubling);
/* The filter of output channel o and input channel i is weights[o * step + i * 9 ..]; copied. */
cnx_status cnx_upsampled_conv_init(cnx_upsampled_conv *conv, const cnx_kernels *k, int in_c,
                                   int out_c, bool doubling, const float *weights, size_t step,
                                   cnx_error *err);
void cnx_upsampled_conv_free(cnx_upsampled_conv *conv);

/* What packing takes, and the multiply-adds of the products for a map of h x w upsampled to
 * out_h x out_w; before or after weights exist. */
size_t cnx_upsampled_conv_bytes(const cnx_upsampled_conv *conv, const cnx_kernels *k);
double cnx_upsampled_conv_products(const cnx_upsampled_conv *conv, int h, int w, int out_h,
                                   int out_w);

int cnx_upsampled_conv_chunks(const cnx_upsampled_conv *conv);
/* Output channels of one chunk: the last may have fewer. */
int cnx_upsampled_conv_chunk_size(const cnx_upsampled_conv *conv, int chunk);

/* A run on one map. */
typedef struct cnx_sweep {
    const cnx_exec *exec;
    const cnx_upsampled_conv *conv;
    cnx_map in;
    cnx_axis y, x;
    const cnx_axis_group *groups_y, *groups_x; /* all of either axis */
    int step;                                  /* lines that are made at a time */
    int room;                                  /* lines that are kept */
    int from, end;                             /* the lines at hand */
    int made;                                  /* of them, those from here on are new ... */
    int shift;                                 /* ... and the others lay this much further down */
    float *data, *products;
} cnx_sweep;

/* Floats of scratch for a map of h x w upsampled to out_h x out_w.  sparing: as few as possible, in
 * steps of one line. */
size_t cnx_sweep_floats(const cnx_upsampled_conv *conv, int h, int w, int out_h, int out_w,
                        bool sparing);
/* memory: that many floats, on the alignment; they are the sweep's until the run ends. */
void cnx_sweep_start(cnx_sweep *sweep, const cnx_exec *exec, const cnx_upsampled_conv *conv,
                     cnx_map in, int out_h, int out_w, bool sparing, float *memory);

/* Whether the products for group g of rows are at hand. */
bool cnx_sweep_has(const cnx_sweep *sweep, int g);
/* Makes them; groups before g cannot be had any more. */
void cnx_sweep_advance(cnx_sweep *sweep, int g);

/* A part of the columns: for each kind of x the lines that some groups of columns need. */
typedef struct cnx_sweep_columns {
    int first[CNX_AXIS_KINDS], count[CNX_AXIS_KINDS];
    int start[CNX_AXIS_KINDS]; /* where the kind's lines start in a row of `pixels` */
    int pixels;
} cnx_sweep_columns;

/* groups: [first, end) of them. */
cnx_sweep_columns cnx_sweep_span(const cnx_axis *x, const cnx_axis_group *groups, int first,
                                 int end);

/* The rows of group g, mixed down the columns: rows[j] is [columns->pixels][size of the chunk], or
 * NULL for a row that is not wanted. */
void cnx_sweep_rows(const cnx_sweep *sweep, int chunk, int g, const cnx_sweep_columns *columns,
                    float *const rows[CNX_AXIS_GROUP]);

#endif
