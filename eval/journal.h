/*
 * What a long evaluation has done so far, on disk: one line a picture, so that a run that was cut off,
 * by a signal or by the power, goes on where it stopped and ends in the same numbers.
 *
 * The first line says which run the journal belongs to; each further line is one record: what it is
 * worth to the caller, behind a checksum.  Lines are only ever added, each by one write.  A line that
 * the cut left unfinished, and whatever stands behind the first damaged one, is dropped when the
 * journal is opened again: those pictures are done once more.
 */
#ifndef CNX_EVAL_JOURNAL_H
#define CNX_EVAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct cnx_journal cnx_journal;

/* One record that was kept: `text` is a line without its end, `index` the picture's place in the
 * data set.  Anything but CNX_OK ends the opening with that status. */
typedef cnx_status (*cnx_journal_record)(void *user, size_t index, const char *text,
                                         cnx_error *err);

typedef struct cnx_journal_found {
    size_t kept;    /* records that were handed over */
    size_t dropped; /* bytes behind the last whole record */
} cnx_journal_found;

/*
 * Opens the journal at `path`, making it when it is not there.  run: one line of text that says what
 * decides the numbers (model, data, pipeline); a journal of another run is CNX_ERR_ARGUMENT that
 * shows both.  resume false: one that is there already is CNX_ERR_IO.  A journal that another
 * process has open is CNX_ERR_IO.  Records are handed to `record` in the order of the file; an index
 * of `count` or more, or one that stood there before, counts as damage.
 */
cnx_status cnx_journal_open(cnx_journal **out, const char *path, const char *run, size_t count,
                            bool resume, cnx_journal_record record, void *user,
                            cnx_journal_found *found, cnx_error *err);

/* Adds a record; `text` has no line end.  It is with the operating system when this returns. */
cnx_status cnx_journal_add(cnx_journal *journal, size_t index, const char *text, cnx_error *err);

/* Everything added so far survives the power's going: before results are written. */
cnx_status cnx_journal_sync(cnx_journal *journal, cnx_error *err);

/* Was this picture in the journal when it was opened, or added since? */
bool cnx_journal_has(const cnx_journal *journal, size_t index);

/* Takes the file away: the run is finished and its results are written. */
cnx_status cnx_journal_remove(cnx_journal *journal, cnx_error *err);

void cnx_journal_close(cnx_journal **journal); /* accepts NULL */

#endif
