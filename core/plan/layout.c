/*
 * Laying the maps out in one arena.
 *
 * Two maps may share memory when no node needs both.  Maps are placed from the largest down, each
 * at the lowest offset where it collides with none already placed whose life overlaps its own; for
 * networks of this kind that comes within a few per cent of the lower bound (the largest sum of
 * live maps at any node).
 */
#include <stdlib.h>

#include "core/memory.h"
#include "core/plan/plan_internal.h"

static bool lives_overlap(const cnx_buffer *a, const cnx_buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static int larger_first(const void *a, const void *b)
{
    const cnx_buffer *x = *(cnx_buffer *const *)a, *y = *(cnx_buffer *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return (x > y) - (x < y); /* same array: the order of creation */
}

/* The lowest free place for `buffer` among those already placed. */
static size_t find_place(cnx_buffer *const *placed, int count, const cnx_buffer *buffer)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < count; i++) {
            const cnx_buffer *other = placed[i];
            if (lives_overlap(buffer, other) && offset < other->offset + other->bytes &&
                other->offset < offset + buffer->bytes) {
                offset = other->offset + other->bytes;
                moved = true;
            }
        }
    }
    return offset;
}

static size_t concat_scratch(const cnx_plan *plan, const cnx_node *node)
{
    int h[CNX_MAX_CONCAT], w[CNX_MAX_CONCAT];
    for (int i = 0; i < node->layer.concat->inputs; i++) {
        h[i] = node->more[i].h;
        w[i] = node->more[i].w;
    }
    return cnx_concat_conv_scratch(node->layer.concat, plan->kernels, h, w, plan->threads);
}

static size_t node_scratch(const cnx_plan *plan, const cnx_node *node)
{
    const int threads = plan->threads;
    switch (node->kind) {
    case NODE_CONV:
        return cnx_conv_scratch(node->layer.conv, plan->kernels, node->in.h, node->in.w, threads);
    case NODE_CONCAT_CONV:
        return concat_scratch(plan, node);
    case NODE_MLP:
        return cnx_mlp_scratch(node->layer.mlp, plan->kernels, node->in.h, node->in.w, threads);
    case NODE_RESIZE:
    case NODE_RESIZE_ADD:
        return cnx_resize_scratch(node->in.w, node->out.w, node->out.h, node->in.c, threads);
    default:
        return 0;
    }
}

cnx_status cnx_plan_layout(cnx_plan *plan, cnx_error *err)
{
    cnx_buffer **order = malloc((size_t)(plan->buffer_count + 1) * sizeof *order);
    CNX_FAIL_IF(!order, CNX_ERR_MEMORY, "not enough memory for a plan");
    int count = 0;
    for (int i = 0; i < plan->buffer_count; i++)
        if (plan->buffers[i].external < 0 && plan->buffers[i].first >= 0)
            order[count++] = &plan->buffers[i];
    qsort(order, (size_t)count, sizeof *order, larger_first);
    size_t end = 0;
    for (int i = 0; i < count; i++) {
        order[i]->offset = find_place(order, i, order[i]);
        if (order[i]->offset + order[i]->bytes > end)
            end = order[i]->offset + order[i]->bytes;
    }
    free(order);
    plan->scratch_bytes = 0;
    for (int i = 0; i < plan->node_count; i++) {
        const size_t bytes = node_scratch(plan, &plan->nodes[i]);
        if (bytes > plan->scratch_bytes)
            plan->scratch_bytes = bytes;
    }
    plan->scratch_offset = cnx_round_up(end, CNX_ALIGNMENT);
    plan->arena_bytes = plan->scratch_offset + cnx_round_up(plan->scratch_bytes, CNX_ALIGNMENT);
    return CNX_OK;
}
