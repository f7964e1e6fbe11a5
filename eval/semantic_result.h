/* The scores of a run, to be compared with another's: read from JSON (eval/semantic_report.h) or made
 * from counts. */
#ifndef CNX_EVAL_SEMANTIC_RESULT_H
#define CNX_EVAL_SEMANTIC_RESULT_H

#include "eval/semantic_report.h"

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
/* The same from counts, without pictures. */
cnx_status cnx_semantic_result_make(cnx_semantic_result *out, const cnx_semantic_report *report,
                                    cnx_error *err);
/* Room for `count` pictures, which the caller fills in: each with a name from malloc. */
cnx_status cnx_semantic_result_add_pictures(cnx_semantic_result *result, size_t count,
                                            cnx_error *err);
void cnx_semantic_result_free(cnx_semantic_result *result); /* accepts a zeroed one */

#endif
