#include "core/coco/results.h"

#include <stdlib.h>

#include "core/coco/fields.h"

typedef struct part {
    void *inner; /* the sink's */
    cnx_coco_results_sink *sink;
    cnx_segmentation_scratch scratch;
} part;

static void part_free(void *memory)
{
    part *p = memory;
    if (p->inner)
        p->sink->part_free(p->inner);
    cnx_segmentation_scratch_free(&p->scratch);
    free(p);
}

static void *part_new(void *user)
{
    cnx_coco_results_sink *sink = user;
    part *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->sink = sink;
    p->inner = sink->part_new(sink->user);
    if (!p->inner) {
        part_free(p);
        return NULL;
    }
    return p;
}

typedef struct result_fields {
    cnx_segmentation_scratch *scratch; /* NULL: segmentations are passed over */
    cnx_coco_result r;
    bool image_id, category_id, score;
} result_fields;

static cnx_status read_field(void *user, const cnx_json_text *key, cnx_json_scan *scan,
                             cnx_error *err)
{
    result_fields *f = user;
    if (cnx_json_text_is(key, "score")) {
        f->score = true;
        return cnx_json_scan_number(&f->r.score, "score", scan, err);
    }
    if (cnx_json_text_is(key, "image_id"))
        return cnx_coco_read_id(&f->r.image_id, &f->image_id, "image_id", scan, err);
    if (cnx_json_text_is(key, "category_id"))
        return cnx_coco_read_id(&f->r.category_id, &f->category_id, "category_id", scan, err);
    if (cnx_json_text_is(key, "bbox")) {
        int count = 0;
        CNX_TRY(cnx_coco_read_box(f->r.box, &count, scan, err));
        f->r.has_box = count == 4;
        f->r.no_box = count == 0;
        return CNX_OK;
    }
    if (f->scratch && cnx_json_text_is(key, "segmentation"))
        return cnx_segmentation_read(&f->r.segmentation, f->scratch, scan, err);
    return cnx_json_skip(scan, err);
}

/* scratch: for its segmentation; NULL where that is not wanted. */
static cnx_status read_result(cnx_coco_result *out, cnx_segmentation_scratch *scratch,
                              cnx_json_scan *scan, cnx_error *err)
{
    result_fields f = {.scratch = scratch};
    CNX_TRY(cnx_json_scan_object(read_field, &f, scan, err));
    CNX_FAIL_IF(!f.image_id, CNX_ERR_FORMAT, "has no image_id");
    CNX_FAIL_IF(!f.category_id, CNX_ERR_FORMAT, "has no category_id");
    CNX_FAIL_IF(!f.score, CNX_ERR_FORMAT, "has no score");
    *out = f.r;
    return CNX_OK;
}

static cnx_status read_entry(void *user, void *memory, cnx_json_scan *scan, cnx_error *err)
{
    cnx_coco_results_sink *sink = user;
    part *p = memory;
    cnx_coco_result result;
    CNX_TRY(read_result(&result, sink->segmentations ? &p->scratch : NULL, scan, err));
    return sink->add(sink->user, p->inner, &result, err);
}

static cnx_status take_part(void *user, void *memory, cnx_error *err)
{
    cnx_coco_results_sink *sink = user;
    return sink->take(sink->user, ((part *)memory)->inner, err);
}

static void look_at_first(void *user, cnx_json_scan *scan)
{
    cnx_coco_results_sink *sink = user;
    cnx_segmentation_scratch scratch = {0};
    cnx_coco_result result;
    if (*scan->at == '{' && read_result(&result, &scratch, scan, NULL) == CNX_OK)
        sink->first(sink->user, &result);
    cnx_segmentation_scratch_free(&scratch);
}

cnx_status cnx_coco_results_read(const char *path, cnx_coco_results_sink *sink, uint64_t *count,
                                 cnx_error *err)
{
    cnx_json_file file;
    CNX_TRY(cnx_json_file_open(&file, path, err));
    const cnx_json_list list = {.threads = sink->threads,
                                .entry = "entry",
                                .user = sink,
                                .first = sink->first ? look_at_first : NULL,
                                .part_new = part_new,
                                .part_free = part_free,
                                .read = read_entry,
                                .take = take_part};
    const cnx_status status = cnx_json_read_list_file(&file, &list, count, err);
    cnx_json_file_close(&file);
    return status;
}

typedef struct look {
    bool has_box, has_segmentation;
} look;

static void keep_look(void *user, const cnx_coco_result *result)
{
    *(look *)user = (look){result->has_box, result->segmentation.kind != CNX_SEGMENTATION_NONE};
}

cnx_status cnx_coco_results_look(const char *path, bool *has_box, bool *has_segmentation,
                                 cnx_error *err)
{
    look seen = {false, false};
    bool empty = false;
    cnx_json_file file;
    cnx_coco_results_sink sink = {.user = &seen, .first = keep_look};
    const cnx_json_list list = {.user = &sink, .first = look_at_first};
    CNX_TRY(cnx_json_file_open(&file, path, err));
    const cnx_status status = cnx_json_look_at_list_file(&file, &list, &empty, err);
    cnx_json_file_close(&file);
    *has_box = seen.has_box;
    *has_segmentation = seen.has_segmentation;
    return status;
}
