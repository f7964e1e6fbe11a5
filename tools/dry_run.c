#include "tools/dry_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/console.h"
#include "tools/report.h"
#include "tools/words.h"

static bool add_memory(cJSON *object, const cnx_picture *p, unsigned tell)
{
    const cnx_estimate *e = &p->need;
    cJSON *memory = cJSON_AddObjectToObject(object, "memory");
    return memory && cJSON_AddNumberToObject(memory, "weights", (double)e->weights_bytes) &&
           cJSON_AddNumberToObject(memory, "network", (double)e->arena_bytes) &&
           cJSON_AddNumberToObject(memory, "picture", (double)e->picture_bytes) &&
           cJSON_AddNumberToObject(memory, "total", (double)cnx_picture_total(p)) &&
           (!(tell & CNX_TELL_SAVINGS) ||
            (cJSON_AddNumberToObject(memory, "direct_convolutions", e->direct) &&
             cJSON_AddBoolToObject(memory, "small_tiles", e->small_tiles)));
}

static bool add_plan(cJSON *object, const cnx_picture *p, unsigned tell)
{
    const cnx_estimate *e = &p->need;
    cJSON *network = cJSON_AddObjectToObject(object, "network");
    return network && cJSON_AddNumberToObject(network, "width", e->net_w) &&
           cJSON_AddNumberToObject(network, "height", e->net_h) && add_memory(object, p, tell) &&
           (!(tell & CNX_TELL_PASSES) || cJSON_AddNumberToObject(object, "passes", e->passes)) &&
           (!(tell & CNX_TELL_WINDOWS) || cJSON_AddNumberToObject(object, "windows", e->windows)) &&
           cJSON_AddNumberToObject(object, "multiply_adds", e->macs) &&
           cJSON_AddNumberToObject(object, "jobs", p->session->jobs);
}

static void print_savings(const cnx_estimate *e)
{
    if (e->direct || e->small_tiles)
        printf("; saved by ");
    if (e->direct)
        printf("%d convolution%s without Winograd", e->direct, e->direct == 1 ? "" : "s");
    if (e->small_tiles)
        printf("%ssmall tiles", e->direct ? ", " : "");
}

static cnx_status print_plan(const cnx_picture *p, unsigned tell, cnx_error *err)
{
    const cnx_estimate *e = &p->need;
    char *name = cnx_words_shown(p->input->name);
    CNX_FAIL_IF(!name, CNX_ERR_MEMORY, "not enough memory for the report");
    printf("%s: %dx%d, network %dx%d, ", name, p->width, p->height, e->net_w, e->net_h);
    free(name);
    if (tell & CNX_TELL_PASSES)
        printf("%d pass%s, ", e->passes, e->passes == 1 ? "" : "es");
    if (tell & CNX_TELL_WINDOWS)
        printf("%d window%s, ", e->windows, e->windows == 1 ? "" : "s");
    printf("%s%s multiply-adds, memory %s (weights %s, network %s, picture %s",
           tell & CNX_TELL_AT_MOST ? "at most " : "", cnx_words_si(e->macs).text,
           cnx_words_bytes(cnx_picture_total(p)).text, cnx_words_bytes(e->weights_bytes).text,
           cnx_words_bytes(e->arena_bytes).text, cnx_words_bytes(e->picture_bytes).text);
    if (tell & CNX_TELL_SAVINGS)
        print_savings(e);
    if (p->session->jobs > 1)
        printf("; %d pictures at once", p->session->jobs);
    printf(")\n");
    return cnx_console_flush(err);
}

cnx_status cnx_dry_run_tell(const cnx_picture *p, unsigned tell, cnx_error *err)
{
    if (!p->session->args->json.given)
        return print_plan(p, tell, err);
    cJSON *object = cJSON_CreateObject();
    const bool sound = cnx_report_picture(object, p->input->name, p->width, p->height) &&
                       add_plan(object, p, tell);
    return cnx_report_finish(object, sound, err);
}
