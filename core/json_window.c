#include "core/json_window.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cnx_json_window_free(cnx_json_window *w)
{
    free(w->data);
    *w = (cnx_json_window){0};
}

static cnx_status reserve(cnx_json_window *w, size_t room, cnx_error *err)
{
    if (w->data && room <= w->room)
        return CNX_OK;
    char *data = realloc(w->data, room + 1);
    CNX_FAIL_IF(!data, CNX_ERR_MEMORY, "not enough memory to read %zu bytes at once", room);
    w->data = data;
    w->room = room;
    return CNX_OK;
}

/* Reads up to `size` bytes behind what is there. */
static cnx_status append(cnx_json_window *w, const cnx_json_file *file, size_t size, cnx_error *err)
{
    const uint64_t at = w->base + w->used;
    const uint64_t left = at < file->size ? file->size - at : 0;
    const size_t wanted = w->used + (left < size ? (size_t)left : size);
    CNX_TRY(reserve(w, wanted, err));
    while (w->used < wanted) {
        const ssize_t n =
            pread(file->fd, w->data + w->used, wanted - w->used, (off_t)(w->base + w->used));
        if (n < 0 && errno == EINTR)
            continue;
        CNX_FAIL_IF(n < 0, CNX_ERR_IO, "cannot be read: %s", strerror(errno));
        CNX_FAIL_IF(n == 0, CNX_ERR_IO, "became shorter while it was read");
        w->used += (size_t)n;
    }
    w->data[w->used] = '\0';
    return CNX_OK;
}

cnx_status cnx_json_window_load(cnx_json_window *w, const cnx_json_file *file, uint64_t offset,
                                size_t size, cnx_error *err)
{
    w->base = offset;
    w->used = 0;
    return append(w, file, size, err);
}

cnx_status cnx_json_window_extend(cnx_json_window *w, const cnx_json_file *file, uint64_t offset,
                                  cnx_error *err)
{
    enum { LEAST = 64 * 1024 };
    const size_t drop = (size_t)(offset - w->base);
    memmove(w->data, w->data + drop, w->used - drop);
    w->base = offset;
    w->used -= drop;
    return append(w, file, w->used > LEAST ? w->used : LEAST, err);
}
