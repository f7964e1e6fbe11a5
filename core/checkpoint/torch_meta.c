/*
 * Class names, palette and config text beside the tensors.
 *
 * OpenMMLab 0.x: meta.CLASSES, meta.PALETTE, meta.config; 1.x: meta.dataset_meta.classes and
 * .palette, meta.cfg.  Whatever is not of the expected form is taken as absent: the tensors do not
 * depend on it.
 */
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/text.h"

/* All together no longer than the file: one text that is shared a million times would have to be
 * copied a million times. */
static bool is_name_list(const cnx_pickle_items *items, size_t left)
{
    for (size_t i = 0; items && i < items->count; i++) {
        const cnx_pickle_value *v = &items->values[i];
        if (v->kind != CNX_PICKLE_TEXT || v->size > left || !cnx_text_is_name(v->as.bytes, v->size))
            return false;
        left -= v->size;
    }
    return items && items->count > 0;
}

static bool is_palette(const cnx_pickle_items *items)
{
    for (size_t i = 0; items && i < items->count; i++) {
        const cnx_pickle_items *rgb = cnx_pickle_sequence(&items->values[i]);
        if (!rgb || rgb->count != 3)
            return false;
        for (size_t k = 0; k < 3; k++)
            if (rgb->values[k].kind != CNX_PICKLE_INT || rgb->values[k].as.integer < 0 ||
                rgb->values[k].as.integer > 255)
                return false;
    }
    return items && items->count > 0;
}

static cnx_status read_classes(cnx_checkpoint *c, const cnx_pickle_items *items, cnx_error *err)
{
    c->classes = calloc(items->count, sizeof *c->classes);
    CNX_FAIL_IF(!c->classes, CNX_ERR_MEMORY, "not enough memory for the class names");
    for (size_t i = 0; i < items->count; i++) {
        const cnx_pickle_value *v = &items->values[i];
        char *copy = malloc((size_t)v->size + 1);
        CNX_FAIL_IF(!copy, CNX_ERR_MEMORY, "not enough memory for the class names");
        memcpy(copy, v->as.bytes, v->size);
        copy[v->size] = '\0';
        c->classes[c->class_count++] = copy;
    }
    return CNX_OK;
}

static cnx_status read_palette(cnx_checkpoint *c, const cnx_pickle_items *items, cnx_error *err)
{
    c->palette = malloc(3 * items->count);
    CNX_FAIL_IF(!c->palette, CNX_ERR_MEMORY, "not enough memory for the palette");
    c->palette_count = items->count;
    for (size_t i = 0; i < items->count; i++)
        for (size_t k = 0; k < 3; k++)
            c->palette[3 * i + k] = (uint8_t)items->values[i].as.items->values[k].as.integer;
    return CNX_OK;
}

cnx_status cnx_torch_meta_read(cnx_checkpoint *c, const cnx_pickle_value *root, cnx_error *err)
{
    static const char *const class_keys[] = {"CLASSES", "classes"};
    static const char *const palette_keys[] = {"PALETTE", "palette"};
    static const char *const config_keys[] = {"config", "cfg"};
    const cnx_pickle_value *meta = cnx_pickle_get(root, "meta");
    const cnx_pickle_value *places[] = {meta, cnx_pickle_get(meta, "dataset_meta")};
    for (size_t i = 0; i < 4; i++) {
        const cnx_pickle_items *classes =
            cnx_pickle_sequence(cnx_pickle_get(places[i / 2], class_keys[i % 2]));
        if (!c->classes && is_name_list(classes, c->size))
            CNX_TRY(read_classes(c, classes, err));
        const cnx_pickle_items *palette =
            cnx_pickle_sequence(cnx_pickle_get(places[i / 2], palette_keys[i % 2]));
        if (!c->palette && is_palette(palette))
            CNX_TRY(read_palette(c, palette, err));
    }
    for (size_t i = 0; i < 2; i++) {
        const cnx_pickle_value *config = cnx_pickle_get(meta, config_keys[i]);
        if (config && config->kind == CNX_PICKLE_TEXT &&
            cnx_text_is_utf8(config->as.bytes, config->size))
            return cnx_checkpoint_add_text(c, "config", 6, config->as.bytes, config->size, err);
    }
    return CNX_OK;
}
