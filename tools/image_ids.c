#include "tools/image_ids.h"

#include <stdlib.h>
#include <string.h>

#define LARGEST (1LL << 53)

long long cnx_image_id_of(const char *stem)
{
    const char *digits = stem;
    if (strncmp(stem, "COCO_", 5) == 0 && strchr(stem + 5, '_'))
        digits = strrchr(stem, '_') + 1;
    long long id = 0;
    if (!*digits)
        return -1;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9' || id > LARGEST / 10)
            return -1;
        id = 10 * id + (*digits - '0');
    }
    return id <= LARGEST ? id : -1;
}

typedef struct taken_id {
    long long id;
    size_t input;
} taken_id;

static int compare(const void *a, const void *b)
{
    const taken_id *const x = a, *const y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->input > y->input) - (x->input < y->input);
}

/* The others count from 1, passing over what is taken (sorted). */
static void number_others(long long *ids, size_t count, const taken_id *taken, size_t taken_count)
{
    long long next = 1;
    size_t t = 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= 0)
            continue;
        for (; t < taken_count && taken[t].id <= next; t++)
            if (taken[t].id == next)
                next++;
        ids[i] = next++;
    }
}

cnx_status cnx_image_ids_assign(long long **out, const cnx_inputs *inputs, cnx_error *err)
{
    cnx_status status = CNX_OK;
    size_t count = 0;
    long long *ids = calloc(inputs->count + 1, sizeof *ids);
    taken_id *taken = calloc(inputs->count + 1, sizeof *taken);
    *out = NULL;
    CNX_CHECK_IF(!ids || !taken, CNX_ERR_MEMORY, "not enough memory for the pictures' numbers");
    for (size_t i = 0; i < inputs->count; i++) {
        const char *stem = inputs->items[i].stem;
        ids[i] = stem ? cnx_image_id_of(stem) : -1;
        if (ids[i] >= 0)
            taken[count++] = (taken_id){ids[i], i};
    }
    qsort(taken, count, sizeof *taken, compare);
    for (size_t i = 1; i < count; i++)
        CNX_CHECK_IF(taken[i - 1].id == taken[i].id, CNX_ERR_ARGUMENT,
                     "%s and %s are both picture number %lld; rename one",
                     inputs->items[taken[i - 1].input].name, inputs->items[taken[i].input].name,
                     taken[i].id);
    number_others(ids, inputs->count, taken, count);
    *out = ids;
    ids = NULL;
cleanup:
    free(ids);
    free(taken);
    return status;
}
