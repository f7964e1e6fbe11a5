#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "datasets/findings_parts.h"

void cnx_findings_free(cnx_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        free(findings->items[i].text);
        free(findings->items[i].advice);
    }
    free(findings->items);
    *findings = (cnx_findings){0};
}

cnx_finding *cnx_finding_add(cnx_diagnosis *d, cnx_finding_kind kind, const char *code,
                             const char *fmt, ...)
{
    cnx_findings *out = d->out;
    cnx_finding *items = realloc(out->items, (out->count + 1) * sizeof *items);
    if (items)
        out->items = items;
    cnx_finding finding = {.kind = kind, .code = code};
    va_list args;
    va_start(args, fmt);
    if (!items || vasprintf(&finding.text, fmt, args) < 0)
        d->failed = true;
    va_end(args);
    if (d->failed)
        return NULL;
    out->items[out->count] = finding;
    out->problems += kind == CNX_FINDING_PROBLEM;
    return &out->items[out->count++];
}

void cnx_finding_advise(cnx_diagnosis *d, cnx_finding *finding, const char *fmt, ...)
{
    if (!finding)
        return;
    va_list args;
    va_start(args, fmt);
    if (vasprintf(&finding->advice, fmt, args) < 0) {
        finding->advice = NULL;
        d->failed = true;
    }
    va_end(args);
}

cnx_finding_group cnx_finding_collect(const cnx_diagnosis *d, cnx_finding_test test)
{
    cnx_finding_group group = {0};
    for (size_t i = 0; i < d->dataset->count; i++) {
        if (!test(d, i))
            continue;
        if (group.count < CNX_FINDING_EXAMPLES)
            group.examples[group.count] = i;
        group.count++;
    }
    return group;
}

void cnx_finding_illustrate(cnx_finding *finding, const cnx_finding_group *group)
{
    if (!finding)
        return;
    finding->count = group->count;
    finding->example_count =
        group->count < CNX_FINDING_EXAMPLES ? (int)group->count : CNX_FINDING_EXAMPLES;
    for (int i = 0; i < finding->example_count; i++)
        finding->examples[i] = group->examples[i];
}

static void sort_by_kind(cnx_findings *findings)
{
    for (size_t i = 1; i < findings->count; i++) { /* stable, and there are few */
        const cnx_finding moved = findings->items[i];
        size_t k = i;
        for (; k > 0 && findings->items[k - 1].kind > moved.kind; k--)
            findings->items[k] = findings->items[k - 1];
        findings->items[k] = moved;
    }
}

cnx_status cnx_findings_make(cnx_findings *out, const cnx_dataset *dataset,
                             const cnx_inspection *inspection, const cnx_classes *classes,
                             const cnx_label_rules *rules, cnx_error *err)
{
    *out = (cnx_findings){0};
    cnx_diagnosis d = {
        .out = out, .dataset = dataset, .seen = inspection, .classes = classes, .rules = *rules};
    cnx_diagnose_files(&d);
    cnx_diagnose_values(&d);
    if (d.failed) {
        cnx_findings_free(out);
        return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the findings");
    }
    sort_by_kind(out);
    return CNX_OK;
}
