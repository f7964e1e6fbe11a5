/* What a network costs, for people and as CSV. */
#include <math.h>

#include "tools/flops_report.h"
#include "tools/words.h"

const char *const cnx_convention_names[] = {"macs", "mmcv", "fvcore", "exact", NULL};

#define MMCV_WORDS                                                                                 \
    "as OpenMMLab counts: a multiply-add is one; biases of convolutions, BatchNorm, ReLU and "     \
    "pooling count"

static const char *const convention_words[] = {
    "multiply-adds of convolutions and linear layers, each as one",
    MMCV_WORDS,
    "as fvcore counts: a multiply-add is one; norms, resizes and pooling count",
    "every operation of the definition counts; a multiply-add is two",
};

double cnx_flops_of(const cnx_flops_report *report, const cnx_cost *cost)
{
    return cnx_census_flops(&report->model->file.description, cost, report->convention);
}

/* The unit of a report: networks below 10 G are told in M. */
static bool is_small(const cnx_flops_report *report)
{
    return cnx_cost_macs(&report->census->total) < 1e10;
}

static double scaled(const cnx_flops_report *report, double value)
{
    return value / (is_small(report) ? 1e6 : 1e9);
}

static double mebi(double values)
{
    return values * sizeof(float) / 1048576;
}

static double share(const cnx_flops_report *report, const cnx_cost *cost)
{
    const double all = cnx_flops_of(report, &report->census->total);
    return all > 0 ? 100 * cnx_flops_of(report, cost) / all : 0;
}

/* ---- tables ---- */

static void print_costs(const cnx_flops_report *report, size_t parameters, const cnx_cost *cost)
{
    printf(" %13s %11.3f %11.3f %6.1f %% %11.3f %10.1f\n", cnx_words_count(parameters).text,
           scaled(report, cnx_cost_macs(cost)), scaled(report, cnx_flops_of(report, cost)),
           share(report, cost), scaled(report, cost->products), mebi(cost->activated));
}

static void print_heading(const cnx_flops_report *report, const char *first, int width)
{
    const char *unit = is_small(report) ? "M" : "G";
    printf("%-*s %13s %6s MACs %5s FLOPs %8s %6s left %10s\n", width, first, "parameters", unit,
           unit, "share", unit, "MiB maps");
}

static void print_parts(const cnx_flops_report *report)
{
    enum { WIDTH = 18 };
    const cnx_census *c = report->census;
    print_heading(report, "part", WIDTH);
    for (int i = 0; i < c->part_count; i++) {
        printf("%-*s", WIDTH, c->parts[i].name);
        print_costs(report, c->parts[i].parameters, &c->parts[i].cost);
    }
    printf("%-*s", WIDTH, "all");
    print_costs(report, c->all_parameters, &c->total);
}

static void print_layers(const cnx_flops_report *report)
{
    enum { WIDTH = 68 };
    const cnx_census *c = report->census;
    char shape[48];
    print_heading(report, "layer", WIDTH);
    for (int i = 0; i < c->count; i++) {
        const cnx_census_row *row = &c->rows[i];
        snprintf(shape, sizeof shape, "%dx%dx%d", row->h, row->w, row->c);
        printf("%-38s %-13s %-15s", row->name, row->op, row->h ? shape : "-");
        print_costs(report, row->parameters, &row->cost);
    }
    putchar('\n');
}

/* ---- the whole ---- */

static void print_published(const cnx_flops_report *report)
{
    const cnx_published *p = &report->model->published;
    if (!*p->params && !*p->flops)
        return;
    printf("%-12s", "published");
    printf("%s%s%s%s", *p->params ? p->params : "", *p->params ? " parameters" : "",
           *p->params && *p->flops ? ", " : "", *p->flops ? p->flops : "");
    if (*p->flops)
        printf(" FLOPs at %d x %d", p->h, p->w);
    putchar('\n');
}

static void print_totals(const cnx_flops_report *report)
{
    const cnx_census *c = report->census;
    printf("\n%-12s%s", "parameters", cnx_words_count(c->all_parameters).text);
    if (c->all_parameters != c->parameters)
        printf(" (%s without the auxiliary head, which is not run)",
               cnx_words_count(c->parameters).text);
    const char *unit = is_small(report) ? "M" : "G";
    printf("\n%-12s%.3f %s multiply-adds, of which %.3f %s are left to do%s\n", "MACs",
           scaled(report, cnx_cost_macs(&c->total)), unit, scaled(report, c->total.products), unit,
           c->total.products < cnx_cost_macs(&c->total) ? " (Winograd, fusion)" : "");
    printf("%-12s%.3f %s (%s: %s)\n", "FLOPs", scaled(report, cnx_flops_of(report, &c->total)),
           unit, cnx_convention_names[report->convention], convention_words[report->convention]);
    printf("%-12s%s written by all layers, at most %s at a time with scratch\n", "activations",
           cnx_words_bytes((size_t)(c->total.activated * sizeof(float))).text,
           cnx_words_bytes(c->arena_bytes).text);
    printf("%-12s%s: weights %s, feature maps and scratch %s, picture and results %s\n",
           "peak memory", cnx_words_bytes(c->peak_bytes).text,
           cnx_words_bytes(c->total.weight_bytes).text, cnx_words_bytes(c->arena_bytes).text,
           cnx_words_bytes(c->picture_bytes).text);
    print_published(report);
}

void cnx_flops_text(const cnx_flops_report *report)
{
    const cnx_model_choice *m = report->model;
    char name[sizeof m->name];
    snprintf(name, sizeof name, "%s", m->name);
    cnx_words_printable(name);
    printf("%s, %s, input %d x %d (height x width)\n\n", name,
           cnx_task_name(m->file.description.task), report->census->h, report->census->w);
    if (report->per_layer)
        print_layers(report);
    print_parts(report);
    print_totals(report);
}

/* ---- CSV ---- */

static void csv_costs(const cnx_flops_report *report, size_t parameters, const cnx_cost *cost)
{
    printf("%zu,%.0f,%.0f,%.0f,%.0f,%zu\n", parameters, cnx_cost_macs(cost),
           cnx_flops_of(report, cost), cost->products, cost->activated * sizeof(float),
           cost->weight_bytes);
}

void cnx_flops_csv(const cnx_flops_report *report)
{
    const cnx_census *c = report->census;
    printf("%s,parameters,macs,flops,macs_left,activations_bytes,weights_bytes\n",
           report->per_layer ? "layer,part,op,height,width,channels,items" : "part");
    for (int i = 0; report->per_layer && i < c->count; i++) {
        const cnx_census_row *row = &c->rows[i];
        printf("%s,%s,%s,%d,%d,%d,%d,", row->name, c->parts[row->part].name, row->op, row->h,
               row->w, row->c, row->items);
        csv_costs(report, row->parameters, &row->cost);
    }
    for (int i = 0; !report->per_layer && i < c->part_count; i++) {
        printf("%s,", c->parts[i].name);
        csv_costs(report, c->parts[i].parameters, &c->parts[i].cost);
    }
}
