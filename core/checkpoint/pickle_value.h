/*
 * What a pickle holds once it was read: plain data, and nothing that could act.
 *
 * Lists, tuples and dictionaries may be shared and may contain themselves, so nobody walks a tree
 * of values to its end: readers go down by name, a fixed number of steps.
 */
#ifndef CNX_CHECKPOINT_PICKLE_VALUE_H
#define CNX_CHECKPOINT_PICKLE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/checkpoint/checkpoint.h"

/* What a global that may stand in a file means. */
typedef enum cnx_global_role {
    CNX_GLOBAL_INERT, /* whatever it makes is an opaque value */
    CNX_GLOBAL_ORDERED_DICT,
    CNX_GLOBAL_REBUILD_TENSOR,    /* storage, offset, size, stride, requires_grad, hooks */
    CNX_GLOBAL_REBUILD_TYPED,     /* the same, and the dtype */
    CNX_GLOBAL_REBUILD_PARAMETER, /* tensor, requires_grad, hooks */
    CNX_GLOBAL_STORAGE,
    CNX_GLOBAL_DTYPE
} cnx_global_role;

typedef struct cnx_pickle_global {
    const char *module, *name;
    cnx_global_role role;
    cnx_dtype dtype;   /* of a storage or dtype */
    uint8_t item_size; /* bytes an element; known for those dtypes too that cannot be read */
} cnx_pickle_global;

/* The entry of the safety table with exactly that module and name, or NULL: then the file must be
 * refused. */
const cnx_pickle_global *cnx_pickle_find_global(const void *module, size_t module_size,
                                                const void *name, size_t name_size);

typedef enum cnx_pickle_kind {
    CNX_PICKLE_UNSET,
    CNX_PICKLE_NONE,
    CNX_PICKLE_BOOL,
    CNX_PICKLE_INT,
    CNX_PICKLE_LONG, /* an integer of more than 64 bits, as its little-endian bytes */
    CNX_PICKLE_FLOAT,
    CNX_PICKLE_TEXT,
    CNX_PICKLE_BYTES,
    CNX_PICKLE_TUPLE,
    CNX_PICKLE_LIST,
    CNX_PICKLE_DICT,
    CNX_PICKLE_GLOBAL,
    CNX_PICKLE_STORAGE,
    CNX_PICKLE_TENSOR,
    CNX_PICKLE_OPAQUE
} cnx_pickle_kind;

typedef struct cnx_pickle_items cnx_pickle_items;
typedef struct cnx_pickle_storage cnx_pickle_storage;
typedef struct cnx_pickle_tensor cnx_pickle_tensor;

typedef struct cnx_pickle_value {
    cnx_pickle_kind kind;
    uint32_t size; /* bytes of TEXT, BYTES, LONG */
    union {
        int64_t integer; /* INT, BOOL */
        double real;
        const unsigned char *bytes; /* TEXT, BYTES, LONG: in the pickle itself */
        cnx_pickle_items *items;    /* TUPLE, LIST, DICT */
        const cnx_pickle_global *global;
        cnx_pickle_storage *storage;
        cnx_pickle_tensor *tensor;
    } as;
} cnx_pickle_value;

struct cnx_pickle_items {
    cnx_pickle_value *values; /* of a dictionary: key, value, key, value, ... */
    size_t count, room;
};

/* A persistent id: raw elements that lie elsewhere in the file. */
struct cnx_pickle_storage {
    cnx_pickle_storage *next; /* all storages of a pickle, the last one first */
    const unsigned char *key;
    size_t key_size;
    const cnx_pickle_global *type;
    int64_t count;                   /* elements */
    int64_t view_offset, view_count; /* the part that is meant (all of it but in old files) */
    size_t index;                    /* 0; for the container's reader to number them */
};

/* As the file says it; nothing here has been checked but the kinds. */
struct cnx_pickle_tensor {
    const cnx_pickle_storage *storage;
    const cnx_pickle_global *dtype; /* of the elements */
    int64_t offset;
    const cnx_pickle_items *size, *stride;
    bool lazy; /* carries a pending conjugation or negation */
};

bool cnx_pickle_text_is(const cnx_pickle_value *value, const char *text);
/* The value under a text key of a dictionary, the last one if it stands twice; NULL if there is
 * none, or `dict` is no dictionary or NULL. */
const cnx_pickle_value *cnx_pickle_get(const cnx_pickle_value *dict, const char *key);
/* The items of a list or tuple; NULL for anything else. */
const cnx_pickle_items *cnx_pickle_sequence(const cnx_pickle_value *value);
/* "a list", "a dictionary", ... for messages. */
const char *cnx_pickle_kind_name(cnx_pickle_kind kind);

#endif
