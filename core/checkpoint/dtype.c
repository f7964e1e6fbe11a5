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
