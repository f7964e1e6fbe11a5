#include "tools/detect_results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cnx_detect_results {
    const cnx_detect_args *args;        /* borrowed */
    const cnx_description *description; /* borrowed */
    cnx_output files[CNX_FORMATS];      /* those of a file for the whole run */
    bool begun[CNX_FORMATS];            /* something stands in it */
    FILE *images; /* of a data set, without a name; copied behind the annotations */
    bool any_image;
};

static bool has(const cnx_detect_results *r, int format)
{
    return cnx_detect_has(r->args->format, format) && cnx_detect_run_file(format);
}

/* ---- the beginning ---- */

/* One a line, whatever stands in them. */
static void put_names(FILE *to, const cnx_description *description)
{
    for (int c = 0; c < description->class_count; c++) {
        for (const char *at = description->class_names[c]; *at; at++)
            fputc((unsigned char)*at < ' ' ? ' ' : *at, to);
        fputc('\n', to);
    }
}

static void put_head(cnx_detect_results *r, int format)
{
    FILE *to = r->files[format].stream;
    switch (format) {
    case CNX_FORMAT_COCO:
    case CNX_FORMAT_COCO_POLYGONS:
        fputs("[\n", to);
        break;
    case CNX_FORMAT_COCO_DATASET:
        fputs("{\"info\":{\"description\":\"detections\"},\"licenses\":[],\"annotations\":[\n", to);
        break;
    case CNX_FORMAT_YOLO:
        put_names(to, r->description);
        break;
    default:
        fputs(cnx_detected_csv_head, to);
    }
}

static cnx_status open_file(cnx_detect_results *r, int format, cnx_error *err)
{
    const cnx_outputs outputs = {.folder = r->args->run.out.value};
    char *path;
    CNX_TRY(cnx_outputs_path(&path, &outputs, cnx_detect_run_file(format), "", err));
    const cnx_status status = cnx_output_open(&r->files[format], path, err);
    free(path);
    CNX_TRY(status);
    if (format == CNX_FORMAT_COCO_DATASET) {
        r->images = tmpfile();
        CNX_FAIL_IF(!r->images, CNX_ERR_IO, "a temporary file cannot be made: %s", strerror(errno));
    }
    put_head(r, format);
    return CNX_OK;
}

cnx_status cnx_detect_results_open(cnx_detect_results **out, const cnx_detect_args *args,
                                   const cnx_description *description, cnx_error *err)
{
    cnx_detect_results *r = calloc(1, sizeof *r);
    cnx_status status = CNX_OK;
    *out = r;
    CNX_FAIL_IF(!r, CNX_ERR_MEMORY, "not enough memory for the results");
    r->args = args;
    r->description = description;
    CNX_CHECK(cnx_folder_make(args->run.out.value, err));
    for (int format = 0; format < CNX_FORMATS; format++)
        if (has(r, format))
            CNX_CHECK(open_file(r, format, err));
cleanup:
    if (status != CNX_OK)
        cnx_detect_results_close(out);
    return status;
}

/* ---- growing ---- */

cnx_status cnx_detect_results_append(cnx_detect_results *r, int format, const char *text,
                                     size_t size, cnx_error *err)
{
    cnx_output *file = &r->files[format];
    if (size == 0)
        return CNX_OK;
    if (r->begun[format] && format != CNX_FORMAT_CSV)
        CNX_TRY(cnx_output_write(file, ",\n", 2, err));
    r->begun[format] = true;
    return cnx_output_write(file, text, size, err);
}

cnx_status cnx_detect_results_append_image(cnx_detect_results *r, const char *text, size_t size,
                                           cnx_error *err)
{
    const bool written = (!r->any_image || fwrite(",\n", 1, 2, r->images) == 2) &&
                         fwrite(text, 1, size, r->images) == size;
    r->any_image = true;
    CNX_FAIL_IF(!written, CNX_ERR_IO, "a temporary file cannot be written: %s", strerror(errno));
    return CNX_OK;
}

/* ---- the end ---- */

static cnx_status copy_images(cnx_detect_results *r, cnx_error *err)
{
    char buffer[1 << 14];
    size_t n;
    CNX_FAIL_IF(fflush(r->images) != 0 || fseek(r->images, 0, SEEK_SET) != 0, CNX_ERR_IO,
                "a temporary file cannot be written: %s", strerror(errno));
    while ((n = fread(buffer, 1, sizeof buffer, r->images)) > 0)
        CNX_TRY(cnx_output_write(&r->files[CNX_FORMAT_COCO_DATASET], buffer, n, err));
    CNX_FAIL_IF(ferror(r->images), CNX_ERR_IO, "a temporary file cannot be read: %s",
                strerror(errno));
    return CNX_OK;
}

static cnx_status put_tail(cnx_detect_results *r, int format, cnx_error *err)
{
    FILE *to = r->files[format].stream;
    if (format == CNX_FORMAT_COCO || format == CNX_FORMAT_COCO_POLYGONS)
        fputs(r->begun[format] ? "\n]\n" : "]\n", to);
    if (format != CNX_FORMAT_COCO_DATASET)
        return CNX_OK;
    fputs("\n],\"images\":[\n", to);
    CNX_TRY(copy_images(r, err));
    fputs("\n],\"categories\":", to);
    cnx_detected_categories(to, r->description);
    fputs("}\n", to);
    return CNX_OK;
}

cnx_status cnx_detect_results_commit(cnx_detect_results *r, cnx_error *err)
{
    for (int format = 0; format < CNX_FORMATS; format++) {
        if (!has(r, format))
            continue;
        CNX_TRY(put_tail(r, format, err));
        CNX_FAIL_IF(fflush(r->files[format].stream) != 0 || ferror(r->files[format].stream),
                    CNX_ERR_IO, "%s: %s", r->files[format].path, strerror(errno));
    }
    for (int format = 0; format < CNX_FORMATS; format++)
        if (has(r, format))
            CNX_TRY(cnx_output_commit(&r->files[format], err));
    return CNX_OK;
}

void cnx_detect_results_close(cnx_detect_results **results)
{
    cnx_detect_results *r = *results;
    if (!r)
        return;
    for (int format = 0; format < CNX_FORMATS; format++)
        cnx_output_abort(&r->files[format]);
    if (r->images)
        fclose(r->images);
    free(r);
    *results = NULL;
}
