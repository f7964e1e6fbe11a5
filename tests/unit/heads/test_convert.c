/* Converting: the same weights under canonical names, and all that a config would say. */
#include <math.h>

#include "core/file.h"
#include "heads/model.h"
#include "tests/unit/heads/synthetic.h"

#define DATA CNX_SOURCE_DIR "/tests/data/checkpoints/"

static bool contains(const char *text, const char *word)
{
    return strstr(text, word) != NULL;
}

static bool open_model(cnx_model_file *file, const char *path, const char *set)
{
    cnx_error err = {.message = ""};
    const cnx_status status = cnx_model_file_open(file, path, NULL, &set, set ? 1 : 0, false, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    return status == CNX_OK;
}

static void convert(const char *from, const char *set, const char *to, cnx_dtype dtype)
{
    cnx_error err = {.message = ""};
    cnx_model_file file;
    if (open_model(&file, from, set))
        CHECK(cnx_model_file_convert(&file, to, dtype, &err) == CNX_OK, "%s", err.message);
    cnx_model_file_close(&file);
}

static bool same_bytes(const char *a, const char *b)
{
    cnx_error err = {.message = ""};
    cnx_mapping x = {.data = NULL}, y = {.data = NULL};
    CHECK(cnx_mapping_open(&x, a, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_mapping_open(&y, b, &err) == CNX_OK, "%s", err.message);
    const bool same = x.size == y.size && x.size > 0 && memcmp(x.data, y.data, x.size) == 0;
    cnx_mapping_close(&x);
    cnx_mapping_close(&y);
    return same;
}

static bool is_narrowed(const cnx_key *key)
{
    const size_t n = strlen(key->canonical);
    return key->rank >= 2 && strcmp(key->canonical + n - 7, ".weight") == 0;
}

/* The relative error that rounding to a dtype may cost. */
static double rounding(cnx_dtype dtype)
{
    return dtype == CNX_F16 ? 0x1p-11 : dtype == CNX_BF16 ? 0x1p-8 : 0;
}

/* Every tensor of `to` is that of `from`, rounded once; and there are no others. */
static void compare_weights(const char *from, const char *to, cnx_dtype dtype)
{
    cnx_error err = {.message = ""};
    cnx_model_file a = {.checkpoint = NULL}, b = {.checkpoint = NULL};
    if (!open_model(&a, from, NULL) || !open_model(&b, to, NULL)) {
        cnx_model_file_close(&a);
        return;
    }
    for (size_t i = 0; i < cnx_weights_key_count(b.weights); i++) {
        const cnx_key *key = cnx_weights_key(b.weights, i);
        const size_t n = key->tensor->elements;
        const bool narrowed = is_narrowed(key);
        CHECK(key->state == CNX_KEY_MATCHED && strcmp(key->canonical, key->tensor->name) == 0, "%s",
              key->tensor->name);
        CHECK(key->tensor->dtype == (narrowed ? dtype : CNX_F32), "%s is %s", key->canonical,
              cnx_dtype_name(key->tensor->dtype));
        float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
        CHECK(cnx_weights_read(a.weights, key->canonical, x, &err) == CNX_OK, "%s", err.message);
        CHECK(cnx_weights_read(b.weights, key->canonical, y, &err) == CNX_OK, "%s", err.message);
        const double limit = narrowed ? rounding(dtype) : 0;
        size_t wrong = 0;
        for (size_t j = 0; j < n; j++)
            wrong += limit > 0
                         ? fabs((double)x[j] - (double)y[j]) > limit * fabs((double)x[j]) + 1e-7
                         : memcmp(&x[j], &y[j], sizeof *x) != 0;
        CHECK(wrong == 0, "%s: %zu of %zu values differ", key->canonical, wrong, n);
        free(x);
        free(y);
    }
    cnx_model_file_close(&a);
    cnx_model_file_close(&b);
}

static void test_dialects(void)
{
    static const char *const sources[] = {DATA "mini_official.pth", DATA "mini_mmengine.pth",
                                          DATA "mini_hf.safetensors"};
    static const cnx_dtype dtypes[] = {CNX_F32, CNX_F16, CNX_BF16};
    char again[256];
    snprintf(again, sizeof again, "%s", synthetic_path("again.safetensors"));
    for (int s = 0; s < 3; s++)
        for (int t = 0; t < 3; t++) {
            char to[256];
            snprintf(to, sizeof to, "%s", synthetic_path("converted.safetensors"));
            convert(sources[s], NULL, to, dtypes[t]);
            compare_weights(sources[s], to, dtypes[t]);
            convert(to, NULL, again, dtypes[t]);
            CHECK(same_bytes(to, again), "converting again changed %s", sources[s]);
        }
}

/* The same model out of two systems' files is the same file. */
static void test_same_bytes(void)
{
    char a[256], b[256];
    snprintf(a, sizeof a, "%s", synthetic_path("a.safetensors"));
    snprintf(b, sizeof b, "%s", synthetic_path("b.safetensors"));
    convert(DATA "mini_official.pth", NULL, a, CNX_F32);
    convert(DATA "mini_mmengine.pth", NULL, b, CNX_F32);
    CHECK(same_bytes(a, b), "official and OpenMMLab 1.x");
}

static void test_description(void)
{
    char to[256];
    cnx_model_file a = {.checkpoint = NULL}, b = {.checkpoint = NULL};
    snprintf(to, sizeof to, "%s", synthetic_path("described.safetensors"));
    convert(NULL, NULL, to, CNX_F16);
    if (open_model(&a, NULL, NULL) && open_model(&b, to, NULL)) {
        const cnx_description *d = &a.description, *e = &b.description;
        CHECK(strcmp(d->name, e->name) == 0 && strcmp(e->classes_from, "checkpoint") == 0, "%s",
              e->name);
        CHECK(strcmp(d->class_names[2], e->class_names[2]) == 0 &&
                  memcmp(d->palette, e->palette, 9) == 0,
              "classes");
        CHECK(e->pipeline.crop_h == 640 && e->pipeline.scale_long == 2560 && !e->mode_from_default,
              "pipeline");
    }
    cnx_model_file_close(&a);
    cnx_model_file_close(&b);
    /* What a config said goes along, and can be overridden again. */
    convert(DATA "mini_official.pth", "pipeline.scale=[96,64]", to, CNX_F32);
    if (open_model(&a, to, "pipeline.pad_divisor=32")) {
        const cnx_pipeline *p = &a.description.pipeline;
        CHECK(p->scale_long == 96 && p->scale_short == 64 && p->pad_divisor == 32 &&
                  a.description.mode_from_default,
              "layers");
    }
    cnx_model_file_close(&a);
    if (open_model(&a, to, "pipeline.tta.scales=[0.5,1]"))
        CHECK(a.description.pipeline.mode == CNX_MODE_WHOLE, "the default's rule went on");
    cnx_model_file_close(&a);
}

static void test_in_place(void)
{
    char path[256], copy[256];
    cnx_error err = {.message = ""};
    cnx_model_file file;
    snprintf(path, sizeof path, "%s", synthetic_path("place.safetensors"));
    snprintf(copy, sizeof copy, "%s", synthetic_path("copy.safetensors"));
    convert(DATA "mini_hf.safetensors", NULL, path, CNX_F32);
    convert(path, NULL, copy, CNX_BF16);
    if (open_model(&file, path, NULL))
        CHECK(cnx_model_file_convert(&file, path, CNX_BF16, &err) == CNX_OK, "%s", err.message);
    cnx_model_file_close(&file);
    CHECK(same_bytes(path, copy), "onto itself");
}

/* ---- failures leave nothing behind ---- */

static void convert_fails(const char *path, const char *to, cnx_dtype dtype, const char *word)
{
    cnx_error err = {.message = ""};
    cnx_model_file file;
    cnx_status status = cnx_model_file_open(&file, path, NULL, NULL, 0, true, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    if (status == CNX_OK)
        status = cnx_model_file_convert(&file, to, dtype, &err);
    CHECK(status != CNX_OK && contains(err.message, word), "%s: %s", word, err.message);
    CHECK(access(to, F_OK) != 0, "%s was left", to);
    cnx_model_file_close(&file);
}

/* Changes the last float32 of a converted file. */
static void spoil(const char *path, float value)
{
    FILE *file = fopen(path, "r+b");
    CHECK(file && fseek(file, -4, SEEK_END) == 0 && fwrite(&value, 4, 1, file) == 1, "%s", path);
    if (file)
        fclose(file);
}

static void test_failures(void)
{
    char path[256], to[256];
    snprintf(path, sizeof path, "%s", synthetic_path("spoilt.safetensors"));
    snprintf(to, sizeof to, "%s", synthetic_path("never.safetensors"));
    convert_fails(DATA "missing_key.pth", to, CNX_F32, "backbone.stages.2.0.pwconv2.bias");
    convert_fails(DATA "mini_official.pth", to, CNX_F64, "float64");
    convert_fails(DATA "mini_official.pth", "/nonexistent/x.safetensors", CNX_F32, "/nonexistent");
    convert(DATA "mini_official.pth", NULL, path, CNX_F32);
    /* The last tensor by name: decode_head.psp_modules.3.1.conv.weight. */
    spoil(path, NAN);
    convert_fails(path, to, CNX_F32, "NaN");
    spoil(path, 65520.0f);
    convert_fails(path, to, CNX_F16, "float16 cannot hold");
    convert(path, NULL, synthetic_path("large.safetensors"), CNX_BF16);
    spoil(path, 65519.0f);
    convert(path, NULL, synthetic_path("large.safetensors"), CNX_F16);
    spoil(path, 3.4e38f);
    convert_fails(path, to, CNX_BF16, "bfloat16 cannot hold");
}

/* The metadata of a file is not the user's config: what is wrong with it is wrong with the file. */
static void test_bad_metadata(void)
{
    static const char *const texts[] = {"{",
                                        "[]",
                                        "{\\\"bogus\\\":1}",
                                        "{\\\"base\\\":\\\"x\\\"}",
                                        "{\\\"pipeline\\\":{\\\"crop\\\":0}}",
                                        ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char metadata[256];
        cnx_error err = {.message = ""};
        cnx_model_file file;
        snprintf(metadata, sizeof metadata, "{\"cnx\":\"%s\"}", texts[i]);
        const synthetic model = {.depths = {1, 1, 1, 1},
                                 .dims = {8, 8, 8, 8},
                                 .version = 1,
                                 .channels = 4,
                                 .classes = 2,
                                 .pools = 4,
                                 .metadata = metadata};
        const char *path = synthetic_path("metadata.safetensors");
        synthetic_write(path, &model);
        CHECK(cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err) == CNX_ERR_FORMAT &&
                  contains(err.message, "metadata \"cnx\"") && contains(err.message, path),
              "%s: %s", texts[i], err.message);
    }
}

int main(void)
{
    test_dialects();
    test_same_bytes();
    test_description();
    test_in_place();
    test_failures();
    test_bad_metadata();
    synthetic_cleanup();
    return CHECK_RESULT;
}
