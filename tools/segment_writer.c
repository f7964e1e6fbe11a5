#include "tools/segment_writer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/image/draw.h"
#include "core/image/png.h"
#include "core/memory.h"
#include "tools/interrupt.h"
#include "tools/volume_writer.h"

typedef struct result_file {
    bool used;
    cnx_output output;
    cnx_png_writer *png;      /* the pictures */
    cnx_volume_writer volume; /* prob, logits */
    char *path;
} result_file;

struct cnx_segment_writer {
    cnx_segment_target target;
    result_file files[CNX_SAVE_KINDS];
    bool wide_labels; /* 16-bit grey */
    uint8_t *row;     /* one row of any of the PNGs */
    uint16_t *labels; /* overlay only: all of them, because the legend counts before it is drawn */
    uint64_t *counts; /* [classes] */
    int rows_done;
};

static unsigned save_of(const cnx_segment_writer *w)
{
    return w->target.args->save.bits;
}

unsigned cnx_segment_writer_wants(unsigned save)
{
    return (cnx_saves(save, CNX_SAVE_CONFIDENCE) ? CNX_WANT_CONFIDENCE : 0u) |
           (cnx_saves(save, CNX_SAVE_PROB) ? CNX_WANT_PROB : 0u) |
           (cnx_saves(save, CNX_SAVE_LOGITS) ? CNX_WANT_LOGITS : 0u);
}

size_t cnx_segment_writer_bytes(unsigned save, int classes, int width, int height)
{
    size_t bytes = 3 * (size_t)width + sizeof(uint64_t) * (size_t)classes, part;
    if (cnx_saves(save, CNX_SAVE_OVERLAY))
        bytes += sizeof(uint16_t) * (size_t)width * (size_t)height;
    for (int kind = CNX_SAVE_PROB; kind <= CNX_SAVE_LOGITS; kind++) {
        part = cnx_saves(save, kind) ? cnx_volume_bytes(classes, height, width) : 0;
        if (!cnx_add(bytes, part, &bytes))
            return SIZE_MAX;
    }
    return bytes;
}

/* ---- opening ---- */

static cnx_status open_label(cnx_segment_writer *w, result_file *file, cnx_error *err)
{
    const cnx_description *d = w->target.description;
    const int offset = w->target.args->label_offset.value;
    const int top = d->class_count - 1 + offset;
    CNX_TRY(cnx_segment_args_check_labels(w->target.args, d->class_count, err));
    w->wide_labels = top > UINT8_MAX;
    const int width = w->target.width, height = w->target.height;
    if (w->wide_labels)
        return cnx_png_open(&file->png, &file->output, CNX_PNG_GREY16, width, height, NULL, 0, err);
    uint8_t palette[3 * (UINT8_MAX + 1)] = {0};
    memcpy(palette + 3 * offset, d->palette, 3 * (size_t)d->class_count);
    return cnx_png_open(&file->png, &file->output, CNX_PNG_INDEXED8, width, height, palette,
                        top + 1, err);
}

static cnx_status open_kind(cnx_segment_writer *w, int kind, cnx_error *err)
{
    result_file *file = &w->files[kind];
    const cnx_outputs outputs = {.folder = w->target.args->run.out.value};
    CNX_TRY(
        cnx_outputs_path(&file->path, &outputs, w->target.stem, cnx_segment_suffixes[kind], err));
    CNX_TRY(cnx_output_open(&file->output, file->path, err));
    file->used = true;
    const int width = w->target.width, height = w->target.height;
    switch (kind) {
    case CNX_SAVE_LABEL:
        return open_label(w, file, err);
    case CNX_SAVE_COLOR:
        return cnx_png_open(&file->png, &file->output, CNX_PNG_RGB8, width, height, NULL, 0, err);
    case CNX_SAVE_CONFIDENCE:
        return cnx_png_open(&file->png, &file->output, CNX_PNG_GREY8, width, height, NULL, 0, err);
    case CNX_SAVE_PROB:
    case CNX_SAVE_LOGITS:
        return cnx_volume_open(&file->volume, &file->output, w->target.description->class_count,
                               height, width, err);
    default:
        return CNX_OK; /* the height of an overlay is known when its legend is */
    }
}

static cnx_status open_buffers(cnx_segment_writer *w, cnx_error *err)
{
    const size_t width = (size_t)w->target.width;
    size_t pixels;
    const bool fits =
        cnx_mul(width, (size_t)w->target.height, &pixels) && pixels <= SIZE_MAX / sizeof *w->labels;
    w->row = malloc(3 * width);
    w->counts = calloc((size_t)w->target.description->class_count, sizeof *w->counts);
    if (fits && cnx_saves(save_of(w), CNX_SAVE_OVERLAY))
        w->labels = malloc(pixels * sizeof *w->labels);
    const bool lacks = cnx_saves(save_of(w), CNX_SAVE_OVERLAY) && !w->labels;
    CNX_FAIL_IF(!fits || !w->row || !w->counts || lacks, CNX_ERR_MEMORY,
                "not enough memory for the results of a picture of %d x %d", w->target.width,
                w->target.height);
    return CNX_OK;
}

cnx_status cnx_segment_writer_open(cnx_segment_writer **out, const cnx_segment_target *target,
                                   cnx_error *err)
{
    cnx_segment_writer *w = calloc(1, sizeof *w);
    *out = w;
    CNX_FAIL_IF(!w, CNX_ERR_MEMORY, "not enough memory for the results");
    w->target = *target;
    cnx_status status = CNX_OK;
    CNX_CHECK(open_buffers(w, err));
    CNX_CHECK(cnx_folder_make(target->args->run.out.value, err));
    for (int kind = 0; kind < CNX_SAVE_KINDS; kind++)
        if (cnx_saves(save_of(w), kind))
            CNX_CHECK(open_kind(w, kind, err));
    return CNX_OK;
cleanup:
    cnx_segment_writer_close(out);
    return status;
}

/* ---- rows ---- */

static cnx_status count_labels(cnx_segment_writer *w, const uint16_t *labels, size_t n,
                               cnx_error *err)
{
    const int classes = w->target.description->class_count;
    for (size_t i = 0; i < n; i++) {
        CNX_FAIL_IF(labels[i] >= classes, CNX_ERR_INTERNAL, "label %u of %d classes", labels[i],
                    classes);
        w->counts[labels[i]]++;
    }
    return CNX_OK;
}

static cnx_status write_label_row(cnx_segment_writer *w, const uint16_t *labels, cnx_error *err)
{
    const int offset = w->target.args->label_offset.value;
    const size_t width = (size_t)w->target.width;
    for (size_t x = 0; x < width; x++) {
        const uint16_t value = (uint16_t)(labels[x] + offset);
        if (w->wide_labels)
            memcpy(w->row + 2 * x, &value, sizeof value);
        else
            w->row[x] = (uint8_t)value;
    }
    return cnx_png_write_rows(w->files[CNX_SAVE_LABEL].png, w->row, 1, err);
}

static cnx_status write_color_row(cnx_segment_writer *w, const uint16_t *labels, cnx_error *err)
{
    const cnx_description *d = w->target.description;
    cnx_colour_labels(labels, (size_t)w->target.width, d->palette, d->class_count, w->row);
    return cnx_png_write_rows(w->files[CNX_SAVE_COLOR].png, w->row, 1, err);
}

static cnx_status write_confidence_row(cnx_segment_writer *w, const float *confidence,
                                       cnx_error *err)
{
    for (size_t x = 0; x < (size_t)w->target.width; x++) {
        const float p = confidence[x];
        w->row[x] = !(p > 0) ? 0 : p >= 1 ? UINT8_MAX : (uint8_t)(255.0f * p + 0.5f);
    }
    return cnx_png_write_rows(w->files[CNX_SAVE_CONFIDENCE].png, w->row, 1, err);
}

static cnx_status write_row(cnx_segment_writer *w, const cnx_segment_rows *rows, int index,
                            cnx_error *err)
{
    const size_t width = (size_t)w->target.width, first = (size_t)index * width;
    const uint16_t *labels = rows->labels + first;
    CNX_TRY(count_labels(w, labels, width, err));
    if (w->files[CNX_SAVE_LABEL].used)
        CNX_TRY(write_label_row(w, labels, err));
    if (w->files[CNX_SAVE_COLOR].used)
        CNX_TRY(write_color_row(w, labels, err));
    if (w->files[CNX_SAVE_CONFIDENCE].used)
        CNX_TRY(write_confidence_row(w, rows->confidence + first, err));
    if (w->labels)
        memcpy(w->labels + (size_t)w->rows_done * width, labels, width * sizeof *labels);
    w->rows_done++;
    return CNX_OK;
}

cnx_status cnx_segment_writer_rows(cnx_segment_writer *w, const cnx_segment_rows *rows,
                                   cnx_error *err)
{
    CNX_FAIL_IF(rows->y != w->rows_done || rows->width != w->target.width ||
                    rows->count > w->target.height - w->rows_done,
                CNX_ERR_INTERNAL, "rows %d + %d of width %d came where row %d of width %d was due",
                rows->y, rows->count, rows->width, w->rows_done, w->target.width);
    for (int i = 0; i < rows->count; i++)
        CNX_TRY(write_row(w, rows, i, err));
    if (w->files[CNX_SAVE_PROB].used)
        CNX_TRY(cnx_volume_rows(&w->files[CNX_SAVE_PROB].volume, rows->prob, rows->count, err));
    if (w->files[CNX_SAVE_LOGITS].used)
        CNX_TRY(cnx_volume_rows(&w->files[CNX_SAVE_LOGITS].volume, rows->logits, rows->count, err));
    return CNX_OK;
}

/* ---- the overlay ---- */

enum { OVERLAY_STEP = 64 }; /* rows between two looks at Ctrl-C */

static int by_share(const void *a, const void *b)
{
    const cnx_legend_entry *const x = a, *const y = b;
    return (x->share < y->share) - (x->share > y->share);
}

/* The classes that occur, the largest first. */
static cnx_status draw_legend(cnx_image *legend, const cnx_segment_writer *w, cnx_error *err)
{
    const cnx_description *d = w->target.description;
    const double pixels = (double)w->target.width * (double)w->target.height;
    cnx_legend_entry *entries = calloc((size_t)d->class_count, sizeof *entries);
    CNX_FAIL_IF(!entries, CNX_ERR_MEMORY, "not enough memory for the legend");
    int count = 0;
    for (int k = 0; k < d->class_count; k++) {
        if (!w->counts[k])
            continue;
        cnx_legend_entry *entry = &entries[count++];
        entry->text = d->class_names[k];
        memcpy(entry->rgb, d->palette + 3 * (size_t)k, 3);
        entry->share = (float)((double)w->counts[k] / pixels);
    }
    qsort(entries, (size_t)count, sizeof *entries, by_share);
    const cnx_status status = cnx_legend_draw(legend, entries, count, w->target.width, err);
    free(entries);
    return status;
}

static cnx_status write_overlay(cnx_segment_writer *w, cnx_image *picture, cnx_error *err)
{
    result_file *file = &w->files[CNX_SAVE_OVERLAY];
    const cnx_description *d = w->target.description;
    cnx_image legend = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(draw_legend(&legend, w, err));
    const int room = INT_MAX - picture->height;
    const int legend_rows = legend.height < room ? legend.height : room;
    cnx_blend_labels(picture->data, w->labels, (size_t)picture->width * (size_t)picture->height,
                     d->palette, d->class_count, (float)w->target.args->opacity.value);
    CNX_CHECK(cnx_png_open(&file->png, &file->output, CNX_PNG_RGB8, picture->width,
                           picture->height + legend_rows, NULL, 0, err));
    for (int y = 0; y < picture->height; y += OVERLAY_STEP) {
        const int rest = picture->height - y;
        CNX_CHECK_IF(cnx_interrupted(), CNX_ERR_INTERRUPTED, "interrupted");
        CNX_CHECK(cnx_png_write_rows(file->png,
                                     picture->data + 3 * (size_t)y * (size_t)picture->width,
                                     rest < OVERLAY_STEP ? rest : OVERLAY_STEP, err));
    }
    if (legend_rows)
        CNX_CHECK(cnx_png_write_rows(file->png, legend.data, legend_rows, err));
cleanup:
    cnx_image_free(&legend);
    return status;
}

/* ---- the end ---- */

/* Everything that can fail for want of space is done before the first file is put in its place. */
static cnx_status complete_files(cnx_segment_writer *w, cnx_error *err)
{
    for (int kind = 0; kind < CNX_SAVE_KINDS; kind++) {
        result_file *file = &w->files[kind];
        if (!file->used)
            continue;
        if (file->png)
            CNX_TRY(cnx_png_finish(file->png, err));
        else
            CNX_TRY(cnx_volume_finish(&file->volume, err));
        CNX_FAIL_IF(fflush(file->output.stream) != 0, CNX_ERR_IO, "%s: %s", file->path,
                    strerror(errno));
    }
    return CNX_OK;
}

cnx_status cnx_segment_writer_complete(cnx_segment_writer *w, cnx_image *picture, cnx_error *err)
{
    CNX_FAIL_IF(w->rows_done != w->target.height, CNX_ERR_INTERNAL, "%d of %d rows came",
                w->rows_done, w->target.height);
    if (w->labels)
        CNX_TRY(write_overlay(w, picture, err));
    return complete_files(w, err);
}

cnx_status cnx_segment_writer_commit(cnx_segment_writer *w, cnx_error *err)
{
    for (int kind = 0; kind < CNX_SAVE_KINDS; kind++) {
        if (!w->files[kind].used)
            continue;
        const cnx_status status = cnx_output_commit(&w->files[kind].output, err);
        if (status != CNX_OK) {
            for (int done = 0; done < kind; done++)
                if (w->files[done].used)
                    unlink(w->files[done].path);
            return status;
        }
    }
    return CNX_OK;
}

void cnx_segment_writer_close(cnx_segment_writer **writer)
{
    cnx_segment_writer *w = *writer;
    if (!w)
        return;
    for (int kind = 0; kind < CNX_SAVE_KINDS; kind++) {
        result_file *file = &w->files[kind];
        cnx_png_close(&file->png);
        cnx_volume_close(&file->volume);
        cnx_output_abort(&file->output);
        free(file->path);
    }
    free(w->row);
    free(w->labels);
    free(w->counts);
    free(w);
    *writer = NULL;
}

const uint64_t *cnx_segment_writer_counts(const cnx_segment_writer *w)
{
    return w->counts;
}

const char *cnx_segment_writer_path(const cnx_segment_writer *w, int kind)
{
    return w->files[kind].used ? w->files[kind].path : NULL;
}
