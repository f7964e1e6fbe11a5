/* Weights kept in 16 bits: half the memory, nearly the same labels, and never silently infinite. */
#include <inttypes.h>

#include "tests/golden/segment.h"
#include "tests/unit/heads/synthetic.h"

#define MINI         CNX_SOURCE_DIR "/tests/data/segmentation/models/mini_official.pth"
#define DEMO_PICTURE CNX_SOURCE_DIR "/tests/data/nuclei/76c44d1addac.png"

/* The best kernels that have such weights. */
static const char *kernels(void)
{
    cnx_kernels k;
    const bool best = cnx_kernels_init(&k, "auto", NULL) == CNX_OK &&
                      cnx_kernels_set_weights(&k, CNX_WEIGHTS_F16, NULL) == CNX_OK;
    return best ? "auto" : "ref";
}

static cnx_status open_with(cnx_segmentor **seg, const char *path, cnx_weight_type weights,
                            cnx_error *err)
{
    cnx_model_file file = {0};
    *seg = NULL;
    const cnx_model_options options = {.threads = 2, .kernels = kernels(), .weights = weights};
    cnx_status status = cnx_model_file_open(&file, path, NULL, NULL, 0, false, err);
    if (status == CNX_OK)
        status = cnx_segmentor_open(seg, &file, &options, err);
    cnx_model_file_close(&file);
    return status;
}

/* ---- the demo model ---- */

typedef struct outcome {
    segment_result result;
    size_t weights_bytes;
} outcome;

static bool run_demo(outcome *o, const cnx_image *image, cnx_weight_type weights)
{
    cnx_error err = {.message = ""};
    cnx_segmentor *seg;
    cnx_estimate estimate = {0};
    const char *name = cnx_weight_type_name(weights);
    CHECK(open_with(&seg, NULL, weights, &err) == CNX_OK, "%s: %s", name, err.message);
    if (!seg)
        return false;
    CHECK(cnx_segmentor_estimate(seg, image->width, image->height, NULL, 0, &estimate, &err) ==
              CNX_OK,
          "%s: %s", name, err.message);
    o->weights_bytes = estimate.weights_bytes;
    const bool done = segment_run_whole(&o->result, seg, image, NULL, CNX_WANT_LOGITS, name);
    cnx_segmentor_close(&seg);
    return done;
}

/* The largest difference of logits as a share of their range. */
static double logits_error(const segment_result *want, const segment_result *got)
{
    const size_t n = (size_t)want->width * (size_t)want->height * (size_t)want->classes;
    double low = want->logits[0], high = low, worst = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = want->logits[i], off = fabs(x - (double)got->logits[i]);
        low = x < low ? x : low;
        high = x > high ? x : high;
        worst = off > worst || isnan(off) ? off : worst;
    }
    return worst / (high - low);
}

static void compare(const outcome *want, const outcome *got, cnx_weight_type weights, double bound)
{
    const char *name = cnx_weight_type_name(weights);
    const size_t n = (size_t)want->result.width * (size_t)want->result.height;
    size_t differ = 0;
    for (size_t i = 0; i < n; i++)
        differ += want->result.labels[i] != got->result.labels[i];
    CHECK(differ * 1000 <= n, "%s: %zu of %zu labels differ", name, differ, n);
    const double off = logits_error(&want->result, &got->result);
    CHECK(off < bound, "%s: logits are off by %g of their range", name, off);
    CHECK(off > 0, "%s: float32's logits: nothing has been narrowed", name);
    /* Depthwise filters, biases and norms stay float32. */
    CHECK(got->weights_bytes < want->weights_bytes / 100 * 56 &&
              got->weights_bytes > want->weights_bytes / 2,
          "%s: %zu bytes of weights instead of %zu", name, got->weights_bytes, want->weights_bytes);
}

static void check_demo(void)
{
    cnx_image image;
    outcome want = {0}, half = {0}, brain = {0};
    if (!segment_read_image(&image, DEMO_PICTURE))
        return;
    if (run_demo(&want, &image, CNX_WEIGHTS_F32) && run_demo(&half, &image, CNX_WEIGHTS_F16) &&
        run_demo(&brain, &image, CNX_WEIGHTS_BF16)) {
        compare(&want, &half, CNX_WEIGHTS_F16, 5e-4);
        compare(&want, &brain, CNX_WEIGHTS_BF16, 1e-2);
    }
    segment_result_free(&want.result);
    segment_result_free(&half.result);
    segment_result_free(&brain.result);
    cnx_image_free(&image);
}

/* ---- weights that float16 cannot hold ---- */

/* Replaces the first value of a float32 tensor in a .safetensors file. */
static bool poke(const char *path, const char *tensor, float value)
{
    FILE *file = fopen(path, "r+b");
    uint64_t length = 0, begin = 0;
    char name[128];
    bool ok = file && fread(&length, sizeof length, 1, file) == 1 && length < 1 << 20;
    char *header = ok ? calloc(1, (size_t)length + 1) : NULL;
    snprintf(name, sizeof name, "\"%s\":", tensor);
    ok = header && fread(header, 1, (size_t)length, file) == length;
    const char *entry = ok ? strstr(header, name) : NULL;
    const char *offsets = entry ? strstr(entry, "\"data_offsets\":[") : NULL;
    ok = offsets && sscanf(offsets, "\"data_offsets\":[%" SCNu64, &begin) == 1 &&
         fseek(file, (long)(sizeof length + length + begin), SEEK_SET) == 0 &&
         fwrite(&value, sizeof value, 1, file) == 1;
    CHECK(ok, "%s has no %s", path, tensor);
    free(header);
    return file && fclose(file) == 0 && ok;
}

/* The mini model in float32 with one value replaced. */
static bool write_model(const char *path, const char *tensor, float value)
{
    cnx_error err = {.message = ""};
    cnx_model_file file = {0};
    bool ok = cnx_model_file_open(&file, MINI, NULL, NULL, 0, false, &err) == CNX_OK &&
              cnx_model_file_convert(&file, path, CNX_F32, &err) == CNX_OK;
    CHECK(ok, "%s", err.message);
    cnx_model_file_close(&file);
    return ok && poke(path, tensor, value);
}

static void check_opens(const char *path, cnx_weight_type weights)
{
    cnx_error err = {.message = ""};
    cnx_segmentor *seg;
    CHECK(open_with(&seg, path, weights, &err) == CNX_OK, "%s: %s", cnx_weight_type_name(weights),
          err.message);
    cnx_segmentor_close(&seg);
}

static void check_overflow(const char *tensor, float value, const char *layer)
{
    const char *path = synthetic_path("large.safetensors");
    cnx_error err = {.message = ""};
    cnx_segmentor *seg;
    unlink(path);
    if (!write_model(path, tensor, value))
        return;
    CHECK(open_with(&seg, path, CNX_WEIGHTS_F16, &err) == CNX_ERR_MODEL && !seg,
          "%s of %g: status %d (%s)", tensor, (double)value, (int)err.status, err.message);
    CHECK(strstr(err.message, layer) && strstr(err.message, "--weights bf16") &&
              strstr(err.message, path),
          "%s: \"%s\"", tensor, err.message);
    cnx_segmentor_close(&seg);
    check_opens(path, CNX_WEIGHTS_BF16);
    check_opens(path, CNX_WEIGHTS_F32);
}

/* ---- the public option ---- */

static void check_public(void)
{
    static const char *const good[] = {NULL, "f32", "f16", "bf16"};
    cnx_error err = {.message = ""};
    cnx_model *model;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const cnx_options options = {.threads = 1, .kernels = kernels(), .weights = good[i]};
        CHECK(cnx_open(&model, MINI, &options, &err) == CNX_OK, "%s: %s",
              good[i] ? good[i] : "NULL", err.message);
        cnx_close(&model);
    }
    const cnx_options unknown = {.weights = "f8"}, none = {.weights = "f16", .kernels = "openblas"};
    CHECK(cnx_open(&model, MINI, &unknown, &err) == CNX_ERR_ARGUMENT && !model, "f8 was taken");
    CHECK(strstr(err.message, "f8") && strstr(err.message, "bf16"), "\"%s\"", err.message);
    CHECK(cnx_open(&model, MINI, &none, &err) == CNX_ERR_ARGUMENT && !model, "openblas took f16");
    CHECK(strstr(err.message, "openblas"), "\"%s\"", err.message);
}

int main(void)
{
    check_demo();
    check_overflow("decode_head.conv_seg.weight", -70000.0f, "decode_head.conv_seg:");
    check_overflow("backbone.stages.0.0.gamma", 1e9f, "backbone.stages.0.0.pwconv");
    check_overflow("backbone.stages.1.0.norm.weight", 1e9f, "backbone.stages.1.0.pwconv");
    check_overflow("decode_head.fpn_convs.0.bn.weight", 1e9f, "decode_head.fpn_convs.0:");
    check_overflow("decode_head.bottleneck.bn.weight", 1e9f, "decode_head.bottleneck:");
    check_public();
    synthetic_cleanup();
    return CHECK_RESULT;
}
