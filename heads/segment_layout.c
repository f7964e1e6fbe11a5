#include "heads/segment_layout.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

/* Larger pictures than this in one direction are refused: OpenCV's own limit. */
#define MAX_SIDE (1 << 20)
/* Room for finished rows that wait for the sink, and bounds on their number. */
#define BATCH_BYTES ((size_t)32 << 20)
enum { BATCH_MIN = 8, BATCH_MAX = 128 };

/* Parity note: OpenMMLab's rescale_size.  The product is taken in double and half is added before
 * truncation; it enlarges as well as it shrinks. */
void cnx_keep_ratio(int h, int w, int scale_a, int scale_b, int *out_h, int *out_w)
{
    const double scale_long = scale_a > scale_b ? scale_a : scale_b;
    const double scale_short = scale_a > scale_b ? scale_b : scale_a;
    const double long_edge = h > w ? h : w, short_edge = h > w ? w : h;
    const double k = fmin(scale_long / long_edge, scale_short / short_edge);
    *out_h = (int)fmin(h * k + 0.5, MAX_SIDE + 1.0);
    *out_w = (int)fmin(w * k + 0.5, MAX_SIDE + 1.0);
}

/* int(edge * ratio), as Python truncates; never beyond what is refused anyway. */
static int scaled_edge(int edge, double ratio)
{
    return (int)fmin(edge * ratio, INT_MAX);
}

/* The resized picture of one scale.  Rule mmseg0 scales the pipeline's bound, mmseg1 the picture.
 */
static void pass_size(const cnx_pipeline *p, int height, int width, int scale, int *h, int *w)
{
    const bool scaled = p->scale_count > 0;
    const double ratio = scaled ? p->scales[scale] : 1.0;
    if (scaled && p->rule == CNX_TTA_MMSEG1)
        cnx_keep_ratio(height, width, (int)(width * ratio + 0.5), (int)(height * ratio + 0.5), h,
                       w);
    else if (p->resize)
        cnx_keep_ratio(height, width, scaled_edge(p->scale_long, ratio),
                       scaled_edge(p->scale_short, ratio), h, w);
    else if (scaled)
        cnx_keep_ratio(height, width, scaled_edge(width, ratio), scaled_edge(height, ratio), h, w);
    else
        *h = height, *w = width;
}

static int padded(int n, int divisor)
{
    return divisor > 1 ? (n + divisor - 1) / divisor * divisor : n;
}

static int grid_size(int size, int window, int stride)
{
    const int beyond = size - window + stride - 1;
    return (beyond > 0 ? beyond : 0) / stride + 1;
}

static int window_start(int index, int stride, int window, int size)
{
    const int end = index * stride + window;
    const int start = (end < size ? end : size) - window;
    return start > 0 ? start : 0; /* the last windows are shifted back inside */
}

int cnx_window_y(const cnx_pass *pass, int a)
{
    return window_start(a, pass->stride_h, pass->win_h, pass->padded_h);
}

int cnx_window_x(const cnx_pass *pass, int b)
{
    return window_start(b, pass->stride_w, pass->win_w, pass->padded_w);
}

size_t cnx_window_logits(const cnx_pass *pass, int classes)
{
    return (size_t)pass->q_h * (size_t)pass->q_w * (size_t)classes;
}

size_t cnx_pass_logits(const cnx_pass *pass, int classes)
{
    return (size_t)pass->rows_kept * (size_t)pass->grid_w * cnx_window_logits(pass, classes);
}

static bool single(const cnx_pass *pass)
{
    return pass->grid_h == 1 && pass->grid_w == 1;
}

bool cnx_segment_one_window(const cnx_segment_layout *layout)
{
    return layout->pass_count == 1 && single(&layout->passes[0]) &&
           !(layout->want & CNX_KEEP_LOGITS);
}

int cnx_pass_ready_rows(const cnx_pass *pass, int height, int a)
{
    if (single(pass) || a >= pass->grid_h - 1)
        return height;
    const int final_rows = cnx_window_y(pass, a + 1); /* the next windows do not reach above */
    int low = 0, high = height; /* the sources of a row only move down: search the first too deep */
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const cnx_taps *taps = &pass->out_y[middle];
        if (taps->first + taps->count <= final_rows)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How many grid rows are needed at once when result rows are made as soon as they can be. */
static int rows_to_keep(const cnx_pass *pass, int height)
{
    int most = 1, begin = 0;
    for (int a = 0; a < pass->grid_h; a++) {
        const int end = cnx_pass_ready_rows(pass, height, a);
        const int lowest = begin < height ? pass->out_y[begin].first : pass->padded_h;
        int oldest = a;
        while (oldest > 0 && cnx_window_y(pass, oldest - 1) + pass->win_h > lowest)
            oldest--;
        if (a - oldest + 1 > most)
            most = a - oldest + 1;
        begin = end;
    }
    return most;
}

static cnx_status taps_alloc(cnx_taps **out, int n, cnx_error *err)
{
    *out = calloc((size_t)n, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for a picture's layout");
    return CNX_OK;
}

/* One axis of the way back for a single window: logits -> padded size, cut to the resized picture's
 * -> the picture's.  Two steps, not one: that is how the official systems do it. */
static cnx_status single_taps(cnx_taps **out, int q, int size_padded, int size, int n_out,
                              cnx_error *err)
{
    cnx_taps *first = NULL, *second = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(taps_alloc(&first, size_padded, err));
    CNX_CHECK(taps_alloc(&second, n_out, err));
    CNX_CHECK(taps_alloc(out, n_out, err));
    cnx_resize_taps(q, size_padded, first);
    cnx_resize_taps(size, n_out, second);
    cnx_taps_compose(first, second, n_out, *out);
cleanup:
    free(first);
    free(second);
    return status;
}

static cnx_status grid_taps(cnx_pass *pass, int width, int height, cnx_error *err)
{
    CNX_TRY(taps_alloc(&pass->out_y, height, err));
    CNX_TRY(taps_alloc(&pass->out_x, width, err));
    CNX_TRY(taps_alloc(&pass->win_y, pass->win_h, err));
    CNX_TRY(taps_alloc(&pass->win_x, pass->win_w, err));
    cnx_resize_taps(pass->h, height, pass->out_y);
    cnx_resize_taps(pass->w, width, pass->out_x);
    cnx_resize_taps(pass->q_h, pass->win_h, pass->win_y);
    cnx_resize_taps(pass->q_w, pass->win_w, pass->win_x);
    pass->cover_x = calloc((size_t)pass->padded_w, sizeof *pass->cover_x);
    CNX_FAIL_IF(!pass->cover_x, CNX_ERR_MEMORY, "not enough memory for a picture's layout");
    for (int b = 0; b < pass->grid_w; b++)
        for (int x = 0; x < pass->win_w; x++)
            pass->cover_x[cnx_window_x(pass, b) + x]++;
    return CNX_OK;
}

static cnx_status open_pass(cnx_pass *pass, const cnx_segment_layout *layout, const cnx_pipeline *p,
                            int scale, bool flip, cnx_error *err)
{
    pass->flip = flip;
    pass_size(p, layout->height, layout->width, scale, &pass->h, &pass->w);
    CNX_FAIL_IF(
        pass->h < 32 || pass->w < 32, CNX_ERR_ARGUMENT,
        "the picture of %d x %d pixels (width x height) would enter the network as %d x "
        "%d; below 32 x 32 its last stage has no pixel left; enlarge it (--scale, --scales)",
        layout->width, layout->height, pass->w, pass->h);
    CNX_FAIL_IF(pass->h > MAX_SIDE || pass->w > MAX_SIDE, CNX_ERR_ARGUMENT,
                "the picture of %d x %d pixels (width x height) would enter the network as %d x "
                "%d, more than %d in one direction; choose a smaller --scale",
                layout->width, layout->height, pass->w, pass->h, MAX_SIDE);
    pass->padded_h = padded(pass->h, p->pad_divisor);
    pass->padded_w = padded(pass->w, p->pad_divisor);
    const bool slide = p->mode == CNX_MODE_SLIDE;
    pass->win_h = slide && p->crop_h < pass->padded_h ? p->crop_h : pass->padded_h;
    pass->win_w = slide && p->crop_w < pass->padded_w ? p->crop_w : pass->padded_w;
    pass->stride_h = slide ? p->stride_h : pass->win_h;
    pass->stride_w = slide ? p->stride_w : pass->win_w;
    pass->grid_h = grid_size(pass->padded_h, pass->win_h, pass->stride_h);
    pass->grid_w = grid_size(pass->padded_w, pass->win_w, pass->stride_w);
    pass->q_h = pass->win_h / 4;
    pass->q_w = pass->win_w / 4;
    if (single(pass)) {
        CNX_TRY(single_taps(&pass->out_y, pass->q_h, pass->padded_h, pass->h, layout->height, err));
        CNX_TRY(single_taps(&pass->out_x, pass->q_w, pass->padded_w, pass->w, layout->width, err));
    } else {
        CNX_TRY(grid_taps(pass, layout->width, layout->height, err));
    }
    /* With one pass the rows leave as they get ready; with several, all wait for the last pass. */
    const bool all = layout->pass_count > 1 || layout->want & CNX_KEEP_LOGITS;
    pass->rows_kept = all ? pass->grid_h : rows_to_keep(pass, layout->height);
    return CNX_OK;
}

/* Floats of one finished row that the sink is to see. */
static size_t row_floats(const cnx_segment_layout *layout)
{
    const size_t scores = (size_t)layout->width * (size_t)layout->classes;
    return (layout->want & CNX_WANT_PROB ? scores : 0) +
           (layout->want & CNX_WANT_LOGITS ? scores : 0) +
           (layout->want & CNX_WANT_CONFIDENCE ? (size_t)layout->width : 0);
}

static size_t batch_row_bytes(const cnx_segment_layout *layout)
{
    return row_floats(layout) * sizeof(float) + (size_t)layout->width * sizeof(uint16_t);
}

size_t cnx_segment_batch_bytes(const cnx_segment_layout *layout)
{
    return batch_row_bytes(layout) * (size_t)layout->batch_rows;
}

/* A pipeline may come from a caller's own hands: nothing in it may divide by zero or wrap. */
static cnx_status check_pipeline(const cnx_pipeline *p, cnx_error *err)
{
    CNX_FAIL_IF(p->resize && (p->scale_long < 1 || p->scale_short < 1), CNX_ERR_ARGUMENT,
                "the scale %d x %d (long x short edge) is no size", p->scale_long, p->scale_short);
    CNX_FAIL_IF(p->mode == CNX_MODE_SLIDE &&
                    (p->crop_h < 1 || p->crop_w < 1 || p->stride_h < 1 || p->stride_w < 1 ||
                     p->stride_h > p->crop_h || p->stride_w > p->crop_w),
                CNX_ERR_ARGUMENT,
                "slide mode with crop %d x %d and stride %d x %d (height x width) cannot cover a "
                "picture: both are at least 1, and the stride at most the crop",
                p->crop_h, p->crop_w, p->stride_h, p->stride_w);
    CNX_FAIL_IF(p->pad_divisor > MAX_SIDE, CNX_ERR_ARGUMENT,
                "a picture cannot be padded to a multiple of %d", p->pad_divisor);
    CNX_FAIL_IF(p->scale_count < 0 || p->scale_count > CNX_MAX_SCALES, CNX_ERR_ARGUMENT,
                "%d test-time scales; at most %d", p->scale_count, CNX_MAX_SCALES);
    for (int i = 0; i < p->scale_count; i++)
        CNX_FAIL_IF(!(p->scales[i] > 0 && p->scales[i] <= 100), CNX_ERR_ARGUMENT,
                    "the test-time scale %g is not between 0 and 100", p->scales[i]);
    for (int c = 0; c < 3; c++)
        CNX_FAIL_IF(!(p->std[c] > 0) || !isfinite(p->mean[c]), CNX_ERR_ARGUMENT,
                    "pixels cannot be normalised with mean %g and std %g", (double)p->mean[c],
                    (double)p->std[c]);
    return CNX_OK;
}

cnx_status cnx_segment_layout_open(cnx_segment_layout *out, int width, int height, int classes,
                                   const cnx_pipeline *pipeline, unsigned want, cnx_error *err)
{
    *out = (cnx_segment_layout){.width = width, .height = height, .classes = classes, .want = want};
    CNX_TRY(check_pipeline(pipeline, err));
    CNX_FAIL_IF(width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE, CNX_ERR_ARGUMENT,
                "a picture of %d x %d pixels cannot be segmented", width, height);
    const int scales = pipeline->scale_count > 0 ? pipeline->scale_count : 1;
    const int flips = pipeline->flip ? 2 : 1;
    CNX_FAIL_IF((want & CNX_WANT_LOGITS) && scales * flips > 1, CNX_ERR_ARGUMENT,
                "logits do not exist for several scales or flips, whose probabilities are "
                "averaged; ask for prob instead");
    const size_t rows = BATCH_BYTES / (batch_row_bytes(out) + 1);
    out->batch_rows = rows < BATCH_MIN ? BATCH_MIN : rows > BATCH_MAX ? BATCH_MAX : (int)rows;
    if (out->batch_rows > height)
        out->batch_rows = height;
    out->passes = calloc((size_t)(scales * flips), sizeof *out->passes);
    CNX_FAIL_IF(!out->passes, CNX_ERR_MEMORY, "not enough memory for a picture's layout");
    out->pass_count = scales * flips;
    for (int i = 0; i < out->pass_count; i++) {
        const cnx_status status =
            open_pass(&out->passes[i], out, pipeline, i / flips, i % flips == 1, err);
        if (status != CNX_OK) {
            cnx_segment_layout_close(out);
            return status;
        }
    }
    return CNX_OK;
}

void cnx_segment_layout_close(cnx_segment_layout *layout)
{
    for (int i = 0; i < layout->pass_count; i++) {
        cnx_pass *pass = &layout->passes[i];
        free(pass->out_y);
        free(pass->out_x);
        free(pass->win_y);
        free(pass->win_x);
        free(pass->cover_x);
        cnx_free(pass->logits);
    }
    free(layout->passes);
    *layout = (cnx_segment_layout){0};
}
