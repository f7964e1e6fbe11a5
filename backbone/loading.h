/* Reading and packing the layers of a network on several threads. */
#ifndef CNX_BACKBONE_LOADING_H
#define CNX_BACKBONE_LOADING_H

#include <stddef.h>

#include "core/status.h"

/* Reads and packs layer `index`; called from several threads, once for each index. */
typedef cnx_status (*cnx_load_layer)(void *context, int index, cnx_error *err);

/*
 * Calls load for the layers 0 .. count - 1 on up to `threads` threads, the largest first.
 * weights[i]: about how many values layer i reads; while it is packed they are in memory twice, so
 * no more layers are in work at a time than this costs little, but two.
 *
 * Fails with the error of the first layer, by index, that fails: the same for any number of
 * threads.  Layers after that one may not have been loaded.
 */
cnx_status cnx_load_layers(int count, const size_t weights[], cnx_load_layer load, void *context,
                           int threads, cnx_error *err);

#endif
