/* Tensors of a model file that nothing asked for. */
#ifndef CNX_TOOLS_LEFTOVERS_H
#define CNX_TOOLS_LEFTOVERS_H

#include "heads/model.h"

/* Warns, in one line with their number and the first name, when the file holds tensors that are no
 * part of the model and are not known as left out (an exponential average, another head). */
void cnx_leftovers_warn(const cnx_model_file *file);

#endif
