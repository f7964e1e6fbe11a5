#include "core/embedded/embedded.h"

#include <string.h>

/* Defined in embedded_data.S. */
#pragma GCC visibility push(hidden)
#define CNX_EMBED(symbol, path)                                                                    \
    extern const unsigned char cnx_embedded_##symbol[], cnx_embedded_##symbol##_end[];
#include "core/embedded/embedded_files.h"
#undef CNX_EMBED
#pragma GCC visibility pop

static const struct {
    const char *path;
    const unsigned char *begin, *end;
} files[] = {
#define CNX_EMBED(symbol, path) {path, cnx_embedded_##symbol, cnx_embedded_##symbol##_end},
#include "core/embedded/embedded_files.h"
#undef CNX_EMBED
};

bool cnx_embedded_at(size_t index, cnx_embedded_file *out)
{
    if (index >= sizeof files / sizeof *files)
        return false;
    *out = (cnx_embedded_file){.path = files[index].path,
                               .data = files[index].begin,
                               .size = (size_t)(files[index].end - files[index].begin)};
    return true;
}

bool cnx_embedded_find(const char *path, cnx_embedded_file *out)
{
    for (size_t i = 0; cnx_embedded_at(i, out); i++)
        if (strcmp(out->path, path) == 0)
            return true;
    return false;
}
