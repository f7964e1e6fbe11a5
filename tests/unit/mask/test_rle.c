/* Masks as runs against dense maps: encode, decode, area, box, overlap, merging, text, and what is refused. */
#include "core/mask/rle.h"

#include <math.h>

#include "tests/unit/check.h"

enum { MAX_SIDE = 40, MAX_PIXELS = MAX_SIDE * MAX_SIDE };

typedef struct dense {
    uint32_t h, w;
    uint8_t pixels[MAX_PIXELS];
} dense;

static void fill_noise(dense *m, unsigned long long *seed, uint32_t h, uint32_t w)
{
    const unsigned rarity = 1 + (unsigned)(check_random(seed) % 9);
    m->h = h;
    m->w = w;
    uint8_t value = 0;
    for (uint32_t i = 0; i < h * w; i++) {
        if (check_random(seed) % rarity == 0)
            value = (uint8_t)(check_random(seed) % 2 ? 1 + check_random(seed) % 255 : 0);
        m->pixels[i % h * w + i / h] = value; /* long runs down the columns */
    }
}

static uint32_t count_pixels(const dense *a, const dense *b, bool both)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < a->h * a->w; i++)
        n += both ? a->pixels[i] && b->pixels[i] : a->pixels[i] || b->pixels[i];
    return n;
}

static bool same(const cnx_rle *rle, const dense *a, const dense *b, bool both)
{
    uint8_t out[MAX_PIXELS];
    memset(out, 7, sizeof out);
    cnx_rle_decode(out, rle->w, rle);
    for (uint32_t i = 0; i < a->h * a->w; i++) {
        const bool want = both ? a->pixels[i] && b->pixels[i] : a->pixels[i] || b->pixels[i];
        if (out[i] != want)
            return false;
    }
    return a->h * a->w == MAX_PIXELS || out[a->h * a->w] == 7;
}

/* What the box should be: exact where no run crosses into the next column. */
static void check_box(const cnx_rle *rle, const dense *m)
{
    double box[4];
    uint32_t x0 = m->w, y0 = m->h, x1 = 0, y1 = 0;
    bool crosses = false;
    for (uint32_t x = 0; x < m->w; x++)
        for (uint32_t y = 0; y < m->h; y++)
            if (m->pixels[y * m->w + x]) {
                x0 = x < x0 ? x : x0;
                x1 = x + 1 > x1 ? x + 1 : x1;
                y0 = y < y0 ? y : y0;
                y1 = y + 1 > y1 ? y + 1 : y1;
                crosses |= y + 1 == m->h && x + 1 < m->w && m->pixels[x + 1];
            }
    cnx_rle_box(box, rle);
    if (x1 == 0) {
        CHECK(box[0] == 0 && box[1] == 0 && box[2] == 0 && box[3] == 0);
        return;
    }
    if (crosses) {
        y0 = 0;
        y1 = m->h;
    }
    CHECK(box[0] == x0 && box[1] == y0 && box[2] == x1 - x0 && box[3] == y1 - y0,
          "%g %g %g %g, expected %u %u %u %u", box[0], box[1], box[2], box[3], x0, y0, x1 - x0,
          y1 - y0);
}

static void check_text(const cnx_rle *rle)
{
    cnx_error err = {0};
    const size_t length = cnx_rle_to_text(NULL, 0, rle);
    char *text = malloc(length + 2);
    text[length + 1] = '#';
    CHECK(cnx_rle_to_text(text, length + 1, rle) == length && strlen(text) == length);
    cnx_rle back;
    const bool read = cnx_rle_from_text(&back, text, length, rle->h, rle->w, &err) == CNX_OK;
    CHECK(read && back.count == rle->count &&
              memcmp(back.counts, rle->counts, rle->count * sizeof *rle->counts) == 0,
          "%s: %s", text, err.message);
    cnx_rle_free(&back);
    if (length > 1) { /* less room: a shorter text, nothing beyond it */
        text[length] = '!';
        CHECK(cnx_rle_to_text(text, length, rle) == length && text[length - 1] == '\0' &&
              text[length] == '!' && text[length + 1] == '#');
    }
    free(text);
}

static void random_masks(void)
{
    unsigned long long seed = 11;
    static dense a, b;
    for (int round = 0; round < 2000; round++) {
        const uint32_t h = 1 + (uint32_t)(check_random(&seed) % MAX_SIDE);
        const uint32_t w = 1 + (uint32_t)(check_random(&seed) % MAX_SIDE);
        cnx_rle masks[2] = {0}, all = {0}, both = {0};
        fill_noise(&a, &seed, h, w);
        fill_noise(&b, &seed, h, w);
        CHECK(cnx_rle_encode(&masks[0], a.pixels, h, w, w, NULL) == CNX_OK);
        CHECK(cnx_rle_encode(&masks[1], b.pixels, h, w, w, NULL) == CNX_OK);
        CHECK(same(&masks[0], &a, &a, true) && same(&masks[1], &b, &b, true));
        CHECK(cnx_rle_check(masks[0].counts, masks[0].count, h, w, NULL) == CNX_OK);
        CHECK(cnx_rle_area(&masks[0]) == count_pixels(&a, &a, true));
        check_box(&masks[0], &a);
        check_text(&masks[0]);
        CHECK(cnx_rle_merge(&all, masks, 2, false, NULL) == CNX_OK && same(&all, &a, &b, false));
        CHECK(cnx_rle_merge(&both, masks, 2, true, NULL) == CNX_OK && same(&both, &a, &b, true));
        const uint32_t shared = count_pixels(&a, &b, true), covered = count_pixels(&a, &b, false);
        const double iou = shared ? (double)shared / (double)covered : 0;
        CHECK(cnx_rle_iou(&masks[0], &masks[1], false) == iou);
        const double crowd = shared ? (double)shared / (double)cnx_rle_area(&masks[0]) : 0;
        CHECK(cnx_rle_iou(&masks[0], &masks[1], true) == crowd);
        cnx_rle_free(&masks[0]);
        cnx_rle_free(&masks[1]);
        cnx_rle_free(&all);
        cnx_rle_free(&both);
    }
}

static void strides(void)
{
    uint8_t mask[3 * 7];
    memset(mask, 9, sizeof mask);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 4; x++)
            mask[y * 7 + x] = (uint8_t)((x + y) % 2 ? 200 : 0);
    cnx_rle rle;
    CHECK(cnx_rle_encode(&rle, mask, 3, 4, 7, NULL) == CNX_OK && rle.count == 12 &&
          rle.counts[0] == 1);
    uint8_t back[3 * 5];
    memset(back, 9, sizeof back);
    cnx_rle_decode(back, 5, &rle);
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 5; x++)
            CHECK(back[y * 5 + x] == (x == 4 ? 9 : (x + y) % 2), "%d %d", x, y);
    cnx_rle_free(&rle);
    CHECK(cnx_rle_encode(&rle, mask, 3, 4, 3, NULL) == CNX_ERR_ARGUMENT && !rle.counts);
    CHECK(cnx_rle_encode(&rle, NULL, 65536, 65536, 65536, NULL) == CNX_ERR_UNSUPPORTED);
    CHECK(cnx_rle_encode(&rle, NULL, 0, 4, 0, NULL) == CNX_OK && rle.count == 1 &&
          rle.counts[0] == 0);
    cnx_rle_free(&rle);
}

static void refuse_text(const char *text, uint32_t h, uint32_t w, const char *say)
{
    cnx_rle rle;
    cnx_error err = {0};
    CHECK(cnx_rle_from_text(&rle, text, strlen(text), h, w, &err) != CNX_OK && !rle.counts &&
              strstr(err.message, say),
          "\"%s\": %s; expected %s", text, err.message, say);
}

static void refused(void)
{
    refuse_text("", 5, 7, "empty");
    refuse_text("S", 5, 7, "ends inside a run, after 1");
    refuse_text("S1 ", 5, 7, "byte 0x20 at place 2");
    refuse_text("S1p", 5, 7, "byte 0x70 at place 2");
    refuse_text("S1\xc3\xa9", 5, 7, "byte 0xc3 at place 2");
    refuse_text("S11", 5, 7, "sum to more than the 35");
    refuse_text("R1", 5, 7, "sum to 34");
    refuse_text("O", 5, 7, "run 0 of the mask has length -1");
    refuse_text("55N", 5, 7, "run 2 of the mask has length -2");
    refuse_text("oooooooooooo1", 5, 7, "longer than any mask, at place 6");
    refuse_text("S1", 65536, 65536, "too large");
    cnx_rle rle;
    cnx_error err = {0};
    const uint32_t wraps[] = {UINT32_MAX, 36};
    CHECK(cnx_rle_from_counts(&rle, wraps, 2, 5, 7, &err) == CNX_ERR_FORMAT, "%s", err.message);
    CHECK(cnx_rle_from_counts(&rle, wraps, 0, 5, 7, &err) == CNX_ERR_FORMAT, "%s", err.message);
    CHECK(cnx_rle_merge(&rle, NULL, 0, false, &err) == CNX_ERR_ARGUMENT);
    const double far[] = {0, 0, 1e9, 0, 1e9, 5}, nan[] = {0, 0, (double)NAN, 1, 2, 3};
    CHECK(cnx_rle_from_polygon(&rle, far, 3, 5, 7, &err) == CNX_ERR_FORMAT &&
              strstr(err.message, "point 1"),
          "%s", err.message);
    CHECK(cnx_rle_from_polygon(&rle, nan, 3, 5, 7, &err) == CNX_ERR_FORMAT, "%s", err.message);
    CHECK(cnx_rle_from_polygon(&rle, nan, 0, 5, 7, &err) == CNX_ERR_FORMAT, "%s", err.message);
}

static void sizes_differ(void)
{
    const uint32_t ones[] = {0, 12};
    cnx_rle masks[2], out;
    CHECK(cnx_rle_from_counts(&masks[0], ones, 2, 3, 4, NULL) == CNX_OK);
    CHECK(cnx_rle_from_counts(&masks[1], ones, 2, 4, 3, NULL) == CNX_OK);
    CHECK(cnx_rle_iou(&masks[0], &masks[1], false) == -1);
    CHECK(cnx_rle_merge(&out, masks, 2, false, NULL) == CNX_ERR_ARGUMENT && !out.counts);
    cnx_rle_free(&masks[0]);
    cnx_rle_free(&masks[1]);
}

/* Runs of length 0 inside: no box comes of ones that are none; merging keeps every pixel. */
static void empty_runs(void)
{
    const uint32_t none[] = {5, 0, 30}, some[] = {3, 2, 0, 4, 26}, other[] = {5, 0, 2, 10, 18};
    cnx_rle masks[2], merged;
    double box[4];
    CHECK(cnx_rle_from_counts(&masks[0], none, 3, 5, 7, NULL) == CNX_OK);
    cnx_rle_box(box, &masks[0]);
    CHECK(cnx_rle_area(&masks[0]) == 0 && box[0] == 7);
    cnx_rle_free(&masks[0]);
    CHECK(cnx_rle_from_counts(&masks[0], some, 5, 5, 7, NULL) == CNX_OK);
    CHECK(cnx_rle_from_counts(&masks[1], other, 5, 5, 7, NULL) == CNX_OK);
    CHECK(cnx_rle_merge(&merged, masks, 2, false, NULL) == CNX_OK);
    CHECK(cnx_rle_check(merged.counts, merged.count, 5, 7, NULL) == CNX_OK &&
          cnx_rle_area(&merged) == 14);
    cnx_rle_free(&merged);
    cnx_rle_free(&masks[0]);
    cnx_rle_free(&masks[1]);
}

int main(void)
{
    random_masks();
    strides();
    refused();
    sizes_differ();
    empty_runs();
    return CHECK_RESULT;
}
