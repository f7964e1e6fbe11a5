/* Damaged and hostile pictures: refused with a message, and without a word on standard error. */
#include <zlib.h>

#include "tests/unit/image/files.h"
#include "tests/unit/image/opencv_reference.h"

static void expect_refusal(const uint8_t *bytes, size_t size, const char *what, size_t where)
{
    cnx_error err = {0};
    const cnx_status status = test_decode_copy(bytes, size, &err);
    CHECK(status == CNX_ERR_FORMAT || status == CNX_ERR_UNSUPPORTED, "%s at %zu: status %d", what,
          where, status);
    if (status != CNX_OK)
        CHECK(strncmp(err.message, "copy: ", 6) == 0 && strlen(err.message) > 10, "%s",
              err.message);
}

/* Each with a word that its message must have. */
static void test_known_bad(void)
{
    static const char *const cases[][2] = {{"img_bad_crc.png", "checksum"},
                                           {"img_bad_ctype.png", "colour type 5"},
                                           {"img_bad_huffman.jpg", "Huffman"},
                                           {"img_components.jpg", "frame header"},
                                           {"img_cut.jpg", "cut off"},
                                           {"img_cut.png", "cut off"},
                                           {"img_empty.png", "empty"},
                                           {"img_header_only.jpg", "cut off"},
                                           {"img_html.jpg", "HTML"},
                                           {"img_huge_claim.jpg", "65535 x 65535"},
                                           {"img_huge_claim.png", "3600000000"},
                                           {"img_no_plte.png", "palette"},
                                           {"img_overflow.png", "2147483647"},
                                           {"img_zero.png", "0 x 5"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[4096];
        snprintf(path, sizeof path, IMAGES "/bad/%s", cases[i][0]);
        cnx_image image;
        cnx_error err = {0};
        CHECK(cnx_image_read(&image, path, NULL, &err) == CNX_ERR_FORMAT, "%s", path);
        CHECK(strstr(err.message, path) == err.message && strstr(err.message, cases[i][1]), "%s",
              err.message);
        CHECK(!image.data && image.width == 0);
    }
}

/* Sound, if odd. */
static void test_known_good(void)
{
    static const struct {
        const char *name;
        int width, height;
    } cases[] = {
        {"img_one_pixel.png", 1, 1}, {"img_small_20x20.png", 20, 20}, {"img_index_out.png", 4, 4}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[4096];
        snprintf(path, sizeof path, IMAGES "/bad/%s", cases[i].name);
        cnx_image image;
        cnx_error err = {0};
        CHECK(cnx_image_read(&image, path, NULL, &err) == CNX_OK, "%s", err.message);
        CHECK(image.width == cases[i].width && image.height == cases[i].height, "%s", path);
        cnx_image_free(&image);
    }
}

static void test_cut_anywhere(void)
{
    static const char *const names[] = {"gray.jpg", "progressive.jpg", "restart.jpg", "gray1.png",
                                        "interlaced.png"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        snprintf(path, sizeof path, IMAGES "/decode/%s", names[i]);
        const test_file file = test_file_load(path);
        for (size_t size = 0; size < file.size; size++)
            expect_refusal(file.data, size, names[i], size);
        free(file.data);
    }
}

/* A cut that somebody closed with an end marker.  (Between two scans of a progressive picture that
 * leaves a sound file of lower quality.) */
static void test_cut_and_closed(void)
{
    static const char *const names[] = {"gray.jpg", "restart.jpg", "q90_420.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        snprintf(path, sizeof path, IMAGES "/decode/%s", names[i]);
        test_file file = test_file_load(path);
        for (size_t size = 2; size + 2 < file.size; size++) {
            const uint8_t saved[2] = {file.data[size], file.data[size + 1]};
            file.data[size] = 0xFF;
            file.data[size + 1] = 0xD9;
            expect_refusal(file.data, size + 2, names[i], size);
            file.data[size] = saved[0];
            file.data[size + 1] = saved[1];
        }
        free(file.data);
    }
}

/* Every byte of a PNG that matters is under a checksum. */
static void test_flipped_png(void)
{
    const test_file file = test_file_load(IMAGES "/decode/palette4.png");
    for (size_t i = 0; i < file.size; i++) {
        file.data[i] ^= (uint8_t)(1 << i % 8);
        expect_refusal(file.data, file.size, "flipped PNG", i);
        file.data[i] ^= (uint8_t)(1 << i % 8);
    }
    free(file.data);
}

/* A JPEG has no checksums: what is not refused must decode as OpenCV decodes it. */
static void test_flipped_jpeg(void)
{
    static const char *const names[] = {"gray.jpg", "progressive.jpg", "restart.jpg"};
    int refused = 0, total = 0;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        char path[4096];
        snprintf(path, sizeof path, IMAGES "/decode/%s", names[n]);
        const test_file file = test_file_load(path);
        unsigned long long seed = 77;
        for (int i = 0; i < 1500; i++) {
            const uint64_t random = check_random(&seed);
            const size_t at = (size_t)(random >> 8) % file.size;
            const uint8_t saved = file.data[at];
            file.data[at] ^= (uint8_t)(1 + random % 255);
            cnx_error err = {0};
            const cnx_decode_options small = {.max_pixels = 1 << 20};
            cnx_image image;
            const cnx_status status =
                cnx_image_decode(&image, file.data, file.size, "flipped", &small, &err);
            CHECK(status == CNX_OK || status == CNX_ERR_FORMAT || status == CNX_ERR_UNSUPPORTED);
            refused += status != CNX_OK;
            total++;
            cnx_image_free(&image);
            file.data[at] = saved;
        }
        free(file.data);
    }
    CHECK(refused > total / 3, "only %d of %d damaged pictures were noticed", refused, total);
}

/* Stray bytes before a marker and anything behind the end do no harm. */
static void test_tolerated(void)
{
    const test_file file = test_file_load(IMAGES "/decode/gray.jpg");
    int width, height;
    uint8_t *expected = reference_decode(file.data, file.size, false, &width, &height);
    uint8_t *padded = malloc(file.size + 300);
    const size_t end = file.size - 2; /* of the scan; the end marker follows */
    memcpy(padded, file.data, end);
    memset(padded + end, 0x55, 200);
    memcpy(padded + end + 200, file.data + end, 2);
    memset(padded + end + 202, 0x42, 98);
    cnx_image image;
    cnx_error err = {0};
    CHECK(cnx_image_decode(&image, padded, file.size + 300, "padded", NULL, &err) == CNX_OK, "%s",
          err.message);
    CHECK(image.data && expected && image.width == width && image.height == height &&
          memcmp(image.data, expected, 3 * (size_t)width * (size_t)height) == 0);
    cnx_image_free(&image);
    free(padded);
    free(expected);
    free(file.data);
}

static void put_be32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Sizes below every limit, but beyond what so few bytes can hold: refused before any allocation. */
static void test_implausible_claims(void)
{
    cnx_error err = {0};
    test_file file = test_file_load(IMAGES "/decode/gray1.png");
    put_be32(file.data + 16, 30000);
    put_be32(file.data + 20, 30000);
    put_be32(file.data + 29, (uint32_t)crc32(0, file.data + 12, 17));
    CHECK(test_decode_copy(file.data, file.size, &err) == CNX_ERR_FORMAT);
    CHECK(strstr(err.message, "cannot hold"), "%s", err.message);
    /* Just inside the bound the rows are counted instead. */
    put_be32(file.data + 16, 1000);
    put_be32(file.data + 20, 1000);
    put_be32(file.data + 29, (uint32_t)crc32(0, file.data + 12, 17));
    CHECK(test_decode_copy(file.data, file.size, &err) == CNX_ERR_FORMAT);
    CHECK(strstr(err.message, "end early"), "%s", err.message);
    free(file.data);

    static const char *const names[] = {"gray.jpg", "progressive.jpg"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        snprintf(path, sizeof path, IMAGES "/decode/%s", names[i]);
        file = test_file_load(path);
        for (size_t at = 2; at + 9 < file.size;
             at += 2 + (size_t)(file.data[at + 2] << 8 | file.data[at + 3])) {
            if (file.data[at + 1] != 0xC0 && file.data[at + 1] != 0xC2)
                continue;
            memcpy(file.data + at + 5, "\x75\x30\x75\x30", 4); /* 30000 x 30000 */
            break;
        }
        CHECK(test_decode_copy(file.data, file.size, &err) == CNX_ERR_FORMAT);
        CHECK(strstr(err.message, "cannot hold"), "%s", err.message);
        free(file.data);
    }
}

static void test_not_pictures(void)
{
    static const struct {
        const char *text, *word;
    } cases[] = {{"  <!DOCTYPE html><p>404", "HTML"},    {"just some words", "text"},
                 {"BMW is a maker of cars", "text"},     {"GIF89a\1\0\1\0", "GIF"},
                 {"\1\2\3\4\5\6\7\x08", "known format"}, {"P6\n", "early"},
                 {"P5 99999999999 1 255\n", "large"},    {"\xFF\xD8\xFF\xD9", "no picture"},
                 {"II*\1garbage", "known format"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_error err = {0};
        CHECK(test_decode_copy((const uint8_t *)cases[i].text, strlen(cases[i].text), &err) !=
              CNX_OK);
        CHECK(strstr(err.message, cases[i].word), "'%s' gives '%s'", cases[i].text, err.message);
    }
}

/* WebP and TIFF are judged by their decoders, whose words must not come through either. */
static void test_flipped_others(void)
{
    static const char *const suffixes[] = {".webp", ".tiff", ".bmp", ".ppm"};
    uint8_t rgb[3 * 24 * 16];
    unsigned long long seed = 9;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(i / 5 + check_random(&seed) % 7);
    for (size_t s = 0; s < sizeof suffixes / sizeof *suffixes; s++) {
        test_file file = {0};
        CHECK(reference_encode(suffixes[s], rgb, 24, 16, NULL, 0, &file.data, &file.size));
        for (int i = 0; i < 800; i++) {
            const uint64_t random = check_random(&seed);
            const size_t at = (size_t)(random >> 8) % file.size;
            const uint8_t saved = file.data[at];
            file.data[at] ^= (uint8_t)(1 + random % 255);
            cnx_error err = {0};
            test_decode_copy(file.data, file.size, &err);
            file.data[at] = saved;
        }
        free(file.data);
    }
}

int main(void)
{
    /* Everything that a library prints while this runs ends up in a file, which must stay empty. */
    char name[] = "/tmp/cnx_test_damaged_XXXXXX";
    const int capture = mkstemp(name), terminal = dup(STDERR_FILENO);
    CHECK(capture >= 0 && terminal >= 0);
    unlink(name);
    fflush(stderr);
    dup2(capture, STDERR_FILENO);

    test_known_bad();
    test_known_good();
    test_cut_anywhere();
    test_cut_and_closed();
    test_flipped_png();
    test_flipped_jpeg();
    test_tolerated();
    test_implausible_claims();
    test_not_pictures();
    test_flipped_others();

    fflush(stderr);
    const off_t printed = lseek(STDERR_FILENO, 0, SEEK_END);
    char text[4096] = "";
    if (printed > 0 && pread(capture, text, sizeof text - 1, 0) < 0)
        text[0] = '\0';
    dup2(terminal, STDERR_FILENO);
    close(capture);
    close(terminal);
    CHECK(printed == 0, "%lld bytes were printed:\n%s", (long long)printed, text);
    return CHECK_RESULT;
}
