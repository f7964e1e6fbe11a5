/* Palettes, blending, the legend. */
#include "core/image/draw.h"

#include <math.h>

#include "tests/unit/check.h"

static void test_palette(void)
{
    enum { COUNT = 256 };
    uint8_t rgb[3 * COUNT], again[3 * COUNT];
    cnx_palette_generate(rgb, COUNT);
    cnx_palette_generate(again, 10);
    CHECK(memcmp(rgb, again, 30) == 0, "a longer palette begins like a shorter one");
    /* Fixed for ever: masks of different versions must look alike. */
    const uint8_t first[6] = {245, 88, 52, 36, 49, 170};
    CHECK(memcmp(rgb, first, 6) == 0, "%d %d %d  %d %d %d", rgb[0], rgb[1], rgb[2], rgb[3], rgb[4],
          rgb[5]);
    int closest_early = 1000, closest = 1000;
    for (int i = 0; i < COUNT; i++) {
        const uint8_t *a = rgb + 3 * i;
        CHECK(a[0] + a[1] + a[2] > 150, "colour %d is too dark", i);
        for (int j = 0; j < i; j++) {
            const uint8_t *b = rgb + 3 * j;
            const int distance = abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]);
            closest = distance < closest ? distance : closest;
            if (i < 21)
                closest_early = distance < closest_early ? distance : closest_early;
        }
    }
    CHECK(closest > 0, "two colours are the same");
    CHECK(closest_early >= 40, "two of the first 21 are only %d apart", closest_early);
}

static void test_colour_and_blend(void)
{
    const uint8_t palette[6] = {10, 20, 30, 200, 100, 0};
    const uint16_t labels[4] = {0, 1, 2, 65535};
    uint8_t out[12];
    cnx_colour_labels(labels, 4, palette, 2, out);
    const uint8_t coloured[12] = {10, 20, 30, 200, 100, 0};
    CHECK(memcmp(out, coloured, 12) == 0);

    static const float opacities[] = {-1.0f, 0.0f, 0.25f, 0.5f, 0.6f, 1.0f, 2.0f, NAN};
    for (size_t o = 0; o < sizeof opacities / sizeof *opacities; o++) {
        const double a = isnan(opacities[o]) ? 0.0 : fmin(fmax((double)opacities[o], 0.0), 1.0);
        for (int value = 0; value < 256; value++) {
            uint8_t rgb[12];
            memset(rgb, value, sizeof rgb);
            cnx_blend_labels(rgb, labels, 4, palette, 2, opacities[o]);
            for (int i = 0; i < 12; i++) {
                const double exact = value * (1.0 - a) + coloured[i] * a;
                CHECK(fabs(rgb[i] - exact) <= 0.5 + 1.0 / 256, "%d over %d at %g", coloured[i],
                      value, a);
            }
        }
    }
}

static bool ground_only(const cnx_image *image)
{
    for (size_t i = 3; i < 3 * (size_t)image->width * (size_t)image->height; i++)
        if (image->data[i] != image->data[i - 3])
            return false;
    return true;
}

static void test_legend(void)
{
    cnx_legend_entry entries[40];
    for (int i = 0; i < 40; i++)
        entries[i] =
            (cnx_legend_entry){.text = i % 3 ? "caf\xC3\xA9 and a very long name of things" : "sky",
                               .rgb = {200, (uint8_t)(5 * i), 9},
                               .share = i % 4 ? 0.025f * (float)i : -1.0f};
    static const int widths[] = {1, 2, 11, 20, 25, 64, 97, 320, 683, 1999, 5000};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        for (int count = 0; count <= 40; count += count < 3 ? 1 : 37) {
            cnx_image legend;
            cnx_error err = {0};
            CHECK(cnx_legend_draw(&legend, entries, count, widths[w], &err) == CNX_OK, "%s",
                  err.message);
            if (count == 0) {
                CHECK(legend.height == 0 && !legend.data);
                continue;
            }
            CHECK(legend.width == widths[w] && legend.height > 0);
            CHECK(widths[w] < 20 || !ground_only(&legend), "nothing is drawn at %d", widths[w]);
            cnx_image_free(&legend);
        }
    }
    cnx_image wide, narrow;
    cnx_error err;
    CHECK(cnx_legend_draw(&wide, entries, 40, 799, &err) == CNX_OK);
    CHECK(cnx_legend_draw(&narrow, entries, 40, 200, &err) == CNX_OK);
    CHECK(wide.height < narrow.height, "more room gives more columns");
    cnx_image_free(&wide);
    cnx_image_free(&narrow);
    CHECK(cnx_legend_draw(&wide, entries, 1, 0, &err) == CNX_ERR_ARGUMENT);
}

/* Odd text is drawn, not read past: a lone lead byte at the end, stray continuations, emptiness. */
static void test_odd_names(void)
{
    static const char *const names[] = {"", "\xE2", "\x80\x80\x80", "\xF0\x9F\x98\x80!", "\n\t"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *exact = strdup(names[i]);
        const cnx_legend_entry entry = {.text = exact, .rgb = {1, 2, 3}, .share = NAN};
        cnx_image legend;
        cnx_error err;
        CHECK(cnx_legend_draw(&legend, &entry, 1, 120, &err) == CNX_OK);
        cnx_image_free(&legend);
        free(exact);
    }
}

int main(void)
{
    test_palette();
    test_colour_and_blend();
    test_legend();
    test_odd_names();
    return CHECK_RESULT;
}
