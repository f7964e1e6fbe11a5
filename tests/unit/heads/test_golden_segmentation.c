/*
 * Whole segmentation runs against the golden files of the reference: every named map of the
 * network, logits or probabilities at the picture's size, and label maps, for every checkpoint that
 * holds the same weights, every kernel table, and one and two threads.
 */
#include "core/image/draw.h"
#include "tests/golden/segment.h"

/* One case: what case.json says, with its picture and expected labels. */
typedef struct golden_case {
    const golden_tree *tree;
    const char *name;
    cJSON *json;
    const cJSON *outputs;
    cnx_image image, labels, ties; /* labels and ties are grey, replicated */
} golden_case;

/* The path of an output file, or false when the case has no such output. */
static bool output_path(char path[GOLDEN_PATH], const golden_case *g, const char *output)
{
    const char *file = golden_text(g->outputs, output);
    if (file)
        golden_format(path, "%s/cases/%s/%s", g->tree->path, g->name, file);
    return file != NULL;
}

static bool case_open(golden_case *g, const golden_tree *tree, const char *name)
{
    char path[GOLDEN_PATH];
    *g = (golden_case){.tree = tree, .name = name};
    golden_format(path, "%s/cases/%s/case.json", tree->path, name);
    g->json = golden_json(path);
    if (!g->json)
        return false;
    g->outputs = cJSON_GetObjectItemCaseSensitive(g->json, "outputs");
    golden_format(path, "%s/cases/%s/%s", tree->path, name, golden_text(g->json, "image"));
    return segment_read_image(&g->image, path) && output_path(path, g, "labels") &&
           segment_read_image(&g->labels, path) && output_path(path, g, "ties") &&
           segment_read_image(&g->ties, path);
}

static void case_close(golden_case *g)
{
    cJSON_Delete(g->json);
    cnx_image_free(&g->image);
    cnx_image_free(&g->labels);
    cnx_image_free(&g->ties);
}

/* The case's pipeline on top of the model's mean and deviation. */
static cnx_pipeline case_pipeline(const golden_case *g, const cnx_segmentor *seg)
{
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(g->json, "pipeline");
    const cJSON *tta = cJSON_GetObjectItemCaseSensitive(json, "tta"), *ratio;
    cnx_pipeline p = segment_plain_pipeline(seg);
    p.resize = golden_pair(json, "scale", &p.scale_long, &p.scale_short);
    p.mode = strcmp(golden_text(json, "mode"), "slide") == 0 ? CNX_MODE_SLIDE : CNX_MODE_WHOLE;
    golden_pair(json, "crop", &p.crop_h, &p.crop_w);
    golden_pair(json, "stride", &p.stride_h, &p.stride_w);
    if (tta) {
        cJSON_ArrayForEach(ratio, cJSON_GetObjectItemCaseSensitive(tta, "ratios"))
            p.scales[p.scale_count++] = ratio->valuedouble;
        p.flip = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(tta, "flip"));
        p.rule = strcmp(golden_text(tta, "style"), "mmseg1") == 0 ? CNX_TTA_MMSEG1 : CNX_TTA_MMSEG0;
    }
    return p;
}

static unsigned case_want(const golden_case *g, const cnx_pipeline *p)
{
    const bool tta = p->scale_count > 0 || p->flip;
    return CNX_WANT_CONFIDENCE | CNX_WANT_PROB | (tta ? 0u : (unsigned)CNX_WANT_LOGITS) |
           (golden_text(g->outputs, "logits") ? (unsigned)CNX_WANT_LOGITS : 0u);
}

/* ---- what a run gave ---- */

static void check_labels(const golden_case *g, const segment_result *r, const char *context)
{
    const size_t n = (size_t)r->width * (size_t)r->height;
    size_t wrong = 0, first = 0;
    CHECK(g->labels.width == r->width && g->labels.height == r->height, "%s: label size", g->name);
    for (size_t i = 0; i < n; i++)
        if (g->ties.data[3 * i] != 255 && g->labels.data[3 * i] != r->labels[i] && wrong++ == 0)
            first = i;
    CHECK(wrong == 0, "%s (%s): %zu of %zu labels differ, the first at row %zu, column %zu",
          g->name, context, wrong, n, first / (size_t)r->width, first % (size_t)r->width);
}

static void check_volume(const golden_case *g, const char *output, const float *got,
                         const segment_result *r, const char *context)
{
    char path[GOLDEN_PATH], key[GOLDEN_PATH];
    golden_array want;
    if (!output_path(path, g, output))
        return;
    CHECK(got != NULL, "%s: no %s", g->name, output);
    if (!got || !golden_load(&want, path))
        return;
    const size_t pixels = (size_t)r->width * (size_t)r->height, c = (size_t)r->classes;
    CHECK(want.n == pixels * c, "%s: %s has %zu elements", g->name, output, want.n);
    float *planes = cnx_alloc(pixels * c * sizeof(float));
    golden_to_channels_first(planes, got, c, pixels);
    golden_format(key, "cases/%s/%s", g->name, golden_text(g->outputs, output));
    if (want.n == pixels * c)
        golden_near_key(g->tree, key, planes, want.data, want.n, context);
    cnx_free(planes);
    golden_free(&want);
}

/* What must hold between the outputs of any run: the label is the largest logit or probability, the
 * confidence its probability, and the probabilities of a pixel add up to one. */
static void check_agreement(const golden_case *g, const segment_result *r, const char *context)
{
    const size_t pixels = (size_t)r->width * (size_t)r->height, c = (size_t)r->classes;
    size_t labels = 0, confidences = 0, sums = 0;
    for (size_t i = 0; i < pixels; i++) {
        const float *scores = (r->logits ? r->logits : r->prob) + i * c;
        size_t best = 0;
        double sum = 0;
        for (size_t j = 0; j < c; j++) {
            sum += r->prob[i * c + j];
            if (scores[j] > scores[best])
                best = j;
        }
        labels += best != r->labels[i];
        sums += !(fabs(sum - 1) < 1e-4);
        confidences +=
            r->labels[i] >= c || !(fabsf(r->confidence[i] - r->prob[i * c + r->labels[i]]) < 1e-5f);
    }
    CHECK(labels == 0, "%s (%s): %zu labels are not the largest score", g->name, context, labels);
    CHECK(sums == 0, "%s (%s): %zu pixels' probabilities do not add up", g->name, context, sums);
    CHECK(confidences == 0, "%s (%s): %zu confidences are not the label's probability", g->name,
          context, confidences);
}

static void check_palette(const golden_case *g, const cnx_segmentor *seg, const segment_result *r)
{
    char path[GOLDEN_PATH];
    cnx_image want = {0};
    if (!output_path(path, g, "labels_rgb") || !segment_read_image(&want, path))
        return;
    const cnx_description *d = cnx_segmentor_description(seg);
    const size_t n = (size_t)r->width * (size_t)r->height;
    uint8_t *got = cnx_alloc(3 * n);
    cnx_colour_labels(r->labels, n, d->palette, d->class_count, got);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong += g->ties.data[3 * i] != 255 && memcmp(got + 3 * i, want.data + 3 * i, 3) != 0;
    CHECK(wrong == 0, "%s: %zu pixels have another colour", g->name, wrong);
    cnx_free(got);
    cnx_image_free(&want);
}

/* Input size and number of windows, as the reference counted them; of one pass only. */
static void check_sizes(const golden_case *g, cnx_segmentor *seg, const segment_result *r,
                        const cnx_pipeline *p)
{
    cnx_error err = {0};
    cnx_estimate estimate = {0};
    int h = 0, w = 0;
    const cJSON *windows = cJSON_GetObjectItemCaseSensitive(g->json, "windows_y1_y2_x1_x2");
    CHECK(cnx_segmentor_estimate(seg, g->image.width, g->image.height, p, CNX_WANT_PROB, &estimate,
                                 &err) == CNX_OK,
          "%s: %s", g->name, err.message);
    CHECK(estimate.passes == r->stats.passes && estimate.windows == r->stats.windows &&
              estimate.net_h == r->stats.net_h && estimate.net_w == r->stats.net_w,
          "%s: the estimate says %d passes, %d windows, %d x %d; the run %d, %d, %d x %d", g->name,
          estimate.passes, estimate.windows, estimate.net_h, estimate.net_w, r->stats.passes,
          r->stats.windows, r->stats.net_h, r->stats.net_w);
    const int scales = p->scale_count ? p->scale_count : 1;
    CHECK(r->stats.passes == scales * (p->flip ? 2 : 1), "%s: %d passes", g->name, r->stats.passes);
    if (r->stats.passes > 1)
        return;
    golden_pair(g->json, "network_input_hw", &h, &w);
    if (p->mode == CNX_MODE_SLIDE) { /* the network sees one window at a time */
        h = p->crop_h < h ? p->crop_h : h;
        w = p->crop_w < w ? p->crop_w : w;
    }
    CHECK(r->stats.net_h == h && r->stats.net_w == w, "%s: network input %d x %d, want %d x %d",
          g->name, r->stats.net_h, r->stats.net_w, h, w);
    CHECK(r->stats.windows == (windows ? cJSON_GetArraySize(windows) : 1), "%s: %d windows",
          g->name, r->stats.windows);
}

static void check_resized(const golden_case *g, const cnx_pipeline *p)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    cnx_image want = {0}, got = {0};
    int h = 0, w = 0;
    if (!output_path(path, g, "resized") || !segment_read_image(&want, path))
        return;
    cnx_keep_ratio(g->image.height, g->image.width, p->scale_long, p->scale_short, &h, &w);
    CHECK(h == want.height && w == want.width, "%s: resized to %d x %d", g->name, h, w);
    CHECK(cnx_image_resize(&got, &g->image, want.width, want.height, &err) == CNX_OK, "%s",
          err.message);
    CHECK(got.data && memcmp(got.data, want.data, 3 * (size_t)h * (size_t)w) == 0,
          "%s: the resized picture differs", g->name);
    cnx_image_free(&want);
    cnx_image_free(&got);
}

/* ---- layer by layer ---- */

typedef struct tap_state {
    const golden_case *g;
    const char *context;
    char seen[128][32];
    int count;
} tap_state;

static void compare_map(tap_state *state, const char *name, cnx_map map)
{
    char path[GOLDEN_PATH], key[GOLDEN_PATH];
    golden_array want;
    if (!output_path(path, state->g, name) || !golden_load(&want, path))
        return;
    const size_t c = (size_t)map.c, pixels = (size_t)map.h * (size_t)map.w;
    CHECK(want.rank == 4 && want.shape[1] == c && want.shape[2] == (size_t)map.h &&
              want.shape[3] == (size_t)map.w,
          "%s: %s is %d x %d x %d", state->g->name, name, map.h, map.w, map.c);
    if (want.n == pixels * c) {
        float *got = cnx_alloc(want.n * sizeof(float));
        for (int y = 0; y < map.h; y++)
            for (int x = 0; x < map.w; x++)
                for (size_t i = 0; i < c; i++)
                    got[i * pixels + (size_t)y * (size_t)map.w + (size_t)x] =
                        cnx_map_pixel(map, y, x)[i];
        golden_format(key, "cases/%s/%s", state->g->name, golden_text(state->g->outputs, name));
        golden_near_key(state->g->tree, key, got, want.data, want.n, state->context);
        cnx_free(got);
    }
    golden_free(&want);
}

static void tap(void *user, const char *name, cnx_map map)
{
    tap_state *state = user;
    if (state->count < 128)
        snprintf(state->seen[state->count++], sizeof state->seen[0], "%s", name);
    compare_map(state, name, map);
}

/* Outputs that are no map of the network.  The auxiliary head is for training only; the
 * concatenation of the pyramid pooling is never made: its parts and what is computed from it are
 * compared. */
static bool is_map(const char *output)
{
    static const char *const others[] = {"input",         "logits",     "labels",
                                         "ties",          "resized",    "labels_rgb",
                                         "probabilities", "aux_logits", "ppm_concat"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(output, others[i]) == 0)
            return false;
    return true;
}

/* Feeds the reference's own input to the network; every map of the case must come by. */
static void check_layers(const golden_case *g, cnx_segmentor *seg, const char *context)
{
    char path[GOLDEN_PATH];
    cnx_error err = {0};
    golden_array input;
    if (!output_path(path, g, "input") || !golden_load(&input, path))
        return;
    const int h = (int)input.shape[2], w = (int)input.shape[3];
    const int classes = cnx_segmentor_description(seg)->class_count;
    const size_t quarter = (size_t)(h / 4) * (size_t)(w / 4) * (size_t)classes;
    float *in = cnx_alloc(input.n * sizeof(float));
    float *logits[2] = {cnx_alloc(quarter * sizeof(float)), cnx_alloc(quarter * sizeof(float))};
    golden_to_channels_last(in, input.data, 3, (size_t)h * (size_t)w);
    tap_state state = {.g = g, .context = context};
    CHECK(cnx_segmentor_network(seg, in, h, w, logits[0], tap, &state, &err) == CNX_OK, "%s",
          err.message);
    CHECK(cnx_segmentor_network(seg, in, h, w, logits[1], NULL, NULL, &err) == CNX_OK, "%s",
          err.message);
    CHECK(memcmp(logits[0], logits[1], quarter * sizeof(float)) == 0,
          "%s (%s): the tap changes the result", g->name, context);
    compare_map(&state, "logits_q", cnx_map_dense(logits[1], h / 4, w / 4, classes));
    const cJSON *output;
    cJSON_ArrayForEach(output, g->outputs)
    {
        bool seen = !is_map(output->string);
        for (int i = 0; i < state.count && !seen; i++)
            seen = strcmp(state.seen[i], output->string) == 0;
        CHECK(seen, "%s (%s): no map named %s came by", g->name, context, output->string);
    }
    cnx_free(in);
    cnx_free(logits[0]);
    cnx_free(logits[1]);
    golden_free(&input);
}

/* ---- cases ---- */

/* One checkpoint, one kernel table, one thread count; *r keeps the result. */
static void run_case(const golden_case *g, const char *checkpoint, const char *kernels, int threads,
                     segment_result *r)
{
    char path[GOLDEN_PATH], context[GOLDEN_PATH];
    golden_format(context, "%s, %s, %d threads", checkpoint, kernels, threads);
    cnx_segmentor *seg =
        segment_open(golden_format(path, "%s/%s", g->tree->path, checkpoint), kernels, threads);
    if (!seg)
        return;
    const cnx_pipeline p = case_pipeline(g, seg);
    if (segment_run_whole(r, seg, &g->image, &p, case_want(g, &p), context)) {
        check_labels(g, r, context);
        check_volume(g, "logits", r->logits, r, context);
        check_volume(g, "probabilities", r->prob, r, context);
        check_agreement(g, r, context);
        check_palette(g, seg, r);
        check_sizes(g, seg, r, &p);
        check_resized(g, &p);
        check_layers(g, seg, context);
    }
    cnx_segmentor_close(&seg);
}

static void run_and_drop(const golden_case *g, const char *checkpoint, const char *kernels)
{
    segment_result r = {0};
    run_case(g, checkpoint, kernels, 2, &r);
    segment_result_free(&r);
}

/* The case's own checkpoint with one and with two threads: the same bits. */
static void run_threads(const golden_case *g, const char *checkpoint)
{
    segment_result r[2] = {{0}, {0}};
    for (int t = 0; t < 2; t++)
        run_case(g, checkpoint, "auto", t + 1, &r[t]);
    if (r[0].labels && r[1].labels)
        CHECK(segment_same_bits(&r[0], &r[1]), "%s: one and two threads differ", g->name);
    segment_result_free(&r[0]);
    segment_result_free(&r[1]);
}

/* Every other checkpoint that holds the same weights. */
static int run_checkpoints(const golden_case *g, const char *own)
{
    const char *model = golden_text(g->json, "model");
    const cJSON *entry;
    int count = 1;
    cJSON_ArrayForEach(entry, g->tree->manifest)
    {
        const char *holds = golden_text(entry, "model");
        if (strncmp(entry->string, "models/", 7) != 0 || !holds || strcmp(holds, model) != 0 ||
            strcmp(entry->string, own) == 0)
            continue;
        run_and_drop(g, entry->string, "auto");
        count++;
    }
    return count;
}

/* Plain C kernels are slow, and so is instrumented code: the largest cases are not for them. */
static bool is_small(const golden_case *g)
{
    int h = 0, w = 0;
    golden_pair(g->json, "network_input_hw", &h, &w);
    return h * w <= 40000;
}

static void visit_case(void *user, const golden_tree *tree, const char *name)
{
    static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon"};
    golden_case g;
    int *checkpoints = user;
    if (case_open(&g, tree, name) && (is_small(&g) || !GOLDEN_SLOW_BUILD)) {
        const char *own = golden_text(g.json, "checkpoint");
        run_threads(&g, own);
        *checkpoints += run_checkpoints(&g, own);
        for (size_t i = 0; i < sizeof tables / sizeof *tables && is_small(&g); i++) {
            cnx_kernels k;
            if (cnx_kernels_init(&k, tables[i], NULL) == CNX_OK)
                run_and_drop(&g, own, tables[i]);
        }
    }
    case_close(&g);
}

int main(void)
{
    golden_tree trees[GOLDEN_ROOTS];
    const int count = golden_open(trees);
    for (int i = GOLDEN_SLOW_BUILD ? count - 1 : 0; i < count; i++) {
        int checkpoints = 0;
        CHECK(golden_each(&trees[i], "cases", visit_case, &checkpoints) >= 4, "%s: cases are gone",
              trees[i].path);
        CHECK(checkpoints >= (GOLDEN_SLOW_BUILD ? 4 : 8), "%s: only %d runs", trees[i].path,
              checkpoints);
    }
    golden_close(trees, count);
    return CHECK_RESULT;
}
