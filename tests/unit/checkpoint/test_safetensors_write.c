/* What is written reads back; what fails leaves nothing behind. */
#include <dirent.h>
#include <math.h>

#include "core/checkpoint/bytes.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/dtype.h"
#include "tests/unit/check.h"

static cnx_error err;

typedef struct source {
    size_t fail_at; /* the tensor whose turn fails */
} source;

static float value_of(size_t tensor, size_t i)
{
    return (float)(tensor + 1) * 0.1f - (float)i * 1.7f + (i % 3 ? 1e-6f : 0.0f);
}

static const cnx_tensor_source tensors[] = {{"a.weight", CNX_F32, 2, {3, 5}},
                                            {"b \"quoted\" \\ \xc3\xa4", CNX_F16, 1, {7}},
                                            {"scalar", CNX_BF16, 0, {0}},
                                            {"empty", CNX_F32, 2, {0, 4}},
                                            {"last", CNX_BF16, 3, {2, 1, 2}}};
enum { COUNT = sizeof tensors / sizeof *tensors };

static cnx_status fill(void *user, size_t index, float *values, cnx_error *e)
{
    const source *s = user;
    if (index == s->fail_at) {
        e->status = CNX_ERR_IO;
        snprintf(e->message, sizeof e->message, "no values");
        return CNX_ERR_IO;
    }
    size_t n = 1;
    for (int i = 0; i < tensors[index].rank; i++)
        n *= (size_t)tensors[index].shape[i];
    for (size_t i = 0; i < n; i++)
        values[i] = value_of(index, i);
    return CNX_OK;
}

static float narrowed(float value, cnx_dtype dtype)
{
    return dtype == CNX_F16    ? cnx_f16_to_f32(cnx_f32_to_f16(value))
           : dtype == CNX_BF16 ? cnx_bf16_to_f32(cnx_f32_to_bf16(value))
                               : value;
}

static int files_in(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.' || strlen(e->d_name) > 2;
    if (dir)
        closedir(dir);
    return n;
}

static void round_trip(const char *path)
{
    const cnx_text_pair metadata[] = {{"format", "pt"},
                                      {"cnx", "{\"a\": \"\\u00e9 \xe2\x82\xac\n\"}"},
                                      {"classes", "[\"wall\", \"b\xc3\xa4um\"]"},
                                      {"palette", "[[1,2,3],[255,0,9]]"}};
    source s = {.fail_at = COUNT};
    CHECK(cnx_safetensors_write(path, tensors, COUNT, fill, &s, metadata, 4, &err) == CNX_OK, "%s",
          err.message);
    cnx_checkpoint *c = NULL;
    CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
    if (!c)
        return;
    size_t size;
    const unsigned char *bytes = cnx_checkpoint_bytes(c, &size);
    CHECK(cnx_u64(bytes) % 8 == 0, "the data is not aligned");
    CHECK(cnx_checkpoint_container(c) == CNX_SAFETENSORS && cnx_checkpoint_count(c) == COUNT,
          "%zu tensors", cnx_checkpoint_count(c));
    for (size_t i = 0; i < COUNT; i++) {
        const cnx_tensor_info *t = cnx_checkpoint_find(c, tensors[i].name);
        CHECK(t && t == cnx_checkpoint_tensor(c, i) && t->dtype == tensors[i].dtype &&
                  t->rank == tensors[i].rank,
              "tensor %zu", i);
        float out[16];
        CHECK(t && t->elements <= 16 && cnx_checkpoint_read_f32(c, t, out, &err) == CNX_OK, "%s",
              err.message);
        for (size_t k = 0; t && k < t->elements; k++)
            CHECK(out[k] == narrowed(value_of(i, k), t->dtype), "%s[%zu] = %g", t->name, k, out[k]);
    }
    for (size_t i = 0; i < 4; i++) {
        const char *text = cnx_checkpoint_text(c, metadata[i].key);
        CHECK(text && strcmp(text, metadata[i].value) == 0, "%s", metadata[i].key);
    }
    CHECK(!cnx_checkpoint_text(c, "nothing"), "a text out of nothing");
    CHECK(cnx_checkpoint_class_count(c) == 2 &&
              strcmp(cnx_checkpoint_class(c, 1), "b\xc3\xa4um") == 0,
          "classes");
    const uint8_t *rgb;
    CHECK(cnx_checkpoint_palette(c, &rgb) == 2 && rgb[2] == 3 && rgb[3] == 255, "palette");
    cnx_checkpoint_close(&c);
    CHECK(!c, "close leaves a pointer");
}

static void failures(const char *folder, const char *path)
{
    source s = {.fail_at = 2};
    const int before = files_in(folder);
    char other[300];
    snprintf(other, sizeof other, "%s/other.safetensors", folder);
    CHECK(cnx_safetensors_write(other, tensors, COUNT, fill, &s, NULL, 0, &err) == CNX_ERR_IO,
          "a failing source");
    CHECK(strcmp(err.message, "no values") == 0 && files_in(folder) == before, "%s", err.message);
    CHECK(cnx_safetensors_write(path, tensors, COUNT, fill, &s, NULL, 0, &err) == CNX_ERR_IO,
          "a failing source over an old file");
    cnx_checkpoint *c = NULL;
    CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "the old file: %s", err.message);
    cnx_checkpoint_close(&c);

    s.fail_at = COUNT;
    snprintf(other, sizeof other, "%s/no/such/folder.safetensors", folder);
    CHECK(cnx_safetensors_write(other, tensors, COUNT, fill, &s, NULL, 0, &err) == CNX_ERR_IO,
          "no folder");
    snprintf(other, sizeof other, "%s/other.safetensors", folder);
    const cnx_tensor_source twice[] = {{"a", CNX_F32, 0, {0}}, {"a", CNX_F32, 0, {0}}};
    const cnx_tensor_source wide = {"a", CNX_F64, 0, {0}},
                            reserved = {"__metadata__", CNX_F32, 0, {0}};
    const cnx_tensor_source huge = {"a", CNX_F32, 3, {1ll << 40, 1ll << 40, 8}};
    const cnx_text_pair latin = {"k", "\xe9"};
    CHECK(cnx_safetensors_write(other, twice, 2, fill, &s, NULL, 0, &err) == CNX_ERR_ARGUMENT, "");
    CHECK(cnx_safetensors_write(other, &wide, 1, fill, &s, NULL, 0, &err) == CNX_ERR_ARGUMENT, "");
    CHECK(cnx_safetensors_write(other, &reserved, 1, fill, &s, NULL, 0, &err) == CNX_ERR_ARGUMENT,
          "");
    CHECK(cnx_safetensors_write(other, &huge, 1, fill, &s, NULL, 0, &err) == CNX_ERR_ARGUMENT, "");
    CHECK(cnx_safetensors_write(other, tensors, 1, fill, &s, &latin, 1, &err) == CNX_ERR_ARGUMENT,
          "");
    CHECK(files_in(folder) == before, "something was left behind");
}

int main(void)
{
    char folder[] = "/tmp/cnx-test-XXXXXX", path[64];
    CHECK(mkdtemp(folder), "no temporary folder");
    snprintf(path, sizeof path, "%s/out.safetensors", folder);
    round_trip(path);
    failures(folder, path);
    unlink(path);
    CHECK(rmdir(folder) == 0, "the folder is not empty");
    return CHECK_RESULT;
}
