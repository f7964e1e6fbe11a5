#include "network_macs.h"

#include "core/ops/upsample_axis.h"

enum { TAPS = 9, WINOGRAD_SAVES = 4 };

/* What is done one way only. */
static void add_direct(network_macs *m, double macs)
{
    m->all += macs;
    m->left += macs;
}

static void add_winograd(network_macs *m, double macs)
{
    m->all += macs;
    m->left += macs / WINOGRAD_SAVES;
}

static void add_backbone(network_macs *m, const cnx_convnext_desc *d, const double pixels[])
{
    for (int i = 0; i < CNX_STAGES; i++) {
        const double c = d->dims[i], from = i == 0 ? 3 * 16 : 4.0 * d->dims[i - 1];
        add_direct(m, from * c * pixels[i]);
        add_direct(m, d->depths[i] * (49 * c + 8 * c * c) * pixels[i]);
    }
}

/* The maps that a 3x3 convolution takes upsampled to h x w, mixed at their own resolution. */
static void add_upsampled(network_macs *m, double channels, int h, int w, int low_h, int low_w,
                          bool halved)
{
    const cnx_axis y = cnx_axis_make(low_h, h, halved), x = cnx_axis_make(low_w, w, halved);
    m->all += TAPS * channels * h * w;
    m->left += channels * cnx_axis_products(&y) * cnx_axis_products(&x);
}

static void add_head(network_macs *m, const cnx_upernet_desc *d, const int dims[],
                     const double pixels[], const int h[], const int w[])
{
    const double wide = d->channels;
    const int end = CNX_STAGES - 1;
    const double last = dims[end];
    for (int k = 0; k < d->pools; k++)
        add_direct(m, last * wide * d->pool_scales[k] * d->pool_scales[k]);
    add_direct(m, TAPS * last * wide * pixels[end]);
    for (int k = 0; k < d->pools; k++)
        add_upsampled(m, wide * wide, h[end], w[end], d->pool_scales[k], d->pool_scales[k], false);
    for (int i = 0; i < CNX_STAGES - 1; i++) {
        add_direct(m, dims[i] * wide * pixels[i]);
        add_winograd(m, TAPS * wide * wide * pixels[i]);
    }
    add_winograd(m, TAPS * wide * wide * pixels[0]);
    for (int i = 1; i < CNX_STAGES; i++)
        add_upsampled(m, wide * wide, h[0], w[0], h[i], w[i], i == 1);
    add_direct(m, wide * d->classes * pixels[0]);
}

network_macs network_macs_of(const cnx_description *d, int h, int w, bool backbone)
{
    network_macs m = {0};
    double pixels[CNX_STAGES];
    int rows[CNX_STAGES], columns[CNX_STAGES];
    for (int i = 0; i < CNX_STAGES; i++) {
        rows[i] = h / (4 << i);
        columns[i] = w / (4 << i);
        pixels[i] = (double)rows[i] * columns[i];
    }
    add_backbone(&m, &d->backbone, pixels);
    if (!backbone)
        add_head(&m, &d->upernet, d->backbone.dims, pixels, rows, columns);
    return m;
}
