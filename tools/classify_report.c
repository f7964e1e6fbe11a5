#include "tools/classify_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/csv.h"
#include "core/utf8.h"
#include "tools/classify_args.h"
#include "tools/console.h"
#include "tools/report.h"
#include "tools/words.h"

/* Names come from files: nothing in them may steer the terminal.  The caller frees it. */
static char *printable(const char *text)
{
    char *copy = cnx_utf8_copy(text);
    if (copy)
        cnx_words_printable(copy);
    return copy;
}

cnx_status cnx_classify_report_text(const cnx_picture *p, const cnx_classified *c, cnx_error *err)
{
    char *name = printable(p->input->name);
    CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for the report");
    printf("%s\n", name);
    free(name);
    for (int i = 0; i < c->count; i++) {
        name = printable(c->description->class_names[c->top[i]]);
        CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for the report");
        printf("  %8.4f %%  %5d  %s\n", 100 * c->probabilities[c->top[i]], c->top[i], name);
        free(name);
    }
    return cnx_console_flush(err);
}

cnx_status cnx_classify_report_csv(const cnx_picture *p, const cnx_classified *c, bool head,
                                   cnx_error *err)
{
    if (head)
        printf("file,rank,class,name,prob\n");
    for (int i = 0; i < c->count; i++) {
        cnx_csv_put(stdout, p->input->name);
        printf(",%d,%d,", i + 1, c->top[i]);
        cnx_csv_put(stdout, c->description->class_names[c->top[i]]);
        printf(",%.9g\n", c->probabilities[c->top[i]]);
    }
    return cnx_console_flush(err);
}

/* ---- JSON ---- */

static bool add_picture(cJSON *object, const cnx_picture *p)
{
    return object && cnx_report_text(object, "file", p->input->name) &&
           cJSON_AddNumberToObject(object, "width", p->width) &&
           cJSON_AddNumberToObject(object, "height", p->height);
}

static bool add_class(cJSON *list, const cnx_classified *c, int index)
{
    cJSON *item = cJSON_CreateObject();
    if (!item || !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return false;
    }
    return cJSON_AddNumberToObject(item, "class", index) &&
           cnx_report_text(item, "name", c->description->class_names[index]) &&
           cJSON_AddNumberToObject(item, "prob", c->probabilities[index]);
}

static bool add_top(cJSON *object, const cnx_classified *c)
{
    cJSON *list = cJSON_AddArrayToObject(object, "top");
    bool sound = list != NULL;
    for (int i = 0; sound && i < c->count; i++)
        sound = add_class(list, c, c->top[i]);
    return sound;
}

static bool add_ms(cJSON *object, const char *key, double seconds)
{
    return cJSON_AddNumberToObject(object, key, round(seconds * 1e6) / 1e3) != NULL;
}

static bool add_times(cJSON *object, const cnx_picture *p, const cnx_classify_stats *stats)
{
    cJSON *ms = cJSON_AddObjectToObject(object, "milliseconds");
    return ms && add_ms(ms, "decode", p->decode_seconds) && add_ms(ms, "prepare", stats->prepare) &&
           add_ms(ms, "network", stats->network) && add_ms(ms, "write", p->write_seconds);
}

static bool add_outputs(cJSON *object, const cnx_classified *c)
{
    cJSON *list = cJSON_AddArrayToObject(object, "outputs");
    bool sound = list != NULL;
    for (int kind = 0; sound && kind < CNX_CLASS_SAVES; kind++)
        sound = !c->outputs[kind] || cnx_report_append(list, c->outputs[kind]);
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

cnx_status cnx_classify_report_json(const cnx_picture *p, const cnx_classified *c, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = add_picture(object, p) && add_top(object, c) &&
                       add_times(object, p, c->stats) && add_outputs(object, c);
    return finish(object, sound, err);
}

/* ---- --dry-run ---- */

static bool add_plan(cJSON *object, const cnx_picture *p, const cnx_classify_estimate *e)
{
    cJSON *network = cJSON_AddObjectToObject(object, "network");
    cJSON *memory = cJSON_AddObjectToObject(object, "memory");
    return network && memory && cJSON_AddNumberToObject(network, "width", e->net_w) &&
           cJSON_AddNumberToObject(network, "height", e->net_h) &&
           cJSON_AddNumberToObject(object, "multiply_adds", e->macs) &&
           cJSON_AddNumberToObject(object, "jobs", p->session->jobs) &&
           cJSON_AddNumberToObject(memory, "weights", (double)e->weights_bytes) &&
           cJSON_AddNumberToObject(memory, "network", (double)e->arena_bytes) &&
           cJSON_AddNumberToObject(memory, "picture", (double)e->picture_bytes) &&
           cJSON_AddNumberToObject(memory, "total", (double)cnx_picture_total(p));
}

static cnx_status print_plan(const cnx_picture *p, const cnx_classify_estimate *e, cnx_error *err)
{
    char at_once[48] = "";
    if (p->session->jobs > 1)
        snprintf(at_once, sizeof at_once, "; %d pictures at once", p->session->jobs);
    char *name = printable(p->input->name);
    CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for the report");
    printf("%s: %dx%d, network %dx%d, %s multiply-adds, memory %s (weights %s, network %s, picture "
           "%s%s)\n",
           name, p->width, p->height, e->net_w, e->net_h, cnx_words_si(e->macs).text,
           cnx_words_bytes(cnx_picture_total(p)).text, cnx_words_bytes(e->weights_bytes).text,
           cnx_words_bytes(e->arena_bytes).text, cnx_words_bytes(e->picture_bytes).text, at_once);
    free(name);
    return cnx_console_flush(err);
}

cnx_status cnx_classify_report_plan(const cnx_picture *p, const cnx_classify_estimate *e, bool json,
                                    cnx_error *err)
{
    if (!json)
        return print_plan(p, e, err);
    cJSON *object = cJSON_CreateObject();
    const bool sound = add_picture(object, p) && add_plan(object, p, e);
    return finish(object, sound, err);
}
