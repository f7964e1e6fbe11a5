/* A piece of a file in memory, followed by a NUL: what cnx_json_scan reads. */
#ifndef CNX_CORE_JSON_WINDOW_H
#define CNX_CORE_JSON_WINDOW_H

#include "core/json_stream.h"

typedef struct cnx_json_window {
    char *data; /* owned; [room + 1] */
    size_t room, used;
    uint64_t base; /* offset of data[0] in the file */
} cnx_json_window;

void cnx_json_window_free(cnx_json_window *w); /* accepts a zeroed one */

/* Reads [offset, offset + size), less where the file ends. */
cnx_status cnx_json_window_load(cnx_json_window *w, const cnx_json_file *file, uint64_t offset,
                                size_t size, cnx_error *err);
/* Lets go of what lies before `offset` and reads as much again behind the end, at least. */
cnx_status cnx_json_window_extend(cnx_json_window *w, const cnx_json_file *file, uint64_t offset,
                                  cnx_error *err);

static inline bool cnx_json_window_is_last(const cnx_json_window *w, const cnx_json_file *file)
{
    return w->base + w->used >= file->size;
}
static inline cnx_json_scan cnx_json_window_scan(const cnx_json_window *w, uint64_t offset)
{
    return (cnx_json_scan){w->data + (offset - w->base), w->data + w->used, false};
}
static inline uint64_t cnx_json_window_offset(const cnx_json_window *w, const cnx_json_scan *scan)
{
    return w->base + (uint64_t)(scan->at - w->data);
}

#endif
