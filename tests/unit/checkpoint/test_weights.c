#include "core/checkpoint/weights.h"
#include "tests/unit/checkpoint/probe.h"

/* ---- files in memory ---- */

typedef struct entry {
    const char *name, *shape; /* as in JSON: "8, 3, 4, 4" */
    size_t elements;
    const char *dtype; /* "F32" or "I64" */
} entry;

typedef struct memory_file {
    unsigned char bytes[65536];
    size_t size;
    cnx_checkpoint *checkpoint;
    cnx_weights *weights;
} memory_file;

static size_t write_header(char *out, size_t size, const entry *entries, size_t count)
{
    size_t n = (size_t)snprintf(out, size, "{"), at = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t bytes = entries[i].elements * (entries[i].dtype[0] == 'F' ? 4 : 8);
        n += (size_t)snprintf(
            out + n, size - n,
            "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", i ? "," : "",
            entries[i].name, entries[i].dtype, entries[i].shape, at, at + bytes);
        at += bytes;
    }
    return n + (size_t)snprintf(out + n, size - n, "}");
}

/* A safetensors file whose float32 values count up from 0. */
static cnx_status open_memory(memory_file *f, const entry *entries, size_t count, cnx_error *err)
{
    memset(f, 0, sizeof *f);
    const size_t header = write_header((char *)f->bytes + 8, sizeof f->bytes - 8, entries, count);
    const uint64_t length = header;
    memcpy(f->bytes, &length, 8);
    f->size = 8 + header;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < entries[i].elements; j++) {
            const float value = (float)j;
            const size_t wide = entries[i].dtype[0] == 'F' ? 4 : 8;
            if (wide == 4)
                memcpy(f->bytes + f->size, &value, 4);
            f->size += wide;
        }
    const cnx_status status =
        cnx_checkpoint_open_memory(&f->checkpoint, f->bytes, f->size, "memory", err);
    CHECK(status == CNX_OK, "%s", err->message);
    return status == CNX_OK ? cnx_weights_open(&f->weights, f->checkpoint, err) : status;
}

static void close_memory(memory_file *f)
{
    cnx_weights_close(&f->weights);
    cnx_checkpoint_close(&f->checkpoint);
}

#define SHAPE(...)                                                                                 \
    (int)(sizeof((int64_t[]){__VA_ARGS__}) / 8), (const int64_t[])                                 \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool contains(const cnx_error *err, const char *text)
{
    return strstr(err->message, text) != NULL;
}

/* ---- asking ---- */

static void test_expect(void)
{
    static memory_file f;
    cnx_error err = {.message = ""};
    const entry entries[] = {{"backbone.stages.0.0.gamma", "8, 1, 1", 8, "F32"},
                             {"backbone.stages.0.0.pwconv1.weight", "4, 2, 1, 1", 8, "F32"},
                             {"backbone.stages.0.0.grn.gamma", "8", 8, "F32"},
                             {"backbone.stages.0.0.norm.weight", "2, 3", 6, "F32"},
                             {"backbone.stages.0.0.norm.bias", "2", 2, "I64"},
                             {"backbone.bogus.weight", "1", 1, "F32"},
                             {"decode_head.extra.weight", "1", 1, "F32"},
                             {"ema_backbone.stages.0.0.gamma", "1", 1, "F32"},
                             {"auxiliary_head.conv_seg.bias", "1", 1, "F32"},
                             {"decode_head.bottleneck.bn.num_batches_tracked", "", 1, "I64"}};
    CHECK(open_memory(&f, entries, COUNT(entries), &err) == CNX_OK, "%s", err.message);
    cnx_weights *w = f.weights;
    CHECK(cnx_weights_expect(w, "backbone.stages.0.0.gamma", SHAPE(8)), "(C,1,1) for (C)");
    CHECK(cnx_weights_expect(w, "backbone.stages.0.0.pwconv1.weight", SHAPE(4, 2)), "1x1");
    CHECK(cnx_weights_expect(w, "backbone.stages.0.0.grn.gamma", SHAPE(1, 1, 1, 8)), "GRN");
    CHECK(cnx_weights_check(w, &err) == CNX_ERR_MODEL && contains(&err, "backbone.bogus.weight") &&
              !contains(&err, "decode_head") && !contains(&err, "ema_"),
          "left over: %s", err.message);
    CHECK(!cnx_weights_expect(w, "backbone.stages.0.0.norm.weight", SHAPE(3, 2)), "exchanged");
    CHECK(!cnx_weights_expect(w, "backbone.stages.0.0.norm.bias", SHAPE(2)), "int64");
    CHECK(!cnx_weights_expect(w, "decode_head.conv_seg.bias", SHAPE(5)), "missing");
    CHECK(cnx_weights_check(w, &err) == CNX_ERR_MODEL, "accepted");
    CHECK(contains(&err, "memory: ") &&
              contains(&err, "norm.weight has shape [2, 3], expected [3, 2]") &&
              contains(&err, "norm.bias holds int64") &&
              contains(&err, "decode_head.conv_seg.bias is missing (expected shape [5])") &&
              contains(&err, "decode_head.extra.weight"),
          "%s", err.message);
    static const cnx_key_state states[] = {
        CNX_KEY_MATCHED,     CNX_KEY_MATCHED, CNX_KEY_MATCHED, CNX_KEY_WRONG_SHAPE,
        CNX_KEY_WRONG_DTYPE, CNX_KEY_UNUSED,  CNX_KEY_UNUSED,  CNX_KEY_UNUSED,
        CNX_KEY_IGNORED,     CNX_KEY_IGNORED, CNX_KEY_MISSING};
    CHECK(cnx_weights_key_count(w) == COUNT(states), "%zu keys", cnx_weights_key_count(w));
    for (size_t i = 0; i < COUNT(states); i++)
        CHECK(cnx_weights_key(w, i)->state == states[i], "key %zu: %d", i,
              (int)cnx_weights_key(w, i)->state);
    CHECK(!cnx_weights_key(w, COUNT(states)), "a key past the end");
    close_memory(&f);
}

/* Many missing tensors: a few named, the rest counted. */
static void test_many_missing(void)
{
    static memory_file f;
    cnx_error err = {.message = ""};
    const entry entries[] = {{"convnext.embeddings.patch_embeddings.weight", "1", 1, "F32"}};
    CHECK(open_memory(&f, entries, 1, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_dialect(f.weights) == CNX_DIALECT_HUGGINGFACE, "dialect");
    for (int i = 0; i < 5000; i++) {
        char name[64];
        snprintf(name, sizeof name, "stages.0.%d.gamma", i);
        CHECK(!cnx_weights_expect(f.weights, name, SHAPE(8)), "%s", name);
    }
    CHECK(cnx_weights_check(f.weights, &err) == CNX_ERR_MODEL && contains(&err, "and 4996 more") &&
              contains(&err, "convnext.encoder.stages.0.layers.0.layer_scale_parameter"),
          "%s", err.message);
    close_memory(&f);
}

static void test_two_meanings(void)
{
    static memory_file f;
    cnx_error err = {.message = ""};
    const entry entries[] = {{"backbone.embeddings.patch_embeddings.weight", "1", 1, "F32"},
                             {"backbone.hidden_states_norms.0.weight", "1", 1, "F32"},
                             {"backbone.hidden_states_norms.stage1.weight", "1", 1, "F32"}};
    CHECK(open_memory(&f, entries, 3, &err) == CNX_ERR_MODEL && !f.weights &&
              contains(&err, "hidden_states_norms.0.weight") && contains(&err, "stage1") &&
              contains(&err, "backbone.norm0.weight"),
          "%s", err.message);
    close_memory(&f);
}

static void test_not_finite(void)
{
    static memory_file f;
    cnx_error err = {.message = ""};
    float values[8];
    const entry entries[] = {{"stages.0.0.pwconv1.weight", "4, 2", 8, "F32"}};
    const float bad[] = {NAN, INFINITY, -INFINITY};
    CHECK(open_memory(&f, entries, 1, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_read(f.weights, "stages.0.0.pwconv1.weight", values, &err) == CNX_ERR_MODEL,
          "read without being asked for");
    cnx_weights_expect(f.weights, "stages.0.0.pwconv1.weight", SHAPE(4, 2));
    CHECK(cnx_weights_read(f.weights, "stages.0.0.pwconv1.weight", values, &err) == CNX_OK &&
              values[7] == 7,
          "%s", err.message);
    for (int i = 0; i < 3; i++) {
        memcpy(f.bytes + f.size - 3 * 4, &bad[i], 4);
        CHECK(cnx_weights_read(f.weights, "stages.0.0.pwconv1.weight", values, &err) ==
                      CNX_ERR_MODEL &&
                  contains(&err, "stages.0.0.pwconv1.weight") && contains(&err, "[2, 1]") &&
                  contains(&err, i == 0 ? "NaN" : "infinity"),
              "%s", err.message);
    }
    close_memory(&f);
}

static void test_other_networks(void)
{
    static memory_file f;
    const entry hnf[] = {{"stem.0.weight", "8, 3, 4, 4", 384, "F32"},
                         {"stages.0.blocks.0.gamma", "8", 8, "F32"},
                         {"norm_pre.weight", "8", 8, "F32"}};
    const entry ols[] = {{"stem.0.weight", "8, 3, 3, 3", 216, "F32"},
                         {"stages.0.blocks.0.gamma", "8", 8, "F32"}};
    const entry ols_names[] = {{"stem.0.weight", "8, 3, 4, 4", 384, "F32"},
                               {"stages.0.blocks.0.gamma", "8", 8, "F32"},
                               {"stem.2.bias", "8", 8, "F32"}};
    const entry rms[] = {{"stem.0.weight", "8, 3, 4, 4", 384, "F32"},
                         {"stages.0.blocks.0.conv_dw.bias", "8", 8, "F32"},
                         {"stages.0.blocks.0.norm.weight", "8", 8, "F32"}};
    const struct {
        const entry *entries;
        size_t count;
        const char *word;
    } cases[] = {{hnf, 3, "_hnf"}, {ols, 2, "_ols"}, {ols_names, 3, "_ols"}, {rms, 3, "RMS"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        cnx_error err = {.message = ""};
        CHECK(open_memory(&f, cases[i].entries, cases[i].count, &err) == CNX_ERR_UNSUPPORTED &&
                  contains(&err, cases[i].word),
              "%s: %s", cases[i].word, err.message);
        close_memory(&f);
    }
}

/* ---- whole files ---- */

static void test_file(const char *path, const char *probe_path, int dialect)
{
    cnx_error err = {.message = ""};
    cnx_checkpoint *c = NULL;
    cnx_weights *w = NULL;
    cJSON *probe = probe_read(probe_path);
    CHECK(probe && cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
    if (c && cnx_weights_open(&w, c, &err) == CNX_OK) {
        CHECK(dialect < 0 || (int)cnx_weights_dialect(w) == dialect, "%s: told as %s", path,
              cnx_dialect_name(cnx_weights_dialect(w)));
        probe_weights(w, path, probe);
        CHECK(cnx_weights_check(w, &err) == CNX_OK, "%s", err.message);
    } else {
        CHECK(false, "%s", err.message);
    }
    cnx_weights_close(&w);
    cnx_checkpoint_close(&c);
    cJSON_Delete(probe);
}

static void test_committed(void)
{
    static const struct {
        const char *file, *probe;
        cnx_dialect dialect;
    } files[] = {
        {"mini_official.pth", "probe_mini.json", CNX_DIALECT_OFFICIAL},
        {"mini_mmengine.pth", "probe_mini.json", CNX_DIALECT_OPENMMLAB1},
        {"mini_hf.safetensors", "probe_mini.json", CNX_DIALECT_HUGGINGFACE},
        {"mini_cls_timm.safetensors", "probe_mini_cls.json", CNX_DIALECT_TIMM},
        {"mini_cls_torchvision.pth", "probe_mini_cls.json", CNX_DIALECT_TORCHVISION},
        {"mini_v2_cls_hf.safetensors", "probe_v2.json", CNX_DIALECT_HUGGINGFACE},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        char path[512], probe[512];
        snprintf(path, sizeof path, CNX_SOURCE_DIR "/tests/data/checkpoints/%s", files[i].file);
        snprintf(probe, sizeof probe, CNX_SOURCE_DIR "/tests/data/checkpoints/%s", files[i].probe);
        test_file(path, probe, (int)files[i].dialect);
    }
}

/* Every checkpoint of the manifest that belongs to a probed model. */
static void test_shared(void)
{
    char root[512], path[1024], probe[1024];
    if (!check_shared(root, sizeof root, "fixtures/seg"))
        return;
    snprintf(path, sizeof path, "%s/manifest.json", root);
    cJSON *manifest = probe_read(path);
    int files = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, manifest)
    {
        const cJSON *model = cJSON_GetObjectItemCaseSensitive(item, "model");
        if (strncmp(item->string, "models/", 7) != 0 || !cJSON_IsString(model))
            continue;
        snprintf(path, sizeof path, "%s/%s", root, item->string);
        snprintf(probe, sizeof probe, "%s/models/probe_%s.json", root, model->valuestring);
        if (strstr(path, ".json") || access(probe, R_OK) != 0)
            continue;
        test_file(path, probe, -1);
        files++;
    }
    CHECK(files >= 30, "only %d files", files);
    cJSON_Delete(manifest);
}

int main(void)
{
    test_expect();
    test_many_missing();
    test_two_meanings();
    test_not_finite();
    test_other_networks();
    test_committed();
    test_shared();
    return CHECK_RESULT;
}
