#include "tools/compare_text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/utf8.h"

enum { MIN_WIDTH = 10, MAX_WIDTH = 60 };

/* ---- what belongs together ---- */

int cnx_compared_order(const void *a, const void *b)
{
    const cnx_compared *first = a, *second = b;
    const double x = isnan(first->change) ? -1 : fabs(first->change);
    const double y = isnan(second->change) ? -1 : fabs(second->change);
    if (x != y)
        return x > y ? -1 : 1;
    return first->a < second->a ? -1 : first->a > second->a;
}

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the comparison");
}

static cnx_status compare_classes(cnx_comparison *c, cnx_error *err)
{
    const cnx_semantic_result *a = c->runs[0], *b = c->runs[1];
    CNX_FAIL_IF(a->classes != b->classes, CNX_ERR_ARGUMENT,
                "%s has %d classes, %s has %d: they cannot be compared class by class", c->names[0],
                a->classes, c->names[1], b->classes);
    c->classes = calloc((size_t)a->classes, sizeof *c->classes);
    if (!c->classes)
        return out_of_memory(err);
    for (int i = 0; i < a->classes; i++)
        c->classes[i] =
            (cnx_compared){(size_t)i, (size_t)i, b->scores[i][c->score] - a->scores[i][c->score]};
    qsort(c->classes, (size_t)a->classes, sizeof *c->classes, cnx_compared_order);
    return CNX_OK;
}

typedef struct named {
    const char *name;
    size_t at;
} named;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static cnx_status compare_pictures(cnx_comparison *c, cnx_error *err)
{
    const cnx_semantic_result *a = c->runs[0], *b = c->runs[1];
    named *index = calloc(b->picture_count + 1, sizeof *index);
    c->pictures = calloc(a->picture_count + 1, sizeof *c->pictures);
    if (!index || !c->pictures) {
        free(index);
        return out_of_memory(err);
    }
    for (size_t i = 0; i < b->picture_count; i++)
        index[i] = (named){b->pictures[i].name, i};
    qsort(index, b->picture_count, sizeof *index, by_name);
    for (size_t i = 0; i < a->picture_count; i++) {
        const named key = {a->pictures[i].name, 0};
        const named *found = bsearch(&key, index, b->picture_count, sizeof *index, by_name);
        if (found)
            c->pictures[c->picture_count++] =
                (cnx_compared){i, found->at, b->pictures[found->at].miou - a->pictures[i].miou};
    }
    free(index);
    qsort(c->pictures, c->picture_count, sizeof *c->pictures, cnx_compared_order);
    c->alone[0] = a->picture_count - c->picture_count;
    c->alone[1] = b->picture_count - c->picture_count;
    return CNX_OK;
}

cnx_status cnx_comparison_make(cnx_comparison *comparison, cnx_error *err)
{
    CNX_TRY(compare_classes(comparison, err));
    return compare_pictures(comparison, err);
}

void cnx_comparison_free(cnx_comparison *comparison)
{
    free(comparison->classes);
    free(comparison->pictures);
    comparison->classes = comparison->pictures = NULL;
}

static size_t shown(const cnx_comparison *c, size_t count)
{
    return c->top && c->top < count ? c->top : count;
}

/* ---- for people ---- */

void cnx_print_padded(FILE *to, const char *text, int width)
{
    const int blanks = width - cnx_utf8_columns(text);
    for (const char *p = text; *p; p++)
        putc((unsigned char)*p < ' ' || *p == 0x7f ? '?' : *p, to);
    fprintf(to, "%*s", blanks > 0 ? blanks : 0, "");
}

static int wider(int width, const char *text)
{
    const int columns = cnx_utf8_columns(text);
    return columns > width ? columns < MAX_WIDTH ? columns : MAX_WIDTH : width;
}

/* A NaN without a sign, which printf would show. */
static double percent(double score)
{
    return isnan(score) ? fabs(score) : 100 * score;
}

/* Both values and their difference in per cent. */
static void print_values(FILE *to, double a, double b)
{
    fprintf(to, "  %7.2f  %7.2f", percent(a), percent(b));
    if (isnan(a) || isnan(b))
        fprintf(to, "  %7s", isnan(a) && isnan(b) ? "" : "nan");
    else
        fprintf(to, "  %+7.2f", 100 * (b - a));
}

static void print_row(FILE *to, const char *name, int width, double a, double b)
{
    fputs("  ", to);
    cnx_print_padded(to, name, width);
    print_values(to, a, b);
    putc('\n', to);
}

static void print_header(FILE *to, const char *title, int width)
{
    fputs("  ", to);
    cnx_print_padded(to, title, width);
    fprintf(to, "  %7s  %7s  %7s\n", "A", "B", "B - A");
}

static void print_summary(FILE *to, const cnx_comparison *c)
{
    const cnx_semantic_summary *a = &c->runs[0]->summary, *b = &c->runs[1]->summary;
    print_header(to, "", MIN_WIDTH);
    print_row(to, "aAcc", MIN_WIDTH, a->accuracy, b->accuracy);
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        char name[32];
        snprintf(name, sizeof name, "m%s", cnx_semantic_score_names[s]);
        print_row(to, name, MIN_WIDTH, a->mean[s], b->mean[s]);
    }
}

static void print_classes(FILE *to, const cnx_comparison *c)
{
    const cnx_semantic_result *a = c->runs[0], *b = c->runs[1];
    const size_t count = shown(c, (size_t)a->classes);
    int width = MIN_WIDTH;
    for (size_t i = 0; i < count; i++)
        width = wider(width, a->names[c->classes[i].a]);
    fprintf(to, "\n%s by class, the largest difference first (%zu of %d):\n\n",
            cnx_semantic_score_names[c->score], count, a->classes);
    print_header(to, "class", width);
    for (size_t i = 0; i < count; i++) {
        const size_t at = c->classes[i].a;
        print_row(to, a->names[at], width, a->scores[at][c->score], b->scores[at][c->score]);
    }
}

static void print_pictures(FILE *to, const cnx_comparison *c)
{
    const cnx_semantic_picture *a = c->runs[0]->pictures, *b = c->runs[1]->pictures;
    const size_t count = shown(c, c->picture_count);
    int width = MIN_WIDTH;
    for (size_t i = 0; i < count; i++)
        width = wider(width, a[c->pictures[i].a].name);
    fprintf(to, "\nmIoU by picture, the largest difference first (%zu of %zu):\n\n", count,
            c->picture_count);
    print_header(to, "picture", width);
    for (size_t i = 0; i < count; i++)
        print_row(to, a[c->pictures[i].a].name, width, a[c->pictures[i].a].miou,
                  b[c->pictures[i].b].miou);
}

void cnx_comparison_print(FILE *to, const cnx_comparison *comparison)
{
    fprintf(to, "A: %s\nB: %s\n\n", comparison->names[0], comparison->names[1]);
    print_summary(to, comparison);
    print_classes(to, comparison);
    if (comparison->picture_count)
        print_pictures(to, comparison);
}

/* ---- for machines ---- */

static void put_values(FILE *to, const char *prefix, const char *name, double a, double b)
{
    fprintf(to, "\"%s%s\":{\"a\":", prefix, name);
    cnx_json_put_number(to, a);
    fputs(",\"b\":", to);
    cnx_json_put_number(to, b);
    fputs(",\"difference\":", to);
    cnx_json_put_number(to, b - a);
    putc('}', to);
}

static void put_class(FILE *to, const cnx_comparison *c, size_t at)
{
    fputs("{\"name\":", to);
    cnx_json_put_string(to, c->runs[0]->names[at]);
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        putc(',', to);
        put_values(to, "", cnx_semantic_score_names[s], c->runs[0]->scores[at][s],
                   c->runs[1]->scores[at][s]);
    }
    putc('}', to);
}

static void put_picture(FILE *to, const cnx_semantic_picture *a, const cnx_semantic_picture *b)
{
    fputs("{\"name\":", to);
    cnx_json_put_string(to, a->name);
    putc(',', to);
    put_values(to, "a", "Acc", a->accuracy, b->accuracy);
    putc(',', to);
    put_values(to, "m", "IoU", a->miou, b->miou);
    putc('}', to);
}

void cnx_comparison_print_json(FILE *to, const cnx_comparison *c)
{
    const cnx_semantic_result *a = c->runs[0], *b = c->runs[1];
    fputs("{\"a\":", to);
    cnx_json_put_string(to, c->names[0]);
    fputs(",\"b\":", to);
    cnx_json_put_string(to, c->names[1]);
    putc(',', to);
    put_values(to, "a", "Acc", a->summary.accuracy, b->summary.accuracy);
    for (int s = 0; s < CNX_SCORE_COUNT; s++) {
        putc(',', to);
        put_values(to, "m", cnx_semantic_score_names[s], a->summary.mean[s], b->summary.mean[s]);
    }
    fputs(",\"classes\":[", to);
    for (size_t i = 0; i < shown(c, (size_t)a->classes); i++) {
        fputs(i ? "," : "", to);
        put_class(to, c, c->classes[i].a);
    }
    fprintf(to, "],\"pictures\":%zu,\"only_a\":%zu,\"only_b\":%zu,\"images\":[", c->picture_count,
            c->alone[0], c->alone[1]);
    for (size_t i = 0; i < shown(c, c->picture_count); i++) {
        fputs(i ? "," : "", to);
        put_picture(to, &a->pictures[c->pictures[i].a], &b->pictures[c->pictures[i].b]);
    }
    fputs("]}\n", to);
}
