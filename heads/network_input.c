#include "heads/network_input.h"

#include <string.h>

/* Parity note: float32(pixel) - float32(mean), then times 1/std in double, rounded to float32. */
void cnx_normalisation_fill(cnx_normalisation *n, const cnx_pipeline *pipeline)
{
    for (int c = 0; c < 3; c++) {
        const double scale = 1.0 / (double)pipeline->std[c];
        for (int v = 0; v < 256; v++) {
            const float centred = (float)v - pipeline->mean[c];
            n->value[c][v] = (float)((double)centred * scale);
        }
    }
}

void cnx_normalise_window(const cnx_normalisation *n, const cnx_image *image, int y0, int x0, int h,
                          int w, float *out)
{
    for (int y = 0; y < h; y++, out += 3 * (size_t)w) {
        int inside = y0 + y < image->height ? image->width - x0 : 0;
        inside = inside < 0 ? 0 : inside > w ? w : inside;
        if (inside > 0) {
            const uint8_t *in =
                image->data + ((size_t)(y0 + y) * (size_t)image->width + (size_t)x0) * 3;
            for (int x = 0; x < 3 * inside; x += 3) {
                out[x] = n->value[0][in[x]];
                out[x + 1] = n->value[1][in[x + 1]];
                out[x + 2] = n->value[2][in[x + 2]];
            }
        }
        memset(out + 3 * (size_t)inside, 0, (size_t)(w - inside) * 3 * sizeof *out);
    }
}
