#include "tools/classify_report.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/csv.h"
#include "tools/classify_args.h"
#include "tools/console.h"
#include "tools/report.h"
#include "tools/words.h"

cnx_status cnx_classify_report_text(const cnx_picture *p, const cnx_classified *c, cnx_error *err)
{
    char *name = cnx_words_shown(p->input->name);
    CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for the report");
    printf("%s\n", name);
    free(name);
    for (int i = 0; i < c->count; i++) {
        name = cnx_words_shown(c->description->class_names[c->top[i]]);
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

static bool add_times(cJSON *object, const cnx_picture *p, const cnx_classify_stats *stats)
{
    cJSON *ms = cJSON_AddObjectToObject(object, "milliseconds");
    return ms && cnx_report_ms(ms, "decode", p->decode_seconds) &&
           cnx_report_ms(ms, "prepare", stats->prepare) &&
           cnx_report_ms(ms, "network", stats->network) &&
           cnx_report_ms(ms, "write", p->write_seconds);
}

static bool add_outputs(cJSON *object, const cnx_classified *c)
{
    cJSON *list = cJSON_AddArrayToObject(object, "outputs");
    bool sound = list != NULL;
    for (int kind = 0; sound && kind < CNX_CLASS_SAVES; kind++)
        sound = !c->outputs[kind] || cnx_report_append(list, c->outputs[kind]);
    return sound;
}

cnx_status cnx_classify_report_json(const cnx_picture *p, const cnx_classified *c, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    const bool sound = cnx_report_picture(object, p->input->name, p->width, p->height) &&
                       add_top(object, c) && add_times(object, p, c->stats) &&
                       add_outputs(object, c);
    return cnx_report_finish(object, sound, err);
}
