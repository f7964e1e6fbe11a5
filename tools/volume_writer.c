#include "tools/volume_writer.h"

#include <stdint.h>
#include <stdlib.h>

#include "core/memory.h"
#include "core/npy.h"

/* A strip is about this large: long writes, little memory. */
#define STRIP_BYTES ((size_t)16 << 20)

/* Bytes of one row of all classes; SIZE_MAX when that is no size. */
static size_t row_bytes(int classes, int width)
{
    size_t bytes;
    if (!cnx_mul((size_t)classes, (size_t)width, &bytes) || !cnx_mul(bytes, sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

static int strip_rows(int classes, int height, int width)
{
    const size_t rows = STRIP_BYTES / row_bytes(classes, width);
    return rows < 1 ? 1 : rows > (size_t)height ? height : (int)rows;
}

size_t cnx_volume_bytes(int classes, int height, int width)
{
    size_t bytes;
    if (!cnx_mul(row_bytes(classes, width), (size_t)strip_rows(classes, height, width), &bytes))
        return SIZE_MAX;
    return bytes;
}

cnx_status cnx_volume_open(cnx_volume_writer *out, cnx_output *file, int classes, int height,
                           int width, cnx_error *err)
{
    size_t total;
    CNX_FAIL_IF(!cnx_mul(row_bytes(classes, width), (size_t)height, &total) || total > SIZE_MAX / 4,
                CNX_ERR_ARGUMENT, "%s: %d classes of %d x %d are too large for a file", file->path,
                classes, width, height);
    *out = (cnx_volume_writer){.file = file,
                               .classes = classes,
                               .height = height,
                               .width = width,
                               .strip_rows = strip_rows(classes, height, width)};
    const size_t shape[3] = {(size_t)classes, (size_t)height, (size_t)width};
    CNX_TRY(cnx_npy_begin_f32(file, 3, shape, &out->data_offset, err));
    out->strip = malloc(cnx_volume_bytes(classes, height, width));
    CNX_FAIL_IF(!out->strip, CNX_ERR_MEMORY, "not enough memory for the rows of %s", file->path);
    return CNX_OK;
}

static float *plane_of(const cnx_volume_writer *v, int class_index)
{
    return v->strip + (size_t)class_index * (size_t)v->strip_rows * (size_t)v->width;
}

static cnx_status flush_strip(cnx_volume_writer *v, cnx_error *err)
{
    const size_t size = (size_t)v->filled * (size_t)v->width * sizeof(float);
    for (int k = 0; k < v->classes; k++) {
        const size_t pixel = ((size_t)k * (size_t)v->height + (size_t)v->first) * (size_t)v->width;
        CNX_TRY(cnx_output_write_at(v->file, plane_of(v, k), size,
                                    v->data_offset + pixel * sizeof(float), err));
    }
    v->first += v->filled;
    v->filled = 0;
    return CNX_OK;
}

/* [width][classes] -> one row of each plane. */
static void scatter_row(const cnx_volume_writer *v, const float *row)
{
    const size_t width = (size_t)v->width, classes = (size_t)v->classes;
    for (size_t k = 0; k < classes; k++) {
        float *to = plane_of(v, (int)k) + (size_t)v->filled * width;
        for (size_t x = 0; x < width; x++)
            to[x] = row[x * classes + k];
    }
}

cnx_status cnx_volume_rows(cnx_volume_writer *v, const float *rows, int count, cnx_error *err)
{
    for (int i = 0; i < count; i++) {
        scatter_row(v, rows + (size_t)i * (size_t)v->width * (size_t)v->classes);
        if (++v->filled == v->strip_rows)
            CNX_TRY(flush_strip(v, err));
    }
    return CNX_OK;
}

cnx_status cnx_volume_finish(cnx_volume_writer *v, cnx_error *err)
{
    if (v->filled)
        CNX_TRY(flush_strip(v, err));
    CNX_FAIL_IF(v->first != v->height, CNX_ERR_INTERNAL, "%s: %d of %d rows were written",
                v->file->path, v->first, v->height);
    return CNX_OK;
}

void cnx_volume_close(cnx_volume_writer *v)
{
    free(v->strip);
    *v = (cnx_volume_writer){0};
}
