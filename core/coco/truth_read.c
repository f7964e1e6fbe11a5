#include "core/coco/truth_read.h"

#include <stdlib.h>
#include <string.h>

#include "core/coco/fields.h"
#include "core/memory.h"

const char *const cnx_coco_list_names[CNX_COCO_LISTS] = {"images", "annotations", "categories"};

/* One of the three lists, or the part of it that one piece of the file has. */
typedef struct part {
    char *items;
    size_t count, room;
    cnx_coco_block *blocks;
    cnx_segmentation_scratch scratch;
} part;

/* One list while it is read. */
typedef struct job {
    cnx_coco_truth_reader *reader;
    int which;
} job;

static const size_t item_sizes[CNX_COCO_LISTS] = {
    sizeof(cnx_coco_image), sizeof(cnx_coco_annotation), sizeof(cnx_coco_category)};

static void *part_new(void *user)
{
    (void)user;
    return calloc(1, sizeof(part));
}

static void part_free(void *memory)
{
    part *p = memory;
    free(p->items);
    cnx_coco_block_free(&p->blocks);
    cnx_segmentation_scratch_free(&p->scratch);
    free(p);
}

/* Room for `more` items behind `count`. */
static cnx_status reserve(void **items, size_t *room, size_t count, size_t more, size_t size,
                          cnx_error *err)
{
    size_t wanted, bytes;
    CNX_FAIL_IF(!cnx_add(count, more, &wanted), CNX_ERR_MEMORY, "too many entries");
    if (wanted <= *room)
        return CNX_OK;
    if (wanted < 2 * *room)
        wanted = 2 * *room;
    if (wanted < 64)
        wanted = 64;
    CNX_FAIL_IF(!cnx_mul(wanted, size, &bytes), CNX_ERR_MEMORY, "too many entries");
    void *memory = realloc(*items, bytes);
    CNX_FAIL_IF(!memory, CNX_ERR_MEMORY, "not enough memory for %zu entries", wanted);
    *items = memory;
    *room = wanted;
    return CNX_OK;
}

/* A copy in the part's memory with a NUL behind it. */
static cnx_status keep_text(const char **out, part *p, const cnx_json_text *text, cnx_error *err)
{
    char *copy = cnx_coco_block_alloc(&p->blocks, text->length + 1);
    CNX_FAIL_IF(!copy, CNX_ERR_MEMORY, "not enough memory for a name");
    copy[cnx_json_unescape(copy, text)] = '\0';
    *out = copy;
    return CNX_OK;
}

static cnx_status read_side(uint32_t *out, const char *what, cnx_json_scan *scan, cnx_error *err)
{
    long long value;
    if (cnx_json_peek(scan) == 'n') {
        *out = 0;
        return cnx_json_skip(scan, err);
    }
    CNX_TRY(cnx_json_scan_whole(&value, what, scan, err));
    CNX_FAIL_IF(value < 0 || value > UINT32_MAX, CNX_ERR_FORMAT, "%s is %lld; no picture is so",
                what, value);
    *out = (uint32_t)value;
    return CNX_OK;
}

/* A name, or null; other values are passed over. */
static cnx_status read_name(cnx_json_text *out, cnx_json_scan *scan, cnx_error *err)
{
    *out = (cnx_json_text){0};
    return cnx_json_peek(scan) == '"' ? cnx_json_scan_string(out, "a name", scan, err)
                                      : cnx_json_skip(scan, err);
}

/* One more item of the part's list. */
static cnx_status add_item(part *p, const void *item, size_t size, cnx_error *err)
{
    CNX_TRY(reserve((void **)&p->items, &p->room, p->count, 1, size, err));
    memcpy(p->items + p->count++ * size, item, size);
    return CNX_OK;
}

/* ---- images and categories ---- */

typedef struct image_fields {
    cnx_coco_image image;
    cnx_json_text name;
    bool id;
} image_fields;

static cnx_status read_image_field(void *user, const cnx_json_text *key, cnx_json_scan *scan,
                                   cnx_error *err)
{
    image_fields *f = user;
    if (cnx_json_text_is(key, "id"))
        return cnx_coco_read_id(&f->image.id, &f->id, "id", scan, err);
    if (cnx_json_text_is(key, "height"))
        return read_side(&f->image.h, "height", scan, err);
    if (cnx_json_text_is(key, "width"))
        return read_side(&f->image.w, "width", scan, err);
    if (cnx_json_text_is(key, "file_name"))
        return read_name(&f->name, scan, err);
    return cnx_json_skip(scan, err);
}

static cnx_status read_image(part *p, cnx_json_scan *scan, cnx_error *err)
{
    image_fields f = {0};
    CNX_TRY(cnx_json_scan_object(read_image_field, &f, scan, err));
    CNX_FAIL_IF(!f.id, CNX_ERR_FORMAT, "has no id");
    if (f.name.at)
        CNX_TRY(keep_text(&f.image.file_name, p, &f.name, err));
    return add_item(p, &f.image, sizeof f.image, err);
}

typedef struct category_fields {
    cnx_coco_category category;
    cnx_json_text name;
    bool id;
} category_fields;

static cnx_status read_category_field(void *user, const cnx_json_text *key, cnx_json_scan *scan,
                                      cnx_error *err)
{
    category_fields *f = user;
    if (cnx_json_text_is(key, "id"))
        return cnx_coco_read_id(&f->category.id, &f->id, "id", scan, err);
    if (cnx_json_text_is(key, "name"))
        return read_name(&f->name, scan, err);
    return cnx_json_skip(scan, err);
}

static cnx_status read_category(part *p, cnx_json_scan *scan, cnx_error *err)
{
    category_fields f = {0};
    CNX_TRY(cnx_json_scan_object(read_category_field, &f, scan, err));
    CNX_FAIL_IF(!f.id, CNX_ERR_FORMAT, "has no id");
    if (f.name.at)
        CNX_TRY(keep_text(&f.category.name, p, &f.name, err));
    return add_item(p, &f.category, sizeof f.category, err);
}

/* ---- annotations ---- */

/* 0, 1, or true and false. */
static cnx_status read_crowd(bool *out, cnx_json_scan *scan, cnx_error *err)
{
    const char c = cnx_json_peek(scan);
    if (c == 't' || c == 'f') {
        *out = c == 't';
        return cnx_json_skip(scan, err);
    }
    long long value;
    CNX_TRY(cnx_json_scan_whole(&value, "iscrowd", scan, err));
    *out = value != 0;
    return CNX_OK;
}

typedef struct annotation_fields {
    cnx_segmentation_scratch *scratch; /* NULL: segmentations are passed over */
    cnx_coco_annotation a;
    bool id, image_id, category_id;
} annotation_fields;

static cnx_status read_field(void *user, const cnx_json_text *key, cnx_json_scan *scan,
                             cnx_error *err)
{
    annotation_fields *f = user;
    cnx_coco_annotation *a = &f->a;
    if (f->scratch && cnx_json_text_is(key, "segmentation"))
        return cnx_segmentation_read(&a->segmentation, f->scratch, scan, err);
    if (cnx_json_text_is(key, "id"))
        return cnx_coco_read_id(&a->id, &f->id, "id", scan, err);
    if (cnx_json_text_is(key, "image_id"))
        return cnx_coco_read_id(&a->image_id, &f->image_id, "image_id", scan, err);
    if (cnx_json_text_is(key, "category_id"))
        return cnx_coco_read_id(&a->category_id, &f->category_id, "category_id", scan, err);
    if (cnx_json_text_is(key, "iscrowd"))
        return read_crowd(&a->crowd, scan, err);
    if (cnx_json_text_is(key, "area")) {
        a->has_area = true;
        return cnx_json_scan_number(&a->area, "area", scan, err);
    }
    if (cnx_json_text_is(key, "bbox")) {
        int count = 0;
        CNX_TRY(cnx_coco_read_box(a->box, &count, scan, err));
        a->has_box = count == 4;
        return CNX_OK;
    }
    return cnx_json_skip(scan, err);
}

static cnx_status read_annotation(part *p, bool segmentations, cnx_json_scan *scan, cnx_error *err)
{
    annotation_fields f = {.scratch = segmentations ? &p->scratch : NULL};
    CNX_TRY(cnx_json_scan_object(read_field, &f, scan, err));
    CNX_FAIL_IF(!f.id, CNX_ERR_FORMAT, "has no id");
    CNX_FAIL_IF(!f.image_id, CNX_ERR_FORMAT, "has no image_id");
    CNX_FAIL_IF(!f.category_id, CNX_ERR_FORMAT, "has no category_id");
    const size_t size = cnx_segmentation_size(&f.a.segmentation);
    if (size > 0) {
        void *memory = cnx_coco_block_alloc(&p->blocks, size);
        CNX_FAIL_IF(!memory, CNX_ERR_MEMORY, "not enough memory for its segmentation");
        f.a.segmentation = cnx_segmentation_copy(memory, &f.a.segmentation);
    }
    return add_item(p, &f.a, sizeof f.a, err);
}

/* ---- lists ---- */

static cnx_status read_entry(void *user, void *memory, cnx_json_scan *scan, cnx_error *err)
{
    const job *j = user;
    part *p = memory;
    const char *begin = scan->at;
    const cnx_status status = j->which == CNX_COCO_IMAGES ? read_image(p, scan, err)
                              : j->which == CNX_COCO_CATEGORIES
                                  ? read_category(p, scan, err)
                                  : read_annotation(p, j->reader->options.segmentations, scan, err);
    if (status != CNX_OK && !scan->ran_out)
        cnx_coco_name_by_id(begin, scan, err);
    return status;
}

static cnx_status take_part(void *user, void *memory, cnx_error *err)
{
    const job *j = user;
    cnx_coco_truth *t = j->reader->truth;
    part *p = memory;
    void **lists[] = {(void **)&t->images, (void **)&t->annotations, (void **)&t->categories};
    size_t *counts[] = {&t->image_count, &t->annotation_count, &t->category_count};
    const size_t size = item_sizes[j->which];
    size_t *count = counts[j->which];
    CNX_TRY(reserve(lists[j->which], &j->reader->room[j->which], *count, p->count, size, err));
    if (p->count > 0)
        memcpy((char *)*lists[j->which] + *count * size, p->items, p->count * size);
    *count += p->count;
    cnx_coco_block_move(&t->blocks, &p->blocks);
    return CNX_OK;
}

cnx_status cnx_coco_truth_member(void *user, const cnx_json_file *file, const cnx_json_text *key,
                                 char first_byte, uint64_t *offset, cnx_error *err)
{
    static const char *const entries[CNX_COCO_LISTS] = {"image", "annotation", "category"};
    cnx_coco_truth_reader *reader = user;
    job j = {.reader = reader, .which = 0};
    while (j.which < CNX_COCO_LISTS && !cnx_json_text_is(key, cnx_coco_list_names[j.which]))
        j.which++;
    if (j.which == CNX_COCO_LISTS)
        return CNX_OK;
    const char *name = cnx_coco_list_names[j.which];
    CNX_FAIL_IF(reader->seen[j.which], CNX_ERR_FORMAT, "%s: the key \"%s\" stands twice",
                file->path, name);
    CNX_FAIL_IF(first_byte != '[', CNX_ERR_FORMAT, "%s: \"%s\" is not a list", file->path, name);
    reader->seen[j.which] = true;
    const cnx_json_list list = {.threads = reader->options.threads,
                                .entry = entries[j.which],
                                .user = &j,
                                .part_new = part_new,
                                .part_free = part_free,
                                .read = read_entry,
                                .take = take_part};
    return cnx_json_read_list(file, offset, &list, NULL, err);
}
