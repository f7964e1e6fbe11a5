/*
 * Whole classification runs against the golden files of the reference: the crop pixel by pixel, every
 * named map of the network, logits, for every checkpoint that holds the same weights, every kernel
 * table, and one and two threads.
 */
#include "core/image/image.h"
#include "heads/classifier.h"
#include "heads/classify_input.h"
#include "tests/golden/golden.h"

typedef struct golden_case {
    const golden_tree *tree;
    const char *name;
    cJSON *json;
    const cJSON *outputs;
    cnx_image image;
} golden_case;

static bool output_path(char path[GOLDEN_PATH], const golden_case *g, const char *output)
{
    const char *file = golden_text(g->outputs, output);
    if (file)
        golden_format(path, "%s/cls/%s/%s", g->tree->path, g->name, file);
    return file != NULL;
}

static bool read_image(cnx_image *image, const char *path)
{
    cnx_error err = {0};
    const cnx_status status = cnx_image_read(image, path, NULL, &err);
    CHECK(status == CNX_OK, "%s", err.message);
    return status == CNX_OK;
}

static bool case_open(golden_case *g, const golden_tree *tree, const char *name)
{
    char path[GOLDEN_PATH];
    *g = (golden_case){.tree = tree, .name = name};
    golden_format(path, "%s/cls/%s/case.json", tree->path, name);
    g->json = golden_json(path);
    if (!g->json)
        return false;
    g->outputs = cJSON_GetObjectItemCaseSensitive(g->json, "outputs");
    golden_format(path, "%s/cls/%s/%s", tree->path, name, golden_text(g->json, "image"));
    return read_image(&g->image, path);
}

static cnx_classifier *open_classifier(const golden_case *g, const char *checkpoint,
                                       const char *kernels, int threads)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_classifier *cls = NULL;
    const cnx_model_options options = {.threads = threads, .kernels = kernels};
    golden_format(path, "%s/%s", g->tree->path, checkpoint);
    cnx_status status = cnx_model_file_open(&file, path, NULL, NULL, 0, false, &err);
    if (status == CNX_OK)
        status = cnx_classifier_open(&cls, &file, &options, &err);
    cnx_model_file_close(&file);
    CHECK(status == CNX_OK, "%s (%s): %s", path, kernels, err.message);
    return cls;
}

static cnx_pipeline case_pipeline(const golden_case *g, const cnx_classifier *cls)
{
    cnx_pipeline p = cnx_classifier_description(cls)->pipeline;
    p.crop_h = p.crop_w = golden_int(g->json, "input_size", 0);
    p.crop_share = cnx_crop_share(p.crop_h);
    return p;
}

/* ---- the crop ---- */

static void check_crop(const golden_case *g, const cnx_pipeline *p)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    cnx_image got = {0}, want = {0};
    cnx_classify_size size;
    int a = 0, b = 0;
    CHECK(cnx_classify_size_of(&size, g->image.width, g->image.height, p, &err) == CNX_OK, "%s",
          err.message);
    CHECK(golden_pair(g->json, "resize_hw", &a, &b) && size.resized_h == a && size.resized_w == b,
          "%s: resized to %d x %d", g->name, size.resized_h, size.resized_w);
    CHECK(golden_pair(g->json, "crop_top_left", &a, &b) && size.top == a && size.left == b,
          "%s: crop at %d, %d", g->name, size.top, size.left);
    CHECK(cnx_classify_crop(&got, &g->image, &size, &err) == CNX_OK, "%s", err.message);
    if (got.data && output_path(path, g, "crop") && read_image(&want, path)) {
        const size_t n = 3 * (size_t)want.width * (size_t)want.height;
        CHECK(got.width == want.width && got.height == want.height &&
                  memcmp(got.data, want.data, n) == 0,
              "%s: the crop is not Pillow's", g->name);
    }
    golden_array input;
    if (got.data && output_path(path, g, "input") && golden_load(&input, path)) {
        float *normal = cnx_alloc(input.n * sizeof(float));
        float *planes = cnx_alloc(input.n * sizeof(float));
        const size_t pixels = (size_t)got.width * (size_t)got.height;
        cnx_classify_normalise(normal, &got, p);
        golden_to_channels_first(planes, normal, 3, pixels);
        CHECK(memcmp(planes, input.data, input.n * sizeof(float)) == 0,
              "%s: the normalised input differs", g->name);
        cnx_free(normal);
        cnx_free(planes);
        golden_free(&input);
    }
    cnx_image_free(&got);
    cnx_image_free(&want);
}

/* ---- the network ---- */

typedef struct tap_state {
    const golden_case *g;
    const char *context;
    int seen;
} tap_state;

/* The reference calls the last block's map of a stage by the stage. */
static void tap(void *user, const char *name, cnx_map map)
{
    tap_state *state = user;
    const golden_case *g = state->g;
    char path[GOLDEN_PATH], key[GOLDEN_PATH], output[64];
    golden_array want;
    snprintf(output, sizeof output, "%s", name);
    char *block = strstr(output, "_block");
    if (block) {
        const int stage = output[5] - '0', j = (int)strtol(block + 6, NULL, 10);
        static const int depths[][4] = {{1, 1, 2, 1}, {1, 1, 1, 1}};
        const int *d = depths[strncmp(g->name, "cls", 3) != 0];
        *block = '\0';
        if (j != d[stage] - 1)
            return;
    }
    if (!output_path(path, g, output) || !golden_load(&want, path))
        return;
    const size_t pixels = (size_t)map.h * (size_t)map.w;
    CHECK(want.n == pixels * (size_t)map.c, "%s: %s has %zu elements", g->name, output, want.n);
    float *planes = cnx_alloc(want.n * sizeof(float));
    golden_to_channels_first(planes, map.data, (size_t)map.c, pixels);
    golden_format(key, "cls/%s/%s", g->name, golden_text(g->outputs, output));
    golden_near_key(g->tree, key, planes, want.data, want.n, state->context);
    state->seen++;
    cnx_free(planes);
    golden_free(&want);
}

static void check_layers(const golden_case *g, cnx_classifier *cls, const char *context)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    golden_array input;
    if (!output_path(path, g, "input") || !golden_load(&input, path))
        return;
    const int h = (int)input.shape[2], w = (int)input.shape[3];
    float *in = cnx_alloc(input.n * sizeof(float)), logits[32];
    golden_to_channels_last(in, input.data, 3, (size_t)h * (size_t)w);
    tap_state state = {.g = g, .context = context};
    CHECK(cnx_classifier_network(cls, in, h, w, logits, tap, &state, &err) == CNX_OK, "%s",
          err.message);
    CHECK(state.seen == 7, "%s (%s): %d of 7 maps came by", g->name, context, state.seen);
    cnx_free(in);
    golden_free(&input);
}

/* ---- cases ---- */

static void check_top(const golden_case *g, const float *logits, int classes)
{
    const cJSON *entry;
    double sum = 0;
    for (int c = 0; c < classes; c++)
        sum += exp((double)logits[c]);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(g->json, "top5"))
    {
        const int index = golden_int(entry, "index", -1);
        const double want = cJSON_GetObjectItemCaseSensitive(entry, "probability")->valuedouble;
        CHECK(index >= 0 && index < classes && fabs(exp((double)logits[index]) / sum - want) < 1e-4,
              "%s: class %d", g->name, index);
    }
}

/* One checkpoint, one kernel table, one thread count; logits has room for 32. */
static void run_case(const golden_case *g, const char *checkpoint, const char *kernels, int threads,
                     float *logits)
{
    char path[GOLDEN_PATH], key[GOLDEN_PATH], context[GOLDEN_PATH];
    cnx_error err = {0};
    golden_array want;
    golden_format(context, "%s, %s, %d threads", checkpoint, kernels, threads);
    cnx_classifier *cls = open_classifier(g, checkpoint, kernels, threads);
    if (!cls)
        return;
    const int classes = cnx_classifier_description(cls)->class_count;
    const cnx_pipeline p = case_pipeline(g, cls);
    const cnx_classify_request request = {.image = &g->image, .pipeline = &p};
    cnx_classify_stats stats;
    CHECK(classes <= 32 && cnx_classifier_run(cls, &request, logits, &stats, &err) == CNX_OK,
          "%s (%s): %s", g->name, context, err.message);
    CHECK(stats.net_h == p.crop_h && stats.net_w == p.crop_w, "%s: input %d x %d", g->name,
          stats.net_h, stats.net_w);
    if (output_path(path, g, "logits") && golden_load(&want, path)) {
        golden_format(key, "cls/%s/logits.npy", g->name);
        CHECK(want.n == (size_t)classes, "%s: %zu logits", g->name, want.n);
        golden_near_key(g->tree, key, logits, want.data, want.n, context);
        golden_free(&want);
    }
    check_top(g, logits, classes);
    check_layers(g, cls, context);
    check_crop(g, &p);
    cnx_classifier_close(&cls);
}

static int run_checkpoints(const golden_case *g, const char *own)
{
    const char *model = golden_text(g->json, "model");
    const cJSON *entry;
    int count = 1;
    float logits[32];
    cJSON_ArrayForEach(entry, g->tree->manifest)
    {
        const char *holds = golden_text(entry, "model");
        if (!holds || strcmp(holds, model) != 0 || strcmp(entry->string, own) == 0 ||
            !(strncmp(entry->string, "models/", 7) == 0 || entry->string[0] == '.'))
            continue;
        run_case(g, entry->string, "auto", 2, logits);
        count++;
    }
    return count;
}

static void visit_case(void *user, const golden_tree *tree, const char *name)
{
    static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon"};
    int *checkpoints = user;
    golden_case g;
    if (case_open(&g, tree, name)) {
        const char *own = golden_text(g.json, "checkpoint");
        const bool small = golden_int(g.json, "input_size", 0) <= 64;
        float one[32] = {0}, two[32] = {0};
        run_case(&g, own, "auto", 1, one);
        run_case(&g, own, "auto", 2, two);
        CHECK(memcmp(one, two, sizeof one) == 0, "%s: one and two threads differ", name);
        *checkpoints += run_checkpoints(&g, own);
        for (size_t i = 0; i < sizeof tables / sizeof *tables && small; i++) {
            cnx_kernels k;
            if (cnx_kernels_init(&k, tables[i], NULL) == CNX_OK)
                run_case(&g, own, tables[i], 2, two);
        }
    }
    cJSON_Delete(g.json);
    cnx_image_free(&g.image);
}

/* ---- sizes ---- */

static void test_sizes(const golden_tree *tree)
{
    char path[GOLDEN_PATH];
    cJSON *cases =
        golden_json(golden_format(path, "%s/ops/size_rules/classification.json", tree->path));
    const cJSON *entry;
    int count = 0;
    cJSON_ArrayForEach(entry, cases)
    {
        int h = 0, w = 0, resized[2] = {0}, corner[2] = {0};
        cnx_classify_size size;
        cnx_pipeline p = {.resize = true, .crop_h = golden_int(entry, "input_size", 0)};
        p.crop_share = cnx_crop_share(p.crop_h);
        golden_pair(entry, "hw", &h, &w);
        golden_pair(entry, "resize_hw", &resized[0], &resized[1]);
        golden_pair(entry, "crop_top_left", &corner[0], &corner[1]);
        CHECK(cnx_classify_size_of(&size, w, h, &p, NULL) == CNX_OK &&
                  size.resized_h == resized[0] && size.resized_w == resized[1] &&
                  size.top == corner[0] && size.left == corner[1] &&
                  size.h == golden_int(entry, "crop", 0),
              "%d x %d at %d: %d x %d, crop at %d, %d", h, w, p.crop_h, size.resized_h,
              size.resized_w, size.top, size.left);
        count++;
    }
    CHECK(count > 10, "%d sizes", count);
    cJSON_Delete(cases);
}

int main(void)
{
    golden_tree trees[GOLDEN_ROOTS];
    const int count = golden_open(trees);
    for (int i = 0; i < count; i++) {
        int checkpoints = 0;
        CHECK(golden_each(&trees[i], "cls", visit_case, &checkpoints) >= 2, "%s: cases are gone",
              trees[i].path);
        CHECK(checkpoints >= 4, "%s: only %d runs", trees[i].path, checkpoints);
        test_sizes(&trees[i]);
    }
    golden_close(trees, count);
    return CHECK_RESULT;
}
