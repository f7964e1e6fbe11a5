#include "core/checkpoint/dtype.h"

#include <string.h>

/* All three file formats are little-endian, and so are the elements that are copied here. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "cnx runs on little-endian machines");

const char *cnx_dtype_name(cnx_dtype dtype)
{
    static const char *const names[] = {
        [CNX_F32] = "float32",   [CNX_F64] = "float64",      [CNX_F16] = "float16",
        [CNX_BF16] = "bfloat16", [CNX_I64] = "int64",        [CNX_I32] = "int32",
        [CNX_I16] = "int16",     [CNX_I8] = "int8",          [CNX_U8] = "uint8",
        [CNX_BOOL] = "bool",     [CNX_DTYPE_OTHER] = "other"};
    return names[dtype];
}

size_t cnx_dtype_size(cnx_dtype dtype)
{
    static const unsigned char sizes[] = {
        [CNX_F32] = 4, [CNX_F64] = 8,  [CNX_F16] = 2,        [CNX_BF16] = 2,
        [CNX_I64] = 8, [CNX_I32] = 4,  [CNX_I16] = 2,        [CNX_I8] = 1,
        [CNX_U8] = 1,  [CNX_BOOL] = 1, [CNX_DTYPE_OTHER] = 0};
    return sizes[dtype];
}

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

static void convert_f32(float *out, const unsigned char *source, size_t count, size_t step)
{
    if (step == sizeof *out) {
        memcpy(out, source, count * sizeof *out);
        return;
    }
    for (size_t i = 0; i < count; i++)
        memcpy(out + i, source + i * step, sizeof *out);
}

static void convert_f64(float *out, const unsigned char *source, size_t count, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, source + i * step, sizeof value);
        out[i] = (float)value;
    }
}

static void convert_f16(float *out, const unsigned char *source, size_t count, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, source + i * step, sizeof bits);
        out[i] = cnx_f16_to_f32(bits);
    }
}

static void convert_bf16(float *out, const unsigned char *source, size_t count, size_t step)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, source + i * step, sizeof bits);
        out[i] = cnx_bf16_to_f32(bits);
    }
}

void cnx_convert_to_f32(float *out, const unsigned char *source, size_t count, size_t step,
                        cnx_dtype dtype)
{
    if (dtype == CNX_F32)
        convert_f32(out, source, count, step);
    else if (dtype == CNX_F64)
        convert_f64(out, source, count, step);
    else if (dtype == CNX_F16)
        convert_f16(out, source, count, step);
    else
        convert_bf16(out, source, count, step);
}
