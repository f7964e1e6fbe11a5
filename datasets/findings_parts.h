/* Inside findings: the list under construction, shared by the files that fill it. */
#ifndef CNX_DATASETS_FINDINGS_PARTS_H
#define CNX_DATASETS_FINDINGS_PARTS_H

#include "datasets/findings.h"

typedef struct cnx_diagnosis {
    cnx_findings *out;
    const cnx_dataset *dataset;
    const cnx_inspection *seen;
    const cnx_classes *classes; /* may be NULL */
    cnx_label_rules rules;
    bool failed; /* memory ran out */
} cnx_diagnosis;

/* Adds a finding and returns it, for examples and advice; NULL when memory ran out. */
cnx_finding *cnx_finding_add(cnx_diagnosis *d, cnx_finding_kind kind, const char *code,
                             const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* finding may be NULL. */
void cnx_finding_advise(cnx_diagnosis *d, cnx_finding *finding, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The items that are of one kind. */
typedef bool (*cnx_finding_test)(const cnx_diagnosis *d, size_t item);
typedef struct cnx_finding_group {
    size_t count;
    size_t examples[CNX_FINDING_EXAMPLES];
} cnx_finding_group;
cnx_finding_group cnx_finding_collect(const cnx_diagnosis *d, cnx_finding_test test);
void cnx_finding_illustrate(cnx_finding *finding, const cnx_finding_group *group);

/* "1 file", "3 files". */
#define CNX_COUNTED(n, one) (n), (n) == 1 ? one : one "s"

/* Files and their pairs; the numbers in them. */
void cnx_diagnose_files(cnx_diagnosis *d);
void cnx_diagnose_values(cnx_diagnosis *d);

#endif
