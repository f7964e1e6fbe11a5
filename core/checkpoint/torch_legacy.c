/*
 * torch's files before 1.6: five pickles in a row (magic number, protocol, system information, the
 * object, the storages' keys), then for each key its element count and its elements.
 *
 * An element's size stands in the object's pickle only, so all storages are placed, those of an
 * optimizer too; only the eight bytes of each count are touched for that.
 */
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/bytes.h"
#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"
#include "core/memory.h"

static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

/* Loads the pickle at *at, and moves on to what follows it. */
static cnx_status load(const cnx_checkpoint *c, cnx_pickle *out, size_t *at, const char *what,
                       cnx_error *err)
{
    const cnx_status status = cnx_pickle_load(out, c->bytes + *at, c->size - *at, err);
    if (status == CNX_OK)
        *at += out->end;
    else
        cnx_error_prefix(err, "%s", what);
    return status;
}

static cnx_status check_magic(const cnx_checkpoint *c, size_t *at, cnx_error *err)
{
    cnx_pickle pickle = {0};
    CNX_TRY(load(c, &pickle, at, "magic number", err));
    const cnx_pickle_value root = pickle.root; /* its bytes are the file's */
    cnx_pickle_free(&pickle);
    CNX_FAIL_IF(root.kind != CNX_PICKLE_LONG || root.size != sizeof magic ||
                    memcmp(root.as.bytes, magic, sizeof magic) != 0,
                CNX_ERR_FORMAT,
                "the file is a bare pickle: torch's magic number is missing; save it with "
                "torch.save");
    return CNX_OK;
}

static cnx_status check_protocol(const cnx_checkpoint *c, size_t *at, cnx_error *err)
{
    cnx_pickle pickle = {0};
    CNX_TRY(load(c, &pickle, at, "protocol", err));
    const cnx_pickle_value root = pickle.root;
    cnx_pickle_free(&pickle);
    CNX_FAIL_IF(root.kind != CNX_PICKLE_INT || root.as.integer != 1001, CNX_ERR_UNSUPPORTED,
                "the legacy file's protocol is not 1001");
    return CNX_OK;
}

static cnx_status check_system(const cnx_checkpoint *c, size_t *at, cnx_error *err)
{
    cnx_pickle pickle = {0};
    CNX_TRY(load(c, &pickle, at, "system information", err));
    const cnx_pickle_value *little = cnx_pickle_get(&pickle.root, "little_endian");
    const bool big = little && little->kind == CNX_PICKLE_BOOL && !little->as.integer;
    cnx_pickle_free(&pickle);
    CNX_FAIL_IF(big, CNX_ERR_UNSUPPORTED,
                "the file's byte order is big-endian; only little-endian files can be read");
    return CNX_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const cnx_pickle_storage *x = *(cnx_pickle_storage *const *)a;
    const cnx_pickle_storage *y = *(cnx_pickle_storage *const *)b;
    const size_t least = x->key_size < y->key_size ? x->key_size : y->key_size;
    const int order = memcmp(x->key, y->key, least);
    return order ? order : (x->key_size > y->key_size) - (x->key_size < y->key_size);
}

/* Numbers the pickle's storages by key: sorted[0, *count) afterwards has each key once. */
static cnx_status number_storages(cnx_pickle *pickle, cnx_pickle_storage **sorted, size_t *count,
                                  cnx_error *err)
{
    size_t n = 0;
    for (cnx_pickle_storage *s = pickle->storages; s; s = s->next)
        sorted[n++] = s;
    qsort(sorted, n, sizeof *sorted, compare_keys);
    *count = 0;
    for (size_t i = 0; i < n; i++) {
        cnx_pickle_storage *s = sorted[i];
        const cnx_pickle_storage *same = *count ? sorted[*count - 1] : NULL;
        if (!same || compare_keys(&same, &s) != 0) {
            sorted[(*count)++] = s;
        } else {
            CNX_FAIL_IF(same->count != s->count || same->type->item_size != s->type->item_size,
                        CNX_ERR_FORMAT, "storage \"%s\" is described in two ways",
                        cnx_text_show(s->key, s->key_size).text);
        }
        s->index = *count - 1;
    }
    return CNX_OK;
}

/* The storage whose elements stand at *at. */
static cnx_status place_storage(cnx_checkpoint *c, const cnx_pickle_value *key,
                                cnx_pickle_storage *const *sorted, size_t *at, cnx_error *err)
{
    CNX_FAIL_IF(key->kind != CNX_PICKLE_TEXT, CNX_ERR_FORMAT, "a storage's key is %s",
                cnx_pickle_kind_name(key->kind));
    const cnx_shown_text shown = cnx_text_show(key->as.bytes, key->size);
    cnx_pickle_storage wanted = {.key = key->as.bytes, .key_size = key->size};
    const cnx_pickle_storage *pointer = &wanted;
    cnx_pickle_storage *const *found =
        bsearch(&pointer, sorted, c->storage_count, sizeof *sorted, compare_keys);
    CNX_FAIL_IF(!found, CNX_ERR_FORMAT, "storage \"%s\" is in the file but not in its pickle",
                shown.text);
    const cnx_pickle_storage *s = *found;
    cnx_storage *storage = &c->storages[s->index];
    CNX_FAIL_IF(storage->data, CNX_ERR_FORMAT, "storage \"%s\" is in the file twice", shown.text);
    CNX_FAIL_IF(c->size - *at < 8, CNX_ERR_FORMAT, "the file ends before storage \"%s\"",
                shown.text);
    const int64_t count = (int64_t)cnx_u64(c->bytes + *at);
    *at += 8;
    CNX_FAIL_IF(count != s->count, CNX_ERR_FORMAT,
                "storage \"%s\" has %lld elements, but its pickle says %lld", shown.text,
                (long long)count, (long long)s->count);
    size_t bytes;
    CNX_FAIL_IF(!cnx_mul((size_t)count, s->type->item_size, &bytes) || bytes > c->size - *at,
                CNX_ERR_FORMAT,
                "the file ends inside storage \"%s\": %lld elements of %d bytes are announced, "
                "%zu bytes are left",
                shown.text, (long long)count, s->type->item_size, c->size - *at);
    storage->data = c->bytes + *at;
    storage->size = bytes;
    *at += bytes;
    return CNX_OK;
}

static cnx_status place_storages(cnx_checkpoint *c, cnx_pickle *object, size_t at, cnx_error *err)
{
    cnx_pickle keys = {0};
    cnx_status status = CNX_OK;
    const size_t room = object->storage_count ? object->storage_count : 1;
    cnx_pickle_storage **sorted = malloc(room * sizeof *sorted);
    CNX_CHECK_IF(!sorted, CNX_ERR_MEMORY, "not enough memory for %zu storages", room);
    CNX_CHECK(number_storages(object, sorted, &c->storage_count, err));
    c->storages = calloc(room, sizeof *c->storages);
    CNX_CHECK_IF(!c->storages, CNX_ERR_MEMORY, "not enough memory for %zu storages", room);
    CNX_CHECK(load(c, &keys, &at, "storage keys", err));
    const cnx_pickle_items *list = cnx_pickle_sequence(&keys.root);
    CNX_CHECK_IF(!list, CNX_ERR_FORMAT, "the storages' keys are %s, not a list",
                 cnx_pickle_kind_name(keys.root.kind));
    for (size_t i = 0; i < list->count; i++)
        CNX_CHECK(place_storage(c, &list->values[i], sorted, &at, err));
cleanup:
    cnx_pickle_free(&keys);
    free(sorted);
    return status;
}

static cnx_status find_storage(cnx_checkpoint *c, const cnx_pickle_storage *wanted,
                               cnx_storage **out, cnx_error *err)
{
    *out = &c->storages[wanted->index];
    CNX_FAIL_IF(!(*out)->data, CNX_ERR_FORMAT, "its storage \"%s\" is not in the file",
                cnx_text_show(wanted->key, wanted->key_size).text);
    return CNX_OK;
}

cnx_status cnx_torch_legacy_read(cnx_checkpoint *c, cnx_error *err)
{
    size_t at = 0;
    CNX_TRY(check_magic(c, &at, err));
    CNX_TRY(check_protocol(c, &at, err));
    CNX_TRY(check_system(c, &at, err));
    cnx_pickle object = {0};
    CNX_TRY(load(c, &object, &at, "object", err));
    cnx_status status = place_storages(c, &object, at, err);
    if (status == CNX_OK)
        status = cnx_torch_state_read(c, &object.root, find_storage, err);
    cnx_pickle_free(&object);
    return status;
}
