/* An open checkpoint, as the readers of the three containers fill it. */
#ifndef CNX_CHECKPOINT_PRIVATE_H
#define CNX_CHECKPOINT_PRIVATE_H

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/pickle.h"
#include "core/checkpoint/zip.h"
#include "core/file.h"

/* Raw elements: a zip member, a stretch of a legacy file, the data of a safetensors file. */
typedef struct cnx_storage {
    const unsigned char *_Atomic data; /* NULL until a zip member was read */
    size_t size;                       /* bytes */
    const cnx_zip_member *member;      /* NULL when the container has no members */
} cnx_storage;

/* A tensor whose place was checked: all its elements lie inside the storage. */
typedef struct cnx_tensor_record {
    cnx_tensor_info info; /* first, so that a pointer to it is a pointer to the record */
    char *name;           /* owned; info.name points into it */
    cnx_storage *storage; /* NULL when there are no elements */
    size_t offset;        /* bytes from the storage's start */
    size_t item_size;
    size_t stride[CNX_MAX_RANK]; /* elements */
} cnx_tensor_record;

typedef struct cnx_owned_text {
    char *key, *value;
} cnx_owned_text;

struct cnx_checkpoint {
    char *name;
    cnx_mapping mapping; /* zeroed when the bytes are borrowed */
    const unsigned char *bytes;
    size_t size;
    cnx_container container;
    const char *section;

    cnx_zip zip;
    cnx_zip_member *pickle; /* ROOT/data.pkl of a torch zip file */
    cnx_storage *storages;
    size_t storage_count;

    cnx_tensor_record *tensors; /* in the file's order */
    size_t count, room;
    cnx_tensor_record **by_name;
    size_t repeated; /* elements of views that show one element several times */

    char **classes;
    size_t class_count;
    uint8_t *palette;
    size_t palette_count;
    cnx_owned_text *texts;
    size_t text_count;
};

/* The containers' readers: fill storages, tensors, section and metadata. */
cnx_status cnx_torch_zip_read(cnx_checkpoint *c, cnx_error *err);
cnx_status cnx_torch_legacy_read(cnx_checkpoint *c, cnx_error *err);
cnx_status cnx_safetensors_read(cnx_checkpoint *c, cnx_error *err);
cnx_status cnx_safetensors_meta_read(cnx_checkpoint *c, cnx_error *err);

/* Finds the storage that a pickle means, and fails when the file does not hold all its elements. */
typedef cnx_status (*cnx_storage_find)(cnx_checkpoint *c, const cnx_pickle_storage *wanted,
                                       cnx_storage **out, cnx_error *err);
/* Takes the state dictionary and the metadata out of the unpickled object. */
cnx_status cnx_torch_state_read(cnx_checkpoint *c, const cnx_pickle_value *root,
                                cnx_storage_find find, cnx_error *err);
cnx_status cnx_torch_meta_read(cnx_checkpoint *c, const cnx_pickle_value *root, cnx_error *err);

/* Appends a zeroed tensor with this name, which must be one (text.h). */
cnx_status cnx_checkpoint_add_tensor(cnx_checkpoint *c, const void *name, size_t name_size,
                                     cnx_tensor_record **out, cnx_error *err);
/* Sets shape and element count; fails when the product is no size. */
cnx_status cnx_tensor_set_shape(cnx_tensor_record *tensor, const int64_t *shape, size_t rank,
                                cnx_error *err);
cnx_status cnx_checkpoint_add_text(cnx_checkpoint *c, const void *key, size_t key_size,
                                   const void *value, size_t value_size, cnx_error *err);

#endif
