#include "tools/detect_report.h"

#include "tools/report.h"

static bool add_detection(cJSON *list, const cnx_detected *d, const cnx_detection *detection)
{
    double box[4];
    cnx_detected_box(box, detection);
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    cJSON *numbers = cJSON_AddArrayToObject(item, "bbox");
    bool sound = numbers != NULL;
    for (int i = 0; sound && i < 4; i++) {
        cJSON *number = cJSON_CreateNumber(box[i]);
        sound = number && cJSON_AddItemToArray(numbers, number);
    }
    const bool masked = cnx_detected_has_mask(detection);
    return sound &&
           cJSON_AddNumberToObject(item, "category_id",
                                   d->description->category_ids[detection->label]) &&
           cnx_report_text(item, "name", d->description->class_names[detection->label]) &&
           cJSON_AddNumberToObject(item, "score", (double)detection->score) &&
           (!masked || cJSON_AddNumberToObject(item, "area", cnx_rle_area(&detection->mask)));
}

static bool add_detections(cJSON *object, const cnx_detected *d)
{
    cJSON *list = cJSON_AddArrayToObject(object, "detections");
    bool sound = list && cJSON_AddNumberToObject(object, "image_id", (double)d->image_id);
    for (size_t i = 0; sound && i < d->count; i++)
        sound = add_detection(list, d, cnx_detected_at(d, i));
    return sound;
}

static bool add_times(cJSON *object, const cnx_picture *p, const cnx_detect_stats *stats)
{
    cJSON *ms = cJSON_AddObjectToObject(object, "milliseconds");
    return ms && cnx_report_ms(ms, "decode", p->decode_seconds) &&
           cnx_report_ms(ms, "prepare", stats->prepare) &&
           cnx_report_ms(ms, "backbone", stats->backbone) && cnx_report_ms(ms, "rpn", stats->rpn) &&
           cnx_report_ms(ms, "boxes", stats->boxes) && cnx_report_ms(ms, "masks", stats->masks) &&
           cnx_report_ms(ms, "paste", stats->paste) && cnx_report_ms(ms, "write", p->write_seconds);
}

static bool add_outputs(cJSON *object, const cnx_detect_writer *writer)
{
    cJSON *list = cJSON_AddArrayToObject(object, "outputs");
    bool sound = list != NULL;
    for (size_t i = 0; sound && cnx_detect_writer_path(writer, i); i++)
        sound = cnx_report_append(list, cnx_detect_writer_path(writer, i));
    return sound;
}

cnx_status cnx_detect_report_done(const cnx_picture *p, const cnx_detected *d,
                                  const cnx_detect_writer *writer, const cnx_detect_stats *stats,
                                  cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = cnx_report_picture(object, p->input->name, p->width, p->height) &&
                       add_detections(object, d) &&
                       cJSON_AddNumberToObject(object, "proposals", (double)stats->proposals) &&
                       add_times(object, p, stats) && add_outputs(object, writer);
    return cnx_report_finish(object, sound, err);
}
