/* Masks, outlines, boxes and tags drawn into pictures. */
#include "tools/paint.h"

#include "tests/unit/check.h"

enum { W = 60, H = 50 };

static void make_image(cnx_image *image, int value)
{
    CHECK(cnx_image_alloc(image, W, H, NULL) == CNX_OK);
    memset(image->data, value, 3 * W * H);
}

static const uint8_t *at(const cnx_image *image, int x, int y)
{
    return image->data + 3 * ((size_t)y * (size_t)image->width + (size_t)x);
}

static bool is(const cnx_image *image, int x, int y, int r, int g, int b)
{
    const uint8_t *p = at(image, x, y);
    return p[0] == r && p[1] == g && p[2] == b;
}

static cnx_rle square(int x0, int y0, int side)
{
    uint8_t bits[W * H] = {0};
    cnx_rle mask;
    for (int y = y0; y < y0 + side; y++)
        memset(bits + y * W + x0, 1, (size_t)side);
    CHECK(cnx_rle_encode(&mask, bits, H, W, W, NULL) == CNX_OK);
    return mask;
}

static void test_mask(void)
{
    cnx_image image = {0};
    cnx_rle mask = square(10, 20, 9), all = square(0, 0, 50);
    const cnx_painted thing = {.mask = &mask, .rgb = {200, 100, 0}};
    make_image(&image, 100);
    CHECK(cnx_paint(&image, &thing, 1, 0.5, NULL) == CNX_OK);
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const bool in = x >= 10 && x < 19 && y >= 20 && y < 29;
            const bool edge = in && (x == 10 || x == 18 || y == 20 || y == 28);
            CHECK(edge ? is(&image, x, y, 200, 100, 0)
                  : in ? is(&image, x, y, 150, 100, 50)
                       : is(&image, x, y, 100, 100, 100),
                  "at %d %d: %d %d %d", x, y, at(&image, x, y)[0], at(&image, x, y)[1],
                  at(&image, x, y)[2]);
        }
    /* At the border of the picture, where a mask's edge is the picture's. */
    const cnx_painted whole = {.mask = &all, .rgb = {1, 2, 3}};
    CHECK(cnx_paint(&image, &whole, 1, 0, NULL) == CNX_OK);
    CHECK(is(&image, 0, 0, 1, 2, 3) && is(&image, 49, 49, 1, 2, 3) &&
          is(&image, 5, 5, 100, 100, 100));
    /* The first is on top. */
    cnx_rle other = square(15, 22, 9);
    const cnx_painted two[] = {{.mask = &mask, .rgb = {255, 0, 0}},
                               {.mask = &other, .rgb = {0, 0, 255}}};
    CHECK(cnx_paint(&image, two, 2, 1, NULL) == CNX_OK);
    CHECK(is(&image, 17, 25, 255, 0, 0) && is(&image, 21, 25, 0, 0, 255));
    /* A mask of another size is a mistake of the program's. */
    mask.w--;
    CHECK(cnx_paint(&image, &thing, 1, 1, NULL) == CNX_ERR_INTERNAL);
    cnx_rle_free(&mask);
    cnx_rle_free(&all);
    cnx_rle_free(&other);
    cnx_image_free(&image);
}

static void test_box_and_tag(void)
{
    cnx_image image = {0};
    make_image(&image, 0);
    const cnx_painted box = {.corners = {10.2, 20.7, 29.5, 40}, .rgb = {0, 255, 0}};
    CHECK(cnx_paint(&image, &box, 1, 1, NULL) == CNX_OK);
    CHECK(is(&image, 10, 20, 0, 255, 0) && is(&image, 29, 39, 0, 255, 0));
    CHECK(is(&image, 11, 21, 0, 0, 0) && is(&image, 30, 39, 0, 0, 0) && is(&image, 9, 20, 0, 0, 0));
    /* Tags stay inside, whatever the box. */
    static const double corners[][4] = {
        {0, 0, 1, 1}, {59, 49, 60, 50}, {0, 49, 60, 50}, {55, 0, 60, 50}, {30, 30, 30, 30}};
    for (size_t i = 0; i < sizeof corners / sizeof *corners; i++) {
        cnx_painted tagged = {.rgb = {255, 255, 0}, .tag = "nucleus 0.98"};
        memcpy(tagged.corners, corners[i], sizeof tagged.corners);
        memset(image.data, 0, 3 * W * H);
        CHECK(cnx_paint(&image, &tagged, 1, 1, NULL) == CNX_OK);
        int yellow = 0, ink = 0;
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                yellow += is(&image, x, y, 255, 255, 0);
        for (int y = 0; y < H - 1; y++) /* ink: black between yellow */
            for (int x = 1; x < W - 1; x++)
                ink += is(&image, x, y, 0, 0, 0) && is(&image, x - 1, y, 255, 255, 0) &&
                       is(&image, x + 1, y, 255, 255, 0);
        CHECK(yellow > 200 && ink > 5, "box %zu: %d yellow, %d ink", i, yellow, ink);
    }
    cnx_image_free(&image);
}

int main(void)
{
    test_mask();
    test_box_and_tag();
    return CHECK_RESULT;
}
