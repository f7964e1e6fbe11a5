/*
 * Picture in, labels out: ConvNeXt and UPerHead under the official test pipelines.
 *
 *   picture -> passes (scales x flips): resize (8-bit, OpenCV's rule), mirror
 *     pass -> windows: cut out, normalise to [h, w, 3] float -> network -> logits at 1/4
 *   rows of the result: upsample -> average windows -> [softmax -> average passes] -> argmax
 *
 * With one pass, rows leave as soon as no later window reaches them.
 */
#include "heads/segmentor.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/threads.h"
#include "heads/segment_layout.h"

/* The network planned for one input size. */
typedef struct network_plan {
    cnx_plan *plan; /* owned; NULL before the first */
    int h, w;
} network_plan;

struct cnx_segmentor {
    cnx_description description; /* owned copy */
    cnx_kernels kernels;
    int threads;
    size_t max_memory;
    cnx_convnext *backbone;
    cnx_upernet *head;
    network_plan network;
    void *arena; /* owned, grows to the largest plan */
    size_t arena_bytes;
};

static cnx_status open_network(cnx_segmentor *seg, cnx_model_file *file, cnx_error *err)
{
    const cnx_description *d = &seg->description;
    CNX_TRY(cnx_convnext_open(&seg->backbone, &d->backbone, "backbone.", true, file->weights,
                              &seg->kernels, err));
    return cnx_upernet_open(&seg->head, &d->upernet, d->backbone.dims, file->weights, &seg->kernels,
                            err);
}

static size_t weight_bytes(const cnx_segmentor *seg)
{
    return cnx_convnext_bytes(seg->backbone) + cnx_upernet_bytes(seg->head);
}

cnx_status cnx_segmentor_open(cnx_segmentor **out, cnx_model_file *file,
                              const cnx_segmentor_options *options, cnx_error *err)
{
    *out = NULL;
    CNX_FAIL_IF(file->description.task != CNX_TASK_SEGMENTATION, CNX_ERR_MODEL,
                "%s: is not a segmentation model", cnx_checkpoint_name(file->checkpoint));
    cnx_segmentor *seg = calloc(1, sizeof *seg);
    *out = seg;
    CNX_FAIL_IF(!seg, CNX_ERR_MEMORY, "not enough memory for a segmentor");
    const cnx_segmentor_options defaults = {0};
    if (!options)
        options = &defaults;
    seg->threads = options->threads > 0 ? options->threads : cnx_threads_available();
    seg->max_memory = options->max_memory;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_kernels_init(&seg->kernels, options->kernels, err));
    CNX_CHECK(cnx_kernels_set_weights(&seg->kernels, options->weights, err));
    CNX_CHECK(cnx_description_copy(&seg->description, &file->description, err));
    status = open_network(seg, file, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", cnx_checkpoint_name(file->checkpoint));
    CNX_CHECK(status);
    CNX_CHECK_IF(seg->max_memory && weight_bytes(seg) > seg->max_memory, CNX_ERR_MEMORY,
                 "the weights alone take %.1f MiB, more than the limit of %.1f MiB",
                 (double)weight_bytes(seg) / 1048576, (double)seg->max_memory / 1048576);
    return CNX_OK;
cleanup:
    cnx_segmentor_close(out);
    return status;
}

void cnx_segmentor_close(cnx_segmentor **seg)
{
    if (!*seg)
        return;
    cnx_plan_close(&(*seg)->network.plan);
    cnx_free((*seg)->arena);
    cnx_convnext_close(&(*seg)->backbone);
    cnx_upernet_close(&(*seg)->head);
    cnx_description_free(&(*seg)->description);
    free(*seg);
    *seg = NULL;
}

const cnx_description *cnx_segmentor_description(const cnx_segmentor *seg)
{
    return &seg->description;
}

const cnx_kernels *cnx_segmentor_kernels(const cnx_segmentor *seg)
{
    return &seg->kernels;
}

/* ---- the network ---- */

static cnx_status build_plan(cnx_segmentor *seg, cnx_plan *plan, int h, int w, cnx_error *err)
{
    cnx_value features[CNX_STAGES], logits;
    const cnx_value input = cnx_plan_external(plan, h, w, 3);
    CNX_TRY(cnx_convnext_plan(seg->backbone, plan, input, features, err));
    CNX_TRY(cnx_upernet_plan(seg->head, plan, features, &logits, err));
    return cnx_plan_finish(plan, err);
}

/* Makes seg->network the plan for this input size. */
static cnx_status plan_network(cnx_segmentor *seg, int h, int w, cnx_error *err)
{
    if (seg->network.plan && seg->network.h == h && seg->network.w == w)
        return CNX_OK;
    cnx_plan_close(&seg->network.plan);
    CNX_TRY(cnx_plan_open(&seg->network.plan, &seg->kernels, seg->threads, err));
    const cnx_status status = build_plan(seg, seg->network.plan, h, w, err);
    if (status != CNX_OK) {
        cnx_plan_close(&seg->network.plan);
        return status;
    }
    seg->network.h = h;
    seg->network.w = w;
    return CNX_OK;
}

static cnx_status reserve_arena(cnx_segmentor *seg, cnx_error *err)
{
    const size_t bytes = cnx_plan_arena_bytes(seg->network.plan);
    if (bytes <= seg->arena_bytes)
        return CNX_OK;
    cnx_free(seg->arena);
    seg->arena = NULL;
    seg->arena_bytes = 0;
    CNX_TRY(cnx_alloc_or_fail(&seg->arena, bytes, "the network's feature maps", err));
    seg->arena_bytes = bytes;
    return CNX_OK;
}

cnx_status cnx_segmentor_network(cnx_segmentor *seg, const float *input, int h, int w,
                                 float *logits, cnx_tap tap, void *user, cnx_error *err)
{
    CNX_TRY(plan_network(seg, h, w, err));
    CNX_TRY(reserve_arena(seg, err));
    const cnx_plan_hooks hooks = {.tap = tap, .user = user};
    float *const external[] = {(float *)(uintptr_t)input, logits}; /* the input is only read */
    cnx_plan_run(seg->network.plan, seg->arena, external, &hooks);
    return CNX_OK;
}

/* ---- what a picture needs ---- */

static double layout_macs(double window_macs, const cnx_pass *pass)
{
    return window_macs * pass->grid_h * pass->grid_w;
}

static size_t picture_bytes(const cnx_segmentor *seg, const cnx_segment_layout *layout)
{
    size_t resized = 0, input = 0, logits = 0;
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_pass *pass = &layout->passes[i];
        const size_t pixels = (size_t)pass->h * (size_t)pass->w * 3;
        const size_t floats = (size_t)pass->win_h * (size_t)pass->win_w * 3 * sizeof(float);
        resized = pixels > resized ? pixels : resized;
        input = floats > input ? floats : input;
        logits += cnx_pass_logits(pass, layout->classes) * sizeof(float);
    }
    const size_t picture = (size_t)layout->width * (size_t)layout->height * 3;
    return picture + resized + input + logits + cnx_segment_batch_bytes(layout) +
           cnx_segment_scratch(layout) * (size_t)seg->threads;
}

/* Plans every pass and adds up; leaves the plan of the last one behind. */
static cnx_status estimate_layout(cnx_segmentor *seg, const cnx_segment_layout *layout,
                                  cnx_segment_estimate *out, cnx_error *err)
{
    *out = (cnx_segment_estimate){.passes = layout->pass_count,
                                  .net_h = layout->passes[0].win_h,
                                  .net_w = layout->passes[0].win_w,
                                  .weights_bytes = weight_bytes(seg),
                                  .picture_bytes = picture_bytes(seg, layout)};
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_pass *pass = &layout->passes[i];
        CNX_TRY(plan_network(seg, pass->win_h, pass->win_w, err));
        const size_t arena = cnx_plan_arena_bytes(seg->network.plan);
        out->arena_bytes = arena > out->arena_bytes ? arena : out->arena_bytes;
        out->windows += pass->grid_h * pass->grid_w;
        out->macs += layout_macs(cnx_plan_macs(seg->network.plan), pass);
    }
    out->total_bytes = out->weights_bytes + out->arena_bytes + out->picture_bytes;
    return CNX_OK;
}

cnx_status cnx_segmentor_estimate(cnx_segmentor *seg, int width, int height,
                                  const cnx_pipeline *pipeline, unsigned want,
                                  cnx_segment_estimate *out, cnx_error *err)
{
    cnx_segment_layout layout;
    CNX_TRY(cnx_segment_layout_open(&layout, width, height, seg->description.class_count,
                                    pipeline ? pipeline : &seg->description.pipeline, want, err));
    const cnx_status status = estimate_layout(seg, &layout, out, err);
    cnx_segment_layout_close(&layout);
    return status;
}

static cnx_status check_memory(const cnx_segmentor *seg, const cnx_segment_estimate *e,
                               cnx_error *err)
{
    const double mib = 1048576;
    CNX_FAIL_IF(seg->max_memory && e->total_bytes > seg->max_memory, CNX_ERR_MEMORY,
                "needs %.1f MiB (weights %.1f, feature maps %.1f, picture %.1f), more than the "
                "limit of %.1f MiB; a smaller --scale, --mode slide with a smaller --crop, or "
                "fewer --threads needs less",
                (double)e->total_bytes / mib, (double)e->weights_bytes / mib,
                (double)e->arena_bytes / mib, (double)e->picture_bytes / mib,
                (double)seg->max_memory / mib);
    return CNX_OK;
}

/* ---- a run ---- */

typedef struct run {
    cnx_segmentor *seg;
    const cnx_segment_request *request;
    const cnx_pipeline *pipeline;
    cnx_segment_layout layout;
    cnx_segment_stats *stats;
    float normalised[3][256]; /* the network's input for each 8-bit value, by channel */
    float *input;             /* [win_h][win_w][3] */
    double macs_done, macs_total, window_macs;
    bool stopped;
} run;

/* Parity note: float32(pixel) - float32(mean), then times 1/std in double, rounded to float32. */
static void fill_normalisation(run *r)
{
    for (int c = 0; c < 3; c++) {
        const double scale = 1.0 / (double)r->pipeline->std[c];
        for (int v = 0; v < 256; v++) {
            const float centred = (float)v - r->pipeline->mean[c];
            r->normalised[c][v] = (float)((double)centred * scale);
        }
    }
}

/* Cuts the window at (y0, x0) out of the resized picture; padding is zero after normalising. */
static void cut_window(const run *r, const cnx_pass *pass, const cnx_image *image, int y0, int x0)
{
    for (int y = 0; y < pass->win_h; y++) {
        float *out = r->input + (size_t)y * (size_t)pass->win_w * 3;
        const int inside_h = y0 + y < image->height;
        int inside = inside_h ? image->width - x0 : 0;
        inside = inside < 0 ? 0 : inside > pass->win_w ? pass->win_w : inside;
        if (inside > 0) {
            const uint8_t *in =
                image->data + ((size_t)(y0 + y) * (size_t)image->width + (size_t)x0) * 3;
            for (int x = 0; x < 3 * inside; x += 3) {
                out[x] = r->normalised[0][in[x]];
                out[x + 1] = r->normalised[1][in[x + 1]];
                out[x + 2] = r->normalised[2][in[x + 2]];
            }
        }
        memset(out + 3 * (size_t)inside, 0, (size_t)(pass->win_w - inside) * 3 * sizeof *out);
    }
}

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
    cut_window(r, pass, image, cnx_window_y(pass, a), cnx_window_x(pass, b));
    r->stats->prepare += cnx_now() - start;
    start = cnx_now();
    const int classes = r->layout.classes;
    const size_t slot = (size_t)(a % pass->rows_kept) * (size_t)pass->grid_w + (size_t)b;
    float *const external[] = {r->input, pass->logits + slot * cnx_window_logits(pass, classes)};
    const cnx_plan_hooks hooks = {.step = step, .user = r};
    const bool finished = cnx_plan_run(r->seg->network.plan, r->seg->arena, external, &hooks);
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
    return cnx_segment_rows_run(&r->layout, &r->seg->kernels, r->seg->threads, begin, end,
                                r->request->sink, r->request->user, &r->stats->post, err);
}

static cnx_status allocate_pass(run *r, cnx_pass *pass, cnx_error *err)
{
    CNX_TRY(plan_network(r->seg, pass->win_h, pass->win_w, err));
    CNX_TRY(reserve_arena(r->seg, err));
    r->window_macs = cnx_plan_macs(r->seg->network.plan);
    size_t bytes;
    CNX_FAIL_IF(!cnx_mul(cnx_pass_logits(pass, r->layout.classes), sizeof(float), &bytes),
                CNX_ERR_MEMORY, "the logits of this picture cannot be addressed");
    CNX_TRY(cnx_alloc_or_fail((void **)&pass->logits, bytes, "logits", err));
    cnx_free(r->input);
    r->input = NULL;
    const size_t pixels = (size_t)pass->win_h * (size_t)pass->win_w;
    return cnx_alloc_or_fail((void **)&r->input, pixels * 3 * sizeof(float), "the network's input",
                             err);
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
        if (r->layout.pass_count > 1)
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
    if (r->layout.pass_count > 1)
        CNX_TRY(emit(r, 0, r->layout.height, err));
    return CNX_OK;
}

cnx_status cnx_segmentor_run(cnx_segmentor *seg, const cnx_segment_request *request,
                             cnx_segment_stats *stats, cnx_error *err)
{
    cnx_segment_stats unasked = {0};
    run r = {.seg = seg, .request = request, .stats = stats ? stats : &unasked};
    r.pipeline = request->pipeline ? request->pipeline : &seg->description.pipeline;
    *r.stats = (cnx_segment_stats){0};
    CNX_TRY(cnx_segment_layout_open(&r.layout, request->image->width, request->image->height,
                                    seg->description.class_count, r.pipeline, request->want, err));
    cnx_segment_estimate estimate;
    cnx_status status = CNX_OK;
    CNX_CHECK(estimate_layout(seg, &r.layout, &estimate, err));
    CNX_CHECK(check_memory(seg, &estimate, err));
    r.macs_total = estimate.macs;
    r.stats->passes = estimate.passes;
    r.stats->windows = estimate.windows;
    r.stats->net_h = estimate.net_h;
    r.stats->net_w = estimate.net_w;
    fill_normalisation(&r);
    CNX_CHECK(run_passes(&r, err));
cleanup:
    cnx_free(r.input);
    cnx_segment_layout_close(&r.layout);
    return status;
}
