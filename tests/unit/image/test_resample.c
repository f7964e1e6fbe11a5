/* Pillow's resize: checksums of what Pillow itself makes, and parts of a result made alone. */
#include <zlib.h>

#include "core/image/resample.h"
#include "tests/unit/image/files.h"

/* CRC-32 of the pixels that Pillow 9.4 makes of noise (see fill), bilinear and bicubic:
 * zlib.crc32(numpy.asarray(Image.fromarray(noise).resize((w, h), filter)).tobytes()) */
static const struct {
    int in_w, in_h, w, h;
    unsigned long crc[2];
} cases[] = {
    {1, 1, 1, 1, {0xa9764ca5u, 0xa9764ca5u}},
    {1, 1, 7, 5, {0xfeabef1au, 0xfeabef1au}},
    {2, 3, 1, 1, {0x7bf5ffbfu, 0x67bd5a14u}},
    {5, 1, 3, 9, {0x73558fb8u, 0xa045a42eu}},
    {53, 37, 11, 53, {0x5952c935u, 0xf9e06206u}},
    {64, 48, 341, 256, {0xabcc20bdu, 0x191ab8edu}},
    {500, 375, 341, 256, {0xb74aa456u, 0x2ad48725u}},
    {375, 500, 256, 341, {0x4c5d594cu, 0xcebd4188u}},
    {97, 131, 224, 224, {0x16851607u, 0x7540837bu}},
    {640, 480, 384, 384, {0xdf208a02u, 0x7b108afcu}},
    {1000, 3, 333, 700, {0xd56bf395u, 0xf4ac87c9u}},
    {3, 900, 7, 64, {0xf26e6910u, 0xc1a0483du}},
    {256, 256, 256, 256, {0x7d73a8b2u, 0x7d73a8b2u}},
    {256, 300, 256, 256, {0xad57c4aau, 0xdc6713edu}},
    {300, 256, 256, 256, {0xe6616833u, 0x92932d6cu}},
    {17, 19, 170, 191, {0xe2f7e976u, 0xc08439abu}},
    {1023, 767, 64, 48, {0x3c175b4eu, 0xec35f3e0u}},
    {256, 171, 383, 256, {0x2fa5b6a2u, 0x24b18c80u}},
    {41, 333, 256, 2078, {0x55eb67ceu, 0x80bd3cdcu}},
    {2000, 1500, 384, 384, {0xb454e2e0u, 0x28012f59u}},
};

/* Noise that any language makes alike: the low bytes of splitmix64. */
static void fill(cnx_image *image)
{
    unsigned long long state =
        (unsigned long long)image->width * 1000003u + (unsigned long long)image->height;
    for (size_t i = 0; i < 3 * (size_t)image->width * (size_t)image->height; i++)
        image->data[i] = (uint8_t)(check_random(&state) & 255);
}

static size_t bytes_of(const cnx_image *image)
{
    return 3 * (size_t)image->width * (size_t)image->height;
}

/* Any part of the result has the pixels of the whole. */
static void check_parts(const cnx_image *in, const cnx_image *whole, cnx_resample_filter filter)
{
    unsigned long long seed = 7;
    for (int i = 0; i < 6; i++) {
        cnx_error err = {0};
        cnx_image part;
        cnx_image_box box = {.left = (int)(check_random(&seed) % (unsigned)whole->width),
                             .top = (int)(check_random(&seed) % (unsigned)whole->height)};
        box.width = 1 + (int)(check_random(&seed) % (unsigned)(whole->width - box.left));
        box.height = 1 + (int)(check_random(&seed) % (unsigned)(whole->height - box.top));
        CHECK(cnx_image_resample(&part, in, whole->width, whole->height, filter, &box, &err) ==
                  CNX_OK,
              "%s", err.message);
        CHECK(part.width == box.width && part.height == box.height, "size of a part");
        for (int y = 0; part.data && y < box.height; y++)
            CHECK(memcmp(part.data + 3 * (size_t)y * (size_t)box.width,
                         whole->data +
                             3 * ((size_t)(box.top + y) * (size_t)whole->width + (size_t)box.left),
                         3 * (size_t)box.width) == 0,
                  "row %d of a part of %d x %d at %d, %d", y, box.width, box.height, box.left,
                  box.top);
        cnx_image_free(&part);
    }
}

static void test_against_pillow(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_error err = {0};
        cnx_image in, out;
        CHECK(cnx_image_alloc(&in, cases[i].in_w, cases[i].in_h, &err) == CNX_OK);
        fill(&in);
        for (int f = 0; f < 2; f++) {
            const cnx_resample_filter filter = f ? CNX_RESAMPLE_BICUBIC : CNX_RESAMPLE_BILINEAR;
            CHECK(cnx_image_resample(&out, &in, cases[i].w, cases[i].h, filter, NULL, &err) ==
                      CNX_OK,
                  "%s", err.message);
            if (!out.data)
                continue;
            CHECK(crc32_z(0, out.data, bytes_of(&out)) == cases[i].crc[f],
                  "%d x %d to %d x %d, %s: not what Pillow makes", cases[i].in_w, cases[i].in_h,
                  cases[i].w, cases[i].h, f ? "bicubic" : "bilinear");
            check_parts(&in, &out, filter);
            cnx_image_free(&out);
        }
        cnx_image_free(&in);
    }
}

static void test_golden(void)
{
    static const char *const sizes[] = {"11x53", "18x26", "19x27", "1x1",
                                        "37x20", "64x64", "74x106"};
    char shared[4096], path[8192];
    cnx_error err = {0};
    cnx_image in;
    if (!check_shared(shared, sizeof shared, "fixtures/seg/ops/resize_u8"))
        return;
    snprintf(path, sizeof path, "%s/src.png", shared);
    CHECK(cnx_image_read(&in, path, NULL, &err) == CNX_OK, "%s", err.message);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        const bool cubic = i % 2;
        cnx_image want, got;
        snprintf(path, sizeof path, "%s/pil%s_%s.png", shared, cubic ? "bicubic" : "bilinear",
                 sizes[i / 2]);
        CHECK(cnx_image_read(&want, path, NULL, &err) == CNX_OK, "%s", err.message);
        CHECK(cnx_image_resample(&got, &in, want.width, want.height,
                                 cubic ? CNX_RESAMPLE_BICUBIC : CNX_RESAMPLE_BILINEAR, NULL,
                                 &err) == CNX_OK,
              "%s", err.message);
        CHECK(got.data && memcmp(got.data, want.data, bytes_of(&want)) == 0, "%s", path);
        cnx_image_free(&want);
        cnx_image_free(&got);
    }
    cnx_image_free(&in);
}

/* A result that could not be held is no obstacle where only a part of it is wanted. */
static void test_long(void)
{
    cnx_error err = {0};
    cnx_image in, out;
    const cnx_image_box box = {.left = 5000000, .top = 16, .width = 224, .height = 224};
    CHECK(cnx_image_alloc(&in, 60000, 1, &err) == CNX_OK);
    fill(&in);
    CHECK(cnx_image_resample(&out, &in, 15360000, 256, CNX_RESAMPLE_BICUBIC, &box, &err) == CNX_OK,
          "%s", err.message);
    CHECK(out.width == 224 && out.height == 224, "%d x %d", out.width, out.height);
    cnx_image_free(&out);
    cnx_image_free(&in);
}

static void test_arguments(void)
{
    static const cnx_image_box wrong[] = {{0, 0, 0, 1},  {0, 0, 1, 0}, {-1, 0, 1, 1},
                                          {0, -1, 1, 1}, {3, 0, 2, 1}, {0, 3, 1, 2}};
    cnx_error err;
    cnx_image in, out;
    CHECK(cnx_image_alloc(&in, 2, 2, &err) == CNX_OK);
    fill(&in);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(cnx_image_resample(&out, &in, 4, 4, CNX_RESAMPLE_BICUBIC, &wrong[i], &err) ==
                      CNX_ERR_ARGUMENT &&
                  !out.data,
              "box %zu", i);
    CHECK(cnx_image_resample(&out, &in, 0, 4, CNX_RESAMPLE_BICUBIC, NULL, &err) ==
          CNX_ERR_ARGUMENT);
    CHECK(cnx_image_resample(&out, &(cnx_image){0}, 4, 4, CNX_RESAMPLE_BICUBIC, NULL, &err) ==
          CNX_ERR_ARGUMENT);
    CHECK(cnx_image_resample(&out, &in, 2, 2, CNX_RESAMPLE_BICUBIC, NULL, &err) == CNX_OK &&
          out.data != in.data && memcmp(out.data, in.data, 12) == 0);
    cnx_image_free(&out);
    cnx_image_free(&in);
}

int main(void)
{
    test_against_pillow();
    test_golden();
    test_long();
    test_arguments();
    return CHECK_RESULT;
}
