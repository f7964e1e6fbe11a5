#include "tools/coco_spool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { AT_ONCE = 1 << 16 };

cnx_status cnx_coco_spool_open(cnx_coco_spool *out, const char *path, size_t count, bool resume,
                               bool replace, cnx_error *err)
{
    cnx_status status = CNX_OK;
    const int flags = resume ? 0 : replace ? O_TRUNC : O_EXCL;
    struct stat info;
    *out = (cnx_coco_spool){.path = strdup(path), .file = -1, .count = count};
    out->places = calloc(count ? count : 1, sizeof *out->places);
    CNX_CHECK_IF(!out->path || !out->places, CNX_ERR_MEMORY, "not enough memory for %zu pictures",
                 count);
    out->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0666);
    CNX_CHECK_IF(
        out->file < 0 && errno == EEXIST, CNX_ERR_IO,
        "%s: is there already, from a run whose journal is gone; remove it, or --overwrite "
        "replaces it",
        path);
    CNX_CHECK_IF(out->file < 0 || fstat(out->file, &info) != 0, CNX_ERR_IO,
                 "%s: cannot be opened: %s", path, strerror(errno));
    CNX_CHECK_IF(!S_ISREG(info.st_mode), CNX_ERR_IO, "%s: is not a regular file", path);
cleanup:
    if (status != CNX_OK)
        cnx_coco_spool_close(out);
    return status;
}

void cnx_coco_spool_close(cnx_coco_spool *spool)
{
    if (spool->path && spool->file >= 0)
        close(spool->file);
    free(spool->path);
    free(spool->places);
    *spool = (cnx_coco_spool){.file = -1};
}

cnx_status cnx_coco_spool_remove(const cnx_coco_spool *spool, cnx_error *err)
{
    CNX_FAIL_IF(unlink(spool->path) != 0, CNX_ERR_IO, "%s: cannot be removed: %s", spool->path,
                strerror(errno));
    return CNX_OK;
}

/* ---- adding ---- */

static cnx_status write_all(const cnx_coco_spool *spool, const char *data, size_t size,
                            uint64_t offset, cnx_error *err)
{
    while (size) {
        const ssize_t n = pwrite(spool->file, data, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        CNX_FAIL_IF(n <= 0, CNX_ERR_IO, "%s: cannot be written: %s", spool->path,
                    n < 0 ? strerror(errno) : "no room");
        data += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return CNX_OK;
}

cnx_status cnx_coco_spool_add(cnx_coco_spool *spool, size_t index,
                              const char *const texts[CNX_SPOOL_TEXTS],
                              const size_t sizes[CNX_SPOOL_TEXTS], char **record, cnx_error *err)
{
    cnx_spooled place = {.done = true, .offset = spool->end};
    uint64_t at = spool->end;
    *record = NULL;
    for (int t = 0; t < CNX_SPOOL_TEXTS; t++) {
        CNX_TRY(write_all(spool, texts[t], sizes[t], at, err));
        place.sizes[t] = sizes[t];
        place.check = (uint32_t)crc32_z(place.check, (const unsigned char *)texts[t], sizes[t]);
        at += sizes[t];
    }
    CNX_FAIL_IF(asprintf(record, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %08" PRIx32, place.offset,
                         place.sizes[0], place.sizes[1], place.check) < 0,
                CNX_ERR_MEMORY, "not enough memory for a record");
    spool->places[index] = place;
    spool->end = at;
    return CNX_OK;
}

/* ---- reading ---- */

/* At most `size` bytes from there, less at the end of the file. */
static cnx_status read_some(const cnx_coco_spool *spool, char *data, size_t size, uint64_t offset,
                            size_t *got, cnx_error *err)
{
    ssize_t n;
    do
        n = pread(spool->file, data, size, (off_t)offset);
    while (n < 0 && errno == EINTR);
    CNX_FAIL_IF(n < 0, CNX_ERR_IO, "%s: cannot be read: %s", spool->path, strerror(errno));
    *got = (size_t)n;
    return CNX_OK;
}

/* *sound: the texts are as they were written. */
static cnx_status check_texts(const cnx_coco_spool *spool, const cnx_spooled *place, bool *sound,
                              cnx_error *err)
{
    char buffer[AT_ONCE];
    uint64_t at = place->offset, left = place->sizes[0] + place->sizes[1];
    uint32_t check = 0;
    while (left) {
        size_t got = 0;
        CNX_TRY(read_some(spool, buffer, left < AT_ONCE ? (size_t)left : AT_ONCE, at, &got, err));
        if (got == 0)
            break;
        check = (uint32_t)crc32_z(check, (const unsigned char *)buffer, got);
        at += got;
        left -= got;
    }
    *sound = left == 0 && check == place->check;
    return CNX_OK;
}

/* A number and the blank or end behind it. */
static bool take_number(const char **at, int base, uint64_t most, uint64_t *out)
{
    char *end;
    if (**at == '-' || **at == '+' || **at == ' ')
        return false;
    errno = 0;
    *out = strtoull(*at, &end, base);
    if (errno || end == *at || (*end != ' ' && *end) || *out > most)
        return false;
    *at = end + (*end == ' ');
    return true;
}

cnx_status cnx_coco_spool_restore(cnx_coco_spool *spool, size_t index, const char *record,
                                  cnx_error *err)
{
    cnx_spooled place = {0};
    uint64_t check = 0;
    const uint64_t most = INT64_MAX / 4;
    const char *at = record;
    CNX_FAIL_IF(index >= spool->count || !take_number(&at, 10, most, &place.offset) ||
                    !take_number(&at, 10, most, &place.sizes[0]) ||
                    !take_number(&at, 10, most, &place.sizes[1]) ||
                    !take_number(&at, 16, UINT32_MAX, &check) || *at,
                CNX_ERR_FORMAT, "the journal of %s has a record that is none: %.80s", spool->path,
                record);
    place.check = (uint32_t)check;
    CNX_TRY(check_texts(spool, &place, &place.done, err));
    if (!place.done)
        return CNX_OK;
    spool->places[index] = place;
    const uint64_t end = place.offset + place.sizes[0] + place.sizes[1];
    spool->end = end > spool->end ? end : spool->end;
    return CNX_OK;
}

/* ---- the end ---- */

static cnx_status copy_text(const cnx_coco_spool *spool, cnx_output *to, uint64_t at, uint64_t left,
                            cnx_error *err)
{
    char buffer[AT_ONCE];
    while (left) {
        size_t got = 0;
        CNX_TRY(read_some(spool, buffer, left < AT_ONCE ? (size_t)left : AT_ONCE, at, &got, err));
        CNX_FAIL_IF(got == 0, CNX_ERR_IO, "%s: has become shorter", spool->path);
        CNX_TRY(cnx_output_write(to, buffer, got, err));
        at += got;
        left -= got;
    }
    return CNX_OK;
}

cnx_status cnx_coco_spool_write(const cnx_coco_spool *spool, size_t first, size_t count, int text,
                                const char *path, cnx_error *err)
{
    cnx_output out = {0};
    cnx_status status = CNX_OK;
    const char *separator = "[\n";
    CNX_CHECK(cnx_output_open(&out, path, err));
    for (size_t i = first; i < first + count; i++) {
        const cnx_spooled *place = &spool->places[i];
        if (!place->done || place->sizes[text] == 0)
            continue;
        CNX_CHECK(cnx_output_write(&out, separator, strlen(separator), err));
        CNX_CHECK(copy_text(spool, &out, place->offset + (text ? place->sizes[0] : 0),
                            place->sizes[text], err));
        separator = ",\n";
    }
    separator = *separator == '[' ? "[]\n" : "\n]\n";
    CNX_CHECK(cnx_output_write(&out, separator, strlen(separator), err));
    CNX_CHECK(cnx_output_commit(&out, err));
cleanup:
    cnx_output_abort(&out);
    return status;
}
