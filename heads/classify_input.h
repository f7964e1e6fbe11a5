/* A classifier's view of a picture: resized, cropped, normalised. */
#ifndef CNX_HEADS_CLASSIFY_INPUT_H
#define CNX_HEADS_CLASSIFY_INPUT_H

#include "core/image/image.h"
#include "heads/description.h"

/* What becomes of a picture's size. */
typedef struct cnx_classify_size {
    int resized_h, resized_w; /* the whole picture's */
    int top, left;            /* of the crop */
    int h, w;                 /* the crop's, and the network's input */
} cnx_classify_size;

/*
 * As the official evaluation has it (docs/cli.md, "cnx classify"):
 *   a crop    the short side becomes int(size / share), the long side in proportion, cut off to a
 *             whole number; the crop lies in the middle, halves rounding to the even pixel
 *   squashed  both sides become the size
 *   as it is  (pipeline->resize false) no change at all
 * CNX_ERR_ARGUMENT where the resized picture cannot be addressed.
 */
cnx_status cnx_classify_size_of(cnx_classify_size *out, int width, int height,
                                const cnx_pipeline *pipeline, cnx_error *err);

/* The crop as 8-bit pixels. */
cnx_status cnx_classify_crop(cnx_image *out, const cnx_image *image, const cnx_classify_size *size,
                             cnx_error *err);

/* (pixel / 255 - mean) / deviation of each of [h][w][3], in float32 as torch does. */
void cnx_classify_normalise(float *out, const cnx_image *crop, const cnx_pipeline *pipeline);

/* Bytes of all that lies beside the decoded picture while it is prepared. */
size_t cnx_classify_bytes(const cnx_classify_size *size, int width, int height);

#endif
