/*
 * torch's zip files (1.6 and later): ROOT/data.pkl, ROOT/data/KEY, ROOT/byteorder.
 * ROOT is any single folder.  All other members are ignored, whatever they are named: nothing is
 * ever unpacked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"
#include "core/memory.h"

static const char pickle_name[] = "/data.pkl";

/* Whether a member is ROOT/data.pkl. */
static bool is_pickle(const cnx_zip_member *m)
{
    const size_t tail = sizeof pickle_name - 1;
    return m->name_size > tail &&
           memchr(m->name, '/', m->name_size) == m->name + m->name_size - tail &&
           memcmp(m->name + m->name_size - tail, pickle_name, tail) == 0;
}

static cnx_status find_pickle(const cnx_zip *zip, cnx_zip_member **out, cnx_error *err)
{
    *out = NULL;
    for (size_t i = 0; i < zip->count; i++) {
        if (!is_pickle(&zip->members[i]))
            continue;
        CNX_FAIL_IF(*out, CNX_ERR_FORMAT,
                    "the zip archive has two pickles, \"%s\" and \"%s\": which one counts is "
                    "ambiguous",
                    cnx_text_show((*out)->name, (*out)->name_size).text,
                    cnx_text_show(zip->members[i].name, zip->members[i].name_size).text);
        *out = &zip->members[i];
    }
    CNX_FAIL_IF(!*out, CNX_ERR_FORMAT,
                "the zip archive has no member data.pkl in a folder: torch.save did not write it");
    return CNX_OK;
}

/* The member ROOT/TAIL, or NULL. */
static cnx_status find_member(const cnx_checkpoint *c, const char *folder, const void *tail,
                              size_t tail_size, cnx_zip_member **out, cnx_error *err)
{
    *out = NULL;
    const size_t root = c->pickle->name_size - (sizeof pickle_name - 1);
    const size_t middle = strlen(folder);
    if (tail_size > UINT16_MAX)
        return CNX_OK; /* longer than any member's name */
    char *name = malloc(root + middle + tail_size);
    CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for a member's name");
    memcpy(name, c->pickle->name, root);
    memcpy(name + root, folder, middle);
    if (tail_size)
        memcpy(name + root + middle, tail, tail_size);
    *out = cnx_zip_find(&c->zip, name, root + middle + tail_size);
    free(name);
    return CNX_OK;
}

static cnx_status check_byte_order(const cnx_checkpoint *c, cnx_error *err)
{
    cnx_zip_member *member = NULL;
    CNX_TRY(find_member(c, "/", "byteorder", 9, &member, err));
    if (!member)
        return CNX_OK; /* before torch 2.1 */
    CNX_TRY(cnx_zip_read(&c->zip, member, err));
    CNX_FAIL_IF(member->size != 6 || memcmp(member->data, "little", 6) != 0, CNX_ERR_UNSUPPORTED,
                "the file's byte order is \"%s\"; only little-endian files can be read",
                cnx_text_show(member->data, member->size).text);
    return CNX_OK;
}

/* Storage i belongs to member i. */
static cnx_status find_storage(cnx_checkpoint *c, const cnx_pickle_storage *wanted,
                               cnx_storage **out, cnx_error *err)
{
    const cnx_shown_text key = cnx_text_show(wanted->key, wanted->key_size);
    cnx_zip_member *member = NULL;
    CNX_TRY(find_member(c, "/data/", wanted->key, wanted->key_size, &member, err));
    CNX_FAIL_IF(!member, CNX_ERR_FORMAT, "its storage \"%s\" is not in the file", key.text);
    size_t bytes;
    CNX_FAIL_IF(!cnx_mul((size_t)wanted->count, wanted->type->item_size, &bytes) ||
                    bytes > member->size,
                CNX_ERR_FORMAT,
                "its storage \"%s\" should have %lld elements of %d bytes, but the file holds %zu "
                "bytes of it",
                key.text, (long long)wanted->count, wanted->type->item_size, member->size);
    *out = &c->storages[member - c->zip.members];
    (*out)->size = member->size;
    (*out)->member = member;
    return CNX_OK;
}

cnx_status cnx_torch_zip_read(cnx_checkpoint *c, cnx_error *err)
{
    const bool mapped = c->mapping.data != NULL;
    CNX_TRY(cnx_zip_open(&c->zip, c->bytes, c->size, mapped, err));
    CNX_TRY(find_pickle(&c->zip, &c->pickle, err));
    CNX_TRY(check_byte_order(c, err));
    CNX_TRY(cnx_zip_read(&c->zip, c->pickle, err));
    c->storage_count = c->zip.count;
    c->storages = calloc(c->storage_count, sizeof *c->storages);
    CNX_FAIL_IF(!c->storages, CNX_ERR_MEMORY, "not enough memory for %zu storages",
                c->storage_count);
    cnx_pickle pickle = {0};
    cnx_status status = cnx_pickle_load(&pickle, c->pickle->data, c->pickle->size, err);
    if (status == CNX_OK)
        status = cnx_torch_state_read(c, &pickle.root, find_storage, err);
    cnx_pickle_free(&pickle);
    if (mapped)
        cnx_mapping_release(c->pickle->data, c->pickle->size);
    return status;
}
