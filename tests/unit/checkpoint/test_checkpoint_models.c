/*
 * Every published form of a checkpoint opens with the right names, shapes and values.
 *
 * probe_*.json has checksums under the official names.  Files in other dialects hold the same
 * values under other names (and some with more axes of size 1), so for those the sorted checksums
 * are compared.
 */
#include <math.h>

#include "core/checkpoint/checkpoint.h"
#include "core/file.h"
#include "core/json.h"
#include "tests/unit/check.h"

static cnx_error err;

typedef struct form {
    const char *file, *probe;
    cnx_container container;
    const char *section;
    bool official; /* names as in the probe */
    size_t absent; /* tensors of the probe that the file leaves out */
} form;

/* clang-format off */
static const form committed[] = {
    {"segmentation/models/mini_legacy.pth", "mini", CNX_TORCH_LEGACY, "state_dict", true, 0},
    {"segmentation/models/mini_views.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"checkpoints/mini_bf16.pth", "mini_bf16", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"checkpoints/mini_fp16.safetensors", "mini_fp16", CNX_SAFETENSORS, "", true, 0},
};

static const form shared[] = {
    {"micro_official.pth", "main", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_official.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_legacy.pth", "mini", CNX_TORCH_LEGACY, "state_dict", true, 0},
    {"mini_bare.pth", "mini", CNX_TORCH_ZIP, "", true, 0},
    {"mini_training.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_mmengine.pth", "mini", CNX_TORCH_ZIP, "state_dict", false, 0},
    {"mini_mmseg1_conv1x1.pth", "mini", CNX_TORCH_ZIP, "state_dict", false, 0},
    {"mini_ddp.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_noaux.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 7},
    {"mini_newzip.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_views.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_fp64.pth", "mini", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_fp16.pth", "mini_fp16", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_bf16.pth", "mini_bf16", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"mini_fp16_legacy.pth", "mini_fp16", CNX_TORCH_LEGACY, "state_dict", true, 0},
    {"mini.safetensors", "mini", CNX_SAFETENSORS, "", true, 0},
    {"mini_nopad.safetensors", "mini", CNX_SAFETENSORS, "", true, 0},
    {"mini_fp16.safetensors", "mini_fp16", CNX_SAFETENSORS, "", true, 0},
    {"mini_bf16.safetensors", "mini_bf16", CNX_SAFETENSORS, "", true, 0},
    {"mini_hf.safetensors", "mini", CNX_SAFETENSORS, "", false, 0},
    {"mini_hf_pytorch_model.bin", "mini", CNX_TORCH_ZIP, "", false, 0},
    {"atto150.pth", "wide", CNX_TORCH_ZIP, "state_dict", true, 0},
    {"micro_cls_official.pth", "cls", CNX_TORCH_ZIP, "model", true, 0},
    {"mini_cls_official.pth", "mini_cls", CNX_TORCH_ZIP, "model", true, 0},
    {"mini_cls_train.pth", "mini_cls", CNX_TORCH_ZIP, "model", true, 0},
    {"mini_cls_timm.pth", "mini_cls", CNX_TORCH_ZIP, "", false, 0},
    {"mini_cls_timm_convmlp.pth", "mini_cls", CNX_TORCH_ZIP, "", false, 0},
    {"mini_cls_torchvision.pth", "mini_cls", CNX_TORCH_ZIP, "", false, 0},
    {"mini_cls_mmpretrain.pth", "mini_cls", CNX_TORCH_ZIP, "state_dict", false, 0},
    {"mini_cls_timm.safetensors", "mini_cls", CNX_SAFETENSORS, "", false, 0},
    {"mini_cls_hf.safetensors", "mini_cls", CNX_SAFETENSORS, "", false, 0},
    {"mini_v2_cls_official.pth", "v2", CNX_TORCH_ZIP, "model", true, 0},
    {"mini_v2_cls_timm.safetensors", "v2", CNX_SAFETENSORS, "", false, 0},
    {"mini_v2_cls_hf.safetensors", "v2", CNX_SAFETENSORS, "", false, 0},
};
/* clang-format on */

typedef struct sums {
    double sum, weighted, first, last;
} sums;

static sums sums_of(const float *x, size_t n)
{
    sums s = {.first = x[0], .last = x[n - 1]};
    for (size_t i = 0; i < n; i++) {
        s.sum += x[i];
        s.weighted += (double)(i + 1) * x[i] / (double)n;
    }
    return s;
}

static sums sums_in(const cJSON *probe)
{
    return (sums){cJSON_GetObjectItem(probe, "sum")->valuedouble,
                  cJSON_GetObjectItem(probe, "weighted")->valuedouble,
                  cJSON_GetObjectItem(probe, "first")->valuedouble,
                  cJSON_GetObjectItem(probe, "last")->valuedouble};
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static bool same(sums a, sums b)
{
    return near(a.sum, b.sum) && near(a.weighted, b.weighted) && a.first == b.first &&
           a.last == b.last;
}

static int compare_sums(const void *a, const void *b)
{
    const sums *x = a, *y = b;
    return x->first != y->first ? (x->first > y->first) - (x->first < y->first)
                                : (x->last > y->last) - (x->last < y->last);
}

static bool same_shape(const cnx_tensor_info *t, const cJSON *shape)
{
    if (cJSON_GetArraySize(shape) != t->rank)
        return false;
    for (int i = 0; i < t->rank; i++)
        if (cJSON_GetArrayItem(shape, i)->valuedouble != (double)t->shape[i])
            return false;
    return true;
}

static size_t seen; /* tensors that could be seen where they lie */

/* What lies in the file is what is read. */
static void compare_view(cnx_checkpoint *c, const cnx_tensor_info *t, const float *values)
{
    for (int turn = 0; turn < 2; turn++) { /* a page that was let go of can be seen again */
        const float *view = cnx_checkpoint_view_f32(c, t);
        if (!view)
            return;
        CHECK(t->dtype == CNX_F32 && memcmp(view, values, t->elements * sizeof *view) == 0,
              "%s: seen and read values differ", t->name);
        cnx_checkpoint_unview(c, view, t->elements);
    }
    seen++;
}

/* Reads each float tensor; *out has the checksums, from malloc. */
static size_t read_all(cnx_checkpoint *c, sums **out)
{
    const size_t count = cnx_checkpoint_count(c);
    size_t n = 0;
    *out = malloc(count * sizeof **out);
    for (size_t i = 0; i < count; i++) {
        const cnx_tensor_info *t = cnx_checkpoint_tensor(c, i);
        CHECK(cnx_checkpoint_find(c, t->name) == t, "%s is not found again", t->name);
        float *values = malloc((t->elements + 1) * sizeof *values);
        values[t->elements] = 12345.0f;
        const cnx_status status = cnx_checkpoint_read_f32(c, t, values, &err);
        CHECK(values[t->elements] == 12345.0f, "%s: written past the end", t->name);
        if (t->dtype == CNX_I64) {
            CHECK(status == CNX_ERR_MODEL && strstr(err.message, t->name) &&
                      strstr(err.message, "int64"),
                  "%s", err.message);
        } else {
            CHECK(status == CNX_OK, "%s", err.message);
            compare_view(c, t, values);
            (*out)[n++] = sums_of(values, t->elements);
        }
        free(values);
    }
    return n;
}

static void compare_names(const form *f, cnx_checkpoint *c, const cJSON *probe, const sums *got)
{
    size_t k = 0, absent = 0;
    for (size_t i = 0; i < cnx_checkpoint_count(c); i++) {
        const cnx_tensor_info *t = cnx_checkpoint_tensor(c, i);
        if (t->dtype == CNX_I64)
            continue;
        const cJSON *want = cJSON_GetObjectItemCaseSensitive(probe, t->name);
        CHECK(want, "%s: %s is unexpected", f->file, t->name);
        if (want) {
            CHECK(same_shape(t, cJSON_GetObjectItem(want, "shape")), "%s: shape of %s", f->file,
                  t->name);
            CHECK(same(got[k], sums_in(want)), "%s: values of %s", f->file, t->name);
        }
        k++;
    }
    for (const cJSON *p = probe->child; p; p = p->next)
        absent += !strstr(p->string, "num_batches_tracked") && !cnx_checkpoint_find(c, p->string);
    CHECK(absent == f->absent, "%s: %zu tensors are missing", f->file, absent);
}

static void compare_values(const form *f, const cJSON *probe, sums *got, size_t n)
{
    sums *want = malloc((size_t)cJSON_GetArraySize(probe) * sizeof *want);
    size_t m = 0;
    for (const cJSON *p = probe->child; p; p = p->next)
        if (!strstr(p->string, "num_batches_tracked"))
            want[m++] = sums_in(p);
    CHECK(n == m, "%s: %zu tensors, expected %zu", f->file, n, m);
    qsort(want, m, sizeof *want, compare_sums);
    qsort(got, n, sizeof *got, compare_sums);
    for (size_t i = 0; i < n && i < m; i++)
        CHECK(same(got[i], want[i]), "%s: values of tensor %zu", f->file, i);
    free(want);
}

static void check_form(const char *folder, const char *probes, const form *f)
{
    char path[600];
    char *text;
    size_t size;
    cJSON *probe = NULL;
    snprintf(path, sizeof path, "%s/probe_%s.json", probes, f->probe);
    if (cnx_read_text(path, 1 << 20, &text, &size, &err) == CNX_OK) {
        cnx_json_parse(&probe, text, size, path, &err);
        free(text);
    }
    CHECK(probe, "%s: %s", path, err.message);
    snprintf(path, sizeof path, "%s/%s", folder, f->file);
    cnx_checkpoint *c = NULL;
    CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
    if (c && probe) {
        CHECK(cnx_checkpoint_container(c) == f->container, "%s: container", f->file);
        CHECK(strcmp(cnx_checkpoint_section(c), f->section) == 0, "%s: section %s", f->file,
              cnx_checkpoint_section(c));
        CHECK(strcmp(cnx_checkpoint_name(c), path) == 0, "name");
        sums *got;
        const size_t n = read_all(c, &got);
        if (f->official)
            compare_names(f, c, probe, got);
        else
            compare_values(f, probe, got, n);
        free(got);
    }
    cnx_checkpoint_close(&c);
    cJSON_Delete(probe);
}

static void check_metadata(const char *folder, const char *file, const char *config)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    cnx_checkpoint *c = NULL;
    CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
    if (!c)
        return;
    const uint8_t *rgb = NULL;
    CHECK(cnx_checkpoint_class_count(c) == 5, "%s: classes", file);
    for (size_t i = 0; i < 5; i++) {
        char want[16];
        snprintf(want, sizeof want, "class_%zu", i);
        const char *got = cnx_checkpoint_class(c, i);
        CHECK(got && strcmp(got, want) == 0, "%s: class %zu", file, i);
    }
    CHECK(!cnx_checkpoint_class(c, 5), "a class too many");
    CHECK(cnx_checkpoint_palette(c, &rgb) == 5 && rgb[0] == 120 && rgb[3] == 180 && rgb[5] == 120,
          "%s: palette", file);
    const char *text = cnx_checkpoint_text(c, "config");
    CHECK(text && strstr(text, config), "%s: config", file);
    cnx_checkpoint_close(&c);
}

int main(void)
{
    const char *data = CNX_SOURCE_DIR "/tests/data";
    for (size_t i = 0; i < sizeof committed / sizeof *committed; i++)
        check_form(data, CNX_SOURCE_DIR "/tests/data/checkpoints", &committed[i]);
    check_metadata(data, "segmentation/models/mini_legacy.pth", "SyncBN");
    check_metadata(data, "checkpoints/mini_mmengine.pth", "EncoderDecoder");

    char buffer[512];
    const char *folder = check_shared(buffer, sizeof buffer, "fixtures/seg/models");
    if (folder) {
        for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
            check_form(folder, folder, &shared[i]);
        check_metadata(folder, "mini_official.pth", "SyncBN");
        check_metadata(folder, "mini_mmengine.pth", "EncoderDecoder");
        cnx_checkpoint *c = NULL;
        char path[600];
        snprintf(path, sizeof path, "%s/mini_nopad.safetensors", folder);
        CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
        const char *note = c ? cnx_checkpoint_text(c, "note") : NULL;
        CHECK(note && strcmp(note, "h\xc3\xa9"
                                   "ader \"quoted\" \\ \n") == 0,
              "note");
        cnx_checkpoint_close(&c);
    }
    CHECK(seen > 100, "%zu tensors were seen in their files", seen);
    return CHECK_RESULT;
}
