/* What stands before any picture of a session is touched. */
#ifndef CNX_TOOLS_SESSION_BEGIN_H
#define CNX_TOOLS_SESSION_BEGIN_H

#include "heads/ensemble.h"
#include "tools/outputs.h"
#include "tools/session.h"

/* Gathers the inputs, catches signals, counts the threads.  Before any thread is made. */
cnx_status cnx_session_begin(cnx_session *s, const cnx_operands *operands, cnx_error *err);

/* Are the results' names and places free, and, but for --keep-going, all inputs there? */
cnx_status cnx_session_check(const cnx_session *s, const cnx_outputs *outputs, cnx_error *err);

/* Opens the model's file, or the demo model of that task, once it is clear that the kernels are there.
 * One for another task is refused. */
cnx_status cnx_session_open_file(const cnx_session *s, cnx_model_file *file, cnx_task task,
                                 cnx_error *err);

/* The same for one of several models. */
cnx_status cnx_session_open_named(const cnx_session *s, cnx_model_file *file, const char *path,
                                  cnx_task task, cnx_error *err);

/* Reads and packs the weights into s->model. */
typedef cnx_status (*cnx_network_opener)(cnx_session *s, cnx_model_file *file, cnx_error *err);

/* Has `open` do that, and meanwhile loads the decoder. */
cnx_status cnx_session_open_network(cnx_session *s, cnx_model_file *file, cnx_network_opener open,
                                    cnx_error *err);

/* Opens the files of all models, or the demo model of the task, and has `open` read each. */
cnx_status cnx_session_open_models(cnx_session *s, cnx_task task, cnx_network_opener open,
                                   cnx_error *err);
/* Once they are open: what their weights take in memory, which --max-memory may forbid, and what each
 * counts in the average, as a group has it. */
cnx_status cnx_session_weigh_models(cnx_session *s, size_t weights_bytes, double *shares,
                                    cnx_average *average, cnx_error *err);

/* All pictures, with a progress line. */
void cnx_session_do(cnx_session *s);

/* A part of a subcommand's own. */
typedef cnx_status (*cnx_session_step)(cnx_session *s, cnx_error *err);
/*
 * A subcommand from its operands to its exit code: `prepare` checks and opens what comes before any
 * picture; `complete`, which may be NULL, puts the files of the whole run into place, unless a failure
 * ended it.  s: zeroed but for errand, args and model, which stays the caller's to close.
 */
int cnx_session_command(cnx_session *s, const cnx_operands *operands, cnx_session_step prepare,
                        cnx_session_step complete);

#endif
