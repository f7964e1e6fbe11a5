/* Reading safetensors: a JSON header, then the elements without holes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/bytes.h"
#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"
#include "core/json.h"
#include "core/memory.h"

/* The format's own limit, and one on what cJSON's tree of it may cost (some 80 bytes a value). */
static const size_t longest_header = 100000000;
static const size_t most_values = 4000000;

typedef struct element_type {
    const char *name;
    cnx_dtype dtype;
    size_t size;
} element_type;

static const element_type *find_type(const char *name)
{
    static const element_type types[] = {{"F32", CNX_F32, 4},
                                         {"F64", CNX_F64, 8},
                                         {"F16", CNX_F16, 2},
                                         {"BF16", CNX_BF16, 2},
                                         {"I64", CNX_I64, 8},
                                         {"I32", CNX_I32, 4},
                                         {"I16", CNX_I16, 2},
                                         {"I8", CNX_I8, 1},
                                         {"U8", CNX_U8, 1},
                                         {"BOOL", CNX_BOOL, 1},
                                         {"U16", CNX_DTYPE_OTHER, 2},
                                         {"U32", CNX_DTYPE_OTHER, 4},
                                         {"U64", CNX_DTYPE_OTHER, 8},
                                         {"C64", CNX_DTYPE_OTHER, 8},
                                         {"F8_E4M3", CNX_DTYPE_OTHER, 1},
                                         {"F8_E5M2", CNX_DTYPE_OTHER, 1},
                                         {"F8_E8M0", CNX_DTYPE_OTHER, 1}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

/* A count that a double holds exactly. */
static bool read_count(const cJSON *item, int64_t *out)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53) ||
        floor(item->valuedouble) != item->valuedouble)
        return false;
    *out = (int64_t)item->valuedouble;
    return true;
}

/* An array of counts, at most `limit` of them; SIZE_MAX when it is none. */
static size_t read_counts(const cJSON *array, int64_t *out, size_t limit)
{
    if (!cJSON_IsArray(array))
        return SIZE_MAX;
    size_t n = 0;
    for (const cJSON *item = array->child; item; item = item->next)
        if (n >= limit || !read_count(item, &out[n++]))
            return SIZE_MAX;
    return n;
}

static cnx_status add_tensor(cnx_checkpoint *c, const cJSON *entry, cnx_error *err)
{
    cnx_tensor_record *t = NULL;
    CNX_TRY(cnx_checkpoint_add_tensor(c, entry->string, strlen(entry->string), &t, err));
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(entry, "dtype");
    CNX_FAIL_IF(!cJSON_IsObject(entry) || !cJSON_IsString(dtype), CNX_ERR_FORMAT,
                "tensor %s has no dtype", t->name);
    const element_type *type = find_type(dtype->valuestring);
    CNX_FAIL_IF(!type, CNX_ERR_UNSUPPORTED, "tensor %s has the unknown dtype \"%s\"", t->name,
                cnx_text_show(dtype->valuestring, strlen(dtype->valuestring)).text);

    int64_t shape[CNX_MAX_RANK], range[2];
    const size_t rank =
        read_counts(cJSON_GetObjectItemCaseSensitive(entry, "shape"), shape, CNX_MAX_RANK);
    CNX_FAIL_IF(rank == SIZE_MAX, CNX_ERR_FORMAT,
                "tensor %s has no shape of at most %d whole numbers", t->name, CNX_MAX_RANK);
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(entry, "data_offsets");
    CNX_FAIL_IF(read_counts(offsets, range, 2) != 2, CNX_ERR_FORMAT,
                "tensor %s has no data_offsets of two whole numbers", t->name);
    const size_t begin = (size_t)range[0], end = (size_t)range[1];
    CNX_FAIL_IF(begin > end || end > c->storages->size, CNX_ERR_FORMAT,
                "tensor %s lies at [%zu, %zu) of %zu bytes", t->name, begin, end,
                c->storages->size);

    CNX_TRY(cnx_tensor_set_shape(t, shape, rank, err));
    size_t bytes;
    CNX_FAIL_IF(!cnx_mul(t->info.elements, type->size, &bytes) || bytes != end - begin,
                CNX_ERR_FORMAT, "tensor %s has %zu elements of %zu bytes in %zu bytes", t->name,
                t->info.elements, type->size, end - begin);
    t->info.dtype = type->dtype;
    t->item_size = type->size;
    t->storage = c->storages;
    t->offset = begin;
    size_t stride = 1;
    for (size_t i = rank; i-- > 0; stride *= (size_t)shape[i])
        t->stride[i] = stride; /* cannot wrap unless a size is 0, and then nobody uses it */
    return CNX_OK;
}

static int compare_places(const void *a, const void *b)
{
    const cnx_tensor_record *x = *(cnx_tensor_record *const *)a;
    const cnx_tensor_record *y = *(cnx_tensor_record *const *)b;
    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    return (x->info.elements > y->info.elements) - (x->info.elements < y->info.elements);
}

/* The tensors must cover the data: no hole, no overlap, nothing after the last. */
static cnx_status check_cover(const cnx_checkpoint *c, cnx_error *err)
{
    if (c->count == 0)
        return CNX_OK;
    cnx_tensor_record **order = malloc(c->count * sizeof *order);
    CNX_FAIL_IF(!order, CNX_ERR_MEMORY, "not enough memory for %zu tensors", c->count);
    for (size_t i = 0; i < c->count; i++)
        order[i] = &c->tensors[i];
    qsort(order, c->count, sizeof *order, compare_places);
    size_t at = 0;
    cnx_status status = CNX_OK;
    for (size_t i = 0; i < c->count && status == CNX_OK; i++) {
        const cnx_tensor_record *t = order[i];
        if (t->offset != at)
            status = cnx_fail(err, CNX_ERR_FORMAT,
                              "tensor %s begins at byte %zu of the data, %s byte %zu, where the "
                              "one before ends",
                              t->name, t->offset, t->offset < at ? "before" : "after", at);
        at = t->offset + t->info.elements * t->item_size;
    }
    free(order);
    if (status == CNX_OK && at != c->storages->size)
        status = cnx_fail(err, CNX_ERR_FORMAT, "%zu bytes follow the last tensor",
                          c->storages->size - at);
    return status;
}

static cnx_status add_metadata(cnx_checkpoint *c, const cJSON *metadata, cnx_error *err)
{
    CNX_FAIL_IF(!cJSON_IsObject(metadata), CNX_ERR_FORMAT, "__metadata__ is %s, not an object",
                cnx_json_kind(metadata));
    for (const cJSON *item = metadata->child; item; item = item->next) {
        CNX_FAIL_IF(!cJSON_IsString(item), CNX_ERR_FORMAT,
                    "__metadata__ has %s under \"%s\"; it maps texts to texts", cnx_json_kind(item),
                    cnx_text_show(item->string, strlen(item->string)).text);
        if (cnx_text_is_utf8(item->string, strlen(item->string)) &&
            cnx_text_is_utf8(item->valuestring, strlen(item->valuestring)))
            CNX_TRY(cnx_checkpoint_add_text(c, item->string, strlen(item->string),
                                            item->valuestring, strlen(item->valuestring), err));
    }
    return CNX_OK;
}

/* Finds the header's text and the data behind it. */
static cnx_status find_parts(cnx_checkpoint *c, size_t *length, cnx_error *err)
{
    CNX_FAIL_IF(c->size < 8, CNX_ERR_FORMAT, "the file ends inside the header's length");
    const uint64_t claimed = cnx_u64(c->bytes);
    CNX_FAIL_IF(claimed > longest_header, CNX_ERR_FORMAT,
                "the safetensors header claims %llu bytes; at most %zu are allowed",
                (unsigned long long)claimed, longest_header);
    CNX_FAIL_IF(claimed > c->size - 8, CNX_ERR_FORMAT,
                "the safetensors header claims %llu bytes, but %zu follow: the file is cut off",
                (unsigned long long)claimed, c->size - 8);
    *length = (size_t)claimed;
    CNX_FAIL_IF(*length == 0 || c->bytes[8] != '{', CNX_ERR_FORMAT,
                "the safetensors header does not begin with '{'");
    size_t values = 0;
    for (size_t i = 0; i < *length; i++)
        values += c->bytes[8 + i] == ',' || c->bytes[8 + i] == '[' || c->bytes[8 + i] == '{';
    CNX_FAIL_IF(values > most_values, CNX_ERR_UNSUPPORTED,
                "the safetensors header holds more than %zu values", most_values);
    c->storages = calloc(1, sizeof *c->storages);
    CNX_FAIL_IF(!c->storages, CNX_ERR_MEMORY, "not enough memory for the header");
    c->storage_count = 1;
    *c->storages = (cnx_storage){.data = c->bytes + 8 + *length, .size = c->size - 8 - *length};
    return CNX_OK;
}

cnx_status cnx_safetensors_read(cnx_checkpoint *c, cnx_error *err)
{
    size_t length = 0;
    CNX_TRY(find_parts(c, &length, err));
    cJSON *header = NULL;
    CNX_TRY(cnx_json_parse(&header, (const char *)c->bytes + 8, length, "header", err));
    cnx_status status = CNX_OK;
    for (const cJSON *entry = header->child; entry; entry = entry->next) {
        if (strcmp(entry->string, "__metadata__") == 0)
            CNX_CHECK(add_metadata(c, entry, err));
        else
            CNX_CHECK(add_tensor(c, entry, err));
    }
    CNX_CHECK(check_cover(c, err));
    CNX_CHECK(cnx_safetensors_meta_read(c, err));
cleanup:
    cJSON_Delete(header);
    return status;
}
