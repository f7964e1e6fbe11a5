#include "tools/coco_scores.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/embedded/embedded.h"
#include "core/json.h"

void cnx_coco_run_kinds(const cnx_coco_run *run, bool kinds[CNX_COCO_KINDS])
{
    kinds[CNX_COCO_BBOX] = run->boxes;
    kinds[CNX_COCO_SEGM] = run->masks;
}

char *cnx_coco_saved_path(const cnx_coco_run *run, int part, int kind)
{
    const char *name = run->parts[part].name;
    char *path = NULL;
    const bool saved = run->args->save_pred.given;
    if (asprintf(&path, "%s%s%s.%s.json%s", saved ? run->args->save_pred.value : run->journal_path,
                 name ? "." : "", name ? name : "", cnx_coco_kind_names[kind],
                 saved ? "" : ".tmp") < 0)
        return NULL;
    return path;
}

/* ---- scoring ---- */

/* The pictures of this part that are in the run: all that have been done. */
static cnx_status choose_images(int64_t **out, size_t *count, const cnx_coco_run *run, int part,
                                cnx_error *err)
{
    const cnx_coco_part *p = &run->parts[part];
    int64_t *ids = calloc(p->count + 1, sizeof *ids);
    CNX_FAIL_IF(!ids, CNX_ERR_MEMORY, "not enough memory for %zu pictures", p->count);
    *count = 0;
    for (size_t i = p->first; i < p->first + p->count; i++)
        if (run->spool.places[i].done)
            ids[(*count)++] = cnx_coco_run_image(run, i)->id;
    *out = ids;
    return CNX_OK;
}

/* Scores one results file. */
static cnx_status score_file(cnx_coco_part_scores *out, const cnx_coco_run *run, int part, int kind,
                             const char *path, cnx_error *err)
{
    const cnx_coco_truth *truth = &run->parts[part].set.truth;
    cnx_coco_setup setup = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_coco_args_apply(&setup, &run->args->coco, err));
    CNX_CHECK(cnx_coco_args_choose(&setup, &run->args->coco, truth, err));
    free(setup.image_ids);
    setup.image_ids = NULL;
    CNX_CHECK(choose_images(&setup.image_ids, &setup.params.image_id_count, run, part, err));
    setup.params.image_ids = setup.image_ids;
    setup.params.kinds[kind] = true;
    setup.params.threads = run->session.threads;
    CNX_CHECK(cnx_coco_scorer_open(&out->scorers[kind], truth, &setup.params, err));
    CNX_CHECK(cnx_coco_scorer_read(out->scorers[kind], path, err));
    CNX_CHECK(
        cnx_coco_scorer_run(&out->scores[kind], out->scorers[kind], (cnx_coco_kind)kind, err));
    cnx_coco_summary(out->stats[kind], &out->scores[kind], -1);
cleanup:
    cnx_coco_setup_free(&setup);
    return status;
}

static cnx_status score_kind(cnx_coco_part_scores *out, const cnx_coco_run *run, int part, int kind,
                             cnx_error *err)
{
    const cnx_coco_part *p = &run->parts[part];
    char *path = cnx_coco_saved_path(run, part, kind);
    CNX_FAIL_IF(!path, CNX_ERR_MEMORY, "not enough memory for a path");
    cnx_status status = cnx_coco_spool_write(&run->spool, p->first, p->count, kind, path, err);
    if (status == CNX_OK)
        status = score_file(out, run, part, kind, path, err);
    if (!run->args->save_pred.given)
        unlink(path);
    free(path);
    return status;
}

cnx_status cnx_coco_part_score(cnx_coco_part_scores *out, const cnx_coco_run *run, int part,
                               cnx_error *err)
{
    *out = (cnx_coco_part_scores){0};
    cnx_coco_run_kinds(run, out->kinds);
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
        if (out->kinds[kind])
            CNX_TRY(score_kind(out, run, part, kind, err));
    return CNX_OK;
}

void cnx_coco_part_scores_free(cnx_coco_part_scores *scores)
{
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        cnx_coco_scores_free(&scores->scores[kind]);
        cnx_coco_scorer_close(&scores->scorers[kind]);
    }
}

double cnx_coco_mean_of_parts(const cnx_coco_part_scores *parts, int count, int stat)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const double value = parts[i].stats[CNX_COCO_BBOX][stat];
        sum += value < 0 ? NAN : value;
    }
    return sum / count;
}

/* ---- published figures ---- */

static bool same_numbers(const cJSON *array, const int *values, int count)
{
    if (cJSON_GetArraySize(array) != count)
        return false;
    for (int i = 0; i < count; i++)
        if (cJSON_GetArrayItem(array, i)->valuedouble != values[i])
            return false;
    return true;
}

/* Does this built-in config describe a network of this shape? */
static bool same_network(const cJSON *config, const char *path, const cnx_description *d)
{
    const cJSON *backbone = cJSON_GetObjectItemCaseSensitive(config, "backbone");
    const char *kind = d->detector.cascade ? "configs/cascade_mask_rcnn_" : "configs/mask_rcnn_";
    return strncmp(path, kind, strlen(kind)) == 0 &&
           same_numbers(cJSON_GetObjectItemCaseSensitive(backbone, "depths"), d->backbone.depths,
                        4) &&
           same_numbers(cJSON_GetObjectItemCaseSensitive(backbone, "dims"), d->backbone.dims, 4);
}

/* Is the model's file called as this config's published one? */
static bool same_file(const cJSON *published, const char *model)
{
    const cJSON *file = cJSON_GetObjectItemCaseSensitive(published, "file");
    const char *slash = model ? strrchr(model, '/') : NULL, *name = slash ? slash + 1 : model;
    return name && cJSON_IsString(file) && strcmp(file->valuestring, name) == 0;
}

static double figure(const cJSON *published, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(published, name);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

/* Models of one shape differ in what they were trained on: the file's name tells, else there must be one
 * alone. */
void cnx_coco_published(double ap[CNX_COCO_KINDS], const cnx_coco_run *run)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    int candidates = 0;
    bool named = false;
    cnx_embedded_file file;
    ap[CNX_COCO_BBOX] = ap[CNX_COCO_SEGM] = NAN;
    for (size_t i = 0; d->class_count == 80 && !named && cnx_embedded_at(i, &file); i++) {
        cJSON *config = NULL;
        if (strncmp(file.path, "configs/", 8) != 0 ||
            cnx_json_parse(&config, (const char *)file.data, file.size, file.path, NULL) != CNX_OK)
            continue;
        const cJSON *published = cJSON_GetObjectItemCaseSensitive(config, "published");
        if (published && same_network(config, file.path, d)) {
            named = same_file(published, run->args->run.model.value);
            candidates++;
            ap[CNX_COCO_BBOX] = figure(published, "box_AP");
            ap[CNX_COCO_SEGM] = figure(published, "mask_AP");
        }
        cJSON_Delete(config);
    }
    if (candidates > 1 && !named)
        ap[CNX_COCO_BBOX] = ap[CNX_COCO_SEGM] = NAN;
}
