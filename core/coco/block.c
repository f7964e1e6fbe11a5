#include "core/coco/block.h"

#include <stdlib.h>

#include "core/memory.h"

struct cnx_coco_block {
    cnx_coco_block *next;
    size_t used, room;
    double data[];
};

void *cnx_coco_block_alloc(cnx_coco_block **list, size_t size)
{
    enum { BLOCK = 256 * 1024 };
    cnx_coco_block *block = *list;
    if (size > SIZE_MAX / 2)
        return NULL;
    size = cnx_round_up(size, sizeof(double));
    if (!block || block->room - block->used < size) {
        const size_t room = size > BLOCK ? size : BLOCK;
        block = malloc(sizeof *block + room);
        if (!block)
            return NULL;
        *block = (cnx_coco_block){.next = *list, .room = room};
        *list = block;
    }
    void *memory = (char *)block->data + block->used;
    block->used += size;
    return memory;
}

void cnx_coco_block_move(cnx_coco_block **to, cnx_coco_block **from)
{
    cnx_coco_block **end = from;
    while (*end)
        end = &(*end)->next;
    *end = *to;
    *to = *from;
    *from = NULL;
}

void cnx_coco_block_free(cnx_coco_block **list)
{
    while (*list) {
        cnx_coco_block *next = (*list)->next;
        free(*list);
        *list = next;
    }
}
