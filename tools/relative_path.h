/* Paths as seen from another folder. */
#ifndef CNX_TOOLS_RELATIVE_PATH_H
#define CNX_TOOLS_RELATIVE_PATH_H

#include "core/status.h"

/* How a file at `path` is reached from inside `folder`: "../photos/a.jpg".  Links are followed; where
 * one of the two is not there, the path's last part.  The caller frees *out. */
cnx_status cnx_relative_path(char **out, const char *folder, const char *path, cnx_error *err);

#endif
