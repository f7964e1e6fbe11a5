/* What cnx check tells, for people and for programs. */
#ifndef CNX_TOOLS_CHECK_REPORT_H
#define CNX_TOOLS_CHECK_REPORT_H

#include "datasets/findings.h"

typedef struct cnx_check_report {
    const cnx_dataset *dataset;
    const cnx_inspection *seen;
    const cnx_findings *findings;
    const cnx_classes *classes; /* NULL: not given */
    cnx_label_rules rules;
    bool all_values; /* list all of them, however many */
} cnx_check_report;

/* On standard output. */
cnx_status cnx_check_text(const cnx_check_report *report, cnx_error *err);
cnx_status cnx_check_json(const cnx_check_report *report, cnx_error *err);

/* "ignored", a class's name, "" where there is none, or "no class". */
const char *cnx_check_meaning(const cnx_check_report *report, int stored);
/* "problem", "warning", "note". */
const char *cnx_finding_kind_name(cnx_finding_kind kind);

#endif
