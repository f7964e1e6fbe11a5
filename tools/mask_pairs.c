#include "tools/mask_pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "datasets/folder.h"

/* One file of a side. */
typedef struct mask_file {
    char *path; /* owned */
    char *name; /* owned */
} mask_file;

typedef struct mask_list {
    const cnx_mask_folder *folder;
    mask_file *items;
    size_t count;
    size_t others; /* files that are no .png or lack the suffix */
    bool nested;   /* some are in subfolders */
} mask_list;

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the list of label maps");
}

static void free_list(mask_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].path);
        free(list->items[i].name);
    }
    free(list->items);
}

/* ---- listing ---- */

static bool ends_in(const char *text, size_t length, const char *end)
{
    const size_t n = strlen(end);
    return length >= n && strncasecmp(text + length - n, end, n) == 0;
}

static bool has_png(const char *suffix)
{
    return ends_in(suffix, strlen(suffix), ".png");
}

/* The part of a file's name before suffix and ".png"; 0 when this is no file of the list. */
static size_t stem_length(const cnx_mask_folder *folder, const char *file)
{
    if (!has_png(file))
        return 0;
    const size_t length = strlen(file) - strlen(".png");
    if (!folder->suffix || !*folder->suffix)
        return length;
    const size_t suffix = strlen(folder->suffix) - (has_png(folder->suffix) ? strlen(".png") : 0);
    const bool fits =
        length > suffix && memcmp(file + length - suffix, folder->suffix, suffix) == 0;
    return fits ? length - suffix : 0;
}

/* Is this file of a folder one of the list's? */
static bool is_wanted(void *user, const char *name)
{
    mask_list *list = user;
    const char *slash = strrchr(name, '/');
    if (stem_length(list->folder, slash ? slash + 1 : name))
        return true;
    list->others++;
    return false;
}

static cnx_status add_file(mask_list *list, const char *name, cnx_error *err)
{
    const char *slash = strrchr(name, '/');
    const char *file = slash ? slash + 1 : name;
    const size_t length = (size_t)(file - name) + stem_length(list->folder, file);
    list->nested |= slash != NULL;
    mask_file *item = &list->items[list->count++];
    item->path = cnx_folder_join(list->folder->path, name);
    item->name = strndup(name, length);
    return item->path && item->name ? CNX_OK : out_of_memory(err);
}

static cnx_status list_folder(mask_list *list, cnx_error *err)
{
    const char *path = list->folder->path;
    cnx_folder files = {0};
    cnx_status status = CNX_OK;
    CNX_TRY(cnx_folder_list(&files, path, is_wanted, list, err));
    list->items = calloc(files.count + 1, sizeof *list->items);
    if (!list->items)
        status = out_of_memory(err);
    for (size_t i = 0; i < files.count && status == CNX_OK; i++)
        status = add_file(list, files.names[i], err);
    cnx_folder_free(&files);
    if (status != CNX_OK || list->count)
        return status;
    CNX_FAIL_IF(!list->others, CNX_ERR_IO,
                "%s: this folder is empty; expected the label maps (.png) of the %s", path,
                list->folder->what);
    const char *suffix = list->folder->suffix ? list->folder->suffix : "";
    return cnx_fail(err, CNX_ERR_IO,
                    "%s: found %zu file%s, but no label map called *%s%s for the %s", path,
                    list->others, list->others == 1 ? "" : "s", suffix,
                    has_png(suffix) ? "" : ".png", list->folder->what);
}

/* ---- pairing ---- */

static int by_name(const void *a, const void *b)
{
    const mask_file *first = a, *second = b;
    const int order = strcmp(first->name, second->name);
    return order ? order : strcmp(first->path, second->path);
}

/* Leaves the names without their folders. */
static void flatten(mask_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        char *name = list->items[i].name;
        const char *slash = strrchr(name, '/');
        if (slash)
            memmove(name, slash + 1, strlen(slash));
    }
}

static cnx_status sort(mask_list *list, cnx_error *err)
{
    qsort(list->items, list->count, sizeof *list->items, by_name);
    for (size_t i = 1; i < list->count; i++)
        CNX_FAIL_IF(strcmp(list->items[i - 1].name, list->items[i].name) == 0, CNX_ERR_ARGUMENT,
                    "%s and %s have one name, \"%s\": which of them belongs to the other folder's?",
                    list->items[i - 1].path, list->items[i].path, list->items[i].name);
    return CNX_OK;
}

static int find_name(const void *name, const void *file)
{
    return strcmp(name, ((const mask_file *)file)->name);
}

/* Is this "x_color" beside "x": what cnx segment --save color writes beside a label map? */
static bool is_by_product(const mask_list *list, const char *name)
{
    if (!list->folder->results)
        return false;
    static const char *const ends[] = {"_color", "_overlay", "_confidence"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!ends_in(name, length, ends[i]))
            continue;
        char *stem = strndup(name, length - strlen(ends[i]));
        const bool found =
            stem && bsearch(stem, list->items, list->count, sizeof *list->items, find_name);
        free(stem);
        return found;
    }
    return false;
}

/* Gives a file's path to a pair.  Its name stays in the list, which is still searched. */
static cnx_status take(cnx_mask_pair *pair, mask_file *file, int side, cnx_error *err)
{
    pair->paths[side] = file->path;
    file->path = NULL;
    if (!pair->name)
        pair->name = strdup(file->name);
    return pair->name ? CNX_OK : out_of_memory(err);
}

static cnx_status merge(cnx_mask_pairs *out, mask_list lists[2], cnx_error *err)
{
    size_t at[2] = {0, 0};
    out->items = calloc(lists[0].count + lists[1].count, sizeof *out->items);
    if (!out->items)
        return out_of_memory(err);
    while (at[0] < lists[0].count || at[1] < lists[1].count) {
        mask_file *files[2];
        for (int side = 0; side < 2; side++)
            files[side] = at[side] < lists[side].count ? &lists[side].items[at[side]] : NULL;
        const int order = !files[0] ? 1 : !files[1] ? -1 : strcmp(files[0]->name, files[1]->name);
        at[0] += order <= 0;
        at[1] += order >= 0;
        if ((order > 0 || is_by_product(&lists[0], files[0]->name)) &&
            (order < 0 || is_by_product(&lists[1], files[1]->name))) {
            out->passed_over++;
            continue;
        }
        cnx_mask_pair *pair = &out->items[out->count++];
        if (order <= 0)
            CNX_TRY(take(pair, files[0], 0, err));
        if (order >= 0)
            CNX_TRY(take(pair, files[1], 1, err));
        out->unpaired += order != 0;
    }
    return CNX_OK;
}

/* Two files: a pair whatever they are called. */
static cnx_status pair_files(cnx_mask_pairs *out, const cnx_mask_folder folders[2], cnx_error *err)
{
    const char *slash = strrchr(folders[0].path, '/');
    const char *base = slash ? slash + 1 : folders[0].path, *dot = strrchr(base, '.');
    out->items = calloc(1, sizeof *out->items);
    if (!out->items)
        return out_of_memory(err);
    out->count = 1;
    out->items->name = dot && dot != base ? strndup(base, (size_t)(dot - base)) : strdup(base);
    for (int side = 0; side < 2; side++)
        out->items->paths[side] = strdup(folders[side].path);
    const cnx_mask_pair *pair = out->items;
    return pair->name && pair->paths[0] && pair->paths[1] ? CNX_OK : out_of_memory(err);
}

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

cnx_status cnx_mask_pairs_find(cnx_mask_pairs *out, const cnx_mask_folder folders[2],
                               cnx_error *err)
{
    *out = (cnx_mask_pairs){0};
    if (is_file(folders[0].path) && is_file(folders[1].path))
        return pair_files(out, folders, err);
    mask_list lists[2] = {{.folder = &folders[0]}, {.folder = &folders[1]}};
    cnx_status status = CNX_OK;
    for (int side = 0; side < 2; side++)
        CNX_CHECK(list_folder(&lists[side], err));
    for (int side = 0; side < 2; side++) {
        if (!lists[0].nested || !lists[1].nested)
            flatten(&lists[side]);
        CNX_CHECK(sort(&lists[side], err));
    }
    status = merge(out, lists, err);
cleanup:
    free_list(&lists[0]);
    free_list(&lists[1]);
    return status;
}

void cnx_mask_pairs_free(cnx_mask_pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].name);
        free(pairs->items[i].paths[0]);
        free(pairs->items[i].paths[1]);
    }
    free(pairs->items);
    *pairs = (cnx_mask_pairs){0};
}

cnx_status cnx_mask_pair_fail(const cnx_mask_pair *pair, const cnx_mask_folder folders[2],
                              cnx_error *err)
{
    const int there = pair->paths[0] ? 0 : 1;
    const cnx_mask_folder *other = &folders[!there];
    const char *suffix = other->suffix ? other->suffix : "";
    return cnx_fail(err, CNX_ERR_IO, "%s: has no partner: found no %s%s%s among the %s in %s",
                    pair->paths[there], pair->name, suffix, has_png(suffix) ? "" : ".png",
                    other->what, other->path);
}

cnx_status cnx_mask_pairs_check(const cnx_mask_pairs *pairs, const cnx_mask_folder folders[2],
                                cnx_error *err)
{
    for (size_t i = 0; i < pairs->count && pairs->unpaired; i++) {
        const cnx_mask_pair *pair = &pairs->items[i];
        if (pair->paths[0] && pair->paths[1])
            continue;
        const cnx_status status = cnx_mask_pair_fail(pair, folders, err);
        cnx_error_prefix(err,
                         "%zu of %zu label maps without a partner (--keep-going leaves them out)",
                         pairs->unpaired, pairs->count);
        return status;
    }
    return CNX_OK;
}
