/* The tables that mmsegmentation logs: cells centred, one blank at either side. */
#include <math.h>
#include <string.h>

#include "core/utf8.h"
#include "eval/semantic_report.h"

enum { MAX_COLUMNS = CNX_SCORE_COUNT + 1, CELL = 32 };

const char *const cnx_semantic_metric_names[CNX_METRIC_COUNT + 1] = {
    "mIoU", "mDice", "mFscore", "mPrecision", "mRecall", NULL};

/* The columns that each metric brings. */
static const unsigned metric_columns[CNX_METRIC_COUNT] = {
    [CNX_METRIC_IOU] = 1u << CNX_SCORE_IOU | 1u << CNX_SCORE_ACC,
    [CNX_METRIC_DICE] = 1u << CNX_SCORE_DICE | 1u << CNX_SCORE_ACC,
    [CNX_METRIC_FSCORE] =
        1u << CNX_SCORE_FSCORE | 1u << CNX_SCORE_PRECISION | 1u << CNX_SCORE_RECALL,
    [CNX_METRIC_PRECISION] = 1u << CNX_SCORE_PRECISION,
    [CNX_METRIC_RECALL] = 1u << CNX_SCORE_RECALL,
};

static unsigned columns_of(unsigned metrics)
{
    unsigned columns = 0;
    for (int m = 0; m < CNX_METRIC_COUNT; m++)
        if (metrics >> m & 1)
            columns |= metric_columns[m];
    return columns;
}

/* A row's first cell is text of any length, the others are short. */
typedef struct table {
    FILE *to;
    int columns;
    int widths[MAX_COLUMNS];
} table;

static void widen(table *t, int column, const char *text)
{
    const int width = cnx_utf8_columns(text);
    if (width > t->widths[column])
        t->widths[column] = width;
}

static void rule(const table *t)
{
    for (int c = 0; c < t->columns; c++) {
        putc('+', t->to);
        for (int i = 0; i < t->widths[c] + 2; i++)
            putc('-', t->to);
    }
    fputs("+\n", t->to);
}

/* An odd blank goes to the right of a text of odd width, to the left of another. */
static void cell(const table *t, int column, const char *text)
{
    const int width = cnx_utf8_columns(text), free = t->widths[column] - width;
    const int left = free / 2 + (free % 2 && width % 2 == 0);
    fprintf(t->to, "| %*s%s%*s ", left, "", text, free - left, "");
}

static void end_row(const table *t)
{
    fputs("|\n", t->to);
}

static void percent(char out[CELL], double score)
{
    /* As numpy's round does: to the nearest hundredth, half to even. */
    if (isnan(score))
        strcpy(out, "nan");
    else
        snprintf(out, CELL, "%.2f", rint(score * 100 * 100) / 100);
}

/* One row of scores: measured when out is false, written when it is true. */
static void scores_row(table *t, const char *first, const double *scores, unsigned columns,
                       bool out)
{
    int column = 0;
    char text[CELL];
    for (int s = -1; s < CNX_SCORE_COUNT; s++) {
        if (s >= 0 && !(columns >> s & 1))
            continue;
        if (s >= 0)
            percent(text, scores[s]);
        if (out)
            cell(t, column, s < 0 ? first : text);
        else
            widen(t, column, s < 0 ? first : text);
        column++;
    }
    t->columns = column;
    if (out)
        end_row(t);
}

static void header_row(table *t, const char *first, const char *prefix, unsigned columns, bool out)
{
    int column = 0;
    char text[CELL];
    for (int s = -1; s < CNX_SCORE_COUNT; s++) {
        if (s >= 0 && !(columns >> s & 1))
            continue;
        snprintf(text, sizeof text, "%s%s", s < 0 ? "" : prefix,
                 s < 0 ? first : cnx_semantic_score_names[s]);
        if (out)
            cell(t, column, text);
        else
            widen(t, column, text);
        column++;
    }
    t->columns = column;
    if (out)
        end_row(t);
}

static void class_table(FILE *to, const cnx_semantic_report *report, unsigned columns)
{
    table t = {.to = to};
    double scores[CNX_SCORE_COUNT];
    header_row(&t, "Class", "", columns, false);
    for (int pass = 0; pass < 2; pass++) {
        if (pass) {
            rule(&t);
            header_row(&t, "Class", "", columns, true);
            rule(&t);
        }
        for (int c = 0; c < report->counts->classes; c++) {
            cnx_semantic_class_scores(scores, report->counts, c, &report->options);
            scores_row(&t, report->names[c], scores, columns, pass);
        }
    }
    rule(&t);
}

static void summary_table(FILE *to, const cnx_semantic_report *report, unsigned columns)
{
    table t = {.to = to};
    cnx_semantic_summary summary;
    char accuracy[CELL];
    cnx_semantic_summarise(&summary, report->counts, &report->options);
    percent(accuracy, summary.accuracy);
    header_row(&t, "aAcc", "m", columns, false);
    scores_row(&t, accuracy, summary.mean, columns, false);
    rule(&t);
    header_row(&t, "aAcc", "m", columns, true);
    rule(&t);
    scores_row(&t, accuracy, summary.mean, columns, true);
    rule(&t);
}

void cnx_semantic_write_tables(FILE *to, const cnx_semantic_report *report, unsigned metrics)
{
    const unsigned columns = columns_of(metrics);
    fputs("per class results:\n\n", to);
    class_table(to, report, columns);
    fputs("\nSummary:\n\n", to);
    summary_table(to, report, columns);
}
