/* The journal of an evaluation: where it lies, whose it is, and what is said about it. */
#ifndef CNX_TOOLS_EVAL_JOURNAL_H
#define CNX_TOOLS_EVAL_JOURNAL_H

#include "eval/journal.h"
#include "tools/options.h"

/* How many bytes a file has and their CRC-32: "1234 bytes 89abcdef". */
typedef struct cnx_file_check {
    char text[64];
} cnx_file_check;
cnx_status cnx_file_check_of(cnx_file_check *out, const char *path, cnx_error *err);

/* What a journal is opened for. */
typedef struct cnx_eval_journal_request {
    cnx_text_arg journal; /* --journal */
    const char *model;    /* path, or NULL; names the journal unless --journal does */
    const char *identity; /* what decides the numbers, in one line */
    size_t count;         /* pictures */
    bool resume, quiet;
    cnx_journal_record record;
    void *user; /* for record */
} cnx_eval_journal_request;

/* Opens it and tells what was found.  The caller frees *path. */
cnx_status cnx_eval_journal_open(cnx_journal **out, char **path,
                                 const cnx_eval_journal_request *request, cnx_error *err);

#endif
