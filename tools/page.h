/*
 * A report as one HTML page that needs nothing else: style, script and pictures are inside, and
 * nothing is asked of any network.  The parts are written in order to a stream, whose error state
 * tells in the end whether all of it could be written.  Every text is escaped here.
 */
#ifndef CNX_TOOLS_PAGE_H
#define CNX_TOOLS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/image/image.h"

void cnx_page_begin(FILE *to, const char *title, const char *subtitle);
void cnx_page_end(FILE *to);

/* Text, escaped. */
void cnx_page_text(FILE *to, const char *text);
/* A heading, and a paragraph below it (may be NULL). */
void cnx_page_section(FILE *to, const char *heading, const char *text);

/* ---- tables ---- */

typedef struct cnx_page_column {
    const char *name;
    bool word;    /* else a number */
    int decimals; /* of a number; negative: a whole number */
} cnx_page_column;

/* A cell: text for a column of words, value (NaN: empty) for one of numbers. */
typedef struct cnx_page_cell {
    const char *text;
    double value;
} cnx_page_cell;

/* sorts: its columns' heads can be clicked, and it scrolls when it is long. */
void cnx_page_table_begin(FILE *to, const char *id, const cnx_page_column *columns, int count,
                          bool sorts);
void cnx_page_table_row(FILE *to, const cnx_page_column *columns, int count,
                        const cnx_page_cell *cells);
void cnx_page_table_end(FILE *to, bool sorts);

/* ---- drawings ---- */

/* Of more classes than this no matrix is drawn. */
#define CNX_PAGE_MATRIX_CLASSES 600

/* confusion: [classes][classes], row the truth, column the prediction; each row is shown as shares. */
void cnx_page_matrix(FILE *to, const char *const *names, int classes, const int64_t *confusion);

/* Points from (0, 0) to (1, 1), joined by lines; those with a NaN leave a gap. */
typedef struct cnx_page_curve {
    const char *name;
    const double *x, *y; /* [count] */
    int count;
} cnx_page_curve;
void cnx_page_curves(FILE *to, const char *x_label, const char *y_label,
                     const cnx_page_curve *curves, int count);

typedef struct cnx_page_view {
    const char *caption;
    const cnx_image *image;
} cnx_page_view;

void cnx_page_pictures_begin(FILE *to);
/* Some views of one thing, side by side.  Fails when memory runs out. */
cnx_status cnx_page_picture(FILE *to, const char *caption, const cnx_page_view *views, int count,
                            cnx_error *err);
void cnx_page_pictures_end(FILE *to);

/* ---- facts ---- */

void cnx_page_facts_begin(FILE *to);
void cnx_page_fact(FILE *to, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void cnx_page_facts_end(FILE *to);

#endif
