#include "heads/runner.h"

#include <stdlib.h>

#include "core/threads.h"

/* ---- opening ---- */

static cnx_status new_empty(cnx_runner **out, const cnx_runner_kind *kind, int threads,
                            size_t max_memory, cnx_error *err)
{
    cnx_runner *r = *out = calloc(1, kind->size);
    CNX_FAIL_IF(!r, CNX_ERR_MEMORY, "not enough memory for %s", kind->name);
    r->kind = kind;
    r->threads = threads > 0 ? threads : cnx_threads_available();
    r->max_memory = max_memory;
    return CNX_OK;
}

static const cnx_model_options *or_defaults(const cnx_model_options *options)
{
    static const cnx_model_options defaults = {0};
    return options ? options : &defaults;
}

cnx_status cnx_runner_new(cnx_runner **out, const cnx_runner_kind *kind, const cnx_model_file *file,
                          const cnx_model_options *options, cnx_error *err)
{
    *out = NULL;
    options = or_defaults(options);
    CNX_TRY(cnx_model_file_expect(file, kind->network.task, err));
    CNX_TRY(new_empty(out, kind, options->threads, options->max_memory, err));
    const cnx_status status = cnx_network_new(&(*out)->network, &kind->network, err);
    if (status != CNX_OK) {
        cnx_runner_free(*out);
        *out = NULL;
    }
    return status;
}

cnx_status cnx_runner_load(cnx_runner *runner, cnx_model_file *file,
                           const cnx_model_options *options, cnx_error *err)
{
    return cnx_network_open(runner->network, file, or_defaults(options), runner->threads, err);
}

cnx_status cnx_runner_open(cnx_runner **out, const cnx_runner_kind *kind, cnx_model_file *file,
                           const cnx_model_options *options, cnx_error *err)
{
    CNX_TRY(cnx_runner_new(out, kind, file, options, err));
    const cnx_status status = cnx_runner_load(*out, file, options, err);
    if (status != CNX_OK) {
        cnx_runner_free(*out);
        *out = NULL;
    }
    return status;
}

cnx_status cnx_runner_share(cnx_runner **out, const cnx_runner *of, int threads, cnx_error *err)
{
    CNX_TRY(new_empty(out, of->kind, threads > 0 ? threads : of->threads, of->max_memory, err));
    (*out)->network = of->network;
    cnx_network_share(of->network);
    return CNX_OK;
}

/* ---- letting go ---- */

static void forget_plans(cnx_runner *runner)
{
    cnx_plan_close(&runner->plan);
    if (runner->kind->forget_plans)
        runner->kind->forget_plans(runner);
}

void cnx_runner_free(cnx_runner *runner)
{
    if (!runner)
        return;
    forget_plans(runner);
    cnx_runner_trim(runner);
    cnx_network_let_go(runner->network);
    free(runner);
}

void cnx_runner_trim(cnx_runner *runner)
{
    cnx_kept_free(&runner->arena);
    if (runner->kind->trim)
        runner->kind->trim(runner);
}

void cnx_runner_set_threads(cnx_runner *runner, int threads)
{
    if (runner->threads == threads)
        return;
    runner->threads = threads;
    forget_plans(runner); /* scratch is laid out for a number of threads */
}

void cnx_runner_set_small_tiles(cnx_runner *runner, bool small)
{
    if (runner->small_tiles == small)
        return;
    runner->small_tiles = small;
    cnx_plan_close(&runner->plan);
}

/* ---- the network ---- */

static cnx_status build_plan(cnx_runner *r, int h, int w, cnx_error *err)
{
    cnx_value features[CNX_STAGES];
    const cnx_value input = cnx_plan_external(r->plan, h, w, 3);
    CNX_TRY(cnx_convnext_plan(r->network->backbone, r->plan, input, features, err));
    CNX_TRY(r->kind->plan_head(r, features, err));
    return cnx_plan_finish(r->plan, err);
}

cnx_status cnx_runner_plan(cnx_runner *runner, int h, int w, cnx_error *err)
{
    if (runner->plan && runner->plan_h == h && runner->plan_w == w)
        return CNX_OK;
    cnx_plan_close(&runner->plan);
    CNX_TRY(cnx_plan_open(&runner->plan, &runner->network->kernels, runner->threads, err));
    if (runner->small_tiles)
        cnx_plan_spare_scratch(runner->plan);
    const cnx_status status = build_plan(runner, h, w, err);
    if (status != CNX_OK) {
        cnx_plan_close(&runner->plan);
        return status;
    }
    runner->plan_h = h;
    runner->plan_w = w;
    return CNX_OK;
}

cnx_status cnx_runner_reserve(cnx_runner *runner, int h, int w, cnx_error *err)
{
    CNX_TRY(cnx_runner_plan(runner, h, w, err));
    return cnx_kept_reserve(&runner->arena, cnx_plan_arena_bytes(runner->plan),
                            "the network's feature maps", err);
}

cnx_status cnx_runner_network(cnx_runner *runner, const float *input, int h, int w, float *logits,
                              cnx_plan_tap tap, void *user, cnx_error *err)
{
    CNX_TRY(cnx_runner_reserve(runner, h, w, err));
    const cnx_plan_hooks hooks = {.tap = tap, .user = user};
    float *const external[] = {(float *)(uintptr_t)input, logits}; /* the input is only read */
    cnx_plan_run(runner->plan, runner->arena.memory, external, &hooks);
    return CNX_OK;
}

cnx_status cnx_runner_check_memory(const cnx_runner *runner, const cnx_estimate *e,
                                   const char *less, cnx_error *err)
{
    const double mib = 1048576;
    CNX_FAIL_IF(runner->max_memory && e->total_bytes > runner->max_memory, CNX_ERR_MEMORY,
                "needs %.1f MiB (weights %.1f, feature maps %.1f, picture %.1f), more than the "
                "limit of %.1f MiB; %s needs less",
                (double)e->total_bytes / mib, (double)e->weights_bytes / mib,
                (double)e->arena_bytes / mib, (double)e->picture_bytes / mib,
                (double)runner->max_memory / mib, less);
    return CNX_OK;
}

const cnx_pipeline *cnx_runner_pipeline(const cnx_runner *runner, const cnx_pipeline *asked)
{
    return asked ? asked : &runner->network->description.pipeline;
}
