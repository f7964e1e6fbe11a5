/* Rows of option tables that several subcommands share; `type` is the subcommand's struct, whose fields
 * are named as the flags. */
#ifndef CNX_TOOLS_RUN_ARGS_H
#define CNX_TOOLS_RUN_ARGS_H

#include "tools/options.h"

/* clang-format off */
#define CNX_THREADS_OPTION(type)                                                                   \
    {CNX_OPT_INT, 0, "threads", "N", "threads; the results do not depend on it",                   \
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = offsetof(type, threads)}

#define CNX_QUIET_OPTIONS(type)                                                                    \
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but warnings and errors",      \
     .offset = offsetof(type, quiet)},                                                             \
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines",                                  \
     .offset = offsetof(type, no_progress)}
/* clang-format on */

#endif
