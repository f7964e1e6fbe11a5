/* The conversions between float types, against the definition: nearest, ties to even. */
#include "core/checkpoint/dtype.h"

#include <math.h>

#include "tests/unit/check.h"

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* By the formula, not by bits. */
static double f16_by_definition(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
    const double magnitude = exponent == 0   ? ldexp(mantissa, -24)
                             : exponent < 31 ? ldexp(1024 + mantissa, exponent - 25)
                             : mantissa == 0 ? INFINITY
                                             : NAN;
    return bits & 0x8000 ? -magnitude : magnitude;
}

static void widening(void)
{
    for (unsigned bits = 0; bits < 65536; bits++) {
        const double want = f16_by_definition((uint16_t)bits);
        const float got = cnx_f16_to_f32((uint16_t)bits);
        if (isnan(want)) {
            CHECK(isnan(got) && isnan(cnx_f16_to_f32(cnx_f32_to_f16(got))), "%04x", bits);
            continue;
        }
        CHECK(got == (float)want && !signbit(got) == !signbit(want), "%04x: %g", bits, got);
        CHECK(cnx_f32_to_f16(got) == bits, "%04x does not come back", bits);
        const float wide = cnx_bf16_to_f32((uint16_t)bits);
        if (!isnan(wide))
            CHECK(cnx_f32_to_bf16(wide) == bits, "bf16 %04x does not come back", bits);
    }
}

/* Between each two neighbours: just below the middle, the middle, just above. */
static void narrowing_f16(void)
{
    for (unsigned bits = 0; bits < 0x7bff; bits++) {
        const float low = cnx_f16_to_f32((uint16_t)bits),
                    high = cnx_f16_to_f32((uint16_t)(bits + 1));
        const float middle = low + (high - low) / 2; /* exact */
        const unsigned even = bits % 2 ? bits + 1 : bits;
        CHECK(cnx_f32_to_f16(middle) == even, "%04x: tie", bits);
        CHECK(cnx_f32_to_f16(nextafterf(middle, low)) == bits, "%04x: below", bits);
        CHECK(cnx_f32_to_f16(nextafterf(middle, high)) == bits + 1, "%04x: above", bits);
        CHECK(cnx_f32_to_f16(-middle) == (even | 0x8000), "%04x: negative tie", bits);
    }
    CHECK(cnx_f32_to_f16(65519.996f) == 0x7bff, "the largest that stays finite");
    CHECK(cnx_f32_to_f16(65520.0f) == 0x7c00, "halfway to the next is infinity");
    CHECK(cnx_f32_to_f16(1e30f) == 0x7c00 && cnx_f32_to_f16(-INFINITY) == 0xfc00, "overflow");
    CHECK(cnx_f32_to_f16(0x1p-25f) == 0 && cnx_f32_to_f16(0x1.8p-25f) == 1, "smallest");
    CHECK(cnx_f32_to_f16(1e-45f) == 0 && cnx_f32_to_f16(-0.0f) == 0x8000, "zeros");
    CHECK(isnan(cnx_f16_to_f32(cnx_f32_to_f16(from_bits(0x7f800001)))), "a NaN stays one");
}

static void narrowing_bf16(void)
{
    unsigned long long state = 7;
    for (int i = 0; i < 200000; i++) {
        const uint32_t bits = (uint32_t)check_random(&state);
        const float value = from_bits(bits);
        if (isnan(value))
            continue;
        const uint16_t low = (uint16_t)(bits >> 16); /* toward zero */
        const uint32_t rest = bits & 0xffff;
        const unsigned want = rest > 0x8000 || (rest == 0x8000 && low % 2) ? low + 1u : low;
        CHECK(cnx_f32_to_bf16(value) == want, "%08x", bits);
    }
    CHECK(cnx_f32_to_bf16(from_bits(0x3f808000)) == 0x3f80, "tie to even, down");
    CHECK(cnx_f32_to_bf16(from_bits(0x3f818000)) == 0x3f82, "tie to even, up");
    CHECK(cnx_f32_to_bf16(3.4028235e38f) == 0x7f80, "overflow");
    CHECK(isnan(cnx_bf16_to_f32(cnx_f32_to_bf16(from_bits(0x7f800001)))), "a NaN stays one");
}

static void from_double(void)
{
    const double values[] = {1.0 + 0x1p-24, 1.0 + 0x3p-24, 1.0 + 0x1p-24 + 0x1p-50, 1e300};
    float out[4];
    cnx_convert_to_f32(out, (const unsigned char *)values, 4, 8, CNX_F64);
    CHECK(out[0] == 1.0f, "tie to even, down");
    CHECK(out[1] == 1.0f + 0x1p-22f, "tie to even, up");
    CHECK(out[2] == 1.0f + 0x1p-23f, "above the tie");
    CHECK(isinf(out[3]), "overflow");
}

int main(void)
{
    widening();
    narrowing_f16();
    narrowing_bf16();
    from_double();
    return CHECK_RESULT;
}
