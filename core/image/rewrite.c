#include "core/image/rewrite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void copy_up_to(cnx_rewrite *rewrite, const uint8_t *source, size_t end)
{
    memcpy(rewrite->data + rewrite->size, source + rewrite->consumed, end - rewrite->consumed);
    rewrite->size += end - rewrite->consumed;
    rewrite->consumed = end;
}

cnx_status cnx_rewrite_edit(cnx_rewrite *rewrite, const uint8_t *source, size_t source_size,
                            size_t at, size_t length, const void *replacement, size_t count,
                            cnx_error *err)
{
    assert(at >= rewrite->consumed && at <= source_size && length <= source_size - at);
    assert(count <= length);
    if (!rewrite->data) {
        /* Never longer than the source, since no edit makes it longer. */
        rewrite->data = malloc(source_size);
        CNX_FAIL_IF(!rewrite->data, CNX_ERR_MEMORY,
                    "not enough memory for a copy of the file (%zu bytes)", source_size);
    }
    copy_up_to(rewrite, source, at);
    if (count)
        memcpy(rewrite->data + rewrite->size, replacement, count);
    rewrite->size += count;
    rewrite->consumed = at + length;
    return CNX_OK;
}

void cnx_rewrite_end(cnx_rewrite *rewrite, const uint8_t *source, size_t source_size)
{
    if (rewrite->data)
        copy_up_to(rewrite, source, source_size);
}

void cnx_rewrite_free(cnx_rewrite *rewrite)
{
    free(rewrite->data);
    *rewrite = (cnx_rewrite){0};
}
