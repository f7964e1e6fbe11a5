#include "tools/coco_data.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/console.h"
#include "tools/eval_frame.h"

/* ---- data sets ---- */

/* DIR/sketch, or where the archive has put it. */
static char *domain_folder(const char *dir, const char *domain)
{
    static const char *const between[] = {"", "ood_coco/", "COCO-O/", "COCO-O/ood_coco/"};
    char *path = NULL;
    for (size_t i = 0; i < sizeof between / sizeof *between; i++) {
        free(path);
        if (asprintf(&path, "%s/%s%s", dir, between[i], domain) < 0)
            return NULL;
        if (access(path, F_OK) == 0)
            return path;
    }
    return path;
}

static cnx_status open_domain(cnx_coco_run *run, const char *domain,
                              const cnx_coco_truth_options *options, cnx_error *err)
{
    cnx_coco_part *part = &run->parts[run->part_count++];
    char *dir = domain_folder(run->args->data.value, domain);
    CNX_FAIL_IF(!dir, CNX_ERR_MEMORY, "not enough memory for a path");
    const cnx_coco_place place = {.dir = dir, .split = run->args->split.value};
    part->name = domain;
    const cnx_status status = cnx_coco_set_open(&part->set, &place, options, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "domain %s", domain);
    free(dir);
    return status;
}

static cnx_status open_sets(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const cnx_coco_truth_options options = {.threads = run->session.threads,
                                            .segmentations = run->masks};
    if (!args->domains) {
        const cnx_coco_place place = {.annotations = args->annotations.value,
                                      .images = args->images.value,
                                      .dir = args->data.value,
                                      .split = args->split.value};
        run->part_count = 1;
        return cnx_coco_set_open(&run->parts[0].set, &place, &options, err);
    }
    for (int i = 0; i < CNX_COCO_O_DOMAINS; i++)
        if (!args->of_domains.given || (args->of_domains.bits >> i & 1u))
            CNX_TRY(open_domain(run, cnx_coco_o_domains[i], &options, err));
    return CNX_OK;
}

/* The pictures of a part that --skip and --limit leave. */
static cnx_status take_part(cnx_coco_run *run, cnx_coco_part *part, cnx_error *err)
{
    CNX_TRY(cnx_eval_part(&part->skipped, &part->count, part->set.truth.image_count,
                          part->set.annotations, run->args->skip, run->args->limit, err));
    part->first = run->count;
    run->count += part->count;
    return CNX_OK;
}

static cnx_status list_pictures(cnx_coco_run *run, cnx_error *err)
{
    for (int i = 0; i < run->part_count; i++)
        CNX_TRY(take_part(run, &run->parts[i], err));
    run->pictures = calloc(run->count + 1, sizeof *run->pictures);
    CNX_FAIL_IF(!run->pictures, CNX_ERR_MEMORY, "not enough memory for %zu pictures", run->count);
    for (int i = 0; i < run->part_count; i++)
        for (size_t k = 0; k < run->parts[i].count; k++)
            run->pictures[run->parts[i].first + k] =
                (cnx_coco_picture){.part = i, .image = run->parts[i].skipped + k};
    return CNX_OK;
}

/* Without --keep-going nothing is begun that could not be finished. */
static cnx_status check_pictures(const cnx_coco_run *run, cnx_error *err)
{
    for (size_t i = 0; i < run->count && !run->args->run.keep_going.given; i++) {
        const cnx_coco_picture *p = &run->pictures[i];
        const cnx_coco_set *set = &run->parts[p->part].set;
        if (set->missing == 0)
            continue;
        char *path = cnx_coco_set_path(set, p->image);
        CNX_FAIL_IF(!path, CNX_ERR_MEMORY, "not enough memory for a path");
        const bool there = access(path, F_OK) == 0;
        if (!there)
            cnx_fail(err, CNX_ERR_IO,
                     "%s: is not there (image %lld of %s; %zu of %zu are missing). --keep-going "
                     "leaves them out",
                     path, (long long)cnx_coco_run_image(run, i)->id, set->annotations,
                     set->missing, set->truth.image_count);
        free(path);
        if (!there)
            return CNX_ERR_IO;
    }
    return CNX_OK;
}

/* Masks are scored where there are some, unless --kind says otherwise. */
static cnx_status choose_kinds(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    const cnx_coco_truth *truth = &run->parts[0].set.truth;
    const bool asked = args->coco.kind.given;
    run->boxes = !asked || args->coco.kind.value != CNX_COCO_KIND_SEGM;
    if (!run->masks)
        return CNX_OK;
    bool found = false;
    for (size_t i = 0; i < truth->annotation_count && !found; i++)
        found = truth->annotations[i].segmentation.kind != CNX_SEGMENTATION_NONE;
    CNX_FAIL_IF(asked && !found, CNX_ERR_ARGUMENT,
                "--kind %s: %s has no masks, only boxes; --kind bbox scores these",
                cnx_coco_kind_choices[args->coco.kind.value], run->parts[0].set.annotations);
    run->masks = found;
    return CNX_OK;
}

cnx_status cnx_coco_data_open(cnx_coco_run *run, cnx_error *err)
{
    const cnx_eval_coco_args *args = run->args;
    run->masks = !args->domains && !args->detection.no_masks.given &&
                 !(args->coco.kind.given && args->coco.kind.value == CNX_COCO_KIND_BBOX);
    CNX_TRY(open_sets(run, err));
    CNX_TRY(choose_kinds(run, err));
    CNX_TRY(list_pictures(run, err));
    return check_pictures(run, err);
}

/* ---- classes ---- */

static cnx_status match_part(cnx_coco_part *part, const cnx_description *d, cnx_error *err)
{
    cnx_status status = CNX_OK;
    int64_t *ids = calloc((size_t)d->class_count, sizeof *ids);
    part->category_ids = calloc((size_t)d->class_count, sizeof *part->category_ids);
    CNX_CHECK_IF(!ids || !part->category_ids, CNX_ERR_MEMORY, "not enough memory for %d classes",
                 d->class_count);
    CNX_CHECK(cnx_coco_set_match(ids, &part->set, (const char *const *)d->class_names,
                                 d->class_count, err));
    for (int c = 0; c < d->class_count; c++) {
        CNX_CHECK_IF(ids[c] > INT_MAX, CNX_ERR_UNSUPPORTED, "%s: category id %lld is too large",
                     part->set.annotations, (long long)ids[c]);
        part->category_ids[c] = (int)ids[c];
        part->matched += ids[c] >= 0;
    }
    CNX_CHECK_IF(part->matched == 0, CNX_ERR_ARGUMENT,
                 "%s: none of its categories (%s, ...) has the name of one of the model's classes "
                 "(%s, ...); --set 'classes=[...]' gives the model's classes other names",
                 part->set.annotations,
                 part->set.truth.category_count && part->set.truth.categories[0].name
                     ? part->set.truth.categories[0].name
                     : "without names",
                 d->class_names[0]);
cleanup:
    free(ids);
    return status;
}

static void tell_unmatched(const cnx_coco_run *run, const cnx_coco_part *part)
{
    const cnx_description *d = cnx_detector_description(run->detector);
    const size_t categories = part->set.truth.category_count;
    if ((size_t)part->matched < categories)
        cnx_console_warning("%s: %zu of its %zu categories are no classes of the model; nothing is "
                            "found of them (--categories scores the others alone)",
                            part->set.annotations, categories - (size_t)part->matched, categories);
    if (part->matched < d->class_count && !run->args->run.quiet.given)
        cnx_console_note("%d of the model's %d classes are no categories of %s and are left out",
                         d->class_count - part->matched, d->class_count, part->set.annotations);
}

cnx_status cnx_coco_data_match(cnx_coco_run *run, const cnx_description *d, cnx_error *err)
{
    for (int i = 0; i < run->part_count; i++)
        CNX_TRY(match_part(&run->parts[i], d, err));
    return CNX_OK;
}

void cnx_coco_data_tell(const cnx_coco_run *run)
{
    for (int i = 0; i < run->part_count; i++)
        tell_unmatched(run, &run->parts[i]);
    for (int i = 0; i < run->part_count && !run->args->run.quiet.given; i++) {
        const cnx_coco_part *part = &run->parts[i];
        cnx_console_note("data %s: %zu of %zu pictures in %s, %zu annotations",
                         part->set.annotations, part->count, part->set.truth.image_count,
                         part->set.images, part->set.truth.annotation_count);
    }
}
