/* Running a plan. */
#include "core/clock.h"
#include "core/plan/plan_internal.h"

static cnx_map resolve(const cnx_plan *plan, cnx_value value, char *arena, float *const external[])
{
    const cnx_buffer *buffer = &plan->buffers[value.id];
    float *data =
        buffer->external >= 0 ? external[buffer->external] : (float *)(arena + buffer->offset);
    return cnx_map_dense(data, value.h, value.w, value.c);
}

static void run_node(const cnx_node *node, const cnx_exec *exec, const cnx_map *more, cnx_map in,
                     cnx_map out)
{
    switch (node->kind) {
    case NODE_CONV:
        cnx_conv_run(exec, node->layer.conv, in, out, (cnx_map){0});
        break;
    case NODE_CONCAT_CONV:
        cnx_concat_conv_run(exec, node->layer.concat, more, out);
        break;
    case NODE_DWCONV:
        cnx_dwconv_run(exec, node->layer.dw, in, out);
        break;
    case NODE_MLP:
        cnx_mlp_run(exec, node->layer.mlp, in, out);
        break;
    case NODE_LAYERNORM:
        cnx_layernorm_run(exec, node->layer.norm.weight, node->layer.norm.bias,
                          node->layer.norm.eps, in, out);
        break;
    case NODE_POOL:
        cnx_adaptive_avg_pool_run(exec, in, out);
        break;
    case NODE_RESIZE:
    case NODE_RESIZE_ADD:
        cnx_resize_run(exec, in, out, node->kind == NODE_RESIZE_ADD);
        break;
    case NODE_NEAREST_ADD:
        cnx_nearest_add_run(exec, in, out);
        break;
    case NODE_SUBSAMPLE:
        cnx_subsample_run(exec, in, out);
        break;
    case NODE_MARK:
        break;
    }
}

cnx_map cnx_plan_value_map(const cnx_plan *plan, cnx_value value, void *arena,
                           float *const external[])
{
    return resolve(plan, value, arena, external);
}

bool cnx_plan_run(const cnx_plan *plan, void *arena, float *const external[],
                  const cnx_plan_hooks *hooks)
{
    double done = 0;
    for (int i = 0; i < plan->node_count; i++) {
        const cnx_node *node = &plan->nodes[i];
        if (hooks && hooks->step && !hooks->step(hooks->user, done / (plan->macs + 1)))
            return false;
        const cnx_exec exec = {.k = plan->kernels,
                               .threads = plan->threads,
                               .scratch = (char *)arena + node->scratch_offset,
                               .scratch_size = node->scratch_bytes};
        const cnx_map in = resolve(plan, node->in, arena, external);
        const cnx_map out = resolve(plan, node->out, arena, external);
        cnx_map more[CNX_MAX_CONCAT];
        for (int m = 0; node->kind == NODE_CONCAT_CONV && m < node->layer.concat->inputs; m++)
            more[m] = resolve(plan, node->more[m], arena, external);
        const double start = hooks && hooks->clock ? cnx_now() : 0;
        run_node(node, &exec, more, in, out);
        if (hooks && hooks->clock && i < hooks->clock->rows)
            hooks->clock->seconds[i] += cnx_now() - start;
        if (node->kind == NODE_MARK && hooks && hooks->tap)
            hooks->tap(hooks->user, node->name, out);
        done += node->macs;
    }
    return true;
}
