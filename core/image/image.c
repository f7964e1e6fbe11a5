#include "core/image/image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/memory.h"

cnx_status cnx_image_alloc(cnx_image *image, int width, int height, cnx_error *err)
{
    *image = (cnx_image){0};
    size_t pixels, bytes;
    CNX_FAIL_IF(width < 1 || height < 1, CNX_ERR_ARGUMENT,
                "a picture of %d x %d pixels was asked for", width, height);
    CNX_FAIL_IF(!cnx_mul((size_t)width, (size_t)height, &pixels) || !cnx_mul(pixels, 3, &bytes),
                CNX_ERR_MEMORY, "a picture of %d x %d pixels is too large for this machine", width,
                height);
    void *data;
    CNX_TRY(cnx_alloc_or_fail(&data, bytes, "a picture", err));
    *image = (cnx_image){.width = width, .height = height, .data = data};
    return CNX_OK;
}

void cnx_image_free(cnx_image *image)
{
    cnx_free(image->data);
    *image = (cnx_image){0};
}

bool cnx_image_suffix_known(const char *path)
{
    static const char *const suffixes[] = {".jpg", ".jpeg", ".jpe", ".png", ".bmp",  ".dib", ".pbm",
                                           ".pgm", ".ppm",  ".pnm", ".tif", ".tiff", ".webp"};
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name) /* a hidden file called .png is no picture */
        return false;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcasecmp(dot, suffixes[i]) == 0)
            return true;
    return false;
}

void cnx_image_flip(cnx_image *image)
{
    for (int y = 0; y < image->height; y++) {
        uint8_t *left = image->data + 3 * (size_t)y * (size_t)image->width;
        uint8_t *right = left + 3 * ((size_t)image->width - 1);
        for (; left < right; left += 3, right -= 3) {
            for (int c = 0; c < 3; c++) {
                const uint8_t swapped = left[c];
                left[c] = right[c];
                right[c] = swapped;
            }
        }
    }
}
