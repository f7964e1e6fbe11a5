/*
 * The plan: a network for one input size, as a list of operations on maps whose life times are
 * known.
 *
 * Networks add values (maps) and nodes (operations) to a plan; cnx_plan_finish lays the values and
 * the scratch of the nodes out in one arena, so that what is not needed at the same time shares
 * memory.  Peak memory, multiply-adds
 * and parameters are read from the same list that runs.
 */
#ifndef CNX_CORE_PLAN_H
#define CNX_CORE_PLAN_H

#include "core/ops/block.h"
#include "core/ops/concat_conv.h"
#include "core/ops/conv.h"
#include "core/ops/pixelwise.h"
#include "core/ops/pyramid.h"

typedef struct cnx_plan cnx_plan;

/* A map of the plan. */
typedef struct cnx_value {
    int id;
    int h, w, c;
} cnx_value;

cnx_status cnx_plan_open(cnx_plan **out, const cnx_kernels *kernels, int threads, cnx_error *err);
void cnx_plan_close(cnx_plan **plan);

/* Operations that can do with less scratch, in smaller pieces, get the least.  Before the plan is
 * finished. */
void cnx_plan_spare_scratch(cnx_plan *plan);

/* A new map.  Failures inside (memory, sizes) are remembered and told by cnx_plan_finish. */
cnx_value cnx_plan_map(cnx_plan *plan, int h, int w, int c);
/* The caller's own memory, given to each run: input and output. */
cnx_value cnx_plan_external(cnx_plan *plan, int h, int w, int c);

/* Nodes.  `name` is the layer's, as reports show it ("backbone.stages.0.0.dwconv"); copied. Weights
 * may be without packed data in a plan that is never run. */
void cnx_plan_conv(cnx_plan *plan, const char *name, const cnx_conv *conv, cnx_value in,
                   cnx_value out);
/* in: conv->inputs maps.  Counts as the convolution of the concatenation that it stands for. */
void cnx_plan_concat_conv(cnx_plan *plan, const char *name, const cnx_concat_conv *conv,
                          const cnx_value in[], cnx_value out);
void cnx_plan_dwconv(cnx_plan *plan, const char *name, const cnx_dwconv *dw, cnx_value in,
                     cnx_value out);
void cnx_plan_mlp(cnx_plan *plan, const char *name, const cnx_mlp *mlp, cnx_value y, cnx_value x);
void cnx_plan_layernorm(cnx_plan *plan, const char *name, const float *weight, const float *bias,
                        float eps, cnx_value in, cnx_value out);
void cnx_plan_pool(cnx_plan *plan, const char *name, cnx_value in, cnx_value out);
void cnx_plan_resize(cnx_plan *plan, const char *name, cnx_value in, cnx_value out, bool add);
void cnx_plan_nearest_add(cnx_plan *plan, const char *name, cnx_value in, cnx_value out);
void cnx_plan_subsample(cnx_plan *plan, const char *name, cnx_value in, cnx_value out);

/* Names a map at this point of the list, for taps: what it holds after the node added last. */
void cnx_plan_mark(cnx_plan *plan, const char *name, cnx_value value);

/* Lays out the arena.  Nothing can be added afterwards. */
cnx_status cnx_plan_finish(cnx_plan *plan, cnx_error *err);

size_t cnx_plan_arena_bytes(const cnx_plan *plan);  /* maps and scratch */
size_t cnx_plan_weight_bytes(const cnx_plan *plan); /* packed, of all nodes */
double cnx_plan_macs(const cnx_plan *plan);
/* What of the arena is in use while row `index` runs. */
size_t cnx_plan_live_bytes(const cnx_plan *plan, int index);

/* The list, for reports: name, operation, multiply-adds, output shape of node i. */
typedef struct cnx_plan_row {
    const char *name;
    const char *op;
    int h, w, c;
    double macs;
} cnx_plan_row;
int cnx_plan_rows(const cnx_plan *plan);
cnx_plan_row cnx_plan_row_at(const cnx_plan *plan, int index);

/* What each row took, in seconds, added up over runs.  Zero-initialise; the caller frees. */
typedef struct cnx_plan_clock {
    int rows; /* room; rows beyond it are not timed */
    double *seconds;
} cnx_plan_clock;

/* Called with a marked map, when it holds what was marked. */
typedef void (*cnx_plan_tap)(void *user, const char *name, cnx_map map);

/* What a run calls back; any of them may be NULL. */
typedef struct cnx_plan_hooks {
    cnx_plan_tap tap; /* each marked map */
    /* Before each node, with the share of the multiply-adds done; false stops the run. */
    bool (*step)(void *user, double done);
    void *user;
    cnx_plan_clock *clock;
} cnx_plan_hooks;

/* Where a map lies in an arena (or among the externals), after a run what it held at its last node: for
 * maps that are marked after all nodes. */
cnx_map cnx_plan_value_map(const cnx_plan *plan, cnx_value value, void *arena,
                           float *const external[]);

/* Where in the arena, in bytes, the caller may put its external map `index` (in the order of their
 * creation): what is read from the start of a run until the last node that reads it, what is written from that
 * node until the end.  CNX_NO_ROOM: nowhere. */
#define CNX_NO_ROOM SIZE_MAX
size_t cnx_plan_external_room(const cnx_plan *plan, int index);

/* Runs all nodes.  arena: cnx_plan_arena_bytes, 64-byte aligned.  external: the maps bound to the
 * external values, in the order of their creation.  hooks may be NULL.  False when a step stopped
 * it. */
bool cnx_plan_run(const cnx_plan *plan, void *arena, float *const external[],
                  const cnx_plan_hooks *hooks);

#endif
