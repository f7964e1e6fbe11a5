/* The counts of one picture as a line of text, for the journal. */
#ifndef CNX_EVAL_SEMANTIC_RECORD_H
#define CNX_EVAL_SEMANTIC_RECORD_H

#include "eval/semantic.h"

/*
 * "<classes> <index>:<value>,... <index>:<value>,...": what is not zero of the counts' values, then of
 * the confusion matrix (NULL: left out).  The caller frees *out.
 */
cnx_status cnx_semantic_record_write(char **out, const cnx_semantic_counts *counts,
                                     const int64_t *confusion, cnx_error *err);

/*
 * Fills counts with what the line says and adds its matrix to `confusion` (NULL: it is read past).
 * A line of another number of classes, or that cannot be counts, is CNX_ERR_FORMAT; the matrix may then have been
 * added to in part.
 */
cnx_status cnx_semantic_record_read(const char *text, cnx_semantic_counts *counts,
                                    int64_t *confusion, cnx_error *err);

#endif
