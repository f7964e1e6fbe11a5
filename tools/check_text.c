/* The report of cnx check for people. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check_report.h"
#include "tools/console.h"
#include "tools/words.h"

enum { VALUES_SHOWN = 24, COLUMNS = 96 };

const char *cnx_finding_kind_name(cnx_finding_kind kind)
{
    static const char *const names[] = {"problem", "warning", "note"};
    return names[kind];
}

const char *cnx_check_meaning(const cnx_check_report *report, int stored)
{
    const int class_number = cnx_label_class(&report->rules, stored);
    if (class_number == report->rules.ignore)
        return "(ignored)";
    if (!report->classes)
        return "";
    return class_number < report->classes->count ? report->classes->names[class_number]
                                                 : "(no class)";
}

/* Names come from files: nothing in them may steer the terminal. */
static void print_safely(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void print_safely(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    const int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0)
        return;
    cnx_words_printable(text);
    fputs(text, stdout);
    free(text);
}

static void print_kinds(const cnx_check_report *r)
{
    size_t palette = 0, wide = 0;
    int least_w = 0, least_h = 0, most_w = 0, most_h = 0;
    for (size_t i = 0; i < r->seen->count; i++) {
        const cnx_inspected *f = &r->seen->files[i];
        if (!f->width || f->label_problem)
            continue;
        const bool first = most_w == 0;
        palette += f->palette;
        wide += f->bits == 16;
        least_w = first || f->width < least_w ? f->width : least_w;
        least_h = first || f->height < least_h ? f->height : least_h;
        most_w = f->width > most_w ? f->width : most_w;
        most_h = f->height > most_h ? f->height : most_h;
    }
    if (r->seen->used == 0)
        return;
    printf("labels      %zu usable", r->seen->used);
    if (palette)
        printf(", %zu with a palette", palette);
    if (wide)
        printf(", %zu of 16 bits", wide);
    if (least_w == most_w && least_h == most_h)
        printf("; %d x %d", most_w, most_h);
    else
        printf("; %d x %d to %d x %d", least_w, least_h, most_w, most_h);
    printf("; %s pixels\n", cnx_words_count((size_t)r->seen->pixels).text);
}

/* A plain number of classes has no name but that number. */
static void print_classes(const cnx_classes *classes)
{
    char plain[32];
    snprintf(plain, sizeof plain, "%d class", classes->count);
    if (strncmp(classes->name, plain, strlen(plain)) == 0)
        print_safely("classes     %d", classes->count);
    else
        print_safely("classes     %s, %d", classes->name, classes->count);
}

static void print_head(const cnx_check_report *r)
{
    const cnx_dataset *d = r->dataset;
    if (d->images)
        print_safely("pictures    %s: %zu\n", d->images, d->pairs + d->images_alone);
    print_safely("labels in   %s: %zu\n", d->labels, d->pairs + d->labels_alone);
    if (d->images)
        printf("pairs       %zu (layout: %s)\n", d->pairs, d->layout);
    if (r->classes)
        print_classes(r->classes);
    else
        printf("classes     not given");
    if (r->rules.coding == CNX_LABELS_RGB16)
        printf("; stored as red + 256 green");
    if (r->rules.reduce_zero_label)
        printf("; 0 is left out, others count as one less");
    if (r->rules.ignore >= 0)
        printf("; %d is ignored", r->rules.ignore);
    putchar('\n');
    print_kinds(r);
}

/* The values with the most pixels are shown, in the order of values. */
static uint64_t least_shown(const cnx_check_report *r, int *distinct)
{
    uint64_t bound = 0;
    *distinct = 0;
    for (int v = 0; v < CNX_LABEL_VALUES; v++)
        *distinct += r->seen->values[v].files > 0;
    if (r->all_values || *distinct <= VALUES_SHOWN)
        return 0;
    uint64_t most[VALUES_SHOWN] = {0};
    for (int v = 0; v < CNX_LABEL_VALUES; v++) {
        uint64_t pixels = r->seen->values[v].pixels;
        for (int i = 0; i < VALUES_SHOWN && pixels; i++)
            if (pixels > most[i]) {
                const uint64_t moved = most[i];
                most[i] = pixels;
                pixels = moved;
            }
    }
    bound = most[VALUES_SHOWN - 1];
    return bound;
}

static void print_values(const cnx_check_report *r)
{
    int distinct, shown = 0;
    const uint64_t bound = least_shown(r, &distinct);
    if (distinct == 0)
        return;
    printf("\n%7s  %-28s %16s %8s %8s\n", "value", "class", "pixels", "share", "files");
    for (int v = 0; v < CNX_LABEL_VALUES; v++) {
        const cnx_value_use *use = &r->seen->values[v];
        if (!use->files || use->pixels < bound)
            continue;
        print_safely("%7d  %-28.28s %16s %6.2f %% %8u\n", v, cnx_check_meaning(r, v),
                     cnx_words_count((size_t)use->pixels).text,
                     100.0 * (double)use->pixels / (double)r->seen->pixels, use->files);
        shown++;
    }
    if (shown < distinct)
        printf("         and %d rarer values (--all shows them)\n", distinct - shown);
}

static void print_wrapped(const char *text, int indent)
{
    int column = indent;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        print_safely("%.*s", length, text);
        column += length;
        text += length;
        text += *text == ' ';
    }
    putchar('\n');
}

static void print_finding(const cnx_check_report *r, const cnx_finding *f)
{
    const char *kind = cnx_finding_kind_name(f->kind);
    printf("\n%s: ", kind);
    print_wrapped(f->text, (int)strlen(kind) + 2);
    for (int i = 0; i < f->example_count; i++) {
        const cnx_dataset_item *item = &r->dataset->items[f->examples[i]];
        print_safely("    %s\n", item->labels ? item->labels : item->image);
    }
    if (f->example_count && f->count > (size_t)f->example_count)
        printf("    and %zu more\n", f->count - (size_t)f->example_count);
    if (f->advice) {
        printf("  try: ");
        print_wrapped(f->advice, 7);
    }
}

cnx_status cnx_check_text(const cnx_check_report *report, cnx_error *err)
{
    const cnx_findings *findings = report->findings;
    print_head(report);
    print_values(report);
    for (size_t i = 0; i < findings->count; i++)
        print_finding(report, &findings->items[i]);
    if (findings->problems)
        printf("\n%zu problem%s\n", findings->problems, findings->problems == 1 ? "" : "s");
    else
        printf("\nno problems\n");
    return cnx_console_flush(err);
}
