#include "core/checkpoint/zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/checkpoint/bytes.h"
#include "core/checkpoint/text.h"
#include "core/file.h"
#include "core/memory.h"

enum {
    LOCAL_SIGNATURE = 0x04034b50,
    ENTRY_SIGNATURE = 0x02014b50,
    END_SIGNATURE = 0x06054b50,
    END64_SIGNATURE = 0x06064b50,
    LOCATOR_SIGNATURE = 0x07064b50,
    LOCAL_SIZE = 30,
    ENTRY_SIZE = 46,
    END_SIZE = 22,
    END64_SIZE = 56,
    LOCATOR_SIZE = 20,
    MAX_COMMENT = 65535,
    FLAG_ENCRYPTED = 1,
    EXTRA_ZIP64 = 1
};

/* What the end record says of the central directory. */
typedef struct directory {
    uint64_t count, size, offset;
    size_t end; /* where the end records begin */
} directory;

/* The end record is searched from the end, and its comment must reach exactly to the file's end. */
static bool find_end(const cnx_zip *zip, size_t *at)
{
    if (zip->size < END_SIZE)
        return false;
    for (size_t comment = 0; comment <= MAX_COMMENT && comment <= zip->size - END_SIZE; comment++) {
        const unsigned char *p = zip->bytes + zip->size - END_SIZE - comment;
        if (cnx_u32(p) == END_SIGNATURE && cnx_u16(p + 20) == comment) {
            *at = (size_t)(p - zip->bytes);
            return true;
        }
    }
    return false;
}

static cnx_status read_end64(const cnx_zip *zip, size_t end, directory *d, cnx_error *err)
{
    const uint64_t at = cnx_u64(zip->bytes + end - LOCATOR_SIZE + 8);
    CNX_FAIL_IF(end < LOCATOR_SIZE + END64_SIZE || at > end - LOCATOR_SIZE - END64_SIZE ||
                    cnx_u32(zip->bytes + at) != END64_SIGNATURE,
                CNX_ERR_FORMAT, "the zip64 end record is not where its locator says");
    const unsigned char *p = zip->bytes + at;
    CNX_FAIL_IF(cnx_u32(p + 16) != 0 || cnx_u32(p + 20) != 0 || cnx_u64(p + 24) != cnx_u64(p + 32),
                CNX_ERR_UNSUPPORTED, "a zip archive in several parts cannot be read");
    const directory wide = {
        .count = cnx_u64(p + 32), .size = cnx_u64(p + 40), .offset = cnx_u64(p + 48)};
    CNX_FAIL_IF((d->count != UINT16_MAX && d->count != wide.count) ||
                    (d->size != UINT32_MAX && d->size != wide.size) ||
                    (d->offset != UINT32_MAX && d->offset != wide.offset),
                CNX_ERR_FORMAT, "the zip archive's two end records contradict each other");
    *d = wide;
    d->end = (size_t)at;
    return CNX_OK;
}

static cnx_status read_end(const cnx_zip *zip, directory *d, cnx_error *err)
{
    size_t at = 0;
    CNX_FAIL_IF(!find_end(zip, &at), CNX_ERR_FORMAT,
                "the zip archive has no end record: the file is cut off or damaged; download or "
                "copy it again");
    const unsigned char *p = zip->bytes + at;
    *d = (directory){
        .count = cnx_u16(p + 10), .size = cnx_u32(p + 12), .offset = cnx_u32(p + 16), .end = at};
    CNX_FAIL_IF(cnx_u16(p + 8) != d->count || cnx_u16(p + 4) != cnx_u16(p + 6), CNX_ERR_UNSUPPORTED,
                "the zip end record claims %llu members, %u of them in this file: an archive in "
                "several parts cannot be read",
                (unsigned long long)d->count, cnx_u16(p + 8));
    if (at >= LOCATOR_SIZE && cnx_u32(p - LOCATOR_SIZE) == LOCATOR_SIGNATURE)
        CNX_TRY(read_end64(zip, at, d, err));
    CNX_FAIL_IF(d->offset > d->end || d->size > d->end - d->offset, CNX_ERR_FORMAT,
                "the zip end record puts the directory at byte %llu with %llu bytes, but the file "
                "has %zu bytes",
                (unsigned long long)d->offset, (unsigned long long)d->size, zip->size);
    CNX_FAIL_IF(d->count > d->size / ENTRY_SIZE, CNX_ERR_FORMAT,
                "the zip end record claims %llu members, but the directory has %llu bytes",
                (unsigned long long)d->count, (unsigned long long)d->size);
    return CNX_OK;
}

/* Replaces the saturated ones of size, stored and header by the zip64 extra field's. */
static bool widen(const unsigned char *extra, size_t size, uint64_t *const fields[3])
{
    const bool wanted =
        *fields[0] == UINT32_MAX || *fields[1] == UINT32_MAX || *fields[2] == UINT32_MAX;
    while (wanted && size >= 4) {
        const size_t id = cnx_u16(extra), length = cnx_u16(extra + 2);
        if (length > size - 4)
            return false;
        if (id == EXTRA_ZIP64) {
            size_t at = 4;
            for (int i = 0; i < 3; i++) {
                if (*fields[i] != UINT32_MAX)
                    continue;
                if (at + 8 > length + 4)
                    return false;
                *fields[i] = cnx_u64(extra + at);
                at += 8;
            }
            return true;
        }
        extra += length + 4;
        size -= length + 4;
    }
    return true; /* none: the values stand for themselves */
}

/* Parses the directory entry at *at, which lies before `end`, and moves on. */
static cnx_status read_entry(const cnx_zip *zip, size_t *at, size_t end, cnx_zip_member *member,
                             cnx_error *err)
{
    const unsigned char *p = zip->bytes + *at;
    CNX_FAIL_IF(end - *at < ENTRY_SIZE || cnx_u32(p) != ENTRY_SIGNATURE, CNX_ERR_FORMAT,
                "the zip directory is damaged at byte %zu", *at);
    const size_t name_size = cnx_u16(p + 28), extra_size = cnx_u16(p + 30);
    const size_t entry_size = ENTRY_SIZE + name_size + extra_size + cnx_u16(p + 32);
    CNX_FAIL_IF(entry_size > end - *at, CNX_ERR_FORMAT, "the zip directory is damaged at byte %zu",
                *at);
    uint64_t size = cnx_u32(p + 24), stored = cnx_u32(p + 20), header = cnx_u32(p + 42);
    uint64_t *const fields[3] = {&size, &stored, &header};
    const char *name = (const char *)p + ENTRY_SIZE;
    const cnx_shown_text shown = cnx_text_show(name, name_size);
    CNX_FAIL_IF(!widen(p + ENTRY_SIZE + name_size, extra_size, fields), CNX_ERR_FORMAT,
                "zip member \"%s\" has a damaged zip64 field", shown.text);
    const uint64_t room = zip->directory;
    CNX_FAIL_IF(header > room || room - header < LOCAL_SIZE + name_size, CNX_ERR_FORMAT,
                "zip member \"%s\" is said to begin at byte %llu, past the members' %llu bytes",
                shown.text, (unsigned long long)header, (unsigned long long)room);
    CNX_FAIL_IF(stored > room - header - LOCAL_SIZE - name_size, CNX_ERR_FORMAT,
                "zip member \"%s\" claims %llu bytes, more than the file holds", shown.text,
                (unsigned long long)stored);
    *member = (cnx_zip_member){.name = name,
                               .name_size = name_size,
                               .size = (size_t)size,
                               .header = (size_t)header,
                               .crc = cnx_u32(p + 16),
                               .method = cnx_u16(p + 10),
                               .flags = cnx_u16(p + 8)};
    CNX_FAIL_IF(member->method == 0 && size != stored, CNX_ERR_FORMAT,
                "zip member \"%s\" is stored but has two sizes, %llu and %llu bytes", shown.text,
                (unsigned long long)size, (unsigned long long)stored);
    *at += entry_size;
    return CNX_OK;
}

static int compare_names(const char *a, size_t a_size, const char *b, size_t b_size)
{
    const int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int compare_members(const void *a, const void *b)
{
    const cnx_zip_member *x = a, *y = b;
    return compare_names(x->name, x->name_size, y->name, y->name_size);
}

cnx_status cnx_zip_open(cnx_zip *out, const unsigned char *bytes, size_t size, bool mapped,
                        cnx_error *err)
{
    *out = (cnx_zip){.bytes = bytes, .size = size, .mapped = mapped};
    directory d = {0};
    CNX_TRY(read_end(out, &d, err));
    CNX_FAIL_IF(d.count == 0, CNX_ERR_FORMAT, "the zip archive is empty");
    out->directory = (size_t)d.offset;
    out->count = (size_t)d.count;
    out->members = calloc(out->count, sizeof *out->members);
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!out->members, CNX_ERR_MEMORY, "not enough memory for %zu zip members",
                 out->count);
    const size_t end = (size_t)(d.offset + d.size);
    for (size_t i = 0, at = out->directory; i < out->count; i++)
        CNX_CHECK(read_entry(out, &at, end, &out->members[i], err));
    qsort(out->members, out->count, sizeof *out->members, compare_members);
    for (size_t i = 1; i < out->count; i++) {
        const cnx_zip_member *m = &out->members[i];
        CNX_CHECK_IF(compare_members(m - 1, m) == 0, CNX_ERR_FORMAT,
                     "the zip archive has two members named \"%s\": which one counts is ambiguous",
                     cnx_text_show(m->name, m->name_size).text);
    }
    return CNX_OK;
cleanup:
    cnx_zip_close(out);
    return status;
}

void cnx_zip_close(cnx_zip *zip)
{
    free(zip->members);
    *zip = (cnx_zip){0};
}

cnx_zip_member *cnx_zip_find(const cnx_zip *zip, const char *name, size_t name_size)
{
    const cnx_zip_member key = {.name = name, .name_size = name_size};
    return bsearch(&key, zip->members, zip->count, sizeof key, compare_members);
}

/* In pieces that are let go of, so that a large member never is in memory as a whole. */
static uint32_t checksum(const cnx_zip *zip, const unsigned char *data, size_t size)
{
    const size_t piece = (size_t)4 << 20;
    uLong crc = crc32_z(0, NULL, 0);
    for (size_t at = 0; at < size; at += piece) {
        const size_t n = size - at < piece ? size - at : piece;
        crc = crc32_z(crc, data + at, n);
        if (zip->mapped && size > piece)
            cnx_mapping_release(data + at, n);
    }
    return (uint32_t)crc;
}

cnx_status cnx_zip_read(const cnx_zip *zip, cnx_zip_member *member, cnx_error *err)
{
    if (member->data)
        return CNX_OK;
    const cnx_shown_text shown = cnx_text_show(member->name, member->name_size);
    CNX_FAIL_IF(member->flags & FLAG_ENCRYPTED, CNX_ERR_UNSUPPORTED,
                "zip member \"%s\" is encrypted", shown.text);
    CNX_FAIL_IF(member->method != 0, CNX_ERR_UNSUPPORTED,
                "zip member \"%s\" is compressed (method %d); torch stores its members as they "
                "are: the file was packed again by another program, unpack it and save it with "
                "torch.save",
                shown.text, member->method);
    const unsigned char *p = zip->bytes + member->header;
    const size_t room = zip->directory - member->header; /* >= LOCAL_SIZE + name_size */
    CNX_FAIL_IF(cnx_u32(p) != LOCAL_SIGNATURE || cnx_u16(p + 26) != member->name_size ||
                    memcmp(p + LOCAL_SIZE, member->name, member->name_size) != 0,
                CNX_ERR_FORMAT, "zip member \"%s\" is not where the directory says", shown.text);
    const size_t start = LOCAL_SIZE + member->name_size + cnx_u16(p + 28);
    CNX_FAIL_IF(start > room || member->size > room - start, CNX_ERR_FORMAT,
                "zip member \"%s\" reaches into the zip directory", shown.text);
    const uint32_t crc = checksum(zip, p + start, member->size);
    CNX_FAIL_IF(crc != member->crc, CNX_ERR_FORMAT,
                "zip member \"%s\" is damaged: its CRC-32 is %08x, the directory says %08x; "
                "download or copy the file again",
                shown.text, (unsigned)crc, (unsigned)member->crc);
    member->data = p + start;
    return CNX_OK;
}
