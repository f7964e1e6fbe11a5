#include "core/checkpoint/checkpoint.h"

#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/bytes.h"
#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"
#include "core/memory.h"

/* ---- what the readers use ---- */

static char *copy_text(const void *text, size_t size)
{
    char *copy = malloc(size + 1);
    if (copy) {
        if (size)
            memcpy(copy, text, size);
        copy[size] = '\0';
    }
    return copy;
}

cnx_status cnx_checkpoint_add_tensor(cnx_checkpoint *c, const void *name, size_t name_size,
                                     cnx_tensor_record **out, cnx_error *err)
{
    CNX_FAIL_IF(name_size == 0 || !cnx_text_is_name(name, name_size), CNX_ERR_FORMAT,
                "\"%s\" is no name for a tensor", cnx_text_show(name, name_size).text);
    if (c->count == c->room) {
        const size_t room = c->room ? 2 * c->room : 64;
        cnx_tensor_record *grown = realloc(c->tensors, room * sizeof *grown);
        CNX_FAIL_IF(!grown, CNX_ERR_MEMORY, "not enough memory for %zu tensors", room);
        c->tensors = grown;
        c->room = room;
    }
    char *copy = copy_text(name, name_size);
    CNX_FAIL_IF(!copy, CNX_ERR_MEMORY, "not enough memory for a tensor's name");
    *out = &c->tensors[c->count++];
    **out = (cnx_tensor_record){.name = copy, .info.name = copy};
    return CNX_OK;
}

cnx_status cnx_tensor_set_shape(cnx_tensor_record *tensor, const int64_t *shape, size_t rank,
                                cnx_error *err)
{
    cnx_tensor_info *info = &tensor->info;
    CNX_FAIL_IF(rank > CNX_MAX_RANK, CNX_ERR_UNSUPPORTED,
                "tensor %s has %zu dimensions; at most %d can be read", info->name, rank,
                CNX_MAX_RANK);
    size_t elements = 1;
    bool empty = false;
    for (size_t i = 0; i < rank; i++) {
        CNX_FAIL_IF(shape[i] < 0, CNX_ERR_FORMAT, "tensor %s has the negative size %lld",
                    info->name, (long long)shape[i]);
        empty |= shape[i] == 0;
        CNX_FAIL_IF(shape[i] > 0 && !cnx_mul(elements, (size_t)shape[i], &elements), CNX_ERR_FORMAT,
                    "tensor %s has more elements than 64 bits can count", info->name);
        info->shape[i] = shape[i];
    }
    info->rank = (int)rank;
    info->elements = empty ? 0 : elements;
    return CNX_OK;
}

cnx_status cnx_checkpoint_add_text(cnx_checkpoint *c, const void *key, size_t key_size,
                                   const void *value, size_t value_size, cnx_error *err)
{
    /* Room for a power of two, so that the count alone tells when to grow. */
    if ((c->text_count & (c->text_count - 1)) == 0) {
        const size_t room = c->text_count ? 2 * c->text_count : 1;
        cnx_owned_text *grown = realloc(c->texts, room * sizeof *grown);
        CNX_FAIL_IF(!grown, CNX_ERR_MEMORY, "not enough memory for the metadata");
        c->texts = grown;
    }
    const cnx_owned_text text = {copy_text(key, key_size), copy_text(value, value_size)};
    if (!text.key || !text.value) {
        free(text.key);
        free(text.value);
        return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the metadata");
    }
    c->texts[c->text_count++] = text;
    return CNX_OK;
}

/* ---- opening ---- */

/* What people hand over instead of a checkpoint, told by its first bytes. */
static const char *other_kind(const unsigned char *bytes, size_t size)
{
    static const struct {
        const char *start, *kind;
    } others[] = {{"<", "it looks like a web page; was the download a login or an error page?"},
                  {"version https://git-lfs", "it is a git-lfs pointer; fetch the file itself"},
                  {"\x89PNG", "it is a PNG picture"},
                  {"\xff\xd8\xff", "it is a JPEG picture"},
                  {"\x1f\x8b", "it is compressed with gzip; unpack it first"},
                  {"{", "it looks like JSON; a model description belongs to --config"},
                  {"\x89HDF", "it is an HDF5 file (Keras); such weights cannot be read"}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const size_t n = strlen(others[i].start);
        if (size >= n && memcmp(bytes, others[i].start, n) == 0)
            return others[i].kind;
    }
    return "a .pth written by torch.save or a .safetensors file is needed";
}

/* safetensors comes first: its header's length may begin with any byte, but its ninth is '{'. */
static cnx_status read_container(cnx_checkpoint *c, cnx_error *err)
{
    const unsigned char *p = c->bytes;
    CNX_FAIL_IF(c->size == 0, CNX_ERR_FORMAT, "the file is empty");
    const bool zip = c->size >= 4 && p[0] == 'P' && p[1] == 'K' && p[2] < 8 && p[3] < 9;
    const bool object = c->size >= 9 && p[8] == '{';
    if (zip && !object) {
        c->container = CNX_TORCH_ZIP;
        return cnx_torch_zip_read(c, err);
    }
    if (p[0] == 0x80 && !object) {
        c->container = CNX_TORCH_LEGACY;
        return cnx_torch_legacy_read(c, err);
    }
    CNX_FAIL_IF(!object && (c->size < 9 || cnx_u64(p) > c->size - 8), CNX_ERR_FORMAT,
                "this is no checkpoint: %s", other_kind(p, c->size));
    c->container = CNX_SAFETENSORS;
    return cnx_safetensors_read(c, err);
}

/* DistributedDataParallel saves every name as "module.NAME". */
static void strip_module(cnx_checkpoint *c)
{
    static const char prefix[] = "module.";
    const size_t length = sizeof prefix - 1;
    for (size_t i = 0; i < c->count; i++)
        if (strncmp(c->tensors[i].name, prefix, length) != 0 || !c->tensors[i].name[length])
            return;
    for (size_t i = 0; i < c->count; i++)
        c->tensors[i].info.name = c->tensors[i].name + length;
}

static int compare_records(const void *a, const void *b)
{
    const cnx_tensor_record *const *x = a, *const *y = b;
    return strcmp((*x)->info.name, (*y)->info.name);
}

/* The names are known now, and the array of tensors will not move any more. */
static cnx_status index_names(cnx_checkpoint *c, cnx_error *err)
{
    CNX_FAIL_IF(c->count == 0, CNX_ERR_FORMAT, "the file holds no tensors");
    for (size_t i = 0; i < c->count; i++)
        c->tensors[i].info.name = c->tensors[i].name;
    strip_module(c);
    c->by_name = malloc(c->count * sizeof *c->by_name);
    CNX_FAIL_IF(!c->by_name, CNX_ERR_MEMORY, "not enough memory for %zu tensors", c->count);
    for (size_t i = 0; i < c->count; i++)
        c->by_name[i] = &c->tensors[i];
    qsort(c->by_name, c->count, sizeof *c->by_name, compare_records);
    for (size_t i = 1; i < c->count; i++)
        CNX_FAIL_IF(compare_records(&c->by_name[i - 1], &c->by_name[i]) == 0, CNX_ERR_FORMAT,
                    "two tensors are named %s", c->by_name[i]->info.name);
    return CNX_OK;
}

static cnx_status open_bytes(cnx_checkpoint *c, cnx_error *err)
{
    c->section = "";
    cnx_status status = read_container(c, err);
    if (status == CNX_OK)
        status = index_names(c, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", c->name);
    return status;
}

static cnx_status new_checkpoint(cnx_checkpoint **out, const char *name, cnx_error *err)
{
    *out = calloc(1, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "%s: not enough memory to open it", name);
    (*out)->name = copy_text(name, strlen(name));
    if ((*out)->name)
        return CNX_OK;
    cnx_checkpoint_close(out);
    return cnx_fail(err, CNX_ERR_MEMORY, "%s: not enough memory to open it", name);
}

cnx_status cnx_checkpoint_open(cnx_checkpoint **out, const char *path, cnx_error *err)
{
    CNX_TRY(new_checkpoint(out, path, err));
    cnx_status status;
    CNX_CHECK(cnx_mapping_open(&(*out)->mapping, path, err));
    (*out)->bytes = (*out)->mapping.data;
    (*out)->size = (*out)->mapping.size;
    CNX_CHECK(open_bytes(*out, err));
    return CNX_OK;
cleanup:
    cnx_checkpoint_close(out);
    return status;
}

cnx_status cnx_checkpoint_open_memory(cnx_checkpoint **out, const void *data, size_t size,
                                      const char *name, cnx_error *err)
{
    CNX_TRY(new_checkpoint(out, name, err));
    (*out)->bytes = data;
    (*out)->size = size;
    const cnx_status status = open_bytes(*out, err);
    if (status != CNX_OK)
        cnx_checkpoint_close(out);
    return status;
}

void cnx_checkpoint_close(cnx_checkpoint **checkpoint)
{
    cnx_checkpoint *c = *checkpoint;
    *checkpoint = NULL;
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        free(c->tensors[i].name);
    for (size_t i = 0; i < c->class_count; i++)
        free(c->classes[i]);
    for (size_t i = 0; i < c->text_count; i++) {
        free(c->texts[i].key);
        free(c->texts[i].value);
    }
    free(c->tensors);
    free(c->by_name);
    free(c->classes);
    free(c->palette);
    free(c->texts);
    free(c->storages);
    cnx_zip_close(&c->zip);
    cnx_mapping_close(&c->mapping);
    free(c->name);
    free(c);
}

/* ---- asking ---- */

const char *cnx_checkpoint_name(const cnx_checkpoint *c)
{
    return c ? c->name : "random weights";
}

cnx_container cnx_checkpoint_container(const cnx_checkpoint *c)
{
    return c->container;
}

const char *cnx_checkpoint_section(const cnx_checkpoint *c)
{
    return c->section;
}

const void *cnx_checkpoint_bytes(const cnx_checkpoint *c, size_t *size)
{
    *size = c->size;
    return c->bytes;
}

size_t cnx_checkpoint_count(const cnx_checkpoint *c)
{
    return c->count;
}

const cnx_tensor_info *cnx_checkpoint_tensor(const cnx_checkpoint *c, size_t index)
{
    return index < c->count ? &c->tensors[index].info : NULL;
}

const cnx_tensor_info *cnx_checkpoint_find(const cnx_checkpoint *c, const char *name)
{
    const cnx_tensor_record key = {.info.name = name}, *pointer = &key;
    cnx_tensor_record *const *found =
        bsearch(&pointer, c->by_name, c->count, sizeof *c->by_name, compare_records);
    return found ? &(*found)->info : NULL;
}

size_t cnx_checkpoint_class_count(const cnx_checkpoint *c)
{
    return c->class_count;
}

const char *cnx_checkpoint_class(const cnx_checkpoint *c, size_t index)
{
    return index < c->class_count ? c->classes[index] : NULL;
}

size_t cnx_checkpoint_palette(const cnx_checkpoint *c, const uint8_t **rgb)
{
    *rgb = c->palette;
    return c->palette_count;
}

const char *cnx_checkpoint_text(const cnx_checkpoint *c, const char *key)
{
    for (size_t i = 0; i < c->text_count; i++)
        if (strcmp(c->texts[i].key, key) == 0)
            return c->texts[i].value;
    return NULL;
}
