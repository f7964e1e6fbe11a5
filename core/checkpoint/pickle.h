/* The restricted unpickler: builds data, refuses by name every global that is not on its list. */
#ifndef CNX_CHECKPOINT_PICKLE_H
#define CNX_CHECKPOINT_PICKLE_H

#include "core/checkpoint/pickle_value.h"

typedef struct cnx_pickle {
    cnx_pickle_value root;
    cnx_pickle_storage *storages; /* all that the pickle names, in whatever part of it */
    size_t storage_count;
    size_t end;              /* bytes of the pickle, its STOP included */
    struct cnx_arena *arena; /* all values; they also point into the pickle's bytes */
    size_t used;             /* bytes of memory taken for them */
} cnx_pickle;

/* Reads one pickle from the front of `data`, which must outlive *out. */
cnx_status cnx_pickle_load(cnx_pickle *out, const unsigned char *data, size_t size, cnx_error *err);
void cnx_pickle_free(cnx_pickle *pickle); /* accepts a zeroed one */

#endif
