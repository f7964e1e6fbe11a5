/* The part of the unpickler that in Python would call something.  Here it builds tensors and
 * dictionaries, and drops the rest. */
#include <string.h>

#include "core/checkpoint/pickle_machine.h"
#include "core/checkpoint/text.h"

cnx_status cnx_pickle_global_named(cnx_pickle_machine *m, const void *module, size_t module_size,
                                   const void *name, size_t name_size, cnx_error *err)
{
    const cnx_pickle_global *global = cnx_pickle_find_global(module, module_size, name, name_size);
    CNX_FAIL_IF(!global, CNX_ERR_FORMAT,
                "refused: the pickle names the global \"%s.%s\", which is not plain data (nothing "
                "of it was executed); if you trust the file's origin, save its state_dict alone "
                "with torch.save",
                cnx_text_show(module, module_size).text, cnx_text_show(name, name_size).text);
    return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_GLOBAL, .as.global = global},
                           err);
}

/* OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]). */
static cnx_status new_dict(cnx_pickle_machine *m, const cnx_pickle_items *arguments, cnx_error *err)
{
    cnx_pickle_value dict = {.kind = CNX_PICKLE_DICT};
    CNX_TRY(cnx_pickle_new_items(m->pickle, &dict.as.items, NULL, 0, err));
    if (arguments->count > 0) {
        const cnx_pickle_items *pairs = cnx_pickle_sequence(&arguments->values[0]);
        CNX_FAIL_IF(!pairs || arguments->count > 1, CNX_ERR_FORMAT,
                    "an OrderedDict is made from something that is no list of pairs");
        for (size_t i = 0; i < pairs->count; i++) {
            const cnx_pickle_items *pair = cnx_pickle_sequence(&pairs->values[i]);
            CNX_FAIL_IF(!pair || pair->count != 2, CNX_ERR_FORMAT,
                        "an OrderedDict is made from something that is no list of pairs");
            CNX_TRY(cnx_pickle_append(m->pickle, dict.as.items, pair->values, 2, err));
        }
    }
    return cnx_pickle_push(m, dict, err);
}

/* The metadata of newer tensors: {"conj": True} or {"neg": True} for a change not yet made. */
static bool is_lazy(const cnx_pickle_items *arguments, size_t index)
{
    if (index >= arguments->count || arguments->values[index].kind != CNX_PICKLE_DICT)
        return false;
    const cnx_pickle_items *metadata = arguments->values[index].as.items;
    if (metadata->count > 2 * 2) /* there are no more; and many tensors may share one dictionary */
        return true;
    for (size_t i = 1; i < metadata->count; i += 2)
        if (metadata->values[i].kind == CNX_PICKLE_BOOL && metadata->values[i].as.integer)
            return true;
    return false;
}

static cnx_status new_tensor(cnx_pickle_machine *m, const cnx_pickle_items *arguments, bool typed,
                             cnx_error *err)
{
    const cnx_pickle_value *a = arguments->values;
    const size_t least = typed ? 7 : 6;
    CNX_FAIL_IF(arguments->count < least || arguments->count > least + 1 ||
                    a[0].kind != CNX_PICKLE_STORAGE || a[1].kind != CNX_PICKLE_INT ||
                    !cnx_pickle_sequence(&a[2]) || !cnx_pickle_sequence(&a[3]),
                CNX_ERR_FORMAT, "a tensor is not described by storage, offset, size and stride");
    const cnx_pickle_global *dtype = a[0].as.storage->type;
    if (typed) {
        CNX_FAIL_IF(a[6].kind != CNX_PICKLE_GLOBAL || a[6].as.global->role != CNX_GLOBAL_DTYPE,
                    CNX_ERR_FORMAT, "a tensor's dtype is %s", cnx_pickle_kind_name(a[6].kind));
        dtype = a[6].as.global;
    }
    void *memory = NULL;
    CNX_TRY(cnx_pickle_alloc(m->pickle, &memory, sizeof(cnx_pickle_tensor), err));
    cnx_pickle_tensor *tensor = memory;
    *tensor = (cnx_pickle_tensor){.storage = a[0].as.storage,
                                  .dtype = dtype,
                                  .offset = a[1].as.integer,
                                  .size = a[2].as.items,
                                  .stride = a[3].as.items,
                                  .lazy = is_lazy(arguments, least)};
    return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_TENSOR, .as.tensor = tensor},
                           err);
}

cnx_status cnx_pickle_call(cnx_pickle_machine *m, const cnx_pickle_value *callable,
                           const cnx_pickle_value *arguments, cnx_error *err)
{
    CNX_FAIL_IF(callable->kind != CNX_PICKLE_GLOBAL && callable->kind != CNX_PICKLE_OPAQUE,
                CNX_ERR_FORMAT, "%s stands where a class is needed",
                cnx_pickle_kind_name(callable->kind));
    CNX_FAIL_IF(arguments->kind != CNX_PICKLE_TUPLE, CNX_ERR_FORMAT,
                "%s stands where arguments are needed", cnx_pickle_kind_name(arguments->kind));
    const cnx_pickle_items *items = arguments->as.items;
    const cnx_global_role role =
        callable->kind == CNX_PICKLE_GLOBAL ? callable->as.global->role : CNX_GLOBAL_INERT;
    switch (role) {
    case CNX_GLOBAL_ORDERED_DICT:
        return new_dict(m, items, err);
    case CNX_GLOBAL_REBUILD_TENSOR:
        return new_tensor(m, items, false, err);
    case CNX_GLOBAL_REBUILD_TYPED:
        return new_tensor(m, items, true, err);
    case CNX_GLOBAL_REBUILD_PARAMETER:
        CNX_FAIL_IF(items->count < 1 || items->values[0].kind != CNX_PICKLE_TENSOR, CNX_ERR_FORMAT,
                    "a parameter is made from something that is no tensor");
        return cnx_pickle_push(m, items->values[0], err);
    case CNX_GLOBAL_INERT:
    case CNX_GLOBAL_STORAGE:
    case CNX_GLOBAL_DTYPE:
        break;
    }
    return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_OPAQUE}, err);
}

/* In files older than torch 0.4 a storage may be a part of another: (key, offset, count). */
static cnx_status read_view(const cnx_pickle_value *view, cnx_pickle_storage *storage,
                            cnx_error *err)
{
    if (view->kind == CNX_PICKLE_NONE)
        return CNX_OK;
    const cnx_pickle_items *items = cnx_pickle_sequence(view);
    CNX_FAIL_IF(!items || items->count != 3 || items->values[1].kind != CNX_PICKLE_INT ||
                    items->values[2].kind != CNX_PICKLE_INT,
                CNX_ERR_FORMAT, "a storage's view is not described by key, offset and count");
    storage->view_offset = items->values[1].as.integer;
    storage->view_count = items->values[2].as.integer;
    CNX_FAIL_IF(storage->view_offset < 0 || storage->view_count < 0 ||
                    storage->view_offset > storage->count ||
                    storage->view_count > storage->count - storage->view_offset,
                CNX_ERR_FORMAT, "a storage's view reaches beyond its %lld elements",
                (long long)storage->count);
    return CNX_OK;
}

/* ("storage", type, key, device, element count), in legacy files also a view. */
cnx_status cnx_pickle_persistent(cnx_pickle_machine *m, const cnx_pickle_value *id, cnx_error *err)
{
    const cnx_pickle_items *items = id->kind == CNX_PICKLE_TUPLE ? id->as.items : NULL;
    const cnx_pickle_value *v = items ? items->values : NULL;
    CNX_FAIL_IF(
        !items || items->count < 5 || items->count > 6 || !cnx_pickle_text_is(&v[0], "storage") ||
            v[1].kind != CNX_PICKLE_GLOBAL || v[1].as.global->role != CNX_GLOBAL_STORAGE ||
            v[2].kind != CNX_PICKLE_TEXT || v[4].kind != CNX_PICKLE_INT,
        CNX_ERR_FORMAT, "a storage is not described by \"storage\", type, key, device and count");
    CNX_FAIL_IF(v[4].as.integer < 0, CNX_ERR_FORMAT, "storage \"%s\" claims %lld elements",
                cnx_text_show(v[2].as.bytes, v[2].size).text, (long long)v[4].as.integer);
    void *memory = NULL;
    CNX_TRY(cnx_pickle_alloc(m->pickle, &memory, sizeof(cnx_pickle_storage), err));
    cnx_pickle_storage *storage = memory;
    *storage = (cnx_pickle_storage){.next = m->pickle->storages,
                                    .key = v[2].as.bytes,
                                    .key_size = v[2].size,
                                    .type = v[1].as.global,
                                    .count = v[4].as.integer,
                                    .view_count = v[4].as.integer};
    if (items->count == 6)
        CNX_TRY(read_view(&v[5], storage, err));
    m->pickle->storages = storage;
    m->pickle->storage_count++;
    return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_STORAGE, .as.storage = storage},
                           err);
}
