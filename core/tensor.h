/* A view of a feature map: float32, channels last, one picture. */
#ifndef CNX_CORE_TENSOR_H
#define CNX_CORE_TENSOR_H

#include <stddef.h>

/*
 * Pixel (y, x) starts at data + ((size_t)y * w + x) * ld and has c channels.  ld > c when the view
 * is a slice of the channels of a wider map.  Does not own data.
 */
typedef struct cnx_map {
    float *data; /* [h, w, c], ld floats from pixel to pixel */
    int h, w, c;
    size_t ld;
} cnx_map;

static inline cnx_map cnx_map_dense(float *data, int h, int w, int c)
{
    return (cnx_map){.data = data, .h = h, .w = w, .c = c, .ld = (size_t)c};
}

static inline float *cnx_map_pixel(cnx_map map, int y, int x)
{
    return map.data + ((size_t)y * (size_t)map.w + (size_t)x) * map.ld;
}

#endif
