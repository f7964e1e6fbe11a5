/* What stands before any picture of a session is touched. */
#ifndef CNX_TOOLS_SESSION_BEGIN_H
#define CNX_TOOLS_SESSION_BEGIN_H

#include "heads/model.h"
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

/* All pictures, with a progress line. */
void cnx_session_do(cnx_session *s);

#endif
