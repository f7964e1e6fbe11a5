/* Files that travel inside the library: the demo models and the configs. */
#ifndef CNX_CORE_EMBEDDED_H
#define CNX_CORE_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cnx_embedded_file {
    const char *path; /* in the source tree: "configs/ade20k.json" */
    const unsigned char *data;
    size_t size;
} cnx_embedded_file;

/* By number, from 0; false past the end. */
bool cnx_embedded_at(size_t index, cnx_embedded_file *out);
/* By path; false when there is none. */
bool cnx_embedded_find(const char *path, cnx_embedded_file *out);

#endif
