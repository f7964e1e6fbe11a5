#include "eval/semantic_report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/csv.h"
#include "core/json.h"

/* ---- JSON ---- */

static void put_member(FILE *to, const char *prefix, const char *name, double value)
{
    fprintf(to, "\"%s%s\":", prefix, name);
    cnx_json_put_number(to, value);
}

static void put_class(FILE *to, const cnx_semantic_report *report, int index)
{
    double scores[CNX_SCORE_COUNT];
    cnx_semantic_class_scores(scores, report->counts, index, &report->options);
    fprintf(to, "%s{\"name\":", index ? "," : "");
    cnx_json_put_string(to, report->names[index]);
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        putc(',', to);
        put_member(to, "", cnx_semantic_score_names[s], scores[s]);
    }
    putc('}', to);
}

void cnx_semantic_write_members(FILE *to, const cnx_semantic_report *report)
{
    cnx_semantic_summary summary;
    cnx_semantic_summarise(&summary, report->counts, &report->options);
    put_member(to, "a", "Acc", summary.accuracy);
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        putc(',', to);
        put_member(to, "m", cnx_semantic_score_names[s], summary.mean[s]);
    }
    fputs(",\"classes\":[", to);
    for (int c = 0; c < report->counts->classes; c++)
        put_class(to, report, c);
    putc(']', to);
}

void cnx_semantic_write_picture(FILE *to, const char *name, int64_t pixels,
                                const cnx_semantic_summary *summary)
{
    fputs("{\"name\":", to);
    cnx_json_put_string(to, name);
    fprintf(to, ",\"pixels\":%" PRId64 ",", pixels);
    put_member(to, "a", "Acc", summary->accuracy);
    putc(',', to);
    put_member(to, "m", "IoU", summary->mean[CNX_SCORE_IOU]);
    putc('}', to);
}

/* ---- CSV (RFC 4180) ---- */

static void put_value(FILE *to, double value)
{
    if (isnan(value))
        fputs(",nan", to);
    else
        fprintf(to, ",%.17g", value);
}

static void put_scores(FILE *to, const double scores[CNX_SCORE_COUNT])
{
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        put_value(to, scores[s]);
}

static void put_pixels(FILE *to, int64_t intersect, int64_t predicted, int64_t labelled)
{
    fprintf(to, ",%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64 "\n", intersect,
            predicted + labelled - intersect, predicted, labelled);
}

void cnx_semantic_write_csv(FILE *to, const cnx_semantic_report *report)
{
    const cnx_semantic_counts *counts = report->counts;
    int64_t intersect = 0, predicted = 0, labelled = 0;
    double scores[CNX_SCORE_COUNT];
    fputs("index,class", to);
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        fprintf(to, ",%s", cnx_semantic_score_names[s]);
    fputs(",intersect,union,predicted,labelled\n", to);
    for (int c = 0; c < counts->classes; c++) {
        cnx_semantic_class_scores(scores, counts, c, &report->options);
        fprintf(to, "%d,", c);
        cnx_csv_put(to, report->names[c]);
        put_scores(to, scores);
        put_pixels(to, counts->intersect[c], counts->predicted[c], counts->labelled[c]);
        intersect += counts->intersect[c];
        predicted += counts->predicted[c];
        labelled += counts->labelled[c];
    }
    cnx_semantic_summary summary;
    cnx_semantic_summarise(&summary, counts, &report->options);
    fputs(",(mean)", to);
    put_scores(to, summary.mean);
    fputs(",,,,\n,(all pixels),", to); /* aAcc stands in the column of Acc */
    put_value(to, summary.accuracy);
    fputs(",,,,", to);
    put_pixels(to, intersect, predicted, labelled);
}

void cnx_semantic_write_pictures_csv_header(FILE *to)
{
    fputs("picture,pixels,aAcc", to);
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        fprintf(to, ",m%s", cnx_semantic_score_names[s]);
    putc('\n', to);
}

void cnx_semantic_write_picture_csv(FILE *to, const char *name, int64_t pixels,
                                    const cnx_semantic_summary *summary)
{
    cnx_csv_put(to, name);
    fprintf(to, ",%" PRId64, pixels);
    put_value(to, summary->accuracy);
    put_scores(to, summary->mean);
    putc('\n', to);
}
