#include "datasets/dataset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/image.h"
#include "datasets/folder.h"
#include "datasets/full_ade20k.h"

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the list of the data set");
}

void cnx_dataset_free(cnx_dataset *dataset)
{
    for (size_t i = 0; i < dataset->count; i++) {
        free(dataset->items[i].id);
        free(dataset->items[i].image);
        free(dataset->items[i].labels);
    }
    free(dataset->items);
    free(dataset->images);
    free(dataset->labels);
    *dataset = (cnx_dataset){0};
}

/* ---- one folder ---- */

static bool ends_in(const char *name, const char *suffix)
{
    const size_t n = strlen(name), s = strlen(suffix);
    return n > s && strcmp(name + n - s, suffix) == 0 && name[n - s - 1] != '/';
}

/* user: the suffix, NULL for any picture's. */
static bool is_wanted(void *user, const char *name)
{
    const char *suffix = user;
    return suffix ? ends_in(name, suffix) : cnx_image_suffix_known(name);
}

/* A file of one side. */
typedef struct file {
    const char *name; /* borrowed from the listing */
    size_t id_length;
} file;

typedef struct side {
    const char *folder;
    cnx_folder listing;
    file *files; /* by id */
} side;

static size_t id_length(const char *name, const char *suffix)
{
    if (suffix)
        return strlen(name) - strlen(suffix);
    return (size_t)(strrchr(name, '.') - name); /* known suffixes have a dot */
}

static int compare_ids(const file *a, const file *b)
{
    const size_t least = a->id_length < b->id_length ? a->id_length : b->id_length;
    const int order = memcmp(a->name, b->name, least);
    return order ? order : (a->id_length > b->id_length) - (a->id_length < b->id_length);
}

static int by_id(const void *a, const void *b)
{
    return compare_ids(a, b);
}

static cnx_status check_ids(const side *s, const char *flag, cnx_error *err)
{
    for (size_t i = 1; i < s->listing.count; i++)
        CNX_FAIL_IF(compare_ids(&s->files[i - 1], &s->files[i]) == 0, CNX_ERR_FORMAT,
                    "%s: %s and %s differ in their suffix only; say with %s which are meant",
                    s->folder, s->files[i - 1].name, s->files[i].name, flag);
    return CNX_OK;
}

static cnx_status list_side(side *s, const char *suffix, cnx_error *err)
{
    CNX_TRY(cnx_folder_list(&s->listing, s->folder, is_wanted, (void *)(uintptr_t)suffix, err));
    s->files = calloc(s->listing.count + 1, sizeof *s->files);
    if (!s->files)
        return out_of_memory(err);
    for (size_t i = 0; i < s->listing.count; i++)
        s->files[i] = (file){s->listing.names[i], id_length(s->listing.names[i], suffix)};
    qsort(s->files, s->listing.count, sizeof *s->files, by_id);
    return CNX_OK;
}

static void free_side(side *s)
{
    free(s->files);
    cnx_folder_free(&s->listing);
}

/* ---- folders that hold something else ---- */

static bool is_jpeg(void *user, const char *name)
{
    (void)user;
    return ends_in(name, ".jpg") || ends_in(name, ".jpeg") || ends_in(name, ".JPEG");
}

static size_t count_jpegs(const char *folder)
{
    cnx_folder found;
    cnx_error ignored;
    if (cnx_folder_list(&found, folder, is_jpeg, NULL, &ignored) != CNX_OK)
        return 0;
    const size_t count = found.count;
    cnx_folder_free(&found);
    return count;
}

/* Nothing was found in a side's folder. */
static cnx_status fail_empty(const side *s, const char *suffix, bool labels, cnx_error *err)
{
    const size_t jpegs = labels ? count_jpegs(s->folder) : 0;
    CNX_FAIL_IF(jpegs, CNX_ERR_UNSUPPORTED,
                "%s: holds no label file *%s but %zu JPEG files; JPEG changes the numbers, so that "
                "labels stored in it are lost: export them again as PNG",
                s->folder, suffix, jpegs);
    if (suffix)
        return cnx_fail(err, CNX_ERR_IO, "%s: holds no %s *%s", s->folder,
                        labels ? "label file" : "picture", suffix);
    return cnx_fail(err, CNX_ERR_IO, "%s: holds no picture", s->folder);
}

/* ---- pairs ---- */

/* At least one of image and label is not NULL. */
static cnx_status add_item(cnx_dataset *d, const side *images, const file *image,
                           const side *labels, const file *label, cnx_error *err)
{
    const file *named = image ? image : label;
    assert(named);
    cnx_dataset_item *item = &d->items[d->count++];
    item->id = strndup(named->name, named->id_length);
    if (image)
        item->image = cnx_folder_join(images->folder, image->name);
    if (label)
        item->labels = cnx_folder_join(labels->folder, label->name);
    if (!item->id || (image && !item->image) || (label && !item->labels))
        return out_of_memory(err);
    d->pairs += image && label;
    d->images_alone += image && !label;
    d->labels_alone += label && !image;
    return CNX_OK;
}

static cnx_status join_sides(cnx_dataset *d, const side *images, const side *labels, cnx_error *err)
{
    const size_t n = images->listing.count, m = labels->listing.count;
    d->items = calloc(n + m + 1, sizeof *d->items);
    if (!d->items)
        return out_of_memory(err);
    for (size_t i = 0, j = 0; i < n || j < m;) {
        const file *image = i < n ? &images->files[i] : NULL;
        const file *label = j < m ? &labels->files[j] : NULL;
        const int order = !image ? 1 : !label ? -1 : compare_ids(image, label);
        CNX_TRY(
            add_item(d, images, order <= 0 ? image : NULL, labels, order >= 0 ? label : NULL, err));
        i += order <= 0;
        j += order >= 0;
    }
    return CNX_OK;
}

/* By picture; what has none comes last. */
static int by_name(const void *a, const void *b)
{
    const cnx_dataset_item *x = a, *y = b;
    if (!x->image != !y->image)
        return x->image ? -1 : 1;
    return x->image ? strcmp(x->image, y->image) : strcmp(x->labels, y->labels);
}

cnx_status cnx_dataset_open_folders(cnx_dataset *out, const char *images_folder,
                                    const char *labels_folder, const cnx_dataset_suffixes *suffixes,
                                    cnx_error *err)
{
    *out = (cnx_dataset){.layout = "folders"};
    side images = {.folder = images_folder}, labels = {.folder = labels_folder};
    const char *image_suffix = suffixes ? suffixes->images : NULL;
    const char *label_suffix = suffixes && suffixes->labels ? suffixes->labels : ".png";
    cnx_status status;
    if (images_folder)
        CNX_CHECK(list_side(&images, image_suffix, err));
    CNX_CHECK(list_side(&labels, label_suffix, err));
    if (!suffixes || !suffixes->labels)
        CNX_CHECK(cnx_full_ade20k_refuse(labels_folder, err));
    if (images_folder && images.listing.count == 0)
        CNX_CHECK(fail_empty(&images, image_suffix, false, err));
    if (labels.listing.count == 0)
        CNX_CHECK(fail_empty(&labels, label_suffix, true, err));
    if (images_folder)
        CNX_CHECK(check_ids(&images, "--image-suffix", err));
    CNX_CHECK(check_ids(&labels, "--label-suffix", err));
    CNX_CHECK(join_sides(out, &images, &labels, err));
    qsort(out->items, out->count, sizeof *out->items, by_name);
    out->images = images_folder ? strdup(images_folder) : NULL;
    out->labels = strdup(labels_folder);
    if ((images_folder && !out->images) || !out->labels)
        status = out_of_memory(err);
cleanup:
    free_side(&images);
    free_side(&labels);
    if (status != CNX_OK)
        cnx_dataset_free(out);
    return status;
}
