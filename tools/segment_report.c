#include "tools/segment_report.h"

#include <stdlib.h>

#include "tools/report.h"

typedef struct present_class {
    int id;
    uint64_t pixels;
} present_class;

static int by_pixels(const void *a, const void *b)
{
    const present_class *const x = a, *const y = b;
    if (x->pixels != y->pixels)
        return x->pixels < y->pixels ? 1 : -1;
    return x->id - y->id;
}

static bool add_class(cJSON *list, const cnx_description *d, present_class c, double pixels)
{
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    return cJSON_AddNumberToObject(item, "id", c.id) &&
           cnx_report_text(item, "name", d->class_names[c.id]) &&
           cJSON_AddNumberToObject(item, "pixels", (double)c.pixels) &&
           cJSON_AddNumberToObject(item, "share", (double)c.pixels / pixels);
}

/* The classes that occur, the largest first. */
static bool add_classes(cJSON *object, const cnx_segment_target *target, const uint64_t *counts)
{
    const cnx_description *d = target->description;
    cJSON *list = cJSON_AddArrayToObject(object, "classes");
    present_class *present = calloc((size_t)d->class_count, sizeof *present);
    bool sound = list && present;
    size_t count = 0;
    for (int k = 0; sound && k < d->class_count; k++)
        if (counts[k])
            present[count++] = (present_class){k, counts[k]};
    if (sound)
        qsort(present, count, sizeof *present, by_pixels);
    const double pixels = (double)target->width * (double)target->height;
    for (size_t i = 0; sound && i < count; i++)
        sound = add_class(list, d, present[i], pixels);
    free(present);
    return sound;
}

static bool add_times(cJSON *object, const cnx_segment_stats *stats, const cnx_segment_times *times)
{
    cJSON *ms = cJSON_AddObjectToObject(object, "milliseconds");
    return ms && cnx_report_ms(ms, "decode", times->decode) &&
           cnx_report_ms(ms, "prepare", stats->prepare) &&
           cnx_report_ms(ms, "network", stats->network) && cnx_report_ms(ms, "post", stats->post) &&
           cnx_report_ms(ms, "write", times->write);
}

static bool add_outputs(cJSON *object, const cnx_segment_writer *writer)
{
    cJSON *list = cJSON_AddArrayToObject(object, "outputs");
    bool sound = list != NULL;
    for (int kind = 0; sound && kind < CNX_SAVE_KINDS; kind++) {
        const char *path = cnx_segment_writer_path(writer, kind);
        sound = !path || cnx_report_append(list, path);
    }
    return sound;
}

cnx_status cnx_segment_report_done(const char *name, const cnx_segment_target *target,
                                   const cnx_segment_writer *writer, const cnx_segment_stats *stats,
                                   const cnx_segment_times *times, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = cnx_report_picture(object, name, target->width, target->height) &&
                       add_classes(object, target, cnx_segment_writer_counts(writer)) &&
                       add_times(object, stats, times) && add_outputs(object, writer);
    return cnx_report_finish(object, sound, err);
}
