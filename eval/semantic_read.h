/* Results that were written as JSON (eval/semantic_report.h), read back. */
#ifndef CNX_EVAL_SEMANTIC_READ_H
#define CNX_EVAL_SEMANTIC_READ_H

#include "eval/semantic_scores.h"

typedef struct cnx_semantic_picture {
    char *name; /* owned by the result */
    double accuracy, miou;
} cnx_semantic_picture;

typedef struct cnx_semantic_result {
    cnx_semantic_summary summary;
    int classes;
    char **names;                      /* owned, [classes] */
    double (*scores)[CNX_SCORE_COUNT]; /* owned, [classes]; NaN where the file has null */
    size_t picture_count;              /* 0 where the file lists none */
    cnx_semantic_picture *pictures;    /* owned */
} cnx_semantic_result;

/*
 * The object may have further members.  A file that is no such result is CNX_ERR_FORMAT.  Whether
 * it succeeds or not, the caller frees *out.
 */
cnx_status cnx_semantic_result_read(cnx_semantic_result *out, const char *path, cnx_error *err);
void cnx_semantic_result_free(cnx_semantic_result *result); /* accepts a zeroed one */

#endif
