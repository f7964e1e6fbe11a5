/*
 * The members of a zip archive as torch writes it: stored, never compressed.
 *
 * Sizes and places come from the central directory.  Opening reads the directory only; a member's
 * bytes are first touched by cnx_zip_read, which checks its local header and its CRC-32.
 */
#ifndef CNX_CHECKPOINT_ZIP_H
#define CNX_CHECKPOINT_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/status.h"

typedef struct cnx_zip_member {
    const char *name; /* in the archive's bytes, not terminated */
    size_t name_size;
    size_t size;   /* of the contents */
    size_t header; /* offset of the local header */
    uint32_t crc;
    uint16_t method, flags;
    const unsigned char *data; /* NULL until read */
} cnx_zip_member;

typedef struct cnx_zip {
    const unsigned char *bytes; /* borrowed */
    size_t size;
    bool mapped;             /* the bytes are a mapped file: pages can be let go of */
    size_t directory;        /* offset of the central directory; members lie before it */
    cnx_zip_member *members; /* owned, sorted by name, no name twice */
    size_t count;
} cnx_zip;

cnx_status cnx_zip_open(cnx_zip *out, const unsigned char *bytes, size_t size, bool mapped,
                        cnx_error *err);
void cnx_zip_close(cnx_zip *zip); /* accepts a zeroed one */

/* The member of that name, or NULL. */
cnx_zip_member *cnx_zip_find(const cnx_zip *zip, const char *name, size_t name_size);

/* The contents, member->size bytes in member->data, verified once. */
cnx_status cnx_zip_read(const cnx_zip *zip, cnx_zip_member *member, cnx_error *err);

#endif
