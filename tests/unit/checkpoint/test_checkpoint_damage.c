/*
 * Files cut at every length and with every bit turned: whatever the reader makes of them, it ends,
 * and (under a sanitizer) touches no byte that is not the file's.
 */
#include "core/checkpoint/checkpoint.h"
#include "core/file.h"
#include "tests/unit/check.h"
#include "tests/unit/checkpoint/build.h"

static cnx_error err;

/* Opens a copy of exactly this size, and uses all of it. */
static cnx_status use(const unsigned char *data, size_t size)
{
    unsigned char *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    cnx_checkpoint *c = NULL;
    err.message[0] = '\0';
    cnx_status status = cnx_checkpoint_open_memory(&c, copy, size, "test", &err);
    CHECK((status == CNX_OK) == (c != NULL), "status and checkpoint disagree");
    CHECK(status == CNX_OK || strncmp(err.message, "test: ", 6) == 0, "message: %s", err.message);
    for (size_t i = 0; c && i < cnx_checkpoint_count(c); i++) {
        const cnx_tensor_info *t = cnx_checkpoint_tensor(c, i);
        float *out = malloc((t->elements + 1) * sizeof *out);
        const cnx_status read = cnx_checkpoint_read_f32(c, t, out, &err);
        const float *view = cnx_checkpoint_view_f32(c, t);
        CHECK(!view || (read == CNX_OK && memcmp(view, out, t->elements * sizeof *out) == 0),
              "%s: seen, but not as it is read", t->name);
        if (read != CNX_OK && t->dtype != CNX_I64)
            status = read;
        free(out);
    }
    cnx_checkpoint_close(&c);
    free(copy);
    return status;
}

static void cut_everywhere(const bytes *file, size_t step)
{
    CHECK(use(file->data, file->size) == CNX_OK, "whole: %s", err.message);
    for (size_t size = 0; size < file->size; size += step)
        CHECK(use(file->data, size) != CNX_OK, "cut at %zu of %zu was accepted", size, file->size);
}

static void flip_bits(const bytes *file, size_t step)
{
    size_t refused = 0, tried = 0;
    for (size_t bit = 0; bit < 8 * file->size; bit += step, tried++) {
        file->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
        refused += use(file->data, file->size) != CNX_OK;
        file->data[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    CHECK(refused > tried / 8, "only %zu of %zu were refused", refused, tried);
}

static bytes zip_file(void)
{
    bytes p = {0};
    ops(&p, "\x80\x02}");
    text(&p, "meta");
    ops(&p, "}");
    text(&p, "CLASSES");
    ops(&p, "](");
    text(&p, "a");
    text(&p, "b");
    ops(&p, "es");
    text(&p, "PALETTE");
    ops(&p, "](K\x01K\x02K\x03\x87"
            "esq\x01s");
    text(&p, "state_dict");
    ops(&p, "}");
    text(&p, "w");
    tensor(&p, "FloatStorage", "0", 8, 1, 2, (int64_t[]){2, 3}, (int64_t[]){1, 2});
    ops(&p, "ss.");
    return torch_file(&p, 8);
}

static bytes legacy_file(void)
{
    bytes b = {0};
    const float values[4] = {1, 2, 3, 4};
    put(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    ops(&b, "\x80\x02M\xe9\x03.\x80\x02}");
    text(&b, "little_endian");
    ops(&b, "\x88s.\x80\x02}");
    text(&b, "w");
    vector(&b, "140", 4);
    ops(&b, "s.\x80\x02](");
    text(&b, "140");
    ops(&b, "e.");
    put_number(&b, 4, 8);
    put(&b, values, sizeof values);
    return b;
}

static bytes safetensors_file(void)
{
    static const char header[] =
        "{\"__metadata__\":{\"classes\":\"[\\\"a\\\"]\",\"k\":\"\\u00e9\"},"
        "\"a\":{\"dtype\":\"F16\",\"shape\":[2,2],\"data_offsets\":[0,8]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]}}";
    bytes b = {0};
    put_number(&b, sizeof header - 1, 8);
    ops(&b, header);
    put(&b, "\0\x3c\0\x40\0\x42\0\x44\0\0\x80\x3f", 12);
    return b;
}

/* A model of ordinary form; each length would take long. */
static void whole_model(void)
{
    cnx_mapping m;
    bytes b = {0};
    CHECK(cnx_mapping_open(&m, CNX_SOURCE_DIR "/tests/data/checkpoints/crumb_official.pth", &err) ==
              CNX_OK,
          "%s", err.message);
    put(&b, m.data, m.size);
    cnx_mapping_close(&m);
    cut_everywhere(&b, 101);
    flip_bits(&b, 997);
    free(b.data);
}

int main(void)
{
    bytes files[] = {zip_file(), legacy_file(), safetensors_file()};
    for (int i = 0; i < 3; i++) {
        cut_everywhere(&files[i], 1);
        flip_bits(&files[i], 1);
        free(files[i].data);
    }
    whole_model();
    return CHECK_RESULT;
}
