/*
 * Pasting: a small map of probabilities, stretched over a box of a picture and cut at a threshold, as
 * runs.  The picture's mask never exists as pixels.
 *
 * A pixel's value is the bilinear one of the map at its centre, with zeros outside the map.  Down a
 * column that is a polyline with a corner at each of the map's rows: where both ends of a piece lie on
 * one side of the threshold, so do all pixels between; only in the others is each looked at.
 */
#ifndef CNX_CORE_OPS_PASTE_H
#define CNX_CORE_OPS_PASTE_H

#include "core/kernels/kernels.h"
#include "core/mask/rle_build.h"

typedef struct cnx_paste {
    int width, height; /* of the picture */
    float threshold;   /* a pixel of value >= threshold is set */
} cnx_paste;

/* Bytes of scratch for a map of size x size. */
size_t cnx_paste_scratch(const cnx_paste *paste, int size);

/* prob: [size][size], row by row; box: in the picture's pixels.  `builder` is used and left to the
 * caller.  Uses one thread. */
cnx_status cnx_paste_run(const cnx_kernels *k, const cnx_paste *paste, const float *prob, int size,
                         const float box[4], cnx_rle_builder *builder, void *scratch, cnx_rle *out,
                         cnx_error *err);

#endif
