#include "core/checkpoint/pickle_value.h"

#include <string.h>

bool cnx_pickle_text_is(const cnx_pickle_value *value, const char *text)
{
    return value->kind == CNX_PICKLE_TEXT && value->size == strlen(text) &&
           memcmp(value->as.bytes, text, value->size) == 0;
}

const cnx_pickle_value *cnx_pickle_get(const cnx_pickle_value *dict, const char *key)
{
    if (!dict || dict->kind != CNX_PICKLE_DICT)
        return NULL;
    const cnx_pickle_items *items = dict->as.items;
    for (size_t i = items->count; i >= 2; i -= 2)
        if (cnx_pickle_text_is(&items->values[i - 2], key))
            return &items->values[i - 1];
    return NULL;
}

const cnx_pickle_items *cnx_pickle_sequence(const cnx_pickle_value *value)
{
    if (!value || (value->kind != CNX_PICKLE_LIST && value->kind != CNX_PICKLE_TUPLE))
        return NULL;
    return value->as.items;
}

const char *cnx_pickle_kind_name(cnx_pickle_kind kind)
{
    static const char *const names[] = {
        [CNX_PICKLE_UNSET] = "nothing",       [CNX_PICKLE_NONE] = "None",
        [CNX_PICKLE_BOOL] = "a truth value",  [CNX_PICKLE_INT] = "an integer",
        [CNX_PICKLE_LONG] = "a long integer", [CNX_PICKLE_FLOAT] = "a number",
        [CNX_PICKLE_TEXT] = "a text",         [CNX_PICKLE_BYTES] = "bytes",
        [CNX_PICKLE_TUPLE] = "a tuple",       [CNX_PICKLE_LIST] = "a list",
        [CNX_PICKLE_DICT] = "a dictionary",   [CNX_PICKLE_GLOBAL] = "a global",
        [CNX_PICKLE_STORAGE] = "a storage",   [CNX_PICKLE_TENSOR] = "a tensor",
        [CNX_PICKLE_OPAQUE] = "an object"};
    return names[kind];
}
