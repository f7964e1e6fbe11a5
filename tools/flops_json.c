/* What a network costs, for machines. */
#include "tools/flops_report.h"
#include "tools/report.h"

static bool add_number(cJSON *object, const char *key, double value)
{
    return cJSON_AddNumberToObject(object, key, value) != NULL;
}

static bool add_pair(cJSON *object, const char *key, int a, int b)
{
    cJSON *pair = cJSON_CreateIntArray((const int[]){a, b}, 2);
    if (pair && cJSON_AddItemToObject(object, key, pair))
        return true;
    cJSON_Delete(pair);
    return false;
}

static cJSON *append_object(cJSON *list)
{
    cJSON *item = cJSON_CreateObject();
    if (item && list && cJSON_AddItemToArray(list, item))
        return item;
    cJSON_Delete(item);
    return NULL;
}

static bool add_costs(cJSON *object, const cnx_flops_report *report, size_t parameters,
                      const cnx_cost *cost)
{
    return add_number(object, "parameters", (double)parameters) &&
           add_number(object, "macs", cnx_cost_macs(cost)) &&
           add_number(object, "flops", cnx_flops_of(report, cost)) &&
           add_number(object, "macs_left", cost->products) &&
           add_number(object, "activations_bytes", cost->activated * sizeof(float)) &&
           add_number(object, "weights_bytes", (double)cost->weight_bytes);
}

static bool add_parts(cJSON *object, const cnx_flops_report *report)
{
    const cnx_census *c = report->census;
    cJSON *list = cJSON_AddArrayToObject(object, "parts");
    bool sound = list != NULL;
    for (int i = 0; sound && i < c->part_count; i++) {
        cJSON *item = append_object(list);
        sound = item && cnx_report_text(item, "name", c->parts[i].name) &&
                add_costs(item, report, c->parts[i].parameters, &c->parts[i].cost);
    }
    return sound;
}

static bool add_layers(cJSON *object, const cnx_flops_report *report)
{
    const cnx_census *c = report->census;
    cJSON *list = cJSON_AddArrayToObject(object, "layers");
    bool sound = list != NULL;
    for (int i = 0; sound && i < c->count; i++) {
        const cnx_census_row *row = &c->rows[i];
        cJSON *item = append_object(list);
        cJSON *shape = cJSON_CreateIntArray((const int[]){row->h, row->w, row->c}, 3);
        sound = item && shape && cJSON_AddItemToObject(item, "output", shape);
        if (!sound)
            cJSON_Delete(shape);
        sound = sound && cnx_report_text(item, "name", row->name) &&
                cnx_report_text(item, "part", c->parts[row->part].name) &&
                cnx_report_text(item, "op", row->op) && add_number(item, "items", row->items) &&
                add_costs(item, report, row->parameters, &row->cost) &&
                add_number(item, "live_bytes", (double)row->live_bytes);
    }
    return sound;
}

static bool add_published(cJSON *object, const cnx_published *p)
{
    cJSON *item = cJSON_AddObjectToObject(object, "published");
    return item && (!*p->params || cnx_report_text(item, "params", p->params)) &&
           (!*p->flops ||
            (cnx_report_text(item, "flops", p->flops) && add_pair(item, "size", p->h, p->w)));
}

static bool add_report(cJSON *object, const cnx_flops_report *report)
{
    const cnx_model_choice *m = report->model;
    const cnx_census *c = report->census;
    return cnx_report_text(object, "model", m->name) &&
           cnx_report_text(object, "task", cnx_task_name(m->file.description.task)) &&
           add_pair(object, "size", c->h, c->w) &&
           cnx_report_text(object, "convention", cnx_convention_names[report->convention]) &&
           add_costs(object, report, c->all_parameters, &c->total) &&
           add_number(object, "parameters_needed", (double)c->parameters) &&
           add_number(object, "arena_bytes", (double)c->arena_bytes) &&
           add_number(object, "picture_bytes", (double)c->picture_bytes) &&
           add_number(object, "peak_bytes", (double)c->peak_bytes) &&
           (m->from_checkpoint || add_published(object, &m->published)) &&
           add_parts(object, report) && (!report->per_layer || add_layers(object, report));
}

cnx_status cnx_flops_json(const cnx_flops_report *report, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    if (object && !add_report(object, report)) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}
