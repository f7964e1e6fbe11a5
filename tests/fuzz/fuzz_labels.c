/*
 * Label files: whatever the bytes, they are read as labels or refused, and the header agrees.
 *
 * Checksums and compression keep most changed bytes from being looked at, so each input is also read
 * as a few header fields and the rows of a picture, and put into a sound file.
 */
#include <stdlib.h>

#include "core/image/labels.h"
#include "tests/unit/image/png_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum(const cnx_label_map *map)
{
    const size_t n = (size_t)map->width * (size_t)map->height * (size_t)map->channels;
    uint64_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += map->u8 ? map->u8[i] : map->u16[i];
    return total;
}

static void use(cnx_label_reader *reader, const uint8_t *data, size_t size, cnx_label_coding coding)
{
    cnx_error err;
    cnx_label_map map, head;
    const cnx_status probed = cnx_label_map_probe(&head, data, size, "fuzz", &err);
    if (cnx_labels_decode(&map, reader, data, size, "fuzz", coding, &err) == CNX_OK) {
        if (probed != CNX_OK || head.width != map.width || head.height != map.height ||
            map.channels != 1 || !map.u8 == !map.u16)
            abort();
        if (sum(&map) > (uint64_t)map.width * (uint64_t)map.height * UINT16_MAX)
            abort();
    } else if (map.u8 || map.u16 || map.width) {
        abort();
    }
    if (cnx_label_map_decode(&map, reader, data, size, "fuzz", &err) == CNX_OK && !sum(&map) &&
        (map.width != head.width || map.bits != head.bits))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cnx_label_reader *reader; /* as in a long run: one for all */
    cnx_error err;
    if (!reader && cnx_label_reader_open(&reader, &err) != CNX_OK)
        abort();
    use(reader, data, size, CNX_LABELS_INDEX);
    use(reader, data, size, CNX_LABELS_RGB16);
    if (size > 4) {
        const png_build header = {.width = data[0],
                                  .height = data[1],
                                  .colour = data[2] % 8,
                                  .depth = 1 << (data[3] & 7) % 5,
                                  .interlaced = data[3] >> 7,
                                  .chunk = data[3] & 8 ? 100 : 0};
        png_bytes file = png_build_around(&header, data + 4, size - 4);
        use(reader, file.data, file.size, CNX_LABELS_INDEX);
        use(reader, file.data, file.size, CNX_LABELS_RGB16);
        free(file.data);
    }
    return 0;
}
