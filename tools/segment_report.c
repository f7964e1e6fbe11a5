#include "tools/segment_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/utf8.h"
#include "tools/console.h"
#include "tools/report.h"
#include "tools/words.h"

/* How the memory that is needed was made less. */
typedef struct saving_text {
    char text[96];
} saving_text;

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

static bool add_ms(cJSON *object, const char *key, double seconds)
{
    return cJSON_AddNumberToObject(object, key, round(seconds * 1e6) / 1e3) != NULL;
}

static bool add_times(cJSON *object, const cnx_segment_stats *stats, const cnx_segment_times *times)
{
    cJSON *ms = cJSON_AddObjectToObject(object, "milliseconds");
    return ms && add_ms(ms, "decode", times->decode) && add_ms(ms, "prepare", stats->prepare) &&
           add_ms(ms, "network", stats->network) && add_ms(ms, "post", stats->post) &&
           add_ms(ms, "write", times->write);
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

static bool add_picture(cJSON *object, const char *name, int width, int height)
{
    return object && cnx_report_text(object, "file", name) &&
           cJSON_AddNumberToObject(object, "width", width) &&
           cJSON_AddNumberToObject(object, "height", height);
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

cnx_status cnx_segment_report_done(const char *name, const cnx_segment_target *target,
                                   const cnx_segment_writer *writer, const cnx_segment_stats *stats,
                                   const cnx_segment_times *times, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = add_picture(object, name, target->width, target->height) &&
                       add_classes(object, target, cnx_segment_writer_counts(writer)) &&
                       add_times(object, stats, times) && add_outputs(object, writer);
    return finish(object, sound, err);
}

static saving_text saving_of(const cnx_segment_estimate *e)
{
    saving_text saving = {""};
    char direct[64] = "";
    if (e->direct)
        snprintf(direct, sizeof direct, "%d convolution%s without Winograd", e->direct,
                 e->direct == 1 ? "" : "s");
    if (e->direct || e->small_tiles)
        snprintf(saving.text, sizeof saving.text, "; saved by %s%s%s", direct,
                 e->direct && e->small_tiles ? ", " : "", e->small_tiles ? "small tiles" : "");
    return saving;
}

static bool add_plan(cJSON *object, const cnx_segment_estimate *e, int jobs, size_t total)
{
    cJSON *network = cJSON_AddObjectToObject(object, "network");
    cJSON *memory = cJSON_AddObjectToObject(object, "memory");
    return network && memory && cJSON_AddNumberToObject(network, "width", e->net_w) &&
           cJSON_AddNumberToObject(network, "height", e->net_h) &&
           cJSON_AddNumberToObject(object, "passes", e->passes) &&
           cJSON_AddNumberToObject(object, "windows", e->windows) &&
           cJSON_AddNumberToObject(object, "multiply_adds", e->macs) &&
           cJSON_AddNumberToObject(object, "jobs", jobs) &&
           cJSON_AddNumberToObject(memory, "weights", (double)e->weights_bytes) &&
           cJSON_AddNumberToObject(memory, "network", (double)e->arena_bytes) &&
           cJSON_AddNumberToObject(memory, "picture", (double)e->picture_bytes) &&
           cJSON_AddNumberToObject(memory, "total", (double)total) &&
           cJSON_AddNumberToObject(memory, "direct_convolutions", e->direct) &&
           cJSON_AddBoolToObject(memory, "small_tiles", e->small_tiles);
}

static cnx_status print_plan(const char *name, int width, int height, const cnx_segment_estimate *e,
                             int jobs, size_t total, cnx_error *err)
{
    char at_once[48] = "";
    if (jobs > 1)
        snprintf(at_once, sizeof at_once, "; %d pictures at once", jobs);
    char *shown = cnx_utf8_copy(name);
    CNX_FAIL_IF(!shown, CNX_ERR_MEMORY, "not enough memory for the report");
    cnx_words_printable(shown);
    printf("%s: %dx%d, network %dx%d, %d pass%s, %d window%s, %s multiply-adds, memory %s "
           "(weights %s, network %s, picture %s%s%s)\n",
           shown, width, height, e->net_w, e->net_h, e->passes, e->passes == 1 ? "" : "es",
           e->windows, e->windows == 1 ? "" : "s", cnx_words_si(e->macs).text,
           cnx_words_bytes(total).text, cnx_words_bytes(e->weights_bytes).text,
           cnx_words_bytes(e->arena_bytes).text, cnx_words_bytes(e->picture_bytes).text,
           saving_of(e).text, at_once);
    free(shown);
    return cnx_console_flush(err);
}

cnx_status cnx_segment_report_plan(const char *name, int width, int height,
                                   const cnx_segment_estimate *estimate, int jobs, size_t total,
                                   bool json, cnx_error *err)
{
    if (!json)
        return print_plan(name, width, height, estimate, jobs, total, err);
    cJSON *object = cJSON_CreateObject();
    const bool sound =
        add_picture(object, name, width, height) && add_plan(object, estimate, jobs, total);
    return finish(object, sound, err);
}
