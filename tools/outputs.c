#include "tools/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the list of results");
}

cnx_status cnx_outputs_path(char **out, const cnx_outputs *outputs, const char *stem,
                            const char *suffix, cnx_error *err)
{
    const size_t length = strlen(outputs->folder);
    const bool slashed = length && outputs->folder[length - 1] == '/';
    *out = NULL;
    if (asprintf(out, "%s%s%s%s", outputs->folder, slashed ? "" : "/", stem, suffix) < 0) {
        *out = NULL;
        return out_of_memory(err);
    }
    return CNX_OK;
}

/* ---- two inputs, one name ---- */

typedef struct result_name {
    char *name;
    size_t input;
} result_name;

static int compare_names(const void *a, const void *b)
{
    const result_name *const x = a, *const y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->input > y->input) - (x->input < y->input);
}

static cnx_status list_names(result_name *names, size_t *count, const cnx_outputs *outputs,
                             const cnx_inputs *inputs, cnx_error *err)
{
    for (size_t i = 0; i < inputs->count; i++) {
        if (!inputs->items[i].stem)
            continue;
        for (size_t s = 0; s < outputs->suffix_count; s++) {
            result_name *entry = &names[*count];
            if (asprintf(&entry->name, "%s%s", inputs->items[i].stem, outputs->suffixes[s]) < 0)
                return out_of_memory(err);
            entry->input = i;
            (*count)++;
        }
    }
    return CNX_OK;
}

/* The files of the run are no input's. */
static cnx_status check_files(const result_name *names, size_t count, const cnx_outputs *outputs,
                              const cnx_inputs *inputs, cnx_error *err)
{
    for (size_t f = 0; f < outputs->file_count; f++)
        for (size_t i = 0; i < count; i++)
            CNX_FAIL_IF(strcmp(names[i].name, outputs->files[f]) == 0, CNX_ERR_ARGUMENT,
                        "the results of %s and those of all pictures would both be written to "
                        "%s/%s; rename the picture",
                        inputs->items[names[i].input].name, outputs->folder, names[i].name);
    return CNX_OK;
}

cnx_status cnx_outputs_check_names(const cnx_outputs *outputs, const cnx_inputs *inputs,
                                   cnx_error *err)
{
    cnx_status status = CNX_OK;
    size_t count = 0;
    result_name *names = calloc(inputs->count * outputs->suffix_count + 1, sizeof *names);
    CNX_CHECK_IF(!names, CNX_ERR_MEMORY, "not enough memory for the list of results");
    CNX_CHECK(list_names(names, &count, outputs, inputs, err));
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 1; i < count; i++)
        CNX_CHECK_IF(strcmp(names[i - 1].name, names[i].name) == 0, CNX_ERR_ARGUMENT,
                     "%s and %s would both be written to %s/%s; rename one, or give them separate "
                     "runs with separate -o",
                     inputs->items[names[i - 1].input].name, inputs->items[names[i].input].name,
                     outputs->folder, names[i].name);
    CNX_CHECK(check_files(names, count, outputs, inputs, err));
cleanup:
    for (size_t i = 0; i < count; i++)
        free(names[i].name);
    free(names);
    return status;
}

/* ---- what is there already ---- */

typedef struct file_id {
    dev_t device;
    ino_t inode;
    const char *path;
} file_id;

static int compare_ids(const void *a, const void *b)
{
    const file_id *const x = a, *const y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->inode > y->inode) - (x->inode < y->inode);
}

static void add_id(file_id *ids, size_t *count, const char *path)
{
    struct stat info;
    if (path && stat(path, &info) == 0)
        ids[(*count)++] = (file_id){info.st_dev, info.st_ino, path};
}

bool cnx_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

typedef struct existing {
    const file_id *ids; /* sorted: what must not be replaced */
    size_t id_count;
    size_t found;
    char *first; /* owned */
} existing;

/* Looks at one result's path. */
static cnx_status check_path(existing *e, char *path, cnx_error *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return CNX_OK;
    CNX_FAIL_IF(S_ISDIR(info.st_mode), CNX_ERR_IO, "%s: a folder stands where a result would go",
                path);
    if (stat(path, &info) == 0) {
        const file_id key = {info.st_dev, info.st_ino, NULL};
        const file_id *hit = bsearch(&key, e->ids, e->id_count, sizeof key, compare_ids);
        CNX_FAIL_IF(hit, CNX_ERR_ARGUMENT,
                    "%s: the result would replace %s, which this run reads; give another folder "
                    "with -o",
                    path, hit->path);
    }
    if (e->found++ == 0) {
        e->first = strdup(path);
        if (!e->first)
            return out_of_memory(err);
    }
    return CNX_OK;
}

static cnx_status check_name(existing *e, const cnx_outputs *outputs, const char *stem,
                             const char *suffix, cnx_error *err)
{
    char *path;
    CNX_TRY(cnx_outputs_path(&path, outputs, stem, suffix, err));
    const cnx_status status = check_path(e, path, err);
    free(path);
    return status;
}

static cnx_status check_input(existing *e, const cnx_outputs *outputs, const char *stem,
                              cnx_error *err)
{
    for (size_t s = 0; stem && s < outputs->suffix_count; s++)
        CNX_TRY(check_name(e, outputs, stem, outputs->suffixes[s], err));
    return CNX_OK;
}

static cnx_status check_run_files(existing *e, const cnx_outputs *outputs, cnx_error *err)
{
    for (size_t f = 0; f < outputs->file_count; f++)
        CNX_TRY(check_name(e, outputs, outputs->files[f], "", err));
    return CNX_OK;
}

cnx_status cnx_outputs_check_existing(const cnx_outputs *outputs, const cnx_inputs *inputs,
                                      const char *const *sources, size_t source_count,
                                      bool overwrite, cnx_error *err)
{
    cnx_status status = CNX_OK;
    existing e = {0};
    file_id *ids = calloc(inputs->count + source_count + 1, sizeof *ids);
    CNX_CHECK_IF(!ids, CNX_ERR_MEMORY, "not enough memory for the list of results");
    for (size_t i = 0; i < source_count; i++)
        add_id(ids, &e.id_count, sources[i]);
    for (size_t i = 0; i < inputs->count; i++)
        if (inputs->items[i].stem && !inputs->items[i].is_stdin)
            add_id(ids, &e.id_count, inputs->items[i].name);
    qsort(ids, e.id_count, sizeof *ids, compare_ids);
    e.ids = ids;
    for (size_t i = 0; i < inputs->count; i++)
        CNX_CHECK(check_input(&e, outputs, inputs->items[i].stem, err));
    CNX_CHECK(check_run_files(&e, outputs, err));
    CNX_CHECK_IF(e.found > 1 && !overwrite, CNX_ERR_IO,
                 "%s and %zu more result%s there already; --overwrite replaces them", e.first,
                 e.found - 1, e.found == 2 ? " are" : "s are");
    CNX_CHECK_IF(e.found == 1 && !overwrite, CNX_ERR_IO,
                 "%s is there already; --overwrite replaces it", e.first);
cleanup:
    free(e.first);
    free(ids);
    return status;
}

cnx_status cnx_outputs_check_file(const char *flag, const char *path, const char *const *sources,
                                  size_t source_count, bool overwrite, cnx_error *err)
{
    if (!path || access(path, F_OK) != 0)
        return CNX_OK;
    CNX_FAIL_IF(!overwrite, CNX_ERR_IO,
                "--%s %s: there is such a file already; --overwrite replaces it", flag, path);
    for (size_t i = 0; i < source_count; i++)
        CNX_FAIL_IF(sources[i] && cnx_same_file(path, sources[i]), CNX_ERR_ARGUMENT,
                    "--%s %s: this is an input of the run", flag, path);
    return CNX_OK;
}

/* ---- the folder ---- */

/* Cuts the last part off a path: "a/b/" -> "a", "a" -> ".", "/a" -> "/".  In place. */
static void cut_to_parent(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    char *slash = strrchr(path, '/');
    if (!slash)
        strcpy(path, ".");
    else if (slash == path)
        path[1] = '\0';
    else
        *slash = '\0';
}

cnx_status cnx_folder_check(const char *folder, cnx_error *err)
{
    char *path = malloc(strlen(folder) + 2);
    if (!path)
        return out_of_memory(err);
    strcpy(path, folder);
    struct stat info;
    while (stat(path, &info) != 0 && errno == ENOENT && strcmp(path, ".") != 0 &&
           strcmp(path, "/") != 0)
        cut_to_parent(path);
    cnx_status status = CNX_OK;
    if (stat(path, &info) != 0)
        status = cnx_fail(err, CNX_ERR_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISDIR(info.st_mode))
        status = cnx_fail(err, CNX_ERR_IO, "%s: not a folder, so results cannot be written to %s",
                          path, folder);
    else if (access(path, W_OK | X_OK) != 0)
        status = cnx_fail(err, CNX_ERR_IO, "%s: results cannot be written here: %s", path,
                          strerror(errno));
    free(path);
    return status;
}

cnx_status cnx_folder_make(const char *folder, cnx_error *err)
{
    cnx_status status = CNX_OK;
    char *path = strdup(folder);
    CNX_CHECK_IF(!path, CNX_ERR_MEMORY, "not enough memory for the list of results");
    for (char *slash = path + 1;; slash++) {
        const char saved = *slash;
        if (saved != '/' && saved != '\0')
            continue;
        *slash = '\0';
        struct stat info;
        const bool made = mkdir(path, 0777) == 0 || errno == EEXIST;
        CNX_CHECK_IF(!made, CNX_ERR_IO, "%s: the folder cannot be made: %s", path, strerror(errno));
        CNX_CHECK_IF(stat(path, &info) != 0 || !S_ISDIR(info.st_mode), CNX_ERR_IO,
                     "%s: not a folder", path);
        *slash = saved;
        if (saved == '\0')
            break;
    }
cleanup:
    free(path);
    return status;
}
