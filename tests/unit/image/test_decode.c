/* Decoding: golden pictures, and equality with OpenCV on what it reads. */
#include "tests/unit/image/files.h"
#include "tests/unit/image/opencv_reference.h"

static void check_golden(const char *folder, const char *name, int tolerance)
{
    char path[4096], golden_path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(golden_path, sizeof golden_path, "%s/%s.rgb.png", folder, name);
    cnx_error err = {0};
    cnx_image image = {0}, golden = {0};
    CHECK(cnx_image_read(&image, path, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_image_read(&golden, golden_path, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(image.width == golden.width && image.height == golden.height, "%s", name);
    if (image.data && golden.data && image.width == golden.width && image.height == golden.height) {
        const int difference = test_largest_difference(
            image.data, golden.data, 3 * (size_t)image.width * (size_t)image.height);
        CHECK(difference <= tolerance, "%s differs by %d", name, difference);
    }
    cnx_image_free(&image);
    cnx_image_free(&golden);
}

/* Tolerances: those of the golden files; another libjpeg may round its transform otherwise. */
static void test_golden(void)
{
    static const struct {
        const char *name;
        int tolerance;
        bool committed;
    } cases[] = {{"q90_420.jpg", 3, true}, {"q90_422.jpg", 3, true},     {"q90_444.jpg", 3, false},
                 {"q30.jpg", 4, false},    {"progressive.jpg", 3, true}, {"restart.jpg", 3, true},
                 {"exif6.jpg", 3, true},   {"gray.jpg", 2, true},        {"gray1.png", 0, true},
                 {"gray8.png", 0, false},  {"interlaced.png", 0, true},  {"la8.png", 0, true},
                 {"palette.png", 0, true}, {"palette4.png", 0, true},    {"rgb16.png", 0, false},
                 {"rgb8.png", 0, false},   {"rgba8.png", 0, false}};
    char buffer[4096];
    const char *shared = check_shared(buffer, sizeof buffer, "fixtures/seg/decode");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (cases[i].committed)
            check_golden(IMAGES "/decode", cases[i].name, cases[i].tolerance);
        if (shared)
            check_golden(shared, cases[i].name, cases[i].tolerance);
    }
}

static void compare_with_opencv(const uint8_t *bytes, size_t size, bool ignore_exif,
                                const char *what)
{
    int width = 0, height = 0, probed_width = 0, probed_height = 0;
    uint8_t *expected = reference_decode(bytes, size, ignore_exif, &width, &height);
    const cnx_decode_options options = {.ignore_exif = ignore_exif};
    cnx_image image;
    cnx_error err = {0};
    CHECK(cnx_image_decode(&image, bytes, size, what, &options, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_image_probe(bytes, size, what, &options, &probed_width, &probed_height, &err) ==
              CNX_OK,
          "%s", err.message);
    CHECK(expected && width == image.width && height == image.height, "%s: %d x %d, not %d x %d",
          what, image.width, image.height, width, height);
    CHECK(probed_width == image.width && probed_height == image.height, "%s", what);
    if (expected && image.data && width == image.width && height == image.height)
        CHECK(memcmp(image.data, expected, 3 * (size_t)width * (size_t)height) == 0, "%s", what);
    free(expected);
    cnx_image_free(&image);
}

/* A TIFF-like block with one orientation entry, and before it an entry whose text lies at `at`. */
static size_t exif_block(uint8_t out[64], bool little, int orientation, int text_at)
{
    size_t n = 0;
#define PUT16(v)                                                                                   \
    do {                                                                                           \
        const unsigned v_ = (unsigned)(v);                                                         \
        out[n++] = (uint8_t)(little ? v_ : v_ >> 8);                                               \
        out[n++] = (uint8_t)(little ? v_ >> 8 : v_);                                               \
    } while (0)
#define PUT32(v)                                                                                   \
    do {                                                                                           \
        const unsigned w_ = (unsigned)(v);                                                         \
        PUT16(little ? w_ & 0xFFFF : w_ >> 16);                                                    \
        PUT16(little ? w_ >> 16 : w_ & 0xFFFF);                                                    \
    } while (0)
    out[n++] = little ? 'I' : 'M';
    out[n++] = little ? 'I' : 'M';
    PUT16(42);
    PUT32(8);
    PUT16(2);
    PUT16(0x010F); /* make */
    PUT16(2);
    PUT32(8);
    PUT32(text_at);
    PUT16(0x0112);
    PUT16(3);
    PUT32(1);
    PUT16(orientation);
    PUT16(0);
    PUT32(0);
#undef PUT16
#undef PUT32
    return n;
}

/* A JPEG with APP1 segments put behind its SOI: XMP first, when asked, then EXIF. */
static test_file with_exif(const test_file *jpeg, const uint8_t *block, size_t size, bool xmp)
{
    static const char xmp_text[] = "http://ns.adobe.com/xap/1.0/";
    test_file out = {.data = malloc(jpeg->size + size + 64)};
    out.data[out.size++] = 0xFF;
    out.data[out.size++] = 0xD8;
    if (xmp) {
        const uint8_t head[4] = {0xFF, 0xE1, 0, (uint8_t)(sizeof xmp_text + 2)};
        memcpy(out.data + out.size, head, 4);
        memcpy(out.data + out.size + 4, xmp_text, sizeof xmp_text);
        out.size += 4 + sizeof xmp_text;
    }
    const uint8_t head[10] = {0xFF, 0xE1, 0, (uint8_t)(size + 8), 'E', 'x', 'i', 'f', 0, 0};
    memcpy(out.data + out.size, head, sizeof head);
    memcpy(out.data + out.size + sizeof head, block, size);
    out.size += sizeof head + size;
    memcpy(out.data + out.size, jpeg->data + 2, jpeg->size - 2);
    out.size += jpeg->size - 2;
    return out;
}

static void test_orientation(void)
{
    const test_file jpeg = test_file_load(IMAGES "/decode/q90_422.jpg");
    for (int variant = 0; variant < 10 * 2 * 3; variant++) {
        const int orientation = variant % 10; /* 0 and 9 do not exist */
        const bool little = variant / 10 % 2;
        const int kind = variant / 20; /* 0: plain, 1: behind XMP, 2: behind an unreadable entry */
        uint8_t block[64];
        const size_t size = exif_block(block, little, orientation, kind == 2 ? 60000 : 0);
        test_file file = with_exif(&jpeg, block, size, kind == 1);
        char what[64];
        snprintf(what, sizeof what, "orientation %d, little %d, kind %d", orientation, little,
                 kind);
        compare_with_opencv(file.data, file.size, false, what);
        compare_with_opencv(file.data, file.size, true, what);
        /* A block that is cut off anywhere is at worst ignored. */
        for (size_t cut = 0; cut < size; cut += 3) {
            test_file shorter = with_exif(&jpeg, block, cut, kind == 1);
            compare_with_opencv(shorter.data, shorter.size, false, what);
            free(shorter.data);
        }
        free(file.data);
    }
    free(jpeg.data);
}

/* TIFF, as small as it gets: one strip of RGB, with its orientation tag. */
static size_t small_tiff(uint8_t out[256], int orientation)
{
    static const unsigned entries[][3] = {{256, 3, 3}, {257, 3, 2}, {258, 3, 8}, {259, 3, 1},
                                          {262, 3, 2}, {273, 4, 0}, {274, 3, 0}, {277, 3, 3},
                                          {278, 3, 2}, {279, 4, 18}};
    enum { COUNT = 10, DATA_AT = 8 + 2 + 12 * COUNT + 4 };
    memset(out, 0, 256);
    memcpy(out, "II*\0\x08\0\0\0\x0A\0", 10);
    for (int i = 0; i < COUNT; i++) {
        uint8_t *p = out + 10 + 12 * i;
        unsigned value = entries[i][2];
        value = entries[i][0] == 273   ? DATA_AT
                : entries[i][0] == 274 ? (unsigned)orientation
                                       : value;
        p[0] = (uint8_t)entries[i][0];
        p[1] = (uint8_t)(entries[i][0] >> 8);
        p[2] = (uint8_t)entries[i][1];
        p[4] = 1;
        p[8] = (uint8_t)value;
    }
    /* Three samples of 8 bits do not fit the entry: they stand behind the pixels. */
    uint8_t *bits = out + 10 + 12 * 2;
    bits[4] = 3;
    bits[8] = DATA_AT + 18;
    for (int i = 0; i < 18; i++)
        out[DATA_AT + i] = (uint8_t)(10 + 7 * i);
    for (int i = 0; i < 3; i++)
        out[DATA_AT + 18 + 2 * i] = 8;
    return DATA_AT + 18 + 6;
}

static void test_tiff(void)
{
    uint8_t tiff[256];
    cnx_error err;
    for (int orientation = 1; orientation <= 8; orientation++) {
        const size_t size = small_tiff(tiff, orientation);
        compare_with_opencv(tiff, size, false, "TIFF");
        compare_with_opencv(tiff, size, true, "TIFF, EXIF ignored");
        for (size_t cut = 0; cut < size - 6;
             cut++) /* the last 6 bytes: depths, which have a default */
            CHECK(test_decode_copy(tiff, cut, &err) != CNX_OK, "TIFF cut to %zu", cut);
    }
}

/* What OpenCV itself writes, read back, and cut short. */
static void test_other_formats(void)
{
    static const char *const suffixes[] = {".bmp", ".ppm", ".webp", ".tiff", ".png", ".jpg"};
    enum { W = 37, H = 23 };
    uint8_t rgb[3 * W * H];
    unsigned long long seed = 5;
    for (size_t i = 0; i < sizeof rgb; i++)
        rgb[i] = (uint8_t)(check_random(&seed) >> 56);
    for (size_t s = 0; s < sizeof suffixes / sizeof *suffixes; s++) {
        test_file file = {0};
        cnx_error err;
        CHECK(reference_encode(suffixes[s], rgb, W, H, NULL, 0, &file.data, &file.size), "%s",
              suffixes[s]);
        compare_with_opencv(file.data, file.size, false, suffixes[s]);
        for (size_t cut = 0; cut < file.size; cut += 1 + file.size / 97)
            CHECK(test_decode_copy(file.data, cut, &err) != CNX_OK, "%s cut to %zu of %zu",
                  suffixes[s], cut, file.size);
        free(file.data);
    }
}

static void test_plain_pnm(void)
{
    static const char grey[] = "P2 # comment\n3 2\n9\n0 1 2\n3 4 9\n";
    static const char bits[] = "P1\n5 2\n10101\n0 1 0 1 1\n";
    static const char colour[] = "P3\n1 2 255\n1 2 3 4 5 6\n";
    cnx_error err;
    compare_with_opencv((const uint8_t *)colour, sizeof colour - 1, false, "P3");
    compare_with_opencv((const uint8_t *)bits, sizeof bits - 1, false, "P1");
    compare_with_opencv((const uint8_t *)grey, sizeof grey - 1, false, "P2");
    CHECK(test_decode_copy((const uint8_t *)grey, sizeof grey - 2, &err) != CNX_OK);
    static const char over[] = "P2 1 1 9 10";
    CHECK(test_decode_copy((const uint8_t *)over, sizeof over - 1, &err) == CNX_ERR_FORMAT);
}

static void test_limits(void)
{
    const test_file file = test_file_load(IMAGES "/decode/gray.jpg");
    cnx_image image;
    cnx_error err;
    int width, height;
    cnx_decode_options options = {.max_pixels = 131 * 97 - 1};
    CHECK(cnx_image_decode(&image, file.data, file.size, "f", &options, &err) == CNX_ERR_FORMAT);
    CHECK(strstr(err.message, "f: ") == err.message && strstr(err.message, "12706"), "%s",
          err.message);
    CHECK(cnx_image_probe(file.data, file.size, "f", &options, &width, &height, &err) ==
          CNX_ERR_FORMAT);
    options.max_pixels++;
    CHECK(cnx_image_decode(&image, file.data, file.size, "f", &options, &err) == CNX_OK);
    cnx_image_free(&image);
    CHECK(cnx_image_read(&image, IMAGES, NULL, &err) == CNX_ERR_IO && !image.data);
    CHECK(cnx_image_read(&image, "/nonexistent.png", NULL, &err) == CNX_ERR_IO);
    CHECK(cnx_image_read(&image, "/nonexistent.png", NULL, NULL) == CNX_ERR_IO);
    free(file.data);
}

static void test_suffixes(void)
{
    CHECK(cnx_image_suffix_known("a/b.JPG") && cnx_image_suffix_known("x.y.tiff"));
    CHECK(!cnx_image_suffix_known("a.png/b") && !cnx_image_suffix_known(".png"));
    CHECK(!cnx_image_suffix_known("png") && !cnx_image_suffix_known("a.gif"));
    CHECK(!cnx_image_suffix_known("dir/.png") && !cnx_image_suffix_known(""));
}

static void test_flip(void)
{
    uint8_t pixels[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    const uint8_t expected[] = {7, 8, 9, 4, 5, 6, 1, 2, 3, 17, 18, 19, 14, 15, 16, 11, 12, 13};
    cnx_image image = {.width = 3, .height = 2, .data = pixels};
    cnx_image_flip(&image);
    CHECK(memcmp(pixels, expected, sizeof pixels) == 0);
}

int main(void)
{
    test_golden();
    test_orientation();
    test_tiff();
    test_other_formats();
    test_plain_pnm();
    test_limits();
    test_suffixes();
    test_flip();
    return CHECK_RESULT;
}
