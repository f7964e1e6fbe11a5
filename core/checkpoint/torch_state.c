/*
 * The state dictionary of an unpickled torch object, and the check of every tensor in it.
 *
 * Tensors elsewhere (an optimizer's) are neither checked nor touched: they may be damaged without
 * harm.
 */
#include <string.h>

#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"
#include "core/memory.h"

static bool holds_tensors(const cnx_pickle_value *value)
{
    if (!value || value->kind != CNX_PICKLE_DICT)
        return false;
    const cnx_pickle_items *items = value->as.items;
    for (size_t i = 0; i < items->count; i += 2)
        if (items->values[i].kind == CNX_PICKLE_TEXT &&
            items->values[i + 1].kind == CNX_PICKLE_TENSOR)
            return true;
    return false;
}

/* A training file holds averaged weights (EMA) beside the plain ones; the plain ones are what the
 * published results were made with, so the average is taken only when there is nothing else. */
static const cnx_pickle_value *choose_section(const cnx_pickle_value *root, const char **section)
{
    static const char *const names[] = {"state_dict",     "model",     "",
                                        "state_dict_ema", "model_ema", "ema"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cnx_pickle_value *value = *names[i] ? cnx_pickle_get(root, names[i]) : root;
        if (holds_tensors(value)) {
            *section = names[i];
            return value;
        }
    }
    return NULL;
}

static cnx_status no_section(const cnx_pickle_value *root, cnx_error *err)
{
    CNX_FAIL_IF(root->kind != CNX_PICKLE_DICT, CNX_ERR_FORMAT,
                "the file holds %s, not a dictionary of tensors; save model.state_dict()",
                cnx_pickle_kind_name(root->kind));
    char keys[400] = "";
    const cnx_pickle_items *items = root->as.items;
    for (size_t i = 0; i < items->count && i < 2 * 5; i += 2) {
        const cnx_pickle_value *key = &items->values[i];
        if (key->kind != CNX_PICKLE_TEXT)
            continue;
        const size_t used = strlen(keys);
        snprintf(keys + used, sizeof keys - used, "%s\"%.60s\"", used ? ", " : "",
                 cnx_text_show(key->as.bytes, key->size).text);
    }
    return cnx_fail(err, CNX_ERR_FORMAT,
                    "the file holds no tensors under \"state_dict\", \"model\", an average of "
                    "them, or at its top level (there: %s)",
                    *keys ? keys : "nothing");
}

/* The integers of a size or stride. */
static cnx_status read_integers(const cnx_tensor_record *t, const cnx_pickle_items *items,
                                int64_t out[CNX_MAX_RANK], cnx_error *err)
{
    CNX_FAIL_IF(items->count > CNX_MAX_RANK, CNX_ERR_UNSUPPORTED,
                "tensor %s has %zu dimensions; at most %d can be read", t->name, items->count,
                CNX_MAX_RANK);
    for (size_t i = 0; i < items->count; i++) {
        CNX_FAIL_IF(items->values[i].kind != CNX_PICKLE_INT, CNX_ERR_FORMAT,
                    "tensor %s has %s among its sizes and strides", t->name,
                    cnx_pickle_kind_name(items->values[i].kind));
        out[i] = items->values[i].as.integer;
    }
    return CNX_OK;
}

/* offset + sum (size - 1) * stride < count, where nothing may wrap. */
static cnx_status check_extent(const cnx_tensor_record *t, size_t offset, size_t count,
                               cnx_error *err)
{
    size_t last = offset;
    bool fits = true;
    for (int i = 0; i < t->info.rank && fits; i++) {
        size_t reach;
        fits = cnx_mul((size_t)t->info.shape[i] - 1, t->stride[i], &reach) &&
               cnx_add(last, reach, &last);
    }
    CNX_FAIL_IF(!fits || last >= count, CNX_ERR_FORMAT,
                "tensor %s reaches beyond its storage of %zu elements (it begins at element %zu)",
                t->name, count, offset);
    return CNX_OK;
}

/* A view with strides of 0 claims more elements than its storage holds.  That is sound in itself,
 * but all of them together must stay in proportion to the file: whoever reads them needs memory for
 * each. */
static cnx_status check_repetition(cnx_checkpoint *c, const cnx_tensor_record *t, size_t count,
                                   cnx_error *err)
{
    if (t->info.elements <= count)
        return CNX_OK;
    const size_t limit = c->size + ((size_t)1 << 20);
    const size_t more = t->info.elements - count;
    CNX_FAIL_IF(more > limit - c->repeated, CNX_ERR_FORMAT,
                "tensor %s shows %zu stored elements as %zu", t->name, count, t->info.elements);
    c->repeated += more;
    return CNX_OK;
}

static cnx_status place_tensor(cnx_checkpoint *c, cnx_tensor_record *t,
                               const cnx_pickle_tensor *source, cnx_storage_find find,
                               cnx_error *err)
{
    int64_t stride[CNX_MAX_RANK] = {0};
    CNX_TRY(read_integers(t, source->stride, stride, err));
    for (size_t i = 0; i < source->stride->count; i++) {
        CNX_FAIL_IF(stride[i] < 0, CNX_ERR_FORMAT, "tensor %s has the negative stride %lld",
                    t->name, (long long)stride[i]);
        t->stride[i] = (size_t)stride[i];
    }
    CNX_FAIL_IF(source->offset < 0, CNX_ERR_FORMAT, "tensor %s has the negative offset %lld",
                t->name, (long long)source->offset);
    t->item_size = source->dtype->item_size;
    if (t->info.elements == 0)
        return CNX_OK;

    const cnx_pickle_storage *s = source->storage;
    const cnx_status status = find(c, s, &t->storage, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "tensor %s", t->name);
        return status;
    }
    /* In bytes first: storage and tensor may count different elements.  find has checked that the
     * file holds s->count elements, so none of these products wraps. */
    const size_t begin = (size_t)s->view_offset * s->type->item_size;
    const size_t count = (size_t)s->view_count * s->type->item_size / t->item_size;
    CNX_TRY(check_extent(t, (size_t)source->offset, count, err));
    CNX_TRY(check_repetition(c, t, count, err));
    t->offset = begin + (size_t)source->offset * t->item_size;
    return CNX_OK;
}

static cnx_status add_tensor(cnx_checkpoint *c, const cnx_pickle_value *name,
                             const cnx_pickle_tensor *source, cnx_storage_find find, cnx_error *err)
{
    cnx_tensor_record *t = NULL;
    int64_t shape[CNX_MAX_RANK] = {0};
    CNX_TRY(cnx_checkpoint_add_tensor(c, name->as.bytes, name->size, &t, err));
    CNX_FAIL_IF(source->size->count != source->stride->count, CNX_ERR_FORMAT,
                "tensor %s has %zu sizes but %zu strides", t->name, source->size->count,
                source->stride->count);
    CNX_TRY(read_integers(t, source->size, shape, err));
    CNX_TRY(cnx_tensor_set_shape(t, shape, source->size->count, err));
    /* A pending conjugation or negation would have to be carried out: not readable. */
    t->info.dtype = source->lazy ? CNX_DTYPE_OTHER : source->dtype->dtype;
    return place_tensor(c, t, source, find, err);
}

cnx_status cnx_torch_state_read(cnx_checkpoint *c, const cnx_pickle_value *root,
                                cnx_storage_find find, cnx_error *err)
{
    const cnx_pickle_value *section = choose_section(root, &c->section);
    if (!section)
        return no_section(root, err);
    const cnx_pickle_items *items = section->as.items;
    for (size_t i = 0; i < items->count; i += 2) {
        const cnx_pickle_value *name = &items->values[i], *value = &items->values[i + 1];
        if (name->kind == CNX_PICKLE_TEXT && value->kind == CNX_PICKLE_TENSOR)
            CNX_TRY(add_tensor(c, name, value->as.tensor, find, err));
    }
    return cnx_torch_meta_read(c, root, err);
}
