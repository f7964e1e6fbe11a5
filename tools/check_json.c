/* The report of cnx check for programs: one object. */
#include "tools/check_report.h"
#include "tools/report.h"

static bool add_number(cJSON *object, const char *key, double value)
{
    return cJSON_AddNumberToObject(object, key, value) != NULL;
}

static bool add_data(cJSON *object, const cnx_dataset *d)
{
    return cnx_report_text(object, "layout", d->layout) &&
           (!d->images || cnx_report_text(object, "images", d->images)) &&
           cnx_report_text(object, "labels", d->labels) &&
           add_number(object, "pairs", (double)d->pairs) &&
           add_number(object, "images_without_labels", (double)d->images_alone) &&
           add_number(object, "labels_without_image", (double)d->labels_alone);
}

static bool add_rules(cJSON *object, const cnx_check_report *r)
{
    bool sound = cJSON_AddStringToObject(object, "coding",
                                         r->rules.coding == CNX_LABELS_RGB16 ? "rgb16" : "index") &&
                 cJSON_AddBoolToObject(object, "reduce_zero_label", r->rules.reduce_zero_label);
    if (r->rules.ignore < 0)
        sound = sound && cJSON_AddNullToObject(object, "ignore");
    else
        sound = sound && add_number(object, "ignore", r->rules.ignore);
    if (r->classes)
        sound = sound && cnx_report_text(object, "classes", r->classes->name) &&
                add_number(object, "class_count", r->classes->count);
    return sound;
}

static bool add_value(cJSON *list, const cnx_check_report *r, int v)
{
    const cnx_value_use *use = &r->seen->values[v];
    const int class_number = cnx_label_class(&r->rules, v);
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    bool sound = add_number(item, "value", v);
    if (class_number == r->rules.ignore)
        sound = sound && cJSON_AddTrueToObject(item, "ignored");
    else if (r->classes && class_number < r->classes->count)
        sound = sound && add_number(item, "class", class_number) &&
                cnx_report_text(item, "name", r->classes->names[class_number]);
    return sound && add_number(item, "pixels", (double)use->pixels) &&
           add_number(item, "files", use->files);
}

static bool add_values(cJSON *object, const cnx_check_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(object, "values");
    bool sound = list != NULL;
    for (int v = 0; v < CNX_LABEL_VALUES && sound; v++)
        if (r->seen->values[v].files)
            sound = add_value(list, r, v);
    return sound;
}

static bool add_finding(cJSON *list, const cnx_check_report *r, const cnx_finding *f)
{
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    bool sound = cJSON_AddStringToObject(item, "kind", cnx_finding_kind_name(f->kind)) &&
                 cJSON_AddStringToObject(item, "code", f->code) &&
                 cnx_report_text(item, "text", f->text) &&
                 (!f->advice || cnx_report_text(item, "advice", f->advice)) &&
                 add_number(item, "count", (double)f->count);
    cJSON *examples = sound ? cJSON_AddArrayToObject(item, "examples") : NULL;
    sound = examples != NULL;
    for (int i = 0; i < f->example_count && sound; i++) {
        const cnx_dataset_item *example = &r->dataset->items[f->examples[i]];
        sound = cnx_report_append(examples, example->labels ? example->labels : example->image);
    }
    return sound;
}

static bool add_findings(cJSON *object, const cnx_check_report *r)
{
    cJSON *list = cJSON_AddArrayToObject(object, "findings");
    bool sound = list != NULL;
    for (size_t i = 0; i < r->findings->count && sound; i++)
        sound = add_finding(list, r, &r->findings->items[i]);
    return sound;
}

cnx_status cnx_check_json(const cnx_check_report *report, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = object && add_data(object, report->dataset) && add_rules(object, report) &&
                       add_number(object, "label_files_used", (double)report->seen->used) &&
                       add_number(object, "pixels", (double)report->seen->pixels) &&
                       add_values(object, report) && add_findings(object, report) &&
                       add_number(object, "problems", (double)report->findings->problems);
    if (!sound) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}
