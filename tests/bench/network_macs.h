/* Multiply-adds of a network, as published and as the exact rewrites leave them. */
#ifndef CNX_BENCH_NETWORK_MACS_H
#define CNX_BENCH_NETWORK_MACS_H

#include "heads/description.h"

typedef struct network_macs {
    double all; /* every convolution and linear layer done directly */
    double
        left; /* as heads/upernet.c does them: 3x3 convolutions by Winograd F(4x4,3x3), a quarter,
                    but for the pooling bottleneck; upsampled maps mixed at their own resolution
                    (core/ops/upsample_axis.h) */
} network_macs;

/* For an input of h x w; backbone: without the head. */
network_macs network_macs_of(const cnx_description *d, int h, int w, bool backbone);

#endif
