/* What is wrong with a data set, in words, and what mends it. */
#ifndef CNX_DATASETS_FINDINGS_H
#define CNX_DATASETS_FINDINGS_H

#include "datasets/inspect.h"

typedef enum cnx_finding_kind {
    CNX_FINDING_PROBLEM, /* scores would fail or be wrong */
    CNX_FINDING_WARNING, /* they may be */
    CNX_FINDING_NOTE     /* looks odd, is right */
} cnx_finding_kind;

enum { CNX_FINDING_EXAMPLES = 3 };

typedef struct cnx_finding {
    cnx_finding_kind kind;
    const char *code; /* for programs: "size-mismatch" */
    char *text;       /* owned; what was found */
    char *advice;     /* owned; what to do about it; may be NULL */
    size_t count;     /* how many items it is about; 0: the data set as a whole */
    size_t examples[CNX_FINDING_EXAMPLES]; /* the first of them: indices into the data set */
    int example_count;
} cnx_finding;

typedef struct cnx_findings {
    cnx_finding *items; /* owned; problems first */
    size_t count, problems;
} cnx_findings;

/*
 * Judges what an inspection saw.  classes: what the labels should be; NULL when that is not known,
 * with `rules` for how they are stored.  Fails only when memory runs out; the caller frees *out,
 * which is empty then.
 */
cnx_status cnx_findings_make(cnx_findings *out, const cnx_dataset *dataset,
                             const cnx_inspection *inspection, const cnx_classes *classes,
                             const cnx_label_rules *rules, cnx_error *err);
void cnx_findings_free(cnx_findings *findings); /* accepts zeroed ones */

#endif
