/* Two runs side by side: what differs most first. */
#ifndef CNX_TOOLS_COMPARE_TEXT_H
#define CNX_TOOLS_COMPARE_TEXT_H

#include <stdio.h>

#include "eval/semantic_result.h"

/* Something of both runs, by its place in each. */
typedef struct cnx_compared {
    size_t a, b;
    double change; /* b - a of what it is sorted by; NaN where either is NaN */
} cnx_compared;

typedef struct cnx_comparison {
    const char *names[2]; /* how the runs are called: their paths */
    const cnx_semantic_result *runs[2];
    cnx_semantic_score score; /* by which classes are sorted; pictures go by mIoU */
    size_t top;               /* how many are shown; 0: all */
    cnx_compared *classes;    /* owned; [runs[0]->classes], the largest change first */
    cnx_compared *pictures;   /* owned; those that both runs have, the same */
    size_t picture_count;
    size_t alone[2]; /* pictures that only one run has */
} cnx_comparison;

/* Fills in what is owned, from the rest.  Runs with other numbers of classes are CNX_ERR_ARGUMENT.
 * The caller frees it in any case. */
cnx_status cnx_comparison_make(cnx_comparison *comparison, cnx_error *err);
void cnx_comparison_free(cnx_comparison *comparison);

void cnx_comparison_print(FILE *to, const cnx_comparison *comparison);
void cnx_comparison_print_json(FILE *to, const cnx_comparison *comparison);

/* The larger change first, NaN last, otherwise in order of place. */
int cnx_compared_order(const void *a, const void *b);

/* A text, its control characters as '?', and blanks up to `width` columns. */
void cnx_print_padded(FILE *to, const char *text, int width);

#endif
