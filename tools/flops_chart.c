/*
 * Where the work and the memory of a network go, as one SVG picture:
 *
 *   a bar for each part: multiply-adds of the definition, what is left of them, parameters
 *   two strips: all layers in the order in which they run, as wide as their work
 *   a skyline: feature maps and scratch that are in memory while each layer runs
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "tools/flops_report.h"
#include "tools/words.h"

enum {
    WIDTH = 980,
    MARGIN = 30,
    INNER = WIDTH - 2 * MARGIN,
    TOP = 96,         /* of the first panel */
    ROW = 24,         /* of a bar */
    BARS_X = 150,     /* where bars begin */
    BARS_WIDTH = 440, /* of the longest */
    PARAMS_X = 745,
    PARAMS_WIDTH = 120,
    STRIP = 34,
    SKYLINE = 170
};

/* By part, in the order in which they begin: neighbours differ. */
static const char *const colours[] = {"#8d99ae", "#5fa8d3", "#457b9d", "#2a6f97", "#1d4e73",
                                      "#14304a", "#b8c4d0", "#e9b44c", "#7aa95c", "#e07a3f",
                                      "#c8402f", "#8e3b63", "#5b4b8a", "#3d9a8b", "#a3763d"};
enum { COLOURS = sizeof colours / sizeof *colours };

static const char *colour_of(int part)
{
    return colours[part % COLOURS];
}

/* Characters that mean something to XML are replaced, and those that no terminal should see. */
static void put_text(FILE *to, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '&')
            fputs("&amp;", to);
        else if (*p == '<')
            fputs("&lt;", to);
        else if (*p == '>')
            fputs("&gt;", to);
        else
            fputc(*p < 0x20 || *p >= 0x7f ? '?' : *p, to);
    }
}

static void label(FILE *to, double x, double y, const char *class, const char *text)
{
    fprintf(to, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
    put_text(to, text);
    fputs("</text>\n", to);
}

static void box(FILE *to, double x, double y, double w, double h, const char *fill, double opacity,
                const char *title)
{
    fprintf(to,
            "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" "
            "fill-opacity=\"%.2f\">",
            x, y, w, h, fill, opacity);
    if (title) {
        fputs("<title>", to);
        put_text(to, title);
        fputs("</title>", to);
    }
    fputs("</rect>\n", to);
}

/* "154.6 G" */
static cnx_words giga(double value)
{
    cnx_words words;
    const double g = value / 1e9;
    snprintf(words.text, sizeof words.text,
             g < 0.95    ? "%.3f G"
             : g < 99.95 ? "%.2f G"
                         : "%.1f G",
             g);
    return words;
}

/* ---- the heading ---- */

static void put_heading(FILE *to, const cnx_flops_report *report)
{
    const cnx_census *c = report->census;
    enum { LONGEST = 70 }; /* of a name that has room; of a longer one its end is shown */
    char text[320];
    const char *name = report->model->name;
    const size_t length = strlen(name);
    snprintf(text, sizeof text, "%s%s", length > LONGEST ? "..." : "",
             length > LONGEST ? name + length - LONGEST : name);
    label(to, MARGIN, 40, "title", text);
    snprintf(text, sizeof text,
             "input %d x %d, %s parameters, %s multiply-adds, %s FLOPs (%s), peak memory %s", c->h,
             c->w, cnx_words_count(c->all_parameters).text, giga(cnx_cost_macs(&c->total)).text,
             giga(cnx_flops_of(report, &c->total)).text, cnx_convention_names[report->convention],
             cnx_words_bytes(c->peak_bytes).text);
    label(to, MARGIN, 62, "note", text);
}

/* ---- bars ---- */

static void put_bar(FILE *to, const cnx_flops_report *report, int index, double y, double most_macs,
                    double most_parameters)
{
    const cnx_census *c = report->census;
    const cnx_census_part *part = &c->parts[index];
    const double macs = cnx_cost_macs(&part->cost);
    const double all = cnx_cost_macs(&c->total);
    const double wide = macs / most_macs * BARS_WIDTH;
    const double left = part->cost.products / most_macs * BARS_WIDTH;
    char text[128];
    label(to, BARS_X - 8, y + 16, "end", part->name);
    box(to, BARS_X, y + 4, wide, ROW - 8, colour_of(index), 0.35, NULL);
    box(to, BARS_X, y + 4, left, ROW - 8, colour_of(index), 1, NULL);
    snprintf(text, sizeof text, "%s, %.1f %%", giga(macs).text, all > 0 ? 100 * macs / all : 0);
    label(to, BARS_X + wide + 6, y + 16, "note", macs > 0 ? text : "none");
    box(to, PARAMS_X, y + 4, (double)part->parameters / most_parameters * PARAMS_WIDTH, ROW - 8,
        colour_of(index), 1, NULL);
    snprintf(text, sizeof text, part->parameters ? "%.2f M" : "none",
             (double)part->parameters / 1e6);
    label(to, PARAMS_X + PARAMS_WIDTH * ((double)part->parameters / most_parameters) + 6, y + 16,
          "note", text);
}

static double put_bars(FILE *to, const cnx_flops_report *report, double y)
{
    const cnx_census *c = report->census;
    double macs = 1, parameters = 1;
    for (int i = 0; i < c->part_count; i++) {
        macs = fmax(macs, cnx_cost_macs(&c->parts[i].cost));
        parameters = fmax(parameters, (double)c->parts[i].parameters);
    }
    label(to, BARS_X, y, "head", "multiply-adds: light of the definition, dark left to do");
    label(to, PARAMS_X, y, "head", "parameters");
    y += 8;
    for (int i = 0; i < c->part_count; i++, y += ROW)
        put_bar(to, report, i, y, macs, parameters);
    return y;
}

/* ---- strips ---- */

static double work_of(const cnx_cost *cost, bool left)
{
    return left ? cost->products : cnx_cost_macs(cost);
}

static void put_layer(FILE *to, const cnx_census_row *row, bool left, double x, double y,
                      double wide)
{
    char text[192];
    snprintf(text, sizeof text, "%s: %s", row->name, giga(work_of(&row->cost, left)).text);
    box(to, x, y, fmax(wide - 0.3, 0.2), STRIP, colour_of(row->part), 1, text);
}

/* The part's name over its layers that lie side by side, where there is room for it. */
static void put_name(FILE *to, const cnx_census *c, int part, double x, double end, double y)
{
    const char *name = c->parts[part].name;
    if (end - x > 6.6 * (double)strlen(name) + 8)
        label(to, (x + end) / 2, y + STRIP / 2.0 + 4, "inside", name);
}

static double put_strip(FILE *to, const cnx_census *c, bool left, double y)
{
    char text[128];
    const double all = work_of(&c->total, left);
    snprintf(text, sizeof text,
             "layer by layer, in the order in which they run: %s multiply-adds %s", giga(all).text,
             left ? "left to do" : "of the definition");
    label(to, MARGIN, y, "head", text);
    y += 8;
    double x = MARGIN, start = MARGIN;
    int part = -1;
    for (int i = 0; i < c->count && all > 0; i++) {
        const double wide = work_of(&c->rows[i].cost, left) / all * INNER;
        if (wide <= 0)
            continue;
        if (part >= 0 && c->rows[i].part != part)
            put_name(to, c, part, start, x, y);
        if (c->rows[i].part != part)
            start = x;
        part = c->rows[i].part;
        put_layer(to, &c->rows[i], left, x, y, wide);
        x += wide;
    }
    if (part >= 0)
        put_name(to, c, part, start, x, y);
    return y + STRIP;
}

/* ---- the skyline ---- */

/* A round step that divides the height into a few lines. */
static double grid_step(double most)
{
    double step = pow(10, floor(log10(most)));
    if (most / step < 2)
        step /= 5;
    else if (most / step < 5)
        step /= 2;
    return step;
}

/* Lines, or in front of the columns what they mean. */
static void put_grid(FILE *to, double most, double y, bool words)
{
    char text[64];
    const double step = grid_step(most);
    for (double v = step; v <= most; v += step) {
        const double at = y + SKYLINE * (1 - v / most);
        snprintf(text, sizeof text, "%g MiB", v);
        if (words)
            label(to, MARGIN + 2, at - 3, "small", text);
        else
            fprintf(to, "<path d=\"M%d %.1fH%d\" class=\"grid\"/>\n", MARGIN, at, WIDTH - MARGIN);
    }
}

static double put_skyline(FILE *to, const cnx_census *c, double y)
{
    int layers = 0;
    size_t most = 1;
    char text[192];
    for (int i = 0; i < c->count; i++) {
        layers += c->rows[i].live_bytes > 0;
        most = c->rows[i].live_bytes > most ? c->rows[i].live_bytes : most;
    }
    if (layers == 0)
        return y;
    snprintf(text, sizeof text,
             "feature maps and scratch in memory while each layer runs: at most %s; weights take "
             "%s",
             cnx_words_bytes(most).text, cnx_words_bytes(c->total.weight_bytes).text);
    label(to, MARGIN, y, "head", text);
    y += 14;
    const double wide = (double)INNER / layers, mib = (double)most / 1048576 * 1.08;
    put_grid(to, mib, y, false);
    double x = MARGIN;
    for (int i = 0; i < c->count; i++) {
        const cnx_census_row *row = &c->rows[i];
        const double high = (double)row->live_bytes / 1048576 / mib * SKYLINE;
        if (row->live_bytes == 0)
            continue;
        snprintf(text, sizeof text, "%s: %s", row->name, cnx_words_bytes(row->live_bytes).text);
        box(to, x, y + SKYLINE - high, fmax(wide - 0.4, 0.4), high, colour_of(row->part), 1, text);
        x += wide;
    }
    put_grid(to, mib, y, true);
    return y + SKYLINE;
}

/* ---- the whole ---- */

static const char style[] =
    "<style>\n"
    "text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px;fill:#22303c}\n"
    ".title{font-size:21px;font-weight:bold}.head{font-size:13px;font-weight:bold}\n"
    ".note{fill:#55636f}.end{text-anchor:end}\n"
    ".small{font-size:10px;fill:#3d4954;stroke:#fff;stroke-width:3;paint-order:stroke}\n"
    ".inside{fill:#fff;text-anchor:middle;stroke:#0004;stroke-width:2;paint-order:stroke}\n"
    ".grid{stroke:#d5dce2;stroke-width:1;fill:none}\n"
    "</style>\n";

void cnx_flops_chart(FILE *to, const cnx_flops_report *report)
{
    const cnx_census *c = report->census;
    const int height = TOP + 8 + ROW * c->part_count + 2 * (STRIP + 42) + SKYLINE + 90;
    fprintf(to,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\">\n%s<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, height, WIDTH, height, style);
    put_heading(to, report);
    double y = put_bars(to, report, TOP);
    y = put_strip(to, c, false, y + 34);
    y = put_strip(to, c, true, y + 34);
    put_skyline(to, c, y + 34);
    fputs("</svg>\n", to);
}
