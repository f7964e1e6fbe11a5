/* The passes that one picture makes under a detector's test pipeline, and the way of boxes between
 * the picture and a pass. */
#ifndef CNX_HEADS_DETECT_LAYOUT_H
#define CNX_HEADS_DETECT_LAYOUT_H

#include "heads/description.h"

/* One run over the whole picture at one scale, mirrored or not. */
typedef struct cnx_detect_pass {
    int h, w;               /* the resized picture */
    int padded_h, padded_w; /* the network's input */
    bool flip;
    float scale[4]; /* of x, y, x, y: of the sizes as rounded, so that x and y differ a little */
} cnx_detect_pass;

typedef struct cnx_detect_layout {
    int width, height; /* the picture's own size */
    int pass_count;
    cnx_detect_pass passes[2 * CNX_MAX_SCALES];
} cnx_detect_layout;

cnx_status cnx_detect_layout_open(cnx_detect_layout *out, int width, int height,
                                  const cnx_pipeline *pipeline, cnx_error *err);

/* A box of the picture in a pass, and back.  out may be box. */
void cnx_box_to_pass(const cnx_detect_pass *pass, const float box[4], float out[4]);
void cnx_box_from_pass(const cnx_detect_pass *pass, const float box[4], float out[4]);

#endif
