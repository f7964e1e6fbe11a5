#include "network_macs.h"

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

static void add_head(network_macs *m, const cnx_upernet_desc *d, const int dims[],
                     const double pixels[])
{
    const double wide = d->channels;
    const double last = dims[CNX_STAGES - 1];
    for (int k = 0; k < d->pools; k++)
        add_direct(m, last * wide * d->pool_scales[k] * d->pool_scales[k]);
    add_winograd(m, TAPS * (last + d->pools * wide) * wide * pixels[CNX_STAGES - 1]);
    for (int i = 0; i < CNX_STAGES - 1; i++) {
        add_direct(m, dims[i] * wide * pixels[i]);
        add_winograd(m, TAPS * wide * wide * pixels[i]);
    }
    add_winograd(m, TAPS * wide * wide * pixels[0]);
    for (int i = 1; i < CNX_STAGES; i++) {
        m->all += TAPS * wide * wide * pixels[0];
        m->left += TAPS * wide * wide * pixels[i];
    }
    add_direct(m, wide * d->classes * pixels[0]);
}

network_macs network_macs_of(const cnx_description *d, int h, int w, bool backbone)
{
    network_macs m = {0};
    double pixels[CNX_STAGES];
    for (int i = 0; i < CNX_STAGES; i++)
        pixels[i] = (double)(h / (4 << i)) * (w / (4 << i));
    add_backbone(&m, &d->backbone, pixels);
    if (!backbone)
        add_head(&m, &d->upernet, d->backbone.dims, pixels);
    return m;
}
