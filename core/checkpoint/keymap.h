/* Tensor names: from the dialects of the published systems to the official ones and back. */
#ifndef CNX_CORE_KEYMAP_H
#define CNX_CORE_KEYMAP_H

#include "core/checkpoint/weights.h"

/* How one file spells its names. */
typedef struct cnx_keymap {
    cnx_dialect dialect;
    bool classifier; /* an mmpretrain classifier: its "backbone." is not part of the canonical name
                      */
    const char *prefix; /* what stands before the backbone's names in the file; static text */
} cnx_keymap;

typedef enum cnx_name_kind {
    CNX_NAME_UNKNOWN, /* means nothing to us */
    CNX_NAME_IGNORED, /* known, and never needed for a prediction */
    CNX_NAME_KNOWN
} cnx_name_kind;

/* The dialect that explains the most names. */
cnx_keymap cnx_keymap_detect(const char *const *names, size_t count);

/* Bytes that the translation of `name` may take, either way, with its NUL. */
size_t cnx_keymap_room(const char *name);

/* Translates a file's name; canonical has cnx_keymap_room(name) bytes and is "" when unknown. */
cnx_name_kind cnx_keymap_canonical(const cnx_keymap *map, const char *name, char *canonical);

/* The name that the file would use for a canonical one; false when the dialect has none. */
bool cnx_keymap_spelling(const cnx_keymap *map, const char *canonical, char *name);

#endif
