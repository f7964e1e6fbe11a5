/*
 * A network as ncnn's two files: layers as lines of text (.param), weights one after the other (.bin).
 *
 * Failures (memory, names that do not fit) are remembered and told by ncnn_graph_write, so that a
 * network reads as a list.
 */
#ifndef CNX_BENCH_NCNN_GRAPH_H
#define CNX_BENCH_NCNN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct ncnn_graph ncnn_graph;

typedef struct ncnn_shape {
    int w, h, c; /* h 0: one dimension; c 0: two */
} ncnn_shape;

cnx_status ncnn_graph_open(ncnn_graph **out, cnx_error *err);
void ncnn_graph_close(ncnn_graph **graph);

/* A layer with one output, `name`, which is its own name too.  inputs: earlier names, NULL at the
 * end; a value may be used any number of times.  shape: of the output, which lets ncnn choose its
 * kernels.  params: "0=96 1=7", as ncnn documents them for the type. */
void ncnn_graph_layer(ncnn_graph *g, const char *type, const char *name, const char *const *inputs,
                      ncnn_shape shape, const char *params, ...)
    __attribute__((format(printf, 6, 7)));
/* Of an earlier value; zeros when there is none of that name. */
ncnn_shape ncnn_graph_shape(const ncnn_graph *g, const char *name);

/* Weights of the layer that was added last, in the order in which its type reads them.  tagged: the
 * type may find other types than float32 here, and wants to be told.  values: from cnx_alloc, taken
 * over by the graph (whatever happens). */
void ncnn_graph_weights(ncnn_graph *g, float *values, size_t count, bool tagged);

/* path: of the .param file; the other one stands beside it. */
cnx_status ncnn_graph_write(const ncnn_graph *g, const char *path, cnx_error *err);

#endif
