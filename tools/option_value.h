/* One typed value of a command line. */
#ifndef CNX_TOOLS_OPTION_VALUE_H
#define CNX_TOOLS_OPTION_VALUE_H

#include "tools/options.h"

/* Parses text into the cnx_*_arg at `target` as the option's kind says; `given` is the caller's to
 * set.  A message does not name the flag; the caller does. */
cnx_status cnx_option_value(const cnx_option *option, const char *text, void *target,
                            cnx_error *err);

#endif
