/* A run's masks: the chosen boxes looked at in each pass, averaged, pasted into the picture. */
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "core/ops/paste.h"
#include "core/threads.h"
#include "heads/detector_run.h"

enum { PIXELS = CNX_MASK_SIZE * CNX_MASK_SIZE };

/* One batch of detections. */
typedef struct mask_batch {
    cnx_detect_run *run;
    const cnx_chosen *chosen;
    int count;
    float (*rois)[4]; /* in the pass at hand */
    int *labels;
    float *sum; /* of all passes' and stages' probabilities */
    cnx_detection *items;
    cnx_rle_builder *builders; /* one a thread */
    char *scratch;             /* likewise */
    size_t scratch_step;
    cnx_status *statuses; /* one a detection */
} mask_batch;

static void run_heads(const mask_batch *b)
{
    cnx_detect_run *run = b->run;
    memset(b->sum, 0, (size_t)b->count * PIXELS * sizeof *b->sum);
    for (int p = 0; p < run->layout.pass_count; p++) {
        const cnx_detect_pass *pass = &run->layout.passes[p];
        const cnx_roi_run roi_run = cnx_detect_roi_run(run, p);
        for (int i = 0; i < b->count; i++)
            cnx_box_to_pass(pass, b->chosen[i].box, b->rois[i]);
        cnx_mask_heads_run(&roi_run, (const float(*)[4])b->rois, b->labels, b->count, pass->flip,
                           b->sum);
        run->macs_done += b->count * cnx_plan_macs(run->det->masks);
    }
}

/* Of a single pass the published systems paste where the region was, back from the resized picture;
 * of several, at the box itself. */
static void paste_box(const mask_batch *b, int index, float out[4])
{
    const cnx_detect_layout *layout = &b->run->layout;
    memcpy(out, b->chosen[index].box, 4 * sizeof *out);
    if (layout->pass_count > 1 || layout->passes[0].flip)
        return;
    cnx_box_to_pass(&layout->passes[0], out, out);
    cnx_box_from_pass(&layout->passes[0], out, out);
}

static void paste_one(void *context, int index, int thread)
{
    const mask_batch *b = context;
    const cnx_detect_layout *layout = &b->run->layout;
    const cnx_paste paste = {
        .width = layout->width, .height = layout->height, .threshold = b->run->rules->mask_thr};
    const float parts =
        (float)(layout->pass_count * b->run->det->base.network->description.detector.stages);
    float *prob = b->sum + (size_t)index * PIXELS, box[4];
    for (int i = 0; i < PIXELS; i++)
        prob[i] /= parts;
    paste_box(b, index, box);
    b->statuses[index] = cnx_paste_run(
        &b->run->det->base.network->kernels, &paste, prob, CNX_MASK_SIZE, box, &b->builders[thread],
        b->scratch + (size_t)thread * b->scratch_step, &b->items[index].mask, NULL);
}

static cnx_status run_batch(mask_batch *b, cnx_error *err)
{
    cnx_detect_run *run = b->run;
    for (int i = 0; i < b->count; i++)
        b->labels[i] = b->chosen[i].label;
    double start = cnx_now();
    run_heads(b);
    run->stats->masks += cnx_now() - start;
    start = cnx_now();
    cnx_parallel_for(run->det->base.threads, b->count, paste_one, b);
    run->stats->paste += cnx_now() - start;
    for (int i = 0; i < b->count; i++)
        CNX_FAIL_IF(b->statuses[i] != CNX_OK, b->statuses[i],
                    b->statuses[i] == CNX_ERR_MEMORY
                        ? "not enough memory for the masks"
                        : "masks of a picture of 2^32 pixels or more cannot be told");
    CNX_FAIL_IF(!cnx_detect_report(run, run->macs_done), CNX_ERR_INTERRUPTED, "interrupted");
    return CNX_OK;
}

static cnx_status alloc_batch(mask_batch *b, int size, cnx_error *err)
{
    static const char what[] = "a batch of masks";
    const size_t n = (size_t)size, threads = (size_t)b->run->det->base.threads;
    const cnx_paste paste = {.width = b->run->layout.width, .height = b->run->layout.height};
    b->scratch_step = cnx_round_up(cnx_paste_scratch(&paste, CNX_MASK_SIZE), CNX_ALIGNMENT);
    CNX_TRY(cnx_alloc_or_fail((void **)&b->rois, n * sizeof *b->rois, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&b->labels, n * sizeof *b->labels, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&b->sum, n * PIXELS * sizeof *b->sum, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&b->statuses, n * sizeof *b->statuses, what, err));
    CNX_TRY(cnx_alloc_or_fail((void **)&b->builders, threads * sizeof *b->builders, what, err));
    memset(b->builders, 0, threads * sizeof *b->builders);
    return cnx_alloc_or_fail((void **)&b->scratch, threads * b->scratch_step, what, err);
}

static void free_batch(mask_batch *b)
{
    for (int i = 0; b->builders && i < b->run->det->base.threads; i++)
        cnx_rle_buffer_free(&b->builders[i].runs);
    cnx_free(b->rois);
    cnx_free(b->labels);
    cnx_free(b->sum);
    cnx_free(b->statuses);
    cnx_free(b->builders);
    cnx_free(b->scratch);
}

cnx_status cnx_detect_masks(cnx_detect_run *run, const cnx_chosen *chosen, size_t count,
                            cnx_detection *items, cnx_error *err)
{
    const int all = (int)count, size = cnx_mask_batch(all);
    mask_batch b = {.run = run};
    cnx_status status = alloc_batch(&b, size, err);
    for (int first = 0; first < all && status == CNX_OK; first += size) {
        b.count = all - first < size ? all - first : size;
        b.chosen = chosen + first;
        b.items = items + first;
        status = run_batch(&b, err);
    }
    free_batch(&b);
    return status;
}
