/* The head of a classifier: global average pool, LayerNorm, linear layer. */
#ifndef CNX_HEADS_LINEAR_H
#define CNX_HEADS_LINEAR_H

#include "backbone/convnext.h"

typedef struct cnx_linear_desc {
    int width, classes;
    float eps; /* LayerNorm's */
} cnx_linear_desc;

typedef struct cnx_linear cnx_linear;

/* Declares norm.* and head.*. */
void cnx_linear_expect(const cnx_linear_desc *desc, cnx_weights *weights);
/* Reads and packs them.  weights NULL: for planning only. */
cnx_status cnx_linear_open(cnx_linear **out, const cnx_linear_desc *desc, cnx_weights *weights,
                           const cnx_kernels *kernels, cnx_error *err);
void cnx_linear_close(cnx_linear **head);
size_t cnx_linear_bytes(const cnx_linear *head);

/* Adds the head to a plan.  feature: the last map, before any output norm.  *logits is the external
 * [1, 1, classes]. */
cnx_status cnx_linear_plan(const cnx_linear *head, cnx_plan *plan, cnx_value feature,
                           cnx_value *logits, cnx_error *err);

#endif
