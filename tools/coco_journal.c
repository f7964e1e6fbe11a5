/* What decides the numbers of a run of cnx eval coco, and where it stands on disk. */
#include "tools/coco_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"
#include "tools/console.h"

static unsigned check_bytes(unsigned check, const void *data, size_t size)
{
    return (unsigned)crc32_z(check, data, size);
}

static cnx_status check_model(const cnx_coco_run *run, char *text, size_t size, cnx_error *err)
{
    cnx_mapping mapping;
    snprintf(text, size, "embedded");
    if (!run->args->run.model.given || access(run->args->run.model.value, F_OK) != 0)
        return CNX_OK;
    CNX_TRY(cnx_mapping_open(&mapping, run->args->run.model.value, err));
    snprintf(text, size, "%zu bytes %08x", mapping.size,
             check_bytes(0, mapping.data, mapping.size));
    cnx_mapping_close(&mapping);
    return CNX_OK;
}

/* What decides the numbers, in one line. */
static cnx_status identify(cnx_coco_run *run, cnx_error *err)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const cnx_kernels *kernels = cnx_detector_kernels(run->detector);
    const size_t classes = (size_t)d->class_count;
    char pipeline[1024], model[64];
    unsigned pictures = 0, ids = 0;
    CNX_TRY(check_model(run, model, sizeof model, err));
    for (size_t i = 0; i < run->count; i++) {
        const cnx_coco_image *image = cnx_coco_run_image(run, i);
        pictures = check_bytes(pictures, &image->id, sizeof image->id);
        pictures = check_bytes(pictures, image->file_name, strlen(image->file_name) + 1);
    }
    for (int i = 0; i < run->part_count; i++)
        ids = check_bytes(ids, run->parts[i].category_ids, classes * sizeof(int));
    if (run->only)
        ids = check_bytes(ids, run->only, classes * sizeof *run->only);
    ids = check_bytes(ids, &d->detector.rpn, sizeof d->detector.rpn);
    cnx_detection_describe(&run->pipeline, &run->rules, pipeline, sizeof pipeline);
    CNX_FAIL_IF(asprintf(&run->identity,
                         "cnx %s, model %s, %zu pictures %08x, classes %08x, %s%s%s%s, masks from "
                         "%.9g%s, kernels %s, weights %s",
                         CNX_VERSION, model, run->count, pictures, ids, run->boxes ? "boxes" : "",
                         run->boxes && run->masks ? " and " : "", run->masks ? "masks, " : ", ",
                         pipeline, (double)run->rules.mask_thr,
                         run->args->segm_boxes.given ? " with boxes" : "", kernels->name,
                         cnx_weight_type_name(kernels->weights)) < 0,
                CNX_ERR_MEMORY, "not enough memory");
    return CNX_OK;
}

static cnx_status journal_path(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const char *model = args->run.model.given ? args->run.model.value : "demo-detector";
    const char *slash = strrchr(model, '/'), *name = slash ? slash + 1 : model;
    const char *dot = strrchr(name, '.');
    const int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    const bool made =
        args->journal.given
            ? (run->journal_path = strdup(args->journal.value)) != NULL
            : asprintf(&run->journal_path, "cnx-eval-%.*s.journal", length, name) >= 0;
    CNX_FAIL_IF(!made, CNX_ERR_MEMORY, "not enough memory for a path");
    return CNX_OK;
}

static cnx_status restore(void *user, size_t index, const char *record, cnx_error *err)
{
    return cnx_coco_spool_restore(&((cnx_coco_run *)user)->spool, index, record, err);
}

static cnx_status open_spool(cnx_coco_run *run, cnx_error *err)
{
    char *path = NULL;
    const bool resume = run->args->resume.given && access(run->journal_path, F_OK) == 0;
    CNX_FAIL_IF(asprintf(&path, "%s.results", run->journal_path) < 0, CNX_ERR_MEMORY,
                "not enough memory for a path");
    const cnx_status status = cnx_coco_spool_open(&run->spool, path, run->count, resume,
                                                  run->args->run.overwrite.given, err);
    free(path);
    return status;
}

cnx_status cnx_coco_journal_open(cnx_coco_run *run, cnx_error *err)
{
    cnx_journal_found found;
    CNX_TRY(identify(run, err));
    CNX_TRY(journal_path(run, err));
    CNX_FAIL_IF(!run->args->resume.given && access(run->journal_path, F_OK) == 0, CNX_ERR_IO,
                "%s: is there already; --resume goes on with it, or remove it", run->journal_path);
    CNX_TRY(open_spool(run, err));
    const cnx_status status =
        cnx_journal_open(&run->journal, run->journal_path, run->identity, run->count,
                         run->args->resume.given, restore, run, &found, err);
    if (status == CNX_ERR_IO && !run->args->journal.given)
        cnx_error_prefix(err, "journal (--journal FILE puts it elsewhere)");
    if (status == CNX_OK && found.dropped)
        cnx_console_warning("%s: %zu bytes at its end were unfinished; their pictures are done "
                            "again",
                            run->journal_path, found.dropped);
    return status;
}
