#include "core/checkpoint/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/keymap.h"
#include "core/checkpoint/keyreport.h"
#include "core/checkpoint/random.h"
#include "core/memory.h"

struct cnx_weights {
    cnx_checkpoint *checkpoint; /* borrowed; NULL: random values */
    uint64_t seed;
    cnx_keymap map;
    cnx_key *keys; /* the file's tensors in its order, then what is missing */
    size_t count, room;
    size_t from_file;
    size_t *by_name; /* indices of the file's keys that have a canonical name, sorted by it */
    size_t named;
    bool out_of_memory; /* remembered by expect, told by check */
};

/* ---- opening ---- */

static cnx_status translate(cnx_weights *w, cnx_error *err)
{
    for (size_t i = 0; i < w->from_file; i++) {
        cnx_key *key = &w->keys[i];
        key->tensor = cnx_checkpoint_tensor(w->checkpoint, i);
        char *canonical = malloc(cnx_keymap_room(key->tensor->name));
        CNX_FAIL_IF(!canonical, CNX_ERR_MEMORY, "%s: not enough memory for its names",
                    cnx_checkpoint_name(w->checkpoint));
        const cnx_name_kind kind = cnx_keymap_canonical(&w->map, key->tensor->name, canonical);
        key->state = kind == CNX_NAME_IGNORED ? CNX_KEY_IGNORED : CNX_KEY_UNUSED;
        if (canonical[0]) {
            key->canonical = canonical;
            w->by_name[w->named++] = i;
        } else {
            free(canonical);
        }
    }
    return CNX_OK;
}

static int compare_canonical(const void *a, const void *b, void *keys)
{
    const cnx_key *x = (const cnx_key *)keys + *(const size_t *)a;
    const cnx_key *y = (const cnx_key *)keys + *(const size_t *)b;
    return strcmp(x->canonical, y->canonical);
}

static cnx_status sort_and_refuse_doubles(cnx_weights *w, cnx_error *err)
{
    qsort_r(w->by_name, w->named, sizeof *w->by_name, compare_canonical, w->keys);
    for (size_t i = 1; i < w->named; i++) {
        const cnx_key *a = &w->keys[w->by_name[i - 1]], *b = &w->keys[w->by_name[i]];
        if (strcmp(a->canonical, b->canonical) != 0)
            continue;
        const cnx_shown_name first = cnx_show_name(a->tensor->name);
        const cnx_shown_name second = cnx_show_name(b->tensor->name);
        return cnx_fail(err, CNX_ERR_MODEL,
                        "%s: %s and %s mean the same tensor (%s); only one of them may be there",
                        cnx_checkpoint_name(w->checkpoint), first.text, second.text,
                        cnx_show_name(a->canonical).text);
    }
    return CNX_OK;
}

static cnx_status detect(cnx_weights *w, cnx_error *err)
{
    const char **names = malloc((w->from_file + 1) * sizeof *names);
    CNX_FAIL_IF(!names, CNX_ERR_MEMORY, "%s: not enough memory for its names",
                cnx_checkpoint_name(w->checkpoint));
    for (size_t i = 0; i < w->from_file; i++)
        names[i] = cnx_checkpoint_tensor(w->checkpoint, i)->name;
    w->map = cnx_keymap_detect(names, w->from_file);
    free(names);
    return CNX_OK;
}

cnx_status cnx_weights_open(cnx_weights **out, cnx_checkpoint *checkpoint, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_weights *w = calloc(1, sizeof *w);
    *out = w;
    CNX_FAIL_IF(!w, CNX_ERR_MEMORY, "not enough memory to translate names");
    w->checkpoint = checkpoint;
    w->from_file = w->count = w->room = cnx_checkpoint_count(checkpoint);
    w->keys = calloc(w->room + 1, sizeof *w->keys);
    w->by_name = calloc(w->room + 1, sizeof *w->by_name);
    CNX_CHECK_IF(!w->keys || !w->by_name, CNX_ERR_MEMORY, "%s: not enough memory for its names",
                 cnx_checkpoint_name(checkpoint));
    CNX_CHECK(detect(w, err));
    CNX_CHECK(translate(w, err));
    CNX_CHECK(sort_and_refuse_doubles(w, err));
    CNX_CHECK(cnx_refuse_other_networks(w, err));
    return CNX_OK;
cleanup:
    cnx_weights_close(out);
    return status;
}

cnx_status cnx_weights_open_random(cnx_weights **out, uint64_t seed, cnx_error *err)
{
    *out = calloc(1, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for random weights");
    (*out)->seed = seed;
    return CNX_OK;
}

void cnx_weights_close(cnx_weights **weights)
{
    cnx_weights *w = *weights;
    if (!w)
        return;
    for (size_t i = 0; w->keys && i < w->count; i++)
        free((char *)w->keys[i].canonical);
    free(w->keys);
    free(w->by_name);
    free(w);
    *weights = NULL;
}

/* ---- asking ---- */

cnx_dialect cnx_weights_dialect(const cnx_weights *w)
{
    return w->map.dialect;
}

static cnx_key *find_key(const cnx_weights *w, const char *canonical)
{
    size_t low = 0, high = w->named;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        cnx_key *key = &w->keys[w->by_name[middle]];
        const int order = strcmp(canonical, key->canonical);
        if (order == 0)
            return key;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const cnx_tensor_info *cnx_weights_find(const cnx_weights *w, const char *canonical)
{
    const cnx_key *key = find_key(w, canonical);
    return key ? key->tensor : NULL;
}

/* A key for a tensor that the file lacks; NULL without memory. */
static cnx_key *add_missing(cnx_weights *w, const char *canonical)
{
    if (w->count >= w->room) {
        const size_t room = w->room * 2 + 64;
        cnx_key *keys = realloc(w->keys, room * sizeof *keys);
        if (!keys)
            return NULL;
        w->keys = keys;
        w->room = room;
    }
    char *copy = strdup(canonical);
    if (!copy)
        return NULL;
    cnx_key *key = &w->keys[w->count++];
    *key = (cnx_key){.canonical = copy, .state = CNX_KEY_MISSING};
    return key;
}

/* The axes between the leading and trailing ones of size 1. */
static int core_axes(int rank, const int64_t *shape, const int64_t **core)
{
    while (rank > 0 && shape[rank - 1] == 1)
        rank--;
    while (rank > 0 && shape[0] == 1) {
        shape++;
        rank--;
    }
    *core = shape;
    return rank;
}

static bool same_elements(int rank_a, const int64_t *a, int rank_b, const int64_t *b)
{
    const int n = core_axes(rank_a, a, &a);
    if (core_axes(rank_b, b, &b) != n)
        return false;
    for (int i = 0; i < n; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static bool is_readable(cnx_dtype dtype)
{
    return dtype == CNX_F32 || dtype == CNX_F64 || dtype == CNX_F16 || dtype == CNX_BF16;
}

bool cnx_weights_expect(cnx_weights *w, const char *canonical, int rank, const int64_t *shape)
{
    cnx_key *key = find_key(w, canonical);
    if (!key)
        key = add_missing(w, canonical);
    if (!key) {
        w->out_of_memory = true;
        return false;
    }
    key->rank = rank;
    memcpy(key->shape, shape, (size_t)rank * sizeof *shape);
    if (!w->checkpoint)
        key->state = CNX_KEY_MATCHED;
    else if (!key->tensor)
        key->state = CNX_KEY_MISSING;
    else if (!same_elements(rank, shape, key->tensor->rank, key->tensor->shape))
        key->state = CNX_KEY_WRONG_SHAPE;
    else
        key->state = is_readable(key->tensor->dtype) ? CNX_KEY_MATCHED : CNX_KEY_WRONG_DTYPE;
    return key->state == CNX_KEY_MATCHED;
}

cnx_status cnx_weights_check(const cnx_weights *w, cnx_error *err)
{
    CNX_FAIL_IF(w->out_of_memory, CNX_ERR_MEMORY, "%s: not enough memory to compare its names",
                cnx_checkpoint_name(w->checkpoint));
    return cnx_check_keys(w, err);
}

/* ---- reading ---- */

/* "[3, 0, 1]": where the element of that number lies. */
static void format_index(char *out, size_t size, const cnx_tensor_info *t, size_t element)
{
    int64_t index[CNX_MAX_RANK];
    for (int axis = t->rank - 1; axis >= 0; axis--) {
        index[axis] = (int64_t)(element % (size_t)t->shape[axis]);
        element /= (size_t)t->shape[axis];
    }
    cnx_format_shape(out, size, t->rank, index);
}

static cnx_status check_finite(const cnx_weights *w, const cnx_tensor_info *t, const float *values,
                               cnx_error *err)
{
    /* All exponent bits set: NaN or infinity.  Integers, so that the loop runs at memory speed. */
    uint32_t any = 0;
    for (size_t i = 0; i < t->elements; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        any |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    if (!any)
        return CNX_OK;
    size_t bad = 0, first = 0;
    for (size_t i = t->elements; i-- > 0;)
        if (!isfinite(values[i])) {
            first = i;
            bad++;
        }
    char where[128];
    format_index(where, sizeof where, t, first);
    return cnx_fail(err, CNX_ERR_MODEL,
                    "%s: %s holds %s at %s (%zu of %zu values are not finite): the file is damaged "
                    "or its training diverged%s",
                    cnx_checkpoint_name(w->checkpoint), cnx_show_name(t->name).text,
                    isnan(values[first]) ? "NaN" : "infinity", where, bad, t->elements,
                    t->dtype == CNX_F64 ? " (or a float64 value is too large for float32)" : "");
}

/* Without a file: what was expected of that name, or NULL. */
static const cnx_key *find_random(const cnx_weights *w, const char *canonical)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->keys[i].canonical, canonical) == 0)
            return &w->keys[i];
    return NULL;
}

size_t cnx_weights_elements(const cnx_weights *w, const char *canonical)
{
    const cnx_key *key = w->checkpoint ? find_key(w, canonical) : find_random(w, canonical);
    return key && (key->tensor || !w->checkpoint) ? cnx_key_elements(key) : 0;
}

static cnx_status read_random(const cnx_weights *w, const char *canonical, float *out,
                              cnx_error *err)
{
    const cnx_key *key = find_random(w, canonical);
    CNX_FAIL_IF(!key, CNX_ERR_INTERNAL, "%s was not expected", canonical);
    cnx_fill_random(cnx_fill_for(canonical, key->rank), canonical, w->seed, (size_t)key->shape[0],
                    cnx_key_elements(key), out);
    return CNX_OK;
}

cnx_status cnx_weights_read(cnx_weights *w, const char *canonical, float *out, cnx_error *err)
{
    if (!w->checkpoint)
        return read_random(w, canonical, out, err);
    const cnx_key *key = find_key(w, canonical);
    CNX_FAIL_IF(!key || key->state != CNX_KEY_MATCHED, CNX_ERR_MODEL,
                "%s: %s cannot be read: it is missing or not of the expected shape and type",
                cnx_checkpoint_name(w->checkpoint), canonical);
    CNX_TRY(cnx_checkpoint_read_f32(w->checkpoint, key->tensor, out, err));
    return check_finite(w, key->tensor, out, err);
}

cnx_status cnx_weights_view(cnx_weights *w, const char *canonical, const float **out,
                            cnx_error *err)
{
    const cnx_key *key = find_key(w, canonical);
    *out = NULL;
    if (!key || key->state != CNX_KEY_MATCHED)
        return CNX_OK;
    const float *values = cnx_checkpoint_view_f32(w->checkpoint, key->tensor);
    if (!values)
        return CNX_OK;
    CNX_TRY(check_finite(w, key->tensor, values, err));
    *out = values;
    return CNX_OK;
}

void cnx_weights_unview(const cnx_weights *w, const float *values, size_t count)
{
    cnx_checkpoint_unview(w->checkpoint, values, count);
}

/* ---- reporting ---- */

size_t cnx_weights_key_count(const cnx_weights *w)
{
    return w->count;
}

const cnx_key *cnx_weights_key(const cnx_weights *w, size_t index)
{
    return index < w->count ? &w->keys[index] : NULL;
}

size_t cnx_key_elements(const cnx_key *key)
{
    size_t elements = 1;
    if (key->tensor)
        return key->tensor->elements;
    for (int i = 0; i < key->rank; i++)
        if (!cnx_mul(elements, (size_t)key->shape[i], &elements))
            return SIZE_MAX;
    return elements;
}

const char *cnx_weights_file(const cnx_weights *w)
{
    return cnx_checkpoint_name(w->checkpoint);
}

bool cnx_weights_spelling(const cnx_weights *w, const char *canonical, char *name)
{
    return cnx_keymap_spelling(&w->map, canonical, name);
}
