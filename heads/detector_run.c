/* Running a detector over one picture: its passes, and the order of all steps. */
#include "heads/detector_run.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"

void cnx_detections_free(cnx_detections *d)
{
    for (size_t i = 0; i < d->count; i++)
        cnx_rle_free(&d->items[i].mask);
    free(d->items);
    *d = (cnx_detections){0};
}

bool cnx_detect_report(cnx_detect_run *run, double macs_done)
{
    const cnx_detect_request *request = run->request;
    const double done = macs_done / (run->macs_total + 1);
    if (request->progress && !request->progress(request->user, done < 1 ? done : 1))
        run->stopped = true;
    return !run->stopped;
}

/* ---- passes ---- */

/* The network's input of a pass, *out (cnx_free). */
static cnx_status prepare_input(cnx_detect_run *run, const cnx_detect_pass *pass, float **out,
                                cnx_error *err)
{
    const cnx_image *original = run->request->image, *image = original;
    const double start = cnx_now();
    cnx_image owned = {0};
    cnx_normalisation normalisation;
    size_t bytes = 3 * sizeof(float);
    cnx_status status = CNX_OK;
    *out = NULL;
    if (pass->h != original->height || pass->w != original->width || pass->flip) {
        CNX_CHECK(cnx_image_resize(&owned, original, pass->w, pass->h, err));
        if (pass->flip)
            cnx_image_flip(&owned);
        image = &owned;
    }
    CNX_CHECK_IF(!cnx_mul(bytes, (size_t)pass->padded_h, &bytes) ||
                     !cnx_mul(bytes, (size_t)pass->padded_w, &bytes),
                 CNX_ERR_MEMORY, "the network's input cannot be addressed");
    CNX_CHECK(cnx_alloc_or_fail((void **)out, bytes, "the network's input", err));
    cnx_normalisation_fill(&normalisation, run->pipeline);
    cnx_normalise_window(&normalisation, image, 0, 0, pass->padded_h, pass->padded_w, *out);
cleanup:
    cnx_image_free(&owned);
    run->stats->prepare += cnx_now() - start;
    return status;
}

/* The dense plan is backbone and pyramid, then the RPN: where that begins, the clock is read. */
typedef struct dense_step {
    cnx_detect_run *run;
    double begun, macs_begun;
} dense_step;

static bool step(void *user, double done)
{
    const dense_step *s = user;
    return cnx_detect_report(s->run, s->macs_begun + done * s->run->node_macs);
}

static cnx_status run_dense(cnx_detect_run *run, float *input, cnx_error *err)
{
    cnx_detector *det = run->det;
    run->node_macs = cnx_plan_macs(det->base.plan);
    dense_step s = {.run = run, .begun = cnx_now(), .macs_begun = run->macs_done};
    cnx_plan_clock clock = {.rows = cnx_plan_rows(det->base.plan)};
    clock.seconds = calloc((size_t)clock.rows + 1, sizeof *clock.seconds);
    CNX_FAIL_IF(!clock.seconds, CNX_ERR_MEMORY, "not enough memory for a clock");
    const cnx_plan_hooks hooks = {.step = step, .user = &s, .clock = &clock};
    float *const external[] = {input};
    const bool finished = cnx_plan_run(det->base.plan, det->base.arena.memory, external, &hooks);
    cnx_plan_clock *asked = run->request->clock;
    for (int i = 0; i < clock.rows; i++) {
        const bool rpn = strncmp(cnx_plan_row_at(det->base.plan, i).name, "rpn", 3) == 0;
        *(rpn ? &run->stats->rpn : &run->stats->backbone) += clock.seconds[i];
        if (asked && i < asked->rows)
            asked->seconds[i] += clock.seconds[i];
    }
    free(clock.seconds);
    CNX_FAIL_IF(!finished, CNX_ERR_INTERRUPTED, "interrupted");
    run->macs_done += run->node_macs;
    return CNX_OK;
}

static cnx_status propose(cnx_detect_run *run, int index, cnx_error *err)
{
    const cnx_detector *det = run->det;
    const cnx_detect_pass *pass = &run->layout.passes[index];
    const double start = cnx_now();
    cnx_rpn_maps maps = {.width = pass->w, .height = pass->h};
    for (int i = 0; i < CNX_PYRAMID_LEVELS; i++) {
        maps.scores[i] =
            cnx_plan_value_map(det->base.plan, det->maps.scores[i], det->base.arena.memory, NULL);
        maps.deltas[i] =
            cnx_plan_value_map(det->base.plan, det->maps.deltas[i], det->base.arena.memory, NULL);
    }
    const cnx_status status =
        cnx_propose(&run->passes[index].proposals, &det->base.network->kernels,
                    &det->base.network->description.detector.rpn, &maps, err);
    run->stats->rpn += cnx_now() - start;
    return status;
}

/* The next pass writes over the arena: what the RoI heads need of this one goes elsewhere. */
static cnx_status keep_levels(cnx_detect_run *run, int index, cnx_error *err)
{
    const cnx_detector *det = run->det;
    cnx_pass_maps *maps = &run->passes[index];
    size_t floats = 0;
    for (int i = 0; i < CNX_ROI_LEVELS; i++) {
        const cnx_map m = maps->levels[i] =
            cnx_plan_value_map(det->base.plan, det->maps.pyramid[i], det->base.arena.memory, NULL);
        floats += cnx_padded_floats((size_t)m.h * (size_t)m.w * (size_t)m.c);
    }
    if (run->layout.pass_count == 1)
        return CNX_OK;
    CNX_TRY(
        cnx_alloc_or_fail((void **)&maps->kept, floats * sizeof(float), "a pass' pyramid", err));
    float *to = maps->kept;
    for (int i = 0; i < CNX_ROI_LEVELS; i++) {
        cnx_map *m = &maps->levels[i];
        const size_t n = (size_t)m->h * (size_t)m->w * (size_t)m->c;
        memcpy(to, m->data, n * sizeof *to);
        m->data = to;
        to += cnx_padded_floats(n);
    }
    return CNX_OK;
}

static cnx_status run_pass(cnx_detect_run *run, int index, cnx_error *err)
{
    cnx_detector *det = run->det;
    const cnx_detect_pass *pass = &run->layout.passes[index];
    float *input = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_runner_reserve(&det->base, pass->padded_h, pass->padded_w, err));
    CNX_CHECK(prepare_input(run, pass, &input, err));
    CNX_CHECK(run_dense(run, input, err));
    CNX_CHECK(propose(run, index, err));
    CNX_CHECK(keep_levels(run, index, err));
cleanup:
    cnx_free(input);
    return status;
}

cnx_status cnx_detect_passes(cnx_detect_run *run, cnx_error *err)
{
    for (int i = 0; i < run->layout.pass_count; i++)
        CNX_TRY(run_pass(run, i, err));
    return CNX_OK;
}

cnx_roi_run cnx_detect_roi_run(const cnx_detect_run *run, int pass)
{
    const cnx_detector *det = run->det;
    cnx_roi_run r = {.net = cnx_detector_net_of(det),
                     .k = &det->base.network->kernels,
                     .threads = det->base.threads,
                     .scratch = det->scratch.memory,
                     .scratch_bytes = det->scratch.bytes};
    memcpy(r.levels, run->passes[pass].levels, sizeof r.levels);
    return r;
}

/* ---- all of it ---- */

static cnx_status fill_detections(cnx_detect_run *run, cnx_detections *out,
                                  const cnx_chosen *chosen, size_t count, cnx_error *err)
{
    out->width = run->layout.width;
    out->height = run->layout.height;
    if (count == 0)
        return CNX_OK;
    out->items = calloc(count, sizeof *out->items);
    CNX_FAIL_IF(!out->items, CNX_ERR_MEMORY, "not enough memory for %zu detections", count);
    out->count = count;
    for (size_t i = 0; i < count; i++) {
        memcpy(out->items[i].box, chosen[i].box, sizeof chosen[i].box);
        out->items[i].score = chosen[i].score;
        out->items[i].label = chosen[i].label;
    }
    return run->request->no_masks ? CNX_OK : cnx_detect_masks(run, chosen, count, out->items, err);
}

static cnx_status run_all(cnx_detect_run *run, cnx_detections *out, cnx_error *err)
{
    cnx_detector *det = run->det;
    cnx_chosen *chosen = NULL;
    size_t count = 0, scratch = 0;
    cnx_status status = CNX_OK;
    for (int i = 0; i < run->layout.pass_count; i++) {
        const size_t bytes =
            cnx_detector_scratch(det, &run->layout.passes[i], run->request->no_masks);
        scratch = bytes > scratch ? bytes : scratch;
    }
    CNX_CHECK(cnx_detect_passes(run, err));
    CNX_CHECK(cnx_kept_reserve(&det->scratch, scratch, "the heads' feature maps", err));
    CNX_CHECK(cnx_detect_boxes(run, &chosen, &count, err));
    CNX_CHECK(fill_detections(run, out, chosen, count, err));
    run->stats->detections = count;
cleanup:
    cnx_free(chosen);
    return status;
}

static cnx_status start(cnx_detect_run *run, cnx_error *err)
{
    cnx_detector *det = run->det;
    const cnx_image *image = run->request->image;
    cnx_estimate estimate;
    CNX_FAIL_IF(det->base.network->planning, CNX_ERR_INTERNAL,
                "a detector for planning cannot run");
    CNX_FAIL_IF(run->rules->max_per_img < 1, CNX_ERR_ARGUMENT,
                "%d detections in a picture are no limit: at least 1", run->rules->max_per_img);
    CNX_TRY(cnx_detect_layout_open(&run->layout, image->width, image->height, run->pipeline, err));
    CNX_TRY(cnx_detector_measure(det, &run->layout, run->request, &estimate, err));
    CNX_TRY(cnx_runner_check_memory(&det->base, &estimate,
                                    "a smaller --scale, fewer --scales, or fewer --threads", err));
    if (det->base.max_memory && det->base.arena.bytes + det->scratch.bytes > estimate.arena_bytes)
        cnx_detector_trim(det); /* a larger picture's is not in the estimate */
    run->macs_total = estimate.macs;
    run->stats->passes = estimate.passes;
    run->stats->net_h = estimate.net_h;
    run->stats->net_w = estimate.net_w;
    return CNX_OK;
}

cnx_status cnx_detector_run(cnx_detector *det, const cnx_detect_request *request,
                            cnx_detections *out, cnx_detect_stats *stats, cnx_error *err)
{
    cnx_detect_stats unasked;
    const cnx_description *d = &det->base.network->description;
    cnx_detect_run run = {.det = det, .request = request, .stats = stats ? stats : &unasked};
    run.pipeline = cnx_runner_pipeline(&det->base, request->pipeline);
    run.rules = request->rules ? request->rules : &d->detector.rcnn;
    *run.stats = (cnx_detect_stats){0};
    *out = (cnx_detections){0};
    cnx_status status = start(&run, err);
    if (status == CNX_OK)
        status = run_all(&run, out, err);
    for (int i = 0; i < run.layout.pass_count; i++) {
        cnx_free(run.passes[i].kept);
        cnx_proposals_free(&run.passes[i].proposals);
    }
    if (status != CNX_OK)
        cnx_detections_free(out);
    return status;
}
