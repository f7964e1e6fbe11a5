#include "tools/relative_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folder of a path with links followed, NULL when it is not there; the caller frees it. */
static char *real_folder(const char *path)
{
    char *copy = strdup(path), *found = NULL;
    if (!copy)
        return NULL;
    char *slash = strrchr(copy, '/');
    if (slash == copy)
        slash[1] = '\0';
    else if (slash)
        *slash = '\0';
    found = realpath(slash ? copy : ".", NULL);
    free(copy);
    return found;
}

/* Where the two part, at a slash or an end, in bytes. */
static size_t shared_part(const char *a, const char *b)
{
    size_t shared = 0, i = 0;
    for (; a[i] && a[i] == b[i]; i++)
        if (a[i] == '/')
            shared = i;
    const bool a_ends = !a[i] || a[i] == '/', b_ends = !b[i] || b[i] == '/';
    return a_ends && b_ends ? i : shared;
}

/* from, to: real folders.  "../" for each part of `from` beyond the shared one, then the rest. */
static int join(char **out, const char *from, const char *to, const char *name)
{
    const size_t shared = shared_part(from, to);
    size_t steps = 0;
    for (const char *at = from + shared; *at; at++)
        steps += *at == '/' && at[1];
    char *up = calloc(3 * steps + 1, 1);
    if (!up)
        return -1;
    for (size_t i = 0; i < steps; i++)
        memcpy(up + 3 * i, "../", 3);
    const char *rest = to + shared + (to[shared] == '/');
    const int length = asprintf(out, "%s%s%s%s", up, rest, *rest ? "/" : "", name);
    free(up);
    return length;
}

cnx_status cnx_relative_path(char **out, const char *folder, const char *path, cnx_error *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    char *from = realpath(folder, NULL), *to = real_folder(path);
    *out = NULL;
    const bool made = from && to ? join(out, from, to, name) >= 0 : (*out = strdup(name)) != NULL;
    free(from);
    free(to);
    if (!made)
        *out = NULL;
    CNX_FAIL_IF(!made, CNX_ERR_MEMORY, "not enough memory for a path");
    return CNX_OK;
}
