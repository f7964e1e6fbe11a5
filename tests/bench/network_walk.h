/* The network of a description, layer by layer, as an export format gets it. */
#ifndef CNX_BENCH_NETWORK_WALK_H
#define CNX_BENCH_NETWORK_WALK_H

#include "export_format.h"
#include "heads/description.h"

/*
 *   input   "input" [1, 3, h, w], float32, normalised
 *   output  "logits" [1, classes, h/4, w/4]; with `backbone` "feat0".."feat3", the backbone's maps
 *
 * Failures stay in net->status.
 */
void network_walk(const export_format *format, export_net *net, const cnx_description *d, int h,
                  int w, bool backbone);

#endif
