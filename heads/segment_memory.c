/*
 * What a picture needs, and what is done where there is less memory than the fastest way takes.
 *
 * First, operations work in smaller pieces: that is decided for each picture.  Then one after the
 * other of the head's 3x3 convolutions is done directly instead of by Winograd, whose weights are
 * four times as many, but whose output may lie over its input: that is decided when weights are packed, by
 * what the pictures that are expected need in all.
 */
#include "core/memory.h"
#include "heads/segmentor_private.h"

static double layout_macs(double window_macs, const cnx_pass *pass)
{
    return window_macs * pass->grid_h * pass->grid_w;
}

size_t cnx_segmentor_place(const cnx_segmentor *seg, const cnx_segment_layout *layout, int external)
{
    if (external == CNX_SEGMENT_LOGITS && !cnx_segment_one_window(layout))
        return CNX_NO_ROOM;
    return cnx_plan_external_room(seg->base.plan, external);
}

/* The network's input and logits, as far as they do not lie in the arena. */
static void external_bytes(const cnx_segmentor *seg, const cnx_segment_layout *layout,
                           const cnx_pass *pass, size_t *input, size_t *logits)
{
    const size_t floats = (size_t)pass->win_h * (size_t)pass->win_w * 3 * sizeof(float);
    if (cnx_segmentor_place(seg, layout, CNX_SEGMENT_INPUT) == CNX_NO_ROOM && floats > *input)
        *input = floats;
    if (cnx_segmentor_place(seg, layout, CNX_SEGMENT_LOGITS) == CNX_NO_ROOM)
        *logits += cnx_pass_logits(pass, layout->classes) * sizeof(float);
}

/* Pictures and rows of the result. */
static size_t picture_bytes(const cnx_segmentor *seg, const cnx_segment_layout *layout)
{
    size_t resized = 0;
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_pass *pass = &layout->passes[i];
        const size_t pixels = (size_t)pass->h * (size_t)pass->w * 3;
        resized = pixels > resized ? pixels : resized;
    }
    const size_t picture = (size_t)layout->width * (size_t)layout->height * 3;
    return picture + resized + cnx_segment_batch_bytes(layout) +
           cnx_segment_scratch(layout) * (size_t)seg->base.threads;
}

/* With or without small tiles. */
static cnx_status measure(cnx_segmentor *seg, const cnx_segment_layout *layout, bool small,
                          cnx_estimate *out, cnx_error *err)
{
    size_t input = 0, logits = 0;
    *out = (cnx_estimate){.passes = layout->pass_count,
                          .net_h = layout->passes[0].win_h,
                          .net_w = layout->passes[0].win_w,
                          .weights_bytes = cnx_segmentor_weights_bytes(seg),
                          .direct = ((const cnx_segment_network *)seg->base.network)->direct,
                          .small_tiles = small};
    cnx_runner_set_small_tiles(&seg->base, small);
    for (int i = 0; i < layout->pass_count; i++) {
        const cnx_pass *pass = &layout->passes[i];
        CNX_TRY(cnx_runner_plan(&seg->base, pass->win_h, pass->win_w, err));
        const size_t arena = cnx_plan_arena_bytes(seg->base.plan);
        out->arena_bytes = arena > out->arena_bytes ? arena : out->arena_bytes;
        external_bytes(seg, layout, pass, &input, &logits);
        out->windows += pass->grid_h * pass->grid_w;
        out->macs += layout_macs(cnx_plan_macs(seg->base.plan), pass);
    }
    out->picture_bytes = picture_bytes(seg, layout) + input + logits;
    if (seg->base.network->planning) /* it knows of its norms only */
        out->weights_bytes += cnx_plan_weight_bytes(seg->base.plan);
    const size_t network = out->weights_bytes + out->arena_bytes;
    if (!cnx_add(out->picture_bytes, seg->beside, &out->picture_bytes) ||
        !cnx_add(network, out->picture_bytes, &out->total_bytes))
        out->picture_bytes = out->total_bytes = SIZE_MAX;
    return CNX_OK;
}

cnx_status cnx_segmentor_measure(cnx_segmentor *seg, const cnx_segment_layout *layout,
                                 cnx_estimate *out, cnx_error *err)
{
    CNX_TRY(measure(seg, layout, false, out, err));
    if (!seg->base.max_memory || out->total_bytes <= seg->base.max_memory)
        return CNX_OK;
    return measure(seg, layout, true, out, err);
}

cnx_status cnx_segmentor_estimate(cnx_segmentor *seg, int width, int height,
                                  const cnx_pipeline *pipeline, unsigned want, cnx_estimate *out,
                                  cnx_error *err)
{
    cnx_segment_layout layout;
    CNX_TRY(cnx_segment_layout_open(&layout, width, height,
                                    seg->base.network->description.class_count,
                                    cnx_runner_pipeline(&seg->base, pipeline), want, err));
    const cnx_status status = cnx_segmentor_measure(seg, &layout, out, err);
    cnx_segment_layout_close(&layout);
    return status;
}

/* ---- how to convolve ---- */

/* A picture that the model's pipeline would leave as large as it is. */
static cnx_segment_expected usual_picture(const cnx_pipeline *p)
{
    if (p->mode == CNX_MODE_SLIDE)
        return (cnx_segment_expected){.width = p->crop_w, .height = p->crop_h};
    if (!p->resize)
        return (cnx_segment_expected){.width = 512, .height = 512};
    const int shorter = p->scale_long < p->scale_short ? p->scale_long : p->scale_short;
    const int longer = p->scale_long + p->scale_short - shorter;
    const int wide = shorter / 3 * 4; /* the most usual shape */
    return (cnx_segment_expected){.width = wide < longer ? wide : longer, .height = shorter};
}

/* How many of the expected pictures a network with so many direct convolutions can take. */
static cnx_status count_fitting(int *count, int direct, cnx_model_file *file,
                                const cnx_model_options *options,
                                const cnx_segment_prospect *prospect, cnx_error *err)
{
    cnx_model_options planning = *options;
    cnx_segment_prospect tried = *prospect;
    planning.planning = true;
    tried.direct = direct;
    cnx_segmentor *seg;
    CNX_TRY(cnx_segmentor_open_for(&seg, file, &planning, &tried, err));
    *count = 0;
    for (int i = 0; i < prospect->count; i++) {
        const cnx_segment_expected *expected = &prospect->expected[i];
        cnx_estimate estimate;
        cnx_error unsaid = {0}; /* a picture that cannot be segmented is told of in its turn */
        cnx_segmentor_set_beside(seg, expected->beside);
        *count += cnx_segmentor_estimate(seg, expected->width, expected->height, prospect->pipeline,
                                         prospect->want, &estimate, &unsaid) == CNX_OK &&
                  estimate.total_bytes <= options->max_memory;
    }
    cnx_segmentor_close(&seg);
    return CNX_OK;
}

cnx_status cnx_segmentor_choose_direct(int *direct, cnx_model_file *file,
                                       const cnx_model_options *options,
                                       const cnx_segment_prospect *prospect, cnx_error *err)
{
    const cnx_pipeline *own = &file->description.pipeline;
    const cnx_segment_expected usual = usual_picture(prospect->pipeline ? prospect->pipeline : own);
    cnx_segment_prospect all = *prospect;
    if (!all.expected) {
        all.expected = &usual;
        all.count = 1;
    }
    int most = -1, count;
    for (int d = prospect->direct; d <= CNX_UPERNET_DIRECT && most < all.count; d++) {
        CNX_TRY(count_fitting(&count, d, file, options, &all, err));
        if (count > most)
            *direct = d;
        most = count > most ? count : most;
    }
    return CNX_OK;
}
