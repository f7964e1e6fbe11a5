/* The published test vectors of FIPS 180-4, and all lengths around a block's end. */
#include "core/sha256.h"

#include "tests/unit/check.h"

static void expect(const void *data, size_t size, const char *want)
{
    char hex[65];
    cnx_sha256_hex(data, size, hex);
    CHECK(strcmp(hex, want) == 0, "%zu bytes: %s, expected %s", size, hex, want);
    cnx_sha256_hex_plain(data, size, hex);
    CHECK(strcmp(hex, want) == 0, "plain, %zu bytes: %s, expected %s", size, hex, want);
}

/* Both ways on every length of a few blocks, from every alignment. */
static void compare_ways(void)
{
    unsigned char data[300];
    unsigned long long random = 5;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)check_random(&random);
    for (size_t first = 0; first < 8; first++)
        for (size_t size = 0; first + size <= sizeof data; size++) {
            char one[65], other[65];
            cnx_sha256_hex(data + first, size, one);
            cnx_sha256_hex_plain(data + first, size, other);
            CHECK(strcmp(one, other) == 0, "%zu bytes: %s and %s", size, one, other);
        }
}

int main(void)
{
    expect("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    char *million = malloc(1000000);
    memset(million, 'a', 1000000);
    expect(million, 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    expect(million, 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
    expect(million, 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
    expect(million, 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
    expect(million, 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0");
    free(million);
    compare_ways();
    return CHECK_RESULT;
}
