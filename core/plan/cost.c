#include "core/plan/cost.h"

#include "core/plan/plan_internal.h"

static double values(cnx_value map)
{
    return (double)map.h * map.w * map.c;
}

/* What follows the multiply-adds of a convolution or linear layer. */
static void add_form(cnx_cost *cost, cnx_conv_form form, cnx_activation act, double outputs)
{
    if (form == CNX_FORM_CONV)
        cost->conv_bias = outputs;
    else if (form == CNX_FORM_BATCHNORM)
        cost->batchnorm = outputs;
    else
        cost->linear_bias = outputs;
    if (act == CNX_ACT_RELU)
        cost->relu = outputs;
    else if (act == CNX_ACT_GELU)
        cost->gelu = outputs;
}

static cnx_cost conv_cost(const cnx_plan *plan, const cnx_node *node)
{
    const cnx_conv *conv = node->layer.conv;
    cnx_cost cost = {.products = node->macs, .weight_bytes = cnx_conv_bytes(conv, plan->kernels)};
    *(conv->form == CNX_FORM_LINEAR ? &cost.linear_macs : &cost.conv_macs) = node->macs;
    add_form(&cost, conv->form, conv->act, values(node->out));
    return cost;
}

static cnx_cost concat_cost(const cnx_plan *plan, const cnx_node *node)
{
    const cnx_concat_conv *conv = node->layer.concat;
    int h[CNX_MAX_CONCAT], w[CNX_MAX_CONCAT];
    cnx_cost cost = {.conv_macs = node->macs,
                     .weight_bytes = cnx_concat_conv_bytes(conv, plan->kernels)};
    for (int i = 0; i < conv->inputs; i++) {
        h[i] = node->more[i].h;
        w[i] = node->more[i].w;
        if (i > 0) /* the definition resizes it to the first one's size */
            cost.resize += (double)h[0] * w[0] * conv->in_c[i];
    }
    cost.products = cnx_concat_conv_products(conv, h, w);
    add_form(&cost, conv->form, conv->relu ? CNX_ACT_RELU : CNX_ACT_NONE, values(node->out));
    return cost;
}

/* LayerNorm, linear, GELU, [GRN,] linear, [layer scale,] residual. */
static cnx_cost mlp_cost(const cnx_plan *plan, const cnx_node *node)
{
    const cnx_mlp *mlp = node->layer.mlp;
    const double narrow = values(node->out), wide = narrow / mlp->c * mlp->hidden;
    return (cnx_cost){.linear_macs = node->macs,
                      .products = node->macs,
                      .linear_bias = narrow + wide,
                      .layernorm = narrow,
                      .gelu = wide,
                      .grn = mlp->grn ? wide : 0,
                      .scale = mlp->grn || mlp->unscaled ? 0 : narrow,
                      .residual = narrow,
                      .weight_bytes = cnx_mlp_bytes(mlp, plan->kernels)};
}

cnx_cost cnx_plan_cost(const cnx_plan *plan, int row)
{
    const cnx_node *node = &plan->nodes[row];
    const double written = values(node->out);
    cnx_cost cost = {0};
    switch (node->kind) {
    case NODE_CONV:
        cost = conv_cost(plan, node);
        break;
    case NODE_CONCAT_CONV:
        cost = concat_cost(plan, node);
        break;
    case NODE_DWCONV:
        cost.conv_macs = cost.products = node->macs;
        cost.conv_bias = written;
        cost.weight_bytes = cnx_dwconv_bytes(node->layer.dw);
        break;
    case NODE_MLP:
        cost = mlp_cost(plan, node);
        break;
    case NODE_LAYERNORM:
        cost.layernorm = written;
        cost.weight_bytes = 2 * sizeof(float) * (size_t)node->out.c;
        break;
    case NODE_POOL:
        cost.pool = values(node->in);
        break;
    case NODE_RESIZE_ADD:
        cost.residual = written;
        cost.resize = written;
        break;
    case NODE_RESIZE:
        cost.resize = written;
        break;
    case NODE_NEAREST_ADD:
        cost.residual = written;
        break;
    case NODE_SUBSAMPLE:
        break;
    case NODE_MARK:
        return cost;
    }
    cost.activated = written;
    return cost;
}

/* sum += cost * items, but for the weights. */
static void add_items(cnx_cost *sum, const cnx_cost *cost, double items)
{
    sum->conv_macs += items * cost->conv_macs;
    sum->linear_macs += items * cost->linear_macs;
    sum->products += items * cost->products;
    sum->conv_bias += items * cost->conv_bias;
    sum->linear_bias += items * cost->linear_bias;
    sum->layernorm += items * cost->layernorm;
    sum->batchnorm += items * cost->batchnorm;
    sum->gelu += items * cost->gelu;
    sum->relu += items * cost->relu;
    sum->relu_called += items * cost->relu_called;
    sum->scale += items * cost->scale;
    sum->residual += items * cost->residual;
    sum->grn += items * cost->grn;
    sum->pool += items * cost->pool;
    sum->resize += items * cost->resize;
    sum->activated += items * cost->activated;
}

void cnx_cost_add(cnx_cost *sum, const cnx_cost *cost)
{
    add_items(sum, cost, 1);
    sum->weight_bytes += cost->weight_bytes;
}

cnx_cost cnx_cost_times(const cnx_cost *cost, double items)
{
    cnx_cost all = {.weight_bytes = cost->weight_bytes};
    add_items(&all, cost, items);
    return all;
}

double cnx_cost_macs(const cnx_cost *cost)
{
    return cost->conv_macs + cost->linear_macs;
}

/*
 * For each value:
 *   LayerNorm   mean 1, centring 1, variance 2, division 1, affine part 2
 *   BatchNorm   2 (statistics are constants)       bias, layer scale, residual, ReLU   1
 *   GELU        x / sqrt 2, erf, 1 +, x *, / 2     GRN   square and sum 2, norm over the mean 1,
 *   resize      4 products and 3 sums of them            x n 1, affine part 2, + x 1
 */
static double exact_flops(const cnx_cost *cost)
{
    return 2 * cnx_cost_macs(cost) + cost->conv_bias + cost->linear_bias + 7 * cost->layernorm +
           2 * cost->batchnorm + 5 * cost->gelu + cost->relu + cost->relu_called + cost->scale +
           cost->residual + 7 * cost->grn + cost->pool + 7 * cost->resize;
}

double cnx_cost_flops(const cnx_cost *cost, cnx_convention convention)
{
    const double macs = cnx_cost_macs(cost);
    switch (convention) {
    case CNX_COUNT_MMCV:
        return macs + cost->conv_bias + 2 * cost->batchnorm + cost->relu + cost->pool;
    case CNX_COUNT_FVCORE:
        return macs + 5 * cost->layernorm + 2 * cost->batchnorm + 4 * cost->resize + cost->pool;
    case CNX_COUNT_EXACT:
        return exact_flops(cost);
    case CNX_COUNT_MACS:
    case CNX_CONVENTIONS:
        break;
    }
    return macs;
}

size_t cnx_plan_weight_bytes(const cnx_plan *plan)
{
    size_t bytes = 0;
    for (int i = 0; i < plan->node_count; i++)
        bytes += cnx_plan_cost(plan, i).weight_bytes;
    return bytes;
}
