#include "tools/coco_run.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "tools/console.h"
#include "tools/detect_worker.h"
#include "tools/detected.h"
#include "tools/words.h"

/* One picture in flight. */
typedef struct job {
    cnx_picture picture; /* first: what the session sees */
    cnx_detections found;
    char *texts[CNX_SPOOL_TEXTS];
    size_t sizes[CNX_SPOOL_TEXTS];
} job;

static cnx_coco_run *run_of(const cnx_session *s)
{
    return s->model;
}

static cnx_detect_request request_of(const cnx_coco_run *run, const cnx_image *image)
{
    return (cnx_detect_request){.image = image,
                                .pipeline = &run->pipeline,
                                .rules = &run->rules,
                                .only = run->only,
                                .no_masks = !run->masks};
}

/* ---- at the entrance ---- */

static cnx_status estimate(cnx_picture *p, int threads, cnx_error *err)
{
    const cnx_coco_run *run = run_of(p->session);
    const cnx_detect_request request = request_of(run, NULL);
    cnx_detector_set_threads(run->detector, threads);
    return cnx_detector_estimate(run->detector, p->width, p->height, &request, &p->need, err);
}

static void announce(const cnx_picture *first, const char *at_once)
{
    const cnx_session *s = first->session;
    cnx_console_note("%d thread%s%s, peak memory about %s", s->threads, s->threads == 1 ? "" : "s",
                     at_once, cnx_words_bytes(cnx_picture_total(first)).text);
}

/* ---- on its own ---- */

static cnx_status open_worker(void **out, cnx_session *s, cnx_error *err)
{
    return cnx_detect_worker_open(out, run_of(s)->detector, err);
}

/* The file must be the picture that was annotated: masks are of its size. */
static cnx_status check_size(const cnx_picture *p, const cnx_coco_image *image, cnx_error *err)
{
    CNX_FAIL_IF((image->w && image->w != (uint32_t)p->image.width) ||
                    (image->h && image->h != (uint32_t)p->image.height),
                CNX_ERR_FORMAT, "%s: is %d x %d, and image %lld was annotated at %u x %u",
                p->input->name, p->image.width, p->image.height, (long long)image->id, image->w,
                image->h);
    return CNX_OK;
}

/* One of the two texts: 0 of boxes, 1 of masks. */
static cnx_status write_text(job *j, int text, const cnx_detected *d, cnx_error *err)
{
    FILE *to = open_memstream(&j->texts[text], &j->sizes[text]);
    CNX_FAIL_IF(!to, CNX_ERR_MEMORY, "not enough memory for the results of %s",
                j->picture.input->name);
    const cnx_status status = cnx_detected_coco(to, d, err);
    const bool lost = ferror(to) != 0;
    CNX_FAIL_IF(fclose(to) != 0 || lost, CNX_ERR_MEMORY, "not enough memory for the results of %s",
                j->picture.input->name);
    return status;
}

static cnx_status write_texts(job *j, cnx_error *err)
{
    const cnx_coco_run *run = run_of(j->picture.session);
    const size_t picture = run->pending[j->picture.index];
    cnx_description own = *cnx_detector_description(run->detector); /* but for the ids */
    own.category_ids = run->parts[run->pictures[picture].part].category_ids;
    size_t *order = calloc(j->found.count + 1, sizeof *order);
    CNX_FAIL_IF(!order, CNX_ERR_MEMORY, "not enough memory for the results");
    cnx_detected d = {.description = &own,
                      .found = &j->found,
                      .order = order,
                      .count = cnx_detected_order(order, &j->found, &own),
                      .image_id = (long long)cnx_coco_run_image(run, picture)->id,
                      .no_masks = true};
    cnx_status status = CNX_OK;
    if (run->boxes)
        CNX_CHECK(write_text(j, 0, &d, err));
    d.no_masks = false;
    d.no_boxes = !run->args->segm_boxes.given;
    if (run->masks)
        CNX_CHECK(write_text(j, 1, &d, err));
cleanup:
    free(order);
    return status;
}

static cnx_status process(cnx_picture *p, void *worker, int threads, cnx_error *err)
{
    job *j = (job *)p;
    const cnx_coco_run *run = run_of(p->session);
    const cnx_detect_request request = request_of(run, &p->image);
    cnx_detect_stats stats;
    CNX_TRY(check_size(p, cnx_coco_run_image(run, run->pending[p->index]), err));
    CNX_TRY(cnx_detect_worker_run(worker, p, &request, threads, &j->found, &stats, err));
    return write_texts(j, err);
}

/* ---- in turn ---- */

static cnx_status commit(cnx_picture *p, cnx_error *err)
{
    job *j = (job *)p;
    cnx_coco_run *run = run_of(p->session);
    const size_t picture = run->pending[p->index];
    const char *const texts[CNX_SPOOL_TEXTS] = {j->texts[0], j->texts[1]};
    char *record = NULL;
    cnx_status status = cnx_coco_spool_add(&run->spool, picture, texts, j->sizes, &record, err);
    /* One whose text the power took away is in the journal already. */
    if (status == CNX_OK && !cnx_journal_has(run->journal, picture))
        status = cnx_journal_add(run->journal, picture, record, err);
    free(record);
    run->done += status == CNX_OK;
    p->session->output_lost = p->session->output_lost || status != CNX_OK;
    return status;
}

static void failed(cnx_picture *p, const char *reason)
{
    cnx_coco_run *run = run_of(p->session);
    run->pictures[run->pending[p->index]].problem = strdup(reason);
    run->failed++;
}

static void close(cnx_picture *p)
{
    job *j = (job *)p;
    cnx_detections_free(&j->found);
    for (int t = 0; t < CNX_SPOOL_TEXTS; t++)
        free(j->texts[t]);
}

const cnx_errand cnx_coco_errand = {
    .done = "searched",
    .smaller = "a smaller --scale needs less",
    .picture_size = sizeof(job),
    .estimate = estimate,
    .announce = announce,
    .open_worker = open_worker,
    .close_worker = cnx_detect_worker_close,
    .process = process,
    .commit = commit,
    .failed = failed,
    .close = close,
};

/* ---- the run ---- */

static cnx_status queue_picture(cnx_coco_run *run, size_t picture, cnx_error *err)
{
    cnx_inputs *inputs = &run->session.inputs;
    const cnx_coco_picture *p = &run->pictures[picture];
    const cnx_coco_set *set = &run->parts[p->part].set;
    cnx_input *input = &inputs->items[inputs->count];
    run->pending[inputs->count++] = picture;
    *input = (cnx_input){.name = cnx_coco_set_path(set, p->image),
                         .stem = strdup(set->truth.images[p->image].file_name)};
    CNX_FAIL_IF(!input->name || !input->stem, CNX_ERR_MEMORY, "not enough memory for %zu pictures",
                run->count);
    return CNX_OK;
}

cnx_status cnx_coco_run_queue(cnx_coco_run *run, cnx_error *err)
{
    cnx_inputs *inputs = &run->session.inputs;
    run->pending = calloc(run->count + 1, sizeof *run->pending);
    inputs->items = calloc(run->count + 1, sizeof *inputs->items);
    inputs->capacity = run->count + 1;
    CNX_FAIL_IF(!run->pending || !inputs->items, CNX_ERR_MEMORY,
                "not enough memory for %zu pictures", run->count);
    for (size_t i = 0; i < run->count; i++)
        if (run->spool.places[i].done)
            run->done++;
        else
            CNX_TRY(queue_picture(run, i, err));
    return CNX_OK;
}

cnx_status cnx_coco_run_detect(cnx_coco_run *run, size_t picture, cnx_image *image,
                               cnx_detections *found, cnx_error *err)
{
    const cnx_coco_picture *p = &run->pictures[picture];
    const cnx_decode_options options = {
        .ignore_exif = cnx_pipeline_args_ignore_exif(&run->args->run.pipeline)};
    char *path = cnx_coco_set_path(&run->parts[p->part].set, p->image);
    CNX_FAIL_IF(!path, CNX_ERR_MEMORY, "not enough memory for a path");
    cnx_status status = cnx_image_read(image, path, &options, err);
    free(path);
    CNX_TRY(status);
    const cnx_detect_request request = request_of(run, image);
    cnx_detect_stats stats;
    cnx_detector_set_threads(run->detector, run->session.threads);
    return cnx_detector_run(run->detector, &request, found, &stats, err);
}

void cnx_coco_run_close(cnx_coco_run *run)
{
    cnx_journal_close(&run->journal);
    cnx_coco_spool_close(&run->spool);
    for (int i = 0; i < run->part_count; i++) {
        cnx_coco_set_close(&run->parts[i].set);
        free(run->parts[i].category_ids);
    }
    for (size_t i = 0; run->pictures && i < run->count; i++)
        free(run->pictures[i].problem);
    free(run->pictures);
    free(run->pending);
    free(run->only);
    free(run->journal_path);
    free(run->identity);
    cnx_detector_close(&run->detector);
    cnx_inputs_free(&run->session.inputs);
}
