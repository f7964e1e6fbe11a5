#include "tools/coco_results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"
#include "tools/console.h"
#include "tools/outputs.h"

cnx_status cnx_coco_results_make(cnx_coco_results *out, cnx_coco_scorer *scorer, cnx_error *err)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(scorer);
    *out = (cnx_coco_results){.scorer = scorer, .has_errors = p->all_pairs};
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        if (!p->kinds[kind])
            continue;
        CNX_TRY(cnx_coco_scorer_run(&out->scores[kind], scorer, (cnx_coco_kind)kind, err));
        if (p->all_pairs)
            CNX_TRY(cnx_coco_errors_find(&out->errors[kind], scorer, (cnx_coco_kind)kind, err));
    }
    return CNX_OK;
}

void cnx_coco_results_free(cnx_coco_results *results)
{
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
        cnx_coco_scores_free(&results->scores[kind]);
}

static bool has_kind(const cnx_coco_results *r, int kind)
{
    return cnx_coco_scorer_params(r->scorer)->kinds[kind];
}

/* ---- files ---- */

/* DIR/bbox_precision.npy ...; the caller frees it. */
static cnx_status array_path(char **out, const char *folder, int kind, int array, cnx_error *err)
{
    const size_t size = strlen(folder) + 64;
    *out = malloc(size);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for a file's name");
    snprintf(*out, size, "%s/%s%s", folder, cnx_coco_kind_names[kind], cnx_coco_array_names[array]);
    return CNX_OK;
}

/* Calls for each array's path. */
typedef cnx_status (*each_array)(const char *path, int kind, int array, const void *user,
                                 cnx_error *err);
static cnx_status for_arrays(const char *folder, const bool kinds[CNX_COCO_KINDS], each_array call,
                             const void *user, cnx_error *err)
{
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
        for (int array = 0; kinds[kind] && array < CNX_COCO_ARRAYS; array++) {
            char *path = NULL;
            CNX_TRY(array_path(&path, folder, kind, array, err));
            const cnx_status status = call(path, kind, array, user, err);
            free(path);
            CNX_TRY(status);
        }
    return CNX_OK;
}

typedef struct checks {
    const char *const *sources;
    size_t count;
    bool overwrite;
} checks;

static cnx_status check_array(const char *path, int kind, int array, const void *user,
                              cnx_error *err)
{
    const checks *c = user;
    (void)kind;
    (void)array;
    return cnx_outputs_check_file("arrays", path, c->sources, c->count, c->overwrite, err);
}

cnx_status cnx_coco_results_check(const char *csv, const char *per_image, const char *arrays,
                                  const cnx_coco_params *params, const char *const *sources,
                                  size_t source_count, bool overwrite, cnx_error *err)
{
    const checks c = {sources, source_count, overwrite};
    CNX_TRY(cnx_outputs_check_file("csv", csv, sources, source_count, overwrite, err));
    CNX_TRY(cnx_outputs_check_file("per-image", per_image, sources, source_count, overwrite, err));
    if (!arrays)
        return CNX_OK;
    CNX_TRY(cnx_folder_check(arrays, err));
    return for_arrays(arrays, params->kinds, check_array, &c, err);
}

static void write_classes(FILE *to, const cnx_coco_results *r)
{
    cnx_coco_write_csv_header(to);
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++)
        if (has_kind(r, kind))
            cnx_coco_write_csv(to, &r->scores[kind], (cnx_coco_kind)kind);
}

static void write_pictures(FILE *to, const cnx_coco_results *r)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(r->scorer);
    cnx_coco_image_score *list = calloc(p->image_id_count + 1, sizeof *list);
    fputs("kind,image_id,truths,found,false_alarms\n", to);
    for (int kind = 0; list && kind < CNX_COCO_KINDS; kind++) {
        if (!has_kind(r, kind) || cnx_coco_image_scores(list, r->scorer, (cnx_coco_kind)kind,
                                                        -(double)INFINITY, NULL) != CNX_OK)
            continue;
        for (size_t i = 0; i < p->image_id_count; i++)
            fprintf(to, "%s,%lld,%u,%u,%u\n", cnx_coco_kind_names[kind],
                    (long long)list[i].image_id, list[i].truths, list[i].found,
                    list[i].false_alarms);
    }
    free(list);
}

static cnx_status write_file(const char *path, void (*write)(FILE *, const cnx_coco_results *),
                             const cnx_coco_results *results, cnx_error *err)
{
    cnx_output out = {0};
    if (!path)
        return CNX_OK;
    CNX_TRY(cnx_output_open(&out, path, err));
    write(out.stream, results);
    const cnx_status status = cnx_output_commit(&out, err); /* tells what could not be written */
    cnx_output_abort(&out);
    return status;
}

static cnx_status write_array(const char *path, int kind, int array, const void *user,
                              cnx_error *err)
{
    return cnx_coco_write_array(path, &((const cnx_coco_results *)user)->scores[kind], array, err);
}

cnx_status cnx_coco_results_write(const cnx_coco_results *results, const char *csv,
                                  const char *per_image, const char *arrays, cnx_error *err)
{
    CNX_TRY(write_file(csv, write_classes, results, err));
    CNX_TRY(write_file(per_image, write_pictures, results, err));
    if (!arrays)
        return CNX_OK;
    CNX_TRY(cnx_folder_make(arrays, err));
    return for_arrays(arrays, cnx_coco_scorer_params(results->scorer)->kinds, write_array, results,
                      err);
}

/* ---- streams ---- */

void cnx_coco_results_print(FILE *to, const cnx_coco_results *r)
{
    const char *gap = "";
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        if (!has_kind(r, kind))
            continue;
        fputs(gap, to);
        gap = "\n";
        if (r->has_errors) {
            cnx_coco_errors_write_text(to, &r->errors[kind]);
            putc('\n', to);
        }
        cnx_coco_write_text(to, &r->scores[kind], (cnx_coco_kind)kind);
    }
}

void cnx_coco_results_print_members(FILE *to, const cnx_coco_results *r)
{
    for (int kind = 0; kind < CNX_COCO_KINDS; kind++) {
        if (!has_kind(r, kind))
            continue;
        fprintf(to, "\"%s\":{", cnx_coco_kind_names[kind]);
        cnx_coco_write_members(to, &r->scores[kind]);
        if (r->has_errors) {
            putc(',', to);
            cnx_coco_errors_write_member(to, &r->errors[kind]);
        }
        fputs("},", to);
    }
    fputs("\"params\":{", to);
    cnx_coco_write_params(to, r->scorer);
    putc('}', to);
}

/* ---- what looks wrong ---- */

static bool has_max_det(const cnx_coco_params *p, int wanted)
{
    for (int i = 0; i < p->max_det_count; i++)
        if (p->max_dets[i] == wanted)
            return true;
    return false;
}

void cnx_coco_results_warn(const cnx_coco_results *r)
{
    const cnx_coco_arrivals a = cnx_coco_scorer_arrivals(r->scorer);
    const cnx_coco_params *p = cnx_coco_scorer_params(r->scorer);
    const char *truth = cnx_coco_scorer_truth(r->scorer)->path;
    if (a.results == 0)
        cnx_console_warning("there are no results: what is to be found counts as missed");
    if (a.unknown_categories)
        cnx_console_warning(
            "%llu of %llu results have a category_id that %s does not have; they take "
            "no part",
            (unsigned long long)a.unknown_categories, (unsigned long long)a.results, truth);
    if (a.nan_scores)
        cnx_console_warning("%llu scores are NaN, the first in entry %llu; they rank last",
                            (unsigned long long)a.nan_scores, (unsigned long long)a.first_nan);
    if (a.nan_boxes)
        cnx_console_warning("%llu boxes hold NaN, the first in entry %llu; they are compared as "
                            "pycocotools does",
                            (unsigned long long)a.nan_boxes, (unsigned long long)a.first_nan);
    if (a.duplicate_ids)
        cnx_console_warning("%s: %llu annotations have an id that a later one has, too; as in "
                            "pycocotools the last stands for all of them",
                            truth, (unsigned long long)a.duplicate_ids);
    if (a.zero_ids)
        cnx_console_warning(
            "%s: an annotation has id 0; as in pycocotools, a detection that finds it "
            "counts as wrong",
            truth);
    if (!has_max_det(p, 100))
        cnx_console_warning("AP is -1, as in pycocotools, because 100 is not among --max-dets");
}
