/* Building a plan: values, nodes, and what they cost. */
#include "core/plan/plan.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/plan/plan_internal.h"

cnx_status cnx_plan_open(cnx_plan **out, const cnx_kernels *kernels, int threads, cnx_error *err)
{
    cnx_plan *plan = calloc(1, sizeof *plan);
    *out = plan;
    CNX_FAIL_IF(!plan, CNX_ERR_MEMORY, "not enough memory for a plan");
    plan->kernels = kernels;
    plan->threads = threads;
    return CNX_OK;
}

void cnx_plan_spare_scratch(cnx_plan *plan)
{
    plan->spare_scratch = true;
}

void cnx_plan_close(cnx_plan **plan)
{
    if (!*plan)
        return;
    for (int i = 0; i < (*plan)->node_count; i++)
        free((*plan)->nodes[i].name);
    free((*plan)->nodes);
    free((*plan)->buffers);
    free(*plan);
    *plan = NULL;
}

static void remember(cnx_plan *plan, cnx_status status, const char *what)
{
    if (plan->status == CNX_OK)
        plan->status = cnx_fail(&plan->failure, status, "%s", what);
}

/* One more element in a growing array; false when memory ran out. */
static bool grow(void **items, int *room, int count, size_t size)
{
    if (count < *room)
        return true;
    const int more = *room ? *room * 2 : 64;
    void *grown = realloc(*items, (size_t)more * size);
    if (!grown)
        return false;
    *items = grown;
    *room = more;
    return true;
}

static cnx_value add_buffer(cnx_plan *plan, int h, int w, int c, int external)
{
    cnx_value value = {.id = 0, .h = h, .w = w, .c = c};
    size_t bytes = sizeof(float);
    if (h < 1 || w < 1 || c < 1 || !cnx_mul(bytes, (size_t)h, &bytes) ||
        !cnx_mul(bytes, (size_t)w, &bytes) || !cnx_mul(bytes, (size_t)c, &bytes) ||
        bytes > SIZE_MAX / 4) {
        remember(plan, CNX_ERR_ARGUMENT, "a feature map of this size cannot be addressed");
        return value;
    }
    void *buffers = plan->buffers;
    if (!grow(&buffers, &plan->buffer_room, plan->buffer_count, sizeof *plan->buffers)) {
        remember(plan, CNX_ERR_MEMORY, "not enough memory for a plan");
        return value;
    }
    plan->buffers = buffers;
    value.id = plan->buffer_count++;
    plan->buffers[value.id] = (cnx_buffer){.h = h,
                                           .w = w,
                                           .c = c,
                                           .external = external,
                                           .first = -1,
                                           .last = -1,
                                           .over = -1,
                                           .bytes = cnx_round_up(bytes, CNX_ALIGNMENT)};
    return value;
}

cnx_value cnx_plan_map(cnx_plan *plan, int h, int w, int c)
{
    return add_buffer(plan, h, w, c, -1);
}

cnx_value cnx_plan_external(cnx_plan *plan, int h, int w, int c)
{
    return add_buffer(plan, h, w, c, plan->external_count++);
}

static void touch(cnx_plan *plan, cnx_value value, int node)
{
    if (value.id >= plan->buffer_count)
        return; /* it failed to be added; cnx_plan_finish tells */
    cnx_buffer *buffer = &plan->buffers[value.id];
    if (buffer->first < 0)
        buffer->first = node;
    buffer->last = node;
}

static cnx_node *add_node(cnx_plan *plan, node_kind kind, const char *name, cnx_value in,
                          cnx_value out)
{
    void *nodes = plan->nodes;
    char *copy = strdup(name);
    if (!copy || !grow(&nodes, &plan->node_room, plan->node_count, sizeof *plan->nodes)) {
        free(copy);
        remember(plan, CNX_ERR_MEMORY, "not enough memory for a plan");
        return &plan->discarded;
    }
    plan->nodes = nodes;
    const int index = plan->node_count++;
    touch(plan, in, index);
    touch(plan, out, index);
    plan->nodes[index] = (cnx_node){.kind = kind, .name = copy, .in = in, .out = out};
    return &plan->nodes[index];
}

static double pixels(cnx_value value)
{
    return (double)value.h * value.w;
}

void cnx_plan_conv(cnx_plan *plan, const char *name, const cnx_conv *conv, cnx_value in,
                   cnx_value out)
{
    cnx_node *node = add_node(plan, NODE_CONV, name, in, out);
    node->layer.conv = conv;
    node->macs = pixels(out) * conv->size * conv->size * conv->in_c * conv->out_c;
}

void cnx_plan_concat_conv(cnx_plan *plan, const char *name, const cnx_concat_conv *conv,
                          const cnx_value in[], cnx_value out)
{
    cnx_node *node = add_node(plan, NODE_CONCAT_CONV, name, in[0], out);
    node->layer.concat = conv;
    for (int i = 0; i < conv->inputs; i++) {
        node->more[i] = in[i];
        node->macs += pixels(out) * 9.0 * conv->in_c[i] * conv->out_c;
        touch(plan, in[i], plan->node_count - 1);
    }
}

void cnx_plan_dwconv(cnx_plan *plan, const char *name, const cnx_dwconv *dw, cnx_value in,
                     cnx_value out)
{
    cnx_node *node = add_node(plan, NODE_DWCONV, name, in, out);
    node->layer.dw = dw;
    const int edge = dw->edge ? dw->edge : 7;
    node->macs = pixels(out) * edge * edge * out.c;
}

void cnx_plan_mlp(cnx_plan *plan, const char *name, const cnx_mlp *mlp, cnx_value y, cnx_value x)
{
    cnx_node *node = add_node(plan, NODE_MLP, name, y, x);
    node->layer.mlp = mlp;
    node->macs = pixels(x) * 2.0 * mlp->c * mlp->hidden;
}

void cnx_plan_layernorm(cnx_plan *plan, const char *name, const float *weight, const float *bias,
                        float eps, cnx_value in, cnx_value out)
{
    cnx_node *node = add_node(plan, NODE_LAYERNORM, name, in, out);
    node->layer.norm.weight = weight;
    node->layer.norm.bias = bias;
    node->layer.norm.eps = eps;
}

void cnx_plan_pool(cnx_plan *plan, const char *name, cnx_value in, cnx_value out)
{
    add_node(plan, NODE_POOL, name, in, out);
}

void cnx_plan_resize(cnx_plan *plan, const char *name, cnx_value in, cnx_value out, bool add)
{
    add_node(plan, add ? NODE_RESIZE_ADD : NODE_RESIZE, name, in, out);
}

void cnx_plan_nearest_add(cnx_plan *plan, const char *name, cnx_value in, cnx_value out)
{
    add_node(plan, NODE_NEAREST_ADD, name, in, out);
}

void cnx_plan_subsample(cnx_plan *plan, const char *name, cnx_value in, cnx_value out)
{
    add_node(plan, NODE_SUBSAMPLE, name, in, out);
}

void cnx_plan_mark(cnx_plan *plan, const char *name, cnx_value value)
{
    add_node(plan, NODE_MARK, name, value, value);
}

cnx_status cnx_plan_finish(cnx_plan *plan, cnx_error *err)
{
    CNX_FAIL_IF(plan->status != CNX_OK, plan->status, "%s", plan->failure.message);
    plan->macs = 0;
    for (int i = 0; i < plan->node_count; i++)
        plan->macs += plan->nodes[i].macs;
    return cnx_plan_layout(plan, err);
}

size_t cnx_plan_arena_bytes(const cnx_plan *plan)
{
    return plan->arena_bytes;
}

size_t cnx_plan_external_room(const cnx_plan *plan, int index)
{
    for (int i = 0; i < plan->buffer_count; i++)
        if (plan->buffers[i].external == index)
            return plan->buffers[i].offset;
    return CNX_NO_ROOM;
}

double cnx_plan_macs(const cnx_plan *plan)
{
    return plan->macs;
}

size_t cnx_plan_live_bytes(const cnx_plan *plan, int index)
{
    size_t bytes = plan->nodes[index].scratch_bytes;
    for (int i = 0; i < plan->buffer_count; i++) {
        const cnx_buffer *b = &plan->buffers[i];
        const int first = b->over < 0 ? b->first : b->first + 1; /* there it is the other's */
        if (b->external < 0 && b->first >= 0 && first <= index && index <= b->last)
            bytes += b->bytes;
    }
    return bytes;
}

int cnx_plan_rows(const cnx_plan *plan)
{
    return plan->node_count;
}

cnx_plan_row cnx_plan_row_at(const cnx_plan *plan, int index)
{
    static const char *const ops[] = {
        [NODE_CONV] = "conv",           [NODE_CONCAT_CONV] = "conv",
        [NODE_DWCONV] = "dwconv7x7",    [NODE_MLP] = "mlp",
        [NODE_LAYERNORM] = "layernorm", [NODE_POOL] = "adaptive_pool",
        [NODE_RESIZE] = "resize",       [NODE_RESIZE_ADD] = "resize_add",
        [NODE_MARK] = "mark",           [NODE_NEAREST_ADD] = "nearest_add",
        [NODE_SUBSAMPLE] = "subsample"};
    const cnx_node *node = &plan->nodes[index];
    return (cnx_plan_row){.name = node->name,
                          .op = ops[node->kind],
                          .h = node->out.h,
                          .w = node->out.w,
                          .c = node->out.c,
                          .macs = node->macs};
}
