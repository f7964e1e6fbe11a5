/* Which folders of a data set hold its pictures and its label files. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/image.h"
#include "datasets/dataset.h"
#include "datasets/folder.h"
#include "datasets/full_ade20k.h"

static const struct layout {
    const char *name, *images, *labels; /* %s: the split */
} layouts[] = {
    {"ADE20K", "images/%s", "annotations/%s"},
    {"ADE20K", "ADEChallengeData2016/images/%s", "ADEChallengeData2016/annotations/%s"},
    {"ImageNet-S", "%s", "%s-segmentation"},
    {"mmseg", "img_dir/%s", "ann_dir/%s"},
    {"images and labels", "images", "labels"},
    {"images and annotations", "images", "annotations"},
    {"images and masks", "images", "masks"},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts, OF_ADE20K = 2 };

/* dir/PATTERN with the split in it; the caller frees it. */
static char *fill(const char *dir, const char *pattern, const char *split)
{
    char *path = NULL, *below = NULL;
    const char *place = strstr(pattern, "%s");
    const int length =
        place ? asprintf(&below, "%.*s%s%s", (int)(place - pattern), pattern, split, place + 2)
              : asprintf(&below, "%s", pattern);
    if (length >= 0) {
        path = cnx_folder_join(dir, below);
        free(below);
    }
    return path;
}

/* Without splits the pictures lie in the folder itself: one that holds folders (of splits that were
 * not asked for) is another layout. */
static bool holds_pictures(const char *folder)
{
    DIR *stream = opendir(folder);
    const struct dirent *entry;
    bool found = false;
    while (stream && !found && (entry = readdir(stream)))
        found = entry->d_name[0] != '.' && cnx_image_suffix_known(entry->d_name);
    if (stream)
        closedir(stream);
    return found;
}

/* Both folders, owned by the caller; *found: they are there. */
static cnx_status try_layout(const struct layout *layout, const char *dir, const char *split,
                             char **images, char **labels, bool *found, cnx_error *err)
{
    *images = fill(dir, layout->images, split);
    *labels = fill(dir, layout->labels, split);
    *found = *images && *labels && cnx_folder_exists(*images) && cnx_folder_exists(*labels) &&
             (strstr(layout->images, "%s") || holds_pictures(*images));
    CNX_FAIL_IF(!*images || !*labels, CNX_ERR_MEMORY, "not enough memory for a path");
    return CNX_OK;
}

static cnx_status fail_unknown(const char *dir, const char *split, cnx_error *err)
{
    CNX_FAIL_IF(!cnx_folder_exists(dir), CNX_ERR_IO, "%s: is not a folder that can be read", dir);
    CNX_TRY(cnx_full_ade20k_refuse(dir, err));
    return cnx_fail(err, CNX_ERR_IO,
                    "%s: is no data set of a known layout; expected in it images/%s and "
                    "annotations/%s (ADE20K), %s and %s-segmentation (ImageNet-S), or images and "
                    "labels. --images and --labels name any two folders, --split another split",
                    dir, split, split, split, split);
}

static cnx_status open_layouts(cnx_dataset *out, const char *dir, const char *split, size_t count,
                               const cnx_dataset_suffixes *suffixes, cnx_error *err)
{
    *out = (cnx_dataset){0};
    for (size_t i = 0; i < count; i++) {
        char *images, *labels;
        bool found;
        cnx_status status = try_layout(&layouts[i], dir, split, &images, &labels, &found, err);
        if (status == CNX_OK && found)
            status = cnx_dataset_open_folders(out, images, labels, suffixes, err);
        free(images);
        free(labels);
        CNX_TRY(status);
        if (found) {
            out->layout = layouts[i].name;
            return CNX_OK;
        }
    }
    return fail_unknown(dir, split, err);
}

cnx_status cnx_dataset_open(cnx_dataset *out, const char *dir, const char *split,
                            const cnx_dataset_suffixes *suffixes, cnx_error *err)
{
    return open_layouts(out, dir, split ? split : "validation", LAYOUTS, suffixes, err);
}

cnx_status cnx_dataset_open_ade20k(cnx_dataset *out, const char *dir, const char *split,
                                   cnx_error *err)
{
    return open_layouts(out, dir, split ? split : "validation", OF_ADE20K, NULL, err);
}
