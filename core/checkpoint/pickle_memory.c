/* The unpickler's memory: an arena for values, growing arrays for stack and memo, one budget. */
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/pickle_machine.h"

/* Far beyond any published checkpoint's pickle (they need a few megabytes); a hostile one can ask
 * for some 60 bytes of memory with each of its bytes. */
static const size_t budget = (size_t)256 << 20;

enum { FIRST_BLOCK = 16 * 1024, LARGEST_BLOCK = 1024 * 1024, GRAIN = 16 };

/* The newest block first. */
struct cnx_arena {
    struct cnx_arena *next;
    size_t used, size;
    _Alignas(GRAIN) unsigned char bytes[];
};

static cnx_status spend(cnx_pickle *pickle, size_t size, cnx_error *err)
{
    CNX_FAIL_IF(size > budget - pickle->used, CNX_ERR_MEMORY,
                "the pickle needs more than %zu MB of memory; no checkpoint's does", budget >> 20);
    pickle->used += size;
    return CNX_OK;
}

static cnx_status new_block(cnx_pickle *pickle, size_t need, cnx_error *err)
{
    size_t size = pickle->arena ? 2 * pickle->arena->size : FIRST_BLOCK;
    if (size > LARGEST_BLOCK)
        size = LARGEST_BLOCK;
    if (size < need)
        size = need;
    CNX_TRY(spend(pickle, size, err));
    struct cnx_arena *block = calloc(1, sizeof *block + size);
    CNX_FAIL_IF(!block, CNX_ERR_MEMORY, "not enough memory for the pickle");
    block->next = pickle->arena;
    block->size = size;
    pickle->arena = block;
    return CNX_OK;
}

cnx_status cnx_pickle_alloc(cnx_pickle *pickle, void **out, size_t size, cnx_error *err)
{
    CNX_FAIL_IF(size > budget, CNX_ERR_MEMORY, "the pickle needs too much memory");
    size = (size + GRAIN - 1) / GRAIN * GRAIN;
    if (!pickle->arena || size > pickle->arena->size - pickle->arena->used)
        CNX_TRY(new_block(pickle, size, err));
    *out = pickle->arena->bytes + pickle->arena->used;
    pickle->arena->used += size;
    return CNX_OK;
}

void cnx_pickle_free(cnx_pickle *pickle)
{
    while (pickle->arena) {
        struct cnx_arena *next = pickle->arena->next;
        free(pickle->arena);
        pickle->arena = next;
    }
    *pickle = (cnx_pickle){0};
}

cnx_status cnx_pickle_new_items(cnx_pickle *pickle, cnx_pickle_items **out,
                                const cnx_pickle_value *values, size_t count, cnx_error *err)
{
    void *memory = NULL;
    CNX_TRY(cnx_pickle_alloc(pickle, &memory, sizeof **out, err));
    *out = memory;
    return cnx_pickle_append(pickle, *out, values, count, err);
}

/* Count never passes budget / sizeof(value): the stack that the values come from is in the budget.
 * What a grown array leaves behind in the arena is at most as large as itself. */
cnx_status cnx_pickle_append(cnx_pickle *pickle, cnx_pickle_items *items,
                             const cnx_pickle_value *values, size_t count, cnx_error *err)
{
    if (count == 0)
        return CNX_OK;
    if (count > items->room - items->count) {
        size_t room = items->count + count;
        if (items->room && room < 2 * items->room)
            room = 2 * items->room;
        void *memory = NULL;
        CNX_TRY(cnx_pickle_alloc(pickle, &memory, room * sizeof *values, err));
        if (items->count)
            memcpy(memory, items->values, items->count * sizeof *values);
        items->values = memory;
        items->room = room;
    }
    memcpy(items->values + items->count, values, count * sizeof *values);
    items->count += count;
    return CNX_OK;
}

cnx_status cnx_pickle_grow(cnx_pickle *pickle, cnx_pickle_value **array, size_t *room, size_t need,
                           cnx_error *err)
{
    if (need <= *room)
        return CNX_OK;
    size_t grown = *room ? 2 * *room : 256;
    if (grown < need)
        grown = need;
    CNX_FAIL_IF(grown > budget / sizeof **array, CNX_ERR_MEMORY,
                "the pickle needs too much memory");
    CNX_TRY(spend(pickle, (grown - *room) * sizeof **array, err));
    cnx_pickle_value *memory = realloc(*array, grown * sizeof *memory);
    CNX_FAIL_IF(!memory, CNX_ERR_MEMORY, "not enough memory for the pickle");
    memset(memory + *room, 0, (grown - *room) * sizeof *memory);
    *array = memory;
    *room = grown;
    return CNX_OK;
}
