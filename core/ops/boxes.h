/*
 * Boxes x1 y1 x2 y2 in float32, continuous: no pixel is added anywhere.
 *
 * Thresholds, floors and ceilings decide about boxes, so each expression stands as the published
 * systems have it, in float32 and without fused multiply-adds.
 */
#ifndef CNX_CORE_OPS_BOXES_H
#define CNX_CORE_OPS_BOXES_H

#include <stdbool.h>

/* The box that deltas (x, y, w, h, in units of `stds`) make of `box`; what w and h may grow or shrink
 * by in one step is bounded.  out may be box. */
void cnx_box_decode(const float box[4], const float deltas[4], const float stds[4], float out[4]);

/* Into [0, w] x [0, h]. */
void cnx_box_clip(float box[4], float w, float h);

/* The mirror image of a box in a picture of that width.  out may be box. */
void cnx_box_flip(const float box[4], float w, float out[4]);

/* The pyramid's level that a region is pooled from, 0 to `levels` - 1: a square of 112 is in level 1,
 * a smaller one in level 0. */
int cnx_roi_level(const float box[4], int levels);

#endif
