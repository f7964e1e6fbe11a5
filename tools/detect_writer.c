#include "tools/detect_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/memory.h"
#include "tools/detect_pictures.h"

enum { MOST = CNX_FORMATS + CNX_PAINTS };

typedef struct text {
    char *data; /* owned */
    size_t size;
} text;

struct cnx_detect_writer {
    cnx_output files[MOST]; /* of the picture alone */
    char *paths[MOST];
    size_t count;
    text texts[CNX_FORMATS]; /* for the files of the run */
    text image;              /* for the list of a data set */
};

/* Of each format, what it says about a picture. */
static const cnx_detected_text text_of[CNX_FORMATS] = {
    [CNX_FORMAT_COCO] = cnx_detected_coco,
    [CNX_FORMAT_COCO_POLYGONS] = cnx_detected_coco_polygons,
    [CNX_FORMAT_COCO_DATASET] = cnx_detected_annotations,
    [CNX_FORMAT_LABELME] = cnx_detected_labelme,
    [CNX_FORMAT_YOLO] = cnx_detected_yolo,
    [CNX_FORMAT_CSV] = cnx_detected_csv,
};

/* ---- making ---- */

static cnx_status keep_text(text *out, cnx_detected_text put, const cnx_detected *d, cnx_error *err)
{
    FILE *to = open_memstream(&out->data, &out->size);
    CNX_FAIL_IF(!to, CNX_ERR_MEMORY, "not enough memory for the results of %s", d->file_name);
    const cnx_status status = put(to, d, err);
    const bool lost = ferror(to) != 0;
    CNX_FAIL_IF(fclose(to) != 0 || lost, CNX_ERR_MEMORY, "not enough memory for the results of %s",
                d->file_name);
    return status;
}

/* Begins the next of the picture's files. */
static cnx_status open_file(cnx_detect_writer *w, const cnx_detect_args *args, const char *stem,
                            const char *suffix, cnx_output **file, cnx_error *err)
{
    const cnx_outputs outputs = {.folder = args->run.out.value};
    CNX_TRY(cnx_outputs_path(&w->paths[w->count], &outputs, stem, suffix, err));
    CNX_TRY(cnx_output_open(&w->files[w->count], w->paths[w->count], err));
    *file = &w->files[w->count++];
    return CNX_OK;
}

/* Whatever can fail for want of space has then been done. */
static cnx_status complete(const cnx_output *file, cnx_error *err)
{
    CNX_FAIL_IF(fflush(file->stream) != 0 || ferror(file->stream), CNX_ERR_IO, "%s: %s", file->path,
                strerror(errno));
    return CNX_OK;
}

static cnx_status make_format(cnx_detect_writer *w, const cnx_detect_args *args, const char *stem,
                              int format, const cnx_detected *d, cnx_error *err)
{
    cnx_output *file;
    if (!cnx_detect_suffix(format))
        return keep_text(&w->texts[format], text_of[format], d, err);
    CNX_TRY(open_file(w, args, stem, cnx_detect_suffix(format), &file, err));
    CNX_TRY(text_of[format](file->stream, d, err));
    return complete(file, err);
}

static cnx_status make_paint(cnx_detect_writer *w, const cnx_detect_args *args, const char *stem,
                             int paint, const cnx_detected *d, cnx_image *image, cnx_error *err)
{
    cnx_output *file;
    CNX_TRY(open_file(w, args, stem, cnx_detect_paint_suffix(paint), &file, err));
    CNX_TRY(paint == CNX_PAINT_OVERLAY ? cnx_detect_overlay(file, image, d, args, err)
                                       : cnx_detect_instances(file, d, err));
    return complete(file, err);
}

cnx_status cnx_detect_writer_make(cnx_detect_writer **out, const cnx_detect_args *args,
                                  const char *stem, const cnx_detected *d, cnx_image *image,
                                  cnx_error *err)
{
    cnx_detect_writer *w = calloc(1, sizeof *w);
    cnx_status status = CNX_OK;
    *out = w;
    CNX_FAIL_IF(!w, CNX_ERR_MEMORY, "not enough memory for the results");
    for (int format = 0; format < CNX_FORMATS; format++)
        if (cnx_detect_has(args->format, format))
            CNX_CHECK(make_format(w, args, stem, format, d, err));
    if (cnx_detect_has(args->format, CNX_FORMAT_COCO_DATASET))
        CNX_CHECK(keep_text(&w->image, cnx_detected_image, d, err));
    for (int paint = 0; paint < CNX_PAINTS; paint++)
        if (cnx_detect_has(args->save, paint))
            CNX_CHECK(make_paint(w, args, stem, paint, d, image, err));
cleanup:
    if (status != CNX_OK)
        cnx_detect_writer_close(out);
    return status;
}

/* ---- into place ---- */

static cnx_status append_texts(const cnx_detect_writer *w, cnx_detect_results *results,
                               cnx_error *err)
{
    for (int format = 0; format < CNX_FORMATS; format++)
        if (w->texts[format].size)
            CNX_TRY(cnx_detect_results_append(results, format, w->texts[format].data,
                                              w->texts[format].size, err));
    return w->image.size
               ? cnx_detect_results_append_image(results, w->image.data, w->image.size, err)
               : CNX_OK;
}

static void take_away(const cnx_detect_writer *w, size_t count)
{
    for (size_t i = 0; i < count; i++)
        unlink(w->paths[i]);
}

cnx_status cnx_detect_writer_commit(cnx_detect_writer *w, cnx_detect_results *results,
                                    cnx_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        const cnx_status status = cnx_output_commit(&w->files[i], err);
        if (status != CNX_OK) {
            take_away(w, i);
            return status;
        }
    }
    const cnx_status status = append_texts(w, results, err);
    if (status != CNX_OK)
        take_away(w, w->count);
    return status;
}

void cnx_detect_writer_close(cnx_detect_writer **writer)
{
    cnx_detect_writer *w = *writer;
    if (!w)
        return;
    for (size_t i = 0; i < MOST; i++) {
        cnx_output_abort(&w->files[i]);
        free(w->paths[i]);
    }
    for (int format = 0; format < CNX_FORMATS; format++)
        free(w->texts[format].data);
    free(w->image.data);
    free(w);
    *writer = NULL;
}

const char *cnx_detect_writer_path(const cnx_detect_writer *w, size_t i)
{
    return i < w->count ? w->paths[i] : NULL;
}

size_t cnx_detect_writer_bytes(const cnx_detect_args *args, int width, int height)
{
    size_t pixels, bytes;
    if (!cnx_mul((size_t)width, (size_t)height, &pixels))
        return SIZE_MAX;
    /* One mask at a time is looked at as bytes, twice while its outline is followed. */
    if (!cnx_mul(pixels, cnx_detect_has(args->save, CNX_PAINT_INSTANCES) ? 4 : 2, &bytes))
        return SIZE_MAX;
    return bytes;
}
