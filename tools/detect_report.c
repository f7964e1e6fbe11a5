#include "tools/detect_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "tools/console.h"
#include "tools/report.h"
#include "tools/words.h"

static bool add_picture(cJSON *object, const cnx_picture *p)
{
    return object && cnx_report_text(object, "file", p->input->name) &&
           cJSON_AddNumberToObject(object, "width", p->width) &&
           cJSON_AddNumberToObject(object, "height", p->height);
}

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

static bool add_ms(cJSON *object, const char *key, double seconds)
{
    return cJSON_AddNumberToObject(object, key, round(seconds * 1e6) / 1e3) != NULL;
}

static bool add_times(cJSON *object, const cnx_picture *p, const cnx_detect_stats *stats)
{
    cJSON *ms = cJSON_AddObjectToObject(object, "milliseconds");
    return ms && add_ms(ms, "decode", p->decode_seconds) && add_ms(ms, "prepare", stats->prepare) &&
           add_ms(ms, "backbone", stats->backbone) && add_ms(ms, "rpn", stats->rpn) &&
           add_ms(ms, "boxes", stats->boxes) && add_ms(ms, "masks", stats->masks) &&
           add_ms(ms, "paste", stats->paste) && add_ms(ms, "write", p->write_seconds);
}

static bool add_outputs(cJSON *object, const cnx_detect_writer *writer)
{
    cJSON *list = cJSON_AddArrayToObject(object, "outputs");
    bool sound = list != NULL;
    for (size_t i = 0; sound && cnx_detect_writer_path(writer, i); i++)
        sound = cnx_report_append(list, cnx_detect_writer_path(writer, i));
    return sound;
}

/* Prints an object if it is complete, and deletes it. */
static cnx_status finish(cJSON *object, bool sound, cnx_error *err)
{
    if (!sound) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}

cnx_status cnx_detect_report_done(const cnx_picture *p, const cnx_detected *d,
                                  const cnx_detect_writer *writer, const cnx_detect_stats *stats,
                                  cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = add_picture(object, p) && add_detections(object, d) &&
                       cJSON_AddNumberToObject(object, "proposals", (double)stats->proposals) &&
                       add_times(object, p, stats) && add_outputs(object, writer);
    return finish(object, sound, err);
}

static bool add_plan(cJSON *object, const cnx_picture *p, const cnx_detect_estimate *e)
{
    cJSON *network = cJSON_AddObjectToObject(object, "network");
    cJSON *memory = cJSON_AddObjectToObject(object, "memory");
    return network && memory && cJSON_AddNumberToObject(network, "width", e->net_w) &&
           cJSON_AddNumberToObject(network, "height", e->net_h) &&
           cJSON_AddNumberToObject(object, "passes", e->passes) &&
           cJSON_AddNumberToObject(object, "multiply_adds", e->macs) &&
           cJSON_AddNumberToObject(object, "jobs", p->session->jobs) &&
           cJSON_AddNumberToObject(memory, "weights", (double)e->weights_bytes) &&
           cJSON_AddNumberToObject(memory, "network", (double)e->arena_bytes) &&
           cJSON_AddNumberToObject(memory, "picture", (double)e->picture_bytes) &&
           cJSON_AddNumberToObject(memory, "total", (double)cnx_picture_total(p));
}

static cnx_status print_plan(const cnx_picture *p, const cnx_detect_estimate *e, cnx_error *err)
{
    char at_once[48] = "";
    const int jobs = p->session->jobs;
    if (jobs > 1)
        snprintf(at_once, sizeof at_once, "; %d pictures at once", jobs);
    char *shown = cnx_utf8_copy(p->input->name);
    CNX_FAIL_IF(!shown, CNX_ERR_MEMORY, "not enough memory for the report");
    cnx_words_printable(shown);
    printf("%s: %dx%d, network %dx%d, %d pass%s, at most %s multiply-adds, memory %s "
           "(weights %s, network %s, picture %s%s)\n",
           shown, p->width, p->height, e->net_w, e->net_h, e->passes, e->passes == 1 ? "" : "es",
           cnx_words_si(e->macs).text, cnx_words_bytes(cnx_picture_total(p)).text,
           cnx_words_bytes(e->weights_bytes).text, cnx_words_bytes(e->arena_bytes).text,
           cnx_words_bytes(e->picture_bytes).text, at_once);
    free(shown);
    return cnx_console_flush(err);
}

cnx_status cnx_detect_report_plan(const cnx_picture *p, const cnx_detect_estimate *estimate,
                                  cnx_error *err)
{
    if (!p->session->args->json.given)
        return print_plan(p, estimate, err);
    cJSON *object = cJSON_CreateObject();
    const bool sound = add_picture(object, p) && add_plan(object, p, estimate);
    return finish(object, sound, err);
}
