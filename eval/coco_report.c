#include "eval/coco_report.h"

#include <string.h>

#include "core/json.h"
#include "core/npy.h"
#include "core/utf8.h"

/* The category's name, or its number where it has none; agnostic: "all". */
static const char *name_of(char *buffer, size_t size, const cnx_coco_scores *s, int category,
                           int64_t *id)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(s->scorer);
    const cnx_coco_truth *t = cnx_coco_scorer_truth(s->scorer);
    *id = -1;
    if (p->agnostic)
        return "all";
    *id = p->category_ids[category];
    const char *name = t->categories[cnx_coco_find_category(t, *id)].name;
    if (!name)
        snprintf(buffer, size, "%lld", (long long)*id);
    return name ? name : buffer;
}

/* ---- text ---- */

/* The twelve by place. */
enum { AP, AP50, AP75, AP_SMALL, AP_MEDIUM, AP_LARGE, AR_LAST = 8 };
static const int columns[] = {AP, AP50, AP75, AP_SMALL, AP_MEDIUM, AP_LARGE, AR_LAST};
enum { COLUMNS = sizeof columns / sizeof *columns };

static void write_value(FILE *to, double value)
{
    if (value < 0)
        fprintf(to, "  %6s", "-");
    else
        fprintf(to, "  %6.3f", value);
}

static void write_table(FILE *to, const cnx_coco_scores *s)
{
    char buffer[32];
    int64_t id;
    int width = 8;
    for (int k = 0; k < s->categories; k++) {
        const int columns_needed = cnx_utf8_columns(name_of(buffer, sizeof buffer, s, k, &id));
        width = columns_needed > width ? columns_needed : width;
    }
    fprintf(to, "%-*s", width, "category");
    for (int c = 0; c < COLUMNS; c++)
        fprintf(to, "  %6s", columns[c] == AR_LAST ? "AR" : cnx_coco_stats[columns[c]].key);
    fprintf(to, "  %8s\n", "truths");
    for (int k = 0; k < s->categories; k++) {
        double stats[CNX_COCO_STATS];
        const char *name = name_of(buffer, sizeof buffer, s, k, &id);
        cnx_coco_summary(stats, s, k);
        fprintf(to, "%s%*s", name, width - cnx_utf8_columns(name), "");
        for (int c = 0; c < COLUMNS; c++)
            write_value(to, stats[columns[c]]);
        fprintf(to, "  %8lld\n", (long long)s->truths[(size_t)k * (size_t)s->ranges]);
    }
}

/* The same for each range of area, where they are not pycocotools' own. */
static void write_ranges(FILE *to, const cnx_coco_scores *s)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(s->scorer);
    fprintf(to, "\n%-16s  %6s  %6s\n", "area", "AP", "AR");
    for (int r = 0; r < s->ranges; r++) {
        fprintf(to, "%-16s", p->ranges[r].name);
        write_value(to, cnx_coco_mean(s, false, -1, -1, r, s->max_dets - 1));
        write_value(to, cnx_coco_mean(s, true, -1, -1, r, s->max_dets - 1));
        putc('\n', to);
    }
}

static bool has_own_ranges(const cnx_coco_scores *s)
{
    static const char *const usual[] = {"all", "small", "medium", "large"};
    const cnx_coco_params *p = cnx_coco_scorer_params(s->scorer);
    bool own = s->ranges != 4;
    for (int r = 0; r < s->ranges && !own; r++)
        own = strcmp(p->ranges[r].name, usual[r]) != 0;
    return own;
}

void cnx_coco_write_text(FILE *to, const cnx_coco_scores *scores, cnx_coco_kind kind)
{
    double stats[CNX_COCO_STATS];
    char line[160];
    fprintf(to, "%s:\n\n", cnx_coco_kind_names[kind]);
    write_table(to, scores);
    if (has_own_ranges(scores))
        write_ranges(to, scores);
    putc('\n', to);
    cnx_coco_summary(stats, scores, -1);
    for (int i = 0; i < CNX_COCO_STATS; i++) {
        cnx_coco_stat_line(line, sizeof line, scores, i, stats[i]);
        fprintf(to, "%s\n", line);
    }
}

/* ---- JSON ---- */

static void write_stats(FILE *to, const double stats[CNX_COCO_STATS])
{
    fputs("\"stats\":[", to);
    for (int i = 0; i < CNX_COCO_STATS; i++)
        fprintf(to, "%s%.17g", i > 0 ? "," : "", stats[i]);
    putc(']', to);
}

static void write_class(FILE *to, const cnx_coco_scores *s, int k)
{
    char buffer[32];
    double stats[CNX_COCO_STATS];
    int64_t id;
    const char *name = name_of(buffer, sizeof buffer, s, k, &id);
    cnx_coco_summary(stats, s, k);
    fprintf(to, "{\"id\":%lld,\"name\":", (long long)id);
    cnx_json_put_string(to, name);
    fprintf(to, ",\"truths\":%lld,\"results\":%lld,\"AP\":%.17g,",
            (long long)s->truths[(size_t)k * (size_t)s->ranges], (long long)s->results[k],
            stats[AP]);
    write_stats(to, stats);
    putc('}', to);
}

void cnx_coco_write_members(FILE *to, const cnx_coco_scores *s)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(s->scorer);
    double stats[CNX_COCO_STATS];
    cnx_coco_summary(stats, s, -1);
    write_stats(to, stats);
    fputs(",\"areas\":[", to);
    for (int r = 0; r < s->ranges; r++) {
        fprintf(to, "%s{\"name\":", r > 0 ? "," : "");
        cnx_json_put_string(to, p->ranges[r].name);
        fprintf(to, ",\"low\":%.17g,\"high\":%.17g,\"AP\":%.17g,\"AR\":%.17g}", p->ranges[r].low,
                p->ranges[r].high, cnx_coco_mean(s, false, -1, -1, r, s->max_dets - 1),
                cnx_coco_mean(s, true, -1, -1, r, s->max_dets - 1));
    }
    fputs("],\"classes\":[", to);
    for (int k = 0; k < s->categories; k++) {
        if (k > 0)
            putc(',', to);
        write_class(to, s, k);
    }
    putc(']', to);
}

void cnx_coco_write_params(FILE *to, const cnx_coco_scorer *scorer)
{
    const cnx_coco_params *p = cnx_coco_scorer_params(scorer);
    fputs("\"iou_thrs\":[", to);
    for (int i = 0; i < p->threshold_count; i++)
        fprintf(to, "%s%.17g", i > 0 ? "," : "", p->thresholds[i]);
    fputs("],\"max_dets\":[", to);
    for (int i = 0; i < p->max_det_count; i++)
        fprintf(to, "%s%d", i > 0 ? "," : "", p->max_dets[i]);
    fprintf(to, "],\"agnostic\":%s,\"images\":%zu,\"categories\":%zu,\"results\":%llu",
            p->agnostic ? "true" : "false", p->image_id_count, p->category_id_count,
            (unsigned long long)cnx_coco_scorer_arrivals(scorer).results);
}

/* ---- CSV ---- */

void cnx_coco_write_csv_header(FILE *to)
{
    fputs("kind,id,name", to);
    for (int i = 0; i < CNX_COCO_STATS; i++)
        fprintf(to, ",%s", cnx_coco_stats[i].key);
    fputs(",truths,results\n", to);
}

/* In quotes where it must be. */
static void write_field(FILE *to, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, to);
        return;
    }
    putc('"', to);
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            putc('"', to);
        putc(*c, to);
    }
    putc('"', to);
}

static void write_row_end(FILE *to, const double stats[CNX_COCO_STATS], int64_t truths,
                          int64_t results)
{
    for (int i = 0; i < CNX_COCO_STATS; i++)
        fprintf(to, ",%.17g", stats[i]);
    fprintf(to, ",%lld,%lld\n", (long long)truths, (long long)results);
}

void cnx_coco_write_csv(FILE *to, const cnx_coco_scores *s, cnx_coco_kind kind)
{
    char buffer[32];
    double stats[CNX_COCO_STATS];
    int64_t id, truths = 0, results = 0;
    for (int k = 0; k < s->categories; k++) {
        truths += s->truths[(size_t)k * (size_t)s->ranges];
        results += s->results[k];
    }
    cnx_coco_summary(stats, s, -1);
    fprintf(to, "%s,,all", cnx_coco_kind_names[kind]);
    write_row_end(to, stats, truths, results);
    for (int k = 0; k < s->categories && !cnx_coco_scorer_params(s->scorer)->agnostic; k++) {
        const char *name = name_of(buffer, sizeof buffer, s, k, &id);
        cnx_coco_summary(stats, s, k);
        fprintf(to, "%s,%lld,", cnx_coco_kind_names[kind], (long long)id);
        write_field(to, name);
        write_row_end(to, stats, s->truths[(size_t)k * (size_t)s->ranges], s->results[k]);
    }
}

/* ---- arrays ---- */

const char *const cnx_coco_array_names[CNX_COCO_ARRAYS] = {"_precision.npy", "_scores.npy",
                                                           "_recall.npy"};

cnx_status cnx_coco_write_array(const char *path, const cnx_coco_scores *s, int array,
                                cnx_error *err)
{
    const bool recall = array == 2;
    const double *data = recall ? s->recall : array == 1 ? s->confidence : s->precision;
    const size_t t = (size_t)s->thresholds, k = (size_t)s->categories, a = (size_t)s->ranges,
                 m = (size_t)s->max_dets;
    const size_t of_precision[] = {t, (size_t)s->recalls, k, a, m}, of_recall[] = {t, k, a, m};
    size_t elements = t * k * a * m * (recall ? 1 : (size_t)s->recalls), offset;
    cnx_output out = {0};
    cnx_status status = CNX_OK;
    CNX_TRY(cnx_output_open(&out, path, err));
    CNX_CHECK(cnx_npy_begin(&out, CNX_NPY_F64, recall ? 4 : 5, recall ? of_recall : of_precision,
                            &offset, err));
    CNX_CHECK(cnx_output_write_at(&out, data, elements * sizeof *data, offset, err));
    status = cnx_output_commit(&out, err);
cleanup:
    cnx_output_abort(&out);
    return status;
}
