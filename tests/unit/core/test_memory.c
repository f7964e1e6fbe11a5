/* Blocks around the sizes where they are asked for in other pages: aligned, writable to their end,
 * apart from each other. */
#include "core/memory.h"

#include "tests/unit/check.h"

enum { BLOCKS = 16 };

static const size_t sizes[BLOCKS] = {1,
                                     63,
                                     64,
                                     65,
                                     ((size_t)128 << 10) - 64,
                                     ((size_t)128 << 10) - 1,
                                     (size_t)128 << 10,
                                     ((size_t)128 << 10) + 1,
                                     ((size_t)2 << 20) - 65,
                                     ((size_t)2 << 20) - 1,
                                     (size_t)2 << 20,
                                     ((size_t)2 << 20) + 1,
                                     ((size_t)3 << 20) + 4095,
                                     ((size_t)4 << 20) - 1,
                                     (size_t)4 << 20,
                                     ((size_t)6 << 20) + 12345};

static void check_block(const unsigned char *block, size_t size, int value)
{
    size_t wrong = 0;
    for (size_t i = 0; i < size; i++)
        wrong += block[i] != value;
    CHECK(wrong == 0, "block of %zu bytes: %zu bytes have changed", size, wrong);
}

static void test_blocks(void)
{
    unsigned char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = cnx_alloc(sizes[i]);
        CHECK(blocks[i] && (uintptr_t)blocks[i] % CNX_ALIGNMENT == 0, "block of %zu bytes",
              sizes[i]);
        memset(blocks[i], i + 1, cnx_round_up(sizes[i], CNX_ALIGNMENT));
    }
    for (int i = 0; i < BLOCKS; i += 2) {
        cnx_free(blocks[i]);
        blocks[i] = cnx_calloc(sizes[i]);
        check_block(blocks[i], sizes[i], 0);
        memset(blocks[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < BLOCKS; i++) {
        check_block(blocks[i], sizes[i], i + 1);
        cnx_free(blocks[i]);
    }
}

static void test_no_blocks(void)
{
    cnx_error err = {0};
    void *block = NULL;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    const size_t beyond = SIZE_MAX; /* their allocators end the program where others say no */
#else
    const size_t beyond = SIZE_MAX / 4;
#endif
    CHECK(!cnx_alloc(0), "a block of no bytes");
    CHECK(!cnx_alloc(SIZE_MAX - 3), "a block whose size wraps when rounded");
    CHECK(cnx_alloc_or_fail(&block, beyond, "a map", &err) == CNX_ERR_MEMORY && !block,
          "a block beyond all memory");
    CHECK(strstr(err.message, "a map"), "%s", err.message);
    cnx_free(NULL);
}

int main(void)
{
    test_blocks();
    test_no_blocks();
    return CHECK_RESULT;
}
