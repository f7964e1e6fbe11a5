/* The PNG writer: read back with OpenCV, and looked at chunk by chunk. */
#include <zlib.h>

#include "core/image/png.h"
#include "tests/unit/image/files.h"
#include "tests/unit/image/opencv_reference.h"

static char path[] = "/tmp/cnx_test_png_XXXXXX";

static const int pixel_bytes[] = {
    [CNX_PNG_INDEXED8] = 1, [CNX_PNG_GREY8] = 1, [CNX_PNG_GREY16] = 2, [CNX_PNG_RGB8] = 3};

/* Writes rows in strips of uneven heights. */
static test_file write_png(cnx_png_kind kind, int width, int height, const uint8_t *pixels,
                           const uint8_t *palette, int colours)
{
    cnx_error err = {0};
    cnx_output file;
    cnx_png_writer *png = NULL;
    CHECK(cnx_output_open(&file, path, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_png_open(&png, &file, kind, width, height, palette, colours, &err) == CNX_OK, "%s",
          err.message);
    const size_t row = (size_t)width * (size_t)pixel_bytes[kind];
    for (int y = 0, step = 1; y < height; y += step, step = step % 5 + 1) {
        step = step < height - y ? step : height - y;
        CHECK(cnx_png_write_rows(png, pixels + (size_t)y * row, step, &err) == CNX_OK, "%s",
              err.message);
    }
    CHECK(cnx_png_finish(png, &err) == CNX_OK, "%s", err.message);
    cnx_png_close(&png);
    CHECK(png == NULL);
    cnx_png_close(&png);
    CHECK(cnx_output_commit(&file, &err) == CNX_OK, "%s", err.message);
    return test_file_load(path);
}

/* What the reader should see, as RGB. */
static void expected_rgb(uint8_t out[3], cnx_png_kind kind, const uint8_t *pixel,
                         const uint8_t *palette)
{
    uint16_t wide;
    switch (kind) {
    case CNX_PNG_INDEXED8:
        memcpy(out, palette + 3 * (size_t)pixel[0], 3);
        break;
    case CNX_PNG_GREY8:
        memset(out, pixel[0], 3);
        break;
    case CNX_PNG_GREY16:
        memcpy(&wide, pixel, 2);
        memset(out, wide >> 8, 3);
        break;
    case CNX_PNG_RGB8:
        memcpy(out, pixel, 3);
        break;
    }
}

static void check_round_trip(cnx_png_kind kind, int width, int height, int colours, bool smooth,
                             unsigned long long *seed)
{
    const size_t pixels = (size_t)width * (size_t)height, size = (size_t)pixel_bytes[kind];
    uint8_t palette[768], *data = malloc(pixels * size);
    for (size_t i = 0; i < sizeof palette; i++)
        palette[i] = (uint8_t)check_random(seed);
    for (size_t i = 0; i < pixels * size; i++)
        data[i] = (uint8_t)(smooth ? i / 7 + i / (size_t)width : check_random(seed) >> 20);
    if (kind == CNX_PNG_INDEXED8)
        for (size_t i = 0; i < pixels; i++)
            data[i] = (uint8_t)(data[i] % colours);
    test_file file = write_png(kind, width, height, data, palette, colours);
    int w = 0, h = 0;
    uint8_t *seen = reference_decode(file.data, file.size, false, &w, &h);
    CHECK(seen && w == width && h == height);
    cnx_error err = {0};
    CHECK(test_decode_copy(file.data, file.size, &err) == CNX_OK, "%s", err.message);
    size_t wrong = 0;
    for (size_t i = 0; seen && i < pixels; i++) {
        uint8_t expected[3];
        expected_rgb(expected, kind, data + size * i, palette);
        wrong += memcmp(seen + 3 * i, expected, 3) != 0;
    }
    CHECK(wrong == 0, "%zu pixels of kind %d, %d x %d", wrong, kind, width, height);
    free(seen);
    free(file.data);
    free(data);
}

static void test_round_trips(void)
{
    unsigned long long seed = 11;
    static const int sizes[][2] = {{1, 1}, {1, 9}, {9, 1}, {131, 97}, {300, 257}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int kind = CNX_PNG_INDEXED8; kind <= CNX_PNG_RGB8; kind++)
            for (int smooth = 0; smooth < 2; smooth++)
                check_round_trip((cnx_png_kind)kind, sizes[i][0], sizes[i][1], i % 2 ? 256 : 5,
                                 smooth, &seed);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The data of the first chunk of that name. */
static const uint8_t *find_chunk(const test_file *file, const char *name, uint32_t *length)
{
    for (size_t at = 8; at + 12 <= file->size; at += 12 + *length) {
        *length = be32(file->data + at);
        if (memcmp(file->data + at + 4, name, 4) == 0)
            return file->data + at + 8;
    }
    return NULL;
}

static void test_palette_and_labels(void)
{
    const uint8_t palette[] = {1, 2, 3, 250, 251, 252, 90, 80, 70};
    const uint8_t labels[] = {0, 1, 2, 2, 1, 0};
    test_file file = write_png(CNX_PNG_INDEXED8, 3, 2, labels, palette, 3);
    uint32_t length = 0;
    const uint8_t *header = find_chunk(&file, "IHDR", &length);
    CHECK(header && length == 13 && be32(header) == 3 && be32(header + 4) == 2 && header[8] == 8 &&
          header[9] == 3 && header[12] == 0);
    const uint8_t *colours = find_chunk(&file, "PLTE", &length);
    CHECK(colours && length == 9 && memcmp(colours, palette, 9) == 0);
    /* The stored bytes are the labels themselves, behind a filter byte of 0. */
    const uint8_t *data = find_chunk(&file, "IDAT", &length);
    uint8_t raw[16];
    uLongf raw_size = sizeof raw;
    CHECK(data && uncompress(raw, &raw_size, data, length) == Z_OK && raw_size == 8);
    CHECK(raw[0] == 0 && raw[4] == 0 && memcmp(raw + 1, labels, 3) == 0 &&
          memcmp(raw + 5, labels + 3, 3) == 0);
    free(file.data);
}

static void test_grey16_bytes(void)
{
    const uint16_t values[] = {0x0102, 0xFFFE};
    test_file file = write_png(CNX_PNG_GREY16, 1, 2, (const uint8_t *)values, NULL, 0);
    uint32_t length = 0;
    const uint8_t *data = find_chunk(&file, "IDAT", &length);
    uint8_t raw[16];
    uLongf raw_size = sizeof raw;
    CHECK(data && uncompress(raw, &raw_size, data, length) == Z_OK && raw_size == 6);
    CHECK(raw[1] == 1 && raw[2] == 2, "big-endian");
    free(file.data);
}

static void test_arguments(void)
{
    cnx_error err;
    cnx_output file;
    cnx_png_writer *png;
    const uint8_t colour[3] = {1, 2, 3};
    CHECK(cnx_output_open(&file, path, &err) == CNX_OK);
    CHECK(cnx_png_open(&png, &file, CNX_PNG_GREY8, 0, 1, NULL, 0, &err) == CNX_ERR_ARGUMENT &&
          !png);
    CHECK(cnx_png_open(&png, &file, CNX_PNG_INDEXED8, 1, 1, NULL, 0, &err) == CNX_ERR_ARGUMENT);
    CHECK(cnx_png_open(&png, &file, CNX_PNG_INDEXED8, 1, 1, colour, 257, &err) == CNX_ERR_ARGUMENT);
    CHECK(cnx_png_open(&png, &file, CNX_PNG_GREY8, 2, 2, NULL, 0, &err) == CNX_OK);
    CHECK(cnx_png_write_rows(png, colour, 3, &err) == CNX_ERR_ARGUMENT, "more rows than announced");
    CHECK(cnx_png_write_rows(png, colour, 1, &err) == CNX_OK);
    CHECK(cnx_png_finish(png, &err) == CNX_ERR_ARGUMENT, "fewer rows than announced");
    cnx_png_close(&png);
    cnx_output_abort(&file);
}

/* /dev/full takes nothing: whatever the writer says in between, the end of it must be an error. */
static void test_full_disk(void)
{
    FILE *full = fopen("/dev/full", "wb");
    if (!full)
        return;
    setvbuf(full, NULL, _IONBF, 0);
    char name[] = "/dev/full", temp[] = "";
    cnx_output file = {.stream = full, .path = name, .temp = temp};
    cnx_png_writer *png = NULL;
    cnx_error err = {0};
    CHECK(cnx_png_open(&png, &file, CNX_PNG_GREY8, 64, 64, NULL, 0, &err) == CNX_ERR_IO && !png,
          "%s", err.message);
    fclose(full);
}

int main(void)
{
    const int made = mkstemp(path);
    CHECK(made >= 0);
    close(made);
    test_round_trips();
    test_palette_and_labels();
    test_grey16_bytes();
    test_arguments();
    test_full_disk();
    unlink(path);
    return CHECK_RESULT;
}
