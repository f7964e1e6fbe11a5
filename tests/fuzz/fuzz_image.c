/* Pictures: whatever the bytes, a probe and a decode end well and agree on the size. */
#include <stdlib.h>

#include "core/image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const cnx_decode_options options = {.max_pixels = 1 << 16};
    cnx_error err;
    int width = 0, height = 0;
    const cnx_status probed = cnx_image_probe(data, size, "fuzz", &options, &width, &height, &err);
    cnx_image image;
    const cnx_status decoded = cnx_image_decode(&image, data, size, "fuzz", &options, &err);
    /* The header of a sound picture is sound, and tells its size. */
    if (decoded == CNX_OK && (probed != CNX_OK || width != image.width || height != image.height))
        abort();
    if (decoded != CNX_OK && image.data)
        abort();
    cnx_image_free(&image);
    return 0;
}
