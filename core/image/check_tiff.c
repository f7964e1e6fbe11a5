/*
 * TIFF: the first directory, the size, and that the strips or tiles lie in the file.  What they
 * hold is libtiff's to judge.
 */
#include "core/image/check.h"

enum { ENTRY = 12, TYPE_BYTE = 1, TYPE_SHORT = 3, TYPE_LONG = 4 };
enum {
    TAG_WIDTH = 256,
    TAG_HEIGHT = 257,
    TAG_STRIP_OFFSETS = 273,
    TAG_ORIENTATION = 274,
    TAG_STRIP_COUNTS = 279,
    TAG_TILE_OFFSETS = 324,
    TAG_TILE_COUNTS = 325
};

typedef struct tiff_entry {
    size_t at; /* of the first value */
    uint32_t type, count;
} tiff_entry;

typedef struct tiff_file {
    const uint8_t *bytes;
    size_t size;
    bool little;
    size_t entries_at;
    uint32_t entries;
} tiff_file;

static uint32_t tiff_u16(const tiff_file *tiff, size_t at)
{
    return tiff->little ? cnx_le16(tiff->bytes + at) : cnx_be16(tiff->bytes + at);
}

static uint32_t tiff_u32(const tiff_file *tiff, size_t at)
{
    return tiff->little ? cnx_le32(tiff->bytes + at) : cnx_be32(tiff->bytes + at);
}

static size_t type_size(uint32_t type)
{
    return type == TYPE_LONG ? 4 : type == TYPE_SHORT ? 2 : type == TYPE_BYTE ? 1 : 0;
}

static cnx_status open_directory(tiff_file *tiff, cnx_error *err)
{
    CNX_FAIL_IF(tiff->size < 8, CNX_ERR_FORMAT, "the TIFF file ends inside its header");
    const uint64_t at = tiff_u32(tiff, 4);
    CNX_FAIL_IF(at + 2 > tiff->size, CNX_ERR_FORMAT,
                "the TIFF directory lies at byte %llu of a file of %zu bytes",
                (unsigned long long)at, tiff->size);
    tiff->entries = tiff_u16(tiff, (size_t)at);
    tiff->entries_at = (size_t)at + 2;
    CNX_FAIL_IF((uint64_t)tiff->entries * ENTRY > tiff->size - tiff->entries_at, CNX_ERR_FORMAT,
                "the TIFF file ends inside its directory");
    return CNX_OK;
}

/* *found: the entry is there, holds whole numbers, and they lie in the file. */
static cnx_status find_entry(const tiff_file *tiff, uint32_t tag, tiff_entry *out, bool *found,
                             cnx_error *err)
{
    *found = false;
    for (uint32_t i = 0; i < tiff->entries && !*found; i++) {
        const size_t at = tiff->entries_at + (size_t)i * ENTRY;
        if (tiff_u16(tiff, at) != tag)
            continue;
        *out = (tiff_entry){
            .at = at + 8, .type = tiff_u16(tiff, at + 2), .count = tiff_u32(tiff, at + 4)};
        const uint64_t bytes = (uint64_t)out->count * type_size(out->type);
        CNX_FAIL_IF(bytes == 0, CNX_ERR_FORMAT, "TIFF tag %u has no whole numbers", tag);
        if (bytes > 4)
            out->at = tiff_u32(tiff, at + 8);
        CNX_FAIL_IF(bytes > tiff->size || out->at > tiff->size - bytes, CNX_ERR_FORMAT,
                    "the values of TIFF tag %u lie outside the file", tag);
        *found = true;
    }
    return CNX_OK;
}

static uint32_t entry_value(const tiff_file *tiff, const tiff_entry *entry, uint32_t index)
{
    const size_t at = entry->at + (size_t)index * type_size(entry->type);
    return entry->type == TYPE_LONG    ? tiff_u32(tiff, at)
           : entry->type == TYPE_SHORT ? tiff_u16(tiff, at)
                                       : tiff->bytes[at];
}

static cnx_status read_size(const tiff_file *tiff, cnx_picture *picture, cnx_error *err)
{
    tiff_entry width, height;
    bool has_width, has_height;
    CNX_TRY(find_entry(tiff, TAG_WIDTH, &width, &has_width, err));
    CNX_TRY(find_entry(tiff, TAG_HEIGHT, &height, &has_height, err));
    CNX_FAIL_IF(!has_width || !has_height, CNX_ERR_FORMAT, "the TIFF file does not tell its size");
    return cnx_picture_set_size(picture, entry_value(tiff, &width, 0),
                                entry_value(tiff, &height, 0), err);
}

static cnx_status check_pieces(const tiff_file *tiff, const cnx_picture *picture, cnx_error *err)
{
    tiff_entry offsets, counts;
    bool has_offsets, has_counts;
    CNX_TRY(find_entry(tiff, TAG_STRIP_OFFSETS, &offsets, &has_offsets, err));
    CNX_TRY(find_entry(tiff, TAG_STRIP_COUNTS, &counts, &has_counts, err));
    if (!has_offsets) {
        CNX_TRY(find_entry(tiff, TAG_TILE_OFFSETS, &offsets, &has_offsets, err));
        CNX_TRY(find_entry(tiff, TAG_TILE_COUNTS, &counts, &has_counts, err));
    }
    CNX_FAIL_IF(!has_offsets || !has_counts || offsets.count != counts.count, CNX_ERR_FORMAT,
                "the TIFF file does not tell where its strips or tiles lie");
    uint64_t total = 0;
    for (uint32_t i = 0; i < offsets.count; i++) {
        const uint64_t at = entry_value(tiff, &offsets, i), bytes = entry_value(tiff, &counts, i);
        CNX_FAIL_IF(at + bytes > tiff->size, CNX_ERR_FORMAT,
                    "strip or tile %u of the TIFF lies outside the file: it is cut off", i);
        total += bytes;
    }
    /* Deflate packs 1032 bytes into one, and a byte may hold 8 pixels; fax and LZMA, whose bounds
     * are looser, do not come near that on pictures that are meant to be looked at. */
    const uint64_t pixels = (uint64_t)picture->width * (uint64_t)picture->height;
    CNX_FAIL_IF(pixels / (1032 * 8) > total, CNX_ERR_FORMAT,
                "the header says %d x %d pixels, which %llu bytes cannot hold", picture->width,
                picture->height, (unsigned long long)total);
    return CNX_OK;
}

/* OpenCV would turn the picture itself and hand it back in another shape; so the decoder is told
 * that it stands upright, and it is turned as the other formats are. */
static cnx_status take_orientation(const tiff_file *tiff, cnx_picture *picture, cnx_error *err)
{
    tiff_entry entry;
    bool found;
    CNX_TRY(find_entry(tiff, TAG_ORIENTATION, &entry, &found, err));
    if (!found)
        return CNX_OK;
    const uint32_t value = entry_value(tiff, &entry, 0);
    CNX_FAIL_IF(value < 1 || value > 8 || entry.type != TYPE_SHORT || entry.count != 1,
                CNX_ERR_FORMAT, "the TIFF orientation is %u; expected 1 to 8", value);
    if (value == 1)
        return CNX_OK;
    picture->orientation = (int)value;
    picture->orientation_kept = true;
    const uint8_t upright[2] = {tiff->little ? 1 : 0, tiff->little ? 0 : 1};
    CNX_TRY(cnx_rewrite_edit(&picture->rewrite, picture->bytes, picture->size, entry.at, 2, upright,
                             2, err));
    cnx_rewrite_end(&picture->rewrite, picture->bytes, picture->size);
    return CNX_OK;
}

cnx_status cnx_check_tiff(cnx_picture *picture, cnx_error *err)
{
    tiff_file tiff = {
        .bytes = picture->bytes, .size = picture->size, .little = picture->bytes[0] == 'I'};
    CNX_TRY(open_directory(&tiff, err));
    CNX_TRY(read_size(&tiff, picture, err));
    CNX_TRY(check_pieces(&tiff, picture, err));
    picture->noisy = true;
    return take_orientation(&tiff, picture, err);
}
