#include "core/sha256.h"

#include <stdint.h>
#include <string.h>

#include "core/cpu.h"

enum { BLOCK = 64 };

/* FIPS 180-4, section 4.2.2. */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Whole blocks, one after the other. */
typedef void (*blocks_function)(uint32_t state[8], const unsigned char *data, size_t blocks);

static void compress(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = big_endian(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        const uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        const uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    memcpy(v, state, sizeof v);
    /* The standard moves all eight variables on by one each round; here their places turn instead:
     * variable n of round i is v[(n - i) mod 8]. */
    for (int i = 0; i < 64; i += 8) {
#pragma GCC unroll 8
        for (int r = 0; r < 8; r++) {
            uint32_t *const a = &v[(8 - r) & 7], *const b = &v[(9 - r) & 7];
            uint32_t *const c = &v[(10 - r) & 7], *const d = &v[(11 - r) & 7];
            uint32_t *const e = &v[(12 - r) & 7], *const f = &v[(13 - r) & 7];
            uint32_t *const g = &v[(14 - r) & 7], *const h = &v[(15 - r) & 7];
            const uint32_t s1 = rotate(*e, 6) ^ rotate(*e, 11) ^ rotate(*e, 25);
            const uint32_t t1 =
                *h + s1 + ((*e & *f) ^ (~*e & *g)) + round_constant[i + r] + w[i + r];
            const uint32_t s0 = rotate(*a, 2) ^ rotate(*a, 13) ^ rotate(*a, 22);
            *d += t1;
            *h = t1 + s0 + ((*a & *b) ^ (*a & *c) ^ (*b & *c));
        }
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void blocks_plain(uint32_t state[8], const unsigned char *data, size_t blocks)
{
    for (; blocks > 0; blocks--, data += BLOCK)
        compress(state, data);
}

#if defined(__x86_64__)
#include <immintrin.h>

/* The processor's own instructions want the eight variables as (a, b, e, f) and (c, d, g, h), the
 * first of each in the highest place; one of them does two rounds. */
__attribute__((target("sha,sse4.1,ssse3"))) static void
blocks_sha(uint32_t state[8], const unsigned char *data, size_t blocks)
{
    const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    const __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[0]), 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)&state[4]), 0x1b);
    __m128i abef = _mm_alignr_epi8(abcd, efgh, 8), cdgh = _mm_blend_epi16(efgh, abcd, 0xf0);
    for (; blocks > 0; blocks--, data += BLOCK) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[16]; /* four words each */
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            if (i < 4) {
                w[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + 16 * i));
                w[i] = _mm_shuffle_epi8(w[i], swap);
            } else {
                const __m128i seventh = _mm_alignr_epi8(w[i - 1], w[i - 2], 4);
                w[i] = _mm_add_epi32(_mm_sha256msg1_epu32(w[i - 4], w[i - 3]), seventh);
                w[i] = _mm_sha256msg2_epu32(w[i], w[i - 1]);
            }
            const __m128i k = _mm_loadu_si128((const __m128i *)&round_constant[4 * i]);
            const __m128i sum = _mm_add_epi32(w[i], k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)&state[0], _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)&state[4], _mm_alignr_epi8(dchg, feba, 8));
}
#endif

static blocks_function fastest(void)
{
#if defined(__x86_64__)
    if (cnx_cpu_flags() & CNX_CPU_SHA)
        return blocks_sha;
#endif
    return blocks_plain;
}

static void hash(blocks_function run, const void *data, size_t size, char hex[65])
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const size_t whole = size / BLOCK, left = size % BLOCK;
    run(state, data, whole);

    /* The rest, a one bit, zeros, and the length in bits: one block or two. */
    unsigned char tail[2 * BLOCK] = {0};
    if (left)
        memcpy(tail, (const unsigned char *)data + whole * BLOCK, left);
    tail[left] = 0x80;
    const size_t padded = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    const uint64_t bits = (uint64_t)size * 8;
    for (size_t i = 0; i < 8; i++)
        tail[padded - 1 - i] = (unsigned char)(bits >> (8 * i));
    run(state, tail, padded / BLOCK);

    for (int i = 0; i < 64; i++)
        hex[i] = "0123456789abcdef"[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    hex[64] = '\0';
}

void cnx_sha256_hex(const void *data, size_t size, char hex[65])
{
    hash(fastest(), data, size, hex);
}

void cnx_sha256_hex_plain(const void *data, size_t size, char hex[65])
{
    hash(blocks_plain, data, size, hex);
}
