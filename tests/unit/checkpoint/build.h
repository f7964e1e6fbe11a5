/*
 * Pickles and torch zip files assembled in memory, so that a test can say exactly what a file
 * holds, sound or not.
 */
#ifndef CNX_TESTS_BUILD_H
#define CNX_TESTS_BUILD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct bytes {
    unsigned char *data;
    size_t size, room;
} bytes;

static inline void put(bytes *b, const void *data, size_t size)
{
    while (b->room - b->size < size) {
        b->room = b->room ? 2 * b->room : 256;
        b->data = realloc(b->data, b->room);
        if (!b->data)
            abort();
    }
    if (size)
        memcpy(b->data + b->size, data, size);
    b->size += size;
}

static inline void put_number(bytes *b, uint64_t value, int width)
{
    for (int i = 0; i < width; i++) {
        const unsigned char byte = (unsigned char)(value >> (8 * i));
        put(b, &byte, 1);
    }
}

/* Opcodes without arguments, or any other bytes without a NUL. */
static inline void ops(bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

static inline void text(bytes *b, const char *value)
{
    ops(b, "X");
    put_number(b, strlen(value), 4);
    ops(b, value);
}

static inline void integer(bytes *b, int64_t value)
{
    ops(b, "\x8a\x08");
    put_number(b, (uint64_t)value, 8);
}

static inline void global(bytes *b, const char *module, const char *name)
{
    ops(b, "c");
    ops(b, module);
    ops(b, "\n");
    ops(b, name);
    ops(b, "\n");
}

static inline void integers(bytes *b, const int64_t *values, int count)
{
    ops(b, "(");
    for (int i = 0; i < count; i++)
        integer(b, values[i]);
    ops(b, "t");
}

static inline void storage(bytes *b, const char *type, const char *key, int64_t count)
{
    ops(b, "(");
    text(b, "storage");
    global(b, "torch", type);
    text(b, key);
    text(b, "cpu");
    integer(b, count);
    ops(b, "tQ");
}

/* A tensor as torch._utils._rebuild_tensor_v2 makes it. */
static inline void tensor(bytes *b, const char *type, const char *key, int64_t count,
                          int64_t offset, int rank, const int64_t *size, const int64_t *stride)
{
    global(b, "torch._utils", "_rebuild_tensor_v2");
    ops(b, "(");
    storage(b, type, key, count);
    integer(b, offset);
    integers(b, size, rank);
    integers(b, stride, rank);
    ops(b, "\x89");
    global(b, "collections", "OrderedDict");
    ops(b, ")RtR");
}

/* A vector of `count` float32 that fills storage `key`. */
static inline void vector(bytes *b, const char *key, int64_t count)
{
    const int64_t one = 1;
    tensor(b, "FloatStorage", key, count, 0, 1, &count, &one);
}

/* ---- zip ---- */

typedef struct zip_builder {
    bytes file, directory;
    unsigned count;
} zip_builder;

static inline void zip_add(zip_builder *z, const char *name, const void *data, size_t size)
{
    const uint32_t crc = (uint32_t)crc32_z(0, data, size);
    const size_t header = z->file.size;
    put(&z->file, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
    bytes *const both[] = {&z->file, &z->directory};
    put(&z->directory, "PK\1\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    for (int i = 0; i < 2; i++) {
        put_number(both[i], crc, 4);
        put_number(both[i], size, 4);
        put_number(both[i], size, 4);
        put_number(both[i], strlen(name), 2);
        put_number(both[i], 0, 2);
    }
    put(&z->directory, "\0\0\0\0\0\0\0\0\0\0", 10);
    put_number(&z->directory, header, 4);
    ops(&z->file, name);
    ops(&z->directory, name);
    put(&z->file, data, size);
    z->count++;
}

/* The finished file; the caller frees its data. */
static inline bytes zip_finish(zip_builder *z)
{
    const size_t offset = z->file.size;
    put(&z->file, z->directory.data, z->directory.size);
    put(&z->file, "PK\5\6\0\0\0\0", 8);
    put_number(&z->file, z->count, 2);
    put_number(&z->file, z->count, 2);
    put_number(&z->file, z->directory.size, 4);
    put_number(&z->file, offset, 4);
    put_number(&z->file, 0, 2);
    free(z->directory.data);
    return z->file;
}

/* A torch file of this pickle (which is freed) and one storage "0" with 1, 2, 3, ... as float32. */
static inline bytes torch_file(bytes *pickle, int elements)
{
    float values[64];
    for (int i = 0; i < 64; i++)
        values[i] = (float)(i + 1);
    zip_builder z = {0};
    zip_add(&z, "root/data.pkl", pickle->data, pickle->size);
    zip_add(&z, "root/data/0", values, 4 * (size_t)elements);
    zip_add(&z, "root/version", "3\n", 2);
    free(pickle->data);
    *pickle = (bytes){0};
    return zip_finish(&z);
}

#endif
