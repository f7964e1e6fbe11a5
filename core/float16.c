#include "core/float16.h"

#include <string.h>

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float cnx_f16_to_f32(uint16_t bits)
{
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t exponent = bits >> 10 & 31;
    const uint32_t mantissa = bits & 0x3ff;
    if (exponent == 31)
        return float_of(sign | 0x7f800000 | mantissa << 13);
    if (exponent == 0) { /* zero or subnormal: mantissa x 2^-24, exact in float32 */
        const float magnitude = (float)mantissa * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

float cnx_bf16_to_f32(uint16_t bits)
{
    return float_of((uint32_t)bits << 16);
}

uint16_t cnx_f32_to_f16(float value)
{
    const uint32_t bits = bits_of(value);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) /* quiet, so that a cut payload cannot turn it into infinity */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
    if (magnitude >= 0x477ff000) /* 65520: halfway between the largest float16 and the next */
        return sign | 0x7c00;
    uint32_t kept, dropped, shift;
    if (magnitude < 0x38800000) {   /* below 2^-14: the result is subnormal, in units of 2^-24 */
        if (magnitude < 0x33000000) /* below 2^-25: to zero */
            return sign;
        shift = 126 - (magnitude >> 23);
        const uint32_t mantissa = (magnitude & 0x7fffff) | 0x800000;
        kept = mantissa >> shift;
        dropped = mantissa & ((1u << shift) - 1);
    } else {
        shift = 13;
        kept = (magnitude - 0x38000000) >> shift;
        dropped = magnitude & ((1u << shift) - 1);
    }
    const uint32_t half = 1u << (shift - 1);
    if (dropped > half || (dropped == half && (kept & 1)))
        kept++; /* a carry into the exponent is the right result */
    return (uint16_t)(sign | kept);
}

uint16_t cnx_f32_to_bf16(float value)
{
    const uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
