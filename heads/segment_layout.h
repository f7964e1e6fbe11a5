/*
 * The work that one picture makes under a test pipeline: passes (scales x flips), the windows of
 * each, and the way back from the windows' logits to the picture's pixels.
 */
#ifndef CNX_HEADS_SEGMENT_LAYOUT_H
#define CNX_HEADS_SEGMENT_LAYOUT_H

#include "core/ops/pixelwise.h"
#include "heads/description.h"
#include "heads/segmentor.h"

/*
 * One run over the whole picture at one scale, mirrored or not.  Windows form a grid; whole mode is
 * a grid of one.  The logits of a window stay at 1/4 of its size; a row of the result is made from
 * them when its turn comes, so that a full-size volume of logits never exists.
 */
typedef struct cnx_pass {
    int h, w;               /* the resized picture */
    int padded_h, padded_w; /* the same with the pipeline's padding */
    bool flip;
    int win_h, win_w; /* the network's input */
    int stride_h, stride_w;
    int grid_h, grid_w; /* windows down and across */
    int q_h, q_w;       /* logits of one window */
    /* A single window: out_* lead from its logits to the picture.  Several: win_* lead from a
     * window's logits to its own size, out_* from the resized picture to the picture. */
    cnx_taps *out_y, *out_x; /* owned, [picture height], [picture width] */
    cnx_taps *win_y, *win_x; /* owned, [win_h], [win_w]; NULL for a single window */
    int *cover_x;  /* owned, [padded_w]: windows over each column; NULL for a single one */
    int rows_kept; /* grid rows whose logits are held at the same time */
    float *logits; /* owned, [rows_kept][grid_w][q_h][q_w][classes]; not part of a layout */
} cnx_pass;

/* Beside what is wanted: all windows' logits stay, and rows are made when the caller says so. */
enum { CNX_KEEP_LOGITS = 1 << 8 };

typedef struct cnx_segment_layout {
    int width, height, classes; /* the picture's own size */
    unsigned want;
    int pass_count;
    cnx_pass *passes; /* owned */
    int batch_rows;   /* result rows made between two calls of the sink */
} cnx_segment_layout;

/* Lays out a picture.  Zero or more of the sizes may turn out too small for the network: that is
 * found when the network is planned. */
cnx_status cnx_segment_layout_open(cnx_segment_layout *out, int width, int height, int classes,
                                   const cnx_pipeline *pipeline, unsigned want, cnx_error *err);
void cnx_segment_layout_close(cnx_segment_layout *layout); /* accepts a zeroed one */

/* Top-left corner of window (a, b). */
int cnx_window_y(const cnx_pass *pass, int a);
int cnx_window_x(const cnx_pass *pass, int b);
/* Floats of one window's logits, and of all that a pass keeps. */
size_t cnx_window_logits(const cnx_pass *pass, int classes);
size_t cnx_pass_logits(const cnx_pass *pass, int classes);

/* Whether nothing but one window's logits is needed at any time. */
bool cnx_segment_one_window(const cnx_segment_layout *layout);

/* The result row after the last one that can be made once grid rows 0..a of a pass are there. */
int cnx_pass_ready_rows(const cnx_pass *pass, int height, int a);

/* Bytes of scratch for one thread of cnx_segment_rows_run, and of the batch of finished rows. */
size_t cnx_segment_scratch(const cnx_segment_layout *layout);
size_t cnx_segment_batch_bytes(const cnx_segment_layout *layout);

/* Makes the rows [begin, end) of the result and hands them to the sink, batch by batch.  The logits
 * of all windows that reach these rows are in place.  *seconds grows by the time spent outside the
 * sink. */
cnx_status cnx_segment_rows_run(const cnx_segment_layout *layout, const cnx_kernels *kernels,
                                int threads, int begin, int end, cnx_segment_sink sink, void *user,
                                double *seconds, cnx_error *err);

#endif
