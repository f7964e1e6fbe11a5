/* What all evaluations begin and end with, whatever they score. */
#ifndef CNX_TOOLS_EVAL_FRAME_H
#define CNX_TOOLS_EVAL_FRAME_H

#include "eval/journal.h"
#include "tools/options.h"

/* The part of `all` pictures that --skip and --limit leave; folder: where they lie, for the message. */
cnx_status cnx_eval_part(size_t *first, size_t *count, size_t all, const char *folder,
                         cnx_int_arg skip, cnx_int_arg limit, cnx_error *err);

/* Where a run has got to, and what follows when it is through. */
typedef struct cnx_eval_end {
    size_t done, failed, count; /* pictures, those of earlier runs included */
    const char *journal_path;
    cnx_journal *journal;
    cnx_status (*tell)(void *user, cnx_error *err);   /* results, and the closing line */
    cnx_status (*remove)(void *user, cnx_error *err); /* what lies beside the journal; or NULL */
    void *user;
} cnx_eval_end;

/* Each returns the exit code. */
int cnx_eval_interrupted(const cnx_eval_end *end);
int cnx_eval_broken_off(const cnx_eval_end *end, int code); /* by a failure that has been told */
/* Tells the results; the journal goes when there is nothing left to be done. */
int cnx_eval_finish(const cnx_eval_end *end);

/* The closing line.  scored: since `started`. */
void cnx_eval_tell_end(size_t scored, size_t failed, double started, bool with_rate);

#endif
