/*
 * A network as an ONNX file: nodes and constants are collected, then written.
 *
 * ONNX is a Protocol Buffers message; only the few kinds of field that it needs are encoded here.
 * Failures (memory) are remembered and told by onnx_graph_write, so that a network reads as a list.
 */
#ifndef CNX_BENCH_ONNX_GRAPH_H
#define CNX_BENCH_ONNX_GRAPH_H

#include <stdint.h>

#include "core/status.h"

#define ONNX_OPSET     17
#define ONNX_MAX_RANK  4
#define ONNX_MAX_EDGES 9 /* inputs, outputs or attributes of one node */

typedef struct onnx_graph onnx_graph;

typedef enum onnx_attribute_kind {
    ONNX_NO_ATTRIBUTE, /* ends a list */
    ONNX_FLOAT,
    ONNX_INT,
    ONNX_INTS,
    ONNX_STRING
} onnx_attribute_kind;

typedef struct onnx_attribute {
    const char *name;
    onnx_attribute_kind kind;
    float f;
    int count;                 /* of ints */
    int64_t i[ONNX_MAX_EDGES]; /* ONNX_INT: the first */
    const char *s;
} onnx_attribute;

/* One operation.  Lists end with NULL, or with ONNX_NO_ATTRIBUTE; "" is an optional input left out.
 */
typedef struct onnx_node {
    const char *op;
    const char *inputs[ONNX_MAX_EDGES + 1];
    const char *outputs[ONNX_MAX_EDGES + 1];
    onnx_attribute attributes[ONNX_MAX_EDGES + 1];
} onnx_node;

cnx_status onnx_graph_open(onnx_graph **out, cnx_error *err);
void onnx_graph_close(onnx_graph **graph);

/* All names are copied. */
void onnx_graph_input(onnx_graph *g, const char *name, int rank, const int64_t *shape);
void onnx_graph_output(onnx_graph *g, const char *name, int rank, const int64_t *shape);
void onnx_graph_node(onnx_graph *g, const onnx_node *node);
/* Constants.  values: from cnx_alloc, taken over by the graph (whatever happens). */
void onnx_graph_floats(onnx_graph *g, const char *name, int rank, const int64_t *shape,
                       float *values);
void onnx_graph_float(onnx_graph *g, const char *name, float value);
void onnx_graph_ints(onnx_graph *g, const char *name, int count, const int64_t *values);

/* Refuses what a Protocol Buffers message cannot hold: 2 GiB and more. */
cnx_status onnx_graph_write(const onnx_graph *g, const char *path, cnx_error *err);

#endif
