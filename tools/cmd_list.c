/* cnx list: the models that are built in as descriptions, and what was published of them. */
#include <math.h>
#include <stdio.h>

#include "heads/catalogue.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/report.h"

typedef struct list_args {
    cnx_flag_arg json;
} list_args;

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Report"},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object", .offset = offsetof(list_args, json)},
    {.kind = CNX_OPT_END},
};

/* ---- for people ---- */

/* "46.0 / 46.7"; what was not published is a dash. */
static void format_score(const cnx_catalogue_entry *e, char *out, size_t size)
{
    const cnx_published *p = &e->published;
    if (!isnan(p->miou_ss) && !isnan(p->miou_ms))
        snprintf(out, size, "%.1f / %.1f", p->miou_ss, p->miou_ms);
    else if (!isnan(p->miou_ss))
        snprintf(out, size, "%.1f", p->miou_ss);
    else if (!isnan(p->box_ap))
        snprintf(out, size, "%.1f / %.1f", p->box_ap, p->mask_ap);
    else if (!isnan(p->top1))
        snprintf(out, size, "%.1f", p->top1);
    else
        snprintf(out, size, "-");
}

static const char *or_dash(const char *text)
{
    return *text ? text : "-";
}

static void print_entry(const cnx_catalogue_entry *e)
{
    char score[32], size[32] = "-";
    const cnx_published *p = &e->published;
    format_score(e, score, sizeof score);
    if (p->h)
        snprintf(size, sizeof size, "%d x %d", p->h, p->w);
    printf("  %-42s %10s %8s  %-11s  %-11s  %s\n", e->name, or_dash(p->params), or_dash(p->flops),
           size, score, or_dash(p->file));
}

static void print_heading(cnx_task task)
{
    static const char *const scores[] = {"mIoU", "box / mask", "top-1"};
    static const char *const titles[] = {"segmentation (mIoU: one scale / multi-scale and flip)",
                                         "detection (AP)", "classification"};
    printf("%s%s\n  %-42s %10s %8s  %-11s  %-11s  %s\n", task == CNX_TASK_SEGMENTATION ? "" : "\n",
           titles[task], "name", "parameters", "FLOPs", "counted at", scores[task],
           "published file");
}

static cnx_status print_all(cnx_error *err)
{
    cnx_catalogue_entry entry;
    for (int task = CNX_TASK_SEGMENTATION; task <= CNX_TASK_CLASSIFICATION; task++) {
        bool first = true;
        for (size_t i = 0;; i++) {
            CNX_TRY(cnx_catalogue_at(i, &entry, err));
            if (!*entry.name)
                break;
            if ((int)entry.task != task)
                continue;
            if (first)
                print_heading(entry.task);
            first = false;
            print_entry(&entry);
        }
    }
    printf(
        "\nFigures are those that the authors publish, sizes height x width. \"cnx flops --paper\" "
        "computes them.\n");
    return cnx_console_flush(err);
}

/* ---- for machines ---- */

static bool add_figure(cJSON *object, const char *key, double value)
{
    return isnan(value) || cJSON_AddNumberToObject(object, key, value);
}

static bool add_text(cJSON *object, const char *key, const char *text)
{
    return !*text || cnx_report_text(object, key, text);
}

static bool add_published(cJSON *item, const cnx_published *p)
{
    cJSON *object = cJSON_AddObjectToObject(item, "published");
    cJSON *size = p->h ? cJSON_CreateIntArray((const int[]){p->h, p->w}, 2) : NULL;
    if (size && !(object && cJSON_AddItemToObject(object, "size", size))) {
        cJSON_Delete(size);
        return false;
    }
    return object && add_text(object, "params", p->params) && add_text(object, "flops", p->flops) &&
           add_figure(object, "mIoU_ss", p->miou_ss) && add_figure(object, "mIoU_ms", p->miou_ms) &&
           add_figure(object, "box_AP", p->box_ap) && add_figure(object, "mask_AP", p->mask_ap) &&
           add_figure(object, "top1", p->top1) && add_text(object, "file", p->file);
}

static bool add_entry(cJSON *list, const cnx_catalogue_entry *e)
{
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    return cnx_report_text(item, "name", e->name) &&
           cnx_report_text(item, "task", cnx_task_name(e->task)) &&
           add_published(item, &e->published);
}

static cnx_status print_json(cnx_error *err)
{
    cnx_catalogue_entry entry;
    cJSON *object = cJSON_CreateObject();
    cJSON *list = object ? cJSON_AddArrayToObject(object, "models") : NULL;
    bool sound = list != NULL;
    for (size_t i = 0; sound; i++) {
        const cnx_status status = cnx_catalogue_at(i, &entry, err);
        if (status != CNX_OK || !*entry.name) {
            if (status != CNX_OK) {
                cJSON_Delete(object);
                return status;
            }
            break;
        }
        sound = add_entry(list, &entry);
    }
    if (!sound) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}

static int run(int argc, char **argv)
{
    list_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_list, argc, argv, &args, &operands, &code)) {
        if (operands.count) {
            cnx_fail(&error, CNX_ERR_ARGUMENT, "\"%.100s\": cnx list takes no names",
                     operands.items[0]);
            code = cnx_command_misused(&cnx_command_list, &error);
        } else {
            const cnx_status status = args.json.given ? print_json(&error) : print_all(&error);
            code = cnx_console_finish(status == CNX_OK ? CNX_EXIT_DONE : cnx_console_fail(&error));
        }
    }
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_list = {
    .name = "list",
    .summary = "name the published models that are built in as descriptions",
    .usage = "[--json]",
    .about =
        "With the parameters, FLOPs and scores that their authors publish. Each name stands for "
        "the model's description wherever one is wanted: --config NAME, cnx flops NAME, cnx "
        "bench NAME.",
    .options = options,
    .run = run,
};
