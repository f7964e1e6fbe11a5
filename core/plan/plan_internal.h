/* The plan's own data, shared by the files that build, lay out and run it. */
#ifndef CNX_CORE_PLAN_INTERNAL_H
#define CNX_CORE_PLAN_INTERNAL_H

#include "core/plan/plan.h"

typedef enum node_kind {
    NODE_CONV,
    NODE_CONCAT_CONV,
    NODE_DWCONV,
    NODE_MLP,
    NODE_LAYERNORM,
    NODE_POOL,
    NODE_RESIZE,
    NODE_RESIZE_ADD,
    NODE_NEAREST_ADD,
    NODE_SUBSAMPLE,
    NODE_MARK
} node_kind;

typedef struct cnx_node {
    node_kind kind;
    char *name; /* owned */
    cnx_value in, out;
    cnx_value more[CNX_MAX_CONCAT]; /* NODE_CONCAT_CONV: all its inputs */
    union {
        const cnx_conv *conv;
        const cnx_concat_conv *concat;
        const cnx_dwconv *dw;
        const cnx_mlp *mlp;
        struct {
            const float *weight, *bias;
            float eps;
        } norm;
    } layer; /* borrowed from the network */
    double macs;
    size_t scratch_bytes, scratch_offset; /* in the arena */
} cnx_node;

/* Memory behind a value id. */
typedef struct cnx_buffer {
    int h, w, c;
    int external;    /* index into the run's external maps, or -1 */
    int first, last; /* nodes that touch it; first -1: none */
    int over;        /* the buffer whose memory it takes over at its first node, or -1 */
    int until;       /* node until which the memory is needed, by one that takes over included */
    size_t bytes;
    size_t offset; /* in the arena; of an external one, where it may lie, or CNX_NO_ROOM */
} cnx_buffer;

struct cnx_plan {
    const cnx_kernels *kernels;
    int threads;
    bool spare_scratch;
    cnx_node *nodes;
    int node_count, node_room;
    cnx_buffer *buffers;
    int buffer_count, buffer_room;
    int external_count;
    cnx_node discarded; /* written and never read: what a failed addition returns */
    cnx_status status;  /* the first failure while building */
    cnx_error failure;
    size_t arena_bytes;
    double macs;
};

/* Gives each map and all scratch their places; sets the arena's size. */
cnx_status cnx_plan_layout(cnx_plan *plan, cnx_error *err);

#endif
