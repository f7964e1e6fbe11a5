/*
 * Laying maps and scratch out in one arena.
 *
 * Two of them may share memory when no node needs both; scratch is needed by its own node alone.
 * They are placed from the largest down, each at the lowest offset where it collides with none
 * already placed whose life overlaps its own; for networks of this kind that comes within a few per
 * cent of the lower bound (the largest sum of what any node needs).
 *
 * A node that may write its output over an input does so when nothing else needs that input.
 */
#include <stdlib.h>

#include "core/memory.h"
#include "core/plan/plan_internal.h"

/* A map, or a node's scratch. */
typedef struct piece {
    int first, last; /* nodes that need it */
    size_t bytes;
    size_t offset;
    size_t *place; /* where the offset is wanted */
} piece;

static bool lives_overlap(const piece *a, const piece *b)
{
    return a->first <= b->last && b->first <= a->last;
}

static int larger_first(const void *a, const void *b)
{
    const piece *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place); /* same array: the order of creation */
}

/* The lowest free place for `wanted` among those already placed. */
static size_t find_place(const piece *placed, int count, const piece *wanted)
{
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < count; i++) {
            const piece *other = &placed[i];
            if (lives_overlap(wanted, other) && offset < other->offset + other->bytes &&
                other->offset < offset + wanted->bytes) {
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
    return plan->spare_scratch
               ? cnx_concat_conv_least_scratch(node->layer.concat, plan->kernels, h, w,
                                               plan->threads)
               : cnx_concat_conv_scratch(node->layer.concat, plan->kernels, h, w, plan->threads);
}

static size_t node_scratch(const cnx_plan *plan, const cnx_node *node)
{
    const int threads = plan->threads;
    switch (node->kind) {
    case NODE_CONV:
        return (plan->spare_scratch ? cnx_conv_least_scratch : cnx_conv_scratch)(
            node->layer.conv, plan->kernels, node->in.h, node->in.w, threads);
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

/* Whether a node's output may take over the memory of its (first) input. */
static bool may_take_over(const cnx_plan *plan, int index)
{
    const cnx_node *node = &plan->nodes[index];
    if (node->kind != NODE_CONCAT_CONV || !cnx_concat_conv_in_place(node->layer.concat))
        return false;
    for (int m = 1; m < node->layer.concat->inputs; m++)
        if (node->more[m].id == node->in.id)
            return false;
    const cnx_buffer *in = &plan->buffers[node->in.id], *out = &plan->buffers[node->out.id];
    return in->external < 0 && out->external < 0 && in->last == index && out->first == index &&
           in->bytes == out->bytes;
}

static void take_over(cnx_plan *plan)
{
    for (int i = 0; i < plan->buffer_count; i++)
        plan->buffers[i].until = plan->buffers[i].last;
    for (int i = plan->node_count - 1; i >= 0; i--)
        if (may_take_over(plan, i)) {
            cnx_buffer *out = &plan->buffers[plan->nodes[i].out.id];
            out->over = plan->nodes[i].in.id;
            plan->buffers[out->over].until = out->until;
        }
}

/* After the others are placed. */
static void place_taken_over(cnx_plan *plan)
{
    for (int i = 0; i < plan->node_count; i++) {
        cnx_buffer *out = &plan->buffers[plan->nodes[i].out.id];
        if (out->over >= 0 && out->first == i)
            out->offset = plan->buffers[out->over].offset;
    }
}

/* The maps that live in the arena, and all scratch.  A map that is taken over lives as long as the one
 * that does so. */
static int list_pieces(cnx_plan *plan, piece *out)
{
    int count = 0;
    for (int i = 0; i < plan->buffer_count; i++) {
        cnx_buffer *b = &plan->buffers[i];
        if (b->external < 0 && b->first >= 0 && b->over < 0)
            out[count++] = (piece){
                .first = b->first, .last = b->until, .bytes = b->bytes, .place = &b->offset};
    }
    for (int i = 0; i < plan->node_count; i++) {
        cnx_node *node = &plan->nodes[i];
        node->scratch_bytes = cnx_round_up(node_scratch(plan, node), CNX_ALIGNMENT);
        if (node->scratch_bytes > 0)
            out[count++] = (piece){.first = i,
                                   .last = i,
                                   .bytes = node->scratch_bytes,
                                   .place = &node->scratch_offset};
    }
    return count;
}

/* External maps may lie where the arena has room anyway.  One that is written lasts until the end, any other
 * from the start; none shares its place with another. */
static void find_room(cnx_plan *plan, piece *pieces, int count)
{
    const int end = plan->node_count - 1;
    for (int i = 0; i < plan->buffer_count; i++) {
        cnx_buffer *b = &plan->buffers[i];
        b->offset = b->external >= 0 ? CNX_NO_ROOM : b->offset;
        if (b->external < 0 || b->first < 0)
            continue;
        const bool written = plan->nodes[b->first].out.id == i;
        piece p = {
            .first = written ? b->first : 0, .last = written ? end : b->last, .bytes = b->bytes};
        p.offset = find_place(pieces, count, &p);
        if (p.offset > plan->arena_bytes || p.bytes > plan->arena_bytes - p.offset)
            continue;
        b->offset = p.offset;
        pieces[count++] = p;
    }
}

cnx_status cnx_plan_layout(cnx_plan *plan, cnx_error *err)
{
    const size_t most =
        (size_t)plan->buffer_count + (size_t)plan->node_count + 1; /* all, and one */
    piece *pieces = malloc(most * sizeof *pieces);
    CNX_FAIL_IF(!pieces, CNX_ERR_MEMORY, "not enough memory for a plan");
    take_over(plan);
    const int count = list_pieces(plan, pieces);
    qsort(pieces, (size_t)count, sizeof *pieces, larger_first);
    plan->arena_bytes = 0;
    for (int i = 0; i < count; i++) {
        piece *p = &pieces[i];
        *p->place = p->offset = find_place(pieces, i, p);
        if (p->offset + p->bytes > plan->arena_bytes)
            plan->arena_bytes = p->offset + p->bytes;
    }
    find_room(plan, pieces, count);
    free(pieces);
    place_taken_over(plan);
    return CNX_OK;
}
