/* Annotation files: the three lists read one after the other, sorted and tied together. */
#include "core/coco/truth.h"

#include <stdlib.h>
#include <string.h>

#include "core/coco/truth_read.h"
#include "core/json_stream.h"

void cnx_coco_truth_close(cnx_coco_truth *truth)
{
    free(truth->path);
    free(truth->images);
    free(truth->categories);
    free(truth->annotations);
    cnx_coco_block_free(&truth->blocks);
    *truth = (cnx_coco_truth){0};
}

/* Stable, so that of equal ids the last stands last; *size is the element's, id its first field. */
static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void merge_by_id(char *to, const char *a, size_t count_a, const char *b, size_t count_b,
                        size_t size)
{
    while (count_a > 0 || count_b > 0) {
        const bool first = count_a > 0 && (count_b == 0 || compare_ids(a, b) <= 0);
        memcpy(to, first ? a : b, size);
        to += size;
        if (first) {
            a += size;
            count_a--;
        } else {
            b += size;
            count_b--;
        }
    }
}

/* Sorts and leaves the last of each id.  Merge sort; files are sorted as a rule, which is seen first. */
static cnx_status sort_by_id(void *list, size_t *count, size_t size, cnx_error *err)
{
    char *data = list;
    size_t n = *count, kept = 0;
    bool sorted = true;
    for (size_t i = 1; i < n && sorted; i++)
        sorted = compare_ids(data + (i - 1) * size, data + i * size) <= 0;
    if (!sorted) {
        char *scratch = malloc(n * size);
        CNX_FAIL_IF(!scratch, CNX_ERR_MEMORY, "not enough memory to sort %zu entries", n);
        for (size_t width = 1; width < n; width *= 2) {
            for (size_t at = 0; at < n; at += 2 * width) {
                const size_t middle = at + width < n ? at + width : n;
                const size_t end = middle + width < n ? middle + width : n;
                merge_by_id(scratch + at * size, data + at * size, middle - at,
                            data + middle * size, end - middle, size);
            }
            memcpy(data, scratch, n * size);
        }
        free(scratch);
    }
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && compare_ids(data + (kept - 1) * size, data + i * size) == 0)
            kept--;
        if (kept != i)
            memcpy(data + kept * size, data + i * size, size);
        kept++;
    }
    *count = kept;
    return CNX_OK;
}

/* Binary search among elements whose first field is the id. */
static int find_id(const void *list, size_t count, size_t size, int64_t id)
{
    const char *data = list;
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const int64_t here = *(const int64_t *)(const void *)(data + middle * size);
        if (here == id)
            return (int)middle;
        if (here < id)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int cnx_coco_find_image(const cnx_coco_truth *truth, int64_t id)
{
    return find_id(truth->images, truth->image_count, sizeof *truth->images, id);
}

int cnx_coco_find_category(const cnx_coco_truth *truth, int64_t id)
{
    return find_id(truth->categories, truth->category_count, sizeof *truth->categories, id);
}

static cnx_status tie_together(cnx_coco_truth *truth, cnx_error *err)
{
    CNX_FAIL_IF(truth->image_count > INT32_MAX || truth->category_count > INT32_MAX,
                CNX_ERR_UNSUPPORTED, "%s: has too many images or categories", truth->path);
    CNX_TRY(sort_by_id(truth->images, &truth->image_count, sizeof *truth->images, err));
    CNX_TRY(sort_by_id(truth->categories, &truth->category_count, sizeof *truth->categories, err));
    for (size_t i = 0; i < truth->annotation_count; i++) {
        cnx_coco_annotation *a = &truth->annotations[i];
        a->image = cnx_coco_find_image(truth, a->image_id);
        a->category = cnx_coco_find_category(truth, a->category_id);
    }
    return CNX_OK;
}

cnx_status cnx_coco_truth_open(cnx_coco_truth *out, const char *path,
                               const cnx_coco_truth_options *options, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_json_file file;
    *out = (cnx_coco_truth){0};
    CNX_TRY(cnx_json_file_open(&file, path, err));
    cnx_coco_truth_reader reader = {.truth = out, .options = *options};
    out->path = strdup(path);
    CNX_CHECK_IF(!out->path, CNX_ERR_MEMORY, "%s: not enough memory to read it", path);
    CNX_CHECK(cnx_json_read_object_file(&file, cnx_coco_truth_member, &reader, err));
    for (int i = 0; i < CNX_COCO_LISTS; i++)
        CNX_CHECK_IF(!reader.seen[i], CNX_ERR_FORMAT,
                     "%s: has no \"%s\"; an annotation file of COCO's form is expected", path,
                     cnx_coco_list_names[i]);
    status = tie_together(out, err);
cleanup:
    cnx_json_file_close(&file);
    if (status != CNX_OK)
        cnx_coco_truth_close(out);
    return status;
}

cnx_status cnx_coco_truth_mask(cnx_rle_buffer *out, const cnx_coco_truth *truth,
                               const cnx_coco_annotation *annotation,
                               cnx_segmentation_scratch *scratch, cnx_error *err)
{
    cnx_status status;
    if (annotation->image < 0) {
        status = cnx_fail(err, CNX_ERR_FORMAT, "image_id %lld is not among the images",
                          (long long)annotation->image_id);
    } else {
        const cnx_coco_image *image = &truth->images[annotation->image];
        if (image->h == 0 || image->w == 0)
            status = cnx_fail(err, CNX_ERR_FORMAT,
                              "its image, %lld, has no height and width, which masks need",
                              (long long)image->id);
        else
            status = cnx_segmentation_to_runs(out, &annotation->segmentation, image->h, image->w,
                                              scratch, err);
    }
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s: annotation %zu (id %lld)", truth->path,
                         (size_t)(annotation - truth->annotations) + 1, (long long)annotation->id);
    return status;
}
