#include "heads/census.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads/classifier.h"
#include "heads/detector.h"
#include "heads/segmentor.h"

/* ---- parts ---- */

/* What a layer belongs to, by how its name begins; the first that fits.  Names of classifiers have
 * no "backbone.", and it is left away in all. */
static const struct {
    const char *begins, *part;
} parts[] = {
    {"downsample_layers.0.", "stem"},
    {"downsample_layers.", "downsampling"},
    {"stem", "stem"}, /* of isotropic networks */
    {"blocks.", "blocks"},
    {"stages.0.", "stage 1"},
    {"stages.1.", "stage 2"},
    {"stages.2.", "stage 3"},
    {"stages.3.", "stage 4"},
    {"norm0", "output norms"},
    {"norm1", "output norms"},
    {"norm2", "output norms"},
    {"norm3", "output norms"},
    {"decode_head.psp_modules.", "pyramid pooling"},
    {"decode_head.bottleneck", "pyramid pooling"},
    {"decode_head.lateral_convs.", "laterals"},
    {"decode_head.top_down.", "laterals"},
    {"decode_head.fpn_convs.", "pyramid"},
    {"decode_head.fpn_bottleneck", "fusion"},
    {"decode_head.conv_seg", "classifier"},
    {"pool", "classifier"},
    {"norm", "classifier"},
    {"head", "classifier"},
    {"resize and arg-max", "labels"},
    {"auxiliary_head.", "auxiliary head"},
    {"neck.", "pyramid"},
    {"rpn_head.", "RPN"},
    {"roi_head.bbox_head.", "box heads"},
    {"roi_head.mask_head.", "mask heads"},
    {"", "other"},
};

static const char *part_of(const char *name)
{
    static const char backbone[] = "backbone.";
    if (strncmp(name, backbone, sizeof backbone - 1) == 0)
        name += sizeof backbone - 1;
    size_t i = 0;
    while (strncmp(name, parts[i].begins, strlen(parts[i].begins)) != 0)
        i++;
    return parts[i].part;
}

static int find_part(cnx_census *c, const char *name)
{
    for (int i = 0; i < c->part_count; i++)
        if (strcmp(c->parts[i].name, name) == 0)
            return i;
    if (c->part_count == CNX_CENSUS_PARTS)
        return c->part_count - 1;
    c->parts[c->part_count].name = name;
    return c->part_count++;
}

/* ---- rows ---- */

/* A zeroed row of that name; NULL without memory. */
static cnx_census_row *add_row(cnx_census *c, const char *name, const char *op, cnx_error *err)
{
    if (c->count == c->room) {
        const int room = c->room ? 2 * c->room : 256;
        cnx_census_row *rows = realloc(c->rows, (size_t)room * sizeof *rows);
        if (!rows) {
            cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the list of layers");
            return NULL;
        }
        c->rows = rows;
        c->room = room;
    }
    cnx_census_row *row = &c->rows[c->count++];
    *row = (cnx_census_row){.op = op, .items = 1, .plan = -1, .line = -1};
    snprintf(row->name, sizeof row->name, "%s", name);
    row->part = find_part(c, part_of(name));
    return row;
}

/* Is there a layer of that name already?  Then the two share their weights. */
static bool has_row(const cnx_census *c, const char *name)
{
    for (int i = 0; i < c->count; i++)
        if (strcmp(c->rows[i].name, name) == 0)
            return true;
    return false;
}

/* The layers of a plan, which `items` items go through. */
static cnx_status add_plan(cnx_census *c, const cnx_plan *plan, int number, int items,
                           cnx_error *err)
{
    for (int i = 0; i < cnx_plan_rows(plan); i++) {
        const cnx_plan_row from = cnx_plan_row_at(plan, i);
        if (strcmp(from.op, "mark") == 0)
            continue;
        const bool again = has_row(c, from.name);
        cnx_census_row *row = add_row(c, from.name, from.op, err);
        if (!row)
            return err->status;
        const cnx_cost one = cnx_plan_cost(plan, i);
        row->h = from.h;
        row->w = from.w;
        row->c = from.c;
        row->items = items;
        row->plan = number;
        row->line = i;
        row->live_bytes = number == 0 ? cnx_plan_live_bytes(plan, i) : 0;
        row->cost = cnx_cost_times(&one, items);
        if (again)
            row->cost.weight_bytes = 0;
    }
    return CNX_OK;
}

/* ---- parameters ---- */

/* The length of the names' beginning that a row's tensors share, without the dot: the row's name,
 * and for the pointwise half of a block the block's. */
static size_t prefix_length(const cnx_census_row *row)
{
    const size_t n = strlen(row->name);
    return n > 4 && strcmp(row->name + n - 4, ".mlp") == 0 ? n - 4 : n;
}

/* The row whose prefix of the name is the longest; NULL for none. */
static cnx_census_row *find_row(cnx_census *c, const size_t *prefixes, const char *name)
{
    const size_t n = strlen(name);
    cnx_census_row *found = NULL;
    size_t longest = 0;
    for (int i = 0; i < c->count; i++) {
        const size_t length = prefixes[i];
        if (length > longest && length < n && name[length] == '.' &&
            memcmp(c->rows[i].name, name, length) == 0) {
            found = &c->rows[i];
            longest = length;
        }
    }
    return found;
}

static cnx_status add_parameters(cnx_census *c, const cnx_model_file *file, cnx_error *err)
{
    size_t *prefixes = malloc(((size_t)c->count + 1) * sizeof *prefixes);
    CNX_FAIL_IF(!prefixes, CNX_ERR_MEMORY, "not enough memory for the list of layers");
    for (int i = 0; i < c->count; i++)
        prefixes[i] = prefix_length(&c->rows[i]);
    size_t homeless = 0;
    for (size_t i = 0; i < cnx_weights_key_count(file->weights); i++) {
        const cnx_key *key = cnx_weights_key(file->weights, i);
        if (!cnx_key_is_parameter(key))
            continue;
        cnx_census_row *row = find_row(c, prefixes, key->canonical);
        *(row ? &row->parameters : &homeless) += cnx_key_elements(key);
    }
    free(prefixes);
    cnx_model_file_parameters(file, &c->all_parameters, &c->parameters);
    if (homeless) {
        cnx_census_row *row = add_row(c, "(other tensors)", "-", err);
        if (!row)
            return err->status;
        row->parameters = homeless;
    }
    return CNX_OK;
}

/* Learnt with the model, never run. */
static cnx_status add_auxiliary(cnx_census *c, cnx_error *err)
{
    if (c->all_parameters == c->parameters)
        return CNX_OK;
    cnx_census_row *row = add_row(c, "auxiliary_head.*", "not run", err);
    if (!row)
        return err->status;
    row->items = 0;
    row->parameters = c->all_parameters - c->parameters;
    return CNX_OK;
}

static void add_up(cnx_census *c)
{
    for (int i = 0; i < c->count; i++) {
        cnx_census_part *part = &c->parts[c->rows[i].part];
        part->parameters += c->rows[i].parameters;
        cnx_cost_add(&part->cost, &c->rows[i].cost);
        cnx_cost_add(&c->total, &c->rows[i].cost);
    }
    c->peak_bytes = c->total.weight_bytes + c->arena_bytes + c->picture_bytes;
}

/* ---- the tasks ---- */

/* A picture of the input's size, at once: logits are resized to it and their labels taken. */
static cnx_status take_segmentation(cnx_census *c, cnx_model_file *file,
                                    const cnx_model_options *planning, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_segmentor *seg = NULL;
    const cnx_plan *plan;
    cnx_estimate estimate;
    cnx_pipeline whole = file->description.pipeline;
    whole.resize = false;
    whole.mode = CNX_MODE_WHOLE;
    whole.scale_count = 0;
    whole.flip = false;
    CNX_CHECK(cnx_segmentor_open(&seg, file, planning, err));
    CNX_CHECK(cnx_segmentor_plan_of(seg, c->h, c->w, &plan, err));
    CNX_CHECK(add_plan(c, plan, 0, 1, err));
    CNX_CHECK(cnx_segmentor_estimate(seg, c->w, c->h, &whole, 0, &estimate, err));
    cnx_census_row *row = add_row(c, "resize and arg-max", "resize", err);
    CNX_CHECK_IF(!row, CNX_ERR_MEMORY, "not enough memory for the list of layers");
    row->h = c->h;
    row->w = c->w;
    row->c = file->description.upernet.classes;
    row->cost.resize = (double)row->h * row->w * row->c;
    c->arena_bytes = estimate.arena_bytes;
    c->picture_bytes = estimate.picture_bytes;
cleanup:
    cnx_segmentor_close(&seg);
    return status;
}

/* A picture of the input's size. */
static cnx_status take_classification(cnx_census *c, cnx_model_file *file,
                                      const cnx_model_options *planning, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_classifier *cls = NULL;
    const cnx_plan *plan;
    cnx_estimate estimate;
    cnx_pipeline own = file->description.pipeline;
    own.resize = false;
    CNX_CHECK(cnx_classifier_open(&cls, file, planning, err));
    CNX_CHECK(cnx_classifier_plan_of(cls, c->h, c->w, &plan, err));
    CNX_CHECK(add_plan(c, plan, 0, 1, err));
    CNX_CHECK(cnx_classifier_estimate(cls, c->w, c->h, &own, &estimate, err));
    c->arena_bytes = estimate.arena_bytes;
    c->picture_bytes = estimate.picture_bytes;
cleanup:
    cnx_classifier_close(&cls);
    return status;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    const size_t n = strlen(text), m = strlen(with);
    return n >= m && strcmp(text + n - m, with) == 0;
}

/* What the plans of a detector do not know of its definition and of its run. */
static void correct_detector(cnx_census *c, const cnx_detector_desc *d)
{
    for (int i = 0; i < c->count; i++) {
        cnx_cost *cost = &c->rows[i].cost;
        if (begins(c->rows[i].name, "rpn_head.")) {
            cost->relu_called = cost->relu;
            cost->relu = 0;
        }
        if (ends(c->rows[i].name, ".conv_logits")) /* a region's mask is made for its own class */
            cost->products /= d->mask_classes;
    }
}

/* As many proposals and detections as the rules allow. */
static cnx_status take_detection(cnx_census *c, cnx_model_file *file,
                                 const cnx_model_options *planning, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_detector *det = NULL;
    cnx_detector_plans plans;
    cnx_estimate estimate;
    cnx_pipeline own = file->description.pipeline;
    own.resize = false;
    own.scale_count = 0;
    own.flip = false;
    const cnx_detector_desc *d = &file->description.detector;
    const cnx_detect_request request = {.pipeline = &own};
    CNX_CHECK(cnx_detector_open(&det, file, planning, err));
    CNX_CHECK(cnx_detector_plan_of(det, c->h, c->w, &plans, err));
    CNX_CHECK(add_plan(c, plans.dense, 0, 1, err));
    CNX_CHECK(add_plan(c, plans.boxes, 1, d->rpn.max_per_img, err));
    CNX_CHECK(add_plan(c, plans.masks, 2, d->rcnn.max_per_img, err));
    correct_detector(c, d);
    CNX_CHECK(cnx_detector_estimate(det, c->w, c->h, &request, &estimate, err));
    c->arena_bytes = estimate.arena_bytes;
    c->picture_bytes = estimate.picture_bytes;
cleanup:
    cnx_detector_close(&det);
    return status;
}

cnx_status cnx_census_take(cnx_census *out, cnx_model_file *file, int h, int w,
                           const cnx_census_options *options, cnx_error *err)
{
    static const cnx_census_options defaults = {0};
    cnx_error local;
    cnx_status status = CNX_OK;
    err = err ? err : &local;
    options = options ? options : &defaults;
    *out = (cnx_census){.h = h, .w = w};
    const cnx_model_options planning = {.threads = options->threads,
                                        .kernels = options->kernels,
                                        .weights = options->weights,
                                        .planning = true};
    switch (file->description.task) {
    case CNX_TASK_SEGMENTATION:
        CNX_CHECK(take_segmentation(out, file, &planning, err));
        break;
    case CNX_TASK_CLASSIFICATION:
        CNX_CHECK(take_classification(out, file, &planning, err));
        break;
    case CNX_TASK_DETECTION:
        CNX_CHECK(take_detection(out, file, &planning, err));
    }
    CNX_CHECK(add_parameters(out, file, err));
    CNX_CHECK(add_auxiliary(out, err));
    add_up(out);
    return CNX_OK;
cleanup:
    cnx_census_free(out);
    return status;
}

void cnx_census_free(cnx_census *census)
{
    free(census->rows);
    *census = (cnx_census){0};
}

/* The detectors' BatchNorm is SyncBN, which OpenMMLab's counter does not know; the classifiers' pooling
 * is a mean over the map, which neither counter does. */
double cnx_census_flops(const cnx_description *d, const cnx_cost *cost, cnx_convention convention)
{
    cnx_cost counted = *cost;
    if (convention == CNX_COUNT_MMCV && d->task == CNX_TASK_DETECTION)
        counted.batchnorm = 0;
    if (convention != CNX_COUNT_EXACT && d->task == CNX_TASK_CLASSIFICATION)
        counted.pool = 0;
    return cnx_cost_flops(&counted, convention);
}

cnx_convention cnx_census_convention(cnx_task task)
{
    return task == CNX_TASK_CLASSIFICATION ? CNX_COUNT_MACS : CNX_COUNT_MMCV;
}

void cnx_census_input(const cnx_description *d, int *h, int *w)
{
    const cnx_pipeline *p = &d->pipeline;
    *h = p->crop_h;
    *w = p->crop_w;
    if (d->task == CNX_TASK_DETECTION) {
        const int to = p->pad_divisor;
        *h = (p->scale_short + to - 1) / to * to;
        *w = (p->scale_long + to - 1) / to * to;
    } else if (d->task == CNX_TASK_SEGMENTATION && p->mode == CNX_MODE_WHOLE && p->resize) {
        *h = *w = p->scale_short;
    }
}
