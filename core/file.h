/* Files: mapped for reading, and written so that nothing half-done is ever seen. */
#ifndef CNX_CORE_FILE_H
#define CNX_CORE_FILE_H

#include <stdio.h>

#include "core/status.h"

/* A whole file, read-only.  size 0 has data NULL. */
typedef struct cnx_mapping {
    const unsigned char *data;
    size_t size;
} cnx_mapping;

/* Regular files only: a folder, device or pipe is refused by name. */
cnx_status cnx_mapping_open(cnx_mapping *out, const char *path, cnx_error *err);
void cnx_mapping_close(cnx_mapping *mapping); /* accepts a zeroed one */
/* [data, data + size) of a mapping will be read: its pages come in one go, as far as the system does
 * that. */
void cnx_mapping_expect(const void *data, size_t size);
/* The pages that lie wholly in [data, data + size) need not stay in memory. */
void cnx_mapping_release(const void *data, size_t size);

/* Everything a stream holds, at most `limit` bytes; *data from malloc, the caller frees it. */
cnx_status cnx_read_stream(FILE *stream, const char *name, size_t limit, unsigned char **data,
                           size_t *size, cnx_error *err);
/* A small text file (config, list), NUL-terminated, at most `limit` bytes; the caller frees it. */
cnx_status cnx_read_text(const char *path, size_t limit, char **text, size_t *size, cnx_error *err);

/*
 * An output file: written beside its place under a temporary name, renamed by commit.  Whatever
 * ends without commit leaves no file, and the old one, if there was one, untouched.
 */
typedef struct cnx_output {
    FILE *stream;      /* write here, or through fileno for positioned writes */
    char *path, *temp; /* owned */
} cnx_output;

cnx_status cnx_output_open(cnx_output *out, const char *path, cnx_error *err);
cnx_status cnx_output_write(cnx_output *out, const void *data, size_t size, cnx_error *err);
/* Writes at an offset; the file grows as needed. */
cnx_status cnx_output_write_at(cnx_output *out, const void *data, size_t size, size_t offset,
                               cnx_error *err);
cnx_status cnx_output_commit(cnx_output *out, cnx_error *err); /* flush, check, rename, close */
void cnx_output_abort(cnx_output *out); /* accepts a zeroed or committed one */

#endif
