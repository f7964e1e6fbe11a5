#include "datasets/coco_set.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datasets/folder.h"

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the data set");
}

/* ---- where things are ---- */

/* dir/PATTERN with the split in it; the caller frees it. */
static char *fill(const char *dir, const char *pattern, const char *split)
{
    const char *place = strstr(pattern, "%s");
    char *path = NULL;
    const int length = place ? asprintf(&path, "%s/%.*s%s%s", dir, (int)(place - pattern), pattern,
                                        split, place + 2)
                             : asprintf(&path, "%s%s%s", dir, *pattern ? "/" : "", pattern);
    return length < 0 ? NULL : path;
}

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static const char *const files[] = {
    "annotations/instances_%s.json",
    "instances_%s.json",
    "%s/_annotations.coco.json",
    "annotations/%s.json",
    "annotations.json",
    "instances.json",
    "coco/annotations/instances_%s.json",
};
static const char *const folders[] = {"%s", "images/%s", "images", "", "coco/%s", "coco/images/%s"};
enum { FILES = sizeof files / sizeof *files, FOLDERS = sizeof folders / sizeof *folders };

/* Other words for a split, the given one first. */
enum { WORDS = 3 };
static void split_words(const char *words[WORDS], const char *split)
{
    static const char *const pairs[][2] = {{"val", "validation"}, {"train", "training"}};
    words[0] = split;
    words[1] = words[2] = NULL;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2; k++)
            if (strcmp(split, pairs[i][k]) == 0)
                words[1] = pairs[i][!k];
}

static cnx_status find_file(char **out, const cnx_coco_place *place, cnx_error *err)
{
    const char *words[WORDS];
    split_words(words, place->split);
    for (int f = 0; f < FILES; f++)
        for (int w = 0; w < WORDS && words[w]; w++) {
            *out = fill(place->dir, files[f], words[w]);
            if (!*out)
                return out_of_memory(err);
            if (is_file(*out))
                return CNX_OK;
            free(*out);
            *out = NULL;
        }
    CNX_FAIL_IF(!cnx_folder_exists(place->dir), CNX_ERR_IO, "%s: is not a folder that can be read",
                place->dir);
    return cnx_fail(
        err, CNX_ERR_IO,
        "%s: holds no annotations of split \"%s\"; expected annotations/instances_%s.json "
        "in it. --split names another split, --annotations and --images any file and "
        "folder",
        place->dir, place->split, place->split);
}

/* The first picture of the file that has a name. */
static const cnx_coco_image *first_image(const cnx_coco_truth *truth)
{
    for (size_t i = 0; i < truth->image_count; i++)
        if (truth->images[i].file_name)
            return &truth->images[i];
    return NULL;
}

static bool holds(const char *folder, const char *name)
{
    char *path = cnx_folder_join(folder, name);
    const bool found = path && is_file(path);
    free(path);
    return found;
}

/* Any of them will do: of a data set that is there in part, the first may be missing. */
static bool holds_some(const char *folder, const cnx_coco_truth *truth)
{
    for (size_t i = 0; i < truth->image_count; i++)
        if (truth->images[i].file_name && holds(folder, truth->images[i].file_name))
            return true;
    return false;
}

static cnx_status find_folder(char **out, const cnx_coco_set *set, const cnx_coco_place *place,
                              cnx_error *err)
{
    const char *words[WORDS];
    split_words(words, place->split);
    for (int f = 0; f < FOLDERS; f++)
        for (int w = 0; w < WORDS && words[w]; w++) {
            *out = fill(place->dir, folders[f], words[w]);
            if (!*out)
                return out_of_memory(err);
            if (cnx_folder_exists(*out) && holds_some(*out, &set->truth))
                return CNX_OK;
            free(*out);
            *out = NULL;
        }
    const cnx_coco_image *image = first_image(&set->truth);
    return cnx_fail(err, CNX_ERR_IO,
                    "%s: the pictures of %s are not there: no %s in %s, images/%s or images below "
                    "it; --annotations and --images name any file and folder",
                    place->dir, set->annotations, image ? image->file_name : "picture",
                    place->split, place->split);
}

/* ---- opening ---- */

/* Every picture has a name, and is there or is counted. */
static cnx_status look_for_pictures(cnx_coco_set *set, cnx_error *err)
{
    const cnx_coco_truth *truth = &set->truth;
    set->first_missing = -1;
    for (size_t i = 0; i < truth->image_count; i++) {
        const cnx_coco_image *image = &truth->images[i];
        CNX_FAIL_IF(!image->file_name || !*image->file_name, CNX_ERR_FORMAT,
                    "%s: image %lld has no file_name", set->annotations, (long long)image->id);
        char *path = cnx_coco_set_path(set, i);
        if (!path)
            return out_of_memory(err);
        if (access(path, F_OK) != 0 && set->missing++ == 0)
            set->first_missing = (int)i;
        free(path);
    }
    CNX_FAIL_IF(truth->image_count == 0, CNX_ERR_FORMAT, "%s: lists no image", set->annotations);
    CNX_FAIL_IF(set->missing == truth->image_count, CNX_ERR_IO,
                "%s: holds none of the %zu pictures of %s, such as %s (image %lld)", set->images,
                truth->image_count, set->annotations, truth->images[0].file_name,
                (long long)truth->images[0].id);
    return CNX_OK;
}

cnx_status cnx_coco_set_open(cnx_coco_set *out, const cnx_coco_place *place,
                             const cnx_coco_truth_options *options, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_coco_place where = *place;
    *out = (cnx_coco_set){.first_missing = -1};
    if (!where.split)
        where.split = "val2017";
    if (where.annotations) {
        out->annotations = strdup(where.annotations);
        out->images = strdup(where.images);
        if (!out->annotations || !out->images)
            status = out_of_memory(err);
    } else {
        status = find_file(&out->annotations, &where, err);
    }
    CNX_CHECK(status);
    CNX_CHECK(cnx_coco_truth_open(&out->truth, out->annotations, options, err));
    if (!out->images)
        CNX_CHECK(find_folder(&out->images, out, &where, err));
    CNX_CHECK(look_for_pictures(out, err));
cleanup:
    if (status != CNX_OK)
        cnx_coco_set_close(out);
    return status;
}

void cnx_coco_set_close(cnx_coco_set *set)
{
    cnx_coco_truth_close(&set->truth);
    free(set->annotations);
    free(set->images);
    *set = (cnx_coco_set){.first_missing = -1};
}

char *cnx_coco_set_path(const cnx_coco_set *set, size_t image)
{
    return cnx_folder_join(set->images, set->truth.images[image].file_name);
}

/* ---- categories ---- */

/* Are these the same words? */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, " _-");
        b += strspn(b, " _-");
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

/* The category of that name, exactly or else nearly so; -1: there is none. */
static cnx_status find_category(int *out, const cnx_coco_set *set, const char *name, cnx_error *err)
{
    const cnx_coco_truth *truth = &set->truth;
    int exact = -1, near = -1;
    for (size_t i = 0; i < truth->category_count; i++) {
        const char *other = truth->categories[i].name;
        if (!other || !same_name(name, other))
            continue;
        const bool same = strcmp(name, other) == 0;
        int *found = same ? &exact : &near;
        CNX_FAIL_IF(*found >= 0, CNX_ERR_FORMAT,
                    "%s: categories %lld and %lld are both called \"%s\"", set->annotations,
                    (long long)truth->categories[*found].id, (long long)truth->categories[i].id,
                    name);
        *found = (int)i;
    }
    *out = exact >= 0 ? exact : near;
    return CNX_OK;
}

cnx_status cnx_coco_set_match(int64_t *ids, const cnx_coco_set *set, const char *const *names,
                              int count, cnx_error *err)
{
    cnx_status status = CNX_OK;
    int *taken_by = calloc(set->truth.category_count + 1, sizeof *taken_by); /* class + 1 */
    if (!taken_by)
        return out_of_memory(err);
    for (int c = 0; c < count; c++) {
        int found = -1;
        CNX_CHECK(find_category(&found, set, names[c], err));
        ids[c] = found < 0 ? -1 : set->truth.categories[found].id;
        if (found < 0)
            continue;
        CNX_CHECK_IF(taken_by[found], CNX_ERR_FORMAT,
                     "%s: the model's classes \"%s\" and \"%s\" are both category %lld",
                     set->annotations, names[taken_by[found] - 1], names[c], (long long)ids[c]);
        taken_by[found] = c + 1;
    }
cleanup:
    free(taken_by);
    return status;
}
