/*
 * Times the network of a checkpoint: picture tensor in, logits at a quarter of its size out, or
 * with
 * --backbone the four maps of the backbone.
 *
 *     cnx_time --size 512x512 --threads 2 --runs 3 CHECKPOINT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/plan/cost.h"
#include "heads/segmentor.h"
#include "timed_run.h"

/* The network in one of its two forms. */
typedef struct network {
    const timed_run *settings;
    cnx_segmentor *segmentor; /* the whole */
    cnx_kernels kernels;      /* the backbone alone, and its plan */
    cnx_convnext *backbone;
    cnx_plan *plan;
    void *arena;
    float *input;  /* [h][w][3] */
    float *logits; /* [h/4][w/4][classes] */
    int classes;
} network;

static void check(const network *n, cnx_status status, const cnx_error *err)
{
    if (status != CNX_OK)
        timed_run_fail(n->settings, "%s", err->message);
}

static void *allocate(const network *n, size_t bytes, const char *what)
{
    void *memory;
    cnx_error err;
    check(n, cnx_alloc_or_fail(&memory, bytes, what, &err), &err);
    return memory;
}

static void open_whole(network *n, cnx_model_file *file)
{
    cnx_error err;
    const cnx_model_options options = {.threads = n->settings->threads,
                                       .kernels = n->settings->value};
    check(n, cnx_segmentor_open(&n->segmentor, file, &options, &err), &err);
    n->classes = file->description.upernet.classes;
    const size_t pixels = (size_t)(n->settings->h / 4) * (size_t)(n->settings->w / 4);
    n->logits = allocate(n, pixels * (size_t)n->classes * sizeof(float), "the logits");
    n->kernels = *cnx_segmentor_kernels(n->segmentor);
}

static void open_backbone(network *n, cnx_model_file *file)
{
    cnx_error err;
    cnx_value features[CNX_STAGES];
    check(n, cnx_kernels_init(&n->kernels, n->settings->value, &err), &err);
    check(n,
          cnx_convnext_open(&n->backbone, &file->description.backbone, "backbone.", true,
                            file->weights, &n->kernels, n->settings->threads, &err),
          &err);
    check(n, cnx_plan_open(&n->plan, &n->kernels, n->settings->threads, &err), &err);
    const cnx_value input = cnx_plan_external(n->plan, n->settings->h, n->settings->w, 3);
    check(n, cnx_convnext_plan(n->backbone, n->plan, input, features, &err), &err);
    check(n, cnx_plan_finish(n->plan, &err), &err);
    n->arena = allocate(n, cnx_plan_arena_bytes(n->plan), "the arena");
}

/* Of the definition, and those that are left to do. */
static void print_macs(const network *n)
{
    cnx_error err;
    cnx_cost sum = {0};
    const cnx_plan *plan = n->plan;
    if (n->segmentor)
        check(n, cnx_segmentor_plan_of(n->segmentor, n->settings->h, n->settings->w, &plan, &err),
              &err);
    for (int i = 0; i < cnx_plan_rows(plan); i++) {
        const cnx_cost cost = cnx_plan_cost(plan, i);
        cnx_cost_add(&sum, &cost);
    }
    printf("macs %.6g %.6g\n", cnx_cost_macs(&sum), sum.products);
}

static void open_network(network *n)
{
    cnx_error err;
    cnx_model_file file = {0};
    check(n, cnx_model_file_open(&file, n->settings->model, NULL, NULL, 0, false, &err), &err);
    if (n->settings->backbone)
        open_backbone(n, &file);
    else
        open_whole(n, &file);
    cnx_model_file_close(&file);
    print_macs(n);
    char text[256];
    cnx_kernels_describe(&n->kernels, text, sizeof text);
    printf("runtime cnx %s (%s)\n", CNX_VERSION, text);
}

static void close_network(network *n)
{
    cnx_segmentor_close(&n->segmentor);
    cnx_plan_close(&n->plan);
    cnx_convnext_close(&n->backbone);
    cnx_free(n->arena);
    cnx_free(n->logits);
    free(n->input);
}

static void run_whole(void *context)
{
    network *n = context;
    cnx_error err;
    check(n,
          cnx_segmentor_network(n->segmentor, n->input, n->settings->h, n->settings->w, n->logits,
                                NULL, NULL, &err),
          &err);
}

static void run_plan(network *n, const cnx_plan_hooks *hooks)
{
    float *const external[] = {n->input};
    cnx_plan_run(n->plan, n->arena, external, hooks);
}

static void run_backbone(void *context)
{
    run_plan(context, NULL);
}

/* [h][w][c] -> [c][h][w], into the output file. */
static void save_map(const network *n, bool first, cnx_map map)
{
    const size_t pixels = (size_t)map.h * (size_t)map.w, channels = (size_t)map.c;
    float *planes = allocate(n, pixels * channels * sizeof *planes, "the results");
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < channels; c++)
            planes[c * pixels + p] = map.data[p * map.ld + c];
    timed_run_save(n->settings, first, planes, pixels * channels);
    cnx_free(planes);
}

static void save_feature(void *user, const char *name, cnx_map map)
{
    if (strncmp(name, "feat", 4) == 0)
        save_map(user, strcmp(name, "feat0") == 0, map);
}

static void save(network *n)
{
    if (!n->settings->output)
        return;
    if (n->settings->backbone) {
        const cnx_plan_hooks hooks = {.tap = save_feature, .user = n};
        run_plan(n, &hooks);
    } else {
        save_map(n, true,
                 cnx_map_dense(n->logits, n->settings->h / 4, n->settings->w / 4, n->classes));
    }
}

/* [3][h][w] -> [h][w][3] */
static float *interleaved(const network *n, const float *planes)
{
    const size_t pixels = (size_t)n->settings->h * (size_t)n->settings->w;
    float *out = malloc(3 * pixels * sizeof *out);
    if (!out)
        timed_run_fail(n->settings, "not enough memory for the input");
    for (size_t p = 0; p < pixels; p++)
        for (size_t c = 0; c < 3; c++)
            out[3 * p + c] = planes[c * pixels + p];
    return out;
}

int main(int argc, char **argv)
{
    timed_run settings = {.program = "cnx_time",
                          .option = "kernels",
                          .option_help = "NAME  auto, ref, openblas, avx2, avx512 (auto)"};
    timed_run_parse(&settings, argc, argv);
    network n = {.settings = &settings};
    float *planes = timed_run_input(&settings);
    n.input = interleaved(&n, planes);
    free(planes);
    const double start = cnx_now();
    open_network(&n);
    timed_run_print_load(cnx_now() - start);
    timed_run_go(&settings, settings.backbone ? run_backbone : run_whole, &n);
    timed_run_print_peak();
    save(&n);
    close_network(&n);
    return 0;
}
