#include "core/coco/segmentation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

enum { XY, ENDS, COUNTS, TEXT };

void cnx_segmentation_scratch_free(cnx_segmentation_scratch *scratch)
{
    for (int i = 0; i < 4; i++)
        free(scratch->memory[i]);
    cnx_rle_buffer_free(&scratch->runs);
    *scratch = (cnx_segmentation_scratch){0};
}

static cnx_status reserve(cnx_segmentation_scratch *scratch, int which, size_t bytes,
                          cnx_error *err)
{
    if (bytes <= scratch->room[which])
        return CNX_OK;
    size_t room = 2 * scratch->room[which];
    if (room < bytes)
        room = bytes;
    if (room < 256)
        room = 256;
    void *memory = realloc(scratch->memory[which], room);
    CNX_FAIL_IF(!memory, CNX_ERR_MEMORY, "not enough memory for a segmentation of %zu bytes", room);
    scratch->memory[which] = memory;
    scratch->room[which] = room;
    return CNX_OK;
}

static cnx_status read_part(size_t *count, cnx_segmentation_scratch *scratch, cnx_json_scan *scan,
                            cnx_error *err)
{
    bool first = true, more;
    scan->at++;
    for (;;) {
        CNX_TRY(cnx_json_next_element(&more, &first, scan, err));
        if (!more)
            return CNX_OK;
        CNX_TRY(reserve(scratch, XY, (*count + 1) * sizeof(double), err));
        double *xy = scratch->memory[XY];
        CNX_TRY(cnx_json_scan_number(&xy[*count], "a coordinate in segmentation", scan, err));
        ++*count;
    }
}

static cnx_status read_polygons(cnx_segmentation *out, cnx_segmentation_scratch *scratch,
                                cnx_json_scan *scan, cnx_error *err)
{
    bool first = true, more;
    size_t numbers = 0, parts = 0;
    scan->at++;
    for (;;) {
        CNX_TRY(cnx_json_next_element(&more, &first, scan, err));
        if (!more)
            break;
        const char c = cnx_json_peek(scan);
        scan->ran_out |= scan->at >= scan->end;
        CNX_FAIL_IF(
            c != '[', CNX_ERR_FORMAT,
            "segmentation is a list, but not of lists; [[x, y, x, y, ...], ...] is expected");
        CNX_TRY(read_part(&numbers, scratch, scan, err));
        CNX_TRY(reserve(scratch, ENDS, (parts + 1) * sizeof(size_t), err));
        ((size_t *)scratch->memory[ENDS])[parts++] = numbers;
    }
    *out = (cnx_segmentation){.kind = CNX_SEGMENTATION_POLYGONS,
                              .count = parts,
                              .xy = scratch->memory[XY],
                              .ends = scratch->memory[ENDS]};
    return CNX_OK;
}

static cnx_status read_counts(cnx_segmentation *out, cnx_segmentation_scratch *scratch,
                              cnx_json_scan *scan, cnx_error *err)
{
    bool first = true, more;
    size_t n = 0;
    scan->at++;
    for (;;) {
        long long value;
        CNX_TRY(cnx_json_next_element(&more, &first, scan, err));
        if (!more)
            break;
        CNX_TRY(cnx_json_scan_whole(&value, "a run in segmentation.counts", scan, err));
        CNX_FAIL_IF(value < 0 || value > UINT32_MAX, CNX_ERR_FORMAT,
                    "run %zu in segmentation.counts is %lld; no mask has that", n, value);
        CNX_TRY(reserve(scratch, COUNTS, (n + 1) * sizeof(uint32_t), err));
        ((uint32_t *)scratch->memory[COUNTS])[n++] = (uint32_t)value;
    }
    out->kind = CNX_SEGMENTATION_COUNTS;
    out->counts = scratch->memory[COUNTS];
    out->count = n;
    return CNX_OK;
}

static cnx_status read_text(cnx_segmentation *out, cnx_segmentation_scratch *scratch,
                            cnx_json_scan *scan, cnx_error *err)
{
    cnx_json_text text;
    CNX_TRY(cnx_json_scan_string(&text, "segmentation.counts", scan, err));
    out->kind = CNX_SEGMENTATION_TEXT;
    out->text = text.at;
    out->count = text.length;
    if (text.escaped) {
        CNX_TRY(reserve(scratch, TEXT, text.length, err));
        out->count = cnx_json_unescape(scratch->memory[TEXT], &text);
        out->text = scratch->memory[TEXT];
    }
    return CNX_OK;
}

static cnx_status read_size(cnx_segmentation *out, cnx_json_scan *scan, cnx_error *err)
{
    long long sides[2];
    bool first = true, more;
    int n = 0;
    CNX_TRY(cnx_json_expect(scan, '[', "at the beginning of segmentation.size", err));
    for (;;) {
        CNX_TRY(cnx_json_next_element(&more, &first, scan, err));
        if (!more)
            break;
        CNX_FAIL_IF(n == 2, CNX_ERR_FORMAT, "segmentation.size has more than 2 numbers");
        CNX_TRY(cnx_json_scan_whole(&sides[n], "segmentation.size", scan, err));
        CNX_FAIL_IF(sides[n] < 0 || sides[n] > UINT32_MAX, CNX_ERR_FORMAT,
                    "segmentation.size holds %lld; no picture is so", sides[n]);
        n++;
    }
    CNX_FAIL_IF(n != 2, CNX_ERR_FORMAT,
                "segmentation.size has %d numbers; [height, width] is expected", n);
    out->h = (uint32_t)sides[0];
    out->w = (uint32_t)sides[1];
    return CNX_OK;
}

typedef struct run_fields {
    cnx_segmentation *out;
    cnx_segmentation_scratch *scratch;
    bool size;
} run_fields;

static cnx_status read_run_field(void *user, const cnx_json_text *key, cnx_json_scan *scan,
                                 cnx_error *err)
{
    run_fields *f = user;
    if (cnx_json_text_is(key, "size")) {
        f->size = true;
        return read_size(f->out, scan, err);
    }
    if (!cnx_json_text_is(key, "counts"))
        return cnx_json_skip(scan, err);
    return cnx_json_peek(scan) == '[' ? read_counts(f->out, f->scratch, scan, err)
                                      : read_text(f->out, f->scratch, scan, err);
}

static cnx_status read_runs(cnx_segmentation *out, cnx_segmentation_scratch *scratch,
                            cnx_json_scan *scan, cnx_error *err)
{
    run_fields f = {.out = out, .scratch = scratch};
    CNX_TRY(cnx_json_scan_object(read_run_field, &f, scan, err));
    CNX_FAIL_IF(out->kind == CNX_SEGMENTATION_NONE, CNX_ERR_FORMAT, "segmentation has no counts");
    CNX_FAIL_IF(!f.size, CNX_ERR_FORMAT, "segmentation has no size");
    return CNX_OK;
}

cnx_status cnx_segmentation_read(cnx_segmentation *out, cnx_segmentation_scratch *scratch,
                                 cnx_json_scan *scan, cnx_error *err)
{
    *out = (cnx_segmentation){0};
    switch (cnx_json_peek(scan)) {
    case '{':
        return read_runs(out, scratch, scan, err);
    case '[':
        return read_polygons(out, scratch, scan, err);
    case 'n':
        return cnx_json_skip(scan, err);
    default:
        scan->ran_out |= scan->at >= scan->end;
        return cnx_fail(
            err, CNX_ERR_FORMAT,
            "segmentation is %s; polygons or runs ({\"size\", \"counts\"}) are expected",
            cnx_json_kind_here(scan));
    }
}

size_t cnx_segmentation_size(const cnx_segmentation *s)
{
    switch (s->kind) {
    case CNX_SEGMENTATION_POLYGONS:
        return s->count ? s->ends[s->count - 1] * sizeof *s->xy + s->count * sizeof *s->ends : 0;
    case CNX_SEGMENTATION_COUNTS:
        return s->count * sizeof *s->counts;
    case CNX_SEGMENTATION_TEXT:
        return s->count;
    default:
        return 0;
    }
}

cnx_segmentation cnx_segmentation_copy(void *memory, const cnx_segmentation *s)
{
    cnx_segmentation copy = *s;
    const size_t size = cnx_segmentation_size(s);
    if (size == 0)
        return copy;
    if (s->kind == CNX_SEGMENTATION_POLYGONS) {
        const size_t numbers = s->ends[s->count - 1];
        double *xy = memory;
        size_t *ends = (size_t *)(void *)(xy + numbers);
        if (numbers > 0)
            memcpy(xy, s->xy, numbers * sizeof *xy);
        memcpy(ends, s->ends, s->count * sizeof *ends);
        copy.xy = xy;
        copy.ends = ends;
    } else {
        memcpy(memory, s->kind == CNX_SEGMENTATION_TEXT ? s->text : (const void *)s->counts, size);
        copy.text = memory;
        copy.counts = memory;
    }
    return copy;
}

/* pycocotools tells boxes from polygons by the length of the first part. */
static cnx_status check_parts(const cnx_segmentation *s, cnx_error *err)
{
    CNX_FAIL_IF(s->count == 0, CNX_ERR_FORMAT, "segmentation is an empty list");
    CNX_FAIL_IF(s->ends[0] < 5, CNX_ERR_FORMAT,
                "the first polygon of segmentation has %zu numbers%s; at least 3 points are needed",
                s->ends[0], s->ends[0] == 4 ? ", as a box has" : "");
    return CNX_OK;
}

static cnx_status fill_part(cnx_rle_buffer *out, const cnx_segmentation *s, size_t part, uint32_t h,
                            uint32_t w, cnx_error *err)
{
    const size_t begin = part > 0 ? s->ends[part - 1] : 0;
    const size_t points = (s->ends[part] - begin) / 2;
    if (points > 0)
        return cnx_rle_fill_polygon(out, s->xy + begin, points, h, w, err);
    /* A later part without points covers nothing. */
    CNX_TRY(cnx_rle_buffer_reserve(out, 1, err));
    out->counts[0] = h * w;
    out->count = 1;
    return CNX_OK;
}

static cnx_status unite(cnx_rle_buffer *out, const cnx_segmentation *s, uint32_t h, uint32_t w,
                        cnx_segmentation_scratch *scratch, cnx_error *err)
{
    cnx_rle all = {0};
    cnx_status status = CNX_OK;
    cnx_rle *parts = calloc(s->count, sizeof *parts);
    CNX_FAIL_IF(!parts, CNX_ERR_MEMORY, "not enough memory for %zu polygons", s->count);
    for (size_t i = 0; i < s->count; i++) {
        CNX_CHECK(fill_part(&scratch->runs, s, i, h, w, err));
        CNX_CHECK(cnx_rle_take(&parts[i], &scratch->runs, h, w, err));
    }
    CNX_CHECK(cnx_rle_merge(&all, parts, s->count, false, err));
    CNX_CHECK(cnx_rle_buffer_reserve(out, all.count, err));
    memcpy(out->counts, all.counts, all.count * sizeof *all.counts);
    out->count = all.count;
cleanup:
    cnx_rle_free(&all);
    for (size_t i = 0; i < s->count; i++)
        cnx_rle_free(&parts[i]);
    free(parts);
    return status;
}

cnx_status cnx_segmentation_to_runs(cnx_rle_buffer *out, const cnx_segmentation *s, uint32_t h,
                                    uint32_t w, cnx_segmentation_scratch *scratch, cnx_error *err)
{
    uint32_t pixels = 0;
    out->count = 0;
    CNX_TRY(cnx_rle_pixels(&pixels, h, w, err));
    CNX_FAIL_IF(s->kind == CNX_SEGMENTATION_NONE, CNX_ERR_FORMAT, "has no segmentation");
    if (s->kind == CNX_SEGMENTATION_POLYGONS) {
        CNX_TRY(check_parts(s, err));
        return s->count == 1 ? fill_part(out, s, 0, h, w, err) : unite(out, s, h, w, scratch, err);
    }
    CNX_FAIL_IF(s->h != h || s->w != w, CNX_ERR_FORMAT,
                "segmentation.size is [%u, %u]; its picture's [height, width] is [%u, %u]", s->h,
                s->w, h, w);
    if (s->kind == CNX_SEGMENTATION_TEXT)
        return cnx_rle_read_text(out, s->text, s->count, h, w, err);
    CNX_TRY(cnx_rle_check(s->counts, s->count, h, w, err));
    CNX_TRY(cnx_rle_buffer_reserve(out, s->count, err));
    memcpy(out->counts, s->counts, s->count * sizeof *s->counts);
    out->count = s->count;
    return CNX_OK;
}
