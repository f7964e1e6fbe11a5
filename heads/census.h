/*
 * What a network costs for one size of input, layer by layer: parameters, operations, memory.
 *
 * It is read from the plan that a run would follow, and from the tensors that the model declares;
 * no weight is read.
 */
#ifndef CNX_HEADS_CENSUS_H
#define CNX_HEADS_CENSUS_H

#include "core/plan/cost.h"
#include "heads/model.h"

typedef struct cnx_census_row {
    char name[96]; /* the layer's: "backbone.stages.0.0.mlp" */
    const char *op;
    int part;       /* index into parts */
    int h, w, c;    /* its output, of one item */
    int items;      /* that go through it for one picture: 1, or the number of regions */
    int plan, line; /* which plan and which row of it this is; -1: of none */
    size_t parameters;
    size_t live_bytes; /* of feature maps and scratch while it runs */
    cnx_cost cost;     /* of all items together */
} cnx_census_row;

typedef struct cnx_census_part {
    const char *name; /* "stage 1", "fusion", ... */
    size_t parameters;
    cnx_cost cost;
} cnx_census_part;

enum { CNX_CENSUS_PARTS = 24 };

typedef struct cnx_census {
    cnx_census_row *rows; /* owned; in the order in which they run */
    int count, room;
    cnx_census_part parts[CNX_CENSUS_PARTS]; /* in the order in which they begin */
    int part_count;
    int h, w;
    cnx_cost total;
    size_t parameters;     /* that the model needs to run */
    size_t all_parameters; /* with an auxiliary head, as published figures have them */
    size_t arena_bytes;    /* feature maps and scratch, as they share memory */
    size_t picture_bytes;  /* picture, input, result */
    size_t peak_bytes;     /* those and the packed weights */
} cnx_census;

typedef struct cnx_census_options {
    int threads;         /* scratch depends on it; 0: cnx_threads_available() */
    const char *kernels; /* NULL: auto */
    cnx_weight_type weights;
} cnx_census_options;

/* h, w: of the network's input.  options may be NULL. */
cnx_status cnx_census_take(cnx_census *out, cnx_model_file *file, int h, int w,
                           const cnx_census_options *options, cnx_error *err);
void cnx_census_free(cnx_census *census); /* accepts a zeroed one */

/* FLOPs under a convention, as the published figures of this task take it. */
double cnx_census_flops(const cnx_description *d, const cnx_cost *cost, cnx_convention convention);
/* The convention of a task's published figures. */
cnx_convention cnx_census_convention(cnx_task task);

/* The input that the model's test pipeline gives the network: a window, a classifier's crop, the
 * largest picture of a detector. */
void cnx_census_input(const cnx_description *d, int *h, int *w);

#endif
