#include "core/image/orient.h"

#include <string.h>

#include "core/image/check.h"

enum { EXIF_ENTRY = 12 };

typedef struct exif {
    const uint8_t *data;
    size_t size;
    bool little;
} exif;

static bool exif_u16(const exif *block, uint64_t at, uint32_t *out)
{
    if (at + 2 > block->size)
        return false;
    *out = block->little ? cnx_le16(block->data + at) : cnx_be16(block->data + at);
    return true;
}

static bool exif_u32(const exif *block, uint64_t at, uint32_t *out)
{
    if (at + 4 > block->size)
        return false;
    *out = block->little ? cnx_le32(block->data + at) : cnx_be32(block->data + at);
    return true;
}

/* OpenCV counts the offset of a short string from the start of the block, not of the entry. */
static bool string_fits(const exif *block, uint64_t entry)
{
    uint32_t length, at = 8;
    if (!exif_u32(block, entry + 4, &length))
        return false;
    if (length > 4 && !exif_u32(block, entry + 8, &at))
        return false;
    return (uint64_t)at + length <= block->size;
}

static bool rationals_fit(const exif *block, uint64_t entry, uint64_t count)
{
    uint32_t at;
    return exif_u32(block, entry + 8, &at) && (uint64_t)at + 8 * count <= block->size;
}

/* Parity: OpenCV reads the values of these tags, and gives up on the directory at the first one
 * that it cannot reach, so that an orientation behind it does not count. */
static bool entry_fits(const exif *block, uint64_t entry, uint32_t tag)
{
    uint32_t ignored;
    switch (tag) {
    case 0x010E: /* description, make, model, software, date, copyright */
    case 0x010F:
    case 0x0110:
    case 0x0131:
    case 0x0132:
    case 0x8298:
        return string_fits(block, entry);
    case 0x011A: /* resolution */
    case 0x011B:
        return rationals_fit(block, entry, 1);
    case 0x013E: /* white point */
        return rationals_fit(block, entry, 2);
    case 0x0211: /* conversion to Y, Cb, Cr */
        return rationals_fit(block, entry, 3);
    case 0x013F: /* primaries; black and white */
    case 0x0214:
        return rationals_fit(block, entry, 6);
    case 0x0112: /* orientation, unit of resolution, position of chroma */
    case 0x0128:
    case 0x0213:
        return exif_u16(block, entry + 8, &ignored);
    default:
        return true;
    }
}

int cnx_exif_orientation(const uint8_t *data, size_t size)
{
    if (size < 8 || data[0] != data[1] || (data[0] != 'I' && data[0] != 'M'))
        return 1;
    const exif block = {.data = data, .size = size, .little = data[0] == 'I'};
    uint32_t mark = 0, directory, count, tag, value;
    if (!exif_u16(&block, 2, &mark) || mark != 0x2A || !exif_u32(&block, 4, &directory) ||
        !exif_u16(&block, directory, &count))
        return 1;
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t entry = (uint64_t)directory + 2 + (uint64_t)EXIF_ENTRY * i;
        if (!exif_u16(&block, entry, &tag) || !entry_fits(&block, entry, tag))
            return 1;
        if (tag != 0x0112)
            continue;
        exif_u16(&block, entry + 8, &value);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}

static void rotate_half(cnx_image *image)
{
    const size_t pixels = (size_t)image->width * (size_t)image->height;
    uint8_t *first = image->data, *last = image->data + 3 * (pixels - 1);
    for (; first < last; first += 3, last -= 3) {
        for (int c = 0; c < 3; c++) {
            const uint8_t swapped = first[c];
            first[c] = last[c];
            last[c] = swapped;
        }
    }
}

static cnx_status transpose(cnx_image *image, cnx_error *err)
{
    enum { TILE = 32 }; /* keeps the rows that are being written in the cache */
    cnx_image turned;
    CNX_TRY(cnx_image_alloc(&turned, image->height, image->width, err));
    for (int x0 = 0; x0 < image->width; x0 += TILE) {
        const int x1 = x0 + TILE < image->width ? x0 + TILE : image->width;
        for (int y = 0; y < image->height; y++) {
            const uint8_t *from = image->data + 3 * ((size_t)y * (size_t)image->width + (size_t)x0);
            for (int x = x0; x < x1; x++, from += 3)
                memcpy(turned.data + 3 * ((size_t)x * (size_t)turned.width + (size_t)y), from, 3);
        }
    }
    cnx_image_free(image);
    *image = turned;
    return CNX_OK;
}

cnx_status cnx_image_orient(cnx_image *image, int orientation, cnx_error *err)
{
    if (cnx_orientation_transposes(orientation))
        CNX_TRY(transpose(image, err));
    switch (orientation) {
    case 2: /* mirrored */
    case 6: /* a quarter turn clockwise: transposed, then mirrored */
        cnx_image_flip(image);
        break;
    case 3: /* upside down */
    case 7: /* mirrored about the other diagonal: transposed, then upside down */
        rotate_half(image);
        break;
    case 4: /* top to bottom = half a turn and a mirror */
    case 8: /* a quarter turn anticlockwise: transposed, then top to bottom */
        rotate_half(image);
        cnx_image_flip(image);
        break;
    default:
        break;
    }
    return CNX_OK;
}
