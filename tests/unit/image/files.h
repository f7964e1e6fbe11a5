/* Files of the image tests in memory. */
#ifndef CNX_TESTS_IMAGE_FILES_H
#define CNX_TESTS_IMAGE_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "core/image/image.h"
#include "tests/unit/check.h"

#define IMAGES CNX_SOURCE_DIR "/tests/data/images"

typedef struct test_file {
    uint8_t *data;
    size_t size;
} test_file;

static inline test_file test_file_load(const char *path)
{
    test_file file = {0};
    FILE *stream = fopen(path, "rb");
    CHECK(stream != NULL, "%s", path);
    if (!stream)
        return file;
    fseek(stream, 0, SEEK_END);
    file.size = (size_t)ftell(stream);
    rewind(stream);
    file.data = malloc(file.size ? file.size : 1);
    CHECK(fread(file.data, 1, file.size, stream) == file.size, "%s", path);
    fclose(stream);
    return file;
}

static inline int test_largest_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
    int largest = 0;
    for (size_t i = 0; i < n; i++) {
        const int difference = abs(a[i] - b[i]);
        largest = difference > largest ? difference : largest;
    }
    return largest;
}

/* Decodes a copy of exactly that many bytes, so that a sanitizer sees a read past them. */
static inline cnx_status test_decode_copy(const uint8_t *bytes, size_t size, cnx_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, bytes, size);
    cnx_image image;
    const cnx_status status = cnx_image_decode(&image, copy, size, "copy", NULL, err);
    CHECK((status == CNX_OK) == (image.data != NULL));
    cnx_image_free(&image);
    free(copy);
    return status;
}

#endif
