/* The 8-bit resize: golden files and bit equality with cv::resize. */
#include "tests/unit/image/files.h"
#include "tests/unit/image/opencv_reference.h"

static void check_golden(const char *folder, const char *source, const char *name)
{
    char path[4096];
    cnx_error err = {0};
    cnx_image in = {0}, golden = {0}, out = {0};
    snprintf(path, sizeof path, "%s/%s", folder, source);
    CHECK(cnx_image_read(&in, path, NULL, &err) == CNX_OK, "%s", err.message);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(cnx_image_read(&golden, path, NULL, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_image_resize(&out, &in, golden.width, golden.height, &err) == CNX_OK, "%s",
          err.message);
    if (out.data && golden.data)
        CHECK(memcmp(out.data, golden.data, 3 * (size_t)out.width * (size_t)out.height) == 0, "%s",
              name);
    cnx_image_free(&in);
    cnx_image_free(&golden);
    cnx_image_free(&out);
}

static void test_golden(void)
{
    static const char *const plain[] = {
        "cv2linear_11x53.png", "cv2linear_18x26.png", "cv2linear_19x27.png", "cv2linear_1x1.png",
        "cv2linear_37x20.png", "cv2linear_64x64.png", "cv2linear_74x106.png"};
    static const char *const even[] = {"cv2linear_even_12x13.png", "cv2linear_even_18x26.png",
                                       "cv2linear_even_72x104.png"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        check_golden(IMAGES "/resize", "src.png", plain[i]);
    for (size_t i = 0; i < sizeof even / sizeof *even; i++)
        check_golden(IMAGES "/resize", "src_even.png", even[i]);
    char buffer[4096];
    const char *shared = check_shared(buffer, sizeof buffer, "fixtures/seg/ops/resize_u8");
    if (shared)
        check_golden(shared, "src.png", "cv2linear_512x733.png");
}

static void compare(int width, int height, int out_width, int out_height, unsigned long long *seed)
{
    cnx_error err = {0};
    cnx_image in, out = {0};
    CHECK(cnx_image_alloc(&in, width, height, &err) == CNX_OK);
    const unsigned mask = check_random(seed) % 4 ? 255 : 1; /* every fourth: black and white */
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++)
        in.data[i] = (uint8_t)((check_random(seed) & mask) * (255 / mask));
    uint8_t *expected = malloc(3 * (size_t)out_width * (size_t)out_height);
    reference_resize(expected, out_width, out_height, in.data, width, height);
    CHECK(cnx_image_resize(&out, &in, out_width, out_height, &err) == CNX_OK, "%s", err.message);
    CHECK(out.data && memcmp(out.data, expected, 3 * (size_t)out_width * (size_t)out_height) == 0,
          "%d x %d -> %d x %d", width, height, out_width, out_height);
    cnx_image_free(&in);
    cnx_image_free(&out);
    free(expected);
}

static void test_against_opencv(void)
{
    unsigned long long seed = 2024;
    for (int i = 0; i < 1200; i++) {
        const int limit = i % 10 == 0 ? 300 : i % 3 == 0 ? 8 : 60;
        const int w = 1 + (int)(check_random(&seed) % (unsigned)limit);
        const int h = 1 + (int)(check_random(&seed) % (unsigned)limit);
        compare(w, h, 1 + (int)(check_random(&seed) % (unsigned)limit),
                1 + (int)(check_random(&seed) % (unsigned)limit), &seed);
        compare(2 * w, 2 * h, w, h, &seed); /* the mean of four */
        compare(2 * w, h, w, h, &seed);     /* one axis only: not */
        compare(w, 2 * h, w, h, &seed);
        compare(w, h, 2 * w, 2 * h, &seed);
        compare(2 * w, 2 * h + 1, w, h, &seed); /* nearly */
        compare(3 * w, 3 * h, w, h, &seed);
        compare(4 * w, 4 * h, w, h, &seed);
    }
    compare(683, 512, 2048, 1535, &seed);
    compare(4000, 3, 333, 700, &seed);
    compare(1, 5000, 7, 1, &seed);
}

static void test_arguments(void)
{
    cnx_error err;
    cnx_image in, out;
    CHECK(cnx_image_alloc(&in, 2, 2, &err) == CNX_OK);
    memset(in.data, 7, 12);
    CHECK(cnx_image_resize(&out, &in, 0, 5, &err) == CNX_ERR_ARGUMENT && !out.data);
    CHECK(cnx_image_resize(&out, &in, 5, -1, &err) == CNX_ERR_ARGUMENT && !out.data);
    CHECK(cnx_image_resize(&out, &(cnx_image){0}, 5, 5, &err) == CNX_ERR_ARGUMENT);
    CHECK(cnx_image_resize(&out, &in, 2, 2, &err) == CNX_OK && out.data != in.data &&
          memcmp(out.data, in.data, 12) == 0);
    cnx_image_free(&out);
    cnx_image_free(&in);
    cnx_image_free(&in);
}

int main(void)
{
    test_golden();
    test_against_opencv();
    test_arguments();
    return CHECK_RESULT;
}
