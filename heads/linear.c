/*
 * The classifier's head as ConvNeXt has it:
 *
 *   pooled   mean of the last map over all its pixels                    [1, 1, C]
 *   normed   LayerNorm (its eps is that of the backbone's)               [1, 1, C]
 *   logits   linear C -> classes, bias                                   [1, 1, classes]
 */
#include "heads/linear.h"

#include <stdlib.h>

#include "backbone/layers.h"

struct cnx_linear {
    cnx_linear_desc desc;
    cnx_affine norm;
    cnx_conv linear; /* 1x1 */
};

void cnx_linear_expect(const cnx_linear_desc *desc, cnx_weights *weights)
{
    const int64_t classes = desc->classes;
    cnx_expect_affine(weights, "norm", desc->width);
    cnx_weights_expect(weights, "head.weight", 2, (const int64_t[]){classes, desc->width});
    cnx_weights_expect(weights, "head.bias", 1, &classes);
}

cnx_status cnx_linear_open(cnx_linear **out, const cnx_linear_desc *desc, cnx_weights *weights,
                           const cnx_kernels *kernels, cnx_error *err)
{
    cnx_linear *head = calloc(1, sizeof *head);
    cnx_status status = CNX_OK;
    *out = head;
    CNX_FAIL_IF(!head, CNX_ERR_MEMORY, "not enough memory for the head");
    head->desc = *desc;
    const cnx_conv_spec spec = {.kind = CNX_CONV_1X1,
                                .size = 1,
                                .in_c = desc->width,
                                .out_c = desc->classes,
                                .act = CNX_ACT_NONE};
    if (weights)
        CNX_CHECK(cnx_load_affine(&head->norm, weights, "norm", desc->width, err));
    CNX_CHECK(cnx_load_conv(&head->linear, weights, kernels, "head", spec, err));
    head->linear.form = CNX_FORM_LINEAR;
cleanup:
    if (status != CNX_OK)
        cnx_linear_close(out);
    return status;
}

void cnx_linear_close(cnx_linear **head)
{
    if (!*head)
        return;
    cnx_affine_free(&(*head)->norm);
    cnx_conv_free(&(*head)->linear);
    free(*head);
    *head = NULL;
}

size_t cnx_linear_bytes(const cnx_linear *head)
{
    return head->linear.bytes + 2 * sizeof(float) * (size_t)head->desc.width;
}

cnx_status cnx_linear_plan(const cnx_linear *head, cnx_plan *plan, cnx_value feature,
                           cnx_value *logits, cnx_error *err)
{
    CNX_FAIL_IF(feature.c != head->desc.width, CNX_ERR_INTERNAL,
                "the last map has %d channels, the head wants %d", feature.c, head->desc.width);
    const cnx_value pooled = cnx_plan_map(plan, 1, 1, feature.c);
    const cnx_value normed = cnx_plan_map(plan, 1, 1, feature.c);
    cnx_plan_pool(plan, "pool", feature, pooled);
    cnx_plan_mark(plan, "pooled", pooled);
    cnx_plan_layernorm(plan, "norm", head->norm.weight, head->norm.bias, head->desc.eps, pooled,
                       normed);
    cnx_plan_mark(plan, "pooled_norm", normed);
    *logits = cnx_plan_external(plan, 1, 1, head->desc.classes);
    cnx_plan_conv(plan, "head", &head->linear, normed, *logits);
    cnx_plan_mark(plan, "logits", *logits);
    return CNX_OK;
}
