/* From pixels to what a network reads. */
#ifndef CNX_HEADS_NETWORK_INPUT_H
#define CNX_HEADS_NETWORK_INPUT_H

#include "core/image/image.h"
#include "heads/description.h"

/* The network's input for each 8-bit value, by channel. */
typedef struct cnx_normalisation {
    float value[3][256];
} cnx_normalisation;

void cnx_normalisation_fill(cnx_normalisation *n, const cnx_pipeline *pipeline);

/* out: [h][w][3], the window of the picture whose corner is (y0, x0); zeros beyond the picture, since
 * padding comes after normalising. */
void cnx_normalise_window(const cnx_normalisation *n, const cnx_image *image, int y0, int x0, int h,
                          int w, float *out);

#endif
