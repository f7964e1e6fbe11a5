/* Writing safetensors: one tensor in memory at a time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/dtype.h"
#include "core/checkpoint/text.h"
#include "core/file.h"
#include "core/json.h"
#include "core/memory.h"

static const char *type_name(cnx_dtype dtype)
{
    return dtype == CNX_F32 ? "F32" : dtype == CNX_F16 ? "F16" : "BF16";
}

static cnx_status count_elements(const cnx_tensor_source *t, size_t *elements, cnx_error *err)
{
    CNX_FAIL_IF(t->dtype != CNX_F32 && t->dtype != CNX_F16 && t->dtype != CNX_BF16,
                CNX_ERR_ARGUMENT, "tensor %s cannot be written as %s", t->name,
                cnx_dtype_name(t->dtype));
    CNX_FAIL_IF(t->rank < 0 || t->rank > CNX_MAX_RANK, CNX_ERR_ARGUMENT,
                "tensor %s has %d dimensions", t->name, t->rank);
    *elements = 1;
    for (int i = 0; i < t->rank; i++)
        CNX_FAIL_IF(t->shape[i] < 0 || !cnx_mul(*elements, (size_t)t->shape[i], elements),
                    CNX_ERR_ARGUMENT, "tensor %s has an impossible shape", t->name);
    return CNX_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Unique, and such as a reader takes. */
static cnx_status check_names(const cnx_tensor_source *tensors, size_t count, cnx_error *err)
{
    if (count == 0)
        return CNX_OK;
    const char **names = malloc(count * sizeof *names);
    CNX_FAIL_IF(!names, CNX_ERR_MEMORY, "not enough memory for %zu names", count);
    cnx_status status = CNX_OK;
    for (size_t i = 0; i < count; i++) {
        const size_t size = strlen(tensors[i].name);
        names[i] = tensors[i].name;
        CNX_CHECK_IF(
            size == 0 || !cnx_text_is_name(names[i], size) || strcmp(names[i], "__metadata__") == 0,
            CNX_ERR_ARGUMENT, "\"%s\" is no name for a tensor", cnx_text_show(names[i], size).text);
    }
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        CNX_CHECK_IF(strcmp(names[i - 1], names[i]) == 0, CNX_ERR_ARGUMENT,
                     "two tensors are named %s", names[i]);
cleanup:
    free(names);
    return status;
}

static bool add_metadata(cJSON *header, const cnx_text_pair *pairs, size_t count)
{
    if (count == 0)
        return true;
    cJSON *metadata = cJSON_AddObjectToObject(header, "__metadata__");
    for (size_t i = 0; metadata && i < count; i++)
        if (!cJSON_AddStringToObject(metadata, pairs[i].key, pairs[i].value))
            return false;
    return metadata != NULL;
}

/* Adds a number without the way through double. */
static bool add_integer(cJSON *array, uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    cJSON *item = cJSON_CreateRaw(digits);
    return item && cJSON_AddItemToArray(array, item);
}

static bool add_entry(cJSON *header, const cnx_tensor_source *t, size_t begin, size_t end)
{
    cJSON *entry = cJSON_AddObjectToObject(header, t->name);
    if (!entry || !cJSON_AddStringToObject(entry, "dtype", type_name(t->dtype)))
        return false;
    cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
    for (int i = 0; shape && i < t->rank; i++)
        if (!add_integer(shape, (uint64_t)t->shape[i]))
            return false;
    cJSON *range = cJSON_AddArrayToObject(entry, "data_offsets");
    return shape && range && add_integer(range, begin) && add_integer(range, end);
}

/* The header's text; the caller frees it with cJSON_free. */
static cnx_status make_header(char **out, const cnx_tensor_source *tensors, size_t count,
                              const cnx_text_pair *metadata, size_t metadata_count, cnx_error *err)
{
    cnx_status status = CNX_OK;
    *out = NULL;
    cJSON *header = cJSON_CreateObject();
    bool made = header && add_metadata(header, metadata, metadata_count);
    size_t at = 0;
    for (size_t i = 0; i < count && made; i++) {
        size_t elements = 0, bytes = 0, end = 0;
        CNX_CHECK(count_elements(&tensors[i], &elements, err));
        CNX_CHECK_IF(!cnx_mul(elements, cnx_dtype_size(tensors[i].dtype), &bytes) ||
                         !cnx_add(at, bytes, &end),
                     CNX_ERR_ARGUMENT, "the tensors have more bytes than 64 bits can count");
        made = add_entry(header, &tensors[i], at, end);
        at = end;
    }
    *out = made ? cJSON_PrintUnformatted(header) : NULL;
    CNX_CHECK_IF(!*out, CNX_ERR_MEMORY, "not enough memory for the header");
cleanup:
    cJSON_Delete(header);
    return status;
}

/* The data begins on a multiple of 8: blanks fill the header up. */
static cnx_status write_header(cnx_output *output, const char *header, cnx_error *err)
{
    const size_t text = strlen(header), padded = cnx_round_up(text, 8);
    const uint64_t length = padded; /* little-endian, as every machine that cnx runs on */
    CNX_TRY(cnx_output_write(output, &length, sizeof length, err));
    CNX_TRY(cnx_output_write(output, header, text, err));
    return cnx_output_write(output, "       ", padded - text, err);
}

/* In place: a narrow element never lies behind the wide one it comes from. */
static void narrow(float *values, size_t count, cnx_dtype dtype)
{
    unsigned char *out = (unsigned char *)values;
    for (size_t i = 0; i < count; i++) {
        const uint16_t bits =
            dtype == CNX_F16 ? cnx_f32_to_f16(values[i]) : cnx_f32_to_bf16(values[i]);
        memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
}

static cnx_status write_tensor(cnx_output *output, const cnx_tensor_source *t, size_t index,
                               cnx_tensor_fill fill, void *user, cnx_error *err)
{
    size_t elements = 0, size = 0;
    CNX_TRY(count_elements(t, &elements, err));
    if (elements == 0)
        return CNX_OK;
    CNX_FAIL_IF(!cnx_mul(elements, sizeof(float), &size), CNX_ERR_MEMORY,
                "tensor %s is too large for memory", t->name);
    void *memory = NULL;
    CNX_TRY(cnx_alloc_or_fail(&memory, size, t->name, err));
    cnx_status status = CNX_OK;
    CNX_CHECK(fill(user, index, memory, err));
    if (t->dtype != CNX_F32)
        narrow(memory, elements, t->dtype);
    CNX_CHECK(cnx_output_write(output, memory, elements * cnx_dtype_size(t->dtype), err));
cleanup:
    cnx_free(memory);
    return status;
}

cnx_status cnx_safetensors_write(const char *path, const cnx_tensor_source *tensors, size_t count,
                                 cnx_tensor_fill fill, void *user, const cnx_text_pair *metadata,
                                 size_t metadata_count, cnx_error *err)
{
    CNX_TRY(check_names(tensors, count, err));
    for (size_t i = 0; i < metadata_count; i++)
        CNX_FAIL_IF(!cnx_text_is_utf8(metadata[i].key, strlen(metadata[i].key)) ||
                        !cnx_text_is_utf8(metadata[i].value, strlen(metadata[i].value)),
                    CNX_ERR_ARGUMENT, "the metadata is not UTF-8");
    char *header = NULL;
    CNX_TRY(make_header(&header, tensors, count, metadata, metadata_count, err));
    cnx_output output = {0};
    cnx_status status;
    CNX_CHECK(cnx_output_open(&output, path, err));
    CNX_CHECK(write_header(&output, header, err));
    for (size_t i = 0; i < count; i++)
        CNX_CHECK(write_tensor(&output, &tensors[i], i, fill, user, err));
    CNX_CHECK(cnx_output_commit(&output, err));
cleanup:
    cnx_output_abort(&output);
    cJSON_free(header);
    return status;
}
