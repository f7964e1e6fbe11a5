#include "tools/imagenet_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/folder.h"
#include "tools/eval_crew.h"

cnx_status cnx_imagenet_run_open(cnx_imagenet_run *run, cnx_error *err)
{
    run->pictures = calloc(run->count + 1, sizeof *run->pictures);
    CNX_FAIL_IF(!run->pictures, CNX_ERR_MEMORY, "not enough memory for %zu pictures", run->count);
    return CNX_OK;
}

void cnx_imagenet_run_close(cnx_imagenet_run *run)
{
    for (size_t i = 0; run->pictures && i < run->count; i++)
        free(run->pictures[i].problem);
    free(run->pictures);
    run->pictures = NULL;
}

const cnx_imagenet_item *cnx_imagenet_item_of(const cnx_imagenet_run *run, size_t index)
{
    return &run->set.items[run->first + index];
}

cnx_status cnx_imagenet_read(const cnx_imagenet_run *run, size_t index, cnx_image *image,
                             cnx_error *err)
{
    const cnx_decode_options options = {
        .ignore_exif = cnx_pipeline_args_ignore_exif(&run->args->run.pipeline)};
    char *path = cnx_folder_join(run->set.folder, cnx_imagenet_item_of(run, index)->id);
    CNX_FAIL_IF(!path, CNX_ERR_MEMORY, "not enough memory for a path");
    const cnx_status status = cnx_image_read(image, path, &options, err);
    free(path);
    return status;
}

/* ---- records ---- */

static void take_over(cnx_imagenet_run *run, size_t index, int rank, int first, float prob)
{
    cnx_imagenet_picture *p = &run->pictures[index];
    p->rank = rank;
    p->first = first;
    p->prob = prob;
    p->done = true;
    run->done++;
}

cnx_status cnx_imagenet_run_restore(void *user, size_t index, const char *text, cnx_error *err)
{
    cnx_imagenet_run *run = user;
    const int classes = run->set.class_count;
    int rank, first, end = 0;
    float prob;
    const bool sound = sscanf(text, "%d %d %f%n", &rank, &first, &prob, &end) == 3 &&
                       end == (int)strlen(text) && rank >= 0 && rank < classes && first >= 0 &&
                       first < classes;
    CNX_FAIL_IF(!sound, CNX_ERR_FORMAT, "record of picture %zu: \"%.60s\" is none", index, text);
    take_over(run, index, rank, first, prob);
    return CNX_OK;
}

/* ---- one picture ---- */

typedef struct job {
    cnx_crew_job base; /* first */
    cnx_image image;
    double *scores; /* owned, [2][classes]: logits or probabilities, then probabilities */
    int rank, first;
    float prob;
} job;

static cnx_status open_network(void **out, void *user, int threads, cnx_error *err)
{
    const cnx_imagenet_run *run = user;
    cnx_classifier_group *shared = calloc(1, sizeof *shared);
    *out = shared;
    CNX_FAIL_IF(!shared, CNX_ERR_MEMORY, "not enough memory for a classifier");
    return cnx_classifier_group_share(shared, &run->group, threads, err);
}

static void close_network(void **network)
{
    if (*network)
        cnx_classifier_group_close(*network);
    free(*network);
    *network = NULL;
}

static cnx_status prepare(cnx_crew_job *base, cnx_error *err)
{
    job *j = (job *)base;
    const cnx_imagenet_run *run = base->run;
    const size_t classes = (size_t)run->set.class_count;
    j->scores = malloc(2 * classes * sizeof *j->scores);
    CNX_FAIL_IF(!j->scores, CNX_ERR_MEMORY, "not enough memory for the scores of %zu classes",
                classes);
    return cnx_imagenet_read(run, base->index, &j->image, err);
}

static bool on_progress(void *user, double done)
{
    (void)done;
    return !cnx_crew_stopped(user);
}

static cnx_status infer(cnx_crew_job *base, void *network, cnx_error *err)
{
    job *j = (job *)base;
    const cnx_imagenet_run *run = base->run;
    const cnx_imagenet_item *item = cnx_imagenet_item_of(run, base->index);
    const int classes = run->set.class_count;
    double *probabilities = j->scores + classes, *ranked = j->scores;
    const cnx_classify_request request = {
        .image = &j->image, .progress = on_progress, .user = base};
    const cnx_class_scores scores = {.logits = j->scores, .probabilities = probabilities};
    const cnx_status status = cnx_classifier_group_run(network, &request, scores, NULL, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s/%s", run->set.folder, item->id);
        return status;
    }
    if (!cnx_classifier_group_has_logits(network))
        ranked = probabilities;
    j->rank = cnx_class_rank(ranked, classes, run->set.subset, item->label);
    j->first = cnx_class_first(ranked, classes, run->set.subset);
    j->prob = (float)probabilities[j->first];
    return CNX_OK;
}

/* ---- in turn ---- */

static cnx_status deliver(cnx_crew_job *base, cnx_error *err)
{
    const job *j = (const job *)base;
    cnx_imagenet_run *run = base->run;
    char record[64];
    snprintf(record, sizeof record, "%d %d %.9g", j->rank, j->first, (double)j->prob);
    if (run->journal)
        CNX_TRY(cnx_journal_add(run->journal, base->index, record, err));
    take_over(run, base->index, j->rank, j->first, j->prob);
    return CNX_OK;
}

static bool failed(void *user, size_t index, const char *problem)
{
    cnx_imagenet_run *run = user;
    run->failed++;
    run->pictures[index].problem = strdup(problem);
    return run->pictures[index].problem != NULL;
}

static void close_job(cnx_crew_job *base)
{
    job *j = (job *)base;
    cnx_image_free(&j->image);
    free(j->scores);
}

static const cnx_crew_task task = {
    .job_size = sizeof(job),
    .open_network = open_network,
    .close_network = close_network,
    .prepare = prepare,
    .infer = infer,
    .deliver = deliver,
    .failed = failed,
    .close = close_job,
};

cnx_status cnx_imagenet_run_do(cnx_imagenet_run *run, cnx_error *err)
{
    size_t count = 0;
    size_t *pending = calloc(run->count + 1, sizeof *pending);
    CNX_FAIL_IF(!pending, CNX_ERR_MEMORY, "not enough memory for the run");
    for (size_t i = 0; i < run->count; i++)
        if (!run->pictures[i].done)
            pending[count++] = i;
    const cnx_crew_order order = {.task = &task,
                                  .run = run,
                                  .pending = pending,
                                  .count = count,
                                  .threads = run->threads,
                                  .jobs = run->jobs,
                                  .keep_going = run->args->run.keep_going.given,
                                  .meter = &run->meter};
    const cnx_status status = cnx_crew_work(&order, &run->interrupted, err);
    free(pending);
    return status;
}
