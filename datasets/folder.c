#include "datasets/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEEPEST = 16 };

typedef struct walk {
    cnx_folder found;
    size_t capacity;
    cnx_folder_filter filter;
    void *user;
} walk;

bool cnx_folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

char *cnx_folder_join(const char *folder, const char *name)
{
    char *path = NULL;
    const size_t length = strlen(folder);
    const bool bare = length == 0 || folder[length - 1] == '/';
    return asprintf(&path, "%s%s%s", folder, bare ? "" : "/", name) < 0 ? NULL : path;
}

void cnx_folder_free(cnx_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        free(folder->names[i]);
    free(folder->names);
    *folder = (cnx_folder){0};
}

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for a list of files");
}

/* Takes the name over, also when it fails. */
static cnx_status add_name(walk *w, char *name, cnx_error *err)
{
    if (w->found.count == w->capacity) {
        const size_t capacity = w->capacity ? 2 * w->capacity : 64;
        char **names = realloc(w->found.names, capacity * sizeof *names);
        if (!names) {
            free(name);
            return out_of_memory(err);
        }
        w->found.names = names;
        w->capacity = capacity;
    }
    w->found.names[w->found.count++] = name;
    return CNX_OK;
}

static cnx_status walk_folder(walk *w, const char *root, const char *below, int depth,
                              cnx_error *err);

/* name: owned here. */
static cnx_status walk_entry(walk *w, const char *root, char *name, int depth, cnx_error *err)
{
    struct stat info;
    char *path = cnx_folder_join(root, name);
    if (!path) {
        free(name);
        return out_of_memory(err);
    }
    const bool folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    free(path);
    cnx_status status = CNX_OK;
    if (folder)
        status = walk_folder(w, root, name, depth + 1, err);
    else if (!w->filter || w->filter(w->user, name))
        return add_name(w, name, err);
    free(name);
    return status;
}

/* below: the path of this folder below the root; "" for the root itself. */
static cnx_status walk_folder(walk *w, const char *root, const char *below, int depth,
                              cnx_error *err)
{
    char *path = cnx_folder_join(root, below);
    if (!path)
        return out_of_memory(err);
    DIR *stream = depth <= DEEPEST ? opendir(path) : NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(depth > DEEPEST, CNX_ERR_IO, "%s: more than %d folders lie inside each other here",
                 path, DEEPEST);
    CNX_CHECK_IF(!stream, CNX_ERR_IO, "%s: cannot be listed: %s", path, strerror(errno));
    const struct dirent *entry;
    while (status == CNX_OK && (errno = 0, entry = readdir(stream))) {
        if (entry->d_name[0] == '.')
            continue;
        char *name = *below ? cnx_folder_join(below, entry->d_name) : strdup(entry->d_name);
        status = name ? walk_entry(w, root, name, depth, err) : out_of_memory(err);
    }
    CNX_CHECK_IF(status == CNX_OK && errno != 0, CNX_ERR_IO, "%s: cannot be listed: %s", path,
                 strerror(errno));
cleanup:
    if (stream)
        closedir(stream);
    free(path);
    return status;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

cnx_status cnx_folder_list(cnx_folder *out, const char *path, cnx_folder_filter filter, void *user,
                           cnx_error *err)
{
    *out = (cnx_folder){0};
    walk w = {.filter = filter, .user = user};
    const cnx_status status = walk_folder(&w, path, "", 0, err);
    if (status != CNX_OK) {
        cnx_folder_free(&w.found);
        return status;
    }
    if (w.found.count)
        qsort(w.found.names, w.found.count, sizeof *w.found.names, by_bytes);
    *out = w.found;
    return CNX_OK;
}
