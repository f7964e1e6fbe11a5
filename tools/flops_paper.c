/* The published tables: parameters and FLOPs as printed, beside what the plans say. */
#include <math.h>
#include <string.h>

#include "tools/console.h"
#include "tools/flops_report.h"
#include "tools/report.h"
#include "tools/words.h"

/* One figure: as printed, as computed. */
typedef struct figure {
    const char *printed;
    double value, unit; /* of the last digit that is printed */
    double computed;
} figure;

typedef struct paper_row {
    cnx_catalogue_entry entry;
    cnx_convention convention;
    figure params, flops;
    int crop_h, crop_w; /* of a segmentation model: its window */
    double at_512, at_crop;
} paper_row;

static figure make_figure(const char *printed, double computed)
{
    figure f = {.printed = printed, .computed = computed};
    f.value = cnx_published_value(printed, &f.unit);
    return f;
}

/* Does the computed figure round to what is printed? */
static bool agrees(const figure *f)
{
    return fabs(round(f->computed / f->unit) * f->unit - f->value) < f->unit / 2;
}

/* ---- computing ---- */

static cnx_status flops_at(double *out, cnx_model_file *file, int h, int w,
                           cnx_convention convention, size_t *parameters, cnx_error *err)
{
    cnx_census census;
    const cnx_census_options one = {.threads = 1, .kernels = "ref"};
    CNX_TRY(cnx_census_take(&census, file, h, w, &one, err));
    *out = cnx_census_flops(&file->description, &census.total, convention);
    if (parameters)
        *parameters = census.all_parameters;
    cnx_census_free(&census);
    return CNX_OK;
}

static cnx_status compute(paper_row *row, cnx_error *err)
{
    const cnx_published *p = &row->entry.published;
    cnx_model_file file;
    cnx_status status = CNX_OK;
    size_t parameters = 0;
    double flops = 0;
    row->convention = cnx_census_convention(row->entry.task);
    CNX_TRY(cnx_model_file_random(&file, row->entry.name, NULL, 0, 1, err));
    CNX_CHECK(flops_at(&flops, &file, p->h, p->w, row->convention, &parameters, err));
    row->params = make_figure(p->params, (double)parameters);
    row->flops = make_figure(p->flops, flops);
    if (row->entry.task == CNX_TASK_SEGMENTATION) {
        cnx_census_input(&file.description, &row->crop_h, &row->crop_w);
        CNX_CHECK(flops_at(&row->at_512, &file, 512, 512, row->convention, NULL, err));
        CNX_CHECK(
            flops_at(&row->at_crop, &file, row->crop_h, row->crop_w, row->convention, NULL, err));
    }
cleanup:
    cnx_model_file_close(&file);
    return status;
}

/* ---- for people ---- */

static const char *const titles[] = {"ADE20K, UPerNet", "COCO, Mask R-CNN and Cascade Mask R-CNN",
                                     "ImageNet-1k"};

/* In the unit that is printed, one digit more than is printed.  more: something follows. */
static void print_figure(const figure *f, bool more)
{
    const double scale = f->value >= 1e8 && f->printed[strlen(f->printed) - 1] == 'G' ? 1e9 : 1e6;
    const int digits = (f->unit < scale ? 1 : 0) + 2;
    printf(" %8s %12.*f %+10.*f%s", f->printed, digits, f->computed / scale, digits,
           (f->computed - f->value) / scale,
           !agrees(f) ? " (!)"
           : more     ? "    "
                      : "");
}

static void print_heading(cnx_task task)
{
    printf("%s%s, FLOPs by convention %s\n%-40s %-12s %8s %12s %10s     %8s %12s %10s%s\n",
           task == CNX_TASK_SEGMENTATION ? "" : "\n", titles[task],
           cnx_convention_names[cnx_census_convention(task)], "model", "counted at", "params",
           "computed", "difference", "FLOPs", "computed", "difference",
           task == CNX_TASK_SEGMENTATION ? "     true 512x512, 640x640" : "");
}

static void print_row(const paper_row *row)
{
    char size[32];
    snprintf(size, sizeof size, "%dx%d", row->entry.published.h, row->entry.published.w);
    printf("%-40s %-12s", row->entry.name, size);
    print_figure(&row->params, true);
    print_figure(&row->flops, row->entry.task == CNX_TASK_SEGMENTATION);
    if (row->entry.task == CNX_TASK_SEGMENTATION)
        printf(" %.3f", row->at_512 / 1e9);
    if (row->crop_h > 512)
        printf(", %.3f", row->at_crop / 1e9);
    putchar('\n');
}

/* ---- for machines ---- */

static bool add_figure(cJSON *object, const char *key, const figure *f)
{
    cJSON *item = cJSON_AddObjectToObject(object, key);
    return item && cnx_report_text(item, "published", f->printed) &&
           cJSON_AddNumberToObject(item, "computed", f->computed) &&
           cJSON_AddNumberToObject(item, "difference", f->computed - f->value) &&
           cJSON_AddBoolToObject(item, "agrees", agrees(f));
}

static bool add_row(cJSON *list, const paper_row *row)
{
    const cnx_published *p = &row->entry.published;
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    cJSON *size = cJSON_AddArrayToObject(item, "size");
    return size && cJSON_AddItemToArray(size, cJSON_CreateNumber(p->h)) &&
           cJSON_AddItemToArray(size, cJSON_CreateNumber(p->w)) &&
           cnx_report_text(item, "model", row->entry.name) &&
           cnx_report_text(item, "task", cnx_task_name(row->entry.task)) &&
           cnx_report_text(item, "convention", cnx_convention_names[row->convention]) &&
           add_figure(item, "parameters", &row->params) && add_figure(item, "flops", &row->flops) &&
           (row->entry.task != CNX_TASK_SEGMENTATION ||
            (cJSON_AddNumberToObject(item, "flops_512x512", row->at_512) &&
             cJSON_AddNumberToObject(item, "flops_crop", row->at_crop)));
}

/* ---- all of them ---- */

/* Calls tell for each published model of the catalogue, task by task. */
static cnx_status each_row(bool (*tell)(void *user, const paper_row *row), void *user,
                           cnx_error *err)
{
    paper_row row;
    for (int task = CNX_TASK_SEGMENTATION; task <= CNX_TASK_CLASSIFICATION; task++)
        for (size_t i = 0;; i++) {
            row = (paper_row){.crop_h = 0};
            CNX_TRY(cnx_catalogue_at(i, &row.entry, err));
            if (!*row.entry.name)
                break;
            if ((int)row.entry.task != task || !*row.entry.published.flops)
                continue;
            CNX_TRY(compute(&row, err));
            CNX_FAIL_IF(!tell(user, &row), CNX_ERR_MEMORY, "not enough memory for the report");
        }
    return CNX_OK;
}

typedef struct printing {
    int task, rows, agreeing; /* task -1: no heading yet */
} printing;

static bool tell_text(void *user, const paper_row *row)
{
    printing *p = user;
    if ((int)row->entry.task != p->task)
        print_heading(row->entry.task);
    p->task = (int)row->entry.task;
    p->rows++;
    p->agreeing += agrees(&row->params) && agrees(&row->flops);
    print_row(row);
    return true;
}

static bool tell_json(void *user, const paper_row *row)
{
    return add_row(user, row);
}

static cnx_status paper_json(cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *list = object ? cJSON_AddArrayToObject(object, "models") : NULL;
    const cnx_status status =
        list ? each_row(tell_json, list, err)
             : cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the report");
    if (status != CNX_OK) {
        cJSON_Delete(object);
        return status;
    }
    return cnx_report_line(object, err);
}

cnx_status cnx_flops_paper(bool json, cnx_error *err)
{
    if (json)
        return paper_json(err);
    printing p = {.task = -1};
    CNX_TRY(each_row(tell_text, &p, err));
    printf(
        "\n%d of %d rows agree to the printed digit in both figures; (!) does not: docs/flops.md "
        "says why.\nParameters in M, FLOPs in G; a published segmentation figure is of 2048 or "
        "2560 pixels' width, not of the training crop.\n",
        p.agreeing, p.rows);
    return cnx_console_flush(err);
}
