#include "tools/bench_report.h"

#include <stdio.h>
#include <string.h>

#include "tools/report.h"
#include "tools/words.h"

const cnx_bench_result *cnx_bench_fastest(const cnx_bench_report *report)
{
    const cnx_bench_result *fastest = &report->results[0];
    for (int i = 1; i < report->count; i++)
        if (report->results[i].network.median < fastest->network.median)
            fastest = &report->results[i];
    return fastest;
}

/* GFLOP/s of the network: two for each multiply-add of the definition, or of those really done; of
 * as many regions as there were. */
static double rate(const cnx_bench_report *report, const cnx_bench_result *result, bool done)
{
    double macs = 0;
    for (int i = 0; i < report->census->count; i++) {
        const cnx_census_row *row = &report->census->rows[i];
        const double share =
            row->plan >= 0 && row->items > 0 ? result->items[row->plan] / row->items : 0;
        macs += share * (done ? row->cost.products : cnx_cost_macs(&row->cost));
    }
    return 2e-9 * macs / result->network.median;
}

/* What a layer took, or less than nothing when it has no time of its own. */
static double layer_seconds(const cnx_bench_result *result, const cnx_census_row *row)
{
    return row->plan == 0 && row->line < result->layer_count ? result->layers[row->line] : -1;
}

/* ---- for people ---- */

static void print_heading(const cnx_bench_report *report)
{
    const cnx_model_choice *m = report->model;
    const cnx_bench_settings *s = report->settings;
    const cnx_kernels *k = cnx_bench_kernels(report->bench);
    char name[sizeof m->name];
    snprintf(name, sizeof name, "%s", m->name);
    cnx_words_printable(name);
    printf("%s, %s, a picture of %d x %d (height x width), %s\n", name,
           cnx_task_name(m->file.description.task), s->h, s->w,
           m->from_checkpoint ? "the file's weights" : "random weights");
    printf("kernels %s, weights %s, loaded in %.2f s; %d run%s to warm up, %d timed\n", k->name,
           cnx_weight_type_name(k->weights), report->load, s->warmup, s->warmup == 1 ? "" : "s",
           s->repeats);
    printf("%.3f G multiply-adds, of which %.3f G are left to do; peak memory foretold %s\n\n",
           cnx_cost_macs(&report->census->total) / 1e9, report->census->total.products / 1e9,
           cnx_words_bytes(report->census->peak_bytes).text);
}

static void print_times(const char *name, const cnx_bench_times *t, double all)
{
    printf("  %-10s %9.2f ms  (%.2f to %.2f, half within %.2f to %.2f) %6.1f %%\n", name,
           1e3 * t->median, 1e3 * t->least, 1e3 * t->most, 1e3 * t->lower, 1e3 * t->upper,
           all > 0 ? 100 * t->median / all : 0);
}

static void print_result(const cnx_bench_report *report, const cnx_bench_result *r)
{
    const double done = rate(report, r, true);
    printf("%d thread%s: %.2f pictures a second\n", r->threads, r->threads == 1 ? "" : "s",
           1 / r->total.median);
    int parts = 0; /* of the network */
    for (int p = 0; cnx_bench_phase(report->bench, p); p++) {
        print_times(cnx_bench_phase(report->bench, p), &r->phases[p], r->total.median);
        parts += cnx_bench_phase_of_network(report->bench, p);
    }
    if (parts > 1)
        print_times("network", &r->network, r->total.median);
    print_times("all", &r->total, r->total.median);
    if (r->items[1] > 0)
        printf("  regions    %.0f proposals, %.0f detections\n", r->items[1], r->items[2]);
    printf("  network    %9.1f GFLOP/s of the definition, %.1f really done: %.0f %% of the peak of "
           "%.1f\n  memory     %s at most so far\n\n",
           rate(report, r, false), done, 100 * done / r->peak_gflops, r->peak_gflops,
           cnx_words_bytes(r->peak_rss).text);
}

static void print_layers(const cnx_bench_report *report)
{
    const cnx_bench_result *r = cnx_bench_fastest(report);
    printf("layers with %d thread%s, mean of the runs\n%-42s %-13s %10s %8s %10s %8s\n", r->threads,
           r->threads == 1 ? "" : "s", "layer", "", "ms", "share", "GFLOP/s", "peak");
    for (int i = 0; i < report->census->count; i++) {
        const cnx_census_row *row = &report->census->rows[i];
        const double seconds = layer_seconds(r, row);
        if (seconds < 0)
            continue;
        printf("%-42s %-13s %10.3f %6.1f %%", row->name, row->op, 1e3 * seconds,
               100 * seconds / r->network.median);
        if (row->cost.products > 0 && seconds > 0)
            printf(" %10.1f %6.0f %%", 2e-9 * row->cost.products / seconds,
                   200e-9 * row->cost.products / seconds / r->peak_gflops);
        putchar('\n');
    }
}

void cnx_bench_text(const cnx_bench_report *report)
{
    print_heading(report);
    for (int i = 0; i < report->count; i++)
        print_result(report, &report->results[i]);
    if (report->per_layer)
        print_layers(report);
}

/* ---- for machines ---- */

static bool add_number(cJSON *object, const char *key, double value)
{
    return cJSON_AddNumberToObject(object, key, value) != NULL;
}

static bool add_result(cJSON *object, const cnx_bench_report *report, const cnx_bench_result *r)
{
    cJSON *phases = cJSON_AddObjectToObject(object, "phases_median_s");
    bool sound = phases != NULL;
    for (int p = 0; sound && cnx_bench_phase(report->bench, p); p++)
        sound = add_number(phases, cnx_bench_phase(report->bench, p), r->phases[p].median);
    return sound && add_number(object, "threads", r->threads) &&
           add_number(object, "network_median_s", r->network.median) &&
           add_number(object, "network_min_s", r->network.least) &&
           add_number(object, "network_max_s", r->network.most) &&
           add_number(object, "network_quartile1_s", r->network.lower) &&
           add_number(object, "network_quartile3_s", r->network.upper) &&
           add_number(object, "total_median_s", r->total.median) &&
           add_number(object, "total_min_s", r->total.least) &&
           add_number(object, "total_max_s", r->total.most) &&
           add_number(object, "pictures_per_s", 1 / r->total.median) &&
           add_number(object, "gflops", rate(report, r, false)) &&
           add_number(object, "gflops_done", rate(report, r, true)) &&
           (r->items[1] <= 0 || (add_number(object, "proposals", r->items[1]) &&
                                 add_number(object, "detections", r->items[2]))) &&
           add_number(object, "peak_gflops", r->peak_gflops) &&
           add_number(object, "peak_rss_bytes", (double)r->peak_rss);
}

static cJSON *append_object(cJSON *list)
{
    cJSON *item = cJSON_CreateObject();
    if (item && list && cJSON_AddItemToArray(list, item))
        return item;
    cJSON_Delete(item);
    return NULL;
}

static bool add_sweep(cJSON *object, const cnx_bench_report *report)
{
    cJSON *list = cJSON_AddArrayToObject(object, "sweep");
    bool sound = list != NULL;
    for (int i = 0; sound && i < report->count; i++) {
        cJSON *item = append_object(list);
        sound = item && add_result(item, report, &report->results[i]);
    }
    return sound;
}

static bool add_layers(cJSON *object, const cnx_bench_report *report)
{
    const cnx_bench_result *r = cnx_bench_fastest(report);
    cJSON *list = cJSON_AddArrayToObject(object, "layers");
    bool sound = list != NULL;
    for (int i = 0; sound && i < report->census->count; i++) {
        const cnx_census_row *row = &report->census->rows[i];
        const double seconds = layer_seconds(r, row);
        if (seconds < 0)
            continue;
        cJSON *item = append_object(list);
        sound = item && cnx_report_text(item, "name", row->name) &&
                cnx_report_text(item, "op", row->op) && add_number(item, "seconds", seconds) &&
                add_number(item, "macs", cnx_cost_macs(&row->cost)) &&
                add_number(item, "macs_left", row->cost.products);
    }
    return sound;
}

static bool add_report(cJSON *object, const cnx_bench_report *report)
{
    const cnx_model_choice *m = report->model;
    const cnx_kernels *k = cnx_bench_kernels(report->bench);
    cJSON *size = cJSON_CreateIntArray((const int[]){report->settings->h, report->settings->w}, 2);
    if (!size || !cJSON_AddItemToObject(object, "size", size)) {
        cJSON_Delete(size);
        return false;
    }
    return cnx_report_text(object, "model", m->name) &&
           cnx_report_text(object, "task", cnx_task_name(m->file.description.task)) &&
           cJSON_AddBoolToObject(object, "random_weights", !m->from_checkpoint) &&
           cnx_report_text(object, "kernels", k->name) &&
           cnx_report_text(object, "weights", cnx_weight_type_name(k->weights)) &&
           add_number(object, "repeats", report->settings->repeats) &&
           add_number(object, "load_s", report->load) &&
           add_number(object, "macs", cnx_cost_macs(&report->census->total)) &&
           add_number(object, "macs_left", report->census->total.products) &&
           add_number(object, "peak_bytes", (double)report->census->peak_bytes) &&
           add_result(object, report, cnx_bench_fastest(report)) && add_sweep(object, report) &&
           (!report->per_layer || add_layers(object, report));
}

cnx_status cnx_bench_json(const cnx_bench_report *report, cnx_error *err)
{
    cJSON *object = cJSON_CreateObject();
    if (object && !add_report(object, report)) {
        cJSON_Delete(object);
        object = NULL;
    }
    return cnx_report_line(object, err);
}
