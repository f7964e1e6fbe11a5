/*
 * The safety table: every global that a file may name.  Names are compared whole, module and name;
 * none of them is ever looked up anywhere or called.
 */
#include <string.h>

#include "core/checkpoint/pickle_value.h"

#define INERT(module, name)                                                                        \
    {                                                                                              \
        module, name, CNX_GLOBAL_INERT, CNX_DTYPE_OTHER, 0                                         \
    }
#define ROLE(module, name, role)                                                                   \
    {                                                                                              \
        module, name, CNX_GLOBAL_##role, CNX_DTYPE_OTHER, 0                                        \
    }
#define STORAGE(name, dtype, size)                                                                 \
    {                                                                                              \
        "torch", name "Storage", CNX_GLOBAL_STORAGE, dtype, size                                   \
    }
#define DTYPE(name, dtype, size)                                                                   \
    {                                                                                              \
        "torch", name, CNX_GLOBAL_DTYPE, dtype, size                                               \
    }
#define BUILTIN(name)     INERT("builtins", name), INERT("__builtin__", name)
#define NUMPY_DTYPE(name) INERT("numpy.dtypes", name "DType")

static const cnx_pickle_global table[] = {
    ROLE("collections", "OrderedDict", ORDERED_DICT),
    ROLE("torch._utils", "_rebuild_tensor_v2", REBUILD_TENSOR),
    ROLE("torch._utils", "_rebuild_tensor_v3", REBUILD_TYPED),
    ROLE("torch._utils", "_rebuild_parameter", REBUILD_PARAMETER),
    ROLE("torch._utils", "_rebuild_parameter_with_state", REBUILD_PARAMETER),

    STORAGE("Float", CNX_F32, 4),
    STORAGE("Double", CNX_F64, 8),
    STORAGE("Half", CNX_F16, 2),
    STORAGE("BFloat16", CNX_BF16, 2),
    STORAGE("Long", CNX_I64, 8),
    STORAGE("Int", CNX_I32, 4),
    STORAGE("Short", CNX_I16, 2),
    STORAGE("Char", CNX_I8, 1),
    STORAGE("Byte", CNX_U8, 1),
    STORAGE("Bool", CNX_BOOL, 1),
    STORAGE("ComplexFloat", CNX_DTYPE_OTHER, 8),
    STORAGE("ComplexDouble", CNX_DTYPE_OTHER, 16),
    STORAGE("QInt8", CNX_DTYPE_OTHER, 1),
    STORAGE("QUInt8", CNX_DTYPE_OTHER, 1),
    STORAGE("QInt32", CNX_DTYPE_OTHER, 4),
    STORAGE("QUInt4x2", CNX_DTYPE_OTHER, 1),
    STORAGE("QUInt2x4", CNX_DTYPE_OTHER, 1),
    /* Counted in bytes; the dtype stands beside the tensor. */
    STORAGE("Untyped", CNX_DTYPE_OTHER, 1),
    {"torch.storage", "UntypedStorage", CNX_GLOBAL_STORAGE, CNX_DTYPE_OTHER, 1},
    {"torch.storage", "_UntypedStorage", CNX_GLOBAL_STORAGE, CNX_DTYPE_OTHER, 1},
    INERT("torch.storage", "TypedStorage"),
    INERT("torch.storage", "_TypedStorage"),

    DTYPE("float32", CNX_F32, 4),
    DTYPE("float", CNX_F32, 4),
    DTYPE("float64", CNX_F64, 8),
    DTYPE("double", CNX_F64, 8),
    DTYPE("float16", CNX_F16, 2),
    DTYPE("half", CNX_F16, 2),
    DTYPE("bfloat16", CNX_BF16, 2),
    DTYPE("int64", CNX_I64, 8),
    DTYPE("long", CNX_I64, 8),
    DTYPE("int32", CNX_I32, 4),
    DTYPE("int", CNX_I32, 4),
    DTYPE("int16", CNX_I16, 2),
    DTYPE("short", CNX_I16, 2),
    DTYPE("int8", CNX_I8, 1),
    DTYPE("uint8", CNX_U8, 1),
    DTYPE("bool", CNX_BOOL, 1),
    DTYPE("uint16", CNX_DTYPE_OTHER, 2),
    DTYPE("uint32", CNX_DTYPE_OTHER, 4),
    DTYPE("uint64", CNX_DTYPE_OTHER, 8),
    DTYPE("complex32", CNX_DTYPE_OTHER, 4),
    DTYPE("complex64", CNX_DTYPE_OTHER, 8),
    DTYPE("cfloat", CNX_DTYPE_OTHER, 8),
    DTYPE("complex128", CNX_DTYPE_OTHER, 16),
    DTYPE("cdouble", CNX_DTYPE_OTHER, 16),
    DTYPE("float8_e4m3fn", CNX_DTYPE_OTHER, 1),
    DTYPE("float8_e4m3fnuz", CNX_DTYPE_OTHER, 1),
    DTYPE("float8_e5m2", CNX_DTYPE_OTHER, 1),
    DTYPE("float8_e5m2fnuz", CNX_DTYPE_OTHER, 1),
    DTYPE("qint8", CNX_DTYPE_OTHER, 1),
    DTYPE("quint8", CNX_DTYPE_OTHER, 1),
    DTYPE("qint32", CNX_DTYPE_OTHER, 4),

    INERT("torch", "Size"),
    INERT("torch", "device"),
    INERT("numpy.core.multiarray", "scalar"),
    INERT("numpy.core.multiarray", "_reconstruct"),
    INERT("numpy._core.multiarray", "scalar"),
    INERT("numpy._core.multiarray", "_reconstruct"),
    INERT("numpy", "dtype"),
    INERT("numpy", "ndarray"),
    NUMPY_DTYPE("Bool"),
    NUMPY_DTYPE("Byte"),
    NUMPY_DTYPE("UByte"),
    NUMPY_DTYPE("Short"),
    NUMPY_DTYPE("UShort"),
    NUMPY_DTYPE("Int"),
    NUMPY_DTYPE("UInt"),
    NUMPY_DTYPE("Long"),
    NUMPY_DTYPE("ULong"),
    NUMPY_DTYPE("LongLong"),
    NUMPY_DTYPE("ULongLong"),
    NUMPY_DTYPE("Int8"),
    NUMPY_DTYPE("Int16"),
    NUMPY_DTYPE("Int32"),
    NUMPY_DTYPE("Int64"),
    NUMPY_DTYPE("UInt8"),
    NUMPY_DTYPE("UInt16"),
    NUMPY_DTYPE("UInt32"),
    NUMPY_DTYPE("UInt64"),
    NUMPY_DTYPE("Float16"),
    NUMPY_DTYPE("Float32"),
    NUMPY_DTYPE("Float64"),
    NUMPY_DTYPE("LongDouble"),
    NUMPY_DTYPE("Complex64"),
    NUMPY_DTYPE("Complex128"),
    NUMPY_DTYPE("CLongDouble"),
    NUMPY_DTYPE("Object"),
    NUMPY_DTYPE("Bytes"),
    NUMPY_DTYPE("Str"),
    NUMPY_DTYPE("String"),
    NUMPY_DTYPE("Void"),
    NUMPY_DTYPE("DateTime64"),
    NUMPY_DTYPE("TimeDelta64"),
    INERT("_codecs", "encode"),
    INERT("argparse", "Namespace"),
    INERT("collections", "defaultdict"),
    BUILTIN("set"),
    BUILTIN("dict"),
    BUILTIN("list"),
    BUILTIN("int"),
    BUILTIN("bytearray"),
    BUILTIN("slice"),
    BUILTIN("getattr"), /* mmengine names methods of its history buffers with it */
    INERT("mmengine.logging.history_buffer", "HistoryBuffer"),
    INERT("mmengine.config.config", "ConfigDict"),
    INERT("mmengine.config.config", "Config"),
};

static bool same(const char *text, const void *bytes, size_t size)
{
    return strlen(text) == size && memcmp(text, bytes, size) == 0;
}

const cnx_pickle_global *cnx_pickle_find_global(const void *module, size_t module_size,
                                                const void *name, size_t name_size)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (same(table[i].module, module, module_size) && same(table[i].name, name, name_size))
            return &table[i];
    return NULL;
}
