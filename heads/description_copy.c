#include <stdlib.h>
#include <string.h>

#include "heads/description.h"

cnx_status cnx_description_copy(cnx_description *out, const cnx_description *d, cnx_error *err)
{
    const size_t count = (size_t)d->class_count;
    *out = *d;
    out->class_names = calloc(count + 1, sizeof *out->class_names);
    out->palette = malloc(3 * count + 1);
    out->category_ids = d->category_ids ? malloc((count + 1) * sizeof *d->category_ids) : NULL;
    bool ok = out->class_names && out->palette && (out->category_ids || !d->category_ids);
    for (size_t i = 0; i < count && ok; i++) {
        out->class_names[i] = strdup(d->class_names[i]);
        ok = out->class_names[i] != NULL;
    }
    if (!ok) {
        if (!out->class_names)
            out->class_count = 0;
        cnx_description_free(out);
        return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the class names");
    }
    memcpy(out->palette, d->palette, 3 * count);
    if (d->category_ids)
        memcpy(out->category_ids, d->category_ids, count * sizeof *d->category_ids);
    return CNX_OK;
}
