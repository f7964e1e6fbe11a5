#include "heads/detect_layout.h"

#include <limits.h>
#include <math.h>

#include "core/ops/boxes.h"
#include "heads/segmentor.h"

#define MAX_SIDE (1 << 20)

static int scaled_edge(int edge, double ratio)
{
    return (int)fmin(edge * ratio, INT_MAX);
}

/* A test-time scale multiplies the pipeline's bound.  Of a very long picture at least one row is
 * left. */
static void pass_size(const cnx_pipeline *p, int height, int width, int scale, int *h, int *w)
{
    const double ratio = p->scale_count > 0 ? p->scales[scale] : 1;
    *h = height;
    *w = width;
    if (p->resize)
        cnx_keep_ratio(height, width, scaled_edge(p->scale_long, ratio),
                       scaled_edge(p->scale_short, ratio), h, w);
    else if (p->scale_count > 0)
        cnx_keep_ratio(height, width, scaled_edge(width, ratio), scaled_edge(height, ratio), h, w);
    *h = *h < 1 ? 1 : *h;
    *w = *w < 1 ? 1 : *w;
}

static int padded(int n, int divisor)
{
    return divisor > 1 ? (n + divisor - 1) / divisor * divisor : n;
}

static cnx_status check_pipeline(const cnx_pipeline *p, cnx_error *err)
{
    CNX_FAIL_IF(p->resize && (p->scale_long < 1 || p->scale_short < 1), CNX_ERR_ARGUMENT,
                "the scale %d x %d (long x short edge) is no size", p->scale_long, p->scale_short);
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

cnx_status cnx_detect_layout_open(cnx_detect_layout *out, int width, int height,
                                  const cnx_pipeline *pipeline, cnx_error *err)
{
    *out = (cnx_detect_layout){.width = width, .height = height};
    CNX_TRY(check_pipeline(pipeline, err));
    CNX_FAIL_IF(width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE, CNX_ERR_ARGUMENT,
                "a picture of %d x %d pixels cannot be looked at", width, height);
    const int scales = pipeline->scale_count > 0 ? pipeline->scale_count : 1;
    const int flips = pipeline->flip ? 2 : 1;
    out->pass_count = scales * flips;
    for (int i = 0; i < out->pass_count; i++) {
        cnx_detect_pass *pass = &out->passes[i];
        pass_size(pipeline, height, width, i / flips, &pass->h, &pass->w);
        CNX_FAIL_IF(pass->h > MAX_SIDE || pass->w > MAX_SIDE, CNX_ERR_ARGUMENT,
                    "a picture of %d x %d pixels cannot be enlarged to the scale %d x %d", width,
                    height, pipeline->scale_long, pipeline->scale_short);
        pass->padded_h = padded(pass->h, pipeline->pad_divisor);
        pass->padded_w = padded(pass->w, pipeline->pad_divisor);
        pass->flip = i % flips == 1;
        pass->scale[0] = pass->scale[2] = (float)((double)pass->w / width);
        pass->scale[1] = pass->scale[3] = (float)((double)pass->h / height);
    }
    return CNX_OK;
}

void cnx_box_to_pass(const cnx_detect_pass *pass, const float box[4], float out[4])
{
    for (int i = 0; i < 4; i++)
        out[i] = box[i] * pass->scale[i];
    if (pass->flip)
        cnx_box_flip(out, (float)pass->w, out);
}

void cnx_box_from_pass(const cnx_detect_pass *pass, const float box[4], float out[4])
{
    float straight[4] = {box[0], box[1], box[2], box[3]};
    if (pass->flip)
        cnx_box_flip(straight, (float)pass->w, straight);
    for (int i = 0; i < 4; i++)
        out[i] = straight[i] / pass->scale[i];
}
