/*
 * What the segmentors, detectors or classifiers that share a model's weights share: description, kernels,
 * packed weights.  Written while it is opened, only read from then on.  Each task's network begins
 * with a cnx_network, and a cnx_network_kind tells what comes after it.
 */
#ifndef CNX_HEADS_NETWORK_H
#define CNX_HEADS_NETWORK_H

#include <stdatomic.h>

#include "heads/model.h"

typedef struct cnx_network_kind cnx_network_kind;

typedef struct cnx_network {
    const cnx_network_kind *kind;
    atomic_int holders; /* the last one frees it */
    bool planning;      /* without weights: for plans, never run */
    cnx_description description;
    cnx_kernels kernels;
    cnx_convnext *backbone;
} cnx_network;

struct cnx_network_kind {
    cnx_task task;
    size_t size;          /* of the struct that begins with a cnx_network */
    const char *backbone; /* prefix of its tensors */
    bool output_norms;    /* of the backbone */
    /* weights: NULL for planning.  What failed is closed by `close`, which accepts a head that was never
     * opened. */
    cnx_status (*open_head)(cnx_network *net, cnx_weights *weights, int threads, cnx_error *err);
    size_t (*head_bytes)(const cnx_network *net); /* of packed weights; 0 without weights */
    void (*close_head)(cnx_network *net);
};

/* A zeroed network of a kind with one holder, for its own fields to be set. */
cnx_status cnx_network_new(cnx_network **out, const cnx_network_kind *kind, cnx_error *err);
/* Reads and packs the weights of a new network, by so many threads (at least 1; options->threads is
 * not looked at); the model file may be closed afterwards.  Weights that alone exceed max_memory are
 * CNX_ERR_MEMORY.  A failed one is still to be let go. */
cnx_status cnx_network_open(cnx_network *net, cnx_model_file *file,
                            const cnx_model_options *options, int threads, cnx_error *err);
void cnx_network_share(cnx_network *net);  /* one holder more */
void cnx_network_let_go(cnx_network *net); /* accepts NULL */

size_t cnx_network_bytes(const cnx_network *net); /* of packed weights */

#endif
