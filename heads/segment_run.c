/* Running a segmentor over one picture: its passes and their windows, and the rows that get ready. */
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "heads/network_input.h"
#include "heads/segmentor_private.h"

typedef struct run {
    cnx_segmentor *seg;
    const cnx_segment_request *request;
    const cnx_pipeline *pipeline;
    cnx_segment_layout layout;
    cnx_segment_stats *stats;
    cnx_normalisation normalisation;
    float *input;       /* [win_h][win_w][3] */
    float *owned_input; /* the same, or NULL where it lies in the arena */
    bool arena_logits;  /* so do the logits */
    double macs_done, macs_total, window_macs;
    bool stopped;
} run;

static bool step(void *user, double done)
{
    run *r = user;
    if (r->request->progress &&
        !r->request->progress(r->request->user,
                              (r->macs_done + done * r->window_macs) / r->macs_total))
        r->stopped = true;
    return !r->stopped;
}

static cnx_status run_window(run *r, cnx_pass *pass, const cnx_image *image, int a, int b,
                             cnx_error *err)
{
    double start = cnx_now();
    cnx_normalise_window(&r->normalisation, image, cnx_window_y(pass, a), cnx_window_x(pass, b),
                         pass->win_h, pass->win_w, r->input);
    r->stats->prepare += cnx_now() - start;
    start = cnx_now();
    const int classes = r->layout.classes;
    const size_t slot = (size_t)(a % pass->rows_kept) * (size_t)pass->grid_w + (size_t)b;
    float *const external[] = {r->input, pass->logits + slot * cnx_window_logits(pass, classes)};
    const cnx_plan_hooks hooks = {.step = step, .user = r, .clock = r->request->clock};
    const bool finished =
        cnx_plan_run(r->seg->base.plan, r->seg->base.arena.memory, external, &hooks);
    r->stats->network += cnx_now() - start;
    r->macs_done += r->window_macs;
    CNX_FAIL_IF(!finished, CNX_ERR_INTERRUPTED, "interrupted");
    return CNX_OK;
}

/* The resized and mirrored picture of a pass.  *image borrows the original where it can; *owned is
 * to be freed. */
static cnx_status prepare_picture(run *r, const cnx_pass *pass, const cnx_image **image,
                                  cnx_image *owned, cnx_error *err)
{
    const cnx_image *original = r->request->image;
    const double start = cnx_now();
    *image = original;
    if (pass->h != original->height || pass->w != original->width || pass->flip) {
        CNX_TRY(cnx_image_resize(owned, original, pass->w, pass->h, err));
        if (pass->flip)
            cnx_image_flip(owned);
        *image = owned;
    }
    r->stats->prepare += cnx_now() - start;
    return CNX_OK;
}

static cnx_status emit(run *r, int begin, int end, cnx_error *err)
{
    return cnx_segment_rows_run(&r->layout, &r->seg->base.network->kernels, r->seg->base.threads,
                                begin, end, r->request->sink, r->request->user, &r->stats->post,
                                err);
}

/* The place in the arena of the input or the logits, or NULL. */
static float *arena_room(const run *r, int external)
{
    const size_t at = cnx_segmentor_place(r->seg, &r->layout, external);
    return at == CNX_NO_ROOM ? NULL : (float *)(void *)((char *)r->seg->base.arena.memory + at);
}

static cnx_status place_input(run *r, const cnx_pass *pass, cnx_error *err)
{
    const size_t pixels = (size_t)pass->win_h * (size_t)pass->win_w;
    cnx_free(r->owned_input);
    r->owned_input = NULL;
    r->input = arena_room(r, CNX_SEGMENT_INPUT);
    if (r->input)
        return CNX_OK;
    CNX_TRY(cnx_alloc_or_fail((void **)&r->owned_input, pixels * 3 * sizeof(float),
                              "the network's input", err));
    r->input = r->owned_input;
    return CNX_OK;
}

static cnx_status place_logits(run *r, cnx_pass *pass, cnx_error *err)
{
    size_t bytes;
    pass->logits = arena_room(r, CNX_SEGMENT_LOGITS);
    r->arena_logits = pass->logits != NULL;
    if (r->arena_logits)
        return CNX_OK;
    CNX_FAIL_IF(!cnx_mul(cnx_pass_logits(pass, r->layout.classes), sizeof(float), &bytes),
                CNX_ERR_MEMORY, "the logits of this picture cannot be addressed");
    return cnx_alloc_or_fail((void **)&pass->logits, bytes, "logits", err);
}

static cnx_status allocate_pass(run *r, cnx_pass *pass, cnx_error *err)
{
    CNX_TRY(cnx_runner_reserve(&r->seg->base, pass->win_h, pass->win_w, err));
    r->window_macs = cnx_plan_macs(r->seg->base.plan);
    CNX_TRY(place_input(r, pass, err));
    return place_logits(r, pass, err);
}

/* Until all passes are done. */
static bool rows_wait(const cnx_segment_layout *layout)
{
    return layout->pass_count > 1 || layout->want & CNX_KEEP_LOGITS;
}

static cnx_status run_pass(run *r, cnx_pass *pass, cnx_error *err)
{
    cnx_image owned = {0};
    const cnx_image *image;
    cnx_status status = CNX_OK;
    CNX_CHECK(allocate_pass(r, pass, err));
    CNX_CHECK(prepare_picture(r, pass, &image, &owned, err));
    int emitted = 0;
    for (int a = 0; a < pass->grid_h; a++) {
        for (int b = 0; b < pass->grid_w; b++)
            CNX_CHECK(run_window(r, pass, image, a, b, err));
        if (rows_wait(&r->layout))
            continue;
        const int ready = cnx_pass_ready_rows(pass, r->layout.height, a);
        if (ready > emitted)
            CNX_CHECK(emit(r, emitted, ready, err));
        emitted = ready > emitted ? ready : emitted;
    }
cleanup:
    cnx_image_free(&owned);
    return status;
}

static cnx_status run_passes(run *r, cnx_error *err)
{
    for (int i = 0; i < r->layout.pass_count; i++)
        CNX_TRY(run_pass(r, &r->layout.passes[i], err));
    if (r->layout.pass_count > 1 && !(r->layout.want & CNX_KEEP_LOGITS))
        CNX_TRY(emit(r, 0, r->layout.height, err));
    return CNX_OK;
}

/* *kept takes the layout over, with its logits; NULL: it is of no more use. */
static cnx_status run_picture(cnx_segmentor *seg, const cnx_segment_request *request,
                              cnx_segment_layout *kept, cnx_segment_stats *stats, cnx_error *err)
{
    cnx_segment_stats unasked = {0};
    run r = {.seg = seg, .request = request, .stats = stats ? stats : &unasked};
    r.pipeline = cnx_runner_pipeline(&seg->base, request->pipeline);
    *r.stats = (cnx_segment_stats){0};
    CNX_TRY(cnx_segment_layout_open(&r.layout, request->image->width, request->image->height,
                                    seg->base.network->description.class_count, r.pipeline,
                                    request->want, err));
    cnx_estimate estimate;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_segmentor_measure(seg, &r.layout, &estimate, err));
    CNX_CHECK(cnx_runner_check_memory(
        &seg->base, &estimate,
        "a smaller --scale, --mode slide with a smaller --crop, or fewer --threads", err));
    if (seg->base.max_memory && seg->base.arena.bytes > estimate.arena_bytes)
        cnx_segmentor_trim(seg); /* a larger picture's is not in the estimate */
    r.macs_total = estimate.macs;
    r.stats->passes = estimate.passes;
    r.stats->windows = estimate.windows;
    r.stats->net_h = estimate.net_h;
    r.stats->net_w = estimate.net_w;
    cnx_normalisation_fill(&r.normalisation, r.pipeline);
    CNX_CHECK(run_passes(&r, err));
    if (kept) {
        *kept = r.layout;
        r.layout = (cnx_segment_layout){0};
    }
cleanup:
    cnx_free(r.owned_input);
    if (r.arena_logits)
        r.layout.passes[0].logits = NULL; /* not the layout's to free */
    cnx_segment_layout_close(&r.layout);
    return status;
}

cnx_status cnx_segmentor_run(cnx_segmentor *seg, const cnx_segment_request *request,
                             cnx_segment_stats *stats, cnx_error *err)
{
    return run_picture(seg, request, NULL, stats, err);
}

cnx_status cnx_segmentor_hold(cnx_segmentor *seg, const cnx_segment_request *request,
                              cnx_segment_layout *out, cnx_segment_stats *stats, cnx_error *err)
{
    cnx_segment_request held = *request;
    held.want |= CNX_KEEP_LOGITS;
    *out = (cnx_segment_layout){0};
    return run_picture(seg, &held, out, stats, err);
}
