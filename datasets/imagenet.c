#include "datasets/imagenet.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/image/image.h"
#include "datasets/folder.h"
#include "datasets/imagenet_classes.h"
#include "datasets/imagenet_labels.h"

enum { LABEL_FILE_LIMIT = 256 << 20 };

/* How classes are told. */
typedef enum layout { BY_WNID, BY_NUMBER, BY_LIST, BY_NAME } layout;

static const char *const layout_names[] = {"folders by WordNet id", "folders by class number",
                                           "one folder and a list of labels",
                                           "one folder, the class in each name"};

typedef struct opening {
    cnx_imagenet *set;
    const cnx_imagenet_options *options;
    cnx_folder files;
    layout layout;
    cnx_imagenet_labels labels;
    char *text; /* of the label file */
} opening;

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the list of the data set");
}

void cnx_imagenet_free(cnx_imagenet *set)
{
    for (size_t i = 0; set->items && i < set->count; i++)
        free(set->items[i].id);
    for (int i = 0; i < set->class_count; i++) {
        if (set->wnids)
            free(set->wnids[i]);
        if (set->names)
            free(set->names[i]);
    }
    free(set->items);
    free(set->folder);
    free(set->wnids);
    free(set->names);
    free(set->subset);
    *set = (cnx_imagenet){0};
}

/* ---- where the pictures lie ---- */

static bool all_digits(const char *text)
{
    return *text && !text[strspn(text, "0123456789")];
}

static int find_corruption(const cnx_imagenet *set, const char *name, size_t length)
{
    for (int i = 0; i < set->corruption_count; i++)
        if (strlen(set->corruptions[i].name) == length &&
            memcmp(set->corruptions[i].name, name, length) == 0)
            return i;
    return -1;
}

static bool is_corruption_group(const cnx_imagenet *set, const char *name)
{
    for (int i = 0; i < set->corruption_count; i++)
        if (strcmp(set->corruptions[i].group, name) == 0)
            return true;
    return false;
}

/* Could a folder (or, for pictures in one folder, a file) of this name be part of the set? */
static bool belongs(const cnx_imagenet *set, const cnx_imagenet_options *options, const char *path,
                    const char *name)
{
    const bool folder = cnx_folder_exists(path);
    if (options->variant == CNX_IMAGENET_C)
        return folder &&
               (find_corruption(set, name, strlen(name)) >= 0 || is_corruption_group(set, name));
    if (!folder)
        return cnx_image_suffix_known(name);
    return cnx_is_wnid(name, strlen(name)) || all_digits(name) ||
           cnx_imagenet_class(set, name, strlen(name)) >= 0;
}

/* Does anything in this folder look like the set? */
static bool looks_right(const opening *o, const char *folder)
{
    bool found = false;
    DIR *stream = opendir(folder);
    const struct dirent *entry;
    while (stream && !found && (entry = readdir(stream))) {
        char *path = entry->d_name[0] == '.' ? NULL : cnx_folder_join(folder, entry->d_name);
        found = path && belongs(o->set, o->options, path, entry->d_name);
        free(path);
    }
    if (stream)
        closedir(stream);
    return found;
}

/* The folder itself, or one of a usual name within it.  The caller frees it. */
static cnx_status find_folder(char **out, const opening *o, const char *dir, cnx_error *err)
{
    static const char *const usual[] = {
        "val",        "validation", "ILSVRC2012_img_val",
        "imagenet-a", "imagenet-r", "sketch",
        "ImageNet-C", "imagenet-c", "imagenetv2-matched-frequency-format-val"};
    CNX_FAIL_IF(!cnx_folder_exists(dir), CNX_ERR_IO, "%s: there is no such folder", dir);
    if (o->options->split) {
        *out = cnx_folder_join(dir, o->options->split);
        CNX_FAIL_IF(*out && !cnx_folder_exists(*out), CNX_ERR_IO,
                    "%s: there is no such folder (--split)", *out);
        return *out ? CNX_OK : out_of_memory(err);
    }
    *out = NULL;
    for (size_t i = 0; i < sizeof usual / sizeof *usual && !looks_right(o, dir); i++) {
        char *within = cnx_folder_join(dir, usual[i]);
        if (within && looks_right(o, within)) {
            *out = within;
            return CNX_OK;
        }
        free(within);
    }
    *out = strdup(dir);
    return *out ? CNX_OK : out_of_memory(err);
}

/* ---- labels of pictures in one folder ---- */

/* A WordNet id at the end or the beginning of a name, -1 when there is none. */
static int class_in_name(const cnx_imagenet *set, const char *name)
{
    const char *dot = strrchr(name, '.');
    const size_t length = dot ? (size_t)(dot - name) : strlen(name);
    if (length > 10 && name[length - 10] == '_' && cnx_is_wnid(name + length - 9, 9))
        return cnx_imagenet_class(set, name + length - 9, 9);
    if (length > 10 && name[9] == '_' && cnx_is_wnid(name, 9))
        return cnx_imagenet_class(set, name, 9);
    return -1;
}

/* The first file of a usual name, in the folder of the pictures or the one above; NULL for none. */
static char *find_label_file(const char *folder)
{
    static const char *const usual[] = {"val.txt",
                                        "labels.txt",
                                        "val_labels.txt",
                                        "LOC_val_solution.csv",
                                        "imagenet_2012_validation_synset_labels.txt",
                                        "meta/val.txt"};
    static const char *const places[] = {"", "../"};
    for (size_t p = 0; p < 2; p++)
        for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
            char *path = NULL;
            if (asprintf(&path, "%s/%s%s", folder, places[p], usual[i]) < 0)
                return NULL;
            if (access(path, R_OK) == 0)
                return path;
            free(path);
        }
    return NULL;
}

static cnx_status read_labels(opening *o, const char *path, cnx_error *err)
{
    size_t size;
    CNX_TRY(cnx_read_text(path, LABEL_FILE_LIMIT, &o->text, &size, err));
    CNX_TRY(cnx_imagenet_labels_parse(&o->labels, o->set, o->text, size, path, err));
    CNX_FAIL_IF(!o->labels.named && o->labels.count != o->files.count, CNX_ERR_FORMAT,
                "%s: %zu labels for %zu pictures in %s; without names there must be one for each",
                path, o->labels.count, o->files.count, o->set->folder);
    o->layout = BY_LIST;
    return CNX_OK;
}

static bool all_named(const opening *o)
{
    bool all = true;
    for (size_t i = 0; i < o->files.count && all; i++)
        all = class_in_name(o->set, o->files.names[i]) >= 0;
    return all;
}

static cnx_status label_flat(opening *o, cnx_error *err)
{
    char *path = o->options->labels ? strdup(o->options->labels) : find_label_file(o->set->folder);
    cnx_status status = CNX_OK;
    if (path) {
        status = read_labels(o, path, err);
    } else if (all_named(o)) {
        o->layout = BY_NAME;
    } else {
        status = cnx_fail(err, CNX_ERR_FORMAT,
                          "%s: %zu pictures without a class: expected folders named by WordNet id "
                          "(%s ...), or a list of the classes (--labels FILE: a line with name and "
                          "class for each picture)",
                          o->set->folder, o->files.count, o->set->wnids[0]);
    }
    free(path);
    return status;
}

/* ---- the class of a picture ---- */

/* The folder that a path begins with, and its class. */
typedef struct known_folder {
    const char *name;
    size_t length;
    int label;
} known_folder;

static cnx_status class_of_folder(int *out, const opening *o, const char *name, size_t length,
                                  cnx_error *err)
{
    const cnx_imagenet *set = o->set;
    char shown[80];
    snprintf(shown, sizeof shown, "%.*s", (int)(length < 79 ? length : 79), name);
    if (o->layout == BY_NUMBER) {
        *out = length < 7 && all_digits(shown) ? (int)strtol(shown, NULL, 10) : set->class_count;
        CNX_FAIL_IF(*out >= set->class_count, CNX_ERR_FORMAT,
                    "%s/%s: is none of the %d classes: other folders here are class numbers from 0 "
                    "to %d",
                    set->folder, shown, set->class_count, set->class_count - 1);
        return CNX_OK;
    }
    *out = cnx_imagenet_class(set, name, length);
    CNX_FAIL_IF(*out < 0 && cnx_is_wnid(name, length), CNX_ERR_FORMAT,
                "%s/%s: this WordNet id is none of the %d classes (of ImageNet-22k, perhaps?)",
                set->folder, shown, set->class_count);
    CNX_FAIL_IF(
        *out < 0, CNX_ERR_FORMAT,
        "%s/%s: is no class: folders are named by WordNet id, such as %s (--split names the "
        "folder with the classes, --classes a list of other names)",
        set->folder, shown, set->wnids[0]);
    return CNX_OK;
}

static bool only_part(cnx_imagenet_variant variant)
{
    return variant == CNX_IMAGENET_VAL_A || variant == CNX_IMAGENET_VAL_R;
}

static cnx_status check_subset(const opening *o, int label, const char *id, cnx_error *err)
{
    const cnx_imagenet *set = o->set;
    CNX_FAIL_IF(set->subset && !set->subset[label] && !only_part(o->options->variant),
                CNX_ERR_FORMAT, "%s/%s: class %s is none of the %d of ImageNet-%s (--variant)",
                set->folder, id, set->wnids[label], set->subset_count,
                o->options->variant == CNX_IMAGENET_A ? "A" : "R");
    return CNX_OK;
}

/* Parts of "gaussian_noise/3/n01440764/x.JPEG", perhaps behind "noise/". */
static cnx_status split_corrupted(const opening *o, const char *id, int *group, const char **rest,
                                  cnx_error *err)
{
    const cnx_imagenet *set = o->set;
    const char *part = id;
    size_t length = strcspn(part, "/");
    int corruption = find_corruption(set, part, length);
    if (corruption < 0 && part[length] == '/') {
        part += length + 1;
        length = strcspn(part, "/");
        corruption = find_corruption(set, part, length);
    }
    const char *level = part[length] ? part + length + 1 : "";
    const int severity = level[0] >= '1' && level[0] <= '5' && level[1] == '/' ? level[0] - '0' : 0;
    CNX_FAIL_IF(
        corruption < 0 || severity == 0, CNX_ERR_FORMAT,
        "%s/%s: lies in no folder of ImageNet-C: expected CORRUPTION/SEVERITY/WNID, such as "
        "%s/3/%s",
        set->folder, id, set->corruptions[0].name, set->wnids[0]);
    *group = corruption * CNX_SEVERITIES + severity - 1;
    *rest = level + 2;
    return CNX_OK;
}

/* The four that do not count have folders of their own. */
static bool is_extra_corruption(const cnx_imagenet *set, const char *id)
{
    static const char *const extra[] = {"speckle_noise", "gaussian_blur", "spatter", "saturate"};
    for (int part = 0; part < 2; part++) {
        const size_t length = strcspn(id, "/");
        for (size_t i = 0; i < sizeof extra / sizeof *extra; i++)
            if (strlen(extra[i]) == length && memcmp(extra[i], id, length) == 0)
                return true;
        if (!id[length] || find_corruption(set, id, length) >= 0)
            return false;
        id += length + 1;
    }
    return false;
}

static cnx_status label_item(const opening *o, size_t index, known_folder *last,
                             cnx_imagenet_item *item, cnx_error *err)
{
    const cnx_imagenet *set = o->set;
    const char *rest = o->files.names[index];
    if (o->options->variant == CNX_IMAGENET_C)
        CNX_TRY(split_corrupted(o, rest, &item->group, &rest, err));
    if (o->layout == BY_NAME) {
        item->label = class_in_name(set, rest);
        return CNX_OK;
    }
    if (o->layout == BY_LIST) {
        item->label = o->labels.named ? cnx_imagenet_labels_find(&o->labels, rest)
                                      : o->labels.items[index].label;
        CNX_FAIL_IF(item->label < 0, CNX_ERR_FORMAT, "%s/%s: the list of labels has no line for it",
                    set->folder, rest);
        return CNX_OK;
    }
    const size_t length = strcspn(rest, "/");
    CNX_FAIL_IF(!rest[length], CNX_ERR_FORMAT, "%s/%s: lies in none of the folders of the classes",
                set->folder, o->files.names[index]);
    if (length != last->length || memcmp(rest, last->name, length) != 0) {
        CNX_TRY(class_of_folder(&last->label, o, rest, length, err));
        last->name = rest;
        last->length = length;
    }
    item->label = last->label;
    return CNX_OK;
}

static cnx_status label_all(opening *o, cnx_error *err)
{
    cnx_imagenet *set = o->set;
    known_folder last = {.name = "", .length = 0};
    set->items = calloc(o->files.count + 1, sizeof *set->items);
    if (!set->items)
        return out_of_memory(err);
    for (size_t i = 0; i < o->files.count; i++) {
        cnx_imagenet_item *item = &set->items[set->count];
        const char *id = o->files.names[i];
        if (o->options->variant == CNX_IMAGENET_C && is_extra_corruption(set, id))
            continue;
        CNX_TRY(label_item(o, i, &last, item, err));
        CNX_TRY(check_subset(o, item->label, id, err));
        if (set->subset && !set->subset[item->label])
            continue;
        /* Moved: of millions of pictures no second list of names is made. */
        item->id = o->files.names[i];
        o->files.names[i] = NULL;
        set->count++;
    }
    return CNX_OK;
}

/* ---- all of it ---- */

static bool is_picture(void *user, const char *name)
{
    (void)user;
    return cnx_image_suffix_known(name);
}

/* Folders by number when all first parts are. */
static bool by_number(const opening *o)
{
    for (size_t i = 0; i < o->files.count; i++) {
        const size_t length = strcspn(o->files.names[i], "/");
        if (!o->files.names[i][length] || strspn(o->files.names[i], "0123456789") != length)
            return false;
    }
    return true;
}

static bool is_flat(const opening *o)
{
    for (size_t i = 0; i < o->files.count; i++)
        if (strchr(o->files.names[i], '/'))
            return false;
    return true;
}

static cnx_status find_layout(opening *o, cnx_error *err)
{
    const bool corrupted = o->options->variant == CNX_IMAGENET_C;
    const char *first = o->files.names[0];
    CNX_FAIL_IF(o->options->labels && !is_flat(o), CNX_ERR_ARGUMENT,
                "--labels is for pictures in one folder; in %s they lie in folders (%s)",
                o->set->folder, first);
    if (!corrupted && is_flat(o))
        return label_flat(o, err);
    if (!corrupted && by_number(o) && cnx_imagenet_class(o->set, first, strcspn(first, "/")) < 0)
        o->layout = BY_NUMBER;
    return CNX_OK;
}

static cnx_status open_set(opening *o, const char *dir, cnx_error *err)
{
    cnx_imagenet *set = o->set;
    CNX_TRY(cnx_imagenet_read_classes(set, o->options->classes, err));
    CNX_TRY(cnx_imagenet_read_variant(set, o->options->variant, err));
    CNX_TRY(find_folder(&set->folder, o, dir, err));
    CNX_TRY(cnx_folder_list(&o->files, set->folder, is_picture, NULL, err));
    CNX_FAIL_IF(o->files.count == 0, CNX_ERR_FORMAT, "%s: holds no pictures", set->folder);
    CNX_TRY(find_layout(o, err));
    CNX_TRY(label_all(o, err));
    CNX_FAIL_IF(set->count == 0, CNX_ERR_FORMAT,
                "%s: none of its %zu pictures is of a class that counts", set->folder,
                o->files.count);
    set->layout = layout_names[o->layout];
    return CNX_OK;
}

cnx_status cnx_imagenet_open(cnx_imagenet *out, const char *dir,
                             const cnx_imagenet_options *options, cnx_error *err)
{
    opening o = {.set = out, .options = options};
    *out = (cnx_imagenet){0};
    CNX_FAIL_IF(options->classes && options->variant != CNX_IMAGENET, CNX_ERR_ARGUMENT,
                "--variant needs ImageNet's own classes: --classes does not go with it");
    const cnx_status status = open_set(&o, dir, err);
    cnx_folder_free(&o.files);
    cnx_imagenet_labels_free(&o.labels);
    free(o.text);
    if (status != CNX_OK)
        cnx_imagenet_free(out);
    return status;
}
