/* Orders that a score depends on: all of them stable. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/coco_private.h"

uint64_t cnx_coco_score_key(double score)
{
    uint64_t bits;
    if (isnan(score))
        return UINT64_MAX;
    score += 0.0; /* -0 and 0 are equal */
    memcpy(&bits, &score, sizeof bits);
    const uint64_t sign = (uint64_t)1 << 63;
    return bits & sign ? bits : ~(bits | sign);
}

static void insert_all(cnx_coco_keyed *list, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const cnx_coco_keyed item = list[i];
        size_t k = i;
        for (; k > 0 && list[k - 1].key > item.key; k--)
            list[k] = list[k - 1];
        list[k] = item;
    }
}

/* By bytes, lowest first; bytes that are the same everywhere are passed over. */
void cnx_coco_sort(cnx_coco_keyed *list, cnx_coco_keyed *scratch, size_t count)
{
    enum { SMALL = 40, BYTES = 8, VALUES = 256 };
    if (count <= SMALL) {
        insert_all(list, count);
        return;
    }
    size_t places[BYTES][VALUES] = {{0}};
    for (size_t i = 0; i < count; i++)
        for (int b = 0; b < BYTES; b++)
            places[b][list[i].key >> 8 * b & 255]++;
    cnx_coco_keyed *from = list, *to = scratch;
    for (int b = 0; b < BYTES; b++) {
        size_t *at = places[b], sum = 0;
        if (at[list[0].key >> 8 * b & 255] == count)
            continue;
        for (int v = 0; v < VALUES; v++) {
            const size_t n = at[v];
            at[v] = sum;
            sum += n;
        }
        for (size_t i = 0; i < count; i++)
            to[at[from[i].key >> 8 * b & 255]++] = from[i];
        cnx_coco_keyed *swap = from;
        from = to;
        to = swap;
    }
    if (from != list)
        memcpy(list, from, count * sizeof *list);
}

static void sort_by(uint32_t *to, const uint32_t *from, const cnx_coco_detections *d, bool image,
                    size_t *starts, size_t keys)
{
    memset(starts, 0, (keys + 1) * sizeof *starts);
    for (size_t i = 0; i < d->count; i++)
        starts[(image ? d->list[i].image : d->list[i].category) + 1]++;
    for (size_t k = 0; k < keys; k++)
        starts[k + 1] += starts[k];
    for (size_t i = 0; i < d->count; i++) {
        const uint32_t at = from ? from[i] : (uint32_t)i;
        to[starts[image ? d->list[at].image : d->list[at].category]++] = at;
    }
}

cnx_status cnx_coco_order(uint32_t **order, const cnx_coco_scorer *s, cnx_error *err)
{
    const size_t n = s->all.count, images = s->params.image_id_count;
    const size_t categories = s->params.category_id_count;
    const size_t keys = images > categories ? images : categories;
    uint32_t *list = malloc((n + 1) * sizeof *list), *first = malloc((n + 1) * sizeof *first);
    size_t *starts = malloc((keys + 2) * sizeof *starts);
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!list || !first || !starts, CNX_ERR_MEMORY,
                 "not enough memory to sort %zu detections", n);
    const bool image_last = s->params.agnostic;
    sort_by(first, NULL, &s->all, !image_last, starts, image_last ? categories : images);
    sort_by(list, first, &s->all, image_last, starts, image_last ? images : categories);
    *order = list;
    list = NULL;
cleanup:
    free(list);
    free(first);
    free(starts);
    return status;
}
