/*
 * What the operations of a plan cost: counts of their definition, the products that are really made,
 * and the memory of their weights.
 *
 * The counts are of the network as its authors define it, before anything is folded, fused or
 * rewritten; which of them a published figure is made of is a convention (cnx_cost_flops).
 */
#ifndef CNX_CORE_PLAN_COST_H
#define CNX_CORE_PLAN_COST_H

#include "core/plan/plan.h"

typedef struct cnx_cost {
    /* Multiply-adds. */
    double conv_macs;   /* convolutions, of the definition */
    double linear_macs; /* linear layers */
    double products;    /* those that are left to do: Winograd and the fusion do fewer */
    /* Values, each counted once. */
    double conv_bias, linear_bias; /* outputs that a bias is added to */
    double layernorm, batchnorm;   /* that are normalised */
    double gelu, relu;
    double relu_called;  /* by the definition as a function, which no counter of modules sees */
    double scale;        /* by layer scale */
    double residual;     /* sums of two maps */
    double grn;          /* by global response normalisation */
    double pool;         /* read by a pooling */
    double resize;       /* written by a bilinear resize */
    double activated;    /* written by the operation: its output map */
    size_t weight_bytes; /* packed */
} cnx_cost;

cnx_cost cnx_plan_cost(const cnx_plan *plan, int row);
void cnx_cost_add(cnx_cost *sum, const cnx_cost *cost);
/* Of so many items that go through the same weights. */
cnx_cost cnx_cost_times(const cnx_cost *cost, double items);

/* What counts as a floating-point operation. */
typedef enum cnx_convention {
    CNX_COUNT_MACS,   /* multiply-adds of convolutions and linear layers, each as one */
    CNX_COUNT_MMCV,   /* as OpenMMLab's counter: those, biases of convolutions, BatchNorm 2, ReLU 1,
                         pooling 1 for each value read */
    CNX_COUNT_FVCORE, /* as fvcore: multiply-adds, LayerNorm 5, BatchNorm 2, bilinear resize 4,
                         pooling 1 for each value read */
    CNX_COUNT_EXACT, /* every addition, multiplication and function of the definition; a multiply-add
                         is two */
    CNX_CONVENTIONS
} cnx_convention;

double cnx_cost_macs(const cnx_cost *cost);
double cnx_cost_flops(const cnx_cost *cost, cnx_convention convention);

#endif
