/* Masks made run by run are those made of pixels. */
#include "core/mask/rle_build.h"
#include "tests/unit/check.h"

/* A mask of random runs, added in pieces, against the same pixels encoded. */
static void test_random(unsigned long long *state, cnx_rle_builder *b)
{
    const uint32_t h = 1 + (uint32_t)(check_random(state) % 13);
    const uint32_t w = 1 + (uint32_t)(check_random(state) % 11);
    uint8_t mask[13 * 11] = {0};
    cnx_rle want = {0}, got = {0};
    cnx_error err = {0};
    cnx_rle_build_start(b);
    for (uint32_t at = 0; at < h * w;) {
        const bool set = check_random(state) & 1;
        uint32_t length = (uint32_t)(check_random(state) % 9);
        length = length < h * w - at ? length : h * w - at;
        cnx_rle_build_add(b, set, length);
        for (uint32_t end = at + length; at < end; at++)
            mask[at % h * w + at / h] = set;
    }
    CHECK(cnx_rle_build_finish(&got, b, h, w, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_rle_encode(&want, mask, h, w, w, &err) == CNX_OK, "%s", err.message);
    CHECK(got.h == h && got.w == w && got.count == want.count &&
              memcmp(got.counts, want.counts, want.count * sizeof *want.counts) == 0,
          "%u x %u: %zu runs, %zu of its pixels", h, w, got.count, want.count);
    cnx_rle_free(&got);
    cnx_rle_free(&want);
}

int main(void)
{
    unsigned long long state = 11;
    cnx_rle_builder b = {0};
    cnx_rle rle;
    cnx_error err = {0};
    for (int i = 0; i < 2000; i++)
        test_random(&state, &b);

    /* The longest mask: its runs sum to 2^32 - 1. */
    cnx_rle_build_start(&b);
    cnx_rle_build_add(&b, true, UINT32_MAX);
    CHECK(cnx_rle_build_finish(&rle, &b, UINT32_MAX, 1, &err) == CNX_OK, "%s", err.message);
    CHECK(rle.count == 2 && rle.counts[0] == 0 && rle.counts[1] == UINT32_MAX, "the longest mask");
    cnx_rle_free(&rle);
    cnx_rle_buffer_free(&b.runs);
    return CHECK_RESULT;
}
